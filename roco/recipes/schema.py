"""The JSON Schema of a recipe, with which an editor completes and checks its options."""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from roco.core.stage import Stage
from roco.recipes.sections import Labels, read_toml
from roco.recipes.shipped import shipped
from roco.release.metadata import Metadata
from roco.sources import SOURCES, BucketSource
from roco.stages import STAGES

Schema = dict[str, Any]

_SIMPLE: Mapping[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    Path: {"type": "string", "description": "A path, relative to the recipe."},
}

_RUN = {
    "folder": "The run folder: measurements, decisions, and the release in FOLDER/release.",
    "base": "A shipped recipe, whose stages are used.",
    "previous": "The folder of a release to grow from; a run grows from the release in its own folder anyway.",
}


def schema() -> Schema:
    """Returns the schema (draft 2020-12); stages from modules of one's own may have any option."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A recipe of roco",
        "type": "object",
        "properties": {
            "run": _run(),
            "source": {"oneOf": [_source(), {"type": "array", "items": _source(), "minItems": 1}]},
            "labels": _dataclass(Labels),
            "release": _dataclass(Metadata),
            "override": {"type": "array", "items": {"oneOf": [_override(*item) for item in _overridable().items()]}},
            "stage": {"type": "array", "items": {"oneOf": [*map(_stage, STAGES), _custom_stage()]}},
        },
        "required": ["run", "source"],
        "additionalProperties": False,
    }


def _run() -> Schema:
    properties: Schema = {name: {"type": "string", "description": text} for name, text in _RUN.items()}
    properties["base"]["enum"] = sorted(shipped())
    return _object(properties, ["folder"], "Where the run is, and which stages it has.")


def _source() -> Schema:
    """Returns the schema of one source; each kind has options of its own."""
    kinds = []
    for kind, cls in [*SOURCES.items(), (BucketSource.kind, BucketSource)]:
        options = _dataclass(cls)
        options["properties"] = {"kind": {"const": kind}, **options["properties"]}
        options["required"] = ["kind", *options["required"]]
        if kind == BucketSource.kind:
            _distinguish_bucket(options, is_bucket=cls is BucketSource)
        kinds.append(options)
    return {"oneOf": kinds}


def _distinguish_bucket(options: Schema, *, is_bucket: bool) -> None:
    """Lets the path decide between a folder and a bucket; a recipe need not set the state of a bucket."""
    has_address = {"pattern": "^(s3|https?)://"}
    options["properties"]["path"] |= has_address if is_bucket else {"not": has_address}
    options["required"] = ["kind", "path"]


def _stage(use: str) -> Schema:
    options = _dataclass(STAGES[use])
    name = {"type": "string", "description": "The name of the stage; by default that of its class."}
    options["properties"] = {"use": {"const": use}, **options["properties"], "name": name}
    options["required"] = ["use", *options["required"]]
    return options


def _custom_stage() -> Schema:
    use = {"type": "string", "pattern": ":", "description": "A stage of your own, as module:Class."}
    return {"type": "object", "properties": {"use": use}, "required": ["use"], "additionalProperties": True}


def _overridable() -> dict[str, type[Stage]]:
    """Returns the stages of the shipped recipes and the measures that these need, by name."""
    stages = {name: STAGES[name] for name in _needed()}
    for path in shipped().values():
        for entry in read_toml(path)["stage"]:
            stages[entry.get("name", entry["use"])] = STAGES[entry["use"]]
    return dict(sorted(stages.items()))


def _needed() -> set[str]:
    return {need if isinstance(need, str) else need[0] for cls in STAGES.values() for need in cls.needs}


def _override(stage: str, cls: type[Stage]) -> Schema:
    options = _dataclass(cls)
    return _object({"stage": {"const": stage}, **options["properties"]}, ["stage"], options["description"])


# --- types -----------------------------------------------------------------------------------------------------------


def _dataclass(cls: type) -> Schema:
    """Returns the schema of a table with the fields of a dataclass."""
    hints = typing.get_type_hints(cls)
    properties: Schema = {}
    required = []
    for field in dataclasses.fields(cls):
        is_stage_name = field.name == "name" and issubclass(cls, Stage)
        if not field.init or is_stage_name:
            continue
        properties[field.name] = dict(_type(hints[field.name]))
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            required.append(field.name)
        elif isinstance(field.default, str | int | float):
            properties[field.name]["default"] = field.default
    return _object(properties, required, _first_sentence(cls))


def _object(properties: Schema, required: Iterable[str], description: str) -> Schema:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _type(hint: Any) -> Schema:
    """Returns the schema of the values that `core.spec.build` accepts for a type."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        alternatives = [_type(one) for one in args if one is not type(None)]
        return alternatives[0] if len(alternatives) == 1 else {"anyOf": alternatives}
    if origin is Literal:
        return {"enum": list(args)}
    if origin is tuple and len(args) == 2 and args[1] is Ellipsis:
        return {"type": "array", "items": _type(args[0])}
    if origin is tuple:
        return {"type": "array", "prefixItems": [_type(one) for one in args], "minItems": len(args)}
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _dataclass(hint)
    return _SIMPLE.get(hint, {})


def _first_sentence(cls: type) -> str:
    return inspect.cleandoc(cls.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
