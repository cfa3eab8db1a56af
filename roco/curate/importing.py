"""Adds labels of files, and of datasets with manual concepts, to a label log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from roco.base.errors import DataError, RejectedInput, UsageError
from roco.base.files import digest
from roco.base.labels import KINDS
from roco.curate.events import MOST_AT_ONCE, Entry, checked
from roco.curate.exchange import Imported
from roco.curate.log import Log


def add_labels(
    log: Log, labels: Sequence[Imported], *, round: str, annotator: str | None = None, task: str | None = None
) -> int:
    """Adds the labels of a file to a round and returns how many were new; their origin is `imported`.

    annotator, task: for labels that name none. All labels are checked before the first one is written; the same file
    imported again adds nothing. Raises DataError with line and remedy for an invalid label.
    """
    by_annotator: dict[str, list[Entry]] = {}
    for one in labels:
        by = one.annotator or annotator
        if not by:
            raise UsageError(f"no annotator ({one.where})", "name one for the whole file: --annotator")
        entry = Entry(
            task=one.task or task or "",
            image_key=one.image_key,
            concept=one.concept,
            label=one.label,
            guideline=one.guideline,
            note=one.note,
            origin="imported",
        )
        try:
            by_annotator.setdefault(by, []).append(checked(entry, log.tasks))
        except RejectedInput as err:
            raise DataError(f"{err.message} ({one.where})", err.hint) from err
    before, n_new = log.newest, 0
    for by, entries in by_annotator.items():
        for start in range(0, len(entries), MOST_AT_ONCE):
            some = entries[start : start + MOST_AT_ONCE]
            name = digest([round, by, start, [(one.task, one.image_key, one.concept, one.label) for one in some]])
            done = log.add(some, round=round, annotator=by, batch=f"import-{name[:32]}")
            n_new += sum(id > before for id in done.ids)
    return n_new


def of_manual_concepts(images: Iterable[tuple[str, Sequence[str]]], where: str) -> Iterator[Imported]:
    """Yields the labels behind manual concepts: the modality of each image, region and direction of X-rays.

    images: image_key and manual CUIs. An image without a modality among its concepts has combined modalities, as in the
    published ROCOv2; one with two is skipped. Regions and directions that are missing are not labelled, because they
    may be OTHER or UNKNOWN.
    """
    by_cui = {kind: {term.cui: name for name, term in terms.items() if term.cui} for kind, terms in KINDS.items()}
    for image_key, cuis in images:
        answers = {kind: _in_order(kind, names, cuis) for kind, names in by_cui.items()}
        modality = answers["modality"] or ["DRCO"]
        if len(modality) > 1:
            continue
        yield Imported(where, "modality", image_key, "", "", modality[0], "", "")
        if modality == ["DRXR"]:
            for kind in ("region", "direction"):
                if len(answers[kind]) == 1:
                    yield Imported(where, kind, image_key, "", "", answers[kind][0], "", "")


def _in_order(kind: str, names: Mapping[str, str], cuis: Sequence[str]) -> list[str]:
    chosen = {names[cui] for cui in cuis if cui in names}
    return [name for name in KINDS[kind] if name in chosen]
