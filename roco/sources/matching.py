"""Which file of a package an article means by a name."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import unquote, unquote_plus

from roco.base.formats import FORMAT_OF_EXTENSION, FORMATS, IMAGE_EXTENSIONS
from roco.sources.jats.renditions import stem_of

# Renditions in two extensions of one format are of equal rank; JPEG 2000, which is not decoded, comes last.
_RANK = {
    extension: FORMATS.index(FORMAT_OF_EXTENSION[extension]) if extension in FORMAT_OF_EXTENSION else len(FORMATS)
    for extension in IMAGE_EXTENSIONS
}
# What publishers append to the name of an image for another size of it.
_SIZE = re.compile(r"[._-](?:thumb(?:nail)?s?|tn|small|sml|lrg|large|hi-?res|[0-9]{2,4}x[0-9]{2,4})$", re.IGNORECASE)
_QUERY = re.compile(r"[?#].*", re.DOTALL)
_DRIVE = re.compile(r"(?:file|[a-z]):", re.IGNORECASE)


class Images:
    """The image files of one package, found by the names that its article writes.

    names: all files of the package, with folders; `all` holds the images among them, sorted.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.all = sorted(n for n in names if _extension(n) in _RANK and not _base(n).startswith("._"))
        self._bases: defaultdict[str, list[str]] = defaultdict(list)
        self._stems: defaultdict[str, list[str]] = defaultdict(list)
        for name in self.all:
            self._bases[_fold(_base(name))].append(name)
            self._stems[_fold(_stem(name))].append(name)

    def find(self, href: str, folder: str = "") -> str | None:
        """The file meant by a name: as written, in another case, then of the same stem; null when it is not one.

        folder: where the article's XML lies. Of several renditions the best is taken, so a GIF beside a JPEG,
        which is its thumbnail, only when it is alone. Where several files fit alike, none is guessed.
        """
        for path in _spellings(href):
            base = _base(path)
            if files := self._bases.get(_fold(base)):
                near = _nearest([f for f in files if _base(f) == base] or files, path, folder)
                return self._full(near[0]) if len(near) == 1 else None
            for stem in (base, stem_of(base)):
                if files := self._stems.get(_fold(stem)):
                    near = _nearest([f for f in files if _stem(f) == stem] or files, path, folder)
                    return min(near, key=_rank) if len({_stem(f) for f in near}) == 1 else None
        return None

    def renditions(self, names: Iterable[str]) -> set[str]:
        """The other files with the folder and stem of the named ones, or with their stem and a mark of its size."""
        taken = set(names)
        places: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for name in taken:
            places[_place(name)].append(name)
        return {
            n
            for n in self.all
            if n not in taken
            and (_unmarked(n) in places or any(_is_rendition(n, t) for t in places.get(_place(n), ())))
        }

    def best(self, names: Iterable[str]) -> list[str]:
        """Of files that are renditions of one image the best one, sorted."""
        kept: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for name in sorted(names, key=_rank):
            same = kept[_place(name)]
            if not any(_is_rendition(name, other) for other in same):
                same.append(name)
        return sorted(n for same in list(kept.values()) for n in same if not kept.get(_unmarked(n)))

    def _full(self, name: str) -> str:
        """The image itself where a name means its GIF, which is the thumbnail."""
        if _extension(name) != "gif":
            return name
        same = [f for f in self._stems[_fold(_stem(name))] if _place(f) == _place(name)]
        return min([f for f in same if _is_rendition(f, name)] or [name], key=_rank)


def _spellings(href: str) -> Iterator[str]:
    """A path as written, then as an address or another system may mean it, then with and without PLOS's prefix."""
    path = href.strip().replace("\\", "/").rstrip("/")
    bare = _QUERY.sub("", path)
    if "://" not in path and _extension(bare) not in _RANK:
        bare = path  # a sign of the name, not a query
    found = [path, bare, *(un(bare).replace("\\", "/").strip() for un in (unquote, unquote_plus))]
    found += [_DRIVE.sub("", p, count=1) for p in found if _DRIVE.match(p)]
    for p in list(found):
        folder, base = posixpath.split(p)
        other = base.removeprefix("journal.") if base.startswith("journal.") else f"journal.{base}"
        found.append(posixpath.join(folder, other))
    return (p for p in dict.fromkeys(found) if posixpath.basename(p))


def _nearest(files: Sequence[str], path: str, folder: str) -> Sequence[str]:
    """Of files in several folders those of one: the written folder, else that with its name, else the XML's own.

    None where that leaves it open.
    """
    folders = defaultdict(list)
    for file in files:
        folders[posixpath.dirname(_slashed(file))].append(file)
    if len(folders) == 1:
        return files
    written = posixpath.dirname(path)
    wanted = posixpath.normpath(posixpath.join(folder, written))
    if (wanted := "" if wanted == "." else wanted) in folders:
        return folders[wanted]
    parts = [part for part in written.split("/") if part not in ("", ".", "..")]
    shared = {place: _common_tail(place.split("/"), parts) for place in folders}
    most = [place for place in shared if 0 < shared[place] == max(shared.values())]
    if most:
        return folders[most[0]] if len(most) == 1 else ()
    return folders.get(folder, ())


def _common_tail(one: Sequence[str], other: Sequence[str]) -> int:
    """How many of the innermost folders two paths share."""
    n = 0
    for a, b in zip(reversed(one), reversed(other), strict=False):
        if _fold(a) != _fold(b):
            break
        n += 1
    return n


def _is_rendition(name: str, other: str) -> bool:
    """Whether two files of one folder and folded stem show one image: `F1.JPG` and `f1.jpg` are two."""
    return _stem(name) == _stem(other) or _RANK[_extension(name)] != _RANK[_extension(other)]


def _place(name: str) -> tuple[str, str]:
    return posixpath.dirname(_slashed(name)), _fold(_stem(name))


def _unmarked(name: str) -> tuple[str, str]:
    """The place of the image that a file shows in another size; no image's place where its name says no such thing."""
    stem = _stem(name)
    bare = _SIZE.sub("", stem)
    return posixpath.dirname(_slashed(name)), _fold(bare) if bare != stem else ""


def _rank(name: str) -> tuple[int, str]:
    return _RANK[_extension(name)], name


def _extension(name: str) -> str:
    return name.rpartition(".")[2].strip().lower() if "." in name else ""


def _stem(name: str) -> str:
    return stem_of(_base(name))


def _base(name: str) -> str:
    """The name without folders; macOS takes letters apart from their accents, here they are one again."""
    return unicodedata.normalize("NFC", posixpath.basename(_slashed(name)).strip())


def _slashed(name: str) -> str:
    return name.replace("\\", "/")


def _fold(text: str) -> str:
    return unicodedata.normalize("NFC", text.casefold())
