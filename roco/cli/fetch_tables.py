"""What `roco fetch` prints: plan, result, changes and progress."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console

from roco.cli.output import count
from roco.cli.progress import ProgressBar, duration
from roco.cli.tables import LINES_PER_LIST, clean, console
from roco.sources.fetch.changes import KINDS, ChangedArticle, Changes
from roco.sources.fetch.download import DownloadResult
from roco.sources.fetch.inventory import BY_IDS
from roco.sources.fetch.plan import Plan

EXCLUSIONS = {
    "metadata": "metadata invalid or unavailable",
    "closed": "not in the open access subset",
    "ocr": "scans",
    "manuscript": "author manuscripts",
    "retracted": "retracted",
    "license": "other licence",
    "date": "other year",
    "type": "other article type",
}
"""Reason -> its meaning, for the articles that a plan or their XML excludes."""


def show_plan(plan: Plan) -> None:
    out = console()
    summary = plan.summary
    if summary.snapshot != BY_IDS:
        out.print(f"snapshot {clean(summary.snapshot)}, manifest {summary.manifest_sha256[:16]}…")
        for note in summary.notes:
            out.print(f"note: {clean(note)}", soft_wrap=True)
    out.print(f"{count('article', summary.articles)} in {count('version', summary.versions)}")
    for reason, n in summary.excluded.items():
        _print_count(out, n, f"excluded: {EXCLUSIONS.get(reason, reason)}")
    to_download = summary.to_download
    _print_count(
        out, summary.wanted, f"wanted, {to_download:,} to download" if to_download != summary.wanted else "wanted"
    )
    if summary.unwanted:
        _print_count(out, summary.unwanted, "in the folder, no longer wanted: kept, with current metadata")
    if summary.removed:
        _print_count(out, summary.removed, "in the folder, no longer in the bucket: will be removed")
    if to_download:
        _show_estimate(out, plan)


def _show_estimate(out: Console, plan: Plan) -> None:
    to_download, estimate = plan.summary.to_download, plan.summary.estimate
    if estimate.sampled < to_download:
        qualifier, basis = "about", f"estimated from {estimate.sampled:,} articles"
    else:
        qualifier, basis = "at most", "as listed by the bucket"
    files = f"{qualifier} {estimate.files:,} files, {size(estimate.bytes)}"
    out.print(f"to download: {count('article', to_download)}, {files}, {basis}")
    out.print(f"time: about {duration(estimate.seconds)} at {estimate.requests_per_second:,} requests/s and 100 Mbit/s")


def show_result(result: DownloadResult, seconds: float) -> None:
    out = console()
    speed = f", {size(result.bytes / seconds)}/s" if result.bytes and seconds > 0 else ""
    out.print(
        f"downloaded: {count('article', result.articles)}, {count('file', result.files)}, {size(result.bytes)} in "
        f"{duration(seconds)}{speed}"
    )
    counts = {
        "already up to date": result.present,
        "removed: no longer in the bucket": result.removed,
        "unavailable, as reported before": result.unavailable_before,
    }
    for reason, n in sorted(result.excluded.items()):
        counts[f"excluded by their XML: {EXCLUSIONS.get(reason, reason)}"] = n
    counts["images in the metadata, not in the bucket"] = result.missing_images
    for text, n in counts.items():
        if n:
            _print_count(out, n, text)


def result_as_mapping(result: DownloadResult) -> dict[str, Any]:
    return {**vars(result), "excluded": dict(result.excluded)}


def show_changes(changes: Changes) -> None:
    out = console()
    out.print(f"from {clean(changes.previous_snapshot)} to {clean(changes.snapshot)}")
    for kind in KINDS:
        articles = changes.of_kind(kind)
        _print_count(out, len(articles), kind)
        if kind != "new":
            _show_changed(out, articles)
    if changes.unrelated:
        _print_count(out, changes.unrelated, "changed, neither wanted nor in the folder")


def _show_changed(out: Console, articles: Sequence[ChangedArticle]) -> None:
    for changed in articles[:LINES_PER_LIST]:
        out.print(f"               {clean(changed.article)}  {clean(changed.detail)}", soft_wrap=True)
    if len(articles) > LINES_PER_LIST:
        out.print(f"               and {len(articles) - LINES_PER_LIST:,} more: --json")


def _print_count(out: Console, n: int, text: str) -> None:
    out.print(f"  {n:>11,}  {text}")


def size(n_bytes: float) -> str:
    """Formats a number of bytes with units of 1,000: `1.5 kB`."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if n_bytes < 1000:
            return f"{n_bytes:,.0f} {unit}" if unit == "bytes" else f"{n_bytes:,.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:,.1f} TB"


class DownloadProgress(ProgressBar):
    """The progress of `roco fetch`, in articles or their metadata, with files and bytes per second."""

    def start(self, what: str, total: int | None, done: int = 0) -> None:
        super().start(what, total, done)
        self.counts.clear()  # the rates are those of the current activity

    def rates(self, seconds: float) -> str:
        return f"{self.counts['files']:,} files, {size(self.counts['bytes'] / max(1e-3, seconds))}/s"
