"""Hostile input, made by code: packages, XML, images and metadata, each with what must become of it.

The corpus is a folder of archives and XML files. `SECRET` stands for a file outside of it, which no attack may reach.
"""

from __future__ import annotations

import gzip
import io
import random
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

SECRET = "the words of a file that nobody gave to roco"
XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink"'
BY = '<permissions><license xlink:href="https://creativecommons.org/licenses/by/4.0/"/></permissions>'
ESCAPE = "\x1b[31mred\x1b[0m\x07"
BIDI = "\u202egpj.exe\u2066"


@dataclass(frozen=True)
class Attack:
    """One hostile file: its name in the source, its bytes, and what must be said of it.

    stage, drop: where its row leaves and for which word, null where the figure is released all the same; detail: words
    that the row must say.
    """

    name: str
    data: bytes
    stage: str | None
    drop: str | None
    detail: str = ""


def jpeg(seed: int = 1, side: int = 64) -> bytes:
    """A small honest image."""
    out = io.BytesIO()
    noise = random.Random(seed).randbytes(side * side)
    Image.frombytes("L", (side, side), noise).resize((side * 4, side * 4)).save(out, "JPEG")
    return out.getvalue()


CAPTION = "A chest radiograph shows a mass."


def article(body: str = "", href: str = "f1.jpg", caption: str = CAPTION, head: str = "", meta: str = "") -> bytes:
    """An honest article with one figure, but for what is put into it."""
    fig = f'<fig id="f1"><caption><p>{caption}</p></caption><graphic xlink:href="{href}"/></fig>'
    front = f"<front><article-meta>{meta}{BY}</article-meta></front>"
    return f'{head}<article {XLINK} xml:lang="en">{front}<body>{body}{fig}</body></article>'.encode()


FILES = {"a/a.nxml": article(), "a/f1.jpg": jpeg()}


