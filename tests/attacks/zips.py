"""Zips that are cut, that lie about what is in them, or that inflate to any size."""

from __future__ import annotations

import stat
import struct
import zipfile

from tests.attacks import Attack, made, refused
from tests.attacks.packing import article, entry, image, patched, zipped

FILES = {"a/a.nxml": article(), "a/f1.jpg": image()}
WHOLE = zipped(FILES)
XML, IMAGE, END = entry(WHOLE, 0), entry(WHOLE, 1), WHOLE.index(b"PK\5\6")
"""Where the directory tells of the article and of its image, and where it ends."""

CRC, PACKED, SIZE, MODE, PLACE = 16, 20, 24, 38, 42
"""Offsets in an entry of the directory."""

SHORT, LONG, HUGE = (struct.pack("<L", size) for size in (100, 1 << 20, 300 << 20))
LINK = struct.pack("<L", (stat.S_IFLNK | 0o777) << 16)
UNREAD = "zip: its directory cannot be read"


def false(at: int, told: bytes) -> bytes:
    return patched(WHOLE, at, told)


def vast(at: int) -> bytes:
    """A zip that tells the size of its image, or the place of its data, in 64 bits: 2^62."""
    told = patched(WHOLE[IMAGE:END], at, b"\xff" * 4)
    told = patched(told, 30, struct.pack("<H", 12)) + struct.pack("<HHQ", 1, 8, 2**62)
    size = struct.pack("<L", END - XML + 12)
    return WHOLE[:IMAGE] + told + patched(WHOLE[END:], 12, size)


def elsewhere(name: str) -> bytes:
    """An image under a name that leads out of the archive; the article calls it by that name."""
    return zipped({"a/a.nxml": article(href=name), f"a/{name}": image()})


ZIPS = [
    refused("a zip cut at the end", made(WHOLE[:-10]), UNREAD),
    refused("a zip cut in half", made(WHOLE[: END // 2]), UNREAD),
    refused("an empty zip", made(b""), UNREAD),
    refused("a zip without members", made(zipped({})), "no article XML in the package"),
    refused("a directory at a wrong offset", made(false(END + 16, b"\xff" * 4)), "zip: "),
    refused("a directory of 4 GB", made(false(END + 12, b"\xfe" * 4)), UNREAD),
    refused("a directory of 10 MB", lambda trap: zipped({f"{i:0250}": b"" for i in range(36_000)}),
            "zip: the directory is too large"),
    refused("20,001 members in a zip", lambda trap: zipped({str(i): b"" for i in range(20_001)}),
            "more than 20000 members"),
    refused("members that overlap", made(false(IMAGE + PLACE, bytes(4))), "zip: members overlap"),
    refused("a member in the directory", made(false(IMAGE + PACKED, LONG)), "zip: members overlap"),
    refused("a place in 64 bits", made(vast(PLACE)), "zip: members overlap"),
    refused("a size in 64 bits", made(vast(SIZE)), "'a/f1.jpg' is too large: 4611686018427387904 bytes"),
    refused("a member of 300 MB in a zip", made(false(IMAGE + SIZE, HUGE)), "'a/f1.jpg' is too large"),
    refused("a bomb", lambda trap: zipped(FILES | {"a/b.tif": bytes(60 << 20)}),
            "inflates to more than 200 times its size"),
    refused("an article longer than stated", made(false(XML + SIZE, SHORT)), "zip: 'a.nxml' cannot be read: Bad CRC"),
    refused("an article shorter than stated", made(false(XML + SIZE, LONG)), "zip: 'a.nxml' is shorter than"),
    Attack("an image longer than stated", made(false(IMAGE + SIZE, SHORT)), "unreadable",
            "zip: 'f1.jpg' cannot be read"),
    Attack("a false CRC in a zip", made(false(IMAGE + CRC, bytes(4))), "unreadable", "zip: 'f1.jpg' cannot be read"),
    refused("an encrypted member", made(false(XML + 8, b"\1")), "'a/a.nxml' is encrypted"),
    refused("a zip of BZIP2", made(zipped(FILES, zipfile.ZIP_BZIP2)), "'a/a.nxml' is compressed by method 12"),
    refused("a zip of LZMA", made(zipped(FILES, zipfile.ZIP_LZMA)), "'a/a.nxml' is compressed by method 14"),
    refused("another name before the data", made(WHOLE.replace(b"a/a.nxml", b"a/b.nxml", 1)),
            "zip: 'a.nxml' cannot be read"),
    refused("two members of one name in a zip", made(WHOLE.replace(b"a/a.nxml", b"a/f1.jpg")), "two members are named"),
    refused("NUL in a name in a zip", made(WHOLE.replace(b"a/f1.jpg", b"a/f\0.jpg")),
            "a member's name is empty or contains a NUL"),
    refused("no name in a zip", made(zipped({"a/a.nxml": article(), "": b"x"})),
            "a member's name is empty or contains a NUL"),
    Attack("a symlink for an image in a zip", made(false(IMAGE + MODE, LINK)), "missing"),
    Attack("a name in a zip with ../", made(elsewhere("../../../../escaped.jpg"))),
    Attack("an absolute name in a zip", made(elsewhere("/tmp/escaped.jpg"))),
    Attack("escape sequences in a zip", made(zipped(FILES | {"a/\x1b[2J\u202e.jpg": image()})), "scope"),
    Attack("a zip in a zip", made(zipped(FILES | {"a/inner.zip": WHOLE}))),
    Attack("a program before the zip", made(b"MZ" + bytes(5000) + WHOLE)),
    refused("a second end in the comment", made(zipped(FILES, comment=b"PK\5\6" + bytes(18))),
            "no article XML in the package"),
]  # fmt: skip
