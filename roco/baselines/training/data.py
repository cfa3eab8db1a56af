"""What a model was trained on, and what is wrong with it: reported, and never dropped from what is scored."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import Any

from roco.base.errors import DataError
from roco.release.load.dataset import Dataset
from roco.release.load.vocabulary import Vocabulary

MOST_LISTED = 1000
"""Ids and CUIs that a manifest lists by name."""


@dataclass(frozen=True)
class DataFacts:
    """The data of a training.

    digest: of ids, splits, captions, concepts and image files. rows: images by split. without_image: ids of rows
    whose image file is missing; they are not trained on, but are predicted and scored. images_without_row: image files
    whose id no row has. unknown_concepts: CUIs of valid and test that the training images lack, with the number of
    images; no model can predict them, and dropping them from the truth would raise its F1.
    """

    path: str
    digest: str
    rows: dict[str, int]
    without_image: tuple[str, ...]
    images_without_row: tuple[str, ...]
    unknown_concepts: dict[str, int]

    @classmethod
    def of(cls, data: Dataset, vocabulary: Vocabulary | None = None) -> DataFacts:
        """Returns the facts of a whole dataset; vocabulary: the concepts of its training images, by default counted."""
        ids, splits = data.column("id").to_pylist(), data.column("split").to_pylist()
        files = data.figures.image_files()
        known = set(ids)
        without = tuple(id for id in ids if id not in files) if data.has_images else ()
        concepts = data.column("concepts").to_pylist() if "concepts" in data.columns else [()] * len(ids)
        trained = set(vocabulary.cuis) if vocabulary is not None else {
            cui for split, cuis in zip(splits, concepts, strict=True) if split == "train" for cui in cuis or ()
        }  # fmt: skip
        unknown = Counter(cui for cuis in concepts for cui in cuis or () if cui not in trained)
        return cls(
            path=str(data.figures.path),
            digest=digest_of(data),
            rows=dict(sorted(Counter(splits).items())),
            without_image=without,
            images_without_row=tuple(sorted(files.keys() - known)),
            unknown_concepts=dict(sorted(unknown.items(), key=lambda one: (-one[1], one[0]))),
        )

    def problems(self) -> list[str]:
        """Returns what a user should know, a sentence each."""
        found = []
        if self.without_image:
            n = len(self.without_image)
            found.append(
                f"{_count(n, 'row')} without an image ({_some(self.without_image)}): not trained on, but scored"
            )
        if self.images_without_row:
            n = len(self.images_without_row)
            found.append(f"{_count(n, 'image file')} without a row ({_some(self.images_without_row)}): ignored")
        if self.unknown_concepts:
            n, images = len(self.unknown_concepts), sum(self.unknown_concepts.values())
            what = f"{_count(n, 'concept')} of valid or test not in train ({_some(tuple(self.unknown_concepts))})"
            found.append(f"{what}: never predicted, but scored ({images:,} times)")
        return found

    def to_json(self) -> dict[str, Any]:
        """Returns the facts for a manifest; of many ids only the first are listed."""
        return {
            "path": self.path,
            "sha256": self.digest,
            "rows": self.rows,
            "rows_without_image": {"n": len(self.without_image), "ids": list(self.without_image[:MOST_LISTED])},
            "images_without_row": {
                "n": len(self.images_without_row), "ids": list(self.images_without_row[:MOST_LISTED]),
            },
            "concepts_not_in_train": {
                "n": len(self.unknown_concepts), "images": dict(list(self.unknown_concepts.items())[:MOST_LISTED]),
            },
        }  # fmt: skip


def digest_of(data: Dataset) -> str:
    """Returns the SHA-256 of what a model can learn from: ids, splits, captions, concepts, labels and image files."""
    names = [
        name
        for name in ("id", "split", "caption", "concepts", "modality", "region", "direction")
        if name in data.columns
    ]
    files = data.figures.image_files() if data.has_images else {}
    sha = hashlib.sha256()
    for row in zip(*(data.column(name).to_pylist() for name in names), strict=True):
        file = files.get(row[0])
        # A loose file is known by its size: its time of change is another one in every copy.
        stamp = "" if file is None else file.stamp if file.place is not None else str(file.size)
        sha.update(repr((row, stamp)).encode())
    return sha.hexdigest()


def with_images(data: Dataset, split: str = "train") -> Dataset:
    """Returns the rows whose image file exists; raises DataError if there are none. split: named in the error."""
    files = data.figures.image_files()
    kept = data[[position for position, id in enumerate(data.column("id").to_pylist()) if id in files]]
    if not len(kept):
        what = f"no images in {split}" if not len(data) else f"no image files for the {len(data):,} rows of {split}"
        raise DataError(f"{what} ({data.figures.path})", "check the dataset: roco verify")
    return kept


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _some(ids: tuple[str, ...]) -> str:
    return ", ".join(ids[:3]) + (" …" if len(ids) > 3 else "")
