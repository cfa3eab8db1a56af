"""What the names of files say: which are articles, images or archives, in which compression, and which are not read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from roco.base.formats import IMAGE_EXTENSIONS, extension_of
from roco.sources.archives.codecs import BZIP2, GZIP, STORED, XZ, Codec

_T = TypeVar("_T")

_XML = (".nxml", ".xml", ".jats")
_PACKING_LISTS = frozenset({"manifest.xml", "directives.xml", "transfer.xml", "reviews.xml", "mets.xml", "go.xml"})
_ZIPS = (".zip", ".meca")  # MECA packages of manuscripts, as of bioRxiv, are zips
_COMPRESSED: dict[str, Codec] = {".gz": GZIP, ".bz2": BZIP2, ".xz": XZ}
_TARS: dict[str, Codec] = {
    ".tar": STORED, ".tar.gz": GZIP, ".tgz": GZIP, ".tar.bz2": BZIP2, ".tbz2": BZIP2, ".tbz": BZIP2, ".tb2": BZIP2,
    ".tar.xz": XZ, ".txz": XZ,
}  # fmt: skip

# Archives and compressions that are not read, and what they are called.
_OTHER_ARCHIVES = {".7z": "7z archive", ".rar": "RAR archive", ".zipx": "ZIPX archive", ".cab": "CAB archive",
                   ".tzst": "Zstandard archive", ".tlz": "lzip archive", ".taz": "compress archive"}  # fmt: skip
_OTHER_COMPRESSIONS = {".zst": "Zstandard", ".lz": "lzip", ".lz4": "LZ4", ".lzma": "LZMA", ".z": "compress",
                       ".br": "Brotli", ".sz": "Snappy"}  # fmt: skip


def is_xml(name: str) -> bool:
    """Returns whether a file is an article XML, by its name."""
    return name.lower().endswith(_XML)


def xml_codec(name: str) -> Codec | None:
    """Returns the compression of an XML file such as `a.xml.gz`; None if it is not compressed, or no XML."""
    lower = name.lower()
    for suffix, codec in _COMPRESSED.items():
        if is_xml(lower.removesuffix(suffix)) and lower.endswith(suffix):
            return codec
    return None


def is_article(name: str) -> bool:
    """Returns whether a file is an article XML, compressed or not."""
    return is_xml(name) or xml_codec(name) is not None


def is_packing_list(name: str) -> bool:
    """Returns whether an XML has a usual name of a list of the files beside it: of MECA, METS or ScholarOne."""
    return name.lower() in _PACKING_LISTS


def is_zip(name: str) -> bool:
    return name.lower().endswith(_ZIPS)


def tar_codec(name: str) -> Codec | None:
    """Returns the compression of a tar; None if the file is none."""
    lower = name.lower()
    return next((codec for suffix, codec in _TARS.items() if lower.endswith(suffix)), None)


def is_archive(name: str) -> bool:
    """Returns whether a file is an archive that is read."""
    return is_zip(name) or tar_codec(name) is not None


def unread_format(name: str) -> str | None:
    """Returns the format of a file that may contain articles but is not read; None for all other files."""
    lower = name.lower()
    stem, dot, extension = lower.rpartition(".")
    suffix = dot + extension
    if suffix in _OTHER_ARCHIVES:
        return _OTHER_ARCHIVES[suffix]
    inner_is_unknown = "." not in stem
    if suffix in _OTHER_COMPRESSIONS and (inner_is_unknown or is_xml(stem) or stem.endswith(".tar")):
        return f"{_OTHER_COMPRESSIONS[suffix]} file"
    if suffix in _COMPRESSED and inner_is_unknown:
        return f"{_COMPRESSED[suffix].name} file of unknown content"
    is_volume = stem.endswith((".zip", ".7z", ".rar", ".tar", ".gz")) and extension.isdecimal()
    return "volume of an archive" if is_volume else None


def article_xmls(names: Iterable[str]) -> list[str]:
    """Returns the article XML files among the names, sorted: all .nxml; without any .nxml all .xml and .jats.

    Packages of PMC have the article as .nxml, and may have supplements as .xml.
    """
    xmls = sorted(name for name in names if is_article(name))
    nxmls = [name for name in xmls if ".nxml" in name[-9:].lower()]
    return nxmls or xmls


def is_readable(name: str) -> bool:
    """Returns whether a member can be read: article XML and images. Other members are checked and listed only."""
    return is_article(name) or extension_of(name) in IMAGE_EXTENSIONS


def without_dot(name: str) -> str:
    """Returns a name without the `./` that `tar c .` writes before each name."""
    while name.startswith("./"):
        name = name[2:]
    return name


def is_resource_fork(name: str) -> bool:
    """Returns whether macOS added the member: its resource forks have the names of the files they belong to."""
    parts = name.split("/")
    return "__MACOSX" in parts[:-1] or parts[-1].startswith("._")


def without_top_folder(members: Mapping[str, _T]) -> dict[str, _T]:
    """Returns the members by name without the top folder, if all of them are in the same one."""
    tops = {name.partition("/")[0] if "/" in name else "" for name in members}
    if len(tops) != 1 or tops <= {"", ".."}:
        return dict(members)
    return {name.partition("/")[2]: value for name, value in members.items()}
