"""What the stages of a recipe can guarantee of every released image, and what a release contains where none does."""

from __future__ import annotations

from collections.abc import Collection, Sequence

SINGLE = "single"
RADIOLOGY = "radiology"
LICENSE = "license"
RETRACTION = "retraction"
RIGHTS = "rights"
CAPTION = "caption"
LANGUAGE = "language"
CONCEPTS = "concepts"
UNIQUE = "unique"

GUARANTEES = {
    SINGLE: "compound figures (several images in one file)",
    RADIOLOGY: "images that are not radiology images (photographs, histology, charts)",
    LICENSE: "images whose licence is unknown or does not allow redistribution",
    RETRACTION: "images of retracted articles",
    RIGHTS: "images that the article credits to others",
    CAPTION: "images without a caption that describes them",
    LANGUAGE: "captions in any language",
    CONCEPTS: "images without a concept",
    UNIQUE: "duplicates",
}
"""Guarantee -> what a release contains if no stage gives it. A stage names those that it gives in `ensures`."""


def not_filtered(given: Collection[str]) -> list[str]:
    """Returns what a release contains because no stage of its recipe drops it; given: the guarantees of all stages."""
    return [kind for guarantee, kind in GUARANTEES.items() if guarantee not in given]


def not_filtered_note(given: Collection[str]) -> str | None:
    """Returns a sentence on what a release contains because no stage drops it, None if it contains nothing of the kind.

    given: the guarantees of all stages of the recipe.
    """
    kinds = not_filtered(given)
    return f"Not filtered, and therefore included: {_enumeration(kinds)}." if kinds else None


def _enumeration(items: Sequence[str]) -> str:
    *first, last = items
    return f"{', '.join(first)} and {last}" if first else last
