"""Reads a recipe: one TOML file that names the source and the stages in order.

Everything is checked before the first row is read; errors on unknown names suggest the nearest one.
"""

from __future__ import annotations

import dataclasses
import os
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roco.base.errors import RecipeError, nearest
from roco.core import pipeline as core
from roco.core.run import Outcome, Run
from roco.core.source import Source
from roco.core.spec import build, find
from roco.core.stage import Stage
from roco.sources import SOURCES
from roco.sources.several import Several
from roco.stages import STAGES

SECTIONS = ("run", "source", "labels", "stage")
RUN_OPTIONS = ("folder", "base", "previous")
LABEL_OPTIONS = ("log", "rounds")

_READ_PREVIOUS = ("pins", "release")
"""The stages with the option `previous`."""


class Pipeline(core.Pipeline):
    """A source and stages, for use in Python: `Run(Pipeline(source, (License(), Image(), …)), folder).do()`."""

    def __init__(self, source: Source, stages: Sequence[Stage]) -> None:
        super().__init__(source, tuple(stages), STAGES)


@dataclass(frozen=True)
class Labels:
    """The label log of a recipe; it is outside the run folder, because labels outlive a run.

    rounds: the rounds whose labels are used; empty for all.
    """

    log: Path
    rounds: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recipe:
    """A recipe that has been read and checked."""

    path: Path
    folder: Path
    base: str | None
    pipeline: Pipeline
    labels: Labels | None = None

    def open(self, until: str | None = None) -> Run:
        """Returns the run of this recipe; until: the stage after which it ends."""
        pipeline = self.pipeline if until is None else self.pipeline.until(until)
        named = {"recipe": self.path.name} | ({"base": self.base} if self.base else {})
        return Run(pipeline, self.folder, named)

    def run(self, **options: Any) -> Outcome:
        """Runs whatever is missing or out of date; options as for `Run.do`."""
        return self.open().do(**options)


def load_recipe(path: str | os.PathLike[str]) -> Recipe:
    """Reads and checks a recipe; raises RecipeError."""
    path = Path(path)
    data = _read(path)
    _check_names(data, SECTIONS, "section")
    options = _table(data, "run")
    _check_names(options, RUN_OPTIONS, "option", " in [run]")
    here = path.resolve().parent
    folder = _run_folder(options.get("folder"), path, here)
    if str(here) not in sys.path:
        sys.path.append(str(here))  # the folder of the recipe may contain a module with stages
    _check_previous(options.get("previous"), folder, here)
    labels = _labels(data, folder, here)
    entries = _with_shared_options(_entries(data, options, path), options.get("previous"))
    stages = [_stage(entry, number, here, labels) for number, entry in enumerate(entries, 1)]
    sources = [_source(table, here) for table in _source_tables(data)]
    if any(folder.is_relative_to(source.path.resolve()) for source in sources):
        raise RecipeError("the run folder is inside the source, so it would be read as input", "choose another folder")
    source = sources[0] if len(sources) == 1 else Several.of(*sources)
    return Recipe(path, folder, options.get("base"), Pipeline(source, stages), labels)


def shipped() -> dict[str, Path]:
    """Returns the recipes that are shipped with roco, by name."""
    return {path.stem: path for path in sorted(Path(__file__).parent.glob("*.toml"))}


# --- sections ---------------------------------------------------------------------------------------------------------


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as err:
        hint = f"write one to start with: roco init {path.parent if path.parent.name else 'demo'}"
        raise RecipeError(f"recipe not found: {path}", hint) from err
    except IsADirectoryError as err:
        raise RecipeError(f"{path} is a folder, not a recipe", "use the .toml file in it") from err
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        hint = "compare it with a shipped recipe (listed at the end of `roco stages`)"
        raise RecipeError(f"invalid TOML in {path}: {err}", hint) from err


def _run_folder(value: Any, recipe: Path, here: Path) -> Path:
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


def _check_previous(previous: Any, folder: Path, here: Path) -> None:
    if previous is None:
        return
    if not isinstance(previous, str) or "\0" in previous or not previous.strip():
        raise RecipeError(
            f"invalid option previous = {previous!r} in [run]", "set it to the folder of a release, or omit it"
        )
    if (here / previous).resolve().is_relative_to(folder):
        # Each run would read its own release as a changed previous release, and never be up to date.
        message = f"previous = {previous!r} is inside the folder of this run"
        raise RecipeError(message, "choose another run folder")


