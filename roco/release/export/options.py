"""The options of an export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from roco.base.errors import UsageError
from roco.base.terminal import excerpt

MB = 1_000_000


@dataclass(frozen=True)
class ExportOptions:
    """shard_mb: megabytes of images in one shard, for the formats that divide a split into shards.

    url: the address at which the files of the release are published, for croissant.json; each release needs its own.

    image_url: the address of an image in the tasks of Label Studio; `{path}` is its path in the export.
    """

    shard_mb: int = 500
    url: str = ""
    image_url: str = ""

    def __post_init__(self) -> None:
        if self.shard_mb < 1:
            raise UsageError(f"invalid size of a shard: {self.shard_mb} MB", "write at least 1")
        if self.url and not self.url.startswith(("https://", "http://")):
            raise UsageError(f"invalid address: '{excerpt(self.url)}'", "write a URL that begins with https://")

        if self.image_url and "{path}" not in self.image_url:
            raise UsageError(
                f"invalid address of images: '{excerpt(self.image_url)}'", "write {path} in it: the path in the export"
            )

    def stated(self) -> Mapping[str, int | str]:
        """Returns the options that are set, as export.json records them."""
        return {name: value for name, value in asdict(self).items() if value}

    @property
    def shard_bytes(self) -> int:
        return self.shard_mb * MB
