"""Rankings: vectors that are compared by cosine (.npz), a CSV file of scores, or an object that ranks images."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError, InvalidSubmission
from roco.base.files import file_digest
from roco.base.readers import UNREADABLE, check_zip_directory
from roco.base.terminal import excerpt, quoted
from roco.evaluate.metrics import ranks

Floats = NDArray[np.float64]
TASKS = {
    "image-to-text": ("images", "texts"),
    "text-to-image": ("texts", "images"),
    "image-to-image": ("images", "images"),
    "text-to-text": ("texts", "texts"),
    "concepts-to-image": ("concepts", "images"),
}
"""Task -> what asks and what answers."""
BY_CONCEPTS = ("image-to-image", "text-to-text", "concepts-to-image")
"""Tasks whose right answers share concepts with the image of the query; those of others have its caption."""
HEADER = ("Query", "Candidate", "Score")
MAX_BYTES = 8 << 30  # of the vectors
MAX_ROWS = 50_000_000
_SAVE = "save ids, images and texts (of concepts-to-image ids, images and concepts) with numpy.savez"


class Ranking(NamedTuple):
    """The scores of all candidates, one block of queries at a time: (index of its first query, shape (queries,
    candidates)); how they were computed; the SHA-256 of the file; the models that computed them, by what they do; and
    what else has to be known of them."""

    blocks: Iterator[tuple[int, Floats]]
    description: str
    inputs: dict[str, str]
    models: Mapping[str, str] = {}
    notes: tuple[str, ...] = ()


class Ranker(Protocol):
    """Whatever ranks images, such as an index; its properties are those of a ranking."""

    @property
    def description(self) -> str:
        """Returns how scores are computed."""

    @property
    def inputs(self) -> Mapping[str, str]:
        """Returns the SHA-256 of each file that decides the scores."""

    @property
    def models(self) -> Mapping[str, str]:
        """Returns the models that decide the scores, by what they do."""

    @property
    def notes(self) -> Sequence[str]:
        """Returns what else has to be known of the scores."""

    def blocks(self, ids: Sequence[str]) -> Iterator[tuple[int, Floats]]:
        """Yields the scores of the images for each other, in the order of `ids`, as in a ranking."""


Predictions = str | Path | Ranker
"""A file of vectors or scores, or an object that ranks images."""


def ranking_of(predictions: Predictions, ids: Sequence[str], all_ids: Sequence[str], task: str) -> Ranking:
    """Returns the scores of the images `ids` for each other; all_ids: of the ground truth, which may be listed."""
    if isinstance(predictions, str | Path):
        return read_ranking(Path(predictions), ids, all_ids, task)
    known = predictions
    return Ranking(known.blocks(ids), known.description, dict(known.inputs), dict(known.models), tuple(known.notes))


def read_ranking(path: Path, ids: Sequence[str], all_ids: Sequence[str], task: str) -> Ranking:
    """Reads the scores of the images `ids` for each other; all_ids: those of the ground truth, which may be listed."""
    if not path.is_file():
        raise DataError(f"{path} is not a file", "give .npz with ids, images and texts, or CSV Query,Candidate,Score")
    inputs = {str(path): file_digest(path)}
    if path.suffix == ".npz":
        queries, candidates = _read_vectors(path, ids, *TASKS[task])
        return Ranking(ranks.cosines(queries, candidates), f"cosines of {queries.shape[1]}-dimensional vectors", inputs)
    scores = _read_scores(path, ids, frozenset(all_ids))
    return Ranking(_rows(scores, len(ids)), "scores as listed; unlisted candidates rank last", inputs)


def _read_vectors(path: Path, ids: Sequence[str], query_name: str, candidate_name: str) -> tuple[Floats, Floats]:
    """Returns the vectors of queries and candidates in the order of `ids`; only arrays are read, no pickles."""
    try:
        with path.open("rb") as file:
            check_zip_directory(file)
            with zipfile.ZipFile(file) as archive:
                if sum(info.file_size for info in archive.infolist()) > MAX_BYTES:
                    raise ValueError(f"larger than {MAX_BYTES >> 30} GB")
        with np.load(path, allow_pickle=False) as arrays:
            for name in ("ids", query_name, candidate_name):
                if name not in arrays:
                    raise DataError(f"{path} has no array '{name}'", _SAVE)
            names = [str(id) for id in arrays["ids"].ravel()]
            queries = np.asarray(arrays[query_name], float)
            candidates = np.asarray(arrays[candidate_name], float)
    except UNREADABLE as err:
        raise DataError(f"{path} cannot be read: {excerpt(err)}", _SAVE) from err
    for name, vectors in ((query_name, queries), (candidate_name, candidates)):
        if vectors.ndim != 2 or len(vectors) != len(names):
            expected = f"({len(names)}, dimensions)"
            raise DataError(f"{path}: '{name}' has the shape {vectors.shape}, not {expected}", "save one vector per id")
        if not np.isfinite(vectors).all():
            raise DataError(f"{path}: '{name}' contains NaN or infinite numbers", "check the model that computed it")
    if queries.shape[1] != candidates.shape[1]:
        raise DataError(
            f"{path}: vectors of {queries.shape[1]} and {candidates.shape[1]} dimensions",
            "embed images and texts in one space",
        )
    indices = {name: i for i, name in enumerate(names)}
    if len(indices) < len(names):
        raise DataError(f"{path}: duplicate id", "save one vector per id")
    missing = [id for id in ids if id not in indices]
    if missing:
        raise DataError(
            f"{path}: {len(missing):,} images are missing, first {excerpt(missing[0])}",
            "save the vectors of every image of the pool",
        )
    order = np.array([indices[id] for id in ids])
    return queries[order], candidates[order]


def _read_scores(path: Path, ids: Sequence[str], known_ids: frozenset[str]) -> list[dict[int, float]]:
    """Returns the listed scores of each query by the index of the candidate.

    Rows of images outside the pool are ignored, rows of unknown images are rejected.
    """
    indices = {id: i for i, id in enumerate(ids)}
    scores: list[dict[int, float]] = [{} for _ in ids]
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file, strict=True)
            if tuple(next(reader, ())) != HEADER:
                header = ",".join(HEADER)
                raise InvalidSubmission(
                    f"{path}, line 1: the header is not {header}", f"write {header} as the first line"
                )
            for number, row in enumerate(reader):
                where = f"{path}, line {reader.line_num}"
                problem = "too many rows" if number >= MAX_ROWS else _problem(row, known_ids)
                if problem:
                    raise InvalidSubmission(
                        f"{where}: {problem}", "nothing was scored; write one row per query and candidate"
                    )
                query, candidate = indices.get(row[0]), indices.get(row[1])
                if query is None or candidate is None:
                    continue
                if candidate in scores[query]:
                    raise InvalidSubmission(f"{where}: duplicate pair", "keep one row per query and candidate")
                scores[query][candidate] = float(row[2])
    except UNREADABLE as err:
        raise DataError(f"{path} cannot be read: {excerpt(err)}", "give .npz, or CSV Query,Candidate,Score") from err
    missing = [id for id, i in indices.items() if not scores[i]]
    if missing:
        raise InvalidSubmission(
            f"{path}: {len(missing):,} queries are missing, first {excerpt(missing[0])}",
            "rank candidates for every image of the pool",
        )
    return scores


def _rows(scores: Sequence[dict[int, float]], n: int) -> Iterator[tuple[int, Floats]]:
    """Yields the scores of one query at a time; unlisted candidates rank last."""
    for i, listed in enumerate(scores):
        row = np.full(n, -np.inf)
        row[list(listed)] = list(listed.values())
        yield i, row[None]


def _problem(row: Sequence[str], known_ids: frozenset[str]) -> str:
    """Returns what is wrong with a row; empty if nothing is."""
    if not row:
        return "blank line"
    if len(row) != len(HEADER):
        return f"{len(row)} columns instead of {len(HEADER)}"
    for id in row[:2]:
        if id not in known_ids:
            return f"unknown id {quoted(id)} (not in the ground truth)"
    try:
        return "" if np.isfinite(float(row[2])) else f"the score {quoted(row[2])} is not a finite number"
    except ValueError:
        return f"the score {quoted(row[2])} is not a number"
