"""The options of an export."""

from __future__ import annotations

from dataclasses import dataclass

from roco.base.errors import UsageError

MB = 1_000_000


@dataclass(frozen=True)
class ExportOptions:
    """shard_mb: megabytes of images in one shard, for the formats that divide a split into shards."""

    shard_mb: int = 500

    def __post_init__(self) -> None:
        if self.shard_mb < 1:
            raise UsageError(f"invalid size of a shard: {self.shard_mb} MB", "write at least 1")

    @property
    def shard_bytes(self) -> int:
        return self.shard_mb * MB
