"""The sections of a recipe other than its stages: [run], [source], [labels] and [release]."""

from __future__ import annotations

import datetime
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roco.base.errors import RecipeError, nearest
from roco.base.files import digest
from roco.core.source import Source
from roco.core.spec import build
from roco.release.metadata import Metadata
from roco.sources import SOURCES, BucketSource
from roco.sources.bucket.address import is_address

SECTIONS = ("run", "source", "labels", "release", "override", "stage")
RUN_OPTIONS = ("folder", "base", "previous")
LABEL_OPTIONS = ("log", "rounds")


@dataclass(frozen=True)
class Labels:
    """The label log of a recipe; it is outside the run folder, because labels outlive a run.

    rounds: the rounds whose labels are used; empty for all that are not blind.
    """

    log: Path
    rounds: tuple[str, ...] = ()


def read_toml(path: Path) -> dict[str, Any]:
    """Reads a recipe as TOML; raises RecipeError if the file is missing or invalid."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as err:
        hint = f"write one to start with: roco init {path.parent if path.parent.name else 'demo'}"
        raise RecipeError(f"recipe not found: {path}", hint) from err
    except IsADirectoryError as err:
        raise RecipeError(f"{path} is a folder, not a recipe", "use the .toml file in it") from err
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        hint = "compare it with a shipped recipe: roco recipe rocov2"
        raise RecipeError(f"invalid TOML in {path}: {err}", hint) from err


def table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Returns a section; an absent one is empty."""
    section = data.get(name, {})
    if not isinstance(section, dict):
        raise RecipeError(f"[{name}] is not a table", f"write [{name}] on a line of its own")
    return section


def check_names(data: Mapping[str, Any], known: Iterable[str], what: str, where: str = "") -> None:
    """Raises RecipeError for an unknown name, with the nearest known one."""
    known = list(known)
    for name in data:
        if name not in known:
            raise RecipeError(f"unknown {what} '{name}'{where}", nearest(name, known))


def run_folder(value: Any, recipe: Path, here: Path) -> Path:
    """Returns the run folder that [run] names; here: the folder of the recipe."""
    if value is None:
        raise RecipeError(f"missing option 'folder' in [run] ({recipe})", 'write folder = "runs/first" under [run]')
    if not isinstance(value, str):
        raise RecipeError(f"invalid run folder {value!r} in [run]", 'write a string: folder = "runs/first"')
    if "\0" in value or not value.strip():
        raise RecipeError(f"invalid run folder {value!r}", 'write folder = "runs/first"')
    folder = (here / value).resolve()
    if folder == here:
        raise RecipeError("the run folder is the folder of the recipe", 'use one of its own: folder = "runs/first"')
    if folder.exists() and not folder.is_dir():
        raise RecipeError(f"the run folder {folder} is a file", "choose another folder")
    return folder


def check_previous(previous: Any, folder: Path, here: Path) -> None:
    """Raises RecipeError if [run] names the previous release wrongly, or inside the run folder."""
    if previous is None:
        return
    if not isinstance(previous, str) or "\0" in previous or not previous.strip():
        raise RecipeError(
            f"invalid option previous = {previous!r} in [run]", "set it to the folder of a release, or omit it"
        )
    if (here / previous).resolve().is_relative_to(folder):
        # Each run would read its own release as a changed previous release, and never be up to date.
        message = f"previous = {previous!r} is inside the folder of this run"
        hint = "omit it: a run grows from the release in its folder; or choose another run folder"
        raise RecipeError(message, hint)


def labels(data: Mapping[str, Any], folder: Path, here: Path) -> Labels | None:
    """Returns the section [labels]; None if the recipe has none."""
    if "labels" not in data:
        return None
    options = table(data, "labels")
    check_names(options, LABEL_OPTIONS, "option", " in [labels]")
    log: Labels = build(Labels, options, "[labels]", here)
    if log.log.resolve().is_relative_to(folder):
        hint = "choose a path outside it, because labels outlive a run"
        raise RecipeError(f"the label log {log.log} is inside the run folder", hint)
    return log


def metadata(data: Mapping[str, Any]) -> Metadata | None:
    """Returns the section [release]; None if the recipe has none."""
    if "release" not in data:
        return None
    options = dict(table(data, "release"))
    if isinstance(options.get("date"), datetime.date):
        options["date"] = options["date"].isoformat()  # TOML has dates of its own, written without quotes
    described: Metadata = build(Metadata, options, "[release]")
    return described


def sources(data: Mapping[str, Any], folder: Path, here: Path) -> list[Source]:
    """Returns the sources of a recipe: one under [source], or several under [[source]]; folder: the run folder."""
    entries = data.get("source", {})
    if isinstance(entries, list) and entries and all(isinstance(entry, dict) for entry in entries):
        return [_source(entry, folder, here) for entry in entries]
    return [_source(table(data, "source"), folder, here)]


def _source(entry: Mapping[str, Any], folder: Path, here: Path) -> Source:
    options = dict(entry)
    kind = options.pop("kind", None)
    if not kind:
        raise RecipeError("missing option 'kind' in [source]", f"kind is one of {', '.join(SOURCES)}")
    if not isinstance(kind, str) or kind not in SOURCES:
        raise RecipeError(f"unknown source kind {kind!r}", nearest(str(kind), SOURCES))
    where = f"source '{kind}'"
    if kind == BucketSource.kind and is_address(options.get("path")):
        options.setdefault("state", str(folder / "source" / digest(options["path"])[:8]))
        options.setdefault("contact", os.environ.get("ROCO_CONTACT", ""))
        if isinstance(options.get("snapshot"), datetime.date):
            options["snapshot"] = options["snapshot"].isoformat()  # TOML has dates of its own, written without quotes
        of_bucket: Source = build(BucketSource, options, where, here)
        return of_bucket
    source: Source = build(SOURCES[kind], options, where, here)
    return source
