"""The images whose neighbours are searched: embeddings, articles, concepts and captions, as files of a model folder.

```
vectors.npy       embeddings in 16 bits, images x width
centre.npy        the mean that is subtracted from each, in 32 bits
images.parquet    id, split, article, concepts, caption: a row for each embedding
vocabulary.txt    the concepts that can be predicted, a CUI a line
```
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from roco.base.errors import DataError
from roco.base.readers import UNREADABLE
from roco.base.terminal import excerpt
from roco.baselines import scores
from roco.baselines.neighbours.search import NOBODY, Ints, Neighbours, Vectors, nearest, unit
from roco.baselines.neighbours.vote import Concepts
from roco.baselines.training.folder import AGAIN
from roco.models import arrays
from roco.release.load.dataset import Dataset
from roco.release.load.vocabulary import Vocabulary

VECTORS, CENTRE, IMAGES, VOCABULARY = "vectors.npy", "centre.npy", "images.parquet", "vocabulary.txt"
COLUMNS = ("id", "split", "article", "concepts", "caption")


@dataclass(frozen=True)
class Index:
    """Images with embeddings. vectors: as the backbone returns them. images: a row for each, with COLUMNS."""

    vectors: NDArray[np.float16]
    centre: Vectors
    images: pa.Table
    vocabulary: Vocabulary

    @classmethod
    def of(
        cls, data: Dataset, vectors: NDArray[np.float16], vocabulary: Vocabulary, centred: bool, keep: NDArray[np.bool_]
    ) -> Index:
        """Returns the index of the rows that are kept: those with an embedding."""
        chosen = data[keep]
        images = pa.table(
            {
                "id": chosen.column("id"),
                "split": chosen.column("split"),
                "article": pa.array(scores.article_keys(chosen), pa.string()),
                "concepts": chosen.column("concepts").cast(pa.list_(pa.string())),
                "caption": chosen.column("caption").cast(pa.string()),
            }
        )
        own = vectors[keep]
        mean = own.mean(0, dtype=np.float64) if centred and len(own) else np.zeros(vectors.shape[1])
        return cls(own, mean.astype(np.float32), images, vocabulary)

    @classmethod
    def read(cls, folder: Path) -> Index:
        """Reads the files of a model folder; raises DataError if they do not belong together."""
        try:
            vectors = arrays.read_one(folder / VECTORS)
            centre = arrays.read_one(folder / CENTRE)
            images = pq.read_table(folder / IMAGES, columns=list(COLUMNS), partitioning=None)
        except UNREADABLE as err:
            raise DataError(f"{folder}: unreadable: {excerpt(err)}", AGAIN) from err
        if vectors.ndim != 2 or len(vectors) != len(images) or centre.shape != vectors.shape[1:]:
            raise DataError(f"{folder}: the embeddings do not belong to the images", AGAIN)
        return cls(vectors, centre, images, Vocabulary.read(folder / VOCABULARY))

    def write(self, folder: Path) -> None:
        """Writes the files into the new folder of a model."""
        arrays.write_one(folder / VECTORS, self.vectors)
        arrays.write_one(folder / CENTRE, self.centre)
        pq.write_table(self.images, folder / IMAGES, compression="zstd")
        self.vocabulary.save(folder / VOCABULARY)

    def __len__(self) -> int:
        return len(self.vectors)

    def nearest(
        self, vectors: NDArray[np.float16], k: int, articles: Iterable[str] | None = None, **options: Any
    ) -> Neighbours:
        """Returns the nearest images of embeddings. articles: of the queries, whose images are excluded."""
        excluded: dict[str, Any] = {}
        if articles is not None:
            numbers = [self._number_of.get(article, NOBODY) for article in articles]
            excluded = {"query_articles": np.array(numbers, np.int64), "index_articles": self._articles}
        return nearest(unit(vectors, self.centre), self._unit, k, **excluded, **options)

    @cached_property
    def concepts(self) -> Concepts:
        """Returns the concepts of the images."""
        rows = (cuis or () for cuis in self.images["concepts"].to_pylist())
        return Concepts.of(scores.truth_of(rows, self.vocabulary))

    def captions(self, found: Neighbours) -> list[str]:
        """Returns the caption of the nearest image of each query; an empty text if it has none."""
        captions = self.images["caption"]
        nearest_ones = found.positions[:, 0].tolist() if found.positions.shape[1] else [NOBODY] * len(found.positions)
        return ["" if position == NOBODY else captions[position].as_py() or "" for position in nearest_ones]

    @cached_property
    def _unit(self) -> Vectors:
        return unit(self.vectors, self.centre)

    @cached_property
    def _number_of(self) -> dict[str, int]:
        return {article: number for number, article in enumerate(dict.fromkeys(self.images["article"].to_pylist()))}

    @cached_property
    def _articles(self) -> Ints:
        return np.array([self._number_of[article] for article in self.images["article"].to_pylist()], np.int64)
