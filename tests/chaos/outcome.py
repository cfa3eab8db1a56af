"""What a finished run leaves in its folder, and the first difference between two of them."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from roco.base.sealed_tables import read_table
from roco.core import manifest
from roco.recipes.load import load_recipe
from roco.release.read import Release

_LOCKS = (".lock", ".plan.lock")
_BYTES = ("release", "decisions", "measures", "ledger")
"""The folders whose files must have the same bytes."""


@dataclass(frozen=True)
class Outcome:
    """A finished run.

    files: SHA-256 by name. packs: SHA-256 of each entry. rows: all columns of all figures. parts: without the times of
    the source's files. manifest: without the times of the run's files. problems: what `roco verify` reports. leftovers:
    temporary files.
    """

    files: Mapping[str, str]
    packs: Mapping[str, Mapping[str, str]]
    rows: pa.Table
    parts: pa.Table
    manifest: Mapping[str, Any]
    problems: Sequence[str]
    leftovers: Sequence[str]


def outcome(recipe: Path) -> Outcome:
    """Reads the folder of a finished run."""
    run = load_recipe(recipe).open()
    try:
        rows = run.figures(sorted(run.written()))
    finally:
        run.close()
    folder = run.files.root
    paths = [folder / "funnel.json", *(path for name in _BYTES for path in (folder / name).rglob("*"))]
    with Release.open(folder / "release") as release:
        problems = [str(problem) for problem in release.verify()]
    return Outcome(
        files={str(path.relative_to(folder)): _sha256(path.read_bytes()) for path in paths if _is_compared(path)},
        packs={path.name: _entries(path) for path in sorted((folder / "images").glob("*.pack"))},
        rows=rows,
        parts=read_table(folder / "parts.parquet")[0].drop_columns(["stamp"]),
        manifest={name: n for name, n in manifest.load(folder / "manifest.json").items() if name != "seal"},
        problems=problems,
        leftovers=leftovers(folder),
    )


def _is_compared(path: Path) -> bool:
    # The record of what was published contains times.
    is_record = path.parent.name == "ledger" and path.suffix == ".json"
    return path.is_file() and not is_record and not path.name.startswith(".")


def leftovers(folder: Path) -> list[str]:
    """Returns the temporary files and folders of a run folder."""
    hidden = [path for path in folder.rglob(".*") if path.name not in _LOCKS]
    return sorted(str(path.relative_to(folder)) for path in hidden if "source" not in path.relative_to(folder).parts)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _entries(pack: Path) -> dict[str, str]:
    try:
        with zipfile.ZipFile(pack) as opened:
            return {name: _sha256(opened.read(name)) for name in opened.namelist()}
    except zipfile.BadZipFile:
        return {}


def difference(want: Outcome, got: Outcome, *, recipe_changed: bool = False, packs_damaged: bool = False) -> str | None:
    """Returns the first difference; None if there is none.

    recipe_changed: measures of another recipe may be there as well, and values of figures that only the other recipe
    kept long enough to be measured. packs_damaged: packs may lack images, which are read from the source instead.
    """
    if got.problems:
        return f"roco verify: {got.problems[0]}"
    if got.leftovers:
        return f"temporary files: {', '.join(got.leftovers[:5])}"
    return (
        _rows(want.rows, got.rows, recipe_changed)
        or _named("", want.files, got.files, free="measures/" if recipe_changed else None)
        or _named("manifest.json: ", want.manifest, got.manifest)
        or (None if packs_damaged else _named("images/", want.packs, got.packs))
        or (None if got.parts.equals(want.parts) else "parts.parquet: other articles or parts")
    )


def _rows(want: pa.Table, got: pa.Table, recipe_changed: bool) -> str | None:
    if want.equals(got):
        return None
    if want.column_names != got.column_names:
        return f"figures: other columns, {sorted(set(want.column_names) ^ set(got.column_names))}"
    if want.schema != got.schema:
        return "figures: other types"
    ids = [set(table["figure_id"].to_pylist()) for table in (want, got)]
    if ids[0] != ids[1]:
        return f"figures: missing {sorted(ids[0] - ids[1])[:3]}, unexpected {sorted(ids[1] - ids[0])[:3]}"
    for before, now in zip(want.to_pylist(), got.to_pylist(), strict=True):
        for name in want.column_names:
            is_left_over = recipe_changed and before["drop"] is not None and before[name] is None
            if before[name] != now[name] and not is_left_over:
                return f"figure {before['figure_id']}: {name} is {now[name]!r:.120}, not {before[name]!r:.120}"
    return None if recipe_changed else "figures: other order"


def _named(where: str, want: Mapping[str, Any], got: Mapping[str, Any], free: str | None = None) -> str | None:
    """Returns the first name whose value differs; free: beginning of names that may be additional, or differ."""
    for name in sorted(want.keys() | got.keys()):
        if name not in got:
            return f"{where}{name} is missing"
        if free is not None and name.startswith(free):
            continue
        if name not in want:
            return f"{where}{name} is unexpected"
        if want[name] != got[name]:
            return f"{where}{name} differs"
    return None