def tar(files: dict[str, bytes] | None = None, *more: tarfile.TarInfo, form: int = tarfile.GNU_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as fh:
        for name, data in (FILES if files is None else files).items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            fh.addfile(info, io.BytesIO(data))
        for info in more:
            fh.addfile(info)
    return out.getvalue()


def packed(data: bytes) -> bytes:
    return gzip.compress(data, 1, mtime=0)


def header(name: bytes, size: int | bytes, kind: bytes = b"0") -> bytes:
    """One tar header with a right checksum, however wrong the rest is."""
    told = size if isinstance(size, bytes) else b"%011o\0" % size
    block = struct.pack("100s8s8s8s12s12s8sc100s255x", name, b"", b"", b"", told, b"", b" " * 8, kind, b"")
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zipped(files: dict[str, bytes], change: Callable[[zipfile.ZipInfo], None] | None = None) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as fh:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            if change:
                change(info)
            fh.writestr(info, data)
    return out.getvalue()


def png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG that promises a size and holds only the given chunks."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    start = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + start + b"".join(chunk(k, d) for k, d in chunks) + chunk(b"IEND", b"")


def with_image(data: bytes, name: str = "f1.jpg", **more: str) -> bytes:
    return packed(tar({"a/a.nxml": article(href=name, **more), f"a/{name}": data}))


def archives(secret: Path) -> Iterator[Attack]:
    """Packages of which the package itself is the attack."""
    whole, plain = packed(tar()), tar()
    no = ("extract", "article")
    second = plain[: plain.index(b"a/f1.jpg")]
    broken = bytearray(plain)
    broken[plain.index(b"a/f1.jpg") + 3] ^= 1
    for name, data, said in (
        ("cut-by-eight", whole[:-8], "gzip"),
        ("cut-in-half", whole[: len(whole) // 2], "gzip"),
        ("empty", b"", "empty"),
        ("web-page", b"<!DOCTYPE html><html><body>404 Not Found</body></html>", "another kind"),
        ("not-packed", plain, "another kind"),
        ("nothing-in-gzip", packed(b""), "ends too early"),
        ("noise-in-gzip", packed(random.Random(3).randbytes(4096)), "malformed|checksum"),
        ("two-archives", whole + packed(tar({"b/b.nxml": article()})), "behind its end"),
        ("junk-behind", whole + b"junk", "behind its end"),
        ("junk-in-the-end", packed(plain + b"junk".ljust(512, b"x")), "behind the end"),
        ("cut-between-members", packed(second), "ends too early"),
        ("header-in-the-middle", packed(bytes(broken)), "checksum"),
        ("same-name-twice", packed(tar()[: len(second)] + tar({"a/a.nxml": b"<article/>"})), "two members"),
        ("long-name", packed(tar({**FILES, "a/" + "n" * 600: b"x"})), "longer than"),
        ("header-bomb", packed(header(b"././@LongLink", 40 << 20, b"L") + bytes(40 << 20) + plain), "of headers"),
        ("pax-bomb", packed(header(b"x", 40 << 20, b"x") + bytes(40 << 20) + plain), "of headers"),
        (
            "zeros",
            packed(tar()[: len(second)] + header(b"a/z", 150 << 20) + bytes(150 << 20) + bytes(1024)),
            "times its size",
        ),
        ("giant-promised", packed(header(b"a/z.jpg", 300 << 20) + plain), "too large"),
        ("negative-size", packed(header(b"a/z.jpg", b"\xff" * 12) + plain), "negative"),
        ("very-many", packed(tar({f"a/{i}": b"" for i in range(20_001)})), "members"),
        ("no-article", packed(tar({"a/f1.jpg": jpeg()})), "no article XML"),
        ("sparse", packed(header(b"a/z.jpg", 0, b"S") + plain), "sparse"),
        ("data-of-a-folder", packed(header(b"a/d/", 512, b"5") + bytes(512) + plain), "no file but has data"),
    ):
        yield Attack(f"{name}.tar.gz", data, *no, said)
    image = {"a/a.nxml": article()}
    for name, kind in (("symbolic", tarfile.SYMTYPE), ("hard", tarfile.LNKTYPE)):
        link = special("a/f1.jpg", kind, str(secret))
        yield Attack(f"{name}-link.tar.gz", packed(tar(image, link)), "extract", "missing", "f1.jpg")
    for name, kind in (("pipe", tarfile.FIFOTYPE), ("device", tarfile.CHRTYPE)):
        yield Attack(f"{name}.tar.gz", packed(tar(image, special("a/f1.jpg", kind))), "extract", "missing", "f1.jpg")
    up = {"a/a.nxml": article(href="../../evil.jpg"), "a/../../evil.jpg": jpeg()}
    yield Attack("leads-up.tar.gz", packed(tar(up)), None, None)
    yield Attack("absolute.tar.gz", packed(tar({"/a.nxml": article(href="/f1.jpg"), "/f1.jpg": jpeg()})), None, None)
    spoken = {**FILES, f"a/{ESCAPE}{BIDI}\n.jpg": jpeg(2)}
    yield Attack("escapes-in-names.tar.gz", packed(tar(spoken)), None, None)


def zips(secret: Path) -> Iterator[Attack]:
    no = ("extract", "article")
    honest = {"a.xml": article(), "f1.jpg": jpeg()}

    def encrypt(info: zipfile.ZipInfo) -> None:
        info.flag_bits |= 1

    def link(info: zipfile.ZipInfo) -> None:
        if info.filename == "f1.jpg":
            info.external_attr = 0o120777 << 16

    good = zipped(honest)
    yield Attack("no-directory.zip", good[:-30], *no, "zip")
    yield Attack("noise.zip", random.Random(4).randbytes(2000), *no, "zip")
    locked = bytearray(zipped(honest))
    at = locked.rindex(b"PK\x01\x02")
    locked[at + 8] |= 1
    yield Attack("encrypted.zip", bytes(locked), *no, "encrypted")
    bomb = zipped({"a.xml": article(), "z.bin": bytes(80 << 20)})
    yield Attack("bomb.zip", bomb, *no, "times its size")
    yield Attack("link.zip", zipped(honest | {"f1.jpg": str(secret).encode()}, link), "extract", "missing", "f1.jpg")
    up = {"a.xml": article(href="../../evil.jpg"), "../../evil.jpg": jpeg()}
    yield Attack("leads-up.zip", zipped(up), None, None)
    lies = bytearray(good)
    at = lies.rindex(b"PK\x01\x02")
    lies[at + 24 : at + 28] = struct.pack("<I", 1 << 31)
    yield Attack("lies-of-its-size.zip", bytes(lies), *no, "too large|overlap|zip")


def xmls(secret: Path) -> Iterator[Attack]:
    no = ("extract", "article")
    laughs = "".join(f'<!ENTITY l{i + 1} "{f"&l{i};" * 12}">' for i in range(9))
    for name, data, said in (
        ("laughs", article("<p>&l9;</p>", head=f'<!DOCTYPE article [<!ENTITY l0 "ha">{laughs}]>'), "XML"),
        ("deep", b"<article>" + b"<sec>" * 5000 + b"</sec>" * 5000 + b"</article>", "XML"),
        ("long-text", article(f"<p>{'x' * (11 << 20)}</p>"), "XML"),
        ("long-attribute", article(f'<p id="{"x" * (11 << 20)}"/>'), "XML"),
        ("cut", article()[:-20], "XML"),
        ("no-xml", b"PMC\x00\x01\x02", "XML"),
        ("another-root", b"<book><article-title>x</article-title></book>", "no article"),
        (
            "external-entity",
            article(caption="&x;", head=f'<!DOCTYPE a [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'),
            "XML",
        ),
        (
            "entity-of-the-web",
            article(caption="&x;", head='<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1:9/x">]>'),
            "XML",
        ),
    ):
        yield Attack(f"{name}.xml", data, *no, said)
    parameter = f'<!DOCTYPE a [<!ENTITY % p SYSTEM "{secret.as_uri()}"> %p;]>'
    yield Attack("parameter-entity.xml", article(head=parameter), "extract", "", "")
    include = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{secret.as_uri()}" parse="text"/>'
    sheet = f'<?xml-stylesheet href="{secret.as_uri()}" type="text/xsl"?>'
    for name, href in (
        ("up", "../../../../etc/passwd.jpg"),
        ("absolute", str(secret)),
        ("file", secret.as_uri()),
        ("web", "http://127.0.0.1:9/f1-other.jpg"),
        ("nul", "f1%00.jpg"),
    ):
        data = article(f"<p>{include}</p>", href=href, head=sheet)
        yield Attack(f"href-{name}.xml", data, "extract", "missing")


def images(secret: Path) -> Iterator[Attack]:
    no = ("image", "unreadable")
    many = io.BytesIO()
    frames = [Image.new("L", (300, 300), i % 255) for i in range(200)]
    frames[0].save(many, "GIF", save_all=True, append_images=frames[1:])
    wrong = io.BytesIO()
    Image.frombytes("L", (300, 300), random.Random(9).randbytes(90_000)).save(wrong, "PNG")
    exif = io.BytesIO()
    tags = Image.Exif()
    tags[0x010E] = f"{ESCAPE}{SECRET[:0]}"
    Image.frombytes("L", (300, 300), random.Random(8).randbytes(90_000)).save(exif, "JPEG", exif=tags)
    huge = b"\xff\xd8\xff\xc0\x00\x0b\x08\xff\xff\xff\xff\x01\x01\x11\x00\xff\xd9"
    svg = f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{secret.as_uri()}"/></svg>'.encode()
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(" + str(secret).encode() + b") run\n"
    for name, data, said in (
        ("bomb-png", png(60_000, 60_000, (b"IDAT", zlib.compress(bytes(1 << 20)))), ""),
        ("bomb-jpeg", huge, ""),
        ("cut-jpeg", jpeg()[:-900], "truncated"),
        ("text-bomb-png", png(64, 64, (b"zTXt", b"k\0\0" + zlib.compress(bytes(90 << 20)))), ""),
        ("svg", svg, ""),
        ("eps", eps, ""),
        ("nothing", b"", ""),
        ("noise", random.Random(7).randbytes(5000), ""),
    ):
        yield Attack(f"{name}.tar.gz", with_image(data), *no, said)
    yield Attack("png-named-jpg.tar.gz", with_image(wrong.getvalue()), None, None)
    yield Attack("escapes-in-exif.tar.gz", with_image(exif.getvalue()), None, None)
    yield Attack("many-frames.tar.gz", with_image(many.getvalue(), "f1.gif"), None, None)


def words(secret: Path) -> Iterator[Attack]:
    """Captions and titles that attack whoever shows them."""
    title = f"<title-group><article-title>&#x9b;31m{BIDI} =cmd()</article-title></title-group>"
    for name, caption in (
        ("formula", "=HYPERLINK(&quot;http://a.org&quot;) shows a chest radiograph of the mass"),
        ("script", "&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt; A chest radiograph with a mass"),
        ("bidi", f"A chest radiograph {BIDI} shows the mass"),
        ("control", "A chest radiograph &#x9b;31m shows the mass"),
    ):
        yield Attack(f"{name}.tar.gz", with_image(jpeg(), caption=caption, meta=title), None, None)
    long = "A chest radiograph shows a mass in the lung. " * 90_000
    yield Attack("very-long-caption.tar.gz", with_image(jpeg(), caption=long), "caption", "caption", "characters")
    title = f"<title-group><article-title>{'x ' * 2_000_000}</article-title></title-group>"
    yield Attack("very-long-title.tar.gz", with_image(jpeg(), meta=title), None, None)


def corpus(secret: Path) -> list[Attack]:
    return [*archives(secret), *zips(secret), *xmls(secret), *images(secret), *words(secret)]
