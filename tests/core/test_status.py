"""Status shows the funnel and what is out of date, from the manifest alone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from roco.base.sealed_tables import read_meta
from roco.core import manifest
from roco.core.folder import RunFolder
from roco.core.job import PartRecord
from roco.core.pipeline import Pipeline
from roco.core.records import Records
from roco.core.run import Run
from tests.core import fakes
from tests.core.conftest import run

Make = Callable[..., Pipeline]


def by_name(state: dict) -> dict:  # type: ignore[type-arg]
    return {s["stage"]: s for s in state["stages"]}


def test_a_run_without_a_folder_is_not_started(make: Make, tmp_path: Path) -> None:
    assert Run(make(), tmp_path / "run").status()["state"] == "not started"


def test_the_status_of_a_complete_run_contains_its_funnel(make: Make, tmp_path: Path) -> None:
    run(make(), tmp_path / "run", workers=0, part_size=7)
    state = Run(make(), tmp_path / "run").status()
    assert state["state"] == "complete"
    assert state["parts_done"] == state["source"]["parts"] == 5
    assert by_name(state)["free"]["dropped"] == {"license": 8}
    assert {s["state"] for s in state["stages"]} == {"done"}


def test_a_changed_option_is_shown_with_both_values(make: Make, tmp_path: Path) -> None:
    run(make(), tmp_path / "run", workers=0)
    state = Run(make(long=fakes.Long(at_least=5)), tmp_path / "run").status()
    assert state["state"] == "stale"
    stages = by_name(state)
    assert stages["long"]["why"] == "at_least: 2 → 5"
    assert stages["halves"]["why"] == "comes after 'long', which changed"
    assert stages["look"]["state"] == "done"


def test_changed_files_new_stages_and_removed_stages_are_shown(make: Make, tmp_path: Path) -> None:
    (tmp_path / "list").write_text("one")
    run(make(words=fakes.Words(list=tmp_path / "list")), tmp_path / "run", workers=0)
    (tmp_path / "list").write_text("two")
    state = Run(
        make(words=fakes.Words(list=tmp_path / "list"), wide=fakes.Wide(), free=None), tmp_path / "run"
    ).status()
    assert "a file it uses" in by_name(state)["words"]["why"]
    assert by_name(state)["wide"]["state"] == "new"
    assert state["removed_stages"] == ["free"]


def test_an_interrupted_run_is_incomplete_and_counts_the_parts_done(make: Make, tmp_path: Path) -> None:
    run(make(), tmp_path / "run", workers=0, part_size=7, only=(1, 2))
    state = Run(make(), tmp_path / "run").status()
    assert (state["parts_done"], state["articles_done"]) == (3, 7 + 7 + 2)
    assert state["state"] == "incomplete"


def test_status_reads_the_records_but_not_the_footers_of_the_parts(make: Make, tmp_path: Path) -> None:
    """The files of all parts are unreadable here, and the status is complete: they are not opened."""
    pipeline = make()
    run(pipeline, tmp_path / "run", workers=0, part_size=7)
    layout = RunFolder(tmp_path / "run", pipeline)
    part = next(layout.row_decisions_folder.glob("*.parquet")).stem
    record = PartRecord.of_json(read_meta(layout.row_decisions(part)))
    for path in layout.row_decisions_folder.glob("*.parquet"):
        path.unlink()
    records = Records(layout.records_folder(pipeline.rows_digest), pipeline.rows_digest)
    for i in range(1200):  # more than one file of records
        path = layout.row_decisions(f"{i:016x}")
        path.write_bytes(b"no footer")
        records.put(f"{i:016x}", record, (path.stat().st_size, path.stat().st_mtime_ns), 7)
    records.save()
    saved = manifest.load(layout.manifest)
    saved["source"]["parts"] = 2000
    del saved["seal"]
    layout.manifest.write_text(manifest.sealed(saved))
    (tmp_path / "run" / "parts.parquet").write_bytes(b"nor is the list of all articles read")
    state = Run(pipeline, tmp_path / "run").status()
    assert (state["parts_done"], state["articles_done"]) == (1200, 1200 * 7)
    assert by_name(state)["read"]["in"] == 1200 * record.funnel[0].rows_in
    layout.row_decisions(f"{0:016x}").write_bytes(b"changed, so it is read, and no footer")
    assert Run(pipeline, tmp_path / "run").status()["parts_done"] == 1199


def test_slices_leave_records_from_which_the_status_is_read(make: Make, tmp_path: Path) -> None:
    pipeline = make()
    for i in (1, 2):
        run(pipeline, tmp_path / "run", workers=0, part_size=7, only=(i, 2))
    before = Run(pipeline, tmp_path / "run").status()
    layout = RunFolder(tmp_path / "run", pipeline)
    for path in layout.row_decisions_folder.glob("*.parquet"):
        stat = path.stat()
        path.write_bytes(b"x" * stat.st_size)  # its footer cannot be read
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert before["parts_done"] == 5
    assert Run(pipeline, tmp_path / "run").status() == before


def test_a_manifest_of_an_older_version_is_read(make: Make, tmp_path: Path) -> None:
    """It contains the records itself."""
    pipeline = make()
    run(pipeline, tmp_path / "run", workers=0, part_size=7)
    layout = RunFolder(tmp_path / "run", pipeline)
    before = Run(pipeline, tmp_path / "run").status()
    shutil.rmtree(layout.records)
    saved = manifest.load(layout.manifest)
    del saved["seal"]
    saved["parts"] = {}
    for path in layout.row_decisions_folder.glob("*.parquet"):
        stamp = [path.stat().st_size, path.stat().st_mtime_ns]
        saved["parts"][path.stem] = {**read_meta(path), "size": stamp}
        path.write_bytes(b"x" * stamp[0])
        os.utime(path, ns=(stamp[1], stamp[1]))
    layout.manifest.write_text(manifest.sealed(saved))
    assert Run(pipeline, tmp_path / "run").status() == before
