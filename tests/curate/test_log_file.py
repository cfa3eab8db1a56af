"""The file of a label log: damage, versions, backup, read-only folders and full disks."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from roco.base.errors import CorruptFile, DataError
from roco.curate import log_file
from roco.curate.log import Log
from tests.curate.logs import TASKS, current, labelled, opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A closed log of 60 labels."""
    with opened(tmp_path / "labels.db", "first") as log:
        for number in range(60):
            labelled(log, f"PMC{number}-{number:064}", "DRCT")
    return tmp_path / "labels.db"


def overwrite(path: Path, statement: str) -> None:
    """Changes a log without its triggers, as a program that does not know them might."""
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TRIGGER events_are_kept")
        connection.execute("DROP TRIGGER events_stay")
        connection.execute(statement)
    connection.close()


# --- damage -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET label = 'DRMR' WHERE id = 30",
        "UPDATE events SET annotator = 'a2' WHERE id = 61",
        "DELETE FROM events WHERE id = 30",
        "DELETE FROM events WHERE id = 61",
    ],
)
def test_a_changed_event_is_detected(path: Path, statement: str) -> None:
    overwrite(path, statement)
    with pytest.raises(CorruptFile, match="damaged label log") as found:
        Log.open(path, TASKS)
    assert f"cp {path}.backup {path}" in found.value.hint


def test_a_damaged_byte_is_detected_wherever_it_is(path: Path) -> None:
    """Bytes without meaning (free space of a page, the counters of the header) may differ; then nothing is lost."""
    whole = path.read_bytes()
    with Log.open(path, write=False) as log:
        before = list(log.events())
    rng = random.Random(1)
    detected = 0
    for _ in range(120):
        at = rng.randrange(100, len(whole))
        path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << rng.randrange(8))]) + whole[at + 1 :])
        try:
            with Log.open(path, write=False) as log:
                assert list(log.events()) == before
        except DataError:
            detected += 1
    assert detected > 30


@pytest.mark.parametrize("damaged", [b"tableev\x9bntsevents", b"tableeventsev\x9bnts"])
def test_a_damaged_name_that_sqlite_quotes_is_detected(path: Path, damaged: bytes) -> None:
    whole = path.read_bytes()
    assert b"tableeventsevents" in whole
    path.write_bytes(whole.replace(b"tableeventsevents", damaged))
    with pytest.raises(DataError, match="damaged label log"):
        Log.open(path, write=False)


@pytest.mark.parametrize("size", [0, 50, 4096, 12288])
def test_a_truncated_log_is_detected(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(DataError) as found:
        Log.open(path, TASKS)
    assert "backup" in found.value.hint or "label log" in found.value.message


def test_the_instructions_restore_a_damaged_log(path: Path) -> None:
    with Log.open(path) as log:
        before = list(log.events())
    path.write_bytes(path.read_bytes()[:8192] + b"\xff" * 8192)
    with pytest.raises(CorruptFile) as found:
        Log.open(path, TASKS)
    commands = found.value.hint.split(": ", 1)[1]
    subprocess.run(["sh", "-ec", commands], check=True)
    with Log.open(path, TASKS) as log:
        assert list(log.events()) == before
        labelled(log, "new", "DRCT")


def test_a_log_that_lost_events_does_not_replace_its_backup(path: Path, tmp_path: Path) -> None:
    old = tmp_path / "old.db"
    shutil.copy(path, old)
    with Log.open(path, TASKS) as log:
        labelled(log, "i1", "DRMR")
    shutil.copy(old, path)
    with pytest.raises(CorruptFile, match="its backup has other events"):
        Log.open(path, TASKS)


def test_a_missing_log_with_a_backup_is_not_begun_anew(path: Path) -> None:
    path.unlink()
    with pytest.raises(DataError, match="it has a backup"):
        Log.open(path, TASKS)
    assert not path.exists()


def test_a_damaged_backup_is_replaced(path: Path) -> None:
    backup = log_file.backup_of(path)
    backup.write_bytes(b"nothing")
    Log.open(path, TASKS).close()
    shutil.copy(backup, path)
    with Log.open(path, write=False) as log:
        assert len(log.current("modality")) == 60


def test_the_backup_is_made_while_others_write(path: Path) -> None:
    with Log.open(path, TASKS) as one, Log.open(path, TASKS) as other:
        assert not one.back_up()
        labelled(other, "i1", "DRMR")
        assert one.back_up()
        labelled(other, "i2", "DRMR")
        assert one.back_up()


# --- other files ------------------------------------------------------------------------------------------------------


def test_other_files_are_no_label_log(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE events (id INTEGER)")
    connection.close()
    with pytest.raises(DataError, match="is not a label log"):
        Log.open(path, TASKS)
    path.write_text("ID,Label\n" * 1000)
    with pytest.raises(DataError, match="not a database"):
        Log.open(path, TASKS)
    with pytest.raises(DataError):
        Log.open(tmp_path, TASKS)


def test_a_log_of_another_version_is_refused(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 2")
    connection.close()
    with pytest.raises(DataError, match="version 2") as found:
        Log.open(path, TASKS)
    assert found.value.hint == "update roco"


def test_a_missing_log_is_not_created_to_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="label log not found"):
        Log.open(tmp_path / "labels.db", write=False)
    assert list(tmp_path.iterdir()) == []


# --- obstacles --------------------------------------------------------------------------------------------------------

AS_NOBODY = """
import os, sys
from pathlib import Path
from roco.base.errors import DataError
from roco.curate.log import Log
from tests.curate.logs import TASKS
os.setgid(65534)
os.setuid(65534)
for write in (False, True):
    try:
        with Log.open(Path(sys.argv[1]), TASKS, write=write) as log:
            print(len(log.current("modality")))
    except DataError as err:
        print(err.message, "|", err.hint)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_log_in_a_read_only_folder_can_be_read(path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:  # that of pytest is closed to other users
        Path(folder).chmod(0o755)
        copy = Path(folder) / "labels.db"
        shutil.copy(path, copy)
        copy.chmod(0o644)
        command = [sys.executable, "-c", AS_NOBODY, str(copy)]
        read, write = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    assert read == "60"
    assert "cannot open or write" in write and "allow writing" in write


def test_a_full_disk_is_reported_and_loses_nothing(path: Path) -> None:
    log = Log.open(path, TASKS)
    pages = log._connection.execute("PRAGMA page_count").fetchone()[0]
    log._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DataError, match="cannot write") as found:
        for number in range(200):
            labelled(log, f"new-{number}", "DRMR", note="n" * 500)
    assert "free some space" in found.value.hint
    log._connection.execute(f"PRAGMA max_page_count = {pages + 1000}")
    labelled(log, "after", "DRMR")
    assert current(log)["after", "a1"] == "DRMR"
    log.close()
    with Log.open(path, write=False):
        pass
