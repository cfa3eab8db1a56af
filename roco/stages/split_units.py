"""Units of related images, which are connected by what they share, each with the split of its released images."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from roco.base.schema import SPLITS

Bonds = Sequence[int]
"""What an image shares with the others of its unit, as numbers; never empty."""


class Units:
    """Sets of connected bonds (union-find), each with the split of its released images, if it has any.

    A bond that released images of several splits share is torn: it connects nothing, and no new image may have it.
    """

    def __init__(self) -> None:
        self._parent: dict[int, int] = {}
        self._split: dict[int, str] = {}  # by the root of the set
        self._torn: dict[int, tuple[str, str]] = {}  # two of the splits that share the bond

    def number(self, bonds: Bonds) -> int:
        """Returns the number of the unit of an image: one of its bonds."""
        return self._root(bonds[0])

    def split_of(self, bonds: Bonds) -> str | None:
        """Returns the split of the unit of a new image, None if it has none yet."""
        return self._split.get(self.number(bonds))

    def other_split(self, bonds: Bonds, split: str | None) -> str | None:
        """Returns a split, other than the given one, of the images that share one of the bonds."""
        for bond in bonds:
            for other in self._torn.get(bond, (self._split.get(self._root(bond)),)):
                if other not in (None, split):
                    return other
        return None

    def settle(self, images: Iterable[tuple[Bonds, str]]) -> None:
        """Connects the bonds of released images, and tears those that images of several splits share.

        images: bonds and split of each; none shares a bond with an image of another split that settled before.
        """
        images = list(images)
        splits: defaultdict[int, set[str]] = defaultdict(set)
        for bonds, split in images:
            for bond in bonds:
                splits[bond].add(split)
        for bond, sharing in splits.items():
            if len(sharing) > 1:
                first, second, *_ = sorted(sharing, key=SPLITS.index)
                self._torn[bond] = (first, second)
        for bonds, split in images:
            whole = [bond for bond in bonds if bond not in self._torn]
            if whole:
                self._split[self._connect(whole)] = split

    def join(self, bonds: Bonds) -> tuple[str, str] | None:
        """Connects the bonds of a new image; returns two splits and does nothing if this would connect them."""
        for bond in bonds:
            if bond in self._torn:
                return self._torn[bond]
        splits = {self._split[root] for root in map(self._root, bonds) if root in self._split}
        if len(splits) > 1:
            first, second, *_ = sorted(splits, key=SPLITS.index)
            return first, second
        root = self._connect(bonds)
        for only in splits:
            self._split[root] = only
        return None

    def _connect(self, bonds: Bonds) -> int:
        """Makes one set of the sets of some bonds; returns its root."""
        roots = {self._root(bond) for bond in bonds}
        new_root = min(roots)
        for root in roots:
            self._parent[root] = new_root
        return new_root

    def _root(self, bond: int) -> int:
        self._parent.setdefault(bond, bond)
        while self._parent[bond] != bond:
            self._parent[bond] = self._parent[self._parent[bond]]  # halves the path, so that later searches are short
            bond = self._parent[bond]
        return bond
