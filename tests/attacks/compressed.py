"""Tars compressed by other programs than gzip or not at all, and compressed XML: truncated, corrupt, or bombs."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib

from tests.attacks import Attack, made, refused
from tests.attacks.packing import article, head, image, member, patched, tar

TAR = tar({"a/a.nxml": article(), "a/f1.jpg": image()})
BZIP2, XZ = bz2.compress(TAR), lzma.compress(TAR)
XML_GZ = gzip.compress(article(), mtime=0)
"""Compressed tars and XML that are valid."""

NO_END = "the archive is truncated"


def bomb(compress: type[bz2.BZ2Compressor] | type[lzma.LZMACompressor], start: bytes, megabytes: int) -> bytes:
    """Returns many MB of zeros after a start, compressed piece by piece."""
    compressor = compress()
    pieces = [compressor.compress(start)]
    pieces += [compressor.compress(bytes(1 << 20)) for _ in range(megabytes)]
    return b"".join([*pieces, compressor.flush()])


def xz_with_dictionary_of_4_gb() -> bytes:
    """Returns an xz whose header asks for a dictionary of 4 GB."""
    at = 12  # of the header of the first block, after that of the stream
    size = (XZ[at] + 1) * 4
    header = bytearray(XZ[at : at + size - 4])
    header[header.index(b"\x21\x01") + 2] = 40  # LZMA2, with a property of one byte: the size of its dictionary
    return patched(XZ, at, bytes(header) + zlib.crc32(header).to_bytes(4, "little"))


ZEROS = head(b"a/x.tif", 150 << 20)
RATIO = "inflates to more than 200 times its size"

PLAIN_TARS = [
    Attack("a plain tar that is valid", made(TAR)),
    refused("a plain tar truncated between two members", made(TAR[: TAR.index(b"a/f1.jpg")]), NO_END),
    refused("a plain tar truncated inside a member", made(TAR[: TAR.index(b"a/f1.jpg") + 700]), NO_END),
    refused("a plain tar without its end", made(member(b"a/a.nxml", article())), NO_END),
    refused("a gzip named .tar", made(gzip.compress(TAR)), "a header's checksum does not match"),
    refused("an empty tar", made(b""), "the file is empty"),
]
BZIP2_TARS = [
    Attack("a valid bzip2", made(BZIP2)),
    Attack("two bzip2 streams of one tar", made(bz2.compress(TAR[:700]) + bz2.compress(TAR[700:]))),
    Attack("zeros after a bzip2", made(BZIP2 + bytes(100_000))),
    refused("a bzip2 truncated to half", made(BZIP2[: len(BZIP2) // 2]), "bzip2: the file is truncated"),
    refused("a bzip2 with a flipped bit", made(patched(BZIP2, 90, bytes([BZIP2[90] ^ 1]))), "bzip2: corrupt data"),
    refused("junk after a bzip2", made(BZIP2 + b"junk"), "bzip2: data after the end"),
    refused("a second stream that is truncated", made(BZIP2 + BZIP2[:60]), "bzip2: the file is truncated"),
    refused("two tars as two bzip2 streams", made(BZIP2 * 2), "data after the end of the archive"),
    refused("a web page named .tar.bz2", made(b"<!DOCTYPE html><html>404</html>"), "bzip2: not a bzip2 file"),
    refused("150 MB of zeros in a bzip2", lambda trap: bomb(bz2.BZ2Compressor, ZEROS, 150), RATIO),
]
XZ_TARS = [
    Attack("a valid xz", made(XZ)),
    Attack("two xz streams of one tar", made(lzma.compress(TAR[:700]) + bytes(4) + lzma.compress(TAR[700:]))),
    refused("an xz truncated to half", made(XZ[: len(XZ) // 2]), "xz: the file is truncated"),
    refused("an xz with a flipped bit", made(patched(XZ, 90, bytes([XZ[90] ^ 1]))), "xz: corrupt data"),
    refused("an xz with a wrong checksum", made(patched(XZ, len(XZ) - 8, b"\1")), "xz: corrupt data"),
    refused("an xz with a dictionary of 4 GB", lambda trap: xz_with_dictionary_of_4_gb(), "xz: needs too much memory"),
    refused("150 MB of zeros in an xz", lambda trap: bomb(lzma.LZMACompressor, ZEROS, 150), RATIO),
]
COMPRESSED_XML = [
    Attack("a valid .nxml.gz", made(XML_GZ)),
    refused("a .nxml.gz truncated to half", made(XML_GZ[: len(XML_GZ) // 2]), "gzip: the file is truncated"),
    refused("a .nxml.gz with a wrong CRC", made(XML_GZ[:-8] + bytes(8)), "gzip: CRC does not match"),
    refused("an article named .nxml.gz", made(article()), "gzip: not a gzip file"),
    refused("two articles in one .nxml.gz", made(XML_GZ * 2), "gzip: data after the end"),
    refused("a web page in a .nxml.gz", made(gzip.compress(b"<html><body>404</body></html>")), "XML: no <article>"),
    refused("an empty .nxml.gz", made(gzip.compress(b"")), "XML: "),
    refused("70 MB of XML in a .nxml.gz", lambda trap: gzip.compress(article() + b" \n" * (35 << 20)), RATIO),
]
