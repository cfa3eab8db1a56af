"""Ranks a pool of images of an index for `roco evaluate retrieval`, one block of queries at a time.

| task | method | query | compared with |
|---|---|---|---|
| image-to-image | dense | the vector of an image | the vectors of images |
| text-to-text | words | the words of a caption | captions, by BM25 |
| concepts-to-image | words | the words of the names of an image's concepts | captions, by BM25 |

Words are compared with captions alone. The words of a search also come from the names of concepts, from the title and
from the passages that cite the figure: a caption would find itself, and names of concepts those that decide which
answers are right.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError, UsageError, nearest
from roco.base.files import file_digest
from roco.base.terminal import excerpt
from roco.baselines.retrieve.folder import MANIFEST
from roco.baselines.retrieve.index import Index
from roco.baselines.retrieve.store.store import IMAGE
from roco.baselines.retrieve.words import K1, B, Words

Floats = NDArray[np.float64]

WORDS, DENSE = "words", "dense"
IMAGES, CAPTIONS, CONCEPTS = "image-to-image", "text-to-text", "concepts-to-image"
METHODS = {IMAGES: (DENSE,), CAPTIONS: (WORDS,), CONCEPTS: (WORDS,)}
"""Task -> its methods, the one of `roco search` first."""

BLOCK_BYTES = 64 << 20
"""Memory of the scores of one block of queries."""

_DECIMALS = 6  # of cosines: equal vectors tie, although their products differ by rounding

CONTAMINATED = (
    "an encoder that was trained on figures of PMC, such as BiomedCLIP, PMC-CLIP or BMC-CLIP, has very likely seen the "
    "images of this evaluation: its scores are no estimate for new images"
)
_CIRCULAR = (
    "concepts are extracted from captions and images: a caption that names a concept of the query is often right by "
    "construction"
)


@dataclass(frozen=True)
class IndexRanker:
    """The rankings of one task by one method. index: whose images are ranked."""

    index: Index
    task: str
    method: str

    @property
    def description(self) -> str:
        """Returns how scores are computed."""
        if self.method == DENSE:
            width = self.index.store.vectors([]).shape[1]
            return f"cosines of {width}-dimensional vectors of images, rounded to {_DECIMALS} decimals"
        query = "the words of a caption" if self.task == CAPTIONS else "the words of the names of an image's concepts"
        return (
            f"BM25 (k1 {K1:g}, b {B:g}) of {query} over the captions of the pool; without a common word the score is 0"
        )

    @cached_property
    def inputs(self) -> dict[str, str]:
        """Returns the SHA-256 of the manifest, which states those of the other files."""
        path = self.index.path / MANIFEST
        return {str(path): file_digest(path)}

    @property
    def models(self) -> dict[str, str]:
        """Returns the encoder of a dense ranking."""
        if self.method != DENSE:
            return {}
        return {"the vectors of images": stated_name(self.index)}

    @property
    def notes(self) -> tuple[str, ...]:
        """Returns what else has to be known of the scores."""
        if self.method != DENSE:
            return (_CIRCULAR,)
        counts = self.index.manifest["counts"]
        without = int(counts.get("missing", 0)) + int(counts.get("unreadable", 0))
        notes = [f"{without:,} images of the index have no vector: they rank last, in any order"] if without else []
        if self.index.manifest["encoder"].get("path"):  # the shipped backbone has none
            notes.append(CONTAMINATED)
        return tuple(notes)

    def blocks(self, ids: Sequence[str]) -> Iterator[tuple[int, Floats]]:
        """Yields the scores of the images for each other: the index of the first query of a block, and the block.

        Raises DataError if the index lacks one of them.
        """
        rows = self._rows(ids)
        size = max(1, BLOCK_BYTES // (8 * max(1, len(rows))))
        blocks = self._cosines(rows, size) if self.method == DENSE else self._by_words(rows, size)
        yield from zip(range(0, len(rows), size), blocks, strict=True)

    def _rows(self, ids: Sequence[str]) -> list[int]:
        rows = [self.index.store.row_of(id) for id in ids]
        missing = [id for id, row in zip(ids, rows, strict=True) if row is None]
        if missing:
            what = f"{len(missing):,} images of the ground truth are not in {self.index.path}"
            raise DataError(
                f"{what}, first {excerpt(missing[0])}", "give the release that the index was made of: --truth"
            )
        return [row for row in rows if row is not None]

    def _cosines(self, rows: Sequence[int], size: int) -> Iterator[Floats]:
        vectors = self.index.store.vectors(rows, of=IMAGE).astype(np.float64)
        vectors[~vectors.any(axis=1)] = np.nan
        for start in range(0, len(rows), size):
            yield np.round(vectors[start : start + size] @ vectors.T, _DECIMALS)

    def _by_words(self, rows: Sequence[int], size: int) -> Iterator[Floats]:
        figures = self.index.store.rows(rows)
        captions = [row["caption"] or "" for row in figures]
        queries = captions
        if self.task == CONCEPTS:
            names = self.index.names
            queries = [" ".join(names.get(cui, cui) for cui in row["concepts"] or ()) for row in figures]
        words = Words.of(captions)
        for start in range(0, len(queries), size):
            yield np.stack([words.scores(query) for query in queries[start : start + size]])


def rankers(index: Index, task: str | None = None, method: str | None = None) -> list[IndexRanker]:
    """Returns what ranks the images of an index, in the order of METHODS.

    task, method: one task, one method; None is each that the index allows. Raises UsageError for unknown ones, and for
    a task or method that the index does not allow.
    """
    if task is not None and task not in METHODS:
        raise UsageError(f"unknown task '{excerpt(task)}' (--task)", nearest(task, METHODS))
    if method is not None and method not in (WORDS, DENSE):
        raise UsageError(f"unknown method '{excerpt(method)}' (--by)", nearest(method, (WORDS, DENSE)))
    found = []
    for name, methods in METHODS.items():
        if task in (None, name):
            found += [IndexRanker(index, name, one) for one in methods if method in (None, one)]
    if not found:
        raise UsageError(f"{task} cannot be ranked by {method} (--by)", f"--by {' or '.join(METHODS[task or IMAGES])}")
    return found


def stated_name(index: Index) -> str:
    """Returns name and SHA-256 of the encoder of an index."""
    entry = index.manifest["encoder"]
    return f"{excerpt(str(entry.get('name')))}, sha256 {excerpt(str(entry.get('sha256')))}"
