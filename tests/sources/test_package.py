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
from hypothesis import given
from hypothesis import strategies as st

from roco.base.errors import DataError, RejectedInput
from roco.base.schema import LISTING
from roco.core.source import Source
from roco.core.spec import from_spec, to_spec
from roco.sources.cloud import CloudSource
from roco.sources.oa_file_list import read_index
from roco.sources.package import PackageSource

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
    (tmp_path / "mirror" / "readme.txt").write_bytes(b"no package")
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


def test_each_pmcid_is_listed_once_with_its_place(root: Path) -> None:
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
def test_a_file_that_is_not_a_package_is_rejected(root: Path, place: str) -> None:
    with pytest.raises(RejectedInput):
        PackageSource(path=root).open(place)


def test_the_index_at_the_root_is_read_by_default(root: Path) -> None:
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


def test_the_other_column_names_of_bulk_lists_are_read(tmp_path: Path) -> None:
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


def test_of_two_columns_of_one_name_the_first_counts(tmp_path: Path) -> None:
    path = tmp_path / "oa_file_list.csv"
    path.write_text("File,Accession ID,Accession ID,License,File\na/PMC1.tar.gz,PMC1,other,CC BY,b\n")
    (row,) = read_index(path)
    assert (row.pmcid, row.file, row.facts["license"]) == ("PMC1", "a/PMC1.tar.gz", "CC BY")


def test_a_list_without_header_is_read_by_position(tmp_path: Path) -> None:
    rows = index_of(tmp_path, "x/PMC1.tar.gz,Cell. 2000,PMC1,2019-11-05 11:56:12,7,NO-CC CODE\nshort\n")
    assert [(row.pmcid, row.facts["license"], row.facts["pmid"]) for row in rows] == [("PMC1", "NO-CC CODE", "7")]


def test_the_text_list_with_a_time_and_tabs_is_read(tmp_path: Path) -> None:
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


