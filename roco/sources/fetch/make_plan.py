"""Makes a plan: downloads missing metadata, judges every article, and estimates the size of the download."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from roco.base.formats import IMAGE_EXTENSIONS, extension_of
from roco.base.progress import NullProgress, Progress
from roco.sources.fetch.articles_folder import STATE_FOLDER, ArticlesFolder
from roco.sources.fetch.client import BucketClient, Download
from roco.sources.fetch.inventory import Inventory
from roco.sources.fetch.listing import list_objects
from roco.sources.fetch.metadata_cache import MetadataCache
from roco.sources.fetch.parallel import run_parallel
from roco.sources.fetch.plan import EXCLUDED, REMOVED, UNWANTED, WANTED, Estimate, Options, Plan, Summary
from roco.sources.fetch.plan_rows import PlanRow, as_table, is_to_download, plan_rows

MAX_SAMPLE = 200
"""Articles whose objects are listed for the estimate; if there are fewer, all are listed."""
BITS_PER_SECOND = 100e6
"""The bandwidth that the estimate of the time assumes."""


def make_plan(
    folder: Path, options: Options, inventory: Inventory, client: BucketClient, receipt: Callable[[Download], None],
    progress: Progress | None = None,
    now: Callable[[], float] = time.monotonic,
) -> Plan:  # fmt: skip
    """Downloads metadata that are not in the cache and judges every article; `write_plan` puts the plan in place."""
    cache = MetadataCache(folder / STATE_FOLDER / "metadata")
    missing = cache.missing(inventory.table)
    progress = progress or NullProgress()
    progress.start("metadata files", len(missing))

    def downloaded_one() -> None:
        progress.count(files=1)
        progress.advance()

    start = now()
    cache.download(client, missing, receipt, downloaded_one)
    metadata_seconds = now() - start
    rows = list(plan_rows(inventory, cache, ArticlesFolder(folder), options))
    chosen = [row for row in rows if row.chosen]
    to_download = [row for row in chosen if is_to_download(row)]
    start = now()
    sample = _list_sample(client, to_download)
    if len(missing):
        requests_per_second = rate(len(missing), metadata_seconds)
    else:
        requests_per_second = rate(len(sample), now() - start)
    states = Counter(row.state for row in chosen)
    reasons = Counter(row.reason or "" for row in chosen if row.state == EXCLUDED)
    summary = Summary(
        snapshot=inventory.name,
        manifest_sha256=inventory.sha256,
        notes=inventory.notes,
        versions=len(rows),
        articles=len(chosen),
        wanted=states[WANTED],
        unwanted=states[UNWANTED],
        removed=states[REMOVED],
        to_download=len(to_download),
        excluded=dict(sorted(reasons.items())),
        estimate=estimate(sample, len(to_download), requests_per_second),
    )
    return Plan(options, summary, as_table(rows))


class ArticleSize(NamedTuple):
    """XML and images of one article."""

    files: int
    bytes: int


def rate(n: int, seconds: float) -> float:
    """Returns requests per second; very short times are not used."""
    return n / max(0.05, seconds)


def estimate(sample: Sequence[ArticleSize], n_articles: int, requests_per_second: float) -> Estimate:
    """Scales a sample up to all articles.

    It is an upper bound, because only the XML shows which images belong to figures.
    """
    scale = n_articles / max(1, len(sample))
    files = round(scale * sum(size.files for size in sample))
    n_bytes = round(scale * sum(size.bytes for size in sample))
    seconds = max(files / max(1.0, requests_per_second), 8 * n_bytes / BITS_PER_SECOND)
    return Estimate(
        files=files,
        bytes=n_bytes,
        sampled=len(sample),
        requests_per_second=round(requests_per_second),
        seconds=round(seconds),
    )


def _list_sample(client: BucketClient, to_download: Sequence[PlanRow]) -> list[ArticleSize]:
    """Lists the objects of some articles, always the same ones of the same plan."""
    sample = to_download if len(to_download) <= MAX_SAMPLE else random.Random(0).sample(to_download, MAX_SAMPLE)
    sizes: list[ArticleSize] = []

    def list_article(row: PlanRow) -> None:
        key = f"PMC{row.number}.{row.version}"
        xml = f"{key}/{key}.xml".lower()
        files = 0
        n_bytes = 0
        for listed in list_objects(client, f"{key}/"):
            name = listed.key.lower()
            if name == xml or extension_of(name) in IMAGE_EXTENSIONS:
                files += 1
                n_bytes += listed.size
        sizes.append(ArticleSize(files, n_bytes))

    run_parallel(client, list_article, iter(sample))
    return sizes
