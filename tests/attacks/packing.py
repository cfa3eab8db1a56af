"""Packs articles, images, tars and zips by hand, valid or with the defects that a test needs."""

from __future__ import annotations

import functools
import gzip
import io
import random
import struct
import tarfile
import zipfile

from PIL import Image

END = bytes(1024)


def tar(files: dict[str, bytes], form: int = tarfile.GNU_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as fh:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            fh.addfile(info, io.BytesIO(data))
    return out.getvalue()


def packed(data: bytes) -> bytes:
    return gzip.compress(data, 6, mtime=0)


def head(name: bytes = b"PMC1/x.jpg", size: int | bytes = 0, kind: bytes = b"0", link: bytes = b"") -> bytes:
    """Returns a tar header with a valid checksum, whatever the other fields contain."""
    size_field = size if isinstance(size, bytes) else b"%011o\0" % size
    block = struct.pack("100s8s8s8s12s12s8sc100s255x", name, b"", b"", b"", size_field, b"", b" " * 8, kind, link)
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def body(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def member(name: bytes, data: bytes) -> bytes:
    return head(name, len(data)) + body(data)


def extension(kind: bytes, data: bytes) -> bytes:
    return head(b"x", len(data), kind) + body(data)


def pax(**records: str) -> bytes:
    out = b""
    for key, value in records.items():
        rest = f" {key}={value}\n".encode()
        size = len(rest) + 1
        while len(str(size)) + len(rest) != size:
            size += 1
        out += str(size).encode() + rest
    return out


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED, comment: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as fh:
        fh.comment = comment
        for name, data in files.items():
            fh.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


def entry(data: bytes, k: int) -> int:
    """Returns the offset of the k-th entry of a zip's directory."""
    at = -1
    for _ in range(k + 1):
        at = data.index(b"PK\1\2", at + 1)
    return at


def patched(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


@functools.cache
def image(kind: str = "JPEG", size: tuple[int, int] = (48, 40), shade: int = 90) -> bytes:
    out = io.BytesIO()
    noise = random.Random(shade).randbytes(size[0] * size[1])
    Image.frombytes("L", size, noise).save(out, kind)
    return out.getvalue()


CAPTION = "Axial CT of the chest shows a nodule in the left upper lobe."


def article(
    caption: str = CAPTION, href: str = "f1.jpg", title: str = "A case", doctype: str = "", number: int = 0
) -> bytes:
    """Returns a JATS article with one figure under CC BY; number: its PMCID, if it has one."""
    pmcid = f'<article-id pub-id-type="pmcid">PMC{number}</article-id>' if number else ""
    return f"""<?xml version="1.0" encoding="UTF-8"?>{doctype}
<article xmlns:xlink="http://www.w3.org/1999/xlink" article-type="case-report" xml:lang="en">
<front><journal-meta><journal-title>Journal of Tests</journal-title></journal-meta>
<article-meta>{pmcid}<title-group><article-title>{title}</article-title></title-group>
<contrib-group><contrib contrib-type="author"><name><surname>Roe</surname><given-names>Ann</given-names></name>
</contrib></contrib-group><pub-date pub-type="epub"><year>2020</year></pub-date>
<permissions><license xlink:href="https://creativecommons.org/licenses/by/4.0/"><license-p>CC BY 4.0</license-p>
</license></permissions></article-meta></front>
<body><fig id="f1"><label>Figure 1</label><caption><p>{caption}</p></caption><graphic xlink:href="{href}"/></fig></body>
</article>""".encode()


def package(xml: bytes | None = None, **files: bytes) -> bytes:
    """Returns a valid tar.gz of an article and its image, or of other files; the name `f1_jpg` means f1.jpg."""
    named = {name.replace("_", "."): data for name, data in files.items()} or {"f1.jpg": image()}
    return packed(tar({"a/a.nxml": article() if xml is None else xml} | {f"a/{n}": d for n, d in named.items()}))
