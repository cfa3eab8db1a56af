"""Stages and sources as plain values and back: what a recipe says, and what a worker is told."""

from __future__ import annotations

import dataclasses
import importlib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roco.base.errors import RecipeError, nearest


def to_spec(thing: Any) -> dict[str, Any]:
    """`{"use": "module:Class", "options": {…}}` of a frozen dataclass."""
    options = {f.name: getattr(thing, f.name) for f in dataclasses.fields(thing) if f.init}
    return {"use": reference(type(thing)), "options": {k: _plain(v) for k, v in options.items()}}


def from_spec(spec: Mapping[str, Any]) -> Any:
    """Makes again what `to_spec` described."""
    return build(find(spec["use"]), spec["options"], spec["use"])


def reference(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


def find(use: str) -> type:
    """The class that `module:Class` names."""
    module_name, _, name = use.partition(":")
    if not module_name or not name:
        raise RecipeError(f"'{use}' names no class", "write module:Class")
    try:
        module = importlib.import_module(module_name)
    except ImportError as err:
        hint = "modules are found where Python finds them: installed, or beside the recipe"
        raise RecipeError(f"'{use}': {err}", hint) from err
    found: Any = module
    for piece in name.split("."):
        found = getattr(found, piece, None)
    if not isinstance(found, type):
        raise RecipeError(f"'{use}': the module has no such class", nearest(name, vars(module)))
    return found


def build(cls: type, options: Mapping[str, Any], where: str, base: Path | None = None) -> Any:
    """Makes a dataclass from named options; unknown names and wrong types are told with what would be right.

    base: the folder that relative paths are relative to.
    """
    hints = typing.get_type_hints(cls)
    fields = {f.name: hints[f.name] for f in dataclasses.fields(cls) if f.init}
    for name in options:
        if name not in fields:
            raise RecipeError(f"{where} has no option '{name}'", nearest(name, fields))
    values = {k: _coerce(v, fields[k], f"{where}: option '{k}'", base) for k, v in options.items()}
    try:
        return cls(**values)
    except TypeError as err:
        required = [
            f.name
            for f in dataclasses.fields(cls)
            if f.init and f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        ]
        lacks = [name for name in required if name not in values]
        if lacks:
            raise RecipeError(f"{where} needs the option '{lacks[0]}'", f"write {lacks[0]} = …") from err
        raise


def _coerce(value: Any, hint: Any, where: str, base: Path | None) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _coerce_union(value, args, where, base)
    if origin is typing.Literal:
        if value not in args:
            raise RecipeError(f"{where} cannot be {value!r}", nearest(str(value), map(str, args)))
        return value
    if hint is Path and isinstance(value, str | Path):
        return base / value if base is not None else Path(value)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, Mapping | hint):
            raise RecipeError(f"{where} is {value!r}, which is {_word(type(value))}", "it takes a table: { … }")
        return build(hint, value, where, base) if isinstance(value, Mapping) else value
    if origin is tuple and isinstance(value, list | tuple):
        inner = args[0] if len(args) == 2 and args[1] is Ellipsis else None
        kinds = [inner] * len(value) if inner is not None else list(args)
        if len(kinds) != len(value):
            raise RecipeError(f"{where} takes {len(kinds)} values, not {len(value)}")
        return tuple(_coerce(v, kind, where, base) for v, kind in zip(value, kinds, strict=True))
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    expected = origin or hint
    if expected is Any or (isinstance(value, expected) and not (isinstance(value, bool) and expected is int)):
        return value
    raise RecipeError(f"{where} is {value!r}, which is {_word(type(value))}", f"it takes {_word(expected)}")


def _coerce_union(value: Any, args: tuple[Any, ...], where: str, base: Path | None) -> Any:
    if value is None and type(None) in args:
        return None
    failure: RecipeError | None = None
    for arg in args:
        if arg is not type(None):
            try:
                return _coerce(value, arg, where, base)
            except RecipeError as err:
                failure = failure or err
    raise failure or RecipeError(f"{where} cannot be {value!r}")


def _word(kind: Any) -> str:
    names = {str: "a string", int: "a whole number", float: "a number", bool: "true or false", tuple: "a list",
             list: "a list", dict: "a table", Path: "a path"}  # fmt: skip
    return names.get(kind, getattr(kind, "__name__", str(kind)))


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value) if f.init}
    return value
