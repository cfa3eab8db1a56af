"""Folders of one's own: which files belong to an article, and what is left alone."""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import json
import lzma
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roco.base.errors import DataError, RejectedInput
from roco.base.schema import LISTING
from roco.core.source import Source
from roco.core.spec import from_spec, to_spec
from roco.sources import folder, loose
from roco.sources.archives import archive
from roco.sources.archives.reader import Limits
from roco.sources.folder import FolderSource


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {
        "one/a.xml": b"<article/>",
        "one/f1.jpg": b"1",
        "one/figures/f2.png": b"22",
        "one/figures/large/f3.tif": b"333",
        "one/next/b.nxml": b"<article/>",
        "one/next/f4.jpg": b"4",
        "one/next/deep/f5.jpg": b"5",
        "manuscript.xml/manuscript.xml": b"<article/>",
        "notes.txt": b"",
    }
    for name, data in files.items():
        (tmp_path / "root" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / name).write_bytes(data)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as fh:
        for name in ("p/1.xml", "p/2.xml", "p/1.tif"):
            fh.writestr(name, name)
    (tmp_path / "root" / "sent.ZIP").write_bytes(out.getvalue())
    return tmp_path / "root"


def test_every_xml_file_and_every_archive_is_an_article_named_by_its_path(root: Path) -> None:
    listing = FolderSource(path=root).listing(None)
    assert listing.schema == LISTING
    expected = ["manuscript.xml/manuscript.xml", "one/a.xml", "one/next/b.nxml", "sent.ZIP"]
    assert listing["article"].to_pylist() == listing["place"].to_pylist() == expected
    assert set(listing["facts"].to_pylist()) == {"{}"}


def test_a_package_has_the_files_next_to_its_xml_but_not_those_of_another_article(root: Path) -> None:
    source: Source = FolderSource(path=root)
    package = source.open("one/a.xml")
    assert list(package.xmls) == ["a.xml"]
    assert list(package.files) == [("a.xml", 10), ("f1.jpg", 1), ("figures/f2.png", 2), ("figures/large/f3.tif", 3)]
    assert package.read("figures/large/f3.tif") == b"333"
    for name in ("f2.png", "next/f4.jpg", "../notes.txt"):
        with pytest.raises(RejectedInput):
            package.read(name)


def test_one_xml_of_several_in_a_folder_is_one_article(root: Path) -> None:
    (root / "one/c.jats").write_bytes(b"<article/>")
    assert FolderSource(path=root).open("one/c.jats").xmls == ["c.jats"]


def test_an_archive_can_contain_several_articles(root: Path) -> None:
    with FolderSource(path=root).open("sent.ZIP") as package:  # type: ignore[union-attr]
        assert package.xmls == ["1.xml", "2.xml"]
        assert package.read("1.tif") == b"p/1.tif"


def reasons(root: Path, known: Any = None) -> dict[str, str | None]:
    """What the listing says of each article: why it cannot be read, None for those that can."""
    rows = FolderSource(path=root).listing(known).to_pylist()
    return {row["article"]: json.loads(row["facts"]).get("error") for row in rows}


def test_links_that_lead_out_of_the_source_are_listed_but_not_followed(root: Path, tmp_path: Path) -> None:
    good = reasons(root)
    (tmp_path / "secret.xml").write_bytes(b"<secret/>")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "c.xml").write_bytes(b"<c/>")
    links = {
        "one/secret.xml": tmp_path / "secret.xml",
        "one/gone.xml": root / "none.xml",
        "one/itself.zip": root / "one/itself.zip",
        "one/loop": root / "one/loop",
        "one/f9.jpg": root / "one/f9.jpg",
        "one/elsewhere": tmp_path / "elsewhere",
        "one/again": root / "one",
    }
    for name, target in links.items():
        (root / name).symlink_to(target)
    os.mkfifo(root / "one/pipe.xml")
    (root / "one/._a.xml").write_bytes(b"Mac")
    (root / "one/f1b.jpg").symlink_to(root / "one/f1.jpg")
    assert reasons(root) == good | {
        "one/secret.xml": "the link points outside of the source",
        "one/gone.xml": "not a file, or a broken link",
        "one/itself.zip": "cannot be read: Too many levels of symbolic links",
        "one/pipe.xml": "not a file, or a broken link",
    }
    source = FolderSource(path=root)
    assert source.open("one/a.xml").read("f1b.jpg") == b"1"
    for place in (*links, "one/pipe.xml", "one/elsewhere/c.xml", "one/loop/a.xml", "../secret.xml", "/etc/passwd"):
        with pytest.raises(RejectedInput):
            source.open(place)


