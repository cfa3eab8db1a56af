"""Datasets of typed rows: items, parts, columns, filters, and conversions that need no torch."""

from __future__ import annotations

import hashlib
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import roco
from tests.sources.test_dataset import CHEST, CT, LAYOUTS, NODULE, published

# --- rows ------------------------------------------------------------------------------------------------------


def test_a_dataset_has_the_images_of_all_splits_or_of_one(good: Path) -> None:
    assert len(roco.load(good)) == 12
    train, valid = roco.load(good, "train"), roco.load(str(good), split="valid")
    assert [row.split for row in valid] == ["valid"] * 2
    assert [row.id for row in (*train, *valid)] == [row.id for row in roco.load(good)]
    assert len(roco.load(good, "test")) == 0


def test_a_row_has_the_values_of_the_table(good: Path) -> None:
    rows = roco.Release.open(good).table().to_pylist()
    for row, values in zip(roco.load(good), rows, strict=True):
        for name in ("id", "split", "caption", "modality", "license", "pmcid", "year"):
            assert getattr(row, name) == values[name]
        assert row.concepts == tuple(values["concepts"])
        assert row["journal"] == values["journal"]
        assert row["authors"] == values["authors"]


def test_items_and_iteration_give_the_same_rows(good: Path) -> None:
    data = roco.load(good)
    rows = list(data)
    assert [data[i] for i in range(len(data))] == rows
    assert data[-1] == rows[-1]
    assert data.row(rows[5].id) == rows[5]
    with pytest.raises(IndexError):
        data[12]


def test_iteration_continues_after_the_first_thousand_rows(good: Path) -> None:
    data = roco.load(good)
    many = data[np.tile(np.arange(12), 100)]
    assert [row.id for row in many] == [row.id for row in data] * 100


def test_parts_are_datasets_of_their_own(good: Path) -> None:
    data = roco.load(good)
    ids = [row.id for row in data]
    assert [row.id for row in data[2:8:3]] == ids[2:8:3]
    assert [row.id for row in data[[7, 1]]] == [ids[7], ids[1]]
    assert [row.id for row in data[np.array([False, True] * 6)]] == ids[1::2]
    assert [row.id for row in data[4:][1:3]] == ids[5:7]
    assert data[4:6].column("id").to_pylist() == ids[4:6]
    assert data[4:6].to_arrow(["id", "split"]).to_pylist()[0] == {"id": ids[4], "split": "train"}


def test_an_unknown_split_column_or_row_is_answered_with_the_nearest_name(good: Path) -> None:
    data = roco.load(good)
    with pytest.raises(roco.UsageError, match="unknown split 'vaild'") as caught:
        roco.load(good, "vaild")
    assert "'valid'" in caught.value.hint
    for call in (
        lambda: data.column("captoin"),
        lambda: data[0]["captoin"],
        lambda: data.filter(captoin="x"),
        lambda: data.to_arrow(["captoin"]),
    ):
        with pytest.raises(roco.UsageError, match="unknown column 'captoin'") as caught:
            call()
        assert "'caption'" in caught.value.hint
    with pytest.raises(roco.UsageError, match="no row 'roco_train_000099'"):
        data.row("roco_train_000099")
    with pytest.raises(roco.UsageError, match="no item 'caption'") as caught:
        data["caption"]  # type: ignore[call-overload]
    assert "column" in caught.value.hint


def test_a_dataset_names_its_size_and_folder(good: Path) -> None:
    assert repr(roco.load(good)) == f"<roco.Dataset of 12 images (train 10, valid 2) in {good}>"


def test_a_dataset_can_be_sent_to_another_process(good: Path) -> None:
    data = roco.load(good, "train")
    data[0].image.bytes()
    copy = pickle.loads(pickle.dumps(data[3:5]))
    assert [row.image.bytes() for row in copy] == [row.image.bytes() for row in data[3:5]]


# --- images ----------------------------------------------------------------------------------------------------


def test_images_are_the_original_bytes(good: Path) -> None:
    for row in roco.load(good):
        assert hashlib.sha256(row.image.bytes()).hexdigest() == row["sha256"]


def test_without_images_the_folder_needs_none(release: Path) -> None:
    for path in release.glob("*.zip"):
        path.unlink()
    row = roco.load(release, images=False)[0]
    assert row.caption
    with pytest.raises(roco.UsageError, match="without its image") as caught:
        row.image  # noqa: B018
    assert "images=True" in caught.value.hint


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_published_layout_is_loaded_with_labels_of_its_manual_concepts(tmp_path: Path, layout: str) -> None:
    data = roco.load(published(tmp_path / "rocov2", LAYOUTS[layout]))
    assert [row.split for row in data] == ["train", "train", "valid", "test"]
    row = data[0]
    assert (row.modality, row.region, row.direction) == ("DRCT", None, None)
    assert row.concepts == (CT, CHEST, NODULE)
    assert row.image.numpy().shape == (64, 64)


def test_several_manual_labels_of_a_kind_are_no_label(rocov2: Path) -> None:
    manual = rocov2 / "test_concepts_manual.csv"
    manual.write_text("ID,CUIs\nROCOv2_2023_test_000003,C0040405;C0032743;C0817096\n")
    row = roco.load(rocov2, "test")[0]
    assert (row.modality, row.region) == (None, "chest")


