"""The stages of a recipe: its [[stage]] entries, or those of a shipped recipe with the options of [[override]].

The sections [run], [labels] and [release] have options that several stages share; they are copied to these stages.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from roco.base.errors import RecipeError, nearest
from roco.core.spec import build, find
from roco.core.stage import Stage
from roco.recipes.sections import Labels, read_toml
from roco.recipes.shipped import shipped, shipped_path
from roco.release.metadata import Metadata
from roco.stages import STAGES

Entry = dict[str, Any]
"""One [[stage]]: `use`, `name`, and the options of the stage."""

_READ_PREVIOUS = ("pins", "release")
"""The stages with the option `previous`."""


@dataclasses.dataclass(frozen=True)
class Shared:
    """Options of a recipe that are copied to the stages that have them.

    previous: of [run], a folder. labels, metadata: the sections [labels] and [release].
    """

    previous: Any = None
    labels: Labels | None = None
    metadata: Metadata | None = None


def build_stages(data: Mapping[str, Any], base: Any, path: Path, here: Path, shared: Shared) -> list[Stage]:
    """Returns the stages of a recipe in its order.

    base: the name of a shipped recipe, or None; here: the folder that relative paths refer to.
    """
    entries = _listed(data.get("stage", []), base, path)
    entries = _with_overrides(entries, data.get("override", []), base)
    entries = _with_previous(entries, shared.previous)
    stages = [_stage(entry, number, here, shared) for number, entry in enumerate(entries, 1)]
    if shared.metadata is not None and not any(_has_option(type(stage), "metadata") for stage in stages):
        raise RecipeError("[release] without the stage 'release'", 'add [[stage]] use = "release" at the end')
    return stages


# --- entries ---------------------------------------------------------------------------------------------------------


def _listed(entries: Any, base: Any, path: Path) -> list[Entry]:
    """Returns the [[stage]] entries of the recipe, or those of the shipped recipe that `base` names."""
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise RecipeError(f"invalid [[stage]] entries ({path})", "write [[stage]], with two brackets, for each")
    if base is None:
        if not entries:
            hint = f"write [[stage]] entries, or base = one of {', '.join(shipped())}"
            raise RecipeError(f"no stages ({path})", hint)
        return entries
    if entries:
        name = base if isinstance(base, str) and base in shipped() else "rocov2"
        hint = f"change options of the base with [[override]], or copy the base: roco recipe {name} > mine.toml"
        raise RecipeError(f"both base = {base!r} and [[stage]] entries ({path})", hint)
    return list(read_toml(shipped_path(base))["stage"])


def _with_overrides(entries: list[Entry], overrides: Any, base: Any) -> list[Entry]:
    """Returns the entries of the base with the options that the [[override]] entries set."""
    if not isinstance(overrides, list) or not all(isinstance(one, dict) for one in overrides):
        raise RecipeError("invalid [[override]] entries", "write [[override]], with two brackets, for each")
    if overrides and base is None:
        hint = "set the options in the [[stage]] entries of the recipe"
        raise RecipeError("[[override]] without base in [run]", hint)
    seen: set[str] = set()
    for number, override in enumerate(overrides, 1):
        options = dict(override)
        name = options.pop("stage", None)
        where = f"([[override]] {number})"
        if not isinstance(name, str):
            raise RecipeError(f"missing option 'stage' {where}", 'name a stage of the base: stage = "cutoff"')
        if name in seen:
            raise RecipeError(f"two [[override]] entries for stage '{name}'", "put their options into one")
        for reserved in {"use", "name"} & options.keys():
            hint = f"an override sets options only; to use another stage, copy the base: roco recipe {base} > mine.toml"
            raise RecipeError(f"'{reserved}' cannot be overridden {where}", hint)
        if not options:
            raise RecipeError(f"no options {where}", f"write an option of stage '{name}', or remove the entry")
        seen.add(name)
        entries = _overridden(entries, name, options, str(base))
    return entries


def _overridden(entries: list[Entry], name: str, options: Entry, base: str) -> list[Entry]:
    names = [_name(entry) for entry in entries]
    if name in names:
        at = names.index(name)
        return [*entries[:at], {**entries[at], **options}, *entries[at + 1 :]]
    implied = _implied(entries)
    if name in implied:
        # A measure that the base only needs: listed last, it is computed where it is first needed.
        return [*entries, {"use": name, **options}]
    raise RecipeError(f"no stage '{name}' in base '{base}' ([[override]])", nearest(name, [*names, *implied]))


def _implied(entries: Sequence[Entry]) -> list[str]:
    """Returns the measures that the stages need but the entries do not list, also those needed by other measures."""
    implied: list[str] = []
    pending = [STAGES[entry["use"]] for entry in entries]
    while pending:
        for need in pending.pop().needs:
            name = need if isinstance(need, str) else need[0]
            if name not in implied:
                implied.append(name)
                pending.append(STAGES[name])
    listed = {_name(entry) for entry in entries}
    return [name for name in implied if name not in listed]


def _with_previous(entries: list[Entry], previous: Any) -> list[Entry]:
    """Copies the option `previous` of [run] to the stages that read the previous release."""
    if previous is None:
        return entries
    growing = [entry for entry in entries if entry.get("use") in _READ_PREVIOUS]
    if len({entry["use"] for entry in growing}) < len(_READ_PREVIOUS):
        raise RecipeError(
            f"`previous` in [run] needs the stages {' and '.join(_READ_PREVIOUS)}", "add them as [[stage]] entries"
        )
    return [{"previous": previous, **entry} if entry in growing else entry for entry in entries]


def _name(entry: Mapping[str, Any]) -> str:
    """Returns the name of a stage: its own, its name in the catalogue, or its class in lower case."""
    use = str(entry["use"])
    return str(entry.get("name") or (use if use in STAGES else use.rpartition(":")[2].lower()))


# --- stages ----------------------------------------------------------------------------------------------------------


def _stage(entry: Mapping[str, Any], number: int, here: Path, shared: Shared) -> Stage:
    options = dict(entry)
    use = options.pop("use", None)
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
    options["name"] = name = _name(entry)
    if shared.labels is not None and _has_option(cls, "log") and _has_option(cls, "rounds"):
        options = {"log": shared.labels.log, "rounds": list(shared.labels.rounds), **options}
    if shared.metadata is not None and _has_option(cls, "metadata"):
        if "metadata" in options:
            raise RecipeError(f"[release] and metadata (stage '{name}')", "keep one of the two")
        options["metadata"] = shared.metadata
    stage: Stage = build(cls, options, f"stage '{name}'", here)
    return stage


def _has_option(cls: type, name: str) -> bool:
    return any(field.name == name for field in dataclasses.fields(cls))