@pytest.fixture
def deny(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets reading what ends in a name fail, as the rights of a file or a disk make it fail."""

    def refuse(name: str, number: int = errno.EACCES) -> None:
        def guarded(real: Callable[..., Any]) -> Callable[..., Any]:
            def call(path: Any, *rest: Any, **more: Any) -> Any:
                if str(path).endswith(name):
                    raise OSError(number, os.strerror(number), str(path))
                return real(path, *rest, **more)

            return call

        monkeypatch.setattr(os, "scandir", guarded(os.scandir))
        monkeypatch.setattr(Path, "open", guarded(Path.open))
        monkeypatch.setattr(archive, "BoundedFile", guarded(archive.BoundedFile))

    return refuse


@pytest.mark.parametrize("name", ["one/a.xml", "sent.ZIP"])
def test_a_file_that_cannot_be_read_is_a_row_with_the_reason(root: Path, name: str, deny: Callable[..., None]) -> None:
    before = FolderSource(path=root).listing(None)
    good = reasons(root)
    os.utime(root / name, ns=(1, 1))
    deny(name)
    assert reasons(root, before) == good | {name: "cannot be read: Permission denied"}
    shut = FolderSource(path=root).listing(before)
    assert FolderSource(path=root).listing(shut).equals(shut)
    with pytest.raises(RejectedInput, match="cannot be read: Permission denied"):
        FolderSource(path=root).open(name).read("a.xml")


def test_an_unreadable_file_is_read_again_by_the_next_listing(root: Path) -> None:
    (root / "gone.xml").symlink_to(root / "none.xml")
    first = FolderSource(path=root).listing(None)
    (root / "none.xml").write_bytes(b"<article/>")
    assert reasons(root, first)["gone.xml"] is None


def test_an_unreadable_folder_is_a_row_and_its_articles_remain_listed(root: Path, deny: Callable[..., None]) -> None:
    good = reasons(root)
    before = FolderSource(path=root).listing(None)
    deny("one/next")
    reason = {"one/next": "cannot be read: Permission denied"}
    assert reasons(root, before) == good | reason
    assert reasons(root) == {k: v for k, v in good.items() if k != "one/next/b.nxml"} | reason
    with pytest.raises(RejectedInput, match="cannot be read: Permission denied"):
        FolderSource(path=root).open("one/next")
    deny("one/figures")
    assert dict(FolderSource(path=root).open("one/a.xml").files) == {"a.xml": 10, "f1.jpg": 1}


@pytest.mark.parametrize("name", ["one/next", "one/a.xml"])
def test_a_failing_disk_stops_the_listing(root: Path, name: str, deny: Callable[..., None]) -> None:
    deny(name, errno.EIO)
    with pytest.raises(DataError, match=r"cannot list the source .*: Input/output error"):
        FolderSource(path=root).listing(None)


def test_files_with_unusual_names_are_articles(root: Path) -> None:
    names = ["tab\t.xml", "line\n.xml", "\x1b[31mred.XML", "a'b\"c.xml", "ünï.xml"]
    for name in names:
        (root / name).write_bytes(b"<article/>")
    assert set(names) <= set(reasons(root))
    assert FolderSource(path=root).open(names[2]).xmls == [names[2]]


XML = b"<article><body/></article>"


@pytest.mark.parametrize(
    ("name", "compress"),
    [
        ("b.xml.gz", gzip.compress),
        ("b.NXML.GZ", gzip.compress),
        ("b.jats.bz2", bz2.compress),
        ("b.xml.xz", lzma.compress),
    ],
)
def test_a_compressed_xml_is_an_article_with_the_images_beside_it(
    root: Path, name: str, compress: Callable[[bytes], bytes]
) -> None:
    (root / "one" / name).write_bytes(compress(XML))
    assert f"one/{name}" in reasons(root)
    package = FolderSource(path=root).open(f"one/{name}")
    assert package.xmls == [name]
    assert package.read(name) == XML
    assert package.read("f1.jpg") == b"1"


def test_a_folder_with_a_compressed_xml_is_another_article(root: Path) -> None:
    (root / "one/figures/c.xml.gz").write_bytes(gzip.compress(XML))
    assert dict(FolderSource(path=root).open("one/a.xml").files).keys() == {"a.xml", "f1.jpg"}


def test_a_packing_list_beside_images_does_not_make_their_folder_another_article(root: Path) -> None:
    (root / "one/figures/manifest.xml").write_bytes(b"<manifest/>")
    assert FolderSource(path=root).open("one/a.xml").read("figures/f2.png") == b"22"


@pytest.mark.parametrize("name", ["p.tar", "p.tgz", "p.tar.bz2", "P.TBZ2", "p.tar.xz", "p.txz"])
def test_tars_of_every_compression_are_packages(root: Path, name: str) -> None:
    out = io.BytesIO()
    mode = {"tar": "w", "tgz": "w:gz", "bz2": "w:bz2", "tbz2": "w:bz2", "xz": "w:xz", "txz": "w:xz"}
    with tarfile.open(fileobj=out, mode=mode[name.lower().rpartition(".")[2]]) as fh:  # type: ignore[call-overload]
        for member, data in {"p/a.xml": XML, "p/f1.jpg": b"1", "p/b.xml.gz": gzip.compress(XML)}.items():
            info = tarfile.TarInfo(member)
            info.size = len(data)
            fh.addfile(info, io.BytesIO(data))
    (root / name).write_bytes(out.getvalue())
    assert reasons(root)[name] is None
    with FolderSource(path=root).open(name) as package:  # type: ignore[union-attr]
        assert package.xmls == ["a.xml", "b.xml.gz"]
        assert [package.read(member) for member in ("a.xml", "b.xml.gz", "f1.jpg")] == [XML, XML, b"1"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("b.rar", "RAR archive"),
        ("b.7Z", "7z archive"),
        ("b.tar.zst", "Zstandard file"),
        ("b.xml.zst", "Zstandard file"),
        ("b.tar.Z", "compress file"),
        ("b.gz", "gzip file of unknown content"),
        ("b.zip.001", "volume of an archive"),
        ("oa_file_list.csv", 'list of files, which kind = "package" reads'),
        ("table.csv.gz", None),
        ("table.zip.txt", None),
        ("v1.2", None),
    ],
)
def test_what_may_be_an_article_but_is_not_read_is_listed_with_its_format(
    root: Path, name: str, reason: str | None
) -> None:
    (root / "one" / name).write_bytes(b"anything")
    listed = {row["article"]: json.loads(row["facts"]) for row in FolderSource(path=root).listing(None).to_pylist()}
    assert listed.get(f"one/{name}") == (None if reason is None else {"not_read": reason})
    if reason:
        with pytest.raises(RejectedInput, match="not read: "):
            FolderSource(path=root).open(f"one/{name}")


def test_a_compressed_xml_that_is_corrupt_or_too_large_is_rejected(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = root / "one/b.xml.gz"
    path.write_bytes(gzip.compress(XML)[:-3])
    with pytest.raises(RejectedInput, match="gzip: the file is truncated"):
        FolderSource(path=root).open("one/b.xml.gz").read("b.xml.gz")
    path.write_bytes(gzip.compress(bytes(90_000)))
    monkeypatch.setattr(loose, "STANDARD", Limits(xml=80_000))
    with pytest.raises(RejectedInput, match=r"XML 'b\.xml\.gz' is too large: more than 80000 bytes"):
        FolderSource(path=root).open("one/b.xml.gz").read("b.xml.gz")


def test_a_very_large_xml_file_is_rejected(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "STANDARD", Limits(xml=9, member=2))
    with pytest.raises(RejectedInput, match=r"XML 'a\.xml' is too large: 10 bytes"):
        FolderSource(path=root).open("one/a.xml")
    for module in (folder, loose):
        monkeypatch.setattr(module, "STANDARD", Limits(member=2))
    with pytest.raises(RejectedInput, match=r"'figures/large/f3\.tif' is too large: 3 bytes"):
        FolderSource(path=root).open("one/a.xml").read("figures/large/f3.tif")


@pytest.mark.parametrize("name", [b"one/\xe9.xml", b"one/\xe9.tar.gz", b"\xe9/a.zip", b"\xe9.rar"])
def test_a_file_whose_name_is_not_utf8_is_listed_as_unreadable_beside_one_with_that_name(
    root: Path, name: bytes
) -> None:
    escaped = name.decode(errors="backslashreplace")
    for path in (os.fsdecode(name), escaped):
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_bytes(b"<article/>")
    rows = {row["article"]: row for row in FolderSource(path=root).listing(None).to_pylist()}
    assert rows[escaped]["place"] == escaped
    assert rows[f"./{escaped}"]["place"] == f"./{escaped}"
    facts = json.loads(rows[f"./{escaped}"]["facts"])
    why = "its name, or that of a folder above it, is not in UTF-8"
    assert facts in ({"error": why}, {"not_read": "RAR archive"})
    assert json.loads(rows[escaped]["facts"]) != {"error": why}


def test_an_image_whose_name_is_not_utf8_is_read(root: Path) -> None:
    Path(os.fsdecode(os.fsencode(root) + b"/one/\xe9.jpg")).write_bytes(b"odd")
    assert FolderSource(path=root).open("one/a.xml").read(r"\xe9.jpg") == b"odd"


def test_unchanged_articles_are_not_opened_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = FolderSource(path=root).listing(None)
    seen: list[Path] = []
    real: Callable[..., Any] = Path.open
    monkeypatch.setattr(Path, "open", lambda path, *a, **k: seen.append(path) or real(path, *a, **k))
    assert FolderSource(path=root).listing(first).equals(first)
    assert seen == []


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("one/a.xml", ["one/a.xml"]),
        ("one/figures/f2.png", ["one/a.xml"]),
        ("one/next/deep/f9.jpg", ["one/next/b.nxml"]),
        ("sent.ZIP", ["sent.ZIP"]),
        ("notes.txt", []),
    ],
)
def test_only_a_changed_article_gets_another_digest(root: Path, name: str, changed: list[str]) -> None:
    first = FolderSource(path=root).listing(None)
    path = root / name
    path.write_bytes((path.read_bytes() if path.exists() else b"") + b" more")
    second = FolderSource(path=root).listing(first)
    pairs = zip(first.to_pylist(), second.to_pylist(), strict=True)
    assert [a["article"] for a, b in pairs if a["digest"] != b["digest"]] == changed


def test_a_touched_article_keeps_its_digest(root: Path) -> None:
    first = FolderSource(path=root).listing(None)
    for place in first["place"].to_pylist():
        os.utime(root / place, ns=(1, 1))
    second = FolderSource(path=root).listing(first)
    assert second["digest"].equals(first["digest"])
    assert not second["stamp"].equals(first["stamp"])


def test_a_missing_source_is_an_error_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "none", tmp_path, tmp_path / "file"):
        with pytest.raises(DataError) as told:
            FolderSource(path=path).listing(None)
        assert told.value.hint
    with pytest.raises(DataError) as told:
        FolderSource(path=tmp_path / "none").open("a.xml")
    assert not isinstance(told.value, RejectedInput)


def test_a_source_that_cannot_be_read_at_all_is_an_error(root: Path, deny: Callable[..., None]) -> None:
    deny("root")
    with pytest.raises(DataError, match="cannot be read: Permission denied") as told:
        FolderSource(path=root).listing(None)
    assert told.value.hint


def test_a_source_is_restored_from_its_spec(root: Path) -> None:
    source = FolderSource(path=root)
    assert source.spec == {"kind": "folder", "path": str(root)}
    assert from_spec(to_spec(source)) == source


@pytest.mark.shared
def test_all_real_articles_open_and_nothing_is_written(shared: Path) -> None:
    root = shared / "data" / "articles"
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    source = FolderSource(path=root)
    listing = source.listing(None)
    for place in listing["place"].to_pylist():
        package = source.open(place)
        assert all(len(package.read(name)) == size for name, size in package.files)
        assert len(package.xmls) == 1
        package.close()
    assert len(listing) == sum(p.is_file() and p.suffix in (".xml", ".nxml", ".jats") for p in before)
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


@pytest.mark.shared
def test_an_article_is_the_same_in_a_zip_and_in_a_folder(shared: Path, tmp_path: Path) -> None:
    path = shared / "data" / "packages_zip" / "scielo_1414-431X_documentstore.zip"
    shutil.copy(path, tmp_path / "sent.zip")
    with zipfile.ZipFile(path) as fh:
        for name in fh.namelist():
            (tmp_path / name).write_bytes(fh.read(name))
    source = FolderSource(path=tmp_path)
    (xml,) = tmp_path.glob("*.xml")
    zipped, loose = source.open("sent.zip"), source.open(xml.name)
    assert [f for f in loose.files if f[0] != "sent.zip"] == list(zipped.files)
    read = [name for name, _ in zipped.files if not name.endswith(".pdf")]
    assert len(read) == 5 and all(loose.read(name) == zipped.read(name) for name in read)
    zipped.close()


def test_a_meca_package_is_read_as_the_zip_that_it_is(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.MECA", "w") as fh:
        fh.writestr("content/a.xml", XML)
    assert FolderSource(path=tmp_path).listing(None)["article"].to_pylist() == ["a.MECA"]
    package = FolderSource(path=tmp_path).open("a.MECA")
    assert [name for name, _ in package.files] == list(package.xmls)
