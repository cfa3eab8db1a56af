"""Archives of articles: any bytes under any name that is read."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from roco.base.errors import RejectedInput
from roco.sources.archives.reader import Limits, open_archive
from tests.attacks.packing import article, image, packed, tar, zipped
from tests.attacks.tars import GZIPS, TARS
from tests.attacks.zips import ZIPS
from tests.fuzz import binary
from tests.fuzz.target import Format, Target, require
from tests.fuzz.trap import made

# Small enough that a bomb is refused at once; the limits themselves are tested by the attacks.
LIMITS = Limits(total=4 << 20, member=1 << 20, xml=1 << 20, members=200, header=1 << 16, ratio_from=1 << 20)
FILES = {"PMC1/a.nxml": article(), "PMC1/f1.jpg": image(), "PMC1/f2.gif": b"GIF89a", "PMC1/b.xml.gz": packed(article())}
SMALL = 20_000  # bytes; larger attacks slow mutation down


def make() -> Target:
    promise = (
        "any bytes named as an archive: its members, equal to those that the standard library reads, or a rejection; "
        "nothing is written"
    )
    return Target("archives", promise, (
        Format("tar.gz", _gzips, _read("a.tar.gz"), binary.gzipped(binary.tar_headers)),
        Format("tar", lambda: [tar(FILES), tar(FILES, tarfile.USTAR_FORMAT)], _read("a.tar"), binary.tar_headers),
        Format("tar.bz2", lambda: [bz2.compress(tar(FILES))], _read("a.tbz2")),
        Format("tar.xz", lambda: [lzma.compress(tar(FILES))], _read("a.tar.xz")),
        # The same after inflating: mutations of the bytes reach the reader of tars, not only the checksum of gzip.
        Format("gzipped tar", lambda: [tar(FILES)], _read("a.tar.gz", gzip_quickly), binary.tar_headers),
        Format("zip", _zips, _read("a.zip"), binary.zip_members),
    ))  # fmt: skip


def gzip_quickly(data: bytes) -> bytes:
    return gzip.compress(data, 1, mtime=0)


def _gzips() -> list[bytes]:
    return [packed(tar(FILES)), packed(tar(FILES, tarfile.PAX_FORMAT)), *made((*GZIPS, *TARS), SMALL)]


def _zips() -> list[bytes]:
    return [zipped(FILES), zipped(FILES, zipfile.ZIP_STORED, b"a comment"), *made(ZIPS, SMALL)]


def _read(name: str, change: Callable[[bytes], bytes] = bytes) -> Callable[[bytes, Path], None]:
    def read(data: bytes, folder: Path) -> None:
        path = folder / name
        path.write_bytes(change(data))
        contents: dict[str, bytes] = {}
        with open_archive(path, LIMITS) as archive:
            sizes = dict(archive.files)
            require(list(sizes) == sorted(sizes), "members are sorted by name")
            require(set(archive.xmls) <= set(sizes), "articles are members")
            for member, size in sizes.items():
                with contextlib.suppress(RejectedInput):
                    contents[member] = archive.read(member)
                    if not member.lower().endswith((".gz", ".bz2", ".xz")):
                        require(len(contents[member]) == size, "a member has the length that is listed")
        require([one.name for one in folder.iterdir()] == [name], "no file is written")
        _compare(path, contents, len(sizes))

    return read


def _compare(path: Path, contents: dict[str, bytes], n_members: int) -> None:
    """Compares members with those that the standard library reads, where it accepts the archive as well.

    It does not where it checks what is not used here, such as owners and times, or where it reads fewer members.
    """
    try:
        known = _of_zip(path) if path.suffix == ".zip" else _of_tar(path)
    except Exception:  # zipfile and tarfile raise whatever they like on hostile bytes
        return
    if len(known) >= n_members:
        plain = {name: data for name, data in contents.items() if not name.lower().endswith((".gz", ".bz2", ".xz"))}
        require(all(data in known for data in plain.values()), "a member has the bytes that the standard library reads")


def _of_zip(path: Path) -> list[bytes]:
    with zipfile.ZipFile(path) as fh:
        return [fh.read(info) for info in fh.infolist() if info.file_size <= LIMITS.member]


def _of_tar(path: Path) -> list[bytes]:
    with tarfile.open(path) as fh:
        files = [fh.extractfile(info) for info in fh if info.isreg()]
        return [file.read() for file in files if file is not None]
