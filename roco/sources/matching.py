"""Finds the image file of a package that an article means by a name.

Names in XML and in packages often differ: in case, extension, folders, percent-encoding, or by a prefix (PLOS).
`assignment.assign` calls `Images.match` with each name of a `jats.figures.Figure`, and decides if several figures mean
one file.
"""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from enum import IntEnum
from functools import cached_property
from typing import NamedTuple
from urllib.parse import unquote, unquote_plus

from roco.base.formats import FORMAT_OF_EXTENSION, FORMATS, IMAGE_EXTENSIONS
from roco.sources.jats.renditions import stem_of

# Rank of an extension, best first. Extensions of one format (jpg, jpeg) have the same rank; JPEG 2000, which is not
# decoded, is last.
_RANK = {
    extension: FORMATS.index(FORMAT_OF_EXTENSION[extension]) if extension in FORMAT_OF_EXTENSION else len(FORMATS)
    for extension in IMAGE_EXTENSIONS
}
# What publishers append to the name of an image for another size of it.
_SIZE_SUFFIX = re.compile(
    r"[._-](?:thumb(?:nail)?s?|tn|small|sml|lrg|large|hi-?res|[0-9]{2,4}x[0-9]{2,4})$", re.IGNORECASE
)
_QUERY = re.compile(r"[?#].*", re.DOTALL)
_DRIVE = re.compile(r"(?:file|[a-z]):", re.IGNORECASE)
_PLOS_PREFIX = "journal."

# Folder and normalised stem of a file: equal for all renditions of one image.
_Place = tuple[str, str]


class By(IntEnum):
    """By what a name matches a file, best first: the name, the name without extension, or as its thumbnail."""

    NAME, STEM, THUMBNAIL = range(3)


class Strength(NamedTuple):
    """How well a name matches a file; the smaller the better.

    respelled: the name matches only in another reading, such as with percent-encoding decoded. other_case,
    other_folder: case or folder of the file differ from the name, or from the folder of the XML.
    """

    by: By
    respelled: bool
    other_case: bool
    other_folder: bool


class Match(NamedTuple):
    file: str
    strength: Strength