# --- filters ---------------------------------------------------------------------------------------------------


def test_rows_are_selected_by_values_of_columns(good: Path) -> None:
    data = roco.load(good)
    rows = list(data)

    def ids(part: roco.Dataset) -> list[str]:
        return [row.id for row in part]

    assert ids(data.filter(modality="DRCT")) == [row.id for row in rows if row.modality == "DRCT"] != []
    assert ids(data.filter(modality=["DRCT", "DRXR"])) == [row.id for row in rows if row.modality]
    assert ids(data.filter(modality=None)) == [row.id for row in rows if row.modality is None] != []
    assert ids(data.filter(year={2016, None})) == [row.id for row in rows if row.year in (2016, None)] != []
    assert ids(data.filter(concepts=CHEST)) == [row.id for row in rows if CHEST in row.concepts] != []
    both = data.filter(modality="DRXR", license="CC-BY")
    assert ids(both) == [row.id for row in rows if row.modality == "DRXR" and row.license == "CC-BY"] != []


def test_rows_are_selected_by_a_function(good: Path) -> None:
    data = roco.load(good, "train")
    recent = data.filter(lambda row: (row.year or 0) >= 2018)
    assert [row.year for row in recent] == [2018, 2018]
    assert len(data.filter(lambda row: False)) == 0
    assert len(data.filter(lambda row: False).filter(lambda row: True)) == 0
    assert [row.id for row in data.filter(lambda row: row.license == "CC-BY", modality="DRXR")] == [
        row.id for row in data.filter(modality="DRXR", license="CC-BY")
    ]


def test_a_value_that_no_row_can_have_is_an_error(good: Path) -> None:
    data = roco.load(good)
    with pytest.raises(roco.UsageError, match="unknown modality 'DRTC'") as caught:
        data.filter(modality=["DRXR", "DRTC"])
    assert "'DRCT'" in caught.value.hint
    with pytest.raises(roco.UsageError, match="unknown split 'validation'"):
        data.filter(split="validation")
    with pytest.raises(roco.UsageError, match="'year' has values of type int32"):
        data.filter(year="2016")
    with pytest.raises(roco.UsageError, match="'license' has values of type string"):
        data.filter(license=4)
    with pytest.raises(roco.UsageError, match="use a function of the row"):
        data.filter(mentions="C0040405")


# --- other libraries ---------------------------------------------------------------------------------------------


def test_duckdb_gets_the_rows_as_the_table_figures(good: Path) -> None:
    pytest.importorskip("duckdb")
    data = roco.load(good, "train")
    connection = data.to_duckdb()
    counted = connection.sql("select modality, count(*) from figures where modality is not null group by 1 order by 1")
    assert counted.fetchall() == [("DRCT", 3), ("DRXR", 4)]
    connection.close()


@pytest.mark.parametrize(
    ("package", "extra", "call"),
    [
        ("torch", "train", "to_torch()"),
        ("datasets", "hub", "to_hf()"),
        ("pandas", "hub", "to_pandas()"),
        ("duckdb", "select", "to_duckdb()"),
    ],
)
def test_a_missing_package_is_an_error_with_its_pip_line(good: Path, package: str, extra: str, call: str) -> None:
    code = (
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {package!r}: raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Missing())\n"
        "import roco\n"
        f"try: roco.load({str(good)!r}).{call}\n"
        "except roco.UsageError as err: print(err.message, err.hint)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f"{package} is not installed" in done.stdout
    assert f"pip install '.[{extra}]'" in done.stdout


def test_loading_imports_no_library_that_only_conversions_need(good: Path) -> None:
    code = (
        f"import sys, roco; data = roco.load({str(good)!r}); data.filter(modality='DRXR')[0].image.bytes(); "
        "data.targets(); print([name for name in ('torch', 'datasets', 'duckdb', 'lxml', 'PIL') "
        "if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("values", "message", "hint"),
    [
        ({"concepts": "X-Ray Computed Tomography"}, "invalid CUI 'X-Ray Computed Tomography' (concepts)", "C0040405"),
        ({"license": "CC BY"}, "unknown licence 'CC BY'", "did you mean 'CC-BY'?"),
    ],
)
def test_a_name_where_a_cui_or_a_licence_belongs_is_an_error(
    good: Path, values: dict[str, str], message: str, hint: str
) -> None:
    with pytest.raises(roco.UsageError) as error:
        roco.load(good).filter(**values)
    assert error.value.message == message
    assert hint in error.value.hint
    assert len(roco.load(good).filter(concepts="C9999999", license="CC0")) == 0


def test_a_column_may_be_named_by_a_text(good: Path) -> None:
    assert roco.load(good).to_arrow("id").column_names == ["id"]


@pytest.mark.parametrize("key", [1.5, True, None])
def test_an_item_that_is_no_position_is_an_error(good: Path, key: Any) -> None:
    with pytest.raises(roco.UsageError, match=f"a dataset has no item {key}"):
        roco.load(good)[key]
