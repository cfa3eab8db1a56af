"""Label files: imports of labels, label logs, submissions and ground truth of ImageCLEF."""

from __future__ import annotations

import functools
import io
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq

from roco.curate.exchange import read_labels, write_events
from roco.curate.importing import checked_labels
from roco.curate.log import Log
from roco.curate.resolve import resolve
from roco.curate.task_files import load_all
from roco.evaluate import submission, truth
from roco.evaluate.profiles import PROFILES
from roco.release.label_files import label_files
from roco.release.load.challenge import open_challenge
from tests.curate.figures import row
from tests.fuzz import binary, mutations
from tests.fuzz.target import Format, Target, require

TASKS = load_all(["modality", "region", "direction"])
WORDS = ("image_key", "label", "task", "concept", "annotator", "guideline", "note", "modality", "region", "DRCT",
         "DRXR", "C0040405", "ID", "CUIs", "Caption", "a1", row(1)["image_key"], "imported", "typed", "undo",
         "label,label", "id", "time", "batch", "kind", "round", "revoked", "weight", "seal")  # fmt: skip
IDS = [f"ImageCLEF_{number}" for number in range(3)]
_CSV = f"""image_key,label,task,annotator
{row(1)["image_key"]},DRCT,modality,a1
{row(2)["image_key"]},DRXR,modality,
""".encode()
_CONCEPTS = "ID,CUIs\n" + "".join(f"{id},C0040405;C0817096\n" for id in IDS)
_CAPTIONS = "ID,Caption\n" + "".join(f'{id},"CT, axial"\n' for id in IDS)


def make() -> Target:
    promise = (
        "any file: labels that are checked, or an error with file and line; a changed label log is refused or has the "
        "events that it had"
    )
    change = mutations.text(WORDS)
    return Target("labels", promise, (
        Format("CSV", lambda: [_CSV, _exported(".csv")], _import(".csv"), change),
        Format("Parquet", lambda: [_parquet(), _exported(".parquet")], _import(".parquet"), binary.parquet_table),
        Format("Label Studio", lambda: [_exported(".json")], _import(".json"), mutations.json_text(WORDS)),
        Format("label log", lambda: [_log()], _read_log, _edit_log),
        Format("concepts", lambda: [_CONCEPTS.encode()], _read("concepts"), change),
        Format("captions", lambda: [_CAPTIONS.encode()], _read("captions"), change),
        Format("folder of a challenge", lambda: [_CONCEPTS.encode()], _challenge, change),
    ))  # fmt: skip


@functools.cache
def _log() -> bytes:
    """Returns the bytes of a label log of a few events of all kinds, in one file."""
    from tests.curate.servers import Browser, entry, server

    folder = Path(tempfile.mkdtemp())
    served = server(folder, n=6)
    browser = Browser(served)
    browser.label(entry(1, "DRXR"))
    browser.label(entry(1, "DRCT"), batch="b2")
    browser.label({"key": row(2)["image_key"], "kind": "note", "note": "two panels"}, batch="b3")
    browser.post("/api/undo", {"annotator": "a1", "batch": "b2"})
    assert served.log is not None
    served.log.close()
    with sqlite3.connect(folder / "labels.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    return (folder / "labels.db").read_bytes()


@functools.cache
def _exported(suffix: str) -> bytes:
    folder = Path(tempfile.mkdtemp())
    (folder / "labels.db").write_bytes(_log())
    with Log.open(folder / "labels.db", TASKS, write=False) as log:
        write_events(list(log.events()), folder / f"labels{suffix}")
    return (folder / f"labels{suffix}").read_bytes()


def _parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({"image_key": [row(1)["image_key"]], "label": ["DRCT"], "task": ["modality"]}), out)
    return out.getvalue()


def _import(suffix: str) -> Callable[[bytes, Path], None]:
    def read(data: bytes, folder: Path) -> None:
        path = folder / f"labels{suffix}"
        path.write_bytes(data)
        for entries in checked_labels(read_labels(path), TASKS, annotator="a2", task="modality").values():
            for entry in entries:
                known = {label.name for label in TASKS[entry.task].labels}
                require(
                    entry.image_key and set(entry.label.split(";")) <= known | {""}, "labels are those of their task"
                )

    return read


def _read_log(data: bytes, folder: Path) -> None:
    path = folder / "labels.db"
    path.write_bytes(data)
    with Log.open(path, TASKS, write=False) as log:
        events = list(log.events())
        log.rounds()
        log.current("modality")
        resolve(log)
        for event in events:
            log.history(event.image_key)
    with Log.open(folder / "original.db", TASKS) as created:
        require(created.rounds() == {}, "a new log is empty")
    require(len(events) <= 8, "a changed log has no more events than it had")


def _edit_log(data: bytes, random: Random) -> bytes:
    """Changes a cell, a row or the schema of a log by SQL, as another program may do."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels.db"
        path.write_bytes(data)
        connection = sqlite3.connect(path)
        triggers = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")]
        for name in triggers:
            connection.execute(f'DROP TRIGGER "{name}"')
        columns = ("id", "time", "batch", "kind", "round", "task", "image_key", "concept", "annotator", "label",
            "origin", "note",
                   "weight", "revoked", "seal")  # fmt: skip
        column, value = (
            random.choice(columns),
            random.choice(("", "x", "undo", "label", 0, -1, 10**18, None, "\0", "<b>", 1.5, b"x")),
        )
        statement = random.choice((
            f"UPDATE events SET {column} = ? WHERE id = {random.randrange(1, 7)}",
            f"DELETE FROM events WHERE id = {random.randrange(1, 7)} AND ? IS NOT 0",
            f"UPDATE sqlite_schema SET sql = ? WHERE rowid = {random.randrange(1, 9)}",
            "PRAGMA user_version = 2", "PRAGMA application_id = 7", "DROP VIEW current", "DROP VIEW standing",
            "CREATE TABLE more (x)", "PRAGMA auto_vacuum = FULL", "VACUUM",
        ))  # fmt: skip
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(statement, (value,) if "?" in statement else ())
        connection.commit()
        connection.close()
        return path.read_bytes()


def _read(kind: str) -> Callable[[bytes, Path], None]:
    def read(data: bytes, folder: Path) -> None:
        path = folder / f"{kind}.csv"
        path.write_bytes(data)
        for profile in PROFILES.values():
            submission.check(path, profile, IDS, kind)
            submission.check(path, profile)
        found = truth.read_truth(path, kind, profile)
        require(len(set(found.ids)) == len(found.ids) > 0, "images have unique ids")

    return read


def _challenge(data: bytes, folder: Path) -> None:
    (folder / "train_concepts.csv").write_bytes(data)
    (folder / "train_captions.csv").write_text(_CAPTIONS)
    label_files(folder)
    opened = open_challenge(folder)
    if opened is not None:
        opened.table()
