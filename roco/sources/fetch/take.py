"""Fetches what a plan says: for each article its XML first, then only the images that its own figures refer to."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import itertools
import os
import shutil
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from roco.base.errors import Busy, DataError, RejectedInput
from roco.base.files import digest, full_disk
from roco.sources.archives.reader import STANDARD
from roco.sources.cloud_metadata import md5s, read_metadata, version_of
from roco.sources.fetch import ledger
from roco.sources.fetch.kept import Kept, side_by_side
from roco.sources.fetch.ledger import Ledger
from roco.sources.fetch.plan import Plan, read_plan
from roco.sources.fetch.receipts import Receipts
from roco.sources.fetch.referred import referred
from roco.sources.fetch.tree import STATE, Tree
from roco.sources.fetch.wants import judge_xml
from roco.sources.fetch.wire import GONE, Failed, Gone, Wire
from roco.sources.jats.article import Article, parse

OUTCOMES = f"{STATE}/outcomes.jsonl"


class Progress(Protocol):
    """What is told while it is done, from any thread."""

    def begin(self, articles: int, files: int, bytes: int) -> None: ...
    def file(self, bytes: int) -> None: ...
    def article(self) -> None: ...
    def metadata(self, n: int, of: int) -> None: ...
    def close(self) -> None: ...


@dataclass
class Taken:
    """What came of a plan; counts of articles, but for files, bytes and withheld.

    problems: one line for each article that could not be had, now; withheld: images that the metadata name and the
    bucket does not give; left: those that their XML spoke against, by reason.
    """

    articles: int = 0
    there: int = 0
    removed: int = 0
    files: int = 0
    bytes: int = 0
    withheld: int = 0
    gone_before: int = 0
    left: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    again: bool = False


class _Unit(NamedTuple):
    """An article to be fetched: metadata of each of its versions by name, the one that stands for it, its pack."""

    number: int
    metadata: Mapping[str, bytes]
    chosen: str
    pack: int | None


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds a folder for one process; raises Busy where another has it."""
    path = folder / STATE / "lock"
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder} is a file", "name a folder, new or fetched into before")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as err:
        raise full_disk(err, path) from err
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            raise Busy(f"another process fetches into {folder}", "wait for it, or stop it") from err
        yield
    finally:
        os.close(fd)


def take(folder: Path, wire: Wire, progress: Progress) -> Taken:
    """Does what the plan of a folder says and is not done; resumes by itself.

    Raises Unreachable, Busy, and DataError for a full disk; what was done stays done.
    """
    plan = read_plan(folder)
    receipts = Receipts(folder, str(plan.told["snapshot"]))
    outcomes = Ledger(folder / OUTCOMES)
    try:
        work = _Work(folder, plan, wire, receipts, outcomes, progress)
        return work.all()
    except OSError as err:
        raise full_disk(err, folder / STATE) from err
    finally:
        receipts.close()
        outcomes.close()


