"""The command `roco export`."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.command import DATA, DONE, USAGE, Command, contents


def test_export_reports_images_and_files_and_repeats_without_a_change(
    command: Command, finished_demo: Path, tmp_path: Path
) -> None:
    release = finished_demo / "run" / "release"
    result = command("export", release, "hf", tmp_path / "hf")
    assert result.code == DONE
    assert result.out.startswith(f"wrote {tmp_path / 'hf'}: ") and result.out.endswith(" for 47 images\n")
    before = contents(tmp_path / "hf")
    again = command("export", release, "hf", tmp_path / "hf", "--json")
    assert sum(file["n_images"] for file in json.loads(again.out).values()) == 47
    assert contents(tmp_path / "hf") == before


def test_a_subset_is_exported_with_the_query_that_selected_it(
    command: Command, finished_demo: Path, tmp_path: Path
) -> None:
    release = finished_demo / "run" / "release"
    assert command("-q", "select", release, tmp_path / "subset", "--license", "CC-BY").code == DONE
    assert command("-q", "export", tmp_path / "subset", "webdataset", tmp_path / "shards").code == DONE
    assert "CC-BY" in json.loads((tmp_path / "shards" / "select.json").read_text())["sql"]
    assert "| CC BY-NC" not in (tmp_path / "shards" / "LICENSES.md").read_text()


def test_export_refuses_other_options_and_unknown_formats_in_two_lines(
    command: Command, finished_demo: Path, tmp_path: Path
) -> None:
    release = finished_demo / "run" / "release"
    assert command("export", release, "hf", tmp_path / "hf").code == DONE
    result = command("-q", "export", release, "hf", tmp_path / "hf", "--shard-mb", "7")
    assert (result.code, result.err.count("\n")) == (DATA, 2)
    assert "contains another export: options is shard_mb 500, not shard_mb 7" in result.err
    result = command("-q", "export", release, "webdatset", tmp_path / "x")
    assert (result.code, result.err.count("\n")) == (USAGE, 2)
