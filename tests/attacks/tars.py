"""Invalid gzip files, and gzips of invalid tars."""

from __future__ import annotations

import functools
import gzip
import random
import struct
import zlib
from collections.abc import Callable

from tests.attacks import Attack, Trap, made, refused
from tests.attacks.packing import (
    END,
    article,
    body,
    extension,
    head,
    image,
    member,
    packed,
    patched,
    pax,
    tar,
    zipped,
)
from tests.attacks.pickles import in_place

FILES = {"a/a.nxml": article(), "a/f1.jpg": image()}
TAR = tar(FILES)
WHOLE = packed(TAR)
MEMBERS = member(b"a/a.nxml", article()) + member(b"a/f1.jpg", image())
"""The members of an archive, without the end of the archive."""


def wrapped(data: bytes) -> Callable[[Trap], bytes]:
    """Returns a valid gzip of a tar that may be invalid."""
    return lambda trap: packed(data)


def beside(data: bytes) -> Callable[[Trap], bytes]:
    """Returns a valid archive with additional data before the article."""
    return wrapped(data + TAR)


def blown(start: bytes, times: int, end: bytes = b"", filler: bytes = bytes(1 << 20)) -> Callable[[Trap], bytes]:
    """Returns a gzip of `start` and many MB of filler; one MB is compressed and repeated."""

    def make(trap: Trap) -> bytes:
        deflate = zlib.compressobj(9, wbits=-15)
        first, block = (deflate.compress(d) + deflate.flush(zlib.Z_FULL_FLUSH) for d in (start, filler))
        crc = functools.reduce(lambda crc, data: zlib.crc32(data, crc), [start, *[filler] * times, end], 0)
        size = len(start) + times * len(filler) + len(end)
        last = deflate.compress(end) + deflate.flush() + struct.pack("<LL", crc, size)
        return b"\x1f\x8b\x08" + bytes(7) + first + block * times + last

    return make


def linked(kind: bytes) -> Callable[[Trap], bytes]:
    """Returns an archive with a link to a file outside in place of the image."""
    return lambda trap: packed(
        member(b"a/a.nxml", article()) + head(b"a/f1.jpg", kind=kind, link=bytes(trap.image)[:100]) + END
    )


def elsewhere(name: str) -> Callable[[Trap], bytes]:
    """Returns an archive whose image has a name outside the archive, by which the article refers to it."""
    return lambda trap: packed(tar({"a/a.nxml": article(href=name), f"a/{name}": image()}))


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def names_that_are_noise() -> bytes:
    return noise(8 << 20).replace(b"\0", b"x")


HEADERS = "more than 1048576 bytes of headers before one member"
BEHIND = "gzip: data after the end"
SECOND = len(body(article())) + 512
"""The offset of the header of the image."""

