"""The front matter of the card: valid YAML, and every table loads with `datasets`, split by split."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from roco.base.schema import SPLITS
from roco.base.tables import SPLIT_TABLES
from roco.release.front_matter import HUB_SPLITS, front_matter
from roco.stages.language import Language
from roco.stages.publish.card import languages
from tests.stages.publish.finished import Run, publish, text

NO_DATASETS = "the library `datasets` is missing: pip install '.[dev,dev-neural]'"

LOOKS_MISSING = ("NA", "None", "null", "nan", "N/A", "", "1", "TRUE", "a\rb", '"quoted"', "2020-01-01", " x ")
"""Captions that readers of CSV take for missing values, numbers or dates unless they are told not to."""


def matter(card: str) -> dict[str, Any]:
    """Returns the front matter of a card as `huggingface_hub` parses it."""
    assert card.startswith("---\n")
    return dict(yaml.safe_load(card[4:].partition("\n---\n")[0]))


def split_files(data: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Returns the declared files by table and split."""
    return {table["config_name"]: {f["split"]: f["path"] for f in table["data_files"]} for table in data["configs"]}


def lines(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as fh:
        return list(csv.reader(fh, strict=True))


def release(folder: Path, figures: int, captions: tuple[str, ...] = ()) -> Path:
    run = Run(figures)
    for row, caption in zip(run.figures, captions, strict=False):
        row["caption"] = caption
    return publish(folder / "release", run)


# --- tables --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("figures", [1, 2, 6, 12])
def test_every_split_of_every_table_that_has_rows_is_declared_and_no_other(tmp_path: Path, figures: int) -> None:
    folder = release(tmp_path, figures)
    files = split_files(matter(text(folder / "README.md")))
    for table in SPLIT_TABLES:
        with_rows = [split for split in SPLITS if len(lines(folder / f"{split}_{table}.csv")) > 1]
        assert files[table] == {HUB_SPLITS[split]: f"{split}_{table}.csv" for split in with_rows}
    for name in ("license_information", "attribution", "cui_mapping"):
        assert files[name] == {name: f"{name}.csv"}
        assert len(lines(folder / f"{name}.csv")) > 1


def test_captions_are_the_only_default_table(tmp_path: Path) -> None:
    data = matter(text(release(tmp_path, 12) / "README.md"))
    assert [table["config_name"] for table in data["configs"] if table.get("default")] == ["captions"]
    assert data["configs"][0]["config_name"] == "captions"  # it determines the file format of all tables


def test_all_columns_of_every_table_are_declared_as_text(tmp_path: Path) -> None:
    folder = release(tmp_path, 12)
    data = matter(text(folder / "README.md"))
    files = split_files(data)
    assert [table["config_name"] for table in data["dataset_info"]] == list(files)
    for table in data["dataset_info"]:
        header, *_ = lines(folder / next(iter(files[table["config_name"]].values())))
        assert [column["name"] for column in table["features"]] == header
        assert {column["dtype"] for column in table["features"]} == {"string"}


def test_a_release_without_concepts_declares_no_empty_mapping(tmp_path: Path) -> None:
    run = Run(4)
    for row in run.figures:
        row |= {"concepts": [], "concepts_auto": [], "concepts_manual": []}
    files = split_files(matter(text(publish(tmp_path / "release", run) / "README.md")))
    assert "cui_mapping" not in files and "concepts" in files


def test_an_empty_release_declares_no_table(tmp_path: Path) -> None:
    assert "configs" not in matter(text(release(tmp_path, 0) / "README.md"))


# --- facts ---------------------------------------------------------------------------------------------------

NO_RECIPE: dict[str, Any] = {"stages": []}


@given(st.text(st.characters(codec="utf-8"), max_size=20))
def test_the_front_matter_is_valid_whatever_the_title(title: str) -> None:
    assert matter(front_matter(title, [], ()))["pretty_name"] == title


@pytest.mark.parametrize(
    "title", ['a "b" \\n: {c}', "x\n---\nlicense: mit", "🩻 Röntgen", "# no", "- no", "{0}", "\x85\u2028"]
)
def test_a_title_cannot_end_the_front_matter_or_change_it(title: str) -> None:
    data = matter(front_matter(title, [], ()))
    assert data["pretty_name"] == title and data["license"] == "other"


def row(license: str | None) -> dict[str, Any]:
    return {"split": "train", "license": license, "concepts": [], "concepts_manual": []}


@pytest.mark.parametrize(
    ("licenses", "name"),
    [
        (["CC-BY", "CC-BY-NC", "CC-BY"], "cc-by-and-cc-by-nc-by-image"),
        (["CC-BY"], "cc-by-by-image"),
        (["CC0", None], "cc0-and-none-by-image"),
    ],
)
def test_the_licence_is_named_after_the_licences_of_the_images(licenses: list[str | None], name: str) -> None:
    assert matter(front_matter("t", [row(license) for license in licenses], ()))["license_name"] == name


def test_languages_are_those_that_a_stage_keeps_and_none_is_claimed_without_such_a_stage() -> None:
    stage = Language(keep=("no", "en"))
    recipe = {"stages": [{"ensures": stage.contract.ensures, "options": stage.options}]}
    assert matter(front_matter("t", [], languages(recipe)))["language"] == ["en", "no"]
    assert "language" not in matter(front_matter("t", [], ()))


@pytest.mark.parametrize(
    ("images", "size"), [(0, "n<1K"), (999, "n<1K"), (1_000, "1K<n<10K"), (79_789, "10K<n<100K"), (10**6, "1M<n<10M")]
)
def test_the_size_is_a_category_of_the_hub(images: int, size: str) -> None:
    assert matter(front_matter("t", [row("CC-BY")] * images, ()))["size_categories"] == [size]


# --- the library itself --------------------------------------------------------------------------------------

LOAD = """
import json, sys
from datasets import disable_progress_bars, get_dataset_config_names, load_dataset
disable_progress_bars()
folder, cache = sys.argv[1:]
tables = {}
for name in get_dataset_config_names(folder):
    splits = load_dataset(folder, name, cache_dir=cache)
    tables[name] = {}
    for split, rows in splits.items():
        types = [[column, feature.dtype] for column, feature in rows.features.items()]
        tables[name][split] = [types, [list(row.values()) for row in rows]]
print(json.dumps([list(load_dataset(folder, cache_dir=cache)["train"].features), tables]))
"""


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("datasets") is None, reason=NO_DATASETS)
@pytest.mark.parametrize("figures", [2, 12])  # two figures: valid and test are empty
def test_the_library_datasets_reads_every_table_as_it_is_in_the_csv_files(tmp_path: Path, figures: int) -> None:
    folder = release(tmp_path, figures, LOOKS_MISSING)
    environment = {**os.environ, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-c", LOAD, str(folder), str(tmp_path / "cache")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    default, tables = json.loads(done.stdout.splitlines()[-1])
    assert default == ["ID", "Caption"]
    declared = split_files(matter(text(folder / "README.md")))
    assert {name: list(splits) for name, splits in tables.items()} == {n: list(f) for n, f in declared.items()}
    for name, files in declared.items():
        for split, file in files.items():
            header, *cells = lines(folder / file)
            assert tables[name][split] == [[[column, "string"] for column in header], cells]
