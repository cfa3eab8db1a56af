"""What `roco verify` reports about a release of roco."""

from __future__ import annotations

import csv
import json
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roco.base import readers
from roco.base.files import file_digest
from roco.release.format import FILES
from roco.release.problems import Problem
from roco.release.read import Release, verify
from tests.recorder import Recorder
from tests.stages.publish.finished import Run, publish

TRAIN = "train_captions.csv"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish(tmp_path_factory.mktemp("good") / "release")


@pytest.fixture
def release(good: Path, tmp_path: Path) -> Path:
    """A valid release that a test may damage."""
    return Path(shutil.copytree(good, tmp_path / "release"))


def with_new_checksums(root: Path) -> Path:
    """Recomputes the checksums, so that only the content of the files can reveal the damage."""
    lines = [
        f"{file_digest(path)}  {path.name}\n" for path in sorted(root.iterdir()) if path.name != "checksums.sha256"
    ]
    (root / "checksums.sha256").write_text("".join(lines), encoding="utf-8")
    return root


def edit_text(path: Path, change: Callable[[str], str]) -> None:
    before = path.read_bytes().decode()
    after = change(before)
    assert before != after
    path.write_bytes(after.encode())
    with_new_checksums(path.parent)


def replace(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new, 1)


def edit_parquet(path: Path, change: Callable[[list[dict[str, Any]]], None]) -> None:
    table = pq.read_table(path)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    with_new_checksums(path.parent)


def edit_zip(path: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    with_new_checksums(path.parent)


def edit_funnel(root: Path, change: Callable[[dict[str, Any]], None]) -> None:
    funnel = json.loads((root / "funnel.json").read_bytes())
    change(funnel)
    (root / "funnel.json").write_text(json.dumps(funnel), encoding="utf-8")
    with_new_checksums(root)


def listed(problems: list[Problem]) -> str:
    assert problems
    return "\n".join(f"{where}: {what}" for what, where in problems)


def first_id(root: Path, split: str = "train") -> str:
    return str(Release.open(root).table(split)["id"][0])


def first_image(root: Path, split: str = "train") -> str:
    with zipfile.ZipFile(root / f"{split}_images.zip") as archive:
        return archive.namelist()[0]


# --- files -------------------------------------------------------------------------------------------------


def test_a_valid_release_has_no_problems(good: Path) -> None:
    assert verify(good) == []


@pytest.mark.parametrize("name", [*FILES, "checksums.sha256"])
def test_a_missing_file_is_reported(release: Path, name: str) -> None:
    (release / name).unlink()
    assert Problem("missing file", name) in verify(release)


def test_an_unexpected_file_is_reported(release: Path) -> None:
    (release / "notes\x1b[2J.txt").write_text("hello", encoding="utf-8")
    (release / "more").mkdir()
    (release / "link").symlink_to(release / TRAIN)
    text = listed(verify(release))
    assert "notes\\x1b[2J.txt: unexpected file (not in checksums.sha256)" in text
    assert "more: not a regular file" in text and "link: not a regular file" in text


@pytest.mark.parametrize("name", FILES)
def test_a_changed_file_is_reported(release: Path, name: str) -> None:
    with (release / name).open("ab") as fh:
        fh.write(b"\n")
    assert Problem("checksum differs from checksums.sha256", name) in verify(release)


def test_an_invalid_line_of_the_checksums_is_reported(release: Path) -> None:
    with (release / "checksums.sha256").open("a") as fh:
        fh.write("abc  ../../etc/passwd\n")
    assert "invalid line: abc  ../../etc/passwd" in listed(verify(release))


def test_checksums_that_another_control_character_separates_are_reported(release: Path) -> None:
    checksums = release / "checksums.sha256"
    checksums.write_bytes(checksums.read_bytes().replace(b"\n", b"\v", 1))
    assert "invalid line" in listed(verify(release)) or "missing file" in listed(verify(release))


@given(st.data())
@settings(max_examples=60)
def test_any_flipped_bit_is_reported_and_none_raises_an_exception(good: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([*FILES, "checksums.sha256"]))
    whole = (good / name).read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    broken = good.parent / "flipped"
    shutil.rmtree(broken, ignore_errors=True)
    shutil.copytree(good, broken)
    (broken / name).write_bytes(whole[:at] + bytes([whole[at] ^ 1 << data.draw(st.integers(0, 7))]) + whole[at + 1 :])
    assert verify(broken)
    if name != "checksums.sha256":
        verify(with_new_checksums(broken))  # a problem or none, but no exception


# --- images ------------------------------------------------------------------------------------------------


def test_a_flipped_bit_of_an_image_is_detected_by_the_crc_of_the_zip(release: Path) -> None:
    path = release / "train_images.zip"
    with zipfile.ZipFile(path) as archive:
        info = archive.infolist()[0]
    data = bytearray(path.read_bytes())
    data[info.header_offset + 30 + len(info.filename) + 5] ^= 1
    path.write_bytes(data)
    assert f"{info.filename}: invalid image: corrupt: Bad CRC-32" in listed(verify(with_new_checksums(release)))


def test_a_replaced_image_with_a_valid_crc_is_detected_by_its_sha256(release: Path) -> None:
    name = first_image(release)
    edit_zip(release / "train_images.zip", lambda files: files.update({name: b"another image"}))
    assert f"{name}: image differs from figures.parquet" in listed(verify(release))


def test_a_missing_image_is_reported(release: Path) -> None:
    name = first_image(release, "valid")
    edit_zip(release / "valid_images.zip", lambda files: files.pop(name) and None)
    assert f"{name}: missing image" in listed(verify(release))


@pytest.mark.parametrize("name", ["train/roco_train_000999.jpg", "../../evil.sh", "train/\x1b[2J.png"])
def test_an_unexpected_image_is_reported_whatever_its_name(release: Path, name: str) -> None:
    edit_zip(release / "train_images.zip", lambda files: files.update({name: b"x"}))
    assert "unexpected image" in listed(verify(release))
    assert "\x1b" not in listed(verify(release))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_duplicate_image_is_reported(release: Path) -> None:
    with zipfile.ZipFile(release / "train_images.zip", "a") as archive:
        archive.writestr(archive.namelist()[0], b"x")
    assert "duplicate image" in listed(verify(with_new_checksums(release)))


def test_a_compressed_image_is_not_inflated(release: Path) -> None:
    path = release / "train_images.zip"
    with zipfile.ZipFile(path) as archive:
        name = archive.namelist()[0]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, bytes(50_000_000))
    assert f"{name}: invalid image: compressed, encrypted or overlapping" in listed(verify(with_new_checksums(release)))


