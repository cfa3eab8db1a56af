"""The layout of the cloud bucket: which version stands for an article, and whose bytes are believed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roco.core.source import Source
from roco.core.spec import from_spec, to_spec
from roco.errors import DataError, Refused
from roco.schema import LISTING
from roco.sources import cloud
from roco.sources.cloud import CloudSource

Put = Callable[..., Path]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Writes one version of an article as the bucket has it; a change of None leaves the metadata out."""

    def write(key: str, change: dict[str, Any] | None = {}, where: str | None = None) -> Path:  # noqa: B006
        folder = tmp_path / key
        folder.mkdir()
        pmcid, version = key.split(".")
        files = {f"{key}.xml": f"<article>{key}</article>".encode(), "f1.jpg": b"jpg"}
        for name, data in files.items():
            (folder / name).write_bytes(data)
        url = {n: f"s3://pmc-oa-opendata/{key}/{n}?md5={hashlib.md5(d).hexdigest()}" for n, d in files.items()}
        meta = {"pmcid": pmcid, "version": int(version), "is_pmc_openaccess": True, "is_manuscript": False,
                "is_historical_ocr": False, "is_retracted": False, "license_code": "CC BY", "pmid": 7, "doi": None,
                "title": " A case ", "xml_url": url[f"{key}.xml"], "media_urls": [url["f1.jpg"]]}  # fmt: skip
        if change is not None:
            place = tmp_path / (where or key)
            place.mkdir(exist_ok=True)
            (place / f"{key}.json").write_text(json.dumps(meta | change))
        return folder

    return write


def row(root: Path) -> dict[str, Any]:
    (only,) = CloudSource(path=root).listing(None).to_pylist()
    return {**only, "facts": json.loads(only["facts"])}


def test_an_article_is_listed_with_what_its_metadata_say(put: Put, tmp_path: Path) -> None:
    put("PMC1.1")
    assert CloudSource(path=tmp_path).listing(None).schema == LISTING
    found = row(tmp_path)
    assert (found["article"], found["place"]) == ("PMC1", "PMC1.1")
    assert found["facts"] == {
        "pmcid": "PMC1", "version": 1, "pmid": "7", "doi": None, "title": "A case", "license": "CC BY",
        "open_access": True, "manuscript": False, "ocr": False, "retracted": False,
    }  # fmt: skip


def test_metadata_in_their_own_folder_count_as_well(put: Put, tmp_path: Path) -> None:
    put("PMC1.1", {"license_code": "CC0"}, where="metadata")
    assert row(tmp_path)["facts"]["license"] == "CC0"


def test_versions_are_compared_as_numbers(put: Put, tmp_path: Path) -> None:
    for version in (1, 2, 10):
        put(f"PMC1.{version}")
    assert row(tmp_path)["place"] == "PMC1.10"


@pytest.mark.parametrize(
    "newest",
    [
        {"is_pmc_openaccess": False},
        {"is_pmc_openaccess": "false"},
        {"is_pmc_openaccess": None},
        {"is_manuscript": True},
        {"is_historical_ocr": "true"},
        {"pmcid": "PMC9"},
    ],
)
def test_the_newest_version_that_is_open_access_is_taken(put: Put, tmp_path: Path, newest: dict[str, Any]) -> None:
    put("PMC1.1")
    put("PMC1.2", {"is_pmc_openaccess": "true", "is_retracted": "true"})
    put("PMC1.3", newest)
    found = row(tmp_path)
    assert found["place"] == "PMC1.2"
    assert (found["facts"]["open_access"], found["facts"]["retracted"]) == (True, True)


def test_without_any_open_version_the_newest_says_that_it_is_not(put: Put, tmp_path: Path) -> None:
    put("PMC1.1", {"is_pmc_openaccess": False})
    put("PMC1.2", {"is_pmc_openaccess": False, "license_code": "TDM"})
    found = row(tmp_path)
    assert found["place"] == "PMC1.2"
    assert (found["facts"]["open_access"], found["facts"]["license"]) == (False, "TDM")


def test_without_metadata_a_version_counts_as_open_access(put: Put, tmp_path: Path) -> None:
    put("PMC1.1")
    put("PMC1.2", None)
    found = row(tmp_path)
    assert (found["place"], found["facts"]) == ("PMC1.2", {"pmcid": "PMC1", "version": 2})
    assert CloudSource(path=tmp_path).open("PMC1.2").read("f1.jpg") == b"jpg"


def test_a_package_is_the_files_of_its_folder(put: Put, tmp_path: Path) -> None:
    (put("PMC1.1") / "supplement.xml").write_bytes(b"<other/>")
    source: Source = CloudSource(path=tmp_path)
    package = source.open("PMC1.1")
    assert list(package.xmls) == ["PMC1.1.xml"]
    assert [name for name, _ in package.files] == ["PMC1.1.json", "PMC1.1.xml", "f1.jpg", "supplement.xml"]
    assert package.read("PMC1.1.xml") == b"<article>PMC1.1</article>"
    with pytest.raises(Refused, match=r"no 'f2\.jpg' in the folder"):
        package.read("f2.jpg")


def test_bytes_that_are_not_those_of_the_metadata_are_refused(put: Put, tmp_path: Path) -> None:
    (put("PMC1.1") / "f1.jpg").write_bytes(b"jpG")
    package = CloudSource(path=tmp_path).open("PMC1.1")
    assert package.read("PMC1.1.xml")
    with pytest.raises(Refused, match=r"md5 does not match: 'f1\.jpg'"):
        package.read("f1.jpg")


