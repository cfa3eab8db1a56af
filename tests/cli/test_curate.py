"""The commands `roco curate` and `roco view`."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from roco.curate.log import Log
from roco.curate.log_file import backup_of
from tests.cli.command import DATA, USAGE, Command


def test_other_machines_need_a_token(command: Command, finished_demo: Path, tmp_path: Path) -> None:
    release = finished_demo / "run" / "release"
    result = command("view", release, "--host", "0.0.0.0", "--no-browser")
    assert result.code == USAGE and "--host 0.0.0.0 without a token" in result.err
    result = command("view", release, "--token", "a b", "--no-browser")
    assert result.code == USAGE and "invalid --token" in result.err


def test_what_is_no_recipe_or_release_is_refused(command: Command, tmp_path: Path) -> None:
    assert command("curate", tmp_path).code == DATA
    result = command("curate", tmp_path / "none.toml", "--log", tmp_path / "labels.db")
    assert result.code == USAGE
    assert not (tmp_path / "labels.db").exists()
    result = command("curate", tmp_path, "--task", "modalitie")
    assert result.code == USAGE and "did you mean 'modality'?" in result.err


def test_a_name_that_cannot_be_an_annotator_creates_no_log(command: Command, tmp_path: Path) -> None:
    result = command("curate", tmp_path, "--log", tmp_path / "labels.db", "--annotator", "curated:bob")
    assert result.code == DATA and "annotator with a colon: 'curated:bob'" in result.err
    assert not (tmp_path / "labels.db").exists()


CONTRAST = """title = "Contrast"
question = "Was contrast medium given?"
guideline = "contrast.md"

[guess]
label = "nope"

[asked]
task = "modality"
labels = ["DRCT"]

[[label]]
name = "yes"
title = "Yes"
key = "y"

[[label]]
name = "no"
title = "No"
key = "KEY"
"""


def test_a_task_of_ones_own_is_checked_with_the_others_before_the_log_is_created(
    command: Command, finished_demo: Path, tmp_path: Path
) -> None:
    file, log = tmp_path / "contrast.toml", tmp_path / "labels.db"
    (tmp_path / "contrast.md").write_text("Bright vessels.")
    words = (finished_demo / "demo.toml", "--task", "modality", "--task", file, "--log", log)
    file.write_text(CONTRAST.replace("KEY", "x"))
    result = command("curate", *words)
    assert result.code == USAGE
    assert "key 'x' for 'DRXR' (task 'modality') and 'no' (task 'contrast')" in result.err
    file.write_text(CONTRAST.replace("KEY", "k").replace('task = "modality"', 'task = "modalty"'))
    result = command("curate", *words)
    assert result.code == USAGE and "unknown task 'modalty'" in result.err and "did you mean 'modality'" in result.err
    assert not log.exists()


def test_a_task_with_a_column_that_nothing_has_is_served_with_a_warning(
    command: Command, finished_demo: Path, tmp_path: Path
) -> None:
    (tmp_path / "contrast.md").write_text("Bright vessels.")
    (tmp_path / "contrast.toml").write_text(CONTRAST.replace("KEY", "k"))
    words = ("--sample", "3", "--stratify", "modality", "--draw-only", "--log", tmp_path / "labels.db")
    result = command("curate", finished_demo / "demo.toml", "--task", tmp_path / "contrast.toml", *words)
    assert result.err.startswith("warning: unknown column 'nope' (task 'contrast', [guess], key 'label')\n")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_curate_serves_until_it_is_interrupted_and_backs_the_log_up(
    finished_demo: Path, tmp_path: Path, sent: signal.Signals
) -> None:
    words = [finished_demo / "run" / "release", "--log", tmp_path / "labels.db", "--annotator", "a1", "--port", "0"]
    line = [sys.executable, "-m", "roco", "curate", *map(str, words), "--no-browser"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            printed = process.stdout.readline()
            found = re.fullmatch(r"(\d+) figures: (http://127\.0\.0\.1:\d+/)\n", printed)
            assert found, printed
            with urllib.request.urlopen(f"{found[2]}api/session", timeout=60) as answer:
                session = json.load(answer)
            with Log.open(tmp_path / "labels.db") as log:  # another process
                log.open_round("meanwhile", annotator="a2")
            backup_of(tmp_path / "labels.db").unlink()
            process.send_signal(sent)
            assert process.wait(60) in (0, 130)
        finally:
            process.kill()
    assert session["annotator"] == "a1" and session["figures"] == int(found[1])
    with Log.open(backup_of(tmp_path / "labels.db"), write=False) as copy:
        assert list(copy.rounds()) == ["curated", "meanwhile"]
