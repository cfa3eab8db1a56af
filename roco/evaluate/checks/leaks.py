"""Checks of leakage and duplicates."""

from __future__ import annotations

from roco.evaluate.checks.check import Measured, Row
from roco.evaluate.report.content import NotAvailable
from roco.evaluate.report.inputs import Inputs

_NAMED_BY = {"article": "article_key", "similar": "similar_group", "caption": "id"}
"""What relates images -> the column that names it: a caption is named by its first image."""


def articles_in_several_splits(inputs: Inputs) -> Measured:
    """Articles with images in more than one split. ROCOv2 itself was divided by image, so there the number is large."""
    _ = inputs.article_of
    return _crossing(inputs, "article")


def duplicates_in_several_splits(inputs: Inputs) -> Measured:
    """Groups of near-duplicates, by perceptual hashes, with images in more than one split."""
    _ = inputs.column("similar_group")
    return _crossing(inputs, "similar")


def captions_in_several_splits(inputs: Inputs) -> Measured:
    """Captions of eight words or more that are in more than one split."""
    return _crossing(inputs, "caption")


def equal_images(inputs: Inputs) -> Measured:
    """Images whose file has the bytes of another image's file (SHA-256)."""
    ids, digests = inputs.values("id"), inputs.values("sha256")
    first: dict[str, str] = {}
    rows = []
    for id, digest in zip(ids, digests, strict=True):
        if not digest:
            continue
        other = first.setdefault(digest, id)
        if other != id:
            rows.append(Row(id, f"the bytes of {other}"))
    return Measured(len(rows), len(ids), rows)


def equal_captions_of_an_article(inputs: Inputs) -> Measured:
    """Images with the caption of another image of their article: parts of one figure, or copies of one image."""
    ids, articles, captions = inputs.values("id"), inputs.article_of, inputs.values("caption")
    first: dict[tuple[str, str], str] = {}
    rows = []
    for id, article, caption in zip(ids, articles, captions, strict=True):
        other = first.setdefault((article, " ".join((caption or "").casefold().split())), id)
        if other != id:
            rows.append(Row(id, f"the caption of {other}"))
    return Measured(len(rows), len(ids), rows)


def _crossing(inputs: Inputs, kind: str) -> Measured:
    if len(inputs.splits) < 2:
        raise NotAvailable("the dataset has one split only")
    ids, name_of = inputs.values("id"), inputs.values(_NAMED_BY[kind])
    number, crossing = inputs.ties[kind]
    rows = [Row(name_of[places[0]], ", ".join(ids[place] for place in places)) for places in crossing]
    return Measured(len(rows), number, sorted(rows))
