"""A small source and small stages for tests; they log what they do, so that tests can count it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import signal
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import DataError, RejectedInput
from roco.base.schema import COLUMNS, LISTING, types
from roco.core.contract import Reason
from roco.core.ledger import Changes, Ledger
from roco.core.stage import Decision, Extraction, Finished, Measure, Publication, drop, put


def log(what: str, n: int = 1) -> None:
    path = os.environ.get("ROCO_TEST_LOG")
    if path:
        with Path(path).open("a") as fh:
            fh.write(f"{what} {n}\n")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Notes:
    """A source of JSON files: {"figures": [{"id", "caption", "license", "file"}], "images": {file: text}}."""

    path: Path
    kind: ClassVar[str] = "notes"

    def listing(self, known: pa.Table | None) -> pa.Table:
        rows = []
        for file in sorted(self.path.glob("*.json")):
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            row = {"article": file.stem, "digest": digest, "place": file.name, "stamp": digest[:8], "facts": "{}"}
            rows.append(row)
        return pa.Table.from_pylist(rows, schema=LISTING)

    def open(self, place: str) -> Note:
        log("open")
        return Note(self.path / place)


class Note:
    def __init__(self, path: Path) -> None:
        self.data = path.read_bytes()
        try:
            self.content = json.loads(self.data)
        except ValueError as err:
            raise RejectedInput("not JSON") from err

    @property
    def xmls(self) -> Sequence[str]:
        return ["article.xml"]

    @property
    def files(self) -> Sequence[tuple[str, int]]:
        return [(k, len(v)) for k, v in self.content["images"].items()]

    def read(self, name: str) -> bytes:
        if name == "article.xml":
            return self.data
        log("image")
        if name not in self.content["images"]:
            raise RejectedInput(f"missing file: {name}")
        return self.content["images"][name].encode()

    def close(self) -> None: ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class Read(Measure):
    scope = "article"
    reads = ("article", "place", "origin", "xml", "error")
    writes: ClassVar[dict[str, pa.DataType]] = types(
        "figure_id", "article_key", "archive", "file", "caption", "license", "drop", "drop_detail"
    )
    reasons = {"article": Reason("it cannot be read")}

    def __call__(self, batch: pa.Table) -> Extraction:
        rows: list[dict[str, Any]] = []
        counts = {}
        for article in batch.to_pylist():
            log("read")
            counts[article["place"]] = {"articles": 1, "articles_unreadable": int(article["error"] is not None)}
            base = {"article_key": article["article"], "archive": article["place"]}
            if article["error"]:
                rows.append({**base, "figure_id": f"{article['article']}/article/0", "drop": "article",
                             "drop_detail": article["error"]})  # fmt: skip
                continue
            for i, fig in enumerate(json.loads(article["xml"])["figures"]):
                if fig["caption"] == "CRASH THE READER":
                    os.kill(os.getpid(), signal.SIGKILL)
                found = {k: fig.get(k) for k in ("caption", "license", "file")}
                rows.append({**base, **found, "figure_id": f"{article['article']}/f{i}/0"})
        return Extraction(pa.Table.from_pylist(rows, schema=pa.schema(list(self.writes.items()))), counts)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Words(Measure):
    """Counts the words of a caption."""

    needs = ("read",)
    reads = ("caption",)
    writes: ClassVar[dict[str, pa.DataType]] = {"n_words": pa.int32()}
    factor: int = 1
    list: Path | None = None
    slow: float = dataclasses.field(default=0.0, metadata={"value": False})

    def __call__(self, batch: pa.Table) -> pa.Table:
        log("words", len(batch))
        time.sleep(self.slow)
        while os.environ.get("ROCO_TEST_HOLD") and Path(os.environ["ROCO_TEST_HOLD"]).exists():
            time.sleep(0.01)  # a test stops the run here, until it removes the file or kills the process
        counts = [len((c or "").split()) * self.factor for c in batch["caption"].to_pylist()]
        return put(batch, "n_words", pa.array(counts, pa.int32()))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Long(Decision):
    """Keeps captions with enough words."""

    needs = ("words",)
    reads = ("n_words",)
    reasons = {"caption": Reason("its caption is short")}
    at_least: int = 2

    def __call__(self, batch: pa.Table) -> pa.Table:
        log("long", len(batch))
        detail = pc.cast(batch["n_words"], pa.string())
        return drop(batch, pc.less(batch["n_words"], self.at_least), "caption", detail)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Free(Decision):
    """Keeps allowed licences."""

    needs = ("read",)
    reads = ("license",)
    reasons = {"license": Reason("its licence is not allowed")}
    allow: tuple[str, ...] = ("CC-BY",)

    def __call__(self, batch: pa.Table) -> pa.Table:
        return drop(batch, pc.invert(pc.is_in(batch["license"], pa.array(self.allow))), "license", batch["license"])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Look(Measure):
    """Reads the bytes: "bad…" is unreadable, "CRASH…" kills the process, "HANG…" never returns."""

    needs = ("read",)
    reads = ("bytes",)
    writes: ClassVar[dict[str, pa.DataType]] = types("sha256")
    lends: ClassVar[dict[str, pa.DataType]] = {"thumbnail": COLUMNS["thumbnail"].type}
    reasons = {"unreadable": Reason("its bytes are bad")}

    def __call__(self, batch: pa.Table, lend: Collection[str] = ()) -> pa.Table:
        log("look", len(batch))
        data = batch["bytes"].to_pylist()
        for d in data:
            if d is not None and d.startswith(b"CRASH"):
                os.kill(os.getpid(), signal.SIGKILL)
            if d is not None and d.startswith(b"HANG"):
                log("hang", os.getpid())
                time.sleep(3600)
        bad = pa.array([d is not None and d.startswith(b"bad") for d in data])
        batch = put(batch, "sha256", pa.array([d and hashlib.sha256(d).hexdigest() for d in data], pa.string()))
        if "thumbnail" in lend:
            batch = put(batch, "thumbnail", pa.array([d and d[:3] for d in data], pa.large_binary()))
        return drop(batch, bad, "unreadable", "bad bytes")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Glance(Measure):
    """Reads the column that `look` lends."""

    needs = ("look",)
    reads = ("thumbnail",)
    writes: ClassVar[dict[str, pa.DataType]] = types("width")
    by: int = 1

    def __call__(self, batch: pa.Table) -> pa.Table:
        log("glance", len(batch))
        return put(batch, "width", pa.array([len(t) * self.by for t in batch["thumbnail"].to_pylist()], pa.int32()))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Wide(Decision):
    needs = ("glance",)
    reads = ("width",)
    reasons = {"compound": Reason("it is narrow")}
    at_least: int = 0

    def __call__(self, batch: pa.Table) -> pa.Table:
        return drop(batch, pc.less(batch["width"], self.at_least), "compound")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Halves(Decision):
    """Assigns every second article to train."""

    scope = "table"
    reads = ("article_key",)
    writes: ClassVar[dict[str, pa.DataType]] = types("split")
    reasons = {"leak": Reason("its article is refused")}
    refuse: str = ""

    def __call__(self, batch: pa.Table) -> pa.Table:
        log("halves", len(batch))
        keys = sorted(set(batch["article_key"].to_pylist()))
        split = {k: ("train", "test")[i % 2] for i, k in enumerate(keys)}
        batch = put(batch, "split", pa.array([split[k] for k in batch["article_key"].to_pylist()], pa.string()))
        return drop(batch, pc.equal(batch["article_key"], self.refuse), "leak")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Printed(Publication):
    """Writes all that it receives."""

    needs = ("look",)
    reads = ("split",)
    writes: ClassVar[dict[str, pa.DataType]] = types("id")
    prefix: str = "x"

    def __call__(self, batch: pa.Table) -> pa.Table:
        ids = [f"{self.prefix}_{s}_{i}" for i, s in enumerate(batch["split"].to_pylist())]
        return put(batch, "id", pa.array(ids, pa.string()))

    def origin(self, run: Finished) -> dict[str, Any]:
        return {}

    def publish(self, run: Finished, folder: Path) -> None:
        log("publish")
        folder.mkdir()
        kept = run.kept(["id", "caption", "split", "archive", "file", "sha256"])
        images = [hashlib.sha256(data).hexdigest() for data in run.images(kept)]
        rows = [{**row, "image": image} for row, image in zip(kept.to_pylist(), images, strict=True)]
        removed = [row for batch in run.removed(["archive", "file"]) for row in batch.to_pylist()]
        written = {"kept": rows, "removed": removed, "funnel": run.funnel}
        written |= self.origin(run)
        (folder / "all.json").write_text(json.dumps(written, indent=1, sort_keys=True))
        digest = hashlib.sha256((folder / "all.json").read_bytes()).hexdigest()
        (folder / "checksums.sha256").write_text(f"{digest}  all.json\n")


LEDGER = pa.schema([("figure_id", pa.string()), ("id", pa.string())])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Numbered(Printed):
    """Numbers the figures in their order; those of the previous publication keep their number."""

    takes_ledger = True

    def __call__(self, batch: pa.Table, ledger: Ledger | None = None) -> pa.Table:
        log("number")
        table = ledger.table if ledger else LEDGER.empty_table()
        known = dict(zip(table["figure_id"].to_pylist(), table["id"].to_pylist(), strict=True))
        ids = []
        for figure in batch["figure_id"].to_pylist():
            known.setdefault(figure, f"{self.prefix}{len(known)}")
            ids.append(known[figure])
        return put(batch, "id", pa.array(ids, pa.string()))

    def origin(self, run: Finished) -> dict[str, Any]:
        return {"grown_from": run.ledger.release if run.ledger else None}

    def ledger(self, folder: Path) -> pa.Table:
        try:
            rows = json.loads((folder / "all.json").read_text())["kept"]
            return pa.Table.from_pylist([{"figure_id": r["figure_id"], "id": r["id"]} for r in rows], schema=LEDGER)
        except (OSError, ValueError) as err:
            raise DataError("all.json is unreadable") from err

    def changes(self, before: pa.Table, after: pa.Table) -> Changes:
        old, new = ({row["figure_id"]: row["id"] for row in table.to_pylist()} for table in (before, after))
        both = old.keys() & new.keys()
        changed = sum(old[figure] != new[figure] for figure in both)
        return Changes(len(both) - changed, len(new) - len(both), len(old) - len(both), changed, changed)


CATALOGUE = {c.__name__.lower(): c for c in (Read, Words, Long, Free, Look, Glance, Wide, Halves, Printed)}