def test_a_file_that_changes_while_it_is_open_is_refused(put: Put, tmp_path: Path) -> None:
    folder = put("PMC1.1", None)
    package = CloudSource(path=tmp_path).open("PMC1.1")
    (folder / "f1.jpg").write_bytes(b"longer than before")
    with pytest.raises(Refused, match="has changed"):
        package.read("f1.jpg")
    (folder / "f1.jpg").unlink()
    with pytest.raises(Refused, match="is gone"):
        package.read("f1.jpg")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "metadata: no JSON"),
        ("[" * 100_000, "metadata: no JSON"),
        ("[]", "metadata: no JSON object"),
        ('{"pmcid": "PMC1", "version": 2}', "metadata: of another article or version"),
        ('{"pmcid": "PMC11", "version": 1}', "metadata: of another article or version"),
        ("{}" + " " * 100, "metadata: more than 90 bytes"),
    ],
    ids=lambda value: value[:20],
)
def test_metadata_that_are_not_its_own_are_listed_and_refused(
    put: Put, tmp_path: Path, text: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloud, "METADATA", 200_000 if len(text) > 1000 else 90)
    (put("PMC1.1") / "PMC1.1.json").write_text(text)
    assert row(tmp_path)["facts"] == {"error": reason}
    with pytest.raises(Refused) as told:
        CloudSource(path=tmp_path).open("PMC1.1")
    assert told.value.message == reason


def test_odd_values_in_metadata_are_told_as_unknown(put: Put, tmp_path: Path) -> None:
    odd = {
        "title": "half \ud83d",
        "doi": ["10.1/x"],
        "license_code": "",
        "is_retracted": "maybe",
        "media_urls": [None, 3],
    }
    put("PMC1.1", odd)
    found = row(tmp_path)["facts"]
    assert (found["title"], found["doi"], found["license"], found["retracted"]) == ("half ?", None, None, None)
    assert CloudSource(path=tmp_path).open("PMC1.1").read("f1.jpg") == b"jpg"


def test_an_unchanged_article_is_not_opened_again(put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put("PMC1.1")
    put("PMC1.2", {"is_pmc_openaccess": False})
    put("PMC2.1", None)
    put("PMC3.1", where="metadata")
    first = CloudSource(path=tmp_path).listing(None)
    seen: list[Path] = []
    real: Callable[..., Any] = Path.open
    monkeypatch.setattr(Path, "open", lambda path, *a, **k: seen.append(path) or real(path, *a, **k))
    assert CloudSource(path=tmp_path).listing(first).equals(first)
    assert seen == []


def test_a_new_version_takes_the_place_of_the_old(put: Put, tmp_path: Path) -> None:
    put("PMC1.1")
    first = CloudSource(path=tmp_path).listing(None)
    put("PMC1.2")
    second = CloudSource(path=tmp_path).listing(first)
    assert second["article"].equals(first["article"])
    assert second["place"].to_pylist() == ["PMC1.2"]
    assert second["digest"] != first["digest"]


def test_changed_metadata_and_added_media_change_the_digest(put: Put, tmp_path: Path) -> None:
    folder = put("PMC1.1")
    first = CloudSource(path=tmp_path).listing(None)
    os.utime(folder / "PMC1.1.json", ns=(1, 1))
    touched = CloudSource(path=tmp_path).listing(first)
    assert touched["digest"] == first["digest"]
    (folder / "f2.jpg").write_bytes(b"new")
    second = CloudSource(path=tmp_path).listing(touched)
    assert second["digest"] != first["digest"]
    text = (folder / "PMC1.1.json").read_text()
    (folder / "PMC1.1.json").write_text(text.replace("CC BY", "CC BY-ND"))
    third = CloudSource(path=tmp_path).listing(second)
    assert third["digest"] != second["digest"]


@pytest.mark.parametrize("place", ["PMC1.2", "..", "PMC1.1/..", "/etc", "metadata"])
def test_what_is_no_version_is_refused(put: Put, tmp_path: Path, place: str) -> None:
    put("PMC1.1", where="metadata")
    with pytest.raises(Refused):
        CloudSource(path=tmp_path).open(place)


def test_links_out_of_the_source_are_left_out(put: Put, tmp_path: Path) -> None:
    folder = put("PMC1.1", None)
    (folder / "f9.jpg").symlink_to("/etc/passwd")
    assert "f9.jpg" not in dict(CloudSource(path=tmp_path).open("PMC1.1").files)


def test_a_source_that_is_not_there_is_an_error_with_a_hint(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(DataError) as told:
            CloudSource(path=path).listing(None)
        assert told.value.hint
    with pytest.raises(DataError) as told:
        CloudSource(path=tmp_path / "none").open("PMC1.1")
    assert not isinstance(told.value, Refused)


def test_a_source_is_made_again_from_its_spec(tmp_path: Path) -> None:
    source = CloudSource(path=tmp_path)
    assert source.spec == {"kind": "cloud", "path": str(tmp_path)}
    assert from_spec(to_spec(source)) == source


@pytest.mark.shared
def test_a_real_metadata_file_is_understood(shared: Path, tmp_path: Path) -> None:
    folder = tmp_path / "PMC12855588.1"
    folder.mkdir()
    data = (shared / "data" / "index" / "pmc_aws_PMC12855588.1.partial.json").read_bytes()
    (folder / "PMC12855588.1.json").write_bytes(data)
    (folder / "PMC12855588.1.xml").write_bytes(b"<article/>")
    found = row(tmp_path)["facts"]
    assert (found["pmid"], found["license"], found["open_access"]) == ("41623473", "CC BY", True)
    with pytest.raises(Refused, match="md5 does not match"):
        CloudSource(path=tmp_path).open("PMC12855588.1").read("PMC12855588.1.xml")
