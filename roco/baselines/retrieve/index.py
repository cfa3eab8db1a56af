"""An index that is opened for searches: by words, by an image, or by both, within filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from roco.base.errors import DataError, RejectedInput, UsageError
from roco.base.terminal import excerpt
from roco.baselines.neighbours.embed import SMALL_ENOUGH
from roco.baselines.neighbours.search import NOBODY, nearest, unit
from roco.baselines.neighbours.stored_backbone import stored_backbone
from roco.baselines.retrieve.folder import AGAIN, MOST_BYTES, VECTORS, WORDS, read_manifest
from roco.baselines.retrieve.hits import COLUMNS, Hit
from roco.baselines.retrieve.words import Words, words_of
from roco.models import arrays
from roco.models.images.decode import decode
from roco.release.read import Release
from roco.release.select import selection
from roco.release.select.flags import SelectOptions
from roco.release.select.values import checked

K = 60
"""The constant of reciprocal rank fusion (Cormack et al. 2009)."""

DEPTH = 1000
"""Ranks of each method that are fused."""

MOST_IMAGE_BYTES = 256 << 20


class Index:
    """An index of a release. path: its folder. manifest: encoder, release and counts."""

    def __init__(self, path: Path, manifest: Mapping[str, Any]) -> None:
        self.path = path
        self.manifest = manifest
        self.release = Release(path, published=False)
        self.table: pa.Table = self.release.table()
        self.names = self.release.concept_names()
        try:
            found = arrays.read(path / VECTORS, MOST_BYTES, "a file of embeddings", AGAIN)
            self._has: NDArray[np.bool_] = found["has"]
            own = found["vectors"][self._has]
            width = found["vectors"].shape[1]
            mean = own.mean(0, dtype=np.float64) if len(own) else np.zeros(width)
            self._centre = mean.astype(np.float32)
            self._vectors: NDArray[np.float16] = found["vectors"]
            self._unit = unit(self._vectors, self._centre)
            self._articles = np.array(self.table["article_key"].to_pylist(), np.str_)
            words = arrays.read(path / WORDS, MOST_BYTES, "a file of words", AGAIN)
            terms = words.pop("terms").tobytes().decode()
            self._words = Words(tuple(terms.split("\n")) if terms else (), **words)
        except (KeyError, TypeError, ValueError, IndexError) as err:
            raise DataError(f"{path}: its files do not belong together", AGAIN) from err

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Opens an index and checks its files; raises DataError for another folder or format, and a changed file."""
        return cls(Path(path), read_manifest(Path(path)))

    def __len__(self) -> int:
        return len(self.table)

    def search(
        self,
        words: str | None = None,
        *,
        image: str | Path | None = None,
        like: str | None = None,
        not_same_article: bool = False,
        n: int = 10,
        filters: SelectOptions | None = None,
        backbone: str | Path | None = None,
    ) -> list[Hit]:
        """Returns the best hits, the best first; equally good ones in the order of the ids.

        words: at least one of them has to occur. image: a file; similarity is the cosine of embeddings. like: the id
        of an image of the index instead of a file; it is no hit itself. not_same_article: without the other images of
        its article. Words and an image together are fused by reciprocal ranks. filters: as of `roco.select`. backbone:
        the encoder of the index, if it is not where it was. Raises UsageError for a query without words and image, and
        DataError for an invalid image and for another encoder.
        """
        if words is None and image is None and like is None:
            raise UsageError("nothing to search for", "give words, or an image: --image FILE")
        if image is not None and like is not None:
            raise UsageError("two images (--image, --like)", "leave one of them out")
        if not_same_article and like is None:
            raise UsageError("the article of the query is unknown (--not-same-article)", "give an image by --like ID")
        if words is not None and not words_of(words):
            raise UsageError("no word in the query", "write letters or digits")
        if n < 1:
            raise UsageError(f"{n} hits", "give a number of hits, 1 or more: -n 10")
        vector = None if image is None else self._embedded(Path(image), None if backbone is None else Path(backbone))
        allowed = self._allowed(filters)
        if like is not None:
            row = self._row(like)
            vector = self._vectors[row : row + 1]
            allowed[row] = False
            if not_same_article:
                allowed &= self._articles != self._articles[row]
        depth = max(DEPTH, n)
        found: dict[str, list[tuple[int, float]]] = {}
        if words is not None:
            found["words"] = _by_words(self._words.scores(words), allowed, depth)
        if vector is not None:
            neighbours = nearest(unit(vector, self._centre), self._unit, depth, allowed=allowed & self._has)
            pairs = zip(neighbours.positions[0].tolist(), neighbours.similarities[0].tolist(), strict=True)
            found["image"] = [pair for pair in pairs if pair[0] != NOBODY]
        lists = list(found.values())
        best = lists[0] if len(lists) == 1 else fused([[row for row, _ in one] for one in lists])
        ranks = {name: {row: rank for rank, (row, _) in enumerate(one, 1)} for name, one in found.items()}
        rows = self.table.select(list(COLUMNS)).take(pa.array([row for row, _ in best[:n]], pa.int64())).to_pylist()
        hits = []
        for rank, ((position, score), row) in enumerate(zip(best[:n], rows, strict=True), 1):
            matched = {name: of[position] for name, of in ranks.items() if position in of}
            hits.append(Hit.of(row, rank, score, self.names, matched))
        return hits

    def _row(self, id: str) -> int:
        """Returns the row of an image; raises UsageError for an unknown id, and an image without an embedding."""
        row = pc.index(self.table["id"], id).as_py()
        if row < 0:
            raise UsageError(f"no image '{excerpt(id)}' in {self.path} (--like)", "check the id")
        if not self._has[row]:
            raise UsageError(f"'{excerpt(id)}' has no embedding (--like)", "its image was missing or unreadable")
        return int(row)

    def _allowed(self, filters: SelectOptions | None) -> NDArray[np.bool_]:
        """Returns which rows the filters select."""
        if filters is None or not filters.stated():
            return np.ones(len(self), bool)
        _, table, chosen = selection.mask(self.release, checked(self.release, filters))
        ids = set(table.filter(chosen)["id"].to_pylist())
        return np.array([id in ids for id in self.table["id"].to_pylist()], bool)

    def _embedded(self, path: Path, backbone: Path | None) -> NDArray[np.float16]:
        network = stored_backbone(self.path, self.manifest["encoder"], backbone)
        if path.stat().st_size > MOST_IMAGE_BYTES:
            raise DataError(f"{path} is larger than {MOST_IMAGE_BYTES >> 20} MB", "give a smaller image")
        try:
            decoded = decode(path.read_bytes())
        except RejectedInput as err:
            raise DataError(f"{path} cannot be decoded: {err.message}", "give another image") from err
        return network.embed([decoded.small if network.size <= SMALL_ENOUGH else decoded.pixels])


def _by_words(scores: NDArray[np.float64], allowed: NDArray[np.bool_], depth: int) -> list[tuple[int, float]]:
    rows = np.flatnonzero((scores > 0) & allowed)
    order = rows[np.lexsort((rows, -scores[rows]))][:depth]
    return [(int(row), float(scores[row])) for row in order]


def fused(rankings: Sequence[Sequence[int]]) -> list[tuple[int, float]]:
    """Fuses rankings of rows: the score of a row is the sum of 1 / (60 + rank); equal ones by row."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, row in enumerate(ranking, 1):
            scores[row] = scores.get(row, 0.0) + 1 / (K + rank)
    return sorted(scores.items(), key=lambda one: (-one[1], one[0]))
