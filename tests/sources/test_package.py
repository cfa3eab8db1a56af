"""The layout of the paper: what is listed, what the index adds, and that nothing is opened twice."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from roco.core.source import Source
from roco.core.spec import from_spec, to_spec
from roco.errors import DataError, Refused
from roco.schema import LISTING
from roco.sources.cloud import CloudSource
from roco.sources.package import PackageSource, read_index

HEADER = "File,Article Citation,Accession ID,Last Updated (YYYY-MM-DD HH:MM:SS),PMID,License"


def package(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as fh:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            fh.addfile(info, io.BytesIO(data))
    return gzip.compress(out.getvalue(), 1, mtime=0)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for place in ("oa_package/08/e0/PMC2.tar.gz", "oa_package/b0/ac/PMC10.tar.gz"):
        path = tmp_path / "mirror" / place
        path.parent.mkdir(parents=True)
        path.write_bytes(package({f"{path.name[:-7]}/a.nxml": place.encode(), f"{path.name[:-7]}/f.jpg": b"jpg"}))
    (tmp_path / "mirror" / "readme.tar.gz").write_bytes(b"no package")
    return tmp_path / "mirror"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of all files that are opened from now on."""
    seen: list[str] = []
    real: Callable[..., Any] = Path.open
    monkeypatch.setattr(Path, "open", lambda path, *a, **k: seen.append(path.name) or real(path, *a, **k))
    return seen


def facts(listing: pa.Table) -> dict[str, Any]:
    return {r["article"]: json.loads(r["facts"]) for r in listing.to_pylist()}


def index_of(tmp_path: Path, text: str) -> list[Any]:
    path = tmp_path / "index"
    path.write_text(text, encoding="utf-8")
    return list(read_index(path))


def test_each_pmcid_is_listed_once_by_its_place(root: Path) -> None:
    listing = PackageSource(path=root).listing(None)
    assert listing.schema == LISTING
    assert listing["article"].to_pylist() == ["PMC10", "PMC2"]
    assert listing["place"].to_pylist() == ["oa_package/b0/ac/PMC10.tar.gz", "oa_package/08/e0/PMC2.tar.gz"]
    assert listing["facts"].to_pylist() == ["{}", "{}"]


def test_a_package_is_opened_by_its_place(root: Path) -> None:
    source: Source = PackageSource(path=root)
    opened = source.open("oa_package/08/e0/PMC2.tar.gz")
    assert list(opened.xmls) == ["a.nxml"]
    assert opened.read("f.jpg") == b"jpg"
    opened.close()


@pytest.mark.parametrize("place", ["oa_package/PMC9.tar.gz", "readme.tar.gz", "../PMC1.tar.gz", "/etc/passwd", "a\0b"])
def test_what_is_no_package_is_refused(root: Path, place: str) -> None:
    with pytest.raises(Refused):
        PackageSource(path=root).open(place)


def test_the_index_at_the_root_is_read_without_being_named(root: Path) -> None:
    (root / "oa_file_list.csv").write_text(
        f"{HEADER},Retracted\n"
        'oa_package/08/e0/PMC2.tar.gz,"Lancet. 2003 May 24; 361: 1767, suppl",PMC2,2019-11-05 11:56:12,12,CC BY,yes\n'
        "oa_package/00/00/PMC3.tar.gz,elsewhere,PMC3,2019-11-05 11:56:12,13,CC BY,no\n"
    )
    listing = PackageSource(path=root).listing(None)
    assert facts(listing) == {
        "PMC10": {},
        "PMC2": {
            "citation": "Lancet. 2003 May 24; 361: 1767, suppl",
            "license": "CC BY",
            "pmid": "12",
            "retracted": True,
            "updated": "2019-11-05 11:56:12",
        },
    }


def test_a_bulk_list_names_its_columns_otherwise(tmp_path: Path) -> None:
    rows = index_of(
        tmp_path,
        "\ufeffKey,ETag,Article Citation,AccessionID,Last Updated UTC (YYYY-MM-DD HH:MM:SS),PMID,License,Retracted\n"
        "a/PMC1.xml,abc,Cell. 2000,PMC1,2020-01-01 00:00:00,,CC0,no\n",
    )
    assert [tuple(row) for row in rows] == [
        (
            "PMC1",
            "a/PMC1.xml",
            {
                "citation": "Cell. 2000",
                "license": "CC0",
                "pmid": None,
                "retracted": False,
                "updated": "2020-01-01 00:00:00",
            },
        )
    ]


def test_a_list_without_header_is_read_by_position(tmp_path: Path) -> None:
    rows = index_of(tmp_path, "x/PMC1.tar.gz,Cell. 2000,PMC1,2019-11-05 11:56:12,7,NO-CC CODE\nshort\n")
    assert [(row.pmcid, row.facts["license"], row.facts["pmid"]) for row in rows] == [("PMC1", "NO-CC CODE", "7")]


def test_the_text_list_begins_with_a_time_and_has_tabs(tmp_path: Path) -> None:
    rows = index_of(
        tmp_path,
        "2026-03-01 12:34:56\n"
        'x/PMC1.tar.gz\tCell. "2000; 1\tPMC1\tPMID:11056684\tCC BY\n'
        "x/PMC2.tar.gz\tCell. 2001; 1\tPMC2\t\tCC BY-NC\n",
    )
    assert [(row.file, row.facts["pmid"], row.facts["license"]) for row in rows] == [
        ("x/PMC1.tar.gz", "11056684", "CC BY"),
        ("x/PMC2.tar.gz", None, "CC BY-NC"),
    ]
    assert "retracted" not in rows[0].facts


