"""Which file of a package an article means by a name."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Sequence
from urllib.parse import unquote

from roco.sources.jats_figures import RASTER, stem_of

_RANK = {extension: i for i, extension in enumerate(RASTER)} | {
    "jpeg": 0,
    "jpe": 0,
    "jfif": 0,
    "tiff": RASTER.index("tif"),
}


class Images:
    """The image files of one package, found by the names that its article writes.

    names: all files of the package, with folders; `all` holds the images among them, sorted.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.all = sorted(n for n in names if _extension(n) in _RANK and not posixpath.basename(n).startswith("._"))
        self.named: defaultdict[str, list[str]] = defaultdict(list)
        self.folded: defaultdict[str, list[str]] = defaultdict(list)
        self.stems: defaultdict[str, list[str]] = defaultdict(list)
        for name in self.all:
            base = posixpath.basename(name)
            self.named[base].append(name)
            self.folded[base.casefold()].append(name)
            self.stems[stem_of(base).casefold()].append(name)

    def find(self, href: str, folder: str = "") -> str | None:
        """The file meant by a name: as written, in another case, then of the same stem; null when it is not one.

        folder: where the article's XML lies. Of several renditions the best is taken, so a GIF beside a JPEG,
        which is its thumbnail, only when it is alone.
        """
        for path in _spellings(href):
            base = posixpath.basename(path)
            for files in (self.named.get(base), self.folded.get(base.casefold())):
                if files and (name := _nearest(files, path, folder)):
                    return self._better(name) if _extension(name) == "gif" else name
            for stem in (base, stem_of(base)):
                if name := self._by_stem(stem, path, folder):
                    return name
        return None

    def renditions(self, names: Iterable[str]) -> set[str]:
        """The other files with the folder and stem of the named ones."""
        taken = set(names)
        stems = {_folder_and_stem(n) for n in taken}
        return {n for n in self.all if n not in taken and _folder_and_stem(n) in stems}

    def best(self, names: Iterable[str]) -> list[str]:
        """Of files that differ only in their extension the best one, sorted."""
        found: dict[tuple[str, str], str] = {}
        for name in sorted(names, key=_rank):
            found.setdefault(_folder_and_stem(name), name)
        return sorted(found.values())

    def _by_stem(self, stem: str, path: str, folder: str) -> str | None:
        files = self.stems.get(stem.casefold(), [])
        files = [f for f in files if stem_of(posixpath.basename(f)) == stem] or files
        if len({posixpath.splitext(f)[0] for f in files}) > 1:
            wanted = {posixpath.normpath(posixpath.join(folder, posixpath.dirname(path))), folder}
            files = [f for f in files if posixpath.dirname(f) in wanted]
        if len({_folder_and_stem(f) for f in files}) != 1 or len({stem_of(f) for f in files}) != 1:
            return None
        return min(files, key=_rank)

    def _better(self, name: str) -> str:
        same = [
            f
            for f in self.stems[stem_of(posixpath.basename(name)).casefold()]
            if _folder_and_stem(f) == _folder_and_stem(name)
        ]
        return min(same, key=_rank)


def _spellings(href: str) -> Iterable[str]:
    """A name as written, without the query of an address, unquoted, and without PLOS's prefix."""
    path = href.strip().replace("\\", "/").rstrip("/")
    bare = path.split("#")[0].split("?")[0] if "://" in path else path
    plain = unquote(bare)
    base = posixpath.basename(plain)
    found = [path, bare, plain]
    if base.startswith("journal."):
        found.append(base.removeprefix("journal."))
    return [p for p in dict.fromkeys(found) if p]


def _nearest(files: Sequence[str], path: str, folder: str) -> str | None:
    """Of files of one name in several folders the one at the written path, else the one beside the XML."""
    if len(files) == 1:
        return files[0]
    for wanted in (posixpath.normpath(posixpath.join(folder, path)), posixpath.join(folder, posixpath.basename(path))):
        same = [f for f in files if f.casefold() == wanted.casefold()]
        exact = [f for f in same if f == wanted] or same
        if len(exact) == 1:
            return exact[0]
    return None


def _extension(name: str) -> str:
    return name.rpartition(".")[2].lower() if "." in name else ""


def _folder_and_stem(name: str) -> tuple[str, str]:
    folder, base = posixpath.split(name)
    return folder, stem_of(base).casefold()


def _rank(name: str) -> tuple[int, str]:
    return _RANK[_extension(name)], name
