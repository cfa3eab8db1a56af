"""What stages there are, as data and as text: `roco stages` and docs/stages.md are made from it."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from typing import Any

from roco.base.schema import COLUMNS, DROP, REASONS
from roco.core.stage import Measure, Publication, Stage
from roco.recipes.load import shipped
from roco.stages import STAGES


def describe() -> list[dict[str, Any]]:
    """One entry a stage: name, kind, scope, what it says of itself, needs, reads, writes, reasons, options."""
    return [_describe(name, cls) for name, cls in STAGES.items()]


def _describe(name: str, cls: type[Stage]) -> dict[str, Any]:
    kind = "measure" if issubclass(cls, Measure) else "publication" if issubclass(cls, Publication) else "decision"
    doc = inspect.cleandoc(cls.__doc__ or "")
    return {
        "name": name,
        "kind": kind,
        "scope": cls.scope,
        "version": cls.version,
        "says": doc.split("\n\n")[0].replace("\n", " "),
        "more": "\n\n".join(doc.split("\n\n")[1:]),
        "needs": [n if isinstance(n, str) else n[0] for n in _plain(cls, "needs")],
        "reads": list(_plain(cls, "reads")),
        "writes": {n: str(t) for n, t in _plain(cls, "writes").items() if n not in DROP},
        "reasons": list(cls.reasons),
        "options": [_option(f) for f in dataclasses.fields(cls) if f.init],
    }


def _plain(cls: type[Stage], name: str) -> Any:
    value = getattr(cls, name)
    return () if isinstance(value, property) else value


def _option(field: dataclasses.Field[Any]) -> dict[str, Any]:
    if field.default is not dataclasses.MISSING:
        default = field.default
    elif field.default_factory is not dataclasses.MISSING:
        default = field.default_factory()
    else:
        default = "required"
    return {"name": field.name, "type": str(field.type), "default": default}


def text() -> str:
    """The stages for a terminal."""
    lines = []
    for stage in describe():
        lines.append(f"{stage['name']}  ({stage['kind']})")
        lines.append(f"  {stage['says']}")
        for word in ("needs", "reads", "writes", "reasons"):
            if stage[word]:
                lines.append(f"  {word}: {', '.join(stage[word])}")
        for option in stage["options"]:
            lines.append(f"  {option['name']} = {_toml(option['default'])}")
        lines.append("")
    lines.append("Shipped recipes, to be copied or named as base:")
    lines += [f"  {name}: {path}" for name, path in shipped().items()]
    return "\n".join(lines)


def markdown() -> str:
    """docs/stages.md."""
    lines = ["# Stages", "", "Made from the code by `make docs`; `roco stages` prints the same.", ""]
    lines += ["| stage | kind | what it does |", "|---|---|---|"]
    lines += [f"| [`{s['name']}`](#{s['name']}) | {s['kind']} | {s['says']} |" for s in describe()]
    for stage in describe():
        lines += ["", f"## {stage['name']}", "", stage["says"], ""]
        lines += [stage["more"], ""] if stage["more"] else []
        for word in ("needs", "reads", "writes", "reasons"):
            if stage[word]:
                lines.append(f"- {word}: {', '.join(f'`{w}`' for w in stage[word])}")
        lines += _options_table(stage)
    lines += ["", "## Columns", "", "| column | type | meaning |", "|---|---|---|"]
    lines += [f"| `{name}` | {column.type} | {column.meaning} |" for name, column in COLUMNS.items()]
    lines += ["", "## Reasons", "", "| reason | a figure leaves because |", "|---|---|"]
    lines += [f"| `{name}` | {meaning} |" for name, meaning in REASONS.items()]
    return "\n".join(lines) + "\n"


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
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    return f'"{value}"' if isinstance(value, str) and value != "required" else str(value)