class Images:
    """The image files of one package; names: all its files, with folders; all: the images among them, sorted."""

    def __init__(self, names: Iterable[str]) -> None:
        self.all = sorted(name for name in names if _extension(name) in _RANK and not _base(name).startswith("._"))
        self._by_base: defaultdict[str, list[str]] = defaultdict(list)
        self._by_stem: defaultdict[str, list[str]] = defaultdict(list)
        # Files by folder and name as written: found at once, however many folders have a file of that name.
        self._in_folder: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        self._stem_in_folder: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for name in self.all:
            self._in_folder[folder_of(name), _base(name)].append(name)
            self._stem_in_folder[folder_of(name), _stem(name)].append(name)
            self._by_base[_normalised(_base(name))].append(name)
            self._by_stem[_normalised(_stem(name))].append(name)

    def folder_named(self, name: str) -> str | None:
        """Returns the only folder with images that has a name, in any case; None if there is none, or several."""
        return self._folders.get(_normalised(name))

    @cached_property
    def _folders(self) -> dict[str, str | None]:
        folders: dict[str, str | None] = {}
        for innermost in {folder_of(name) for name in self.all}:
            for folder in parents(innermost):
                last = _normalised(posixpath.basename(folder))
                folders[last] = folder if folders.get(last, folder) == folder else None
        return folders

    def find(self, href: str, folder: str = "") -> str | None:
        """Returns the file that a name means; None if there is none, or if several match equally well."""
        match = self.match(href, folder)
        return match.file if match else None

    def match(self, href: str, folder: str = "", taken: Container[str] = ()) -> Match | None:
        """Returns the file that a name means, and how well it matches; None if there is none, or if several do.

        folder: of the article's XML. taken: files that are not available, because they are images of other figures. A
        file with the name counts more than one with the stem, and the same case more than another case. Of several
        renditions the best is returned: a GIF beside a JPEG is its thumbnail.
        """
        for number, path in enumerate(_spellings(href)):
            base = _base(path)
            by: By | None = None
            if _normalised(base) in self._by_base:
                nearest = self._nearest_by_name(path, folder, taken)
                if len(nearest) != 1:
                    return None
                file = self._full_size(nearest[0], taken)
                by = By.NAME if file == nearest[0] else By.THUMBNAIL
                other_case = _base(nearest[0]) != base
            else:
                # The name without extension: as a whole first, because `fig1.2` may be a stem.
                for stem in (base, stem_of(base)):
                    renditions = self._nearest_by_stem(stem, path, folder, taken)
                    if renditions is None:
                        continue
                    if len({_stem(file) for file in renditions}) != 1:
                        return None
                    file = min(renditions, key=_rank)
                    by, other_case = By.STEM, _stem(file) != stem
                    break
            if by is not None:
                return Match(file, Strength(by, number > 0, other_case, not _is_in(file, path, folder)))
        return None

    def _nearest_by_name(self, path: str, folder: str, taken: Container[str]) -> Sequence[str]:
        """Returns the available files of a name in the likeliest folder; empty if several are equally likely."""
        base = _base(path)
        place = _wanted_folder(path, folder), base
        in_place = [file for file in self._in_folder.get(place, ()) if file not in taken]
        if in_place:
            return in_place
        available = [file for file in self._by_base[_normalised(base)] if file not in taken]
        same_case = [file for file in available if _base(file) == base]
        return _nearest(same_case or available, path, folder)

    def _nearest_by_stem(self, stem: str, path: str, folder: str, taken: Container[str]) -> Sequence[str] | None:
        """Returns the available files of a stem in the likeliest folder; None if no file is available."""
        place = _wanted_folder(path, folder), stem
        in_place = [file for file in self._stem_in_folder.get(place, ()) if file not in taken]
        if in_place:
            return in_place
        files = [file for file in self._by_stem.get(_normalised(stem), ()) if file not in taken]
        same_case = [file for file in files if _stem(file) == stem]
        return _nearest(same_case or files, path, folder) if files else None

    def renditions(self, names: Iterable[str]) -> set[str]:
        """Returns the other renditions of the named files: of the same folder and stem, or with a suffix for a size."""
        given = set(names)
        by_place: defaultdict[_Place, list[str]] = defaultdict(list)
        for name in given:
            by_place[_place(name)].append(name)
        others: set[str] = set()
        for name in self.all:
            if name in given:
                continue
            same_place = by_place.get(_place(name), ())
            if _place_without_size(name) in by_place or any(_is_rendition(name, other) for other in same_place):
                others.add(name)
        return others

    def best(self, names: Iterable[str]) -> list[str]:
        """Returns the best rendition of each image among the files, sorted."""
        kept: defaultdict[_Place, list[str]] = defaultdict(list)
        for name in sorted(names, key=_rank):
            same_place = kept[_place(name)]
            if not any(_is_rendition(name, other) for other in same_place):
                same_place.append(name)
        best: list[str] = []
        for same_place in list(kept.values()):
            # A file whose name without the suffix for a size is another file is a rendition of that one.
            best += [name for name in same_place if not kept.get(_place_without_size(name))]
        return sorted(best)

    def _full_size(self, name: str, taken: Container[str]) -> str:
        """Returns the image itself if a name means its GIF, which is the thumbnail."""
        if _extension(name) != "gif":
            return name
        renditions = []
        for other in self._by_stem[_normalised(_stem(name))]:
            if other not in taken and _place(other) == _place(name) and _is_rendition(other, name):
                renditions.append(other)
        return min(renditions or [name], key=_rank)


def image_name(href: str) -> str:
    """Returns a name as it is compared with those of other figures: with its folder as written, in NFC."""
    path = next(_spellings(href), "")
    return unicodedata.normalize("NFC", posixpath.normpath(path))


