"""Duplicates among the images, and what relates images of different splits."""

from __future__ import annotations

from collections import Counter

import pyarrow.parquet as pq

from roco.base.readers import UNREADABLE
from roco.evaluate.report.by_split import share
from roco.evaluate.report.content import Content, NotAvailable
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.plots import Bars
from roco.evaluate.report.render import Cell, ReportTable
from roco.release.format import GROUPS
from roco.release.relations import MIN_CAPTION_WORDS

KINDS = {
    "article": "images of one article",
    "duplicate": "duplicates",
    "similar": "near-duplicates",
    "caption": f"equal captions of {MIN_CAPTION_WORDS} words or more",
}
"""What relates two images -> in words."""
NEEDS = {"article": "article_key", "duplicate": "duplicate_group", "similar": "similar_group", "caption": "caption"}
"""What relates two images -> the column that records it."""


def leakage(inputs: Inputs) -> Content:
    """Articles, groups of duplicates and equal captions with images in more than one split, and how many images they
    have. What a model learned of one of these images helps it with the others: scores are then optimistic. The paper
    splits images, not articles, so its splits share articles."""
    if len(inputs.splits) < 2:
        raise NotAvailable("the dataset has one split only")
    rows: list[tuple[Cell, ...]] = []
    unknown = []
    for kind, one in inputs.ties.items():
        if NEEDS[kind] not in inputs.available:
            unknown.append(KINDS[kind])
            continue
        rows.append((KINDS[kind], len(one.crossing), one.images, share(one.images, inputs.size)))
    columns = ("in more than one split", "groups", "images", "share of the images")
    notes = (f"Not known of this dataset: {', '.join(unknown)}.",) if unknown else ()
    return Content(tables=(ReportTable("What different splits share", columns, rows),), notes=notes)


def duplicates(inputs: Inputs) -> Content:
    """Groups of duplicates, of which one image is kept, and groups of near-duplicates, which stay in one split; as the
    stage dedup recorded them in duplicates.parquet."""
    path = inputs.release.path / GROUPS
    if not path.is_file():
        raise NotAvailable(f"the dataset has no {GROUPS}: its duplicates are unknown")
    try:
        table = pq.read_table(path, columns=["duplicate_group", "similar_group", "id"], partitioning=None)
    except UNREADABLE as err:
        raise NotAvailable(f"{GROUPS} is unreadable: {err}") from err
    kept = [id is not None for id in table["id"].to_pylist()]
    rows: list[tuple[Cell, ...]] = []
    sizes: dict[str, Counter[int]] = {}
    for name, column in (("duplicates", "duplicate_group"), ("near-duplicates", "similar_group")):
        groups = table[column].to_pylist()
        members = Counter(group for group in groups if group)
        in_release = sum(one for group, one in zip(groups, kept, strict=True) if group)
        dropped = members.total() - in_release
        rows.append((name, len(members), in_release, dropped, max(members.values(), default=0)))
        sizes[name] = Counter(members.values())
    largest = max((size for of_kind in sizes.values() for size in of_kind), default=0)
    title = ("kind", "groups", "images kept", "images dropped", "largest group")
    tables = [ReportTable("Groups of duplicates", title, rows)]
    if not largest:
        return Content(tables=tuple(tables), notes=("No duplicates were found.",))
    by_size: list[tuple[Cell, ...]] = []
    for size in range(2, largest + 1):
        if any(of_kind[size] for of_kind in sizes.values()):
            by_size.append((size, *(of_kind[size] for of_kind in sizes.values())))
    tables.append(ReportTable("Groups by their number of images", ("images", *sizes), by_size))
    plot = Bars(
        name="duplicates",
        title="Groups by their number of images",
        alt=f"Bar chart of the groups of duplicates by their number of images; the largest has {largest}.",
        labels=[str(row[0]) for row in by_size],
        series={name: [of_kind[int(str(row[0]))] for row in by_size] for name, of_kind in sizes.items()},
        axis="groups",
        stacked=False,
    )
    return Content(tables=tuple(tables), plots=(plot,))
