"""A recipe: one TOML file that names the source and the stages in order, checked before the first row is read."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roco.base.errors import RecipeError, nearest
from roco.core import pipeline as core
from roco.core.run import Outcome, run
from roco.core.source import Source
from roco.core.spec import build, find
from roco.core.stage import Stage
from roco.sources import SOURCES
from roco.sources.several import Several
from roco.stages import STAGES

SECTIONS = ("run", "source", "stage")
RUN_OPTIONS = ("folder", "base", "previous")


GROWING = ("pins", "release")
"""The stages that read the release a run grows from."""


class Pipeline(core.Pipeline):
    """A source and stages, the second door beside recipes: `Pipeline(source, (License(), Image(), …)).run(folder)`."""

    def __init__(self, source: Source, stages: Sequence[Stage | tuple[str, Stage]]) -> None:
        super().__init__(source, tuple(stages), STAGES)

    def run(self, folder: str | os.PathLike[str], **options: Any) -> Outcome:
        """Does what is not done; options as for `roco.core.run.run`."""
        return run(self, folder, **options)


@dataclass(frozen=True)
class Recipe:
    """A recipe that has been read and checked."""

    path: Path
    folder: Path
    base: str | None
    pipeline: Pipeline

    def run(self, **options: Any) -> Outcome:
        """Does what is not done; options as for `roco.core.run.run`."""
        return self.pipeline_run(self.pipeline, **options)

    def pipeline_run(self, pipeline: core.Pipeline, **options: Any) -> Outcome:
        given = {"recipe": self.path.name, **({"base": self.base} if self.base else {})}
        return run(pipeline, self.folder, recipe=given, **options)


def load_recipe(path: str | os.PathLike[str]) -> Recipe:
    """Reads and checks a recipe; raises RecipeError with the nearest name for what there is not."""
    path = Path(path)
    data = _read(path)
    _known(data, SECTIONS, "a recipe has no section")
    options = _table(data, "run")
    _known(options, RUN_OPTIONS, "[run] has no option")
    if not isinstance(options.get("folder"), str):
        raise RecipeError(f"{path}: [run] does not say where the run goes", 'write  folder = "runs/first"  under [run]')
    here = path.resolve().parent
    folder = _folder(options["folder"], here)
    if str(here) not in sys.path:
        sys.path.append(str(here))  # stages from outside may lie beside the recipe
    _apart(folder, options.get("previous"), here)
    entries = _grown(_entries(data, options, path), options.get("previous"))
    stages = [_stage(entry, i, here) for i, entry in enumerate(entries, 1)]
    sources = [_source(options, here) for options in _sources(data)]
    if any(folder.is_relative_to(source.path.resolve()) for source in sources):
        raise RecipeError("the run folder lies in the source, which would be read as input", "name another folder")
    source = sources[0] if len(sources) == 1 else Several.of(*sources)
    return Recipe(path, folder, options.get("base"), Pipeline(source, stages))


def _folder(said: str, here: Path) -> Path:
    if "\0" in said or not said.strip():
        raise RecipeError(f"[run] folder cannot be {said!r}", 'write a folder of its own: folder = "runs/first"')
    folder = (here / said).resolve()
    if folder == here:
        raise RecipeError("the run folder is the folder of the recipe", 'give it its own: folder = "runs/first"')
    if folder.exists() and not folder.is_dir():
        raise RecipeError(f"the run folder {folder} is a file", "name another folder")
    return folder


def _apart(folder: Path, previous: Any, here: Path) -> None:
    """A run that reads its own release as the previous one would never come to an end."""
    if isinstance(previous, str) and ("\0" in previous or not previous.strip()):
        raise RecipeError(f"[run] previous cannot be {previous!r}", "name the folder of a release, or leave it out")
    if isinstance(previous, str) and (here / previous).resolve().is_relative_to(folder):
        raise RecipeError(
            f"[run] previous = {previous!r} lies in the folder of this run", "give this run a folder of its own"
        )


def shipped() -> dict[str, Path]:
    """The recipes that come with roco, by name."""
    return {p.stem: p for p in sorted(Path(__file__).parent.glob("*.toml"))}


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as err:
        hint = f"roco init {path.parent if path.parent.name else 'demo'}  writes one to begin with"
        raise RecipeError(f"there is no recipe {path}", hint) from err
    except IsADirectoryError as err:
        raise RecipeError(f"{path} is a folder, not a recipe", "name the .toml file in it") from err
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        raise RecipeError(f"{path} is not TOML: {err}", "compare with the recipes that `roco stages` names") from err


def _entries(data: Mapping[str, Any], options: Mapping[str, Any], path: Path) -> list[dict[str, Any]]:
    entries, base = data.get("stage", []), options.get("base")
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise RecipeError(f"{path}: stages are written as [[stage]]", "with two brackets, once for each stage")
    if base is None:
        if not entries:
            raise RecipeError(
                f"{path} names no stage", f"write [[stage]] entries, or base = one of {', '.join(shipped())}"
            )
        return entries
    if entries:
        raise RecipeError(
            f"{path} has both base = {base!r} and stages of its own",
            f"copy {shipped().get(str(base), 'the shipped recipe')} and change the copy",
        )
    if not isinstance(base, str) or base not in shipped():
        raise RecipeError(f"there is no shipped recipe {base!r}", nearest(str(base), shipped()))
    return list(_read(shipped()[base])["stage"])


def _grown(entries: list[dict[str, Any]], previous: Any) -> list[dict[str, Any]]:
    """The stages with the release that this run grows from: it is said once, and several stages read it."""
    if previous is None:
        return entries
    growing = [e for e in entries if e.get("use") in GROWING]
    if len({e["use"] for e in growing}) < len(GROWING):
        raise RecipeError(
            f"[run] previous asks for the stages {' and '.join(GROWING)}", "add them as [[stage]] entries"
        )
    return [{"previous": previous, **e} if e in growing else e for e in entries]


def _sources(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The options of each source: one under [source], or several under [[source]]."""
    told = data.get("source", {})
    if isinstance(told, list) and told and all(isinstance(one, dict) for one in told):
        return list(told)
    return [_table(data, "source")]


