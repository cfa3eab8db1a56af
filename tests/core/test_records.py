"""Copies of the footers of all parts: what they add up to, and what it costs to write and read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from roco.base.errors import DataError
from roco.core import records as module
from roco.core.funnel import Flow, total
from roco.core.job import PartRecord
from roco.core.records import Records


def record(i: int) -> PartRecord:
    """Returns a record; not every part has figures that are dropped for each reason."""
    reasons = {"license": i % 3, f"rare-{i % 5}": 1} if i % 2 else {}
    dropped = sum(reasons.values())
    funnel = (Flow("read", "measure", 10 + i, 10 + i), Flow("free", "decision", 10 + i, 10 + i - dropped, reasons))
    return PartRecord(f"input {i}", f"content {i}", funnel, {"articles": i, **({"xmls/odd": 1} if i == 3 else {})})


def filled(folder: Path, numbers: range, digest: str = "d") -> Records:
    """Returns records of some parts, saved as often as a run that lasts long saves them."""
    records = Records(folder, digest)
    for i in numbers:
        records.put(f"part {i}", record(i), (i, i), 7)
        records.save()
    return records


def summed(numbers: range) -> tuple[list[Flow], dict[str, int]]:
    articles = {"articles": sum(numbers)}
    return total(record(i).funnel for i in numbers), articles | ({"xmls/odd": 1} if 3 in numbers else {})


def test_records_are_read_as_they_were_added(tmp_path: Path) -> None:
    filled(tmp_path, range(20))
    found = Records(tmp_path, "d")
    assert found.get("part 3") == ("input 3", "content 3", 7, (3, 3))
    assert found.get("part 20") is None


@pytest.mark.parametrize("per_file", [3, 500])
def test_totals_are_those_of_the_parts_that_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, per_file: int
) -> None:
    monkeypatch.setattr(module, "PARTS_PER_FILE", per_file)
    records = filled(tmp_path, range(20))
    for found in (records, Records(tmp_path, "d")):
        assert found.totals(f"part {i}" for i in range(20)) == summed(range(20))
        assert found.totals([*(f"part {i}" for i in range(4, 9)), "unknown"]) == summed(range(4, 9))
        assert found.totals([]) == ([], {})


def test_a_funnel_that_does_not_add_up_is_an_error(tmp_path: Path) -> None:
    records = Records(tmp_path, "d")
    records.put("a", PartRecord("", "", (Flow("read", "measure", 3, 2),), {}), (1, 1), None)
    with pytest.raises(DataError, match="does not add up"):
        records.totals(["a"])


def test_a_part_that_was_processed_again_counts_once(tmp_path: Path) -> None:
    records = filled(tmp_path, range(5))
    records = Records(tmp_path, "d")
    records.put("part 2", record(9), (99, 99), None)
    records.save()
    for found in (records, Records(tmp_path, "d")):
        assert found.get("part 2") == ("input 9", "content 9", None, (99, 99))
        assert found.totals(["part 2"])[0] == total([record(9).funnel])


def test_what_a_long_run_writes_grows_with_its_parts_and_not_with_their_square(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    write = module.write_table

    def counted(path: Path, table: object, meta: object) -> None:
        write(path, table, meta)  # type: ignore[arg-type]
        written.append(len(table))  # type: ignore[arg-type]

    monkeypatch.setattr(module, "write_table", counted)
    monkeypatch.setattr(module, "PARTS_PER_FILE", 10)
    filled(tmp_path, range(100))
    assert len(written) <= 120
    assert sum(written) <= 100 * 11  # each record at most as often as its file has records


def test_the_records_of_a_complete_run_are_in_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PARTS_PER_FILE", 10)
    filled(tmp_path, range(35))
    records = filled(tmp_path, range(30, 50))
    assert len(list(tmp_path.iterdir())) > 3
    records.compact([f"part {i}" for i in range(45)])
    assert len(list(tmp_path.iterdir())) == 1
    for found in (records, Records(tmp_path, "d")):
        assert sorted(found.names) == sorted(f"part {i}" for i in range(45))
        assert found.totals(found.names) == summed(range(45))
    records.put("part 50", record(50), (50, 50), 7)
    records.save()
    assert Records(tmp_path, "d").totals(["part 44", "part 50"])[0] == total([record(44).funnel, record(50).funnel])


def test_corrupt_files_and_those_of_other_row_stages_are_not_read(tmp_path: Path) -> None:
    filled(tmp_path, range(5))
    filled(tmp_path, range(5, 8), "other")
    (tmp_path / "corrupt.parquet").write_bytes(b"no table")
    assert sorted(Records(tmp_path, "d").names) == [f"part {i}" for i in range(5)]


def test_slices_that_run_at_the_same_time_do_not_replace_the_records_of_each_other(tmp_path: Path) -> None:
    one, other = Records(tmp_path, "d"), Records(tmp_path, "d")
    one.put("a", record(1), (1, 1), None)
    other.put("b", record(2), (2, 2), None)
    for records in (one, other):
        records.save()
    assert sorted(Records(tmp_path, "d").names) == ["a", "b"]


def test_decisions_are_on_the_disk_before_the_records_that_vouch_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[str, bool]] = []
    stored = tmp_path / "records"

    def note(path: Path) -> None:
        synced.append((path.name, any(stored.glob("*.parquet"))))

    monkeypatch.setattr(module, "sync", note)
    monkeypatch.setattr(module, "sync_all", lambda paths, missing_ok: [note(path) for path in paths])
    found = Records(stored, "d", tmp_path / "rows")
    for _ in range(2):
        found.put("p", record(5), (1, 2), 3)
        found.save()
        found.save()  # nothing is new
    assert synced == [("p.parquet", False), ("rows", False), ("p.parquet", True), ("rows", True)]
