"""The concepts that a model can predict, in a fixed order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from roco.base.errors import DataError, UsageError
from roco.base.files import path_error, write_text
from roco.base.ids import is_cui
from roco.base.readers import UNREADABLE, read_text
from roco.base.terminal import excerpt

FILE = "labels/concepts_vocab.txt"
"""The vocabulary in a release or an export, if it has one: a CUI a line."""


@dataclass(frozen=True)
class Vocabulary:
    """The CUIs of a multi-hot vector, in order: position i of the vector is `cuis[i]`."""

    cuis: tuple[str, ...]

    @classmethod
    def of(cls, rows: Iterable[Iterable[str]]) -> Vocabulary:
        """Returns the concepts of rows, the most frequent first, those that are equally frequent by CUI."""
        counts = Counter(cui for concepts in rows for cui in set(concepts))
        return cls(tuple(sorted(counts, key=lambda cui: (-counts[cui], cui))))

    @classmethod
    def read(cls, path: str | Path) -> Vocabulary:
        """Reads a file with a CUI a line, as `save` writes it; raises DataError for another line or a repeated CUI."""
        try:
            lines = read_text(Path(path)).splitlines()
        except UNREADABLE as err:
            raise DataError(f"{path}: unreadable: {excerpt(err)}", "give a file with a CUI a line") from err
        for number, line in enumerate(lines, start=1):
            if not is_cui(line):
                raise DataError(f"{path}, line {number}: '{excerpt(line)}' is not a CUI", "write a CUI a line")
        if len(set(lines)) < len(lines):
            (cui, _), *_ = Counter(lines).most_common(1)
            raise DataError(f"{path}: {cui} is in several lines", "keep one of them")
        return cls(tuple(lines))

    def save(self, path: str | Path) -> None:
        """Writes the CUIs, one a line; raises UsageError if the file exists with other content."""
        path, text = Path(path), "".join(f"{cui}\n" for cui in self.cuis)
        try:
            if path.exists() and path.read_text(encoding="utf-8") != text:
                raise UsageError(f"{path} exists and has other content", "give a new file")
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(path, text)
        except OSError as err:
            raise path_error(err) from err

    @cached_property
    def index(self) -> dict[str, int]:
        """Returns the position of each CUI."""
        return {cui: position for position, cui in enumerate(self.cuis)}

    def __len__(self) -> int:
        return len(self.cuis)
