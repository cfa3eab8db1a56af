"""An earlier release as the next one needs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from roco.base.errors import DataError, RecipeError
from roco.release.previous import articles_of, seal


def published(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "license_information.csv").write_text(text)
    return folder


@pytest.mark.parametrize("id", ["PMC12", "12", "pmc0012", " PMC12 "])
def test_articles_of_the_published_layout_are_known_by_their_number(tmp_path: Path, id: str) -> None:
    folder = published(tmp_path / "p", f"ID,PMCID,Attribution,Link\nROCOv2_2023_train_000001,{id},CC BY x,y\n")
    assert articles_of(folder) == {"PMC12"}


def test_a_table_with_another_header_is_not_read_as_an_empty_one(tmp_path: Path) -> None:
    folder = published(tmp_path / "p", "ID,ID,Attribution,Link\nROCOv2_2023_train_000001,PMC12,CC BY x,y\n")
    with pytest.raises(DataError, match="the first line is"):
        articles_of(folder)


def test_a_release_that_is_not_there_is_told_from_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="there is no release"):
        seal(tmp_path / "nothing")
    with pytest.raises(RecipeError, match="is no release"):
        seal(tmp_path)
