"""Archives from outside, honest and hostile: each is read whole or refused, and nothing is written anywhere."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import os
import random
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.base.errors import DataError, RejectedInput
from roco.base.formats import IMAGE_EXTENSIONS
from roco.sources.archives import archive as archive_module
from roco.sources.archives import tar_file
from roco.sources.archives.reader import Archive, Limits, article_xmls, open_archive, open_tar_gz, open_zip
from tests.attacks.packing import END, body, extension, head, packed, pax, tar, zipped

FILES = {"PMC1/a.nxml": b"<article/>", "PMC1/f1.jpg": b"\xff\xd8" * 700, "PMC1/f1.gif": b"GIF89a"}
PLAIN = {name.removeprefix("PMC1/"): data for name, data in FILES.items()}

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def put(data: bytes, name: str = "a.tar.gz") -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return put


def content(archive: Archive) -> dict[str, bytes]:
    with archive:
        return {name: archive.read(name) for name, _ in archive.files}


def refusal(path: Path, limits: Limits | None = None) -> str:
    with pytest.raises(RejectedInput) as told:
        (open_zip if path.suffix == ".zip" else open_tar_gz)(path, limits or Limits())
    assert "\n" not in told.value.message
    return told.value.message


# --- what must be read


COMPRESS = {"tar": bytes, "tar.gz": packed, "tar.bz2": bz2.compress, "tar.xz": lzma.compress}


@pytest.mark.parametrize("extension", COMPRESS)
def test_a_tar_of_every_compression_is_read(write: Write, extension: str) -> None:
    assert content(open_archive(write(COMPRESS[extension](tar(FILES)), f"a.{extension}"))) == PLAIN


@pytest.mark.parametrize("extension", COMPRESS)
def test_a_tar_of_every_compression_is_rejected_wherever_it_is_truncated(write: Write, extension: str) -> None:
    data = COMPRESS[extension](tar(FILES, tarfile.USTAR_FORMAT).rstrip(b"\0") + bytes(512 * 3))
    for size in range(0, len(data) - 1100 * (extension == "tar"), 23):
        with pytest.raises(RejectedInput):
            open_archive(write(data[:size], f"a.{extension}"))


@pytest.mark.parametrize("extension", ["tar.bz2", "tar.xz"])
def test_a_flipped_bit_in_other_compressions_is_rejected_or_has_no_effect(write: Write, extension: str) -> None:
    data = COMPRESS[extension](tar(FILES))
    for at in range(0, len(data), 3):
        flipped = bytearray(data)
        flipped[at] ^= 1 << at % 8
        with contextlib.suppress(RejectedInput):
            assert content(open_archive(write(bytes(flipped), f"a.{extension}"))) == PLAIN


def test_streams_of_parallel_compressors_are_read_as_one(write: Write) -> None:
    data = tar(FILES)
    for end, padding in (("tar.bz2", b""), ("tar.xz", bytes(8))):
        pieces = (COMPRESS[end](data[start : start + 999]) for start in range(0, len(data), 999))
        assert content(open_archive(write(padding.join(pieces), f"a.{end}"))) == PLAIN


def test_a_file_of_another_name_is_no_archive(write: Write) -> None:
    with pytest.raises(RejectedInput, match=r"'a\.rar' is not an archive that is read"):
        open_archive(write(b"", "a.rar"))


def test_a_compressed_xml_in_an_archive_is_inflated_within_its_limit(write: Write) -> None:
    xml = b"<article/>" * 9000
    for data, name in (
        (packed(tar({"a/a.xml.gz": packed(xml)})), "a.tar.gz"),
        (zipped({"a.xml.gz": packed(xml)}), "a.zip"),
    ):
        path = write(data, name)
        with open_archive(path) as archive:
            assert archive.xmls == ["a.xml.gz"]
            assert archive.read("a.xml.gz") == xml
        with open_archive(path, Limits(xml=80_000)) as archive, pytest.raises(RejectedInput, match="is too large"):
            archive.read("a.xml.gz")


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_package_is_read_in_every_format_of_tar(write: Write, form: int) -> None:
    files = {**FILES, "PMC1/" + "long/" * 20 + "x" * 90 + ".jpg": b"long"}
    read = content(open_tar_gz(write(packed(tar(files, form)))))
    assert read == {name.removeprefix("PMC1/"): data for name, data in files.items()}


def test_files_are_listed_in_order_with_their_size(write: Write) -> None:
    with open_tar_gz(write(packed(tar(FILES)))) as archive:
        assert archive.files == [("a.nxml", 10), ("f1.gif", 6), ("f1.jpg", 1400)]
        assert archive.xmls == ["a.nxml"]


def test_a_top_folder_is_kept_unless_all_members_share_it(write: Write) -> None:
    files = {"PMC1/a.nxml": b"1", "b.jpg": b"2"}
    assert content(open_tar_gz(write(packed(tar(files))))) == files


def test_a_dot_before_the_top_folder_is_removed(write: Write) -> None:
    files = {f"./{name}": data for name, data in FILES.items()}
    assert content(open_tar_gz(write(packed(tar(files))))) == PLAIN


def test_other_xml_files_are_not_articles_beside_an_nxml_file(write: Write) -> None:
    assert article_xmls(["s1.xml", "main.NXML"]) == ["main.NXML"]
    assert article_xmls(["s1.XML", "b.jats", "c.txt", "xml"]) == ["b.jats", "s1.XML"]


def test_a_large_archive_is_spooled_to_the_disk(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar_file, "SPOOL", 100)
    assert content(open_tar_gz(write(packed(tar(FILES))))) == PLAIN


def test_a_full_disk_is_not_an_error_of_the_archive(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(tar_file.tempfile, "SpooledTemporaryFile", lambda max_size: Full())
    with pytest.raises(DataError, match="no space left") as told:
        open_tar_gz(write(packed(tar(FILES))))
    assert not isinstance(told.value, RejectedInput)


def test_a_member_inflated_in_several_pieces_is_complete(write: Write) -> None:
    data = random.Random(1).randbytes(700_001)
    assert content(open_tar_gz(write(packed(tar({"a/b.jpg": data, "a/c.gif": b"c"}))))) == {
        "b.jpg": data,
        "c.gif": b"c",
    }


def test_zeros_after_the_archive_are_accepted_as_padding(write: Write) -> None:
    assert content(open_tar_gz(write(packed(tar(FILES) + bytes(99_999))))) == PLAIN
    assert content(open_tar_gz(write(packed(tar(FILES)) + bytes(5000)))) == PLAIN


def test_an_archive_of_zeros_has_no_member(write: Write) -> None:
    assert content(open_tar_gz(write(packed(END)))) == {}


def test_a_name_that_is_not_utf8_becomes_valid_text(write: Write) -> None:
    read = content(open_tar_gz(write(packed(head(b"fig-\xe9.jpg", 1) + body(b"x") + END))))
    assert read == {"fig-é.jpg": b"x"}


def test_an_extended_header_gives_the_name_and_size_of_its_member(write: Write) -> None:
    told = pax(path="a/ü.jpg", size="3")
    data = extension(b"x", told) + head(b"short", 0) + body(b"abc") + END
    assert content(open_tar_gz(write(packed(data)))) == {"ü.jpg": b"abc"}


def test_a_global_comment_is_skipped(write: Write) -> None:
    told = pax(comment="8b1a9953c4611296a827abf8c47804d7")
    assert content(open_tar_gz(write(packed(extension(b"g", told) + tar(FILES))))) == PLAIN


def test_a_size_in_base_256_is_read(write: Write) -> None:
    data = head(b"a.jpg", b"\x80" + bytes(10) + b"\x03") + body(b"abc") + END
    assert content(open_tar_gz(write(packed(data)))) == {"a.jpg": b"abc"}


def test_a_file_that_is_neither_article_nor_image_is_listed_but_not_readable(write: Write) -> None:
    files = {"a.nxml": b"1", "main.pdf": b"22", "f1.JPG": b"333", "s1.zip": b"4444", "f2.jp2": b"55555"}
    for data, opened in ((packed(tar(files)), open_tar_gz), (zipped(files), open_zip)):
        with opened(write(data)) as archive:
            assert dict(archive.files) == {name: len(data) for name, data in files.items()}
            assert {n: archive.read(n) for n in ("a.nxml", "f1.JPG", "f2.jp2")} == {
                n: files[n] for n in ("a.nxml", "f1.JPG", "f2.jp2")
            }
            with pytest.raises(RejectedInput, match=r"'main\.pdf' is neither an article nor an image"):
                archive.read("main.pdf")


@pytest.mark.parametrize("extension", IMAGE_EXTENSIONS)
def test_every_image_that_an_article_can_refer_to_is_readable(write: Write, extension: str) -> None:
    with open_tar_gz(write(packed(tar({"a.nxml": b"<article/>", f"f.{extension}": b"pixels"})))) as archive:
        assert archive.read(f"f.{extension}") == b"pixels"


def test_an_unknown_name_is_rejected(write: Write) -> None:
    with open_tar_gz(write(packed(tar(FILES)))) as archive, pytest.raises(RejectedInput, match=r"no '\.\./a\.nxml'"):
        archive.read("../a.nxml")


def test_an_xml_file_above_the_limit_is_rejected_when_it_is_read(write: Write) -> None:
    with open_tar_gz(write(packed(tar(FILES))), Limits(xml=9)) as archive:
        assert archive.read("f1.jpg")
        with pytest.raises(RejectedInput, match=r"XML 'a\.nxml' is too large"):
            archive.read("a.nxml")


# --- spoilt gzip


def test_a_flipped_bit_is_rejected_or_has_no_effect(write: Write) -> None:
    whole, silent = packed(tar(FILES)), 0
    for bit in range(len(whole) * 8):
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        try:
            assert content(open_tar_gz(write(data))) == PLAIN, f"bit {bit}"
            silent += 1
        except RejectedInput:
            continue
    assert silent < 80  # time, system and name in the gzip header say nothing of the content


def test_an_archive_truncated_anywhere_is_rejected(write: Write) -> None:
    whole = packed(tar(FILES))
    for size in range(1, len(whole)):
        assert refusal(write(whole[:size])) in ("gzip: the file is truncated", "gzip: not a gzip file")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"<!DOCTYPE html><html>404</html>", "gzip: not a gzip file"),
        (tar(FILES), "gzip: not a gzip file"),
        (bz2.compress(tar(FILES)), "gzip: not a gzip file"),
        (packed(b""), "the archive is truncated"),
        (packed(random.Random(2).randbytes(5000)), "a header's "),
        (packed(tar(FILES)) + b"junk", "gzip: data after the end"),
        (packed(tar(FILES)) + bytes(500_000) + b"junk", "gzip: data after the end"),
        (packed(tar(FILES)) * 2, "gzip: data after the end"),
        (packed(tar(FILES) + tar(FILES)), "data after the end of the archive"),
        (packed(tar(FILES))[:-8] + bytes(8), "gzip: CRC does not match"),
        (packed(tar(FILES))[:-4] + bytes(4), "gzip: CRC does not match"),
    ],
    ids=lambda value: value if isinstance(value, str) else len(value),
)
def test_a_file_that_is_not_a_complete_tar_gz_is_rejected_with_the_reason(
    write: Write, data: bytes, reason: str
) -> None:
    assert refusal(write(data)).startswith(reason)


def test_a_missing_file_and_a_folder_are_rejected(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.tar.gz") == "the file is missing"
    assert refusal(tmp_path) == "not a regular file"


# --- spoilt tar with a right CRC


def test_an_archive_with_a_corrupt_header_in_the_middle_is_not_read_as_a_shorter_one(write: Write) -> None:
    data = bytearray(tar(FILES))
    data[1024 + 5] ^= 1
    assert refusal(write(packed(data))) == "a header's checksum does not match"


@pytest.mark.parametrize("size", [512, 1024, 1100, 3584])
def test_an_archive_truncated_before_compression_is_rejected(write: Write, size: int) -> None:
    assert refusal(write(packed(tar(FILES)[:size]))) == "the archive is truncated"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (head(size=b"\xff" * 12), "a header has a negative size"),
        (head(size=b"-0000000001\0"), "a header's number is malformed"),
        (head(size=b"9" * 12), "a header's number is malformed"),
        (head(size=300 << 20), "'PMC1/x.jpg' is too large: 314572800 bytes"),
        (head(size=b"\x80" + b"\x7f" * 11), "'PMC1/x.jpg' is too large"),
        (head(kind=b"5", size=600), "'PMC1/x.jpg' is not a file but has data"),
        (head(b"d/", size=600), "'d/' is not a file but has data"),
        (head(kind=b"S", size=600), "contains a sparse file"),
        (head(b"x", 300 << 20, b"L"), "more than 1048576 bytes of headers before one member"),
        (head(b"x", 300 << 20, b"x"), "more than 1048576 bytes of headers before one member"),
        (head(b"x", 64 << 20, b"K"), "more than 1048576 bytes of headers before one member"),
        (extension(b"g", pax(c="x" * 600_000)) * 2, "more than 1048576 bytes of headers"),
        (extension(b"L", b"n" * 513) + head(), "a name is longer than 512 bytes"),
        (extension(b"L", b"long\0") + END, "the archive is truncated"),
        (extension(b"x", b"99 path=a"), "an extended header is malformed"),
        (extension(b"x", b"some sense\n"), "a header's number is malformed"),
        (extension(b"x", b"0 path=a\n"), "an extended header is malformed"),
        (extension(b"x", pax(path="\0")) + head(), "a member's name is empty or contains a NUL"),
        (head(b""), "a member's name is empty or contains a NUL"),
        (extension(b"g", pax(path="a")), "a global header names a file"),
        (extension(b"x", pax(**{"GNU.sparse.major": "1"})), "contains a sparse file"),
        (extension(b"x", pax(path="a")) + extension(b"L", b"b\0"), "a member has two names"),
    ],
    ids=lambda value: value if isinstance(value, str) else len(value),
)
def test_a_hostile_header_is_rejected_with_the_reason(write: Write, data: bytes, reason: str) -> None:
    assert refusal(write(packed(data + bytes(600)))).startswith(reason)


def test_a_wrong_checksum_is_rejected(write: Write) -> None:
    data = head()
    assert refusal(write(packed(b"Q" + data[1:] + END))) == "a header's checksum does not match"


def test_links_devices_and_pipes_are_skipped(write: Write) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as fh:
        kinds = [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.DIRTYPE]
        for i, kind in enumerate(kinds):
            info = tarfile.TarInfo(f"PMC1/m{i}.jpg")
            info.type, info.linkname = kind, "/etc/passwd"
            fh.addfile(info)
    start = out.getvalue()[: 6 * 512]
    assert content(open_tar_gz(write(packed(start + tar(FILES))))) == PLAIN


def test_a_name_that_leads_outside_is_never_used_as_a_path(write: Write, tmp_path: Path) -> None:
    files = {"../../evil.jpg": b"1", "/etc/evil.jpg": b"2"}
    path = write(packed(tar(files)))
    assert content(open_tar_gz(path)) == files
    assert [p.name for p in tmp_path.rglob("*")] == [path.name]
    assert not (tmp_path.parent.parent / "evil.jpg").exists()


def test_two_members_with_the_same_name_are_rejected(write: Write) -> None:
    twice = head(b"a/b") + head(b"./a/b") + END
    assert refusal(write(packed(twice))) == "two members are named 'a/b'"


def test_messages_contain_no_control_characters(write: Write) -> None:
    twice = head(b"a\n\x1b[31mb") * 2 + END
    assert refusal(write(packed(twice))) == r"two members are named 'a\n\x1b[31mb'"


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(compressed=20), "the file is larger than 20 bytes"),
        (Limits(total=2000), "inflates to more than 2000 bytes"),
        (Limits(members=2), "more than 2 members"),
        (Limits(member=1000), "'PMC1/f1.jpg' is too large: 1400 bytes"),
        (Limits(name=9), "a name is longer than 9 bytes: 'PMC1/a.nxml'"),
        (Limits(seconds=-1), "reading takes longer than -1 s"),
        (Limits(ratio=2, ratio_from=0), "inflates to more than 2 times its size"),
    ],
)
def test_each_limit_is_enforced(write: Write, limits: Limits, reason: str) -> None:
    assert refusal(write(packed(tar(FILES))), limits) == reason


def test_an_archive_with_too_many_members_is_rejected(write: Write) -> None:
    assert refusal(write(gzip.compress(head(kind=b"5") * 20_001 + END, 1))) == "more than 20000 members"


def test_a_zip_bomb_is_rejected_before_it_is_inflated(write: Write) -> None:
    bomb = head(size=100 << 20) + bytes(20 << 20)
    assert refusal(write(gzip.compress(bomb, 9))) == "inflates to more than 200 times its size"


@given(data=st.binary(max_size=3000), wrapped=st.booleans())
def test_any_bytes_are_rejected_or_read_correctly(write: Write, data: bytes, wrapped: bool) -> None:
    try:
        content(open_tar_gz(write(packed(data) if wrapped else data)))
    except RejectedInput as err:
        assert err.message


PIECES = [head(), head(b"y", 3), head(b"x", 8, b"L"), head(b"x", 9, b"x"), head(b"d", 0, b"5"), body(b"abc"),
          body(pax(path="z")), bytes(512), b"junk"]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=8))
def test_headers_in_any_order_are_rejected_or_read_as_tar_reads_them(write: Write, pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    try:
        read = content(open_tar_gz(write(packed(data))))
    except RejectedInput:
        return
    with tarfile.open(fileobj=io.BytesIO(data + END)) as fh:
        members = [m for m in fh if m.isreg()]
        theirs = {m.name: fh.extractfile(m).read() for m in members}  # type: ignore[union-attr]
    assert sorted(read.values()) == sorted(theirs.values())


@given(
    st.dictionaries(
        st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), max_size=60)
        .filter(lambda name: not name.startswith("._"))
        .map(lambda name: f"{name}.jpg"),
        st.binary(max_size=1500),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
)
def test_what_python_packs_is_read_back(write: Write, files: dict[str, bytes], form: int) -> None:
    assert content(open_tar_gz(write(packed(tar(files, form))))) == files


# --- zip


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_is_read_like_a_tar(write: Write, method: int) -> None:
    with open_zip(write(zipped({**FILES, "PMC1/empty": b""}, method), "a.zip")) as archive:
        assert archive.files == [("a.nxml", 10), ("empty", 0), ("f1.gif", 6), ("f1.jpg", 1400)]
        assert archive.xmls == ["a.nxml"]
        assert {name: archive.read(name) for name in PLAIN} == PLAIN
        with pytest.raises(RejectedInput, match="no 'b' in the archive"):
            archive.read("b")


def test_resource_forks_of_macos_and_links_are_skipped(write: Write) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as fh:
        link = zipfile.ZipInfo("PMC1/link.jpg")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        fh.writestr(link, "/etc/passwd")
        for name in ("__MACOSX/PMC1/._a.nxml", "PMC1/._a.nxml", "PMC1/"):
            fh.writestr(name, b"")
        for name, data in FILES.items():
            fh.writestr(name, data)
    assert content(open_zip(write(out.getvalue(), "a.zip"))) == PLAIN


def test_names_in_utf8_without_the_flag_are_decoded(write: Write) -> None:
    data = zipped({"xx.jpg": b"1"}).replace(b"xx.jpg", "é.jpg".encode())
    assert content(open_zip(write(data, "a.zip"))) == {"é.jpg": b"1"}


def test_a_zip_with_two_members_of_the_same_name_is_rejected(write: Write) -> None:
    data = zipped({"aa": b"1", "ab": b"2"}).replace(b"ab", b"aa")
    assert refusal(write(data, "a.zip")) == "two members are named 'aa'"


def test_an_encrypted_zip_is_rejected(write: Write) -> None:
    data = bytearray(zipped(FILES))
    data[data.index(b"PK\1\2") + 8] |= 1
    assert refusal(write(data, "a.zip")) == "'PMC1/a.nxml' is encrypted"


def test_a_zip_with_members_that_share_bytes_is_rejected(write: Write) -> None:
    data = bytearray(zipped({"a": b"1" * 100, "b": b"1" * 100}))
    second = data.index(b"PK\1\2", data.index(b"PK\1\2") + 1)
    data[second + 42 : second + 46] = bytes(4)
    assert refusal(write(data, "a.zip")) == "zip: members overlap"


def test_compression_methods_that_cannot_be_limited_are_rejected(write: Write) -> None:
    assert refusal(write(zipped(FILES, zipfile.ZIP_BZIP2), "a.zip")) == "'PMC1/a.nxml' is compressed by method 12"


def test_a_member_larger_than_the_directory_states_is_rejected(write: Write) -> None:
    data = bytearray(zipped({"a.jpg": bytes(50 << 20)}))
    at = data.index(b"PK\1\2")
    data[at + 24 : at + 28] = struct.pack("<I", 1000)
    with (
        open_zip(write(data, "a.zip")) as archive,
        pytest.raises(RejectedInput, match=r"'a\.jpg' cannot be read: Bad CRC"),
    ):
        archive.read("a.jpg")


def test_an_empty_member_with_a_wrong_checksum_is_rejected(write: Write) -> None:
    data = bytearray(zipped({"a.jpg": b""}))
    at = data.index(b"PK\1\2")
    data[at + 16 : at + 20] = struct.pack("<I", 1)  # zipfile never compares the CRC of an empty member
    with (
        open_zip(write(data, "a.zip")) as archive,
        pytest.raises(RejectedInput, match="shorter than the directory states"),
    ):
        archive.read("a.jpg")


def test_a_member_shorter_than_the_directory_states_is_rejected(write: Write) -> None:
    data = bytearray(zipped({"a.jpg": b"1" * 100}))
    at = data.index(b"PK\1\2")
    data[at + 24 : at + 28] = struct.pack("<I", 101)
    with (
        open_zip(write(data, "a.zip")) as archive,
        pytest.raises(RejectedInput, match="shorter than the directory states"),
    ):
        archive.read("a.jpg")


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(compressed=20), "the file is larger than 20 bytes"),
        (Limits(total=1000), "inflates to more than 1000 bytes"),
        (Limits(members=2), "more than 2 members"),
        (Limits(member=1000), "'PMC1/f1.jpg' is too large: 1400 bytes"),
        (Limits(name=9), "a name is longer than 9 bytes: 'PMC1/a.nxml'"),
        (Limits(directory=100), "zip: the directory is too large"),
        (Limits(ratio=2, ratio_from=0), "inflates to more than 2 times its size"),
    ],
)
def test_each_limit_is_enforced_for_a_zip(write: Write, limits: Limits, reason: str) -> None:
    assert refusal(write(zipped(FILES), "a.zip"), limits) == reason


def test_a_flipped_bit_in_a_zip_never_changes_what_is_read(write: Write) -> None:
    whole = zipped({"a.xml": b"<article/>", "b.jpg": b"\xff\xd8" * 50})
    for bit in range(len(whole) * 8):
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        try:
            read = content(open_zip(write(data, "a.zip")))
        except RejectedInput:
            continue
        assert set(read.values()) <= {b"<article/>", b"\xff\xd8" * 50, b""}, f"bit {bit}"


@given(data=st.binary(max_size=500), at=st.integers(0, 400), cut=st.integers(0, 200))
def test_any_bytes_in_a_zip_are_rejected_or_read_correctly(write: Write, data: bytes, at: int, cut: int) -> None:
    whole = zipped({"a.xml": b"<article/>", "b.jpg": b"\xff\xd8" * 50}, comment=b"made by test")
    for hostile in (data, whole[:at] + data + whole[at + cut :]):
        try:
            content(open_zip(write(hostile, "a.zip")))
        except RejectedInput as err:
            assert "\n" not in err.message


def test_a_failing_disk_is_not_an_error_of_the_zip(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_zip(write(zipped(FILES), "a.zip")) as archive:

        def broken(*_: object) -> bytes:
            raise OSError(5, os.strerror(5))

        monkeypatch.setattr(archive_module.BoundedFile, "read", broken)
        with pytest.raises(OSError, match="Input/output error"):
            archive.read("a.nxml")


@pytest.mark.shared
def test_zips_of_publishers_are_read_completely(shared: Path) -> None:
    found = {}
    for path in sorted((shared / "data" / "packages_zip").glob("*.zip")):
        with open_zip(path) as archive:
            assert all(
                len(archive.read(name)) == size
                for name, size in archive.files
                if name.endswith((".xml", ".jpg", ".tif"))
            )
            found[path.name] = (len(archive.files), len(archive.xmls))
    assert found == {"scielo_1414-431X_documentstore.zip": (6, 1), "scielo_package_with_subdir.zip": (11, 4)}