@pytest.mark.parametrize(
    ("first", "row"),
    [
        (HEADER, "f,c,PMC1,2020-01-01,7,CC0"),
        ("Article File,Article Citation,AccessionID,LastUpdated (YYYY-MM-DD HH:MM:SS),PMID,License,Retracted",
         "f,c,PMC1,2020-01-01,7,CC0,no"),
        ("Key,ETag,Article Citation,AccessionID,Last Updated UTC (YYYY-MM-DD HH:MM:SS),PMID,License,Retracted",
         "f,abc,c,PMC1,2020-01-01,7,CC0,no"),
        ("Article File\tArticle Citation\tAccessionID\tLastUpdated (YYYY-MM-DD HH:MM:SS)\tPMID\tLicense\tRetracted",
         "f\tc\tPMC1\t2020-01-01\t7\tCC0\tno"),
        ("License,PMID,Accession ID,File", "CC0,7,PMC1,f"),
        ("2026-03-01 12:34:56", "f\tc\tPMC1\tPMID:7\tCC0"),
        ("", "f\tc\tPMC1\t2020-01-01 00:00:00\tPMID:7\tCC0\tno"),
        ("", "f,c,PMC1,2020-01-01 00:00:00,7,CC0,no"),
        ("", "f,abc,c,PMC1,2020-01-01 00:00:00,7,CC0,no"),
        ("", "f,c,PMC1,7,CC0"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_all_published_lists_give_the_same_facts(tmp_path: Path, first: str, row: str, end: str) -> None:
    path = tmp_path / "index"
    path.write_bytes("".join(line + end for line in (first, row) if line).encode())
    (found,) = read_index(path)
    assert (found.pmcid, found.file, found.facts["license"], found.facts["pmid"]) == ("PMC1", "f", "CC0", "7")


@pytest.mark.parametrize(
    ("row", "citation", "license"),
    [
        ('f,"Lancet. 2003; 361: 1767, suppl",PMC1,2019,7,CC BY', "Lancet. 2003; 361: 1767, suppl", "CC BY"),
        ('f,"The ""odd"" case, 2",PMC1,2019,7,CC BY', 'The "odd" case, 2', "CC BY"),
        ("f,Lancet. 2003; 361: 1767, suppl, 2,PMC1,2019,7,CC BY", "Lancet. 2003; 361: 1767, suppl, 2", "CC BY"),
        ('f,"Never closed. 2003,PMC1,2019,7,CC BY', "Never closed. 2003", "CC BY"),
        ("f,c, PMC1 ,2019,7, CC BY ", "c", "CC BY"),
        ("f,c,PMC1,2019,7", "c", None),
        ("f,c,PMC1", "c", None),
    ],
)
def test_a_row_with_an_unclosed_quote_is_read_and_affects_no_other_row(
    tmp_path: Path, row: str, citation: str, license: str | None
) -> None:
    found = index_of(tmp_path, f"{HEADER}\n{row}\nf,c,PMC2,2019,8,CC0\n")
    assert [(one.pmcid, one.facts["license"]) for one in found] == [("PMC1", license), ("PMC2", "CC0")]
    assert found[0].facts["citation"] == citation


def test_an_unreadable_row_becomes_a_fact_of_its_article(tmp_path: Path) -> None:
    (found,) = index_of(tmp_path, f"{HEADER}\nPMC1\n")
    assert (found.pmcid, found.facts) == ("PMC1", {"index": "cannot be read: PMC1"})


@given(text=st.text() | st.lists(st.text(st.sampled_from('PMC12,\t"\n ab-'))).map("\n".join).map(f"{HEADER}\n".__add__))
def test_any_text_is_read_as_an_index_or_is_an_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any-index"
    path.write_text(text, encoding="utf-8", errors="replace")
    try:
        assert all(row.pmcid.startswith("PMC") and json.dumps(row.facts) for row in read_index(path))
    except DataError as err:
        assert "is not a list of files" in err.message


@pytest.mark.parametrize("text", ["", "a,b,c\n1,2,3\n", "<html>\n", "a,b,c,d,PMC1\n", f'{HEADER}\n"{"x" * 200_000}\n'])
def test_a_file_that_is_not_an_index_is_an_error_with_a_hint(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError, match="is not a list of files") as told:
        index_of(tmp_path, text)
    assert told.value.hint


def test_a_named_index_that_is_missing_is_an_error(root: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        PackageSource(path=root, index=root / "none.csv").listing(None)


LICENSED = HEADER + "\noa_package/08/e0/PMC2.tar.gz,J,PMC2,2020-01-01 00:00:00,1,CC BY\n"


@pytest.mark.parametrize(
    "place",
    [
        "oa_file_list.csv",
        "oa_package/oa_file_list.csv",
        "oa_package/08/lists/oa_file_list.csv",
        "../oa_file_list.csv",
        "oa_comm.filelist.csv",
        "oa_comm_use_file_list.csv",
        "oa_noncomm_xml.PMC000xxxxxx.baseline.2025-06-26.filelist.csv",
        "OA_FILE_LIST.CSV",
    ],
)
def test_an_index_at_another_depth_or_of_another_name_is_read(root: Path, place: str) -> None:
    path = root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(LICENSED)
    assert facts(PackageSource(path=root).listing(None))["PMC2"]["license"] == "CC BY"


@pytest.mark.parametrize("folder", ["oa_package", "oa_package/08", "oa_package/08/e0"])
def test_the_index_of_a_mirror_is_read_if_only_a_part_of_it_is_the_source(root: Path, folder: str) -> None:
    (root / "oa_file_list.csv").write_text(LICENSED)
    listing = PackageSource(path=root / folder).listing(None)
    assert facts(listing)["PMC2"]["license"] == "CC BY"


def test_the_nearest_index_is_read_alone_and_several_lists_together(root: Path) -> None:
    (root / "oa_comm.filelist.csv").write_text(LICENSED)
    (root / "oa_noncomm.filelist.csv").write_text(LICENSED.replace("PMC2", "PMC10").replace("CC BY", "CC BY-NC"))
    (root / "oa_package" / "oa_file_list.csv").write_text(LICENSED.replace("CC BY", "CC0"))
    (root.parent / "oa_file_list.csv").write_text(LICENSED.replace("CC BY", "CC0"))
    read = facts(PackageSource(path=root).listing(None))
    assert {pmcid: said["license"] for pmcid, said in read.items()} == {"PMC2": "CC BY", "PMC10": "CC BY-NC"}


def test_a_list_without_any_of_the_articles_is_named_as_not_used(root: Path) -> None:
    (root / "oa_file_list.csv").write_text(LICENSED.replace("PMC2", "PMC77"))
    reason = "list of files without any of these articles"
    assert facts(PackageSource(path=root).listing(None))["oa_file_list.csv"] == {"not_read": reason}
    named = PackageSource(path=root / "oa_package", index=root / "oa_file_list.csv")
    assert facts(named.listing(None))["../oa_file_list.csv"] == {"not_read": reason}


def test_a_compressed_index_is_read_and_a_truncated_one_is_an_error(root: Path) -> None:
    path = root / "oa_file_list.csv.gz"
    path.write_bytes(gzip.compress(LICENSED.encode()))
    assert facts(PackageSource(path=root).listing(None))["PMC2"]["license"] == "CC BY"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match=r"oa_file_list\.csv\.gz is truncated"):
        PackageSource(path=root).listing(None)


def test_the_text_list_beside_the_csv_list_is_not_read_as_well(root: Path) -> None:
    (root / "oa_file_list.csv").write_text(LICENSED)
    (root / "oa_file_list.txt").write_text("2026-01-01\nno list of files\n")
    assert facts(PackageSource(path=root).listing(None))["PMC2"]["license"] == "CC BY"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("PMC5.tgz", 'not named PMCn.tar.gz; kind = "folder" reads it'),
        ("oa_package/PMC5.xml.gz", 'not named PMCn.tar.gz; kind = "folder" reads it'),
        ("PMC5.tar.zst", "Zstandard file"),
        ("PMC5.7z", "7z archive"),
    ],
)
def test_other_archives_are_named_as_not_read(root: Path, name: str, reason: str) -> None:
    (root / name).write_bytes(b"anything")
    assert facts(PackageSource(path=root).listing(None)) == {"PMC2": {}, "PMC10": {}, name: {"not_read": reason}}


def test_of_two_packages_the_one_in_the_index_is_used(root: Path) -> None:
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


NEW, OLD = "2021-01-01 00:00:00", "2019-11-05 11:56:12"


@pytest.mark.parametrize(
    ("rows", "license", "retracted"),
    [
        # paths change when articles do: the newest row speaks, wherever it stands
        ([("11/11", NEW, "CC BY", "no"), ("22/22", OLD, "CC BY-ND", "no")], "CC BY", False),
        ([("22/22", OLD, "CC BY-ND", "no"), ("11/11", NEW, "CC BY", "no")], "CC BY", False),
        # the row of the very file is believed before a newer one of another
        ([("08/e0", OLD, "CC BY-ND", "no"), ("11/11", NEW, "CC BY", "no")], "CC BY-ND", False),
        # as new, but of two minds
        ([("11/11", NEW, "CC BY", "no"), ("22/22", NEW, "CC BY-ND", "no")], "CC BY / CC BY-ND", False),
        ([("08/e0", NEW, "CC BY", "no"), ("08/e0", NEW, "CC BY", "no")], "CC BY", False),
        # dates that are none
        ([("11/11", "06-04-20 14:56", "CC BY", "no"), ("22/22", "", "CC0", "no")], "CC0", False),
        # a retraction is one wherever it is told
        ([("08/e0", NEW, "CC BY", "no"), ("22/22", OLD, "CC BY", "yes")], "CC BY", True),
    ],
)
def test_of_two_rows_of_a_pmcid_the_one_with_its_file_counts_then_the_newest(
    root: Path, rows: list[tuple[str, ...]], license: str, retracted: bool
) -> None:
    lines = [f"oa_package/{at}/PMC2.tar.gz,c,PMC2,{date},1,{code},{gone}" for at, date, code, gone in rows]
    (root / "oa_file_list.csv").write_text("\n".join([f"{HEADER},Retracted", *lines]))
    found = facts(PackageSource(path=root).listing(None))["PMC2"]
    assert (found["license"], found["retracted"]) == (license, retracted)


def test_other_packages_of_an_article_are_listed(root: Path) -> None:
    (root / "PMC2.tar.gz").write_bytes((root / "oa_package/08/e0/PMC2.tar.gz").read_bytes())
    listing = PackageSource(path=root).listing(None)
    assert listing["place"][1].as_py() == "oa_package/08/e0/PMC2.tar.gz"
    assert facts(listing)["PMC2"] == {"others": ["PMC2.tar.gz"]}


def test_a_package_that_cannot_be_read_is_a_row_with_the_reason(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = PackageSource(path=root).listing(None)
    (root / "PMC3.tar.gz").symlink_to(root / "PMC3.tar.gz")
    (root / "PMC4.tar.gz").symlink_to(root / "none")
    (root / "oa_package/PMC2.tar.gz").symlink_to(root / "none")
    (root / "loop").symlink_to(root / "loop")

    def guarded(real: Callable[..., Any], name: str) -> Callable[..., Any]:
        def call(path: Any, *rest: Any, **more: Any) -> Any:
            if str(path).endswith(name):
                raise PermissionError(13, "Permission denied", str(path))
            return real(path, *rest, **more)

        return call

    os.utime(root / "oa_package/08/e0/PMC2.tar.gz", ns=(1, 1))
    monkeypatch.setattr(Path, "open", guarded(Path.open, "e0/PMC2.tar.gz"))
    monkeypatch.setattr(os, "scandir", guarded(os.scandir, "b0/ac"))
    denied = "cannot be read: Permission denied"
    told = {
        "PMC2": denied,
        "PMC3": "cannot be read: Too many levels of symbolic links",
        "PMC4": "not a file, or a broken link",
        "oa_package/PMC2.tar.gz": "not a file, or a broken link",
        "oa_package/b0/ac": denied,
    }
    first = PackageSource(path=root).listing(None)
    assert {name: said["error"] for name, said in facts(first).items()} == told
    again = facts(PackageSource(path=root).listing(before))
    assert again.keys() == {*told, "PMC10"} and again["PMC10"] == {}  # known already, and not withdrawn
    for place in ("PMC3.tar.gz", "PMC4.tar.gz", "loop/PMC3.tar.gz"):
        with pytest.raises(RejectedInput):
            PackageSource(path=root).open(place)


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


def test_the_facts_of_the_index_are_part_of_the_digest(root: Path) -> None:
    first = PackageSource(path=root).listing(None)
    (root / "oa_file_list.csv").write_text(f"{HEADER}\noa_package/08/e0/PMC2.tar.gz,c,PMC2,2019,1,CC BY\n")
    second = PackageSource(path=root).listing(first)
    assert second["digest"][0] == first["digest"][0]
    assert second["digest"][1] != first["digest"][1]


def test_a_missing_source_is_an_error_with_a_hint(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(DataError) as told:
            PackageSource(path=path).listing(None)
        assert told.value.hint
    with pytest.raises(DataError) as told:
        PackageSource(path=tmp_path / "none").open("PMC1.tar.gz")
    assert not isinstance(told.value, RejectedInput)


def test_a_source_is_restored_from_its_spec(root: Path) -> None:
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
@pytest.mark.slow
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


def test_a_package_in_a_folder_whose_name_is_not_utf8_is_listed_as_unreadable(tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xe9/PMC1.tar.gz"))
    odd.parent.mkdir()
    odd.write_bytes(package({"PMC1/a.nxml": b"<article/>"}))
    [row] = PackageSource(path=tmp_path).listing(None).to_pylist()
    assert (row["article"], row["place"]) == ("PMC1", r"./\xe9/PMC1.tar.gz")
    assert json.loads(row["facts"]) == {"error": "its name, or that of a folder above it, is not in UTF-8"}
