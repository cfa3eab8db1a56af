"""Text in the images: how much there is, and what the stage `screen` flags."""

from __future__ import annotations

from collections import Counter

import numpy as np

from roco.evaluate.report.by_split import UNKNOWN, by_split, modalities, share
from roco.evaluate.report.content import Content, NotAvailable
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.plots import Bars
from roco.evaluate.report.quantiles import distributions
from roco.evaluate.report.render import Cell, ReportTable

FLAGS = {
    "text": "much text in the image",
    "caption": "the image contains its own caption",
    "panels": "panel letters in the image",
    "identity": "text that may identify a person",
    "unread": "text could not be looked for",
}
"""Values of the column `screening` -> in words."""
READ = {"ocr": "OCR", "gate": "no edges like those of text: OCR was not needed", "failed": "OCR failed"}
"""Values of the column `text_read` -> in words."""


def burned_in_text(inputs: Inputs) -> Content:
    """Text in the pixels of the images, which OCR looked for: the share of the area that it covers, and the number of
    its words, by modality. An image without edges like those of text counts as one without text."""
    how = inputs.values("text_read")
    if not any(how):
        raise NotAvailable("text was not looked for in any image")
    counted = by_split(
        inputs, "text-read", "Images by how text was looked for", "how", [one or UNKNOWN for one in how], READ
    )
    percent = 100 * inputs.column("text_share").to_numpy().astype(np.float64)
    words = inputs.column("text_words").to_numpy().astype(np.float64)
    known = np.isfinite(words)
    groups = modalities(inputs)
    area = distributions("text-share", "Area of text by modality", "% of the area of an image", percent, groups)
    number = distributions("text-words", "Words in an image by modality", "words in an image", words, groups)
    rows: list[tuple[Cell, ...]] = []
    for group in ("all", *sorted(set(groups))):
        chosen = known & np.array([group in ("all", one) for one in groups])
        if chosen.any():
            with_text = int((words[chosen] > 0).sum())
            rows.append((group, int(chosen.sum()), with_text, with_text / int(chosen.sum())))
    table = ReportTable("Images with text by modality", ("modality", "images", "with text", "share"), rows)
    return Content(tables=(counted.table, table, area.table, number.table), plots=(area.plot, number.plot))


def screening(inputs: Inputs) -> Content:
    """What the stage screen flags, by split: much text, a caption inside the image, panel letters, text that may
    identify a person, and images whose text could not be read; an image may have several flags. Kinds of identifying
    text are counted, never shown."""
    flags = [one or () for one in inputs.values("screening")]
    splits = inputs.values("split")
    counts = Counter((flag, split) for of_image, split in zip(flags, splits, strict=True) for flag in of_image)
    order = [*FLAGS, *sorted({flag for flag, _ in counts} - set(FLAGS))]
    rows: list[tuple[Cell, ...]] = []
    for flag in order:
        by_split = [counts[flag, split] for split in inputs.splits]
        rows.append((FLAGS.get(flag, flag), *by_split, sum(by_split), share(sum(by_split), inputs.size)))
    flagged = sum(map(bool, flags))
    tables = [ReportTable("Flagged images", ("flag", *inputs.splits, "all", "share"), rows)]
    if "identifying_text" in inputs.available:
        kinds = Counter(kind for of_image in inputs.values("identifying_text") for kind in of_image or ())
        of_kind: list[tuple[Cell, ...]] = [(kind, n, share(n, inputs.size)) for kind, n in kinds.most_common()]
        tables.append(ReportTable("Kinds of text that may identify a person", ("kind", "images", "share"), of_kind))
    plot = Bars(
        name="screening",
        title="Flagged images",
        alt=f"Bar chart of the flags of screening; {flagged:,} of {inputs.size:,} images have one.",
        labels=[FLAGS.get(flag, flag) for flag in order],
        series={split: [counts[flag, split] for flag in order] for split in inputs.splits},
    )
    note = f"{flagged:,} of {inputs.size:,} images have a flag."
    return Content(tables=tuple(tables), plots=(plot,), notes=(note,))
