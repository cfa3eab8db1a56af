"""What the concepts cover: pairs that occur together, modality by region, images with a single concept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from roco.base.labels import KINDS, MODALITIES, REGIONS
from roco.evaluate.report.by_split import UNKNOWN, modalities, modality_name, share
from roco.evaluate.report.content import Content, NotAvailable
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.plots import Bars, Matrix
from roco.evaluate.report.render import Cell, ReportTable

PAIRS = 25
LEAST = 10
"""Images that a pair must have to be among those of the highest lift: the lift of rarer pairs is chance."""
NO_REGION = "no region"


class Pair(NamedTuple):
    """Two concepts and the images that have both. lift: how many times more than if they were independent."""

    one: str
    other: str
    images: int
    lift: float


def co_occurrence(inputs: Inputs) -> Content:
    """Pairs of concepts (CUIs) that most images have together. Lift is the number of these images divided by the
    number that is expected if both concepts were independent: images of the one * images of the other / all images."""
    concepts = [sorted(image.concepts) for image in inputs.images.images]
    found = pairs(concepts)
    if not found:
        raise NotAvailable("no image has two concepts")
    labels = {term.cui for terms in KINDS.values() for term in terms.values() if term.cui}
    content = [pair for pair in found if pair.one not in labels and pair.other not in labels]
    frequent = [pair for pair in content if pair.images >= LEAST]
    lifted = sorted(frequent, key=lambda pair: (-pair.lift, pair.one, pair.other))
    title = "without modalities, regions and directions"
    tables = [_pair_table("The most frequent pairs of concepts", found, inputs)]
    if content:
        tables.append(_pair_table(f"The most frequent pairs, {title}", content, inputs))
    if lifted:
        tables.append(
            _pair_table(f"The pairs of the highest lift among those of {LEAST} images or more", lifted, inputs)
        )
    return Content(tables=tuple(tables), notes=(f"{len(found):,} different pairs occur.",))


def pairs(concepts: Sequence[Collection[str]]) -> list[Pair]:
    """Returns all pairs of concepts that occur together, the most frequent first; concepts: of each image, once each.

    Images with the same number of concepts are one array: the work is done in numpy, not for each pair.
    """
    names = sorted({cui for of_image in concepts for cui in of_image})
    place = {cui: number for number, cui in enumerate(names)}
    by_length: dict[int, list[list[int]]] = {}
    for of_image in concepts:
        by_length.setdefault(len(of_image), []).append(sorted(place[cui] for cui in of_image))
    codes: list[NDArray[np.int64]] = []
    images = np.zeros(len(names), dtype=np.int64)
    for length, rows in by_length.items():
        if not length:
            continue
        array = np.array(rows, dtype=np.int64)
        images += np.bincount(array.ravel(), minlength=len(names))
        first, second = np.triu_indices(length, k=1)
        codes.append((array[:, first] * len(names) + array[:, second]).ravel())
    if not sum(map(len, codes)):
        return []
    code, count = np.unique(np.concatenate(codes), return_counts=True)
    one, other = np.divmod(code, len(names))
    lift = count * len(concepts) / (images[one] * images[other])
    order = np.lexsort((code, -count))
    return [Pair(names[one[i]], names[other[i]], int(count[i]), float(lift[i])) for i in order]


def _pair_table(title: str, found: Sequence[Pair], inputs: Inputs) -> ReportTable:
    names = inputs.concept_names
    rows: list[tuple[Cell, ...]] = []
    for pair in found[:PAIRS]:
        one, other = (f"{names.get(cui, '')} ({cui})".strip() for cui in pair[:2])
        rows.append((one, other, pair.images, pair.lift))
    return ReportTable(title, ("concept", "concept", "images", "lift"), rows)


def coverage(inputs: Inputs) -> Content:
    """Images by modality and body region. An image counts in each region whose concept (CUI) it has, manual or
    automatic; images without any are under no region. The paper assigns regions to X-ray images only."""
    region_of = {term.cui: label.replace("_", " ") for label, term in REGIONS.items() if term.cui}
    counts: Counter[tuple[str, str]] = Counter()
    groups = modalities(inputs)
    for image, modality in zip(inputs.images.images, groups, strict=True):
        regions = {region_of[cui] for cui in image.concepts if cui in region_of}
        counts.update((modality, region) for region in regions or {NO_REGION})
    rows = [label for label in (*MODALITIES, UNKNOWN) if label in set(groups)]
    if not rows:
        raise NotAvailable("the dataset has no images")
    columns = [*region_of.values(), NO_REGION]
    values = [[counts[modality, region] for region in columns] for modality in rows]
    cells = len(rows) * len(region_of)
    empty = sum(number == 0 for row in values for number in row[:-1])
    plot = Matrix(
        name="coverage",
        title="Images by modality and body region",
        alt=f"Matrix of the images by modality and body region; {empty} of {cells} cells are empty.",
        rows=[modality_name(label) for label in rows],
        columns=columns,
        values=values,
        column_axis="body region",
        row_axis="modality",
    )
    lines: list[tuple[Cell, ...]] = [(modality_name(label), *row) for label, row in zip(rows, values, strict=True)]
    table = ReportTable("Images by modality and body region", ("modality", *columns), lines)
    return Content(tables=(table,), plots=(plot,), notes=(f"{empty} combinations have no image.",))


def single_concepts(inputs: Inputs) -> Content:
    """Images with a single concept (CUI), and images without any concept other than those of modality, region and
    direction, by modality: of such an image the concepts hardly describe the content."""
    labels = {term.cui for terms in KINDS.values() for term in terms.values() if term.cui}
    conditions: dict[str, Callable[[frozenset[str]], bool]] = {
        "without a concept": lambda concepts: not concepts,
        "a single concept": lambda concepts: len(concepts) == 1,
        "only modality, region and direction": lambda concepts: bool(concepts) and concepts <= labels,
    }
    groups = modalities(inputs)
    if not groups:
        raise NotAvailable("the dataset has no images")
    totals = Counter(groups)
    counts: Counter[tuple[str, str]] = Counter()
    for image, modality in zip(inputs.images.images, groups, strict=True):
        counts.update((name, modality) for name, holds in conditions.items() if holds(image.concepts))
    order = [label for label in (*MODALITIES, UNKNOWN) if label in totals]
    rows: list[tuple[Cell, ...]] = []
    for group in ("all", *order):
        members = order if group == "all" else [group]
        images = sum(totals[member] for member in members)
        row: list[Cell] = [modality_name(group), images]
        for name in conditions:
            number = sum(counts[name, member] for member in members)
            row += [number, share(number, images)]
        rows.append(tuple(row))
    columns = ["modality", "images"]
    for name in conditions:
        columns += [name, "share"]
    series = {name: [100 * (share(counts[name, label], totals[label]) or 0) for label in order] for name in conditions}
    plot = Bars(
        name="single-concepts",
        title="Images with few concepts, by modality",
        alt="Bar chart of the share of images without, with a single, and with only manual kinds of concepts.",
        labels=[modality_name(label) for label in order],
        series=series,
        axis="% of the images",
        stacked=False,
    )
    return Content(tables=(ReportTable("Images with few concepts", tuple(columns), rows),), plots=(plot,))
