"""Checks of leakage and duplicates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from roco.evaluate.checks.check import Measured, Row
from roco.evaluate.report.content import NotAvailable
from roco.evaluate.report.inputs import Inputs
from roco.release.leakage import MIN_CAPTION_WORDS


def articles_in_several_splits(inputs: Inputs) -> Measured:
    """Articles with images in more than one split. ROCOv2 itself was divided by image, so there the number is large."""
    return _crossing(inputs, inputs.article_of)


def duplicates_in_several_splits(inputs: Inputs) -> Measured:
    """Groups of near-duplicates, by perceptual hashes, with images in more than one split."""
    return _crossing(inputs, inputs.values("similar_group"))


def captions_in_several_splits(inputs: Inputs) -> Measured:
    """Captions of eight words or more that are in more than one split."""
    captions = [" ".join((caption or "").casefold().split()) for caption in inputs.values("caption")]
    return _crossing(inputs, [text if len(text.split()) >= MIN_CAPTION_WORDS else None for text in captions])


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


def _crossing(inputs: Inputs, keys: Iterable[str | None]) -> Measured:
    """Counts the keys, among those that two images or more share, that images of several splits share."""
    if len(inputs.splits) < 2:
        raise NotAvailable("the dataset has one split only")
    members: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for key, id, split in zip(keys, inputs.values("id"), inputs.values("split"), strict=True):
        if key:
            members[key].append((split, id))
    rows = []
    for key, images in members.items():
        if len({split for split, _ in images}) > 1:
            rows.append(Row(key[:80], ", ".join(id for _, id in images)))
    return Measured(len(rows), len(members), sorted(rows))
