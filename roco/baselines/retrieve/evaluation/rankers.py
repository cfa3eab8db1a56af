"""Ranks a pool of images of an index for `roco evaluate retrieval`, one block of queries at a time.

| task | method | query | compared with |
|---|---|---|---|
| image-to-image | image | the vector of an image | the vectors of images |
| text-to-image | text | the vector of a caption, by the text tower | the vectors of images |
| image-to-text | text | the vector of an image | the vectors of captions, by the text tower |
| text-to-text | words | the words of a caption | the words of captions, by BM25 |
| text-to-text | caption | the stored vector of a caption | the stored vectors of captions |
| concepts-to-image | words | the names of an image's concepts | the words of captions, by BM25 |
| concepts-to-image | text | the vector of these names, by the text tower | the vectors of images |
| concepts-to-image | caption | the vector of these names, by the encoder of captions | the vectors of captions |

The last two tasks also have the method hybrid: the fusion of all others by reciprocal ranks, as in a search.

Words are compared with captions alone. The words of a search also come from the names of concepts, from the title and
from the passages that cite the figure: a caption would find itself, and names of concepts those that decide which
answers are right.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roco.base import bootstrap
from roco.base.errors import DataError, UsageError, nearest
from roco.base.files import file_digest
from roco.base.terminal import excerpt
from roco.baselines.retrieve.evaluation.texts import CONTAMINATED, described, notes_of
from roco.baselines.retrieve.folder import MANIFEST
from roco.baselines.retrieve.index import Index, K
from roco.baselines.retrieve.query_vectors import BY, DENSE, HYBRID, OF_CAPTION, OF_IMAGE, OF_TEXT, WORDS
from roco.baselines.retrieve.store.store import IMAGE, TEXT
from roco.baselines.retrieve.words import Words

Floats = NDArray[np.float64]

IMAGES, CAPTIONS, CONCEPTS = "image-to-image", "text-to-text", "concepts-to-image"
TO_IMAGE, TO_TEXT = "text-to-image", "image-to-text"
METHODS = {
    IMAGES: (OF_IMAGE,),
    TO_IMAGE: (OF_TEXT,),
    TO_TEXT: (OF_TEXT,),
    CAPTIONS: (WORDS, OF_CAPTION, HYBRID),
    CONCEPTS: (WORDS, OF_TEXT, OF_CAPTION, HYBRID),
}
"""Task -> its methods."""
LABELS = {
    WORDS: WORDS, OF_IMAGE: DENSE, OF_TEXT: f"{DENSE}, text tower", OF_CAPTION: f"{DENSE}, captions", HYBRID: HYBRID,
}  # fmt: skip
"""Method -> its name in a report."""

BLOCK_BYTES = 64 << 20
"""Memory of the scores of one block of queries."""

_DECIMALS = 6  # of cosines: equal vectors tie, although their products differ by rounding


@dataclass(frozen=True)
class Moved:
    """Where the encoders of an index are, if they are not where they were."""

    encoder: Path | None = None
    text_encoder: Path | None = None


@dataclass(frozen=True)
class IndexRanker:
    """The rankings of one task by one method. index: whose images are ranked."""

    index: Index
    task: str
    method: str
    moved: Moved = Moved()

    @property
    def title(self) -> str:
        """Returns task and method."""
        return f"{self.task}, {LABELS[self.method]}"

    @property
    def folder(self) -> str:
        """Returns the title as the name of a folder."""
        return self.title.replace(", ", "-").replace(" ", "-")

    @property
    def description(self) -> str:
        """Returns how scores are computed."""
        return described(self.task, self._methods)

    @cached_property
    def inputs(self) -> dict[str, str]:
        """Returns the SHA-256 of the manifest, which states those of the other files."""
        path = self.index.path / MANIFEST
        return {str(path): file_digest(path)}

    @property
    def models(self) -> dict[str, str]:
        """Returns the encoder of each method that compares vectors."""
        known = self.index.encoders
        return {
            LABELS[method]: f"{excerpt(known[method].name)}, sha256 {excerpt(known[method].sha256)}"
            for method in self._methods if method != WORDS
        }  # fmt: skip

    @property
    def notes(self) -> tuple[str, ...]:
        """Returns the notes on the scores: how they are biased, and which images have no vector."""
        counts = self.index.manifest["counts"]
        compares_images = self.task == IMAGES or OF_TEXT in self._methods
        without = int(counts.get("missing", 0)) + int(counts.get("unreadable", 0)) if compares_images else 0
        notes = notes_of(self.task, without)
        # The shipped backbone has no path; it was trained on photographs.
        if any(self.index.encoders[method].path is not None for method in self._methods if method != WORDS):
            notes.append(CONTAMINATED)
        return tuple(notes)

    def blocks(self, ids: Sequence[str]) -> Iterator[tuple[int, Floats]]:
        """Yields the scores of the images for each other: the index of the first query of a block, and the block.

        Raises DataError if the index lacks one of them.
        """
        rows = self._rows(ids)
        size = max(1, BLOCK_BYTES // (8 * max(1, len(rows))))
        starts = range(0, len(rows), size)
        parts = [self._scores(method, rows, size) for method in self._methods]
        if self.method != HYBRID:
            yield from zip(starts, parts[0], strict=True)
            return
        figures = self.index.store.rows(rows)
        articles = bootstrap.groups_of([row["article_key"] or row["id"] for row in figures])
        for start, blocks in zip(starts, zip(*parts, strict=True), strict=True):
            # A search by words finds images with a common word only.
            found = [
                np.where(block > 0, block, np.nan) if method == WORDS else block
                for method, block in zip(self._methods, blocks, strict=True)
            ]
            yield start, fused(found, articles[start : start + size, None] == articles)

    @property
    def _methods(self) -> tuple[str, ...]:
        """The methods that are compared; of a hybrid ranking those that it fuses."""
        if self.method != HYBRID:
            return (self.method,)
        return tuple(method for method in METHODS[self.task] if method in (WORDS, *self.index.encoders))

    def _rows(self, ids: Sequence[str]) -> list[int]:
        rows = [self.index.store.row_of(id) for id in ids]
        missing = [id for id, row in zip(ids, rows, strict=True) if row is None]
        if missing:
            what = f"{len(missing):,} images of the ground truth are not in {self.index.path}"
            raise DataError(
                f"{what}, first {excerpt(missing[0])}", "give the release that the index was made of: --truth"
            )
        return [row for row in rows if row is not None]

    def _scores(self, method: str, rows: Sequence[int], size: int) -> Iterator[Floats]:
        if method == WORDS:
            return self._by_words(rows, size)
        store = self.index.store
        if self.task == IMAGES:
            queries = candidates = store.vectors(rows, of=IMAGE)
        elif self.task == CAPTIONS:
            queries = candidates = store.vectors(rows, of=TEXT)
        elif self.task == TO_TEXT:
            queries, candidates = store.vectors(rows, of=IMAGE), self._embedded(rows, method)
        else:
            of = TEXT if method == OF_CAPTION else IMAGE
            queries, candidates = self._embedded(rows, method), store.vectors(rows, of=of)
        return _cosines(queries, candidates, size)

    def _embedded(self, rows: Sequence[int], method: str) -> NDArray[np.float32]:
        """Returns the vectors of captions, or of the names of concepts; zeros for an empty text."""
        texts = self._texts(rows)
        found = self.index.text_vectors(
            texts, method, encoder=self.moved.encoder, text_encoder=self.moved.text_encoder
        ).copy()
        found[[not text.strip() for text in texts]] = 0
        return found

    def _by_words(self, rows: Sequence[int], size: int) -> Iterator[Floats]:
        queries = self._texts(rows)
        words = Words.of([row["caption"] or "" for row in self.index.store.rows(rows)])
        for start in range(0, len(queries), size):
            yield np.stack([words.scores(query) for query in queries[start : start + size]])

    def _texts(self, rows: Sequence[int]) -> list[str]:
        """Returns the captions of images, or the names of their concepts if these are the query."""
        figures = self.index.store.rows(rows)
        if self.task != CONCEPTS:
            return [row["caption"] or "" for row in figures]
        names = self.index.names
        return [" ".join(names.get(cui, cui) for cui in row["concepts"] or ()) for row in figures]


def rankers(
    index: Index, task: str | None = None, by: str | None = None, moved: Moved | None = None
) -> list[IndexRanker]:
    """Returns what ranks the images of an index, in the order of METHODS.

    task: one of METHODS; None is each that the index allows. by: words, dense or hybrid; None is each. moved: encoders
    that are not where they were. Raises UsageError for unknown ones, and for a task that the index does not allow.
    """
    if task is not None and task not in METHODS:
        raise UsageError(f"unknown task '{excerpt(task)}' (--task)", nearest(task, METHODS))
    if by is not None and by not in BY:
        raise UsageError(f"unknown method '{excerpt(by)}' (--by)", nearest(by, BY))
    found = []
    for name in METHODS if task is None else (task,):
        for method in _possible(index, name):
            kind = method if method in (WORDS, HYBRID) else DENSE
            if by in (None, kind):
                found.append(IndexRanker(index, name, method, moved or Moved()))
    if not found:
        raise _impossible(index, task, by)
    return found


def _possible(index: Index, task: str) -> list[str]:
    """Returns the methods of a task that an index allows."""
    known: Any = (WORDS, *index.encoders)
    methods = [method for method in METHODS[task] if method in known]
    return [*methods, HYBRID] if HYBRID in METHODS[task] and len(methods) > 1 else methods


def _impossible(index: Index, task: str | None, by: str | None) -> UsageError:
    possible = [name for name in METHODS if _possible(index, name)]
    how = "" if by is None else f" (--by {by})"
    what = f"{index.path} has no rankings for {task or 'any task'}{how}: its encoders do not compare them"
    return UsageError(what, f"tasks of this index: {', '.join(possible)}; others need a text tower or --text-encoder")


def _cosines(queries: NDArray[np.float32], candidates: NDArray[np.float32], size: int) -> Iterator[Floats]:
    """Yields the cosines of vectors of length 1, which are undefined for vectors of zeros."""
    own, others = _defined(queries), _defined(candidates)
    for start in range(0, len(own), size):
        yield np.round(own[start : start + size] @ others.T, _DECIMALS)


def _defined(vectors: NDArray[np.float32]) -> Floats:
    values = vectors.astype(np.float64)
    values[~values.any(axis=1)] = np.nan
    return values


def fused(blocks: Sequence[Floats], excluded: NDArray[np.bool_]) -> Floats:
    """Fuses the scores of several methods by reciprocal ranks, as a search does: the sum of 1 / (60 + rank).

    An undefined score has no rank. excluded: candidates that are not in the pool of a query, queries x candidates.
    Equally good candidates are ranked in the order of the pool.
    """
    total = np.zeros_like(blocks[0])
    for block in blocks:
        values = np.where(excluded | np.isnan(block), -np.inf, block)
        order = np.argsort(-values, axis=1, kind="stable")
        ranks = np.empty_like(order)
        np.put_along_axis(ranks, order, np.arange(1, values.shape[1] + 1)[None, :].repeat(len(values), 0), axis=1)
        total += np.where(np.isfinite(values), 1 / (K + ranks), 0.0)
    return total
