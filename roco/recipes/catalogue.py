"""The catalogue of stages, as data and as text, for `roco stages` and docs/stages.md."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roco.base.schema import COLUMNS
from roco.core.contract import ENGINE_REASONS
from roco.core.stage import Measure, Publication, Stage
from roco.recipes.shipped import shipped, summary
from roco.stages import STAGES

_PARTS = ("needs", "reads", "optional", "dropped", "writes", "lends", "reasons", "ensures")
"""The parts of a contract, in the order in which they are printed."""


def describe() -> list[dict[str, Any]]:
    """Returns one entry for each stage: name, kind, scope, description, contract, options."""
    return [describe_stage(name, cls) for name, cls in STAGES.items()]


def describe_stage(name: str, cls: type[Stage]) -> dict[str, Any]:
    """Returns one entry of the catalogue; in column names, NAME stands for the name of the stage."""
    kind = "measure" if issubclass(cls, Measure) else "publication" if issubclass(cls, Publication) else "decision"
    summary, _, more = inspect.cleandoc(cls.__doc__ or "").partition("\n\n")
    contract = _example(cls).contract
    return {
        "name": name,
        "kind": kind,
        "scope": contract.scope,
        "version": cls.version,
        "summary": summary.replace("\n", " "),
        "more": more,
        "needs": [need if isinstance(need, str) else need[0] for need in contract.needs],
        "reads": list(contract.reads),
        "optional": list(contract.optional),
        "dropped": list(contract.dropped),
        "writes": {column: str(kind) for column, kind in contract.columns.items()},
        "lends": {column: str(kind) for column, kind in contract.lends.items()},
        "reasons": {reason: meaning for reason, (meaning, _) in contract.reasons.items()},
        "ensures": list(contract.ensures),
        "options": [_option(field) for field in dataclasses.fields(cls) if field.init and field.name != "name"],
    }


def _example(cls: type[Stage]) -> Stage:
    """Returns a stage called NAME with default options; the value of a required option is its own name."""
    hints = typing.get_type_hints(cls)
    options: dict[str, Any] = {}
    for field in dataclasses.fields(cls):
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if field.init and required:
            options[field.name] = Path(field.name) if hints[field.name] is Path else field.name
    return cls(**options, name="NAME")


def _option(field: dataclasses.Field[Any]) -> dict[str, Any]:
    if field.default is not dataclasses.MISSING:
        default = field.default
    elif field.default_factory is not dataclasses.MISSING:
        default = field.default_factory()
    else:
        default = "required"
    return {"name": field.name, "type": str(field.type), "default": default}


def text() -> str:
    """Returns the catalogue as text for a terminal."""
    lines = []
    for stage in describe():
        lines.append(f"{stage['name']}  ({stage['kind']})")
        lines.append(f"  {stage['summary']}")
        for part in _PARTS:
            if stage[part]:
                lines.append(f"  {part}: {', '.join(stage[part])}")
        for option in stage["options"]:
            lines.append(f"  {option['name']} = {_toml(option['default'])}")
        lines.append("")
    lines.append("Shipped recipes, to use as base or to copy with `roco recipe NAME > mine.toml`:")
    lines += [f"  {name}: {summary(name)}" for name in shipped()]
    return "\n".join(lines)


def markdown() -> str:
    """Returns the text of docs/stages.md."""
    stages = describe()
    lines = ["# Stages", "", "Generated from the code by `make docs`; `roco stages` prints the same.", ""]
    lines += ["| stage | kind | what it does |", "|---|---|---|"]
    lines += [f"| [`{stage['name']}`](#{stage['name']}) | {stage['kind']} | {stage['summary']} |" for stage in stages]
    for stage in stages:
        lines += ["", f"## {stage['name']}", "", stage["summary"], ""]
        lines += [stage["more"], ""] if stage["more"] else []
        for part in _PARTS:
            if stage[part]:
                lines.append(f"- {part}: {', '.join(f'`{word}`' for word in stage[part])}")
        lines += _options_table(stage)
    lines += ["", "## Columns", "", "| column | type | meaning |", "|---|---|---|"]
    lines += [f"| `{name}` | {column.type} | {column.meaning} |" for name, column in COLUMNS.items()]
    lines += ["", "## Reasons", "", "| reason | stage | the figure is dropped because |", "|---|---|---|"]
    lines += [f"| `{reason}` | {stage} | {meaning} |" for reason, stage, meaning in _reasons(stages)]
    return "\n".join(lines) + "\n"


def _reasons(stages: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Returns reason, stage and meaning, in the order of the stages; the engine's own reasons last."""
    rows = []
    for stage in stages:
        rows += [(reason, f"`{stage['name']}`", meaning) for reason, meaning in stage["reasons"].items()]
    return rows + [(reason, "any", meaning) for reason, (meaning, _) in ENGINE_REASONS.items()]


def _options_table(stage: Mapping[str, Any]) -> list[str]:
    if not stage["options"]:
        return []
    rows = [f"| `{o['name']}` | {o['type'].replace('|', 'or')} | `{_toml(o['default'])}` |" for o in stage["options"]]
    return ["", "| option | type | default |", "|---|---|---|", *rows]


def _toml(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    return f'"{value}"' if isinstance(value, str) and value != "required" else str(value)
