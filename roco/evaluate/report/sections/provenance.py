"""Where labels and concepts come from: people, models, or words of the caption."""

from __future__ import annotations

from collections import Counter

from roco.evaluate.report.by_split import UNKNOWN, by_split, modalities, share
from roco.evaluate.report.content import Content, NotAvailable
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.plots import Bars
from roco.evaluate.report.render import Cell, ReportTable

PERSON = "a person"
GUESSED_FROM = {
    "caption": "words of the caption",
    "pixels": "a model that looks at the pixels",
    "both": "words of the caption and a model",
}
"""What a guess is based on -> in words."""
GUESSED = "guessed, from what is not recorded"


def modality_from(inputs: Inputs) -> Content:
    """Where the modality of each image comes from: a person who labelled the image, words of the caption, a model that
    looks at the pixels, or both of the latter, if they agree or one of them prevails."""
    origins = inputs.values("modality_from")
    has_basis = "modality_guess_from" in inputs.available
    bases = inputs.values("modality_guess_from") if has_basis else [None] * len(origins)
    values = [_origin(origin, basis) for origin, basis in zip(origins, bases, strict=True)]
    counted = by_split(inputs, "modality-from", "Images by origin of their modality", "origin", values)
    groups = modalities(inputs)
    columns = sorted(counted.totals, key=lambda one: (one == UNKNOWN, -counted.totals[one], one))
    cells = Counter(zip(groups, values, strict=True))
    rows: list[tuple[Cell, ...]] = []
    for group, images in sorted(Counter(groups).items()):
        by_person = share(cells[group, PERSON], images)
        rows.append((group, *(cells[group, one] for one in columns), images, by_person))
    title = "Origin of the modality by modality"
    table = ReportTable(title, ("modality", *columns, "all", "share by people"), rows)
    return Content(tables=(counted.table, table), plots=(counted.plot,))


def _origin(origin: str | None, basis: str | None) -> str:
    if origin == "label":
        return PERSON
    if origin == "guess":
        return GUESSED_FROM.get(basis or "", GUESSED)
    return origin or UNKNOWN


def concepts_from(inputs: Inputs) -> Content:
    """Occurrences of concepts that were assigned manually, detected automatically, or both, by split. Where a release
    does not list the automatic concepts, as the published ROCOv2, all concepts that are not manual are automatic."""
    manual = [image.manual for image in inputs.images.images]
    concepts = [image.concepts for image in inputs.images.images]
    if not any(concepts):
        raise NotAvailable("no image has a concept")
    lists = "concepts_auto" in inputs.available
    detected = [frozenset(one or ()) for one in inputs.values("concepts_auto")] if lists else concepts
    counts: Counter[tuple[str, str]] = Counter()
    for all_of, by_hand, auto, split in zip(concepts, manual, detected, inputs.values("split"), strict=True):
        automatic = auto & all_of if lists else all_of - by_hand
        counts["manual only", split] += len((by_hand & all_of) - automatic)
        counts["manual and automatic", split] += len(by_hand & automatic)
        counts["automatic only", split] += len(automatic - by_hand)
        counts["other", split] += len(all_of - by_hand - automatic)
    kinds = ["manual only", "manual and automatic", "automatic only"]
    if any(counts["other", split] for split in inputs.splits):
        kinds.append("other")
    total = counts.total()
    rows: list[tuple[Cell, ...]] = []
    for kind in kinds:
        by_split = [counts[kind, split] for split in inputs.splits]
        rows.append((kind, *by_split, sum(by_split), share(sum(by_split), total)))
    plot = Bars(
        name="concepts-from",
        title="Occurrences of concepts by origin",
        alt=f"Bar chart of the {total:,} occurrences of concepts by origin.",
        labels=kinds,
        series={split: [counts[kind, split] for kind in kinds] for split in inputs.splits},
        axis="occurrences",
    )
    with_manual = sum(map(bool, manual))
    notes = [f"{with_manual:,} of {inputs.size:,} images have a manual concept."]
    if len(kinds) > 3:
        notes.append("Other: from labels of modality, region and direction, or from the dataset that was the source.")
    table = ReportTable("Occurrences of concepts", ("origin", *inputs.splits, "all", "share"), rows)
    return Content(tables=(table,), plots=(plot,), notes=tuple(notes))


def precision(inputs: Inputs) -> Content:
    """The precision of the automatic concepts by semantic type: the share of the sampled concepts of which people say
    that the image shows them (task visible), with 95 % intervals; in the total each type counts by its concepts."""
    if not inputs.precision:
        raise NotAvailable("no labels of the task 'visible', in which people judge automatic concepts, were given")
    rows: list[tuple[Cell, ...]] = [tuple(row) for row in inputs.precision]
    columns = ("semantic type", "concepts", "drawn", "yes", "no", "unsure", "precision", "95 % low", "95 % high")
    decided = [row for row in inputs.precision if row.value is not None]
    if not decided:
        return Content(tables=(ReportTable("Precision of the automatic concepts", columns, rows),))
    plot = Bars(
        name="concept-precision",
        title="Precision of the automatic concepts",
        alt="Bar chart of the precision by semantic type: "
        + ", ".join(f"{row.stratum} {row.value:.2f}" for row in decided)
        + ".",
        labels=[row.stratum for row in decided],
        series={"precision": [row.value or 0.0 for row in decided]},
        axis="precision",
    )
    return Content(tables=(ReportTable("Precision of the automatic concepts", columns, rows),), plots=(plot,))
