"""Adds labels of files, and of datasets with manual concepts, to a label log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from roco.base.errors import DataError, RejectedInput, UsageError
from roco.base.files import digest
from roco.base.labels import KINDS
from roco.base.terminal import quoted
from roco.curate.events import MOST_AT_ONCE, Entry, checked, rater_name
from roco.curate.exchange import Imported
from roco.curate.log import Log
from roco.curate.tasks import Task

Checked = dict[str, list[Entry]]
"""Entries that can be added to a log, by annotator."""


def add_labels(
    log: Log, labels: Sequence[Imported], *, round: str, annotator: str | None = None, task: str | None = None
) -> int:
    """Adds the labels of a file to a round and returns how many were new; their origin is `imported`.

    All labels are checked before the first one is written; the same file imported again adds nothing. Raises DataError
    and UsageError as `checked_labels` does.
    """
    return add_checked(log, checked_labels(labels, log.tasks, annotator=annotator, task=task), round=round)


def checked_labels(
    labels: Iterable[Imported], tasks: Mapping[str, Task], *, annotator: str | None = None, task: str | None = None
) -> Checked:
    """Returns the labels of a file as entries, without a log.

    annotator, task: for labels that name none. Raises UsageError for a label without an annotator, DataError with place
    and remedy for an invalid label, and for two different labels of one annotator for the same question.
    """
    by_annotator: Checked = {}
    first: dict[tuple[str, str, str, str], tuple[str, str]] = {}
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
            rater_name(by, "annotator")
            ready = checked(entry, tasks)
        except RejectedInput as err:
            raise DataError(f"{err.message} ({one.where})", err.hint) from err
        question = by, ready.task, ready.image_key, ready.concept
        label, where = first.setdefault(question, (ready.label, one.where))
        if label != ready.label:
            what = f"two labels of {quoted(by)} for {quoted(ready.image_key)} in the task '{ready.task}'"
            places = f"{label}: {where}; {ready.label}: {one.where}"
            raise DataError(f"{what} ({places})", "remove one of them; of an export, import one round at a time")
        by_annotator.setdefault(by, []).append(ready)
    return by_annotator


def add_checked(log: Log, labels: Checked, *, round: str) -> int:
    """Adds the entries of `checked_labels` to a round and returns how many were new."""
    before, n_new = log.newest, 0
    for by, entries in labels.items():
        for start in range(0, len(entries), MOST_AT_ONCE):
            some = entries[start : start + MOST_AT_ONCE]
            name = digest([round, by, start, [(one.task, one.image_key, one.concept, one.label) for one in some]])
            done = log.add(some, round=round, annotator=by, batch=f"import-{name[:32]}")
            n_new += sum(id > before for id in done.ids)
    return n_new


def of_manual_concepts(images: Iterable[tuple[str, Sequence[str]]], where: str) -> Iterator[Imported]:
    """Yields the labels behind manual concepts: the modality of each image, region and direction of X-rays.

    images: image_key and manual CUIs. An image without a modality among its concepts has combined modalities, as in the
    published ROCOv2; one with two is skipped, and so is a question that the dataset answers differently for two copies
    of an image. Regions and directions that are missing are not labelled, because they may be OTHER or UNKNOWN.
    """
    answers: dict[tuple[str, str], set[str]] = {}
    for image_key, task, label in _answers(images):
        answers.setdefault((image_key, task), set()).add(label)
    for (image_key, task), labels in answers.items():
        if len(labels) == 1:
            yield Imported(where, task, image_key, "", "", labels.pop(), "", "")


def _answers(images: Iterable[tuple[str, Sequence[str]]]) -> Iterator[tuple[str, str, str]]:
    """Yields image_key, task and label for each image of a dataset."""
    by_cui = {kind: {term.cui: name for name, term in terms.items() if term.cui} for kind, terms in KINDS.items()}
    for image_key, cuis in images:
        answers = {kind: _in_order(kind, names, cuis) for kind, names in by_cui.items()}
        modality = answers["modality"] or ["DRCO"]
        if len(modality) > 1:
            continue
        yield image_key, "modality", modality[0]
        if modality == ["DRXR"]:
            for kind in ("region", "direction"):
                if len(answers[kind]) == 1:
                    yield image_key, kind, answers[kind][0]


def _in_order(kind: str, names: Mapping[str, str], cuis: Sequence[str]) -> list[str]:
    chosen = {names[cui] for cui in cuis if cui in names}
    return [name for name in KINDS[kind] if name in chosen]
