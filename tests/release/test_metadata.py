"""[release]: title, creators and contact of a dataset, from the recipe to the files of the release."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from roco.base.errors import DataError, RecipeError
from roco.release.metadata import Creator, Metadata, read_metadata
from roco.release.read import Release

FULL = Metadata(
    title='Chest "CT": 2026',
    description="Images of the chest.",
    version="1.0.0",
    date="2026-11-30",
    doi="https://doi.org/10.5281/ZENODO.1",
    creators=(Creator(name="Doe, Jane", orcid="https://orcid.org/0000-0002-1694-233x"), Creator(name="Study Group")),
    contact="jane@example.org",
    license_note="Annotations are CC0.",
)


def test_orcid_and_doi_are_normalised() -> None:
    assert FULL.creators[0].orcid == "0000-0002-1694-233X"
    assert FULL.doi == "10.5281/zenodo.1"


def test_a_description_may_be_written_on_several_lines() -> None:
    about = Metadata(description="Images of the chest.\n\nSecond paragraph.\n", license_note="CC0\r\nfor all.")
    assert (about.description, about.license_note) == ("Images of the chest. Second paragraph.", "CC0 for all.")
    with pytest.raises(RecipeError, match="control character in the description"):
        Metadata(description="red \x1b[31m")


def test_metadata_survive_the_file_of_the_release(tmp_path: Path) -> None:
    path = tmp_path / "metadata.json"
    path.write_text(json.dumps(FULL.to_json()), encoding="utf-8")
    assert read_metadata(path) == FULL


def test_what_is_not_set_is_not_written() -> None:
    assert Metadata(title="Chest").to_json() == {"title": "Chest"}


def test_a_release_without_the_file_has_no_metadata(tmp_path: Path) -> None:
    assert read_metadata(tmp_path / "metadata.json") == Metadata()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"creators": [1]}', '{"contact": "nowhere"}', "\x00"])
def test_an_invalid_file_is_a_data_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "figures.parquet").touch()
    (tmp_path / "metadata.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"metadata\.json"):
        _ = Release.open(tmp_path).metadata


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "Doe, Jane", "orcid": "0000-0002-1825-0098"}, "invalid ORCID iD"),
        ({"name": "Doe, Jane", "orcid": "0000-0002-1825"}, "invalid ORCID iD"),
        ({"name": "Doe, Jane", "orcid": "https://example.org/0000-0002-1825-0097"}, "invalid ORCID iD"),
        ({"name": "Jane Doe", "orcid": "0000-0002-1825-0097"}, "a name without a comma"),
        ({"name": " "}, "empty name"),
        ({"name": "Doe,\nJane"}, "line break"),
        ({"name": "Doe, Jane", "affiliation": "a\x1bb"}, "control character"),
    ],
)
def test_an_invalid_creator_is_refused(options: dict[str, str], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        Creator(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"title": ""}, "empty title"),
        ({"title": "one\ntwo"}, "line break"),
        ({"contact": "jane"}, "invalid contact"),
        ({"contact": "javascript:alert(1)"}, "invalid contact"),
        ({"date": "30.11.2026"}, "invalid date"),
        ({"date": "2026-02-30"}, "invalid date"),
        ({"doi": "zenodo.123"}, "invalid DOI"),
    ],
)
def test_invalid_metadata_are_refused(options: dict[str, str], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        Metadata(**options)