GZIPS = [
    refused("a flipped bit", made(patched(WHOLE, 300, bytes([WHOLE[300] ^ 1]))), "gzip: "),
    refused("without the last 8 bytes", made(WHOLE[:-8]), "gzip: the file is truncated"),
    refused("truncated to half", made(WHOLE[: len(WHOLE) // 2]), "gzip: the file is truncated"),
    refused("a wrong CRC", made(WHOLE[:-8] + bytes(4) + WHOLE[-4:]), "gzip: CRC does not match"),
    refused("a wrong length", made(WHOLE[:-4] + bytes(4)), "gzip: CRC does not match"),
    refused("an empty file", made(b""), "the file is empty"),
    refused("a web page", made(b"<!DOCTYPE html><html>404</html>"), "gzip: not a gzip file"),
    refused("a pickle", in_place("a pickle"), "gzip: not a gzip file"),
    refused("a gzip of a pickle", in_place("a compressed pickle"), "the archive is truncated"),
    refused("a plain tar", made(TAR), "gzip: not a gzip file"),
    refused("a gzip of no data", wrapped(b""), "the archive is truncated"),
    refused("a gzip of zeros", wrapped(END), "no article XML in the package"),
    refused("a gzip of random bytes", wrapped(noise(5000)), "a header"),
    refused("two gzip members", made(WHOLE * 2), BEHIND),
    refused("a gzip followed by an empty one", made(WHOLE + packed(b"")), BEHIND),
    refused("junk after the gzip", made(WHOLE + b"junk"), BEHIND),
    refused("zeros and then junk after the gzip", made(WHOLE + bytes(200_000) + b"junk"), BEHIND),
    Attack("zeros after the gzip", made(WHOLE + bytes(200_000))),
    Attack("a file name of 20 MB in the gzip header",
           made(WHOLE[:3] + b"\x08" + WHOLE[4:10] + noise(20 << 20).replace(b"\0", b"") + b"\0" + WHOLE[10:])),
    refused("an unknown compression method in the gzip", made(WHOLE[:2] + b"\7" + WHOLE[3:]), "gzip: corrupt data"),
    Attack("100,000 empty blocks of DEFLATE",
           made(WHOLE[:10] + b"\0\0\0\xff\xff" * 100_000 + WHOLE[10:])),
]  # fmt: skip

TARS = [
    refused("a corrupt header in the middle", wrapped(patched(TAR, SECOND, b"b")),
            "a header's checksum does not match"),
    refused("a wrong checksum", wrapped(b"Q" + TAR[1:]), "a header's checksum does not match"),
    refused("truncated between two members", wrapped(TAR[:SECOND]), "the archive is truncated"),
    refused("truncated inside a member", wrapped(MEMBERS[:-700]), "the archive is truncated"),
    refused("truncated inside a header", wrapped(TAR[:300]), "the archive is truncated"),
    refused("no end of archive", wrapped(MEMBERS), "the archive is truncated"),
    refused("two archives in one file", wrapped(TAR + TAR), "data after the end of the archive"),
    refused("a member after zeros", wrapped(TAR + bytes(99 << 9) + b"x"), "data after the end of the archive"),
    Attack("zeros after the archive", wrapped(TAR + bytes(1 << 20))),
    Attack("one block of zeros at the end", wrapped(MEMBERS + bytes(512))),
    refused("a long name of 300 MB", blown(head(b"L", 300 << 20, b"L"), 300), HEADERS),
    refused("a pax header of 300 MB", blown(head(b"x", 300 << 20, b"x"), 300), HEADERS),
    refused("a long name of random bytes", wrapped(extension(b"L", names_that_are_noise())), HEADERS),
    refused("a pax header of random bytes", wrapped(extension(b"x", names_that_are_noise())), HEADERS),
    refused("many headers before one member", wrapped(extension(b"L", b"b" * 9000) * 120), HEADERS),
    Attack("a pax header with very many records", beside(extension(b"x", pax(a="") * 200_000) + head(b"a/b"))),
    refused("a number of 5,000 digits", wrapped(extension(b"x", b"9" * 5000 + b" a=b\n")),
            "an extended header is malformed"),
    refused("a size of 5,000 digits", wrapped(extension(b"x", pax(size="9" * 5000))), "a header's number is malformed"),
    refused("a wrong size", wrapped(extension(b"x", pax(size="9000")) + head(b"a/b")), "the archive is truncated"),
    refused("a negative size", wrapped(head(size=b"\xff" * 12) + TAR), "a header has a negative size"),
    refused("a size with a minus sign", wrapped(head(size=b"-0000000001\0") + TAR), "a header's number is malformed"),
    refused("a size of 2^88", wrapped(head(size=b"\x80" + b"\xff" * 11) + TAR), "'PMC1/x.jpg' is too large"),
    refused("a member of 300 MB", blown(head(size=300 << 20), 300, END), "'PMC1/x.jpg' is too large"),
    refused("100 MB of zeros", blown(head(size=100 << 20), 100, END), "inflates to more than 200 times its size"),
    refused("a very long file of zeros", blown(TAR, 300), "inflates to more than 200 times its size"),
    refused("20,001 members", made(gzip.compress(head(kind=b"5") * 20_001 + END, 1)), "more than 20000 members"),
    Attack("3,000 members", beside(b"".join(head(b"a/%d.txt" % i) for i in range(3000)))),
    Attack("a regular member of 30 MB", beside(member(b"a/s1.pdf", noise(30 << 20)))),
    refused("a folder with data", wrapped(head(b"a/", 10, b"5") + body(b"x") + TAR), "'a/' is not a file but has data"),
    refused("a symlink with data", wrapped(head(b"a/b", 10, b"2") + body(b"x") + TAR),
            "'a/b' is not a file but has data"),
    Attack("a symlink in place of an image", linked(b"2"), "missing"),
    Attack("a hard link in place of an image", linked(b"1"), "missing"),
    Attack("pipes, devices, folders",
           beside(b"".join(head(b"a/f1.jpg", kind=kind) for kind in (b"3", b"4", b"5", b"6")))),
    refused("a sparse file", beside(head(b"a/b", kind=b"S")), "contains a sparse file"),
    Attack("an unknown member type", beside(head(b"a/b", 100, b"Q") + body(b"x" * 100))),
    Attack("a name with ..", elsewhere("../../../../../escaped.jpg")),
    Attack("an absolute name", elsewhere("/tmp/escaped.jpg")),
    Attack("a name with backslashes", elsewhere("..\\..\\escaped.jpg")),
    refused("two members with the same name", wrapped(member(b"a/f1.jpg", b"1") + TAR), "two members are named 'a/f1."),
    Attack("names that differ only in case and Unicode form",
           beside(b"".join(head(f"a/{n}.jpg".encode()) for n in ("f2", "F2", "\u00e9", "e\u0301"))), "scope"),
    Attack("escape sequences in a name", beside(member(b"a/\x1b]0;x\x07\x1b[2J\n.jpg", image())), "scope"),
    Attack("a right-to-left name", beside(member("a/\u202egpj.exe.jpg".encode(), image())), "scope"),
    Attack("a name that is not UTF-8", beside(member(b"a/\xff\xfe.jpg", image())), "scope"),
    refused("a name of 600 bytes", beside(extension(b"L", b"n" * 600) + head()), "a name is longer than 512"),
    Attack("a name with 240 folders", beside(extension(b"L", b"a/" + b"d/" * 240 + b"b.jpg") + head()), "scope"),
    refused("an empty name", beside(head(b"")), "a member's name is empty or contains a NUL"),
    refused("a NUL in a name", beside(extension(b"x", pax(path="a\0b")) + head()),
            "a member's name is empty or contains a NUL"),
    refused("two names for one member",
            beside(extension(b"x", pax(path="a")) + extension(b"L", b"b") + head()), "a member has two names"),
    refused("a name in a global header", wrapped(extension(b"g", pax(path="a")) + TAR), "a global header names a file"),
    Attack("archives inside the archive", beside(member(b"a/inner.tar.gz", WHOLE) + member(b"a/i.zip", zipped(FILES)))),
    refused("no article XML", wrapped(tar({"a/f1.jpg": image()})), "no article XML in the package"),
    refused("an article of 70 MB", blown(head(b"a/a.nxml", 70 << 20), 70, END, noise(10_000).ljust(1 << 20, b" ")),
           "XML 'a.nxml' is too large"),
]  # fmt: skip