class _Work:
    def __init__(
        self, folder: Path, plan: Plan, wire: Wire, receipts: Receipts, outcomes: Ledger, progress: Progress
    ) -> None:
        self.plan, self.wire, self.receipts, self.outcomes, self.progress = plan, wire, receipts, outcomes, progress
        self.tree, self.kept = Tree(folder), Kept(folder / STATE / "metadata")
        self.wants = digest(plan.options.wants.as_mapping())
        self.before = {(o["article"], o["metadata"], o["wants"]): o for o in ledger.read(folder / OUTCOMES)}
        self.taken = Taken()
        self._lock = threading.Lock()
        self._failed: set[int] = set()

    def all(self) -> Taken:
        self.tree.sweep()
        estimate = self.plan.told["estimate"]
        self.progress.begin(self.plan.told["todo"], estimate["files"], estimate["bytes"])
        self._remove()
        for pack, units in itertools.groupby(self._units(), lambda unit: unit.pack):
            keys: list[str] = []
            side_by_side(self.wire, self._one, _noting(units, None if pack is None else keys))
            if pack is not None and not self._failed:
                self.receipts.sync()
                self.tree.seal(pack, keys)
        shutil.rmtree(self.tree.aside, ignore_errors=True) if not self._failed else None
        return self.taken

    def _remove(self) -> None:
        """Takes out what the bucket has no more."""
        rows = self.plan.table.to_pylist() if self.plan.told["gone"] else []
        gone = [f"PMC{row['number']}.{row['version']}" for row in rows if row["state"] == "gone"]
        there = [key for key in gone if self.tree.names(key)]
        for key in there:
            for name in sorted(self.tree.names(key)):
                self.receipts.removed(f"{key}/{name}")
        self.receipts.sync()
        self.tree.remove(there)
        self.taken.removed = len({key.partition(".")[0] for key in there})

    def _units(self) -> Iterator[_Unit]:
        """The articles that are to be fetched, in the order of the plan, with their metadata."""
        for number, group in itertools.groupby(self._rows(), lambda row: int(row["number"])):
            versions = list(group)
            bodies = {f"PMC{number}.{row['version']}": self.kept.body(row["place"])[0] for row in versions}
            chosen = next(row for row in versions if row["chosen"])
            told = {key: body for key, body in bodies.items() if body is not None}
            yield _Unit(number, told, f"PMC{number}.{chosen['version']}", chosen["pack"])

    def _rows(self) -> Iterator[dict[str, Any]]:
        for batch in self.plan.table.to_batches(max_chunksize=10_000):
            for row in batch.to_pylist():
                if row["state"] in ("take", "follow") and not row["here"] and row["place"] >= 0:
                    yield row

    def _one(self, unit: _Unit) -> None:
        """One article; what fails with it is a line of `problems`, what ends everything is raised."""
        sha256s = {key: hashlib.sha256(body).hexdigest() for key, body in unit.metadata.items()}
        known = self.before.get((unit.number, sha256s[unit.chosen], self.wants))
        if known:
            with self._lock:
                self.taken.gone_before += known["outcome"] == "gone"
                self.taken.left[known["reason"]] += known["outcome"] == "left"
        elif self.tree.holds(sha256s, unit.chosen):
            with self._lock:
                self.taken.there += 1
        else:
            try:
                self._fetch(unit)
            except Gone as err:
                self._settle(unit, sha256s[unit.chosen], "gone", err.message)
                self._problem(f"{err.message}; the plan was made before that" if err.status in GONE else err.message)
            except Failed as err:
                with self._lock:
                    self._failed.add(unit.number)
                    self.taken.again = True
                self._problem(err.message + self._changed(unit))
        self.progress.article()

    def _fetch(self, unit: _Unit) -> None:
        folder = self.tree.aside / f"PMC{unit.number}"
        self._begin(folder, unit)
        meta = read_metadata(unit.metadata[unit.chosen], unit.chosen)
        md5 = md5s(unit.chosen, meta)
        xml = self._object(folder, unit.chosen, f"{unit.chosen}.xml", md5, STANDARD.xml)
        version = version_of(unit.chosen, meta, None)
        try:
            article = parse(xml)
            if article.pmcid not in (None, f"PMC{unit.number}"):
                raise RejectedInput("the XML is of another article")
        except RejectedInput:
            article = Article()  # it is for `extract` to say what is wrong with it
        else:
            reason, detail = judge_xml(article, version.facts, self.plan.options.wants)
            if reason:
                self._settle(unit, hashlib.sha256(unit.metadata[unit.chosen]).hexdigest(), "left", reason, detail)
                shutil.rmtree(folder)
                with self._lock:
                    self.taken.left[reason] += 1
                return
        for name in referred(article, version.media or ()):
            try:
                self._object(folder, unit.chosen, name, md5, STANDARD.member)
            except Gone as err:
                self.receipts.tombstone(f"{unit.chosen}/{name}", err.status)
                with self._lock:
                    self.taken.withheld += 1
        self._put(unit, folder)
        with self._lock:
            self.taken.articles += 1

    def _begin(self, folder: Path, unit: _Unit) -> None:
        """Makes the folder that an article is gathered in, or goes on with one that is of the same metadata."""
        lying = {
            path.parent.name: path.read_bytes() for path in folder.glob("*/*.json") if path.stem == path.parent.name
        }
        if folder.exists() and lying != unit.metadata:
            shutil.rmtree(folder)
        for key, body in unit.metadata.items():
            if key not in lying or lying != unit.metadata:
                (folder / key).mkdir(parents=True, exist_ok=True)
                _write(folder / key / f"{key}.json", body)

    def _put(self, unit: _Unit, folder: Path) -> None:
        """Puts a whole article in its place; what its versions held and hold no more is told in the receipts."""
        for rest in folder.glob("*/.*"):  # the beginning of an image that the bucket does not give any more
            rest.unlink()
        wanted = {made.name: {file.name for file in made.iterdir()} for made in folder.iterdir()}
        for key, names in wanted.items():
            for name in sorted(self.tree.names(key) - names):
                self.receipts.removed(f"{key}/{name}")
        self.receipts.sync()
        self.tree.place(folder)

    def _object(self, folder: Path, key: str, name: str, md5s: Mapping[str, str], limit: int) -> bytes:
        """One file of an article: what is gathered or here already, else what the bucket gives."""
        path, md5 = folder / key / name, md5s.get(name)
        if path.exists():
            data = path.read_bytes()
            if md5 is None or hashlib.md5(data, usedforsecurity=False).hexdigest() == md5:
                return data
            path.unlink()
        there = self.tree.read(key, name) if md5 else None
        if there is not None and hashlib.md5(there, usedforsecurity=False).hexdigest() == md5:
            _write(path, there)
            return there
        got = self.wire.get(f"{key}/{name}", limit=limit, md5=md5, part=path, before=self.receipts.add)
        with self._lock:
            self.taken.files += 1
            self.taken.bytes += got.size
        self.progress.file(got.size)
        return path.read_bytes() if name.endswith(".xml") else b""

    def _settle(self, unit: _Unit, sha256: str, outcome: str, reason: str, detail: str | None = None) -> None:
        told = {"article": unit.number, "metadata": sha256, "wants": self.wants, "outcome": outcome}
        self.outcomes.add(**told, reason=reason, detail=detail, time=ledger.now())

    def _problem(self, line: str) -> None:
        with self._lock:
            self.taken.problems.append(line)

    def _changed(self, unit: _Unit) -> str:
        """Whether the bucket's metadata are not those of the plan any more, which explains what does not fit them."""
        with contextlib.suppress(Failed, Gone):
            now = self.wire.get(f"metadata/{unit.chosen}.json", limit=1 << 20).data
            if now != unit.metadata[unit.chosen]:
                return "; it was changed in the bucket after the plan was made"
        return ""


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.whole")
    with part.open("wb") as fh:
        fh.write(data)
        fh.flush()
        os.fsync(fh.fileno())
    os.replace(part, path)  # noqa: PTH105 - one name for the tests that kill here


def _noting(units: Iterator[_Unit], keys: list[str] | None) -> Iterator[_Unit]:
    for unit in units:
        if keys is not None:
            keys += unit.metadata
        yield unit
