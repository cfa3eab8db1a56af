"""Checks the values of flags against a release, and finds the concepts that they stand for."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import pyarrow.compute as pc

from roco.base.errors import DataError, UsageError, nearest
from roco.base.ids import is_cui
from roco.base.labels import KINDS
from roco.base.licenses import LICENSES
from roco.base.named_columns import named_columns
from roco.base.packed import lines
from roco.base.schema import SPLITS
from roco.base.terminal import excerpt
from roco.release.format import CUI_MAPPING
from roco.release.read import Release
from roco.release.select.flags import SelectOptions

MOST_BYTES = 2 << 30
"""Bytes of a file of relations, decompressed: all relations of UMLS are smaller."""


def checked(release: Release, flags: SelectOptions) -> SelectOptions:
    """Returns the flags with each value as the release writes it; raises UsageError for an unknown one."""
    known: dict[str, Collection[str]] = {**KINDS}
    known |= {"license": LICENSES, "split": SPLITS}
    changed: dict[str, tuple[str, ...]] = {}
    for name in ("modality", "region", "direction", "license", "split", "language"):
        values: tuple[str, ...] = getattr(flags, name)
        if values:
            of_release = _values(release, name)
            changed[name] = tuple(_named(name, value, {*known.get(name, ()), *of_release}) for value in values)
    return dataclasses.replace(flags, **changed)  # type: ignore[arg-type]


def _named(name: str, value: str, known: Collection[str]) -> str:
    by_lower = {one.lower(): one for one in known}
    # `CC BY-NC` is how license_information.csv writes CC-BY-NC.
    for written in (value, value.replace(" ", "-")):
        if written.lower() in by_lower:
            return by_lower[written.lower()]
    noun = {"license": "licence"}.get(name, name)
    raise UsageError(f"unknown {noun} '{excerpt(value, 60)}' (--{name})", nearest(value, known))


def _values(release: Release, column: str) -> list[str]:
    """Returns the values of a column, none if the release lacks it: then the query reports it."""
    if column not in release.columns:
        return []
    return [value for value in pc.unique(release.table(columns=[column])[column]).to_pylist() if value]


# --- concepts ------------------------------------------------------------------------------------------------


def concepts(release: Release, wanted: Iterable[str], relations: Path | None) -> frozenset[str] | None:
    """Returns the CUIs of the release that the wanted concepts stand for; None if none are wanted.

    wanted: CUIs or names, in any case. relations: a CSV file with the columns child and parent; the descendants of each
    concept count as well. Raises UsageError for a concept that the release does not contain, nor any descendant of it.
    """
    written = list(wanted)
    if not written:
        if relations is not None:
            raise UsageError("--with-descendants without --concept", "name the concept: --concept C0032285")
        return None
    names = release.concept_names() if (release.path / CUI_MAPPING).is_file() else {}
    children = _children(relations) if relations is not None else {}
    found: set[str] = set()
    for value in written:
        cui = value.strip() if is_cui(value.strip()) else cui_of_name(value, names)
        below = _descendants(cui, children)
        present = below & names.keys() if names else below
        if not present:
            raise UsageError(f"no image has the concept '{cui}'{_or_below(relations)} (--concept)", _near(cui, names))
        found |= present
    return frozenset(found)


def _or_below(relations: Path | None) -> str:
    return "" if relations is None else " or one of its descendants"


def _near(cui: str, names: Mapping[str, str]) -> str:
    hint = nearest(cui, names)
    similar = hint.partition("'")[2].partition("'")[0]
    return f"did you mean {similar} ({names[similar]})?" if similar in names else hint


def cui_of_name(name: str, names: Mapping[str, str], option: str = "--concept") -> str:
    """Returns the CUI of a name, in any case; of several concepts with one name, the first.

    Raises UsageError, with the nearest name, for an unknown one. option: named in the error.
    """
    lower: dict[str, str] = {}
    for cui, known in names.items():
        lower.setdefault(known.lower(), cui)
    if name.strip().lower() not in lower:
        hint = nearest(name.strip().lower(), lower)
        similar = hint.partition("'")[2].rpartition("'")[0]
        if similar in lower:
            hint = f"did you mean {lower[similar]} ({names[lower[similar]]})?"
        raise UsageError(f"unknown concept '{excerpt(name, 60)}' ({option})", hint)
    return lower[name.strip().lower()]


def _children(path: Path) -> dict[str, list[str]]:
    """Reads the children of each concept."""
    children: defaultdict[str, list[str]] = defaultdict(list)
    for line, (child, parent) in named_columns(path, lines(path, MOST_BYTES), ("child", "parent")):
        child, parent = child.strip(), parent.strip()
        for cui in (child, parent):
            if not is_cui(cui):
                hint = "write CUIs such as C0040405 in the columns child and parent"
                raise DataError(f"{path}, line {line}: invalid CUI '{excerpt(cui, 40)}'", hint)
        children[parent].append(child)
    return children


def _descendants(cui: str, children: Mapping[str, list[str]]) -> set[str]:
    """Returns a concept and all concepts below it; the relations may form cycles."""
    below: set[str] = set()
    waiting = [cui]
    while waiting:
        current = waiting.pop()
        if current not in below:
            below.add(current)
            waiting += children.get(current, ())
    return below
