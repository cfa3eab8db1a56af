"""Warnings of `roco select` and `roco retract`: concepts and splits that the new release has lost."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from roco.cli.output import count, safe

MOST_NAMED = 5
"""Lost concepts that a warning names."""


def warn_of_emptied(splits: Iterable[str], verb: str) -> None:
    """Warns of each split without an image; verb: `is selected`, `is left`."""
    for split in splits:
        print(f"warning: no image of {split} {verb}", file=sys.stderr)


def warn_of_lost(concepts: Sequence[tuple[str, str, int]]) -> None:
    """Warns of concepts of valid and test that train no longer has.

    concepts: CUI, name and number of images of each.
    """
    if not concepts:
        return
    named = [f"{cui} {name} ({count('image', number)})" for cui, name, number in concepts[:MOST_NAMED]]
    more = f" and {len(concepts) - MOST_NAMED:,} more" if len(concepts) > MOST_NAMED else ""
    verb = "concept of valid and test is" if len(concepts) == 1 else "concepts of valid and test are"
    what = f"warning: {len(concepts):,} {verb} no longer in train: {', '.join(named)}{more}"
    print(safe(f"{what}\n  --prune removes them from valid and test"), file=sys.stderr)
