"""Checks of image files: size, shape and mode, and the text inside them."""

from __future__ import annotations

from roco.evaluate.checks.check import Measured, Row
from roco.evaluate.report.content import NotAvailable
from roco.evaluate.report.inputs import Inputs

SMALLEST_SIDE = 64
"""Pixels; smaller images are icons or thumbnails."""
MOST_STRETCHED = 5.0
"""Ratio of the longer to the shorter side."""
UNUSUAL_MODES = ("CMYK", "P", "1", "LA", "PA", "RGBA")
CAPTION_WORDS, CAPTION_SHARE = 5, 0.5
"""An image contains its caption from this many words in a row, or this share of its words."""


def unusual_size(inputs: Inputs) -> Measured:
    """Images with a side under 64 pixels, or five times as long as the other: icons, strips and scales."""
    rows = []
    columns = (inputs.values(name) for name in ("id", "width", "height"))
    for id, width, height in zip(*columns, strict=True):
        if (
            width
            and height
            and (min(width, height) < SMALLEST_SIDE or max(width, height) > MOST_STRETCHED * min(width, height))
        ):
            rows.append(Row(id, f"{width} x {height}"))
    return Measured(len(rows), inputs.size, rows)


def unusual_mode(inputs: Inputs) -> Measured:
    """Images in CMYK, with a palette, with transparency or of one bit, which training code often reads wrongly."""
    pairs = zip(inputs.values("id"), inputs.values("mode"), strict=True)
    rows = [Row(id, mode) for id, mode in pairs if mode in UNUSUAL_MODES]
    return Measured(len(rows), inputs.size, rows)


def no_contrast(inputs: Inputs) -> Measured:
    """Images without contrast: blank, or almost of one colour (no perceptual hash)."""
    pairs = zip(inputs.values("id"), inputs.values("phash"), strict=True)
    rows = [Row(id, "no contrast") for id, phash in pairs if phash is None]
    return Measured(len(rows), inputs.size, rows)


def several_panels(inputs: Inputs) -> Measured:
    """Images that the filter for compound figures, at the threshold of 0.5, takes for several panels."""
    pairs = zip(inputs.values("id"), inputs.values("compound_score"), strict=True)
    rows = [Row(id, f"score {score:.2f}") for id, score in pairs if score is not None and score >= 0.5]
    return Measured(len(rows), inputs.size, rows)


def caption_in_image(inputs: Inputs) -> Measured:
    """Images that contain their own caption: five of its words in a row, or half of its words (guideline S14)."""
    rows, checked = [], 0
    columns = (inputs.values(name) for name in ("id", "text_read", "caption_run", "caption_overlap"))
    for id, read, run, overlap in zip(*columns, strict=True):
        checked += read is not None
        if (run or 0) >= CAPTION_WORDS or (overlap or 0) >= CAPTION_SHARE:
            rows.append(Row(id, f"{run or 0} words in a row, {overlap or 0:.0%} of the words"))
    return _screened(rows, checked)


def identifying_text(inputs: Inputs) -> Measured:
    """Images with text that may identify a person, such as a name, a date of birth or a number; the text is not
    shown."""
    rows, checked = [], 0
    columns = (inputs.values(name) for name in ("id", "text_read", "identifying_text"))
    for id, read, kinds in zip(*columns, strict=True):
        checked += read is not None
        if kinds:
            rows.append(Row(id, ", ".join(kinds)))
    return _screened(rows, checked)


def identifying_fields(inputs: Inputs) -> Measured:
    """Images whose metadata (EXIF, XMP, IPTC, comment) have fields that may name people or places."""
    pairs = zip(inputs.values("id"), inputs.values("identifying_fields"), strict=True)
    rows = [Row(id, ", ".join(fields)) for id, fields in pairs if fields]
    return Measured(len(rows), inputs.size, rows)


def _screened(rows: list[Row], checked: int) -> Measured:
    if not checked:
        raise NotAvailable("no image was screened for text: add the stage screen")
    return Measured(len(rows), checked, rows)
