"""The source `cloud` whose path is the address of a bucket: articles are read by GET, without a copy on this disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import pyarrow as pa

from roco.base.errors import RejectedInput
from roco.base.progress import NullProgress, Progress
from roco.base.terminal import quoted
from roco.core.source import Package, Wanted
from roco.sources.bucket.options import BucketOptions
from roco.sources.cloud_metadata import KEY

if TYPE_CHECKING:
    from roco.sources.bucket.reader import Reader


@dataclass(frozen=True, kw_only=True)
class BucketSource(BucketOptions):
    """Reads articles straight from a bucket in the layout of PMC's, and selects them like `roco fetch plan`.

    path: `s3://NAME`, or `https://HOST/NAME`. state: the folder of the listing, the metadata and the receipts; in a
    recipe it is by default in the run folder. endpoint: the address of the bucket on another S3 server than Amazon's.
    contact: your mail address, sent in the User-Agent; in a recipe it is by default that in ROCO_CONTACT. ids: PMCIDs,
    or a file with one on each line; by default the whole bucket. snapshot: day of the inventory; by default the newest
    one at the first run. licenses, retracted, manuscripts: as for `roco fetch plan`. connections: of each worker.
    """

    kind: ClassVar[str] = "cloud"

    def listing(self, known: pa.Table | None) -> pa.Table:
        """Returns one row per selected article, as `CloudSource` does; the bucket is asked only for the first listing.

        facts lack `absent`, which only the article's XML shows. An article in `known` that is no longer selected is
        still listed, so that a run drops its images with the reason.
        """
        return self.listing_with_progress(known, NullProgress())

    def listing_with_progress(self, known: pa.Table | None, progress: Progress) -> pa.Table:
        """Returns the same as `listing`, and reports how many metadata have been downloaded for it."""
        from roco.sources.bucket.catalog import listing

        return listing(self, known, progress)

    def expect(self, files: Sequence[Wanted]) -> None:
        """Starts to download what is read next, on as many connections as the source has."""
        self._reader.expect(files)

    def open(self, place: str) -> Package:
        """Opens one version without a request; what is read is requested, unless it was announced before."""
        from roco.sources.bucket.package import BucketPackage

        if not KEY.fullmatch(place):
            raise RejectedInput(f"{quoted(place)} is not a version of an article")
        return BucketPackage(self._reader, place)

    def check(self) -> None:
        """Raises UsageError if an option is invalid; sends no request."""
        from roco.sources.bucket.catalog import options_of

        options_of(self)

    @cached_property
    def _reader(self) -> Reader:
        from roco.sources.bucket.reader import Reader

        return Reader(self)
