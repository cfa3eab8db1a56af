"""Files of captions with concepts: CSV, or JSON lines such as rows of the first ROCO; also compressed by gzip."""

from __future__ import annotations

import contextlib
import gzip
import re
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from roco.base.errors import DataError, nearest
from roco.base.ids import is_cui
from roco.base.json_text import parse_json
from roco.base.named_columns import named_columns
from roco.base.readers import LONGEST_LINE, UNREADABLE
from roco.base.terminal import excerpt

MOST_ROWS = 5_000_000
MOST_BYTES = 4 << 30
"""Rows and bytes, without compression, of one file."""

SUFFIXES = (".jsonl", ".jsonl.gz")
NAMES = {
    "id": ("id", "roco_id", "image_id"),
    "caption": ("caption",),
    "cuis": ("cuis", "concepts"),
    "group": ("article", "pmcid", "group"),
    "manual": ("manual", "concepts_manual"),
    "split": ("split",),
}
"""Field of a row -> the names that its column or key may have, in any case."""
REQUIRED = ("id", "caption", "cuis")

_SEPARATORS = re.compile(r"[;|,\s]+")
_SURROGATES = re.compile("[\ud800-\udfff]")


class Row(NamedTuple):
    """One caption with its concepts.

    group: the article, or the id where it is unknown. cuis: all concepts; manual: those that people assigned, which
    cuis contains as well. split: train, valid, test, or empty.
    """

    id: str
    group: str
    caption: str
    cuis: tuple[str, ...]
    manual: tuple[str, ...] = ()
    split: str = ""


def read_file(path: Path) -> Iterator[tuple[int, Row]]:
    """Yields line number and row; raises DataError with file and line for the first invalid one."""
    is_json = path.name.removesuffix(".gz").endswith((".jsonl", ".ndjson", ".json"))
    with contextlib.closing(lines_of(path)) as lines:
        for number, (line, fields) in enumerate(_json(path, lines) if is_json else _csv(path, lines), start=1):
            if number > MOST_ROWS:
                _refuse(path, line, f"more than {MOST_ROWS:,} rows", "divide the file")
            yield line, _row(path, line, fields)


def _json(path: Path, lines: Iterator[str]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for line, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            fields = parse_json(text)
        except ValueError as err:
            raise DataError(
                f"{path}, line {line}: invalid JSON: {excerpt(err, 60)}", "write one JSON object per line"
            ) from err
        if not isinstance(fields, dict):
            _refuse(path, line, "not a JSON object", "write one JSON object per line, with id, caption and cuis")
        names = _places(path, line, [str(name) for name in fields])
        yield line, {field: fields[name] for field, name in names.items()}


def _csv(path: Path, lines: Iterator[str]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    fields = (*REQUIRED, *(field for field in NAMES if field not in REQUIRED))
    other_names = {name: field for field, names in NAMES.items() for name in names}
    for line, cells in named_columns(path, lines, REQUIRED, fields[len(REQUIRED) :], other_names):
        yield line, dict(zip(fields, cells, strict=True))


def _places(path: Path, line: int, given: list[str]) -> dict[str, str]:
    """Returns the name of the column or key of each field; raises DataError if one is missing or there are two."""
    places: dict[str, str] = {}
    for field, names in NAMES.items():
        present = [name for name in given if name.lower() in names]
        if len(present) > 1:
            _refuse(path, line, f"columns '{excerpt(present[0])}' and '{excerpt(present[1])}'", "keep one of them")
        if present:
            places[field] = present[0]
        elif field in REQUIRED:
            hint = nearest(field, [excerpt(name, 40) for name in given[:100] if name])
            _refuse(path, line, f"missing column '{field}'", hint)
    return places


def _row(path: Path, line: int, fields: Mapping[str, Any]) -> Row:
    texts = {}
    for field in ("id", "caption", "group", "split"):
        value = fields.get(field)
        if value is None:
            value = ""
        if not isinstance(value, str | int):
            _refuse(path, line, f"{field} is not a text", "write it in quotes")
        # A surrogate of its own is no character; a replacement leaves offsets of others as they are.
        texts[field] = _SURROGATES.sub("\ufffd", str(value))
    id = texts["id"].strip()
    if not id:
        _refuse(path, line, "no id", "give each row its own id")
    cuis, manual = (cuis_of(path, line, fields.get(field)) for field in ("cuis", "manual"))
    # The order of the paper: manual concepts first.
    every = tuple(dict.fromkeys((*manual, *cuis))) if not set(manual) <= set(cuis) else cuis
    return Row(id, texts["group"].strip() or id, texts["caption"], every, manual, texts["split"].strip())


def cuis_of(path: Path, line: int, value: Any) -> tuple[str, ...]:
    """Returns the CUIs of a list, or of a text in which `;`, `|`, commas or spaces separate them; each once."""
    if isinstance(value, str):
        value = [cui for cui in _SEPARATORS.split(value) if cui]
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(cui, str) for cui in value):
        _refuse(path, line, "concepts are neither a list nor a text", "write CUIs such as C0040405;C0817096")
    for cui in value:
        if not is_cui(cui):
            _refuse(path, line, f"invalid CUI '{excerpt(cui, 40)}'", "a CUI is C and seven digits")
    return tuple(dict.fromkeys(value))


def lines_of(path: Path) -> Generator[str, None, None]:
    """Yields the lines of a text file in UTF-8; raises DataError if it is corrupt, too large or not UTF-8."""
    line = size = 0
    try:
        with _opened(path) as fh:
            while data := fh.readline(LONGEST_LINE):
                line += 1
                size += len(data)
                if len(data) == LONGEST_LINE:
                    _refuse(path, line, f"more than {LONGEST_LINE:,} bytes in a line", "give a file with line breaks")
                if size > MOST_BYTES:
                    _refuse(path, line, f"larger than {MOST_BYTES >> 30} GB", "divide the file")
                yield data.decode("utf-8-sig" if line == 1 else "utf-8")
    except UnicodeDecodeError as err:
        raise DataError(f"{path}, line {line}: not UTF-8", "save the file as UTF-8") from err
    except UNREADABLE as err:
        raise DataError(f"{path} cannot be read: {excerpt(err)}", "check the file") from err


def _opened(path: Path) -> Any:
    with path.open("rb") as fh:
        is_compressed = fh.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if is_compressed else path.open("rb")


def _refuse(path: Path, line: int, what: str, hint: str) -> NoReturn:
    raise DataError(f"{path}, line {line}: {what}", hint)
