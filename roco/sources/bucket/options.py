"""The options of a source that reads a bucket."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from roco.base.licenses import DEFAULT_LICENSES
from roco.sources.bucket.address import endpoint_of


@dataclass(frozen=True, kw_only=True)
class BucketOptions:
    """The fields of `BucketSource`, which describes them."""

    path: str
    state: Path
    endpoint: str = ""
    contact: str = ""
    ids: tuple[str, ...] | Path | None = None
    snapshot: str = ""
    licenses: tuple[str, ...] = DEFAULT_LICENSES
    retracted: bool = False
    manuscripts: bool = False
    connections: int = 8

    def __post_init__(self) -> None:
        _ = self.address  # an invalid one is an error of the recipe

    @property
    def address(self) -> str:
        """Returns the address to which keys are appended."""
        return endpoint_of(self.path, self.endpoint)