def _spellings(href: str) -> Iterator[str]:
    """Yields the possible readings of a name, the most likely first, each once.

    As written; without the query of a URL; percent-decoded; without a drive letter; with and without PLOS's prefix.
    """
    path = href.strip().replace("\\", "/").rstrip("/")
    without_query = _QUERY.sub("", path)
    if "://" not in path and _extension(without_query) not in _RANK:
        without_query = path  # not a URL, and no extension before the sign: it is part of the name

    spellings = [path, without_query]
    for decode in (unquote, unquote_plus):
        spellings.append(decode(without_query).replace("\\", "/").strip())
    spellings += [_DRIVE.sub("", spelling, count=1) for spelling in spellings if _DRIVE.match(spelling)]

    with_or_without_prefix = []
    for spelling in spellings:
        folder, base = posixpath.split(spelling)
        if base.startswith(_PLOS_PREFIX):
            other = base.removeprefix(_PLOS_PREFIX)
        else:
            other = _PLOS_PREFIX + base
        with_or_without_prefix.append(posixpath.join(folder, other))

    for spelling in dict.fromkeys(spellings + with_or_without_prefix):
        if posixpath.basename(spelling):
            yield spelling


def _nearest(files: Sequence[str], path: str, folder: str) -> Sequence[str]:
    """Returns the files of one folder: as written, else the most similar one, else that of the article's XML or below.

    Empty if several folders are equally likely: a wrong image is worse than a missing one.
    """
    by_folder: defaultdict[str, list[str]] = defaultdict(list)
    for file in files:
        by_folder[folder_of(file)].append(file)
    if len(by_folder) <= 1:
        return files

    wanted = _wanted_folder(path, folder)
    if wanted in by_folder:
        return by_folder[wanted]

    written = posixpath.dirname(path)
    parts = [part for part in written.split("/") if part not in ("", ".", "..")]
    shared = {place: _n_shared_folders(place.split("/"), parts) for place in by_folder}
    most = max(shared.values())
    if most > 0:
        likely = [place for place, n in shared.items() if n == most]
        return by_folder[likely[0]] if len(likely) == 1 else ()
    if folder in by_folder:
        return by_folder[folder]
    below = [place for place in by_folder if folder and place.startswith(f"{folder}/")]
    return by_folder[below[0]] if len(below) == 1 else ()


def folder_of(name: str) -> str:
    """Returns the folder of a file, empty for the top of the package."""
    return posixpath.dirname(_with_slashes(name))


def parents(folder: str) -> Iterator[str]:
    """Yields a folder and the folders that contain it, the innermost first, without the top of the package."""
    while folder.strip("/"):
        yield folder
        folder = posixpath.dirname(folder)


def _is_in(file: str, path: str, folder: str) -> bool:
    """Returns whether a file is in the folder that a path names, relative to the folder of the XML."""
    return folder_of(file) == _wanted_folder(path, folder)


def _wanted_folder(path: str, folder: str) -> str:
    wanted = posixpath.normpath(posixpath.join(folder, posixpath.dirname(path)))
    return "" if wanted == "." else wanted


def _n_shared_folders(one: Sequence[str], other: Sequence[str]) -> int:
    """Returns how many of the innermost folders of two paths are the same."""
    n = 0
    for a, b in zip(reversed(one), reversed(other), strict=False):
        if _normalised(a) != _normalised(b):
            break
        n += 1
    return n


def _is_rendition(name: str, other: str) -> bool:
    """Returns whether two files of the same place show one image; `F1.JPG` and `f1.jpg` are two images."""
    return _stem(name) == _stem(other) or _RANK[_extension(name)] != _RANK[_extension(other)]


def _place(name: str) -> _Place:
    return folder_of(name), _normalised(_stem(name))


def _place_without_size(name: str) -> _Place:
    """Returns the place of the image of which a file is another size; without such a suffix, the place of no image."""
    stem = _stem(name)
    bare = _SIZE_SUFFIX.sub("", stem)
    return folder_of(name), _normalised(bare) if bare != stem else ""


def _rank(name: str) -> tuple[int, str]:
    return _RANK[_extension(name)], name


def _extension(name: str) -> str:
    return name.rpartition(".")[2].strip().lower() if "." in name else ""


def _stem(name: str) -> str:
    return stem_of(_base(name))


def _base(name: str) -> str:
    """Returns the name without folders; in NFC, because macOS stores letters and accents apart."""
    return unicodedata.normalize("NFC", posixpath.basename(_with_slashes(name)).strip())


def _with_slashes(name: str) -> str:
    return name.replace("\\", "/")


def _normalised(text: str) -> str:
    return unicodedata.normalize("NFC", text.casefold())