def _labels(data: Mapping[str, Any], folder: Path, here: Path) -> Labels | None:
    if "labels" not in data:
        return None
    options = _table(data, "labels")
    _check_names(options, LABEL_OPTIONS, "option", " in [labels]")
    labels: Labels = build(Labels, options, "[labels]", here)
    if labels.log.resolve().is_relative_to(folder):
        hint = "choose a path outside it, because labels outlive a run"
        raise RecipeError(f"the label log {labels.log} is inside the run folder", hint)
    return labels


def _source_tables(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Returns the options of each source: one under [source], or several under [[source]]."""
    sources = data.get("source", {})
    if isinstance(sources, list) and sources and all(isinstance(source, dict) for source in sources):
        return list(sources)
    return [_table(data, "source")]


def _source(table: Mapping[str, Any], here: Path) -> Source:
    options = dict(table)
    kind = options.pop("kind", None)
    if not kind:
        raise RecipeError("missing option 'kind' in [source]", f"kind is one of {', '.join(SOURCES)}")
    if not isinstance(kind, str) or kind not in SOURCES:
        raise RecipeError(f"unknown source kind {kind!r}", nearest(str(kind), SOURCES))
    source: Source = build(SOURCES[kind], options, f"source '{kind}'", here)
    return source


# --- stages -----------------------------------------------------------------------------------------------------------


def _entries(data: Mapping[str, Any], options: Mapping[str, Any], path: Path) -> list[dict[str, Any]]:
    """Returns the [[stage]] entries of the recipe, or those of the shipped recipe that `base` names."""
    entries, base = data.get("stage", []), options.get("base")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise RecipeError(f"invalid [[stage]] entries ({path})", "write [[stage]], with two brackets, for each")
    if base is None:
        if not entries:
            hint = f"write [[stage]] entries, or base = one of {', '.join(shipped())}"
            raise RecipeError(f"no stages ({path})", hint)
        return entries
    if entries:
        hint = f"copy {shipped().get(str(base), 'the shipped recipe')} and edit the copy"
        raise RecipeError(f"both base = {base!r} and [[stage]] entries ({path})", hint)
    if not isinstance(base, str) or base not in shipped():
        raise RecipeError(f"unknown shipped recipe {base!r}", nearest(str(base), shipped()))
    return list(_read(shipped()[base])["stage"])


def _with_shared_options(entries: list[dict[str, Any]], previous: Any) -> list[dict[str, Any]]:
    """Copies the option `previous` of [run] to the stages that read the previous release."""
    if previous is None:
        return entries
    growing = [entry for entry in entries if entry.get("use") in _READ_PREVIOUS]
    if len({entry["use"] for entry in growing}) < len(_READ_PREVIOUS):
        raise RecipeError(
            f"`previous` in [run] needs the stages {' and '.join(_READ_PREVIOUS)}", "add them as [[stage]] entries"
        )
    return [{"previous": previous, **entry} if entry in growing else entry for entry in entries]


def _stage(entry: Mapping[str, Any], number: int, here: Path, labels: Labels | None) -> Stage:
    options = dict(entry)
    use, name = options.pop("use", None), options.pop("name", None)
    if not isinstance(use, str):
        raise RecipeError(f"missing option 'use' (stage {number})", 'write use = "…"; `roco stages` lists all stages')
    if use in STAGES:
        cls: type = STAGES[use]
    elif ":" in use:
        cls = find(use)
    else:
        raise RecipeError(f"unknown stage '{use}' (stage {number})", nearest(use, STAGES))
    if not issubclass(cls, Stage):
        raise RecipeError(
            f"'{use}' is not a stage (stage {number})", "derive the class from roco.Measure or roco.Decision"
        )
    name = name or (use if use in STAGES else use.rpartition(":")[2].lower())
    if labels is not None:
        options = _with_labels(cls, options, labels)
    stage: Stage = build(cls, {**options, "name": name}, f"stage '{name}'", here)
    return stage


def _with_labels(cls: type, options: dict[str, Any], labels: Labels) -> dict[str, Any]:
    """Copies [labels] to the options `log` and `rounds` of a stage that has them and does not set them itself."""
    fields = {field.name for field in dataclasses.fields(cls)}
    if "log" not in fields or "rounds" not in fields:
        return options
    return {"log": labels.log, "rounds": list(labels.rounds), **options}


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = data.get(name, {})
    if not isinstance(table, dict):
        raise RecipeError(f"[{name}] is not a table", f"write [{name}] on a line of its own")
    return table


def _check_names(data: Mapping[str, Any], known: Sequence[str], what: str, where: str = "") -> None:
    for name in data:
        if name not in known:
            raise RecipeError(f"unknown {what} '{name}'{where}", nearest(name, known))
