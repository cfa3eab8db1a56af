"""How many images each split still needs, overall and of each stratum."""

from __future__ import annotations

import math
from collections.abc import Sequence

from roco.base.schema import SPLITS

_CLOSE = 1e-5
"""Needs that differ by more differ after rounding too."""


class Deficit:
    """How many images each split still needs: overall, and of each stratum.

    Splits are numbered as in SPLITS, strata as in `sizes`, their numbers of images. A split with a fraction of 0 needs
    minus infinity.
    """

    def __init__(self, fractions: Sequence[float], sizes: Sequence[int]) -> None:
        self.overall = _shares(fractions, sum(sizes))
        self.by_stratum = [_shares(fractions, size) for size in sizes]

    def largest(self, stratum: int) -> int:
        """Returns the split that needs most images of the stratum; of equals the one that needs most overall."""
        needed = self.by_stratum[stratum]
        least = max(needed) - _CLOSE
        close = [split for split, images in enumerate(needed) if images > least]
        if len(close) == 1:
            return close[0]
        # Rounded, so that the order in which fractions were subtracted cannot decide; max prefers train, then valid.
        return max(close, key=lambda split: (round(needed[split], 6), round(self.overall[split], 6)))

    def largest_held_out(self, stratum: int) -> int:
        """Returns the split of valid and test that needs most images of the stratum; train if neither needs one.

        Few units may be in valid and test, so these are filled first and train takes the remaining units.
        """
        train, valid, test = range(len(SPLITS))
        needed = self.by_stratum[stratum]
        open_splits = [split for split in (valid, test) if needed[split] >= 0.5]
        return max(open_splits, key=needed.__getitem__, default=train)

    def take(self, split: int, stratum: int, images: int) -> None:
        """Counts images of one stratum for their split; `overall` is counted apart, once for each unit."""
        needed = self.by_stratum[stratum]
        # One by one, because each step is rounded.
        for _ in range(images):
            needed[split] -= 1


def _shares(fractions: Sequence[float], size: int) -> list[float]:
    return [fraction * size if fraction > 0 else -math.inf for fraction in fractions]