def test_a_zip_with_a_false_directory_size_is_unreadable(release: Path) -> None:
    path = release / "train_images.zip"
    data = bytearray(path.read_bytes())
    struct.pack_into("<L", data, len(data) - 10, 1 << 30)
    path.write_bytes(data)
    assert "train_images.zip: unreadable: the directory of the zip is larger" in listed(
        verify(with_new_checksums(release))
    )


def test_the_directory_of_a_large_zip_is_read(tmp_path: Path) -> None:
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for k in range(66_000):  # beyond 65,535 files the end record is of the 64-bit kind
            archive.writestr(zipfile.ZipInfo(f"{k}"), b"")
    assert sum(1 for member in readers.zip_members(path) if not member.complaint) == 66_000


# --- ids and tables ----------------------------------------------------------------------------------------


def test_a_duplicate_id_in_a_csv_table_is_reported(release: Path) -> None:
    edit_text(release / "train_concepts.csv", lambda text: text + text.splitlines()[1] + "\n")
    assert f"train_concepts.csv, {first_id(release)}: duplicate id" in listed(verify(release))


def test_an_id_in_two_splits_is_reported(release: Path) -> None:
    edit_text(release / "valid_captions.csv", lambda text: text + f"{first_id(release)},again\n")
    assert f"valid_captions.csv, {first_id(release)}: unknown id" in listed(verify(release))


def test_a_duplicate_id_in_figures_parquet_is_reported(release: Path) -> None:
    edit_parquet(release / "figures.parquet", lambda rows: rows[0].update(id=rows[-1]["id"]))
    assert "duplicate id" in listed(verify(release))


