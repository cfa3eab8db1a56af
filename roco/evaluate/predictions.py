"""Reads predicted concepts and captions, strictly or as the official scripts do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from roco.base.errors import DataError
from roco.base.files import file_digest
from roco.evaluate import official, submission
from roco.evaluate.profiles import Profile
from roco.evaluate.truth import Source, Truth, concept_sets


class ConceptPredictions(NamedTuple):
    """The predicted CUIs of each image, in the order of the file, and the SHA-256 of the file."""

    concepts: dict[str, frozenset[str]]
    inputs: dict[str, str]


class CaptionPredictions(NamedTuple):
    """The predicted caption of each image, in the order of the file, and the SHA-256 of the file."""

    captions: dict[str, str]
    inputs: dict[str, str]


def read_concepts(source: Source, profile: Profile, truth: Truth, compat: bool = False) -> ConceptPredictions:
    """Reads predicted concepts from a CSV file, a zip or a mapping; raises InvalidSubmission for any problem."""
    if isinstance(source, Mapping):
        submission.refuse(submission.mapping_problems(source, truth.ids, "the predictions"))
        return ConceptPredictions(concept_sets(source), {})
    path = _existing(source, "ID,CUIs")
    inputs = {str(path): file_digest(path)}
    if compat:
        cuis = official.concepts(path, profile, frozenset(truth.ids))
        return ConceptPredictions({id: frozenset(c) for id, c in cuis.items()}, inputs)
    table = submission.read(path, "concepts", profile, truth.ids)
    cells = submission.concept_cells(path, table)
    problems = table.problems + cells.problems + _skipped_rows(truth)
    submission.refuse(problems, lambda: official.hint(path, "concepts", profile, frozenset(truth.ids)))
    return ConceptPredictions(cells.concepts, inputs)


def read_captions(source: Source, profile: Profile, truth: Truth, compat: bool = False) -> CaptionPredictions:
    """Reads predicted captions from a CSV file, a zip or a mapping; raises InvalidSubmission for any problem."""
    if isinstance(source, Mapping):
        submission.refuse(submission.mapping_problems(source, truth.ids, "the predictions"))
        return CaptionPredictions({str(id): str(caption) for id, caption in source.items()}, {})
    path = _existing(source, "ID,Caption")
    inputs = {str(path): file_digest(path)}
    if compat:
        return CaptionPredictions(official.captions(path, profile, frozenset(truth.ids)), inputs)
    table = submission.read(path, "captions", profile, truth.ids)
    submission.refuse(table.problems, lambda: official.hint(path, "captions", profile, frozenset(truth.ids)))
    return CaptionPredictions({id: row.cell for id, row in table.rows.items()}, inputs)


def _existing(source: str | Path, columns: str) -> Path:
    path = Path(source)
    if not path.is_file():
        raise DataError(f"{path} is not a file", f"give a CSV file with the columns {columns}")
    return path


def _skipped_rows(truth: Truth) -> list[submission.Problem]:
    """Returns a problem if the official scripts would skip rows of the ground truth, which changes the mean."""
    if not truth.lines:
        return []
    for id in truth.ids:
        if "ID" in id:
            what = f"the id '{id}' contains the letters ID"
            remedy = "rename the image: the official scripts skip its row"
            return [submission.Problem("the ground truth", truth.lines[id], what, remedy)]
    return []
