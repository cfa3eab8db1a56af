"""The commands of `roco fetch` as functions: plan, run, update, verify."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from roco.base.errors import DataError, UsageError
from roco.base.files import full_disk, write_json
from roco.base.progress import NullProgress, Progress
from roco.sources.fetch.article_ids import parse_ids
from roco.sources.fetch.articles_folder import STATE_FOLDER, locked
from roco.sources.fetch.changes import Changes, compare_plans
from roco.sources.fetch.client import MAX_CONNECTIONS, BucketClient
from roco.sources.fetch.download import DownloadResult, download
from roco.sources.fetch.inventory import list_articles, read_snapshot
from roco.sources.fetch.make_plan import make_plan
from roco.sources.fetch.plan import Options, Plan, plan_path, read_plan, write_plan
from roco.sources.fetch.receipts import Receipts
from roco.sources.fetch.retry import RetryPolicy
from roco.sources.fetch.verify import Problem, verify

__all__ = ["ENDPOINT", "Problem", "parse_ids", "plan", "run", "update", "verify"]

ENDPOINT = "https://pmc-oa-opendata.s3.amazonaws.com"
"""PMC's public bucket."""
MAX_REMOVED_SHARE = 0.01
MAX_REMOVED = 20
"""A snapshot that lacks more than this number and share of the articles in the folder is not trusted."""

_MAIL_ADDRESS = re.compile(r"[^\s@()<>,;]+@[^\s@()<>,;]+")


def plan(
    folder: Path, options: Options, *, date: str | None = None, progress: Progress | None = None,
    policy: RetryPolicy | None = None,
) -> Plan:  # fmt: skip
    """Plans the download into a folder and writes the plan there; downloads metadata only.

    date: of the snapshot, by default the newest. Raises DataError where the bucket cannot be read.
    """
    with locked(folder), open_client(options, policy) as client:
        new = _make_plan(folder, options, date, client, progress or NullProgress())
        _refuse_many_removals(new)
        write_plan(folder, new)
        return new


def run(
    folder: Path, *, connections: int | None = None, progress: Progress | None = None, policy: RetryPolicy | None = None
) -> DownloadResult:
    """Downloads what the plan of a folder lists and the folder lacks; resumes an interrupted download."""
    options = read_plan(folder).options
    if connections:
        options = replace(options, connections=connections)
    with locked(folder), open_client(options, policy) as client:
        return download(folder, client, progress or NullProgress())


def update(
    folder: Path, *, date: str | None = None, dry: bool = False, allow_removals: bool = False,
    progress: Progress | None = None, policy: RetryPolicy | None = None,
) -> tuple[Changes, DownloadResult | None]:  # fmt: skip
    """Plans again from a newer snapshot and downloads only what differs.

    dry: reports the changes and keeps the plan and the articles as they are; the result is then null.
    Raises DataError where implausibly many articles were removed, unless `allow_removals`.
    """
    old = read_plan(folder)
    with locked(folder), open_client(old.options, policy) as client:
        new = _make_plan(folder, old.options, date, client, progress or NullProgress())
        changes = compare_plans(old, new)
        if dry:
            return changes, None
        if not allow_removals:
            _refuse_many_removals(new)
        if changes.any:
            name = f"{new.summary.snapshot}-{new.summary.manifest_sha256[:8]}.json"
            write_json(folder / STATE_FOLDER / "updates" / name, changes.as_mapping())
        write_plan(folder, new)
        return changes, download(folder, client, progress or NullProgress())


def _refuse_many_removals(new: Plan) -> None:
    """Raises DataError for a plan that removes many articles: more likely the snapshot is incomplete."""
    summary = new.summary
    total = summary.removed + summary.wanted + summary.unwanted
    if summary.removed > max(MAX_REMOVED, MAX_REMOVED_SHARE * total):
        raise DataError(
            f"{summary.removed:,} of {total:,} articles are missing in snapshot {summary.snapshot}; none was removed",
            "choose another day (--snapshot), or remove them: roco fetch update --allow-removals",
        )


def _make_plan(folder: Path, options: Options, date: str | None, client: BucketClient, progress: Progress) -> Plan:
    if options.ids is None:
        progress.start("reading the inventory of the bucket", None)
        inventory = read_snapshot(client, date)
    else:
        progress.start("listing the versions of the articles", None)
        inventory = list_articles(client, options.ids)
    receipts = Receipts(folder, inventory.name)
    try:
        return make_plan(folder, options, inventory, client, receipts.downloaded, progress)
    except OSError as err:
        raise full_disk(err, plan_path(folder)) from err
    finally:
        receipts.sync()
        receipts.close()
        progress.close()


@contextmanager
def open_client(options: Options, policy: RetryPolicy | None) -> Iterator[BucketClient]:
    """Yields a client for the bucket; raises UsageError for invalid options."""
    client = new_client(options, policy)
    try:
        yield client
    finally:
        client.stop.set()
        client.close()


def new_client(options: Options, policy: RetryPolicy | None) -> BucketClient:
    """Returns a client for the bucket; raises UsageError for invalid options."""
    check_options(options)
    return BucketClient(options.endpoint, options.contact, connections=options.connections, policy=policy)


def is_mail_address(text: str) -> bool:
    return _MAIL_ADDRESS.fullmatch(text) is not None and text.isprintable()


def check_options(options: Options) -> None:
    """Raises UsageError for an invalid option; sends no request."""
    if not is_mail_address(options.contact):
        raise UsageError(
            f"invalid mail address {options.contact!r} (--contact)",
            "set --contact you@example.org, or ROCO_CONTACT; it is sent in the User-Agent",
        )
    if not 1 <= options.connections <= MAX_CONNECTIONS:
        raise UsageError(f"invalid number of connections: {options.connections}", f"choose 1 to {MAX_CONNECTIONS}")
    first, last = options.selection.first_year, options.selection.last_year
    if first and last and first > last:
        raise UsageError(f"--from {first} is after --to {last}", "give the first year with --from")
    if not re.match(r"https?://[^/\s]+", options.endpoint):
        raise UsageError(f"invalid endpoint {options.endpoint!r}", f"give an address such as {ENDPOINT}")