@pytest.mark.parametrize("name", [TRAIN, "valid_concepts.csv", "valid_concepts_manual.csv", "license_information.csv"])
def test_ids_that_differ_between_the_tables_are_reported(release: Path, name: str) -> None:
    id = first_id(release, name.split("_")[0] if name[0] != "l" else "train")
    edit_text(release / name, replace(id, "roco_train_000777"))
    text = listed(verify(release))
    assert f"{name}, roco_train_000777: unknown id" in text
    assert f"{name}, {id}: missing id" in text


def test_a_row_missing_from_figures_parquet_is_reported_for_every_other_file(release: Path) -> None:
    id = first_id(release)
    edit_parquet(release / "figures.parquet", lambda rows: rows.pop(0) and None)
    text = listed(verify(release))
    for name in (TRAIN, "train_concepts.csv", "train_concepts_manual.csv", "license_information.csv"):
        assert f"{name}, {id}: unknown id" in text
    assert "unexpected image" in text and "funnel.json" in text


def test_one_figure_under_two_ids_is_reported(release: Path) -> None:
    edit_parquet(release / "figures.parquet", lambda rows: rows[0].update(figure_id=rows[1]["figure_id"]))
    assert "duplicate figure_id (also of roco_train_000001)" in listed(verify(release))


def test_an_invalid_id_is_reported(release: Path) -> None:
    edit_parquet(release / "figures.parquet", lambda rows: rows[0].update(id="../../x"))
    assert "invalid id" in listed(verify(release))


def test_a_changed_caption_is_reported(release: Path) -> None:
    edit_text(release / TRAIN, replace("_000001,", "_000001,Not "))
    assert f"{TRAIN}, {first_id(release)}: differs from figures.parquet" in listed(verify(release))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda text: text.replace("\n", "\n\n", 1), "line 2: the line is blank"),
        (lambda text: text + "ID,CUIs\n", "the header is repeated"),
        (lambda text: "\ufeff" + text, "line 1: the first line is '\\ufeffID,CUIs\\n'"),
        (lambda text: text.replace("\n", "\r\n"), "line 1: the first line is 'ID,CUIs\\r\\n'"),
        (lambda text: text.replace("ID,", "ID, ", 1), "line 1: the first line is 'ID, CUIs\\n'"),
        (lambda text: text + "roco,C0040405,C0040405\n", "3 cells, not 2"),
        (lambda text: text + 'x,"never closed\n', "unreadable: unexpected end of data"),
        (lambda text: text + "x" * (1 << 21), "unreadable: a line of more than"),
        (lambda text: "", "line 1: the first line is ''"),
    ],
)
def test_an_invalid_table_is_reported(release: Path, change: Callable[[str], str], expected: str) -> None:
    edit_text(release / "train_concepts.csv", change)
    text = listed(verify(release))
    assert "train_concepts.csv" in text and expected in text


def test_a_table_that_is_not_utf8_is_unreadable(release: Path) -> None:
    path = release / TRAIN
    path.write_bytes(path.read_bytes() + b"x,\xff\n")
    assert f"{TRAIN}: unreadable: 'utf-8' codec" in listed(verify(with_new_checksums(release)))


def test_only_the_first_hundred_problems_of_a_file_are_listed(release: Path) -> None:
    edit_text(release / TRAIN, lambda text: text + "\n" * 5000)
    problems = [p for p in verify(release) if p.where.startswith(TRAIN)]
    assert len(problems) == 101
    assert "more than 100" in problems[-1].what


@pytest.mark.parametrize("column", ["id", "sha256", "concepts"])
def test_a_missing_column_of_figures_parquet_is_reported(release: Path, column: str) -> None:
    path = release / "figures.parquet"
    pq.write_table(pq.read_table(path).drop_columns([column]), path)
    assert f"the column {column} is missing" in listed(verify(with_new_checksums(release)))


def test_a_column_of_the_wrong_type_is_reported(release: Path) -> None:
    path = release / "figures.parquet"
    table = pq.read_table(path)
    pq.write_table(table.set_column(0, "id", pa.array(range(len(table)))), path)
    assert "the column id is int64, not string" in listed(verify(with_new_checksums(release)))


# --- concepts, articles, licences --------------------------------------------------------------------------


