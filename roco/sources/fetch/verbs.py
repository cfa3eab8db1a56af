"""The verbs of `roco fetch`: plan, run, update, verify."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from roco.base.errors import DataError, UsageError
from roco.base.files import full_disk, write_json
from roco.base.ids import clean_pmcid
from roco.sources.fetch.check import Problem, verify
from roco.sources.fetch.inventory import Inventory, by_ids, snapshot
from roco.sources.fetch.plan import Options, Plan, about, make_plan, read_plan, write_plan
from roco.sources.fetch.receipts import Receipts
from roco.sources.fetch.take import Progress, Taken, locked, take
from roco.sources.fetch.tree import STATE
from roco.sources.fetch.update import Changes, changes
from roco.sources.fetch.wire import CONNECTIONS, Patience, Wire

__all__ = ["ENDPOINT", "Problem", "ids_of", "plan", "run", "update", "verify"]

ENDPOINT = "https://pmc-oa-opendata.s3.amazonaws.com"
"""PMC's bucket, which anyone may read."""
MOST_GONE = 0.01
FEW_GONE = 20

_CONTACT = re.compile(r"[^\s@()<>,;]+@[^\s@()<>,;]+")


class Silent:
    """A progress that says nothing."""

    def begin(self, articles: int, files: int, bytes: int) -> None: ...
    def file(self, bytes: int) -> None: ...
    def article(self) -> None: ...
    def metadata(self, n: int, of: int) -> None: ...
    def close(self) -> None: ...


def plan(
    folder: Path, options: Options, *, dated: str | None = None, progress: Progress | None = None,
    patience: Patience | None = None,
) -> Plan:  # fmt: skip
    """Says what is to be fetched into a folder, and writes it down there; nothing large moves.

    dated: the snapshot of a day, the newest without it. Raises DataError where the bucket cannot be read.
    """
    with locked(folder), _wire(options, patience) as wire:
        made = _plan(folder, options, dated, wire, progress or Silent())
        _believe(made, let_go=False)
        write_plan(folder, made)
        return made


def run(
    folder: Path, *, connections: int | None = None, progress: Progress | None = None, patience: Patience | None = None
) -> Taken:
    """Fetches what the plan of a folder says and is not here; resumes by itself."""
    options = read_plan(folder).options
    if connections:
        options = replace(options, connections=connections)
    with locked(folder), _wire(options, patience) as wire:
        return take(folder, wire, progress or Silent())


def update(
    folder: Path, *, dated: str | None = None, dry: bool = False, let_go: bool = False,
    progress: Progress | None = None, patience: Patience | None = None,
) -> tuple[Changes, Taken | None]:  # fmt: skip
    """Makes the plan anew from a newer snapshot and fetches only what differs; the rest is not touched.

    dry: says what differs, and changes nothing. Raises DataError where more articles are gone than can be believed,
    but for let_go.
    """
    before = read_plan(folder)
    with locked(folder), _wire(before.options, patience) as wire:
        made = _plan(folder, before.options, dated, wire, progress or Silent())
        found = changes(before, made)
        if dry:
            return found, None
        _believe(made, let_go)
        if any((found.new, found.changed, found.removed, found.retracted, found.relicensed)):
            write_json(folder / STATE / "updates" / f"{_stamp(made)}.json", found.as_mapping())
        write_plan(folder, made)
        return found, take(folder, wire, progress or Silent())


def _stamp(made: Plan) -> str:
    return f"{made.told['snapshot']}-{made.told['manifest_sha256'][:8]}"


def _believe(made: Plan, let_go: bool) -> None:
    """A snapshot that lacks many articles is rather a broken snapshot than a bucket that lost them."""
    gone, kept = made.told["gone"], made.told["take"] + made.told["follow"]
    if gone > max(FEW_GONE, MOST_GONE * (gone + kept)) and not let_go:
        raise DataError(
            f"{gone:,} of {gone + kept:,} articles are not in the snapshot {made.told['snapshot']}; none was removed",
            "take a snapshot of another day (--snapshot), or let them go: roco fetch update --let-go",
        )


def _plan(folder: Path, options: Options, dated: str | None, wire: Wire, progress: Progress) -> Plan:
    inventory = _inventory(options, dated, wire)
    receipts = Receipts(folder, inventory.name)
    try:
        return make_plan(folder, options, inventory, wire, receipts.add, progress.metadata)
    except OSError as err:
        raise full_disk(err, about(folder)) from err
    finally:
        receipts.sync()
        receipts.close()
        progress.close()


def _inventory(options: Options, dated: str | None, wire: Wire) -> Inventory:
    return snapshot(wire, dated) if options.ids is None else by_ids(wire, options.ids)


@contextmanager
def _wire(options: Options, patience: Patience | None) -> Iterator[Wire]:
    if not _CONTACT.fullmatch(options.contact) or not options.contact.isprintable():
        raise UsageError(
            f"{options.contact!r} is no address of mail",
            "say how you can be reached: --contact you@example.org, or ROCO_CONTACT; it stands in the User-Agent",
        )
    if not 1 <= options.connections <= CONNECTIONS:
        raise UsageError(f"{options.connections} connections", f"from 1 to {CONNECTIONS} may be open at once")
    wants = options.wants
    if wants.first_year and wants.last_year and wants.first_year > wants.last_year:
        raise UsageError(f"no year is from {wants.first_year} to {wants.last_year}", "the first year comes first")
    if not re.match(r"https?://[^/\s]+", options.endpoint):
        raise UsageError(f"{options.endpoint!r} is no address of a bucket", f"such as {ENDPOINT}")
    wire = Wire(options.endpoint, options.contact, connections=options.connections, patience=patience)
    try:
        yield wire
    finally:
        wire.stop.set()
        wire.close()


def ids_of(told: Iterable[str]) -> tuple[tuple[int, int | None], ...]:
    """PMCIDs, with or without a version, from words, lists with commas, and files with one a line.

    Raises UsageError for a word, DataError for a line of a file, that is none.
    """
    found: dict[tuple[int, int | None], None] = {}
    for word in told:
        if clean_pmcid(word)[0] is None and (path := Path(word)).is_file():
            for n, line in enumerate(path.read_text(encoding="utf-8-sig", errors="replace").splitlines(), 1):
                id = line.partition("#")[0].replace(",", " ").split()[:1]
                if id and not (n == 1 and id[0].lower() in ("pmcid", "accessionid", "id")):
                    found[_id(id[0], DataError(f"{path}, line {n}: {id[0][:40]!r} is no PMCID", _SUCH))] = None
            continue
        for part in word.split(","):
            found[_id(part.strip(), UsageError(f"{part[:40]!r} is no PMCID, nor a file", _SUCH))] = None
    if not found:
        raise UsageError("--ids names no article", _SUCH)
    return tuple(found)


_SUCH = "such as PMC10009416, or PMC10009416.1 for one version"


def _id(word: str, complaint: DataError | UsageError) -> tuple[int, int | None]:
    pmcid, version = clean_pmcid(word)
    if pmcid is None:
        raise complaint
    return int(pmcid.removeprefix("PMC")), version
