"""Zips that are truncated, have wrong directories, or inflate to any size."""

from __future__ import annotations

import stat
import struct
import zipfile

from tests.attacks import Attack, made, refused
from tests.attacks.packing import article, entry, image, patched, zipped
from tests.attacks.pickles import in_place

FILES = {"a/a.nxml": article(), "a/f1.jpg": image()}
WHOLE = zipped(FILES)
XML, IMAGE, END = entry(WHOLE, 0), entry(WHOLE, 1), WHOLE.index(b"PK\5\6")
"""The offsets of the directory entries of the article and of its image, and of the end record."""

CRC, PACKED, SIZE, MODE, PLACE = 16, 20, 24, 38, 42
"""Offsets in an entry of the directory."""

SHORT, LONG, HUGE = (struct.pack("<L", size) for size in (100, 1 << 20, 300 << 20))
LINK = struct.pack("<L", (stat.S_IFLNK | 0o777) << 16)
UNREAD = "zip: its directory cannot be read"


def false(at: int, value: bytes) -> bytes:
    return patched(WHOLE, at, value)


def vast(at: int) -> bytes:
    """Returns a zip with a 64-bit size or offset of its image: 2^62."""
    record = patched(WHOLE[IMAGE:END], at, b"\xff" * 4)
    record = patched(record, 30, struct.pack("<H", 12)) + struct.pack("<HHQ", 1, 8, 2**62)
    size = struct.pack("<L", END - XML + 12)
    return WHOLE[:IMAGE] + record + patched(WHOLE[END:], 12, size)


def elsewhere(name: str) -> bytes:
    """Returns a zip whose image has a name outside the archive, by which the article refers to it."""
    return zipped({"a/a.nxml": article(href=name), f"a/{name}": image()})


ZIPS = [
    refused("a zip truncated at its end", made(WHOLE[:-10]), UNREAD),
    refused("a zip truncated to half", made(WHOLE[: END // 2]), UNREAD),
    refused("an empty zip", made(b""), UNREAD),
    refused("a zip without members", made(zipped({})), "no article XML in the package"),
    refused("a checkpoint of torch", in_place("a checkpoint"), "no article XML in the package"),
    refused("a file of arrays of objects", in_place("arrays of objects"), "no article XML in the package"),
    refused("a directory at a wrong offset", made(false(END + 16, b"\xff" * 4)), "zip: "),
    refused("a directory of 4 GB", made(false(END + 12, b"\xfe" * 4)), UNREAD),
    refused("a directory of 10 MB", lambda trap: zipped({f"{i:0250}": b"" for i in range(36_000)}),
            "zip: the directory is too large"),
    refused("20,001 members in a zip", lambda trap: zipped({str(i): b"" for i in range(20_001)}),
            "more than 20000 members"),
    refused("members that overlap", made(false(IMAGE + PLACE, bytes(4))), "zip: members overlap"),
    refused("a member in the directory", made(false(IMAGE + PACKED, LONG)), "zip: members overlap"),
    refused("a 64-bit offset", made(vast(PLACE)), "zip: members overlap"),
    refused("a 64-bit size", made(vast(SIZE)), "'a/f1.jpg' is too large: 4611686018427387904 bytes"),
    refused("a member of 300 MB in a zip", made(false(IMAGE + SIZE, HUGE)), "'a/f1.jpg' is too large"),
    refused("a zip bomb", lambda trap: zipped(FILES | {"a/b.tif": bytes(60 << 20)}),
            "inflates to more than 200 times its size"),
    refused("an article longer than declared", made(false(XML + SIZE, SHORT)), "zip: 'a.nxml' cannot be read: Bad CRC"),
    refused("an article shorter than declared", made(false(XML + SIZE, LONG)), "zip: 'a.nxml' is shorter than"),
    Attack("an image longer than declared",
           made(false(IMAGE + SIZE, SHORT)), "unreadable", "zip: 'f1.jpg' cannot be read"),
    Attack("a wrong CRC in a zip", made(false(IMAGE + CRC, bytes(4))), "unreadable", "zip: 'f1.jpg' cannot be read"),
    refused("an encrypted member", made(false(XML + 8, b"\1")), "'a/a.nxml' is encrypted"),
    refused("a zip compressed by BZIP2",
            made(zipped(FILES, zipfile.ZIP_BZIP2)), "'a/a.nxml' is compressed by method 12"),
    refused("a zip compressed by LZMA", made(zipped(FILES, zipfile.ZIP_LZMA)), "'a/a.nxml' is compressed by method 14"),
    refused("different names in directory and local header", made(WHOLE.replace(b"a/a.nxml", b"a/b.nxml", 1)),
            "zip: 'a.nxml' cannot be read"),
    refused("two members with the same name in a zip",
            made(WHOLE.replace(b"a/a.nxml", b"a/f1.jpg")), "two members are named"),
    refused("a NUL in a name in a zip", made(WHOLE.replace(b"a/f1.jpg", b"a/f\0.jpg")),
            "a member's name is empty or contains a NUL"),
    refused("an empty name in a zip", made(zipped({"a/a.nxml": article(), "": b"x"})),
            "a member's name is empty or contains a NUL"),
    Attack("a symlink in place of an image in a zip", made(false(IMAGE + MODE, LINK)), "missing"),
    Attack("a name with .. in a zip", made(elsewhere("../../../../escaped.jpg"))),
    Attack("an absolute name in a zip", made(elsewhere("/tmp/escaped.jpg"))),
    Attack("escape sequences in a name in a zip", made(zipped(FILES | {"a/\x1b[2J\u202e.jpg": image()})), "scope"),
    Attack("a zip inside a zip", made(zipped(FILES | {"a/inner.zip": WHOLE}))),
    Attack("an executable before the zip", made(b"MZ" + bytes(5000) + WHOLE)),
    refused("a second end record in the comment", made(zipped(FILES, comment=b"PK\5\6" + bytes(18))),
            "no article XML in the package"),
]  # fmt: skip