def test_a_concept_without_a_name_is_reported(release: Path) -> None:
    edit_text(release / "cui_mapping.csv", lambda text: "\n".join(text.splitlines()[:-1]) + "\n")
    assert "cui_mapping.csv, C1306645: CUI without a name" in listed(verify(release))


@pytest.mark.parametrize("cui", ["C123", "c0040405", "C0040405 ", "C00404051", "=1+1"])
def test_an_invalid_cui_is_reported(release: Path, cui: str) -> None:
    edit_text(release / "train_concepts.csv", replace("C0040405", cui))
    assert f"invalid CUI '{cui}'" in listed(verify(release))


def test_a_duplicate_cui_is_reported(release: Path) -> None:
    edit_text(release / "train_concepts.csv", replace("C0040405", "C0040405;C0040405"))
    assert "duplicate CUI" in listed(verify(release))


def test_an_article_in_two_splits_is_reported(release: Path) -> None:
    edit_parquet(release / "figures.parquet", lambda rows: rows[0].update(article_key=rows[-1]["article_key"]))
    text = listed(verify(release))
    assert "article in several splits" in text and "train" in text


def test_an_article_that_a_dataset_had_in_two_splits_is_no_problem_unless_new_images_are_in_it(release: Path) -> None:
    def divide(rows: list[dict[str, Any]]) -> None:
        rows[0].update(article_key=rows[-1]["article_key"])
        for row in rows:
            row["given_split"] = row["split"]

    edit_parquet(release / "figures.parquet", divide)
    assert "article in several splits" not in listed(verify(release))
    edit_parquet(release / "figures.parquet", lambda rows: rows[0].update(given_split=None))
    assert "article in several splits" in listed(verify(release))


def test_a_licence_that_is_not_allowed_is_reported(good: Path, release: Path) -> None:
    edit_parquet(release / "figures.parquet", lambda rows: rows[0].update(license="CC-BY-ND"))
    text = listed(verify(release))
    assert f"figures.parquet, {first_id(release)}: licence not allowed: CC-BY-ND" in text
    assert "license_information.csv" in text
    assert {p.what for p in verify(good, licenses=("CC-BY",))} == {"licence not allowed: CC-BY-NC"}


def test_an_attribution_with_another_licence_is_reported(release: Path) -> None:
    with (release / "license_information.csv").open(encoding="utf-8", newline="") as fh:
        rows = list(csv.reader(fh))
    edit_text(release / "license_information.csv", replace(rows[1][2], "CC0 Smith (2015)"))
    assert f"license_information.csv, {rows[1][0]}: licence differs from figures.parquet" in listed(verify(release))


def test_another_pmcid_is_reported(release: Path) -> None:
    edit_text(release / "license_information.csv", replace(",PMC9,", ",PMC79,"))
    assert "PMCID differs" in listed(verify(release))


# --- the funnel --------------------------------------------------------------------------------------------


def raise_in(funnel: dict[str, Any]) -> None:
    funnel["stages"][1]["in"] += 1


def raise_kept(funnel: dict[str, Any]) -> None:
    funnel["stages"][-1]["in"] += 1
    funnel["stages"][-1]["kept"] += 1


def other_reason(funnel: dict[str, Any]) -> None:
    funnel["stages"][1]["dropped"] = {"license": 1, "retracted": 2}


def other_sizes(funnel: dict[str, Any]) -> None:
    funnel["release"]["train"] += 1


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (raise_in, "funnel.json, license: 22 rows in, but 18 kept and 3 dropped"),
        (raise_kept, "funnel.json, release: 13 rows in, but the previous stage kept 12"),
        (raise_kept, "funnel.json: 13 rows kept, but figures.parquet has 12"),
        (other_reason, "funnel.json, license: license: 1 dropped, but removed.parquet has 2"),
        (other_reason, "funnel.json, license: retracted: 2 dropped, but removed.parquet has 1"),
        (other_sizes, "funnel.json: split sizes differ"),
        (lambda funnel: funnel.pop("stages"), "unreadable: invalid funnel"),
        (lambda funnel: funnel["stages"][0].update(kept="all"), "unreadable: invalid funnel"),
        (lambda funnel: funnel["stages"][0].update(kept=True), "unreadable: invalid funnel"),
    ],
)
def test_a_funnel_that_does_not_add_up_is_reported(
    release: Path, change: Callable[[dict[str, Any]], None], expected: str
) -> None:
    edit_funnel(release, change)
    assert expected in listed(verify(release))


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, " " * 5_000_000, "1e999", '{"stages": 3}'])
def test_an_invalid_funnel_raises_no_exception(release: Path, text: str) -> None:
    (release / "funnel.json").write_text(text, encoding="utf-8")
    assert "funnel.json: unreadable" in listed(verify(with_new_checksums(release)))