def _source(said_options: Mapping[str, Any], here: Path) -> Source:
    options = dict(said_options)
    kind = options.pop("kind", None)
    if not isinstance(kind, str) or kind not in SOURCES:
        said = f"there is no source of kind {kind!r}" if kind else "[source] does not say its kind"
        raise RecipeError(said, nearest(str(kind), SOURCES) if kind else f"kind = one of {', '.join(SOURCES)}")
    source: Source = build(SOURCES[kind], options, f"source '{kind}'", here)
    return source


def _stage(entry: Mapping[str, Any], i: int, here: Path) -> tuple[str, Stage]:
    options = dict(entry)
    use, name = options.pop("use", None), options.pop("name", None)
    if not isinstance(use, str):
        raise RecipeError(f"stage {i} does not say what it uses", 'write  use = "…"; `roco stages` lists what there is')
    if use in STAGES:
        cls: type = STAGES[use]
    elif ":" in use:
        cls = find(use)
    else:
        raise RecipeError(f"stage {i} uses '{use}', which there is not", nearest(use, STAGES))
    if not issubclass(cls, Stage):
        raise RecipeError(f"'{use}' is no stage", "derive the class from roco.Measure or roco.Decision")
    name = name or (use if use in STAGES else use.rpartition(":")[2].lower())
    return str(name), build(cls, options, f"stage '{name}'", here)


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = data.get(name, {})
    if not isinstance(table, dict):
        raise RecipeError(f"[{name}] is not a table", f"write [{name}] on a line of its own")
    return table


def _known(data: Mapping[str, Any], names: Sequence[str], what: str) -> None:
    for name in data:
        if name not in names:
            raise RecipeError(f"{what} '{name}'", nearest(name, names))
