"""The file of a label log: its schema, the checks on opening, connections and the backup next to it."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from roco.base.errors import Busy, CorruptFile, DataError
from roco.base.files import sync, whole
from roco.curate.events import Event

APPLICATION = 0x726F636F  # "roco", in the header of the file
SCHEMA = 1
WAIT = 30.0  # seconds that a writer waits for another one

COLUMNS = Event._fields

_TABLES = """
CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  time TEXT NOT NULL,
  batch TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('label', 'note', 'flag', 'sample', 'round', 'undo')),
  round TEXT NOT NULL,
  task TEXT NOT NULL,
  image_key TEXT NOT NULL,
  concept TEXT NOT NULL,
  annotator TEXT NOT NULL,
  label TEXT NOT NULL,
  origin TEXT NOT NULL CHECK (origin IN ('', 'typed', 'accepted', 'adjudicated', 'imported')),
  guideline TEXT NOT NULL,
  note TEXT NOT NULL,
  weight REAL,
  revoked INTEGER UNIQUE REFERENCES events (id),
  seal TEXT NOT NULL
) STRICT;
CREATE INDEX events_of_image ON events (image_key, task, concept, round, annotator);
CREATE INDEX events_of_batch ON events (batch);
CREATE INDEX events_of_annotator ON events (annotator, id);
CREATE INDEX events_of_rounds ON events (id) WHERE kind = 'round';
CREATE TRIGGER events_are_kept BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER events_stay BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE VIEW standing AS
  SELECT * FROM events e WHERE kind != 'undo' AND NOT EXISTS (SELECT 1 FROM events u WHERE u.revoked = e.id);
CREATE VIEW current AS
  SELECT * FROM standing s WHERE kind = 'label' AND NOT EXISTS (
    SELECT 1 FROM standing n WHERE n.kind = 'label' AND n.image_key = s.image_key AND n.task = s.task
      AND n.concept = s.concept AND n.round = s.round AND n.annotator = s.annotator AND n.id > s.id);