def test_a_dropped_figure_missing_from_removed_parquet_is_reported(release: Path) -> None:
    edit_parquet(release / "removed.parquet", lambda rows: rows.pop() and None)
    assert "but removed.parquet has" in listed(verify(release))


@pytest.mark.parametrize("column", ["caption", "title", "notes"])
def test_text_in_removed_parquet_is_reported(release: Path, column: str) -> None:
    path = release / "removed.parquet"
    table = pq.read_table(path)
    pq.write_table(table.append_column(column, pa.array(["words"] * len(table))), path)
    assert f"unexpected column '{column}'" in listed(verify(with_new_checksums(release)))


def test_a_figure_both_dropped_and_published_is_reported(release: Path) -> None:
    kept = Release.open(release).table()["figure_id"][0].as_py()
    edit_parquet(release / "removed.parquet", lambda rows: rows[0].update(figure_id=kept))
    assert f"removed.parquet, {kept}: dropped figure is in figures.parquet" in listed(verify(release))


def test_a_dropped_figure_without_a_reason_is_reported(release: Path) -> None:
    edit_parquet(release / "removed.parquet", lambda rows: rows[0].update(drop=None))
    assert "dropped figure without a reason" in listed(verify(release))


def test_a_superseded_copy_of_a_published_figure_is_valid(tmp_path: Path) -> None:
    class Twice(Run):
        @property
        def funnel(self) -> dict[str, Any]:
            whole = super().funnel
            stages = whole["stages"]
            entry = {"stage": "identity", "kind": "engine", "in": 13, "kept": 12, "dropped": {"superseded": 1}}
            for stage in stages[:-1]:
                stage["in"], stage["kept"] = stage["in"] + 1, stage["kept"] + 1
            return {**whole, "stages": [*stages[:-1], entry, stages[-1]]}

        def dropped(self, columns: Any) -> pa.Table:
            table = super().dropped(columns)
            row = {"figure_id": self.figures[0]["figure_id"], "stage": "identity", "drop": "superseded"}
            return pa.concat_tables([table, pa.Table.from_pylist([row], schema=table.schema)])

    assert verify(publish(tmp_path / "release", Twice())) == []


@pytest.mark.parametrize("spoil", ["garbage", "empty"])
def test_duplicates_parquet_that_is_unreadable_or_lacks_an_image_is_reported(release: Path, spoil: str) -> None:
    path = release / "duplicates.parquet"
    if spoil == "garbage":
        path.write_bytes(b"garbage")
    else:
        table = pq.read_table(release / "figures.parquet")
        groups = pa.array(["PMC1-x"] * len(table), pa.string())
        at = table.schema.get_field_index("duplicate_group")
        pq.write_table(table.set_column(at, "duplicate_group", groups), release / "figures.parquet", store_schema=False)
    found = {problem.where.partition(",")[0]: problem.what for problem in verify(with_new_checksums(release))}
    assert "duplicates.parquet" in found


def test_invalid_metadata_are_reported(release: Path) -> None:
    edit_text(release / "metadata.json", lambda _: '{"creators": [{"name": "Doe, Jane", "orcid": "1"}]}\n')
    ((what, where),) = verify(release)
    assert where == "metadata.json"
    assert "invalid ORCID iD" in what


def test_a_release_from_before_metadata_json_is_valid(release: Path) -> None:
    (release / "metadata.json").unlink()
    with_new_checksums(release)
    assert verify(release) == []


def test_a_check_names_the_files_whose_checksums_it_computes_and_counts_images(release: Path) -> None:
    recorder = Recorder()
    opened = Release.open(release)
    assert opened.verify(progress=recorder) == []
    assert "checksum of train_images.zip" in recorder.activities
    assert recorder.totals["images"] == recorder.done["images"] == len(opened)
