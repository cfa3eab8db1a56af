"""Downloads what a plan lists and the folder lacks, and packs or removes articles."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roco.base.files import full_disk
from roco.base.progress import Progress
from roco.sources.fetch import outcomes
from roco.sources.fetch.article_download import ArticleDownloader, ArticleToDownload
from roco.sources.fetch.articles_folder import STATE_FOLDER, ArticlesFolder
from roco.sources.fetch.client import BucketClient
from roco.sources.fetch.errors import UNAVAILABLE, DownloadFailed, ObjectUnavailable
from roco.sources.fetch.metadata_cache import MetadataCache
from roco.sources.fetch.outcomes import Outcome, Outcomes
from roco.sources.fetch.parallel import run_parallel
from roco.sources.fetch.plan import REMOVED, UNWANTED, WANTED, Plan, read_plan
from roco.sources.fetch.receipts import Receipts


@dataclass
class DownloadResult:
    """What one run of the download did; counts of articles, except for files, bytes and missing_images.

    present: articles that were already up to date; removed: deleted, because the bucket no longer contains them;
    missing_images: images that the metadata list and the bucket does not contain; unavailable_before: articles that an
    earlier run has reported as unavailable; excluded: articles that their XML excluded, by reason; problems: one line
    for each article that could not be downloaded; incomplete: whether running again may download more.
    """

    articles: int = 0
    present: int = 0
    removed: int = 0
    files: int = 0
    bytes: int = 0
    missing_images: int = 0
    unavailable_before: int = 0
    excluded: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    incomplete: bool = False


def download(folder: Path, client: BucketClient, progress: Progress) -> DownloadResult:
    """Downloads everything in the plan of a folder that is not up to date; resumes an interrupted download.

    Raises BucketUnreachable, DownloadStopped, and DataError for a full disk; what was downloaded is kept.
    """
    plan = read_plan(folder)
    receipts = Receipts(folder, plan.summary.snapshot)
    known_outcomes = Outcomes(folder, plan.options.selection)
    try:
        return _PlanDownload(folder, plan, client, receipts, known_outcomes, progress).run()
    except OSError as err:
        raise full_disk(err, folder / STATE_FOLDER) from err
    finally:
        receipts.close()
        known_outcomes.close()


class _PlanDownload:
    """The download of one plan; `result` is shared by all threads, under `lock`."""

    def __init__(
        self,
        folder: Path,
        plan: Plan,
        client: BucketClient,
        receipts: Receipts,
        known_outcomes: Outcomes,
        progress: Progress,
    ) -> None:
        self.plan = plan
        self.client = client
        self.receipts = receipts
        self.outcomes = known_outcomes
        self.progress = progress
        self.articles = ArticlesFolder(folder)
        self.cache = MetadataCache(folder / STATE_FOLDER / "metadata")
        self.downloader = ArticleDownloader(self.articles, client, receipts, plan.options.selection, self._count_file)
        self.result = DownloadResult()
        self.lock = threading.Lock()

    def run(self) -> DownloadResult:
        summary = self.plan.summary
        self.progress.start("articles", summary.to_download)
        self.articles.delete_leftovers()
        self._remove_articles()
        # Articles of one pack are consecutive, so that a pack is written as soon as all of them are complete.
        for pack, articles in itertools.groupby(self._articles_to_download(), lambda article: article.pack):
            keys: list[str] = []
            run_parallel(self.client, self._process, _collecting_keys(articles, keys))
            # An article that failed may succeed in the next run, and its pack cannot be extended.
            if pack is not None and not self.result.incomplete:
                self.receipts.sync()
                self.articles.pack(pack, keys)
        if not self.result.incomplete:
            shutil.rmtree(self.articles.staging, ignore_errors=True)
        return self.result

    def _remove_articles(self) -> None:
        """Removes articles that the bucket no longer contains; their receipts are written first."""
        if not self.plan.summary.removed:
            return
        keys = []
        for row in self.plan.table.to_pylist():
            key = f"PMC{row['number']}.{row['version']}"
            if row["state"] == REMOVED and self.articles.file_names(key):
                keys.append(key)
        for key in keys:
            for name in sorted(self.articles.file_names(key)):
                self.receipts.removed(f"{key}/{name}")
        self.receipts.sync()
        self.articles.remove(keys)
        self.result.removed = len({key.partition(".")[0] for key in keys})

    def _articles_to_download(self) -> Iterator[ArticleToDownload]:
        """Yields the articles in the order of the plan, with their metadata from the cache."""
        for number, group in itertools.groupby(self._rows_to_download(), lambda row: int(row["number"])):
            rows = list(group)
            metadata = {}
            for row in rows:
                body = self.cache.read(row["metadata_position"]).body
                if body is not None:
                    metadata[f"PMC{number}.{row['version']}"] = body
            chosen = next(row for row in rows if row["chosen"])
            yield ArticleToDownload(number, metadata, f"PMC{number}.{chosen['version']}", chosen["pack"])

    def _rows_to_download(self) -> Iterator[dict[str, Any]]:
        for batch in self.plan.table.to_batches(max_chunksize=10_000):
            for row in batch.to_pylist():
                has_metadata = row["metadata_position"] >= 0
                if row["state"] in (WANTED, UNWANTED) and not row["up_to_date"] and has_metadata:
                    yield row

    def _process(self, article: ArticleToDownload) -> None:
        """Downloads one article unless its outcome is known; an error of only this article becomes a problem."""
        sha256s = article.metadata_sha256
        outcome = self.outcomes.find(article.number, sha256s[article.chosen])
        if outcome is not None:
            self._count_outcome(outcome)
        elif self.articles.is_up_to_date(sha256s, article.chosen):
            with self.lock:
                self.result.present += 1
        else:
            self._download(article, sha256s[article.chosen])
        self.progress.advance()

    def _download(self, article: ArticleToDownload, metadata_sha256: str) -> None:
        try:
            result = self.downloader.download(article)
        except ObjectUnavailable as err:
            self.outcomes.add_unavailable(article.number, metadata_sha256, err.message)
            is_missing = err.status in UNAVAILABLE
            self._add_problem(f"{err.message}; removed after the plan was made" if is_missing else err.message)
        except DownloadFailed as err:
            changed = self._metadata_changed(article)
            self._add_problem(
                f"{err.message}; changed in the bucket after the plan was made" if changed else err.message
            )
            with self.lock:
                self.result.incomplete = True
        else:
            if result.exclusion is not None:
                self.outcomes.add_excluded(article.number, metadata_sha256, result.exclusion)
            with self.lock:
                if result.exclusion is not None:
                    self.result.excluded[result.exclusion.reason] += 1
                else:
                    self.result.articles += 1
                self.result.missing_images += result.missing_images

    def _count_outcome(self, outcome: Outcome) -> None:
        with self.lock:
            if outcome.kind == outcomes.UNAVAILABLE:
                self.result.unavailable_before += 1
            else:
                self.result.excluded[outcome.reason] += 1

    def _count_file(self, n_bytes: int) -> None:
        with self.lock:
            self.result.files += 1
            self.result.bytes += n_bytes
        self.progress.count(files=1, bytes=n_bytes)
        self.progress.refresh()

    def _add_problem(self, line: str) -> None:
        with self.lock:
            self.result.problems.append(line)

    def _metadata_changed(self, article: ArticleToDownload) -> bool:
        """Returns whether the metadata in the bucket differ from those of the plan, so that other MD5s are expected."""
        with contextlib.suppress(DownloadFailed, ObjectUnavailable):
            current = self.client.get(f"metadata/{article.chosen}.json", limit=1 << 20).data
            return current != article.metadata[article.chosen]
        return False


def _collecting_keys(articles: Iterator[ArticleToDownload], keys: list[str]) -> Iterator[ArticleToDownload]:
    """Yields the articles and appends the keys of their versions to a list, for the pack that follows."""
    for article in articles:
        keys += article.metadata
        yield article
