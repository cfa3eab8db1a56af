"""The ledger of a publication: what it has assigned for good, such as ids, which the next one must not change."""

from __future__ import annotations

from typing import NamedTuple

import pyarrow as pa


class Ledger(NamedTuple):
    """What a published folder has assigned, as a table of the publication's own.

    release: SHA-256 of the checksums of the folder that the table describes.
    """

    table: pa.Table
    release: str


class Changes(NamedTuple):
    """How a publication differs from the one before it, in numbers of its entries.

    kept: those with the same id and split. changed: those with another id or split, of which `renumbered` have another
    id and `moved` are in another split. added, retired: those that only the new or only the old one has.
    """

    kept: int
    added: int
    retired: int
    changed: int = 0
    renumbered: int = 0
    moved: int = 0

    @property
    def n_before(self) -> int:
        """Returns the number of entries of the earlier one."""
        return self.kept + self.changed + self.retired
