"""Removes concepts from valid and test that no image of train has, since no model can learn them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

Cuis = Sequence[str] | None


def trained_concepts(splits: Iterable[str | None], concepts: Iterable[Cuis]) -> frozenset[str]:
    """Returns the concepts of the images of train; splits, concepts: of each image."""
    trained: set[str] = set()
    for split, cuis in zip(splits, concepts, strict=True):
        if split == "train":
            trained.update(cuis or ())
    return frozenset(trained)


def pruned(splits: Iterable[str | None], concepts: Iterable[Cuis], trained: Collection[str]) -> list[list[str]]:
    """Returns the concepts of each image, those of valid and test without the ones that train lacks."""
    kept = []
    for split, cuis in zip(splits, concepts, strict=True):
        keep_all = split == "train"
        kept.append([cui for cui in cuis or () if keep_all or cui in trained])
    return kept