"""
"""standing: the events that nobody has taken back. current: the newest label of each annotator in each round."""


def connect(path: Path, *, write: bool) -> sqlite3.Connection:
    """Returns a connection to an existing log; an acknowledged write has reached the disk.

    Raises DataError if the file cannot be opened.
    """
    mode = "rw" if write else "ro"
    with errors(path):
        if not write and not os.access(path.parent, os.W_OK) and not _has_journal(path):
            mode = "ro&immutable=1"  # SQLite could not create the files beside it, and nobody can write
        uri = f"{path.absolute().as_uri()}?mode={mode}"
        connection = sqlite3.connect(uri, uri=True, timeout=WAIT, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cell_size_check = ON")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("SELECT count(*) FROM sqlite_schema")  # reads the file for the first time
            if write:
                connection.execute("PRAGMA journal_mode = WAL")
        except BaseException:
            connection.close()
            raise
        return connection


def create(path: Path) -> None:
    """Creates an empty log, unless the file exists; two processes may do so at the same time.

    The file gets its name when it is complete, so that no process, and no kill, leaves half a log there.
    """
    with errors(path):
        if path.exists():
            return
        if _newest_event(backup_of(path)) is not None:
            raise _missing(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
        try:
            with contextlib.closing(sqlite3.connect(part, isolation_level=None)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")  # remembered in the file
                connection.execute("PRAGMA synchronous = FULL")
                with writing(connection, path):
                    connection.execute(f"PRAGMA application_id = {APPLICATION}")
                    connection.execute(f"PRAGMA user_version = {SCHEMA}")
                    for statement in _statements(_TABLES):
                        connection.execute(statement)
            with contextlib.suppress(FileExistsError):
                os.link(part, path)  # unlike a rename, it never replaces a log that another process has created
            sync(path.parent)
        finally:
            part.unlink(missing_ok=True)


def _statements(script: str) -> Iterator[str]:
    """Yields the statements of a script; `executescript` would end the transaction."""
    statement = ""
    for line in script.splitlines():
        statement += f"{line}\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def check(connection: sqlite3.Connection, path: Path) -> None:
    """Raises DataError if a file is no label log or of another version, CorruptFile if any event was damaged.

    SQLite checks the structure of the file, and the seal of each event its content and the event before it.
    """
    with errors(path):
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if application != APPLICATION:
            raise DataError(f"{path} is not a label log", "choose another path, or omit the file to create a log")
        if version != SCHEMA:
            remedy = "update roco" if version > SCHEMA else "open it with the version of roco that wrote it"
            raise DataError(f"{path} has version {version} of the label log, not {SCHEMA}", remedy)
        found = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
        if found != ["ok"]:
            raise _corrupt(path, found[0])
        seal = ""
        columns = ", ".join((*COLUMNS, "seal"))
        for number, row in enumerate(connection.execute(f"SELECT {columns} FROM events ORDER BY id"), 1):
            seal = sealed(seal, row[:-1])
            if row[0] != number or row[-1] != seal:
                raise _corrupt(path, f"event {number} was changed")


def sealed(before: str, values: Iterable[Any]) -> str:
    """Returns the seal of an event: the first 16 digits of the SHA-256 of the previous seal and its values."""
    text = "\x1f".join("" if value is None else str(value) for value in values)
    return hashlib.sha256(f"{before}\x1e{text}".encode()).hexdigest()[:16]


@contextlib.contextmanager
def writing(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """Runs the block in a transaction that no other writer interrupts; an exception takes back all of it."""
    with errors(path):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


# --- backup -----------------------------------------------------------------------------------------------------------


def backup_of(path: Path) -> Path:
    """Returns the path of the backup of a log."""
    return path.with_name(f"{path.name}.backup")


def back_up(connection: sqlite3.Connection, path: Path) -> bool:
    """Copies a log, also while it is written to, to its backup, and returns whether it had changed.

    The previous backup is replaced by a checked copy only. Raises CorruptFile if it has events that the log lacks.
    """
    target = backup_of(path)
    copied = _newest_event(target)
    with errors(path):
        if copied is not None:
            same = connection.execute("SELECT seal FROM events WHERE id = ?", copied[:1]).fetchone()
            if same != copied[1:]:
                raise _corrupt(path, "its backup has other events, or more")
            if connection.execute("SELECT max(id) FROM events").fetchone() == copied[:1]:
                return False
        with whole(target) as part:
            part.unlink(missing_ok=True)
            with contextlib.closing(sqlite3.connect(part, isolation_level=None)) as copy:
                connection.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")  # the backup is one file
                check(copy, path)
    return True


def _newest_event(backup: Path) -> tuple[int, str] | None:
    """Returns id and seal of the newest event of a backup; None if it has none or is damaged."""
    if not backup.is_file():
        return None
    try:
        uri = f"{backup.absolute().as_uri()}?mode=ro&immutable=1"
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as copy:
            newest: tuple[int, str] | None = copy.execute("SELECT id, seal FROM events ORDER BY id DESC").fetchone()
            return newest
    except (sqlite3.Error, UnicodeDecodeError):
        return None


# --- errors -----------------------------------------------------------------------------------------------------------

_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
_FORBIDDEN = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)


@contextlib.contextmanager
def errors(path: Path) -> Iterator[None]:
    """Turns errors of SQLite and of the file system into errors that name the log and a remedy."""
    try:
        yield
    except sqlite3.Error as err:
        raise _explained(err, path) from err
    except UnicodeDecodeError as err:  # of a damaged text, or of a message of SQLite that quotes it
        raise _corrupt(path, "a text is not UTF-8") from err
    except OSError as err:
        if err.errno == errno.ENOENT:
            raise _missing(path) from err
        raise DataError(
            f"cannot open or write {path}: {err.strerror}", "allow access to it, or choose another path"
        ) from err


def _explained(err: sqlite3.Error, path: Path) -> DataError:
    code = (getattr(err, "sqlite_errorcode", 0) or 0) & 0xFF  # the extended codes have more bits
    if code in _BUSY:
        return Busy(f"another process is writing to {path}", "try again when it is done")
    if code in _DAMAGED:
        return _corrupt(path, str(err))
    if code in _FULL:
        return DataError(f"cannot write {path}: {err}", "free some space and do it again; the log is unchanged")
    if code in _FORBIDDEN:
        if not path.exists():
            return _missing(path)
        return DataError(f"cannot open or write {path}: {err}", "allow writing to it and to its folder")
    return DataError(f"{path}: {err}", "check the log: roco labels check")


def _missing(path: Path) -> DataError:
    backup = backup_of(path)
    if _newest_event(backup) is None:
        return DataError(f"label log not found: {path}", "check the path")
    hint = f"restore the backup: cp {backup} {path}; or, for a new log, move the backup away"
    return DataError(f"label log not found: {path}, but it has a backup", hint)


def _corrupt(path: Path, why: str) -> CorruptFile:
    backup = backup_of(path)
    if backup.is_file():
        keep = f"mv {path} {path}.damaged; rm -f {path}-wal {path}-shm"
        hint = f"keep the damaged file and restore the backup: {keep}; cp {backup} {path}"
    else:
        hint = f"restore it from a copy of your own; there is no {backup}"
    return CorruptFile(f"damaged label log {path}: {why}", hint, str(path))


def _has_journal(path: Path) -> bool:
    journal = path.with_name(f"{path.name}-wal")
    return journal.exists() and journal.stat().st_size > 0