@pytest.mark.parametrize("text", ["", "a,b,c\n1,2,3\n", "<html>\n", f'{HEADER}\n"{"x" * 200_000}\n'])
def test_what_is_no_index_is_an_error_with_a_hint(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError, match="is no table of files") as told:
        index_of(tmp_path, text)
    assert told.value.hint


def test_a_named_index_that_is_missing_is_an_error(root: Path) -> None:
    with pytest.raises(DataError, match="is not there"):
        PackageSource(path=root, index=root / "none.csv").listing(None)


def test_of_two_packages_the_one_that_the_index_names_is_taken(root: Path) -> None:
    data = (root / "oa_package/08/e0/PMC2.tar.gz").read_bytes()
    (root / "oa_package/b0/ac/PMC2.tar.gz").write_bytes(data)
    assert PackageSource(path=root).listing(None)["place"][1].as_py() == "oa_package/b0/ac/PMC2.tar.gz"
    (root / "oa_file_list.csv").write_text(
        f"{HEADER}\noa_package/08/e0/PMC2.tar.gz,c,PMC2,2019,1,CC BY\noa_package/11/11/PMC2.tar.gz,c,PMC2,2019,1,CC0\n"
    )
    listing = PackageSource(path=root).listing(None)
    assert listing["place"][1].as_py() == "oa_package/08/e0/PMC2.tar.gz"
    assert facts(listing)["PMC2"]["license"] == "CC BY"
    below = PackageSource(path=root / "oa_package", index=root / "oa_file_list.csv").listing(None)
    assert below["place"][1].as_py() == "08/e0/PMC2.tar.gz"


def test_an_unchanged_package_is_not_opened_again(root: Path, opened: list[str]) -> None:
    first = PackageSource(path=root).listing(None)
    assert sorted(opened) == ["PMC10.tar.gz", "PMC2.tar.gz"]
    opened.clear()
    assert PackageSource(path=root).listing(first).equals(first)
    assert opened == []


def test_a_touched_package_keeps_its_digest_and_a_changed_one_does_not(root: Path, opened: list[str]) -> None:
    first = PackageSource(path=root).listing(None)
    opened.clear()
    path = root / "oa_package/08/e0/PMC2.tar.gz"
    os.utime(path, ns=(1, 1))
    second = PackageSource(path=root).listing(first)
    assert opened == ["PMC2.tar.gz"]
    assert second["digest"].equals(first["digest"])
    path.write_bytes(package({"PMC2/a.nxml": b"another"}))
    third = PackageSource(path=root).listing(second)
    assert third["digest"][0] == first["digest"][0]
    assert third["digest"][1] != first["digest"][1]


def test_what_the_index_says_is_in_the_digest(root: Path) -> None:
    first = PackageSource(path=root).listing(None)
    (root / "oa_file_list.csv").write_text(f"{HEADER}\noa_package/08/e0/PMC2.tar.gz,c,PMC2,2019,1,CC BY\n")
    second = PackageSource(path=root).listing(first)
    assert second["digest"][0] == first["digest"][0]
    assert second["digest"][1] != first["digest"][1]


def test_a_source_that_is_not_there_is_an_error_with_a_hint(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(DataError) as told:
            PackageSource(path=path).listing(None)
        assert told.value.hint
    with pytest.raises(DataError) as told:
        PackageSource(path=tmp_path / "none").open("PMC1.tar.gz")
    assert not isinstance(told.value, Refused)


def test_a_source_is_made_again_from_its_spec(root: Path) -> None:
    source = PackageSource(path=root, index=root / "list.csv")
    assert source.spec == {"kind": "package", "path": str(root), "index": str(root / "list.csv")}
    assert from_spec(to_spec(source)) == source


@pytest.mark.shared
def test_real_index_samples_are_read(shared: Path) -> None:
    index = shared / "data" / "index"
    bare = list(read_index(index / "oa_file_list_sample_geralddzx.csv"))
    headed = list(read_index(index / "oa_file_list_sample_seanBr97.csv"))
    assert (len(bare), len(headed)) == (7, 4)
    assert {row.facts["license"] for row in bare + headed} == {"NO-CC CODE"}
    assert headed[0].facts["updated"] == "06-04-20 14:56"


@pytest.mark.shared
def test_both_layouts_of_the_same_articles_give_the_same_images(composed: Path) -> None:
    packages, cloud = PackageSource(path=composed / "package"), CloudSource(path=composed / "cloud")
    ours, theirs = packages.listing(None), cloud.listing(None)
    assert ours["article"].equals(theirs["article"])
    assert len(ours) == 120
    compared = 0
    for here, there in zip(ours.to_pylist(), theirs.to_pylist(), strict=True):
        with packages.open(here["place"]) as package:
            folder = cloud.open(there["place"])
            (nxml,), (xml,) = package.xmls, folder.xmls
            assert package.read(nxml) == folder.read(xml)
            images = [name for name, _ in folder.files if name.endswith(".jpg")]
            # The bucket has no media of articles without a licence.
            assert images == ([name for name, _ in package.files if name.endswith(".jpg")] if images else [])
            assert [folder.read(name) for name in images] == [package.read(name) for name in images]
            compared += len(images)
    assert compared > 200
