"""Captions with known concepts: every layout, and what is said about invalid files."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.base.errors import DataError, UsageError
from roco.release.captioned import Row, is_held_out, read
from roco.release.read import Release
from tests.sources.test_dataset import published
from tests.stages.publish.finished import publish

CT, CHEST, FLUID = "C0040405", "C0817096", "C0444611"


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def roco_v1(id: str, article: str = "PMC1", **more: object) -> str:
    row = {"roco_id": id, "pmcid": article, "caption": "CT of the chest.", "cuis": [CT, CHEST], "semtypes": ["T060"]}
    return json.dumps(row | more) + "\n"


# --- files -------------------------------------------------------------------------------------------------


def test_rows_of_the_first_roco_are_read(tmp_path: Path) -> None:
    path = tmp_path / "radiology.jsonl.gz"
    path.write_bytes(gzip.compress((roco_v1("ROCO_1") + "\n" + roco_v1("ROCO_2", "PMC2")).encode()))
    captioned = read(path)
    assert captioned.rows[0] == Row("ROCO_1", "PMC1", "CT of the chest.", (CT, CHEST))
    assert [row.group for row in captioned.rows] == ["PMC1", "PMC2"]
    assert captioned.rows[0].group != captioned.rows[0].id and not captioned.has_manual and captioned.files == (path,)


def test_all_files_of_a_folder_are_read_as_one(tmp_path: Path) -> None:
    write(tmp_path / "b.jsonl", roco_v1("ROCO_2"))
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(roco_v1("ROCO_1").encode()))
    write(tmp_path / "notes.json", "{}")
    assert [row.id for row in read(tmp_path).rows] == ["ROCO_1", "ROCO_2"]
    write(tmp_path / "c.jsonl", "\n" + roco_v1("ROCO_2"))
    with pytest.raises(DataError, match=r"c\.jsonl, line 2: duplicate id 'ROCO_2'"):
        read(tmp_path)


def test_a_csv_file_needs_id_caption_and_cuis(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", f'ID,Caption,CUIs\n1,"CT, chest",{CT};{CHEST};{CT}\n2,None,\n')
    assert read(path).rows == [Row("1", "1", "CT, chest", (CT, CHEST)), Row("2", "2", "None", ())]
    assert all(row.group == row.id for row in read(path).rows)


def test_a_csv_file_may_have_articles_manual_concepts_and_splits(tmp_path: Path) -> None:
    lines = f"id,article,caption,cuis,manual,split\n1,PMC1,CT,{FLUID},{CT},train\n2,PMC1,CT,{CT} {FLUID},{CT},test\n"
    path = write(tmp_path / "rows.csv", "\ufeff" + lines.replace("\n", "\r\n"))
    first, second = read(path).rows
    assert first == Row("1", "PMC1", "CT", (CT, FLUID), (CT,), "train")
    assert second.cuis == (CT, FLUID)
    assert read(path, ["test"]).rows == [second]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("id,captions,cuis\n1,CT,\n", "line 1: missing column 'caption'", "did you mean 'captions'?"),
        ("id,caption,cuis,concepts\n", "line 1: duplicate column 'cuis': 'cuis' and 'concepts'", "remove one"),
        (f"id,caption,cuis\n1,CT,{CT}\n2,CT,C12\n", "line 3: invalid CUI 'C12'", "C and seven digits"),
        (f"id,caption,cuis\n1,CT\n,{CT}\n", "line 2: 2 cells, but 3 columns", "double quotes"),
        ('id,caption,cuis\n1,"CT" of,\n', "line 2: ", "quotes"),
        ("id,caption,cuis\n ,CT,\n", "line 2: no id", "its own id"),
        ("id,caption,cuis\n1,a,\n1,b,\n", "line 3: duplicate id '1'", "its own id"),
        ("id,caption,cuis\n", "has no captions", "another dataset"),
    ],
)
def test_an_invalid_csv_file_is_refused_with_its_line(tmp_path: Path, text: str, message: str, hint: str) -> None:
    path = write(tmp_path / "rows.csv", text)
    with pytest.raises(DataError) as caught:
        read(path)
    assert message in caught.value.message and str(path) in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "invalid JSON"),
        ("[" * 100_000, "invalid JSON"),
        ("[1]", "not a JSON object"),
        ('{"id": "1", "caption": "CT"}', "missing column 'cuis'"),
        ('{"id": "1", "caption": ["CT"], "cuis": []}', "caption is not a text"),
        ('{"id": "1", "caption": "CT", "cuis": {"C": 1}}', "neither a list nor a text"),
        ('{"id": "1", "caption": "CT", "cuis": ["C1\\u001b[31m"]}', r"invalid CUI 'C1\x1b[31m'"),
    ],
)
def test_an_invalid_json_line_is_refused_with_its_number(tmp_path: Path, line: str, message: str) -> None:
    path = write(tmp_path / "rows.jsonl", roco_v1("ROCO_1") + line + "\n")
    with pytest.raises(DataError, match="line 2: ") as caught:
        read(path)
    assert message in caught.value.message


def test_binary_and_truncated_files_are_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(b"id,caption,cuis\n1,\xff,\n")
    with pytest.raises(DataError, match=r"rows\.csv, line 2: not UTF-8"):
        read(tmp_path / "rows.csv")
    (tmp_path / "rows.jsonl.gz").write_bytes(gzip.compress(roco_v1("ROCO_1").encode())[:-20])
    with pytest.raises(DataError, match=r"rows\.jsonl\.gz cannot be read: "):
        read(tmp_path / "rows.jsonl.gz")
    (tmp_path / "bomb.jsonl.gz").write_bytes(gzip.compress(bytes(3 << 20)))
    with pytest.raises(DataError, match=r"line 1: more than 1,048,576 bytes in a line"):
        read(tmp_path / "bomb.jsonl.gz")


def test_half_of_a_surrogate_pair_does_not_move_the_offsets_of_a_caption(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", roco_v1("1", caption="a\ud800b"))
    assert read(path).rows[0].caption == "a\ufffdb"


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.getbasetemp()
    for name in ("fuzz.csv", "fuzz.jsonl"):
        (folder / name).write_bytes(b"id,caption,cuis\n" * name.endswith("csv") + data)
        try:
            read(folder / name)
        except DataError as err:
            assert name in err.message


def test_a_part_of_the_articles_is_held_out_by_their_hash() -> None:
    articles = [f"PMC{number}" for number in range(2000)]
    part = {percent: {name for name in articles if is_held_out(name, percent)} for percent in (0, 20, 40, 100)}
    assert not part[0] and part[20] < part[40] and part[100] == set(articles)
    assert 0.36 < len(part[40]) / len(articles) < 0.44


# --- datasets ----------------------------------------------------------------------------------------------


def test_a_release_is_read_with_articles_manual_concepts_and_names(tmp_path: Path) -> None:
    folder = publish(tmp_path / "release")
    captioned = read(folder)
    table = Release.open(folder).table()
    assert [row.id for row in captioned.rows] == table["id"].to_pylist()
    assert [row.group for row in captioned.rows] == table["article_key"].to_pylist()
    assert [list(row.cuis) for row in captioned.rows] == table["concepts"].to_pylist()
    assert captioned.names == Release.open(folder).concept_names()
    train = read(folder, ["train"]).rows
    assert train == [row for row in captioned.rows if row.split == "train"] and train


def test_the_published_layout_is_read(tmp_path: Path) -> None:
    folder = published(tmp_path / "rocov2")
    captioned = read(folder)
    table = Release.open(folder).table()
    assert sorted(row.id for row in captioned.rows) == sorted(table["id"].to_pylist())
    assert captioned.has_manual and captioned.names


def test_captions_and_concepts_of_one_split_are_enough(tmp_path: Path) -> None:
    write(tmp_path / "valid_captions.csv", "ID,Caption\nImage_1, CT of the chest\nImage_2,MRI\n")
    write(tmp_path / "valid_concepts.csv", f"ID,CUIs\nImage_1,{CT};{CHEST}\n")
    assert read(tmp_path).rows == [Row("Image_1", "Image_1", " CT of the chest", (CT, CHEST), (), "valid")]
    with pytest.raises(DataError, match=r"lacks train_captions\.csv and train_concepts\.csv"):
        read(tmp_path, ["train", "valid"])


def test_an_invalid_cui_of_the_published_layout_is_reported_with_its_line(tmp_path: Path) -> None:
    write(tmp_path / "valid_captions.csv", "ID,Caption\nImage_1,CT\nImage_2,MRI\n")
    write(tmp_path / "valid_concepts.csv", f"ID,CUIs\nImage_1,{CT}\nImage_2,c0024485\n")
    with pytest.raises(DataError, match=r"valid_concepts\.csv, line 3: invalid CUI 'c0024485'"):
        read(tmp_path)


def test_images_with_concepts_and_without_a_caption_are_left_out_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path / "valid_concepts.csv", f"ID,CUIs\nImage_1,{CT}\nImage_2,{CHEST}\n")
    write(tmp_path / "valid_captions.csv", "ID,Caption\nImage_1,CT\nImag")
    assert [row.id for row in read(tmp_path).rows] == ["Image_1"]
    assert "1 image with concepts and without a caption left out, first 'Image_2'" in caplog.text
    caplog.clear()
    write(tmp_path / "valid_captions.csv", "ID,Caption\nImage_1,CT\nImage_2,MRI")
    assert len(read(tmp_path).rows) == 2
    assert not caplog.text
    write(tmp_path / "valid_captions.csv", 'ID,Caption\nImage_1,CT\nImage_2,"CT of the')
    with pytest.raises(DataError, match=r"valid_captions\.csv: unreadable: unexpected end of data"):
        read(tmp_path)


def test_files_of_imageclef_may_have_concepts_of_more_images_than_captions(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path / "Caption_2023_valid_labels.csv", "ID\tCaption\ni_1\tCT\n")
    write(tmp_path / "Concepts_2023_valid_labels.csv", f"ID\tCUIs\ni_1\t{CT}\ni_2\t{CT}\ni_3\t{CT}\n")
    assert [row.id for row in read(tmp_path).rows] == ["i_1"]
    assert "2 images with concepts and without a caption left out, first 'i_2'" in caplog.text


def test_files_of_imageclef_are_joined_by_id(tmp_path: Path) -> None:
    write(tmp_path / "Caption_2023_valid_labels.csv", 'ID\tCaption\ni_1\tCT, "axial"\ni_2\tMRI\ni_3\tno concepts\n')
    write(tmp_path / "Concepts_2023_valid_labels.csv", f"ID\tCUIs\ni_2\t\ni_1\t{CT};{CHEST}\n")
    write(tmp_path / "Concepts_2023_valid_manual.csv", f"ID,CUIs\ni_1,{CHEST}\n")
    write(tmp_path / "Caption_2023_test.csv", "ID\tCaption\ni_9\tnot labelled\n")
    write(tmp_path / "mapping.csv", "CUI,Canonical name\n")
    first = Row("i_1", "i_1", 'CT, "axial"', (CHEST, CT), (CHEST,), "valid")
    assert read(tmp_path).rows == [first, Row("i_2", "i_2", "MRI", (), (), "valid")]
    with pytest.raises(DataError, match="lacks a file of captions and one of concepts of train"):
        read(tmp_path, ["train"])
    with pytest.raises(DataError, match="lacks a file of concepts of test"):
        read(tmp_path, ["valid", "test"])
    write(tmp_path / "Concepts_2023_valid_labels.csv", "ID\tCUIs\ni_1\tC12\n")
    with pytest.raises(DataError, match=r"valid_labels\.csv, line 2: invalid CUI 'C12'"):
        read(tmp_path)
    write(tmp_path / "other_valid.csv", "ID|Caption\n")
    with pytest.raises(DataError, match="two files of captions for the same split"):
        read(tmp_path)


def test_unknown_paths_splits_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        read(tmp_path / "nothing")
    with pytest.raises(DataError, match="not a release"):
        read(tmp_path)
    path = write(tmp_path / "rows.csv", "id,caption,cuis\n1,CT,\n")
    with pytest.raises(UsageError, match="unknown split 'validation'") as caught:
        read(path, ["validation"])
    assert caught.value.hint == "did you mean 'valid'?"
    with pytest.raises(UsageError, match="has no splits"):
        read(path, ["test"])


@pytest.mark.shared
def test_real_captions_of_the_first_roco_are_read(shared: Path) -> None:
    captioned = read(shared / "data" / "captions")
    assert len(captioned.rows) == 5065 and captioned.rows[0].group.startswith("PMC")
