"""Converts frozen dataclasses (stages, sources) to plain values and back, for recipes and for messages to workers."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roco.base.errors import RecipeError, nearest
from roco.base.user_modules import import_named


def to_spec(thing: Any) -> dict[str, Any]:
    """Returns a frozen dataclass as `{"use": "module:Class", "options": {…}}`."""
    options = {field.name: getattr(thing, field.name) for field in dataclasses.fields(thing) if field.init}
    return {"use": reference(type(thing)), "options": {name: _plain(value) for name, value in options.items()}}


def from_spec(spec: Mapping[str, Any]) -> Any:
    """Builds the dataclass from the result of `to_spec`."""
    return build(find(spec["use"]), spec["options"], spec["use"])


def reference(cls: type) -> str:
    """Returns `module:Class`, from which `find` imports the class."""
    return f"{cls.__module__}:{cls.__qualname__}"


def find(use: str) -> type:
    """Imports a module and returns its class, given as `module:Class`."""
    value = import_named(use)
    if not isinstance(value, type):
        raise RecipeError(f"'{use}' is not a class", "name a class that is derived from roco.Measure or roco.Decision")
    return value


def build(cls: type, options: Mapping[str, Any], where: str, base: Path | None = None) -> Any:
    """Builds a dataclass from named options; raises RecipeError for unknown names and wrong types.

    where: names the dataclass in error messages. base: the folder that relative paths refer to.
    """
    try:
        hints = typing.get_type_hints(cls)
    except Exception as err:
        raise RecipeError(f"invalid type hint in {cls.__name__} ({where}): {err}", "correct the class") from err
    fields = {field.name: field for field in dataclasses.fields(cls) if field.init}
    values = {}
    for name, value in options.items():
        if name not in fields:
            raise RecipeError(f"unknown option '{name}' ({where})", nearest(name, fields))
        values[name] = _coerce(value, hints[name], f"option '{name}' ({where})", base)
    for name, field in fields.items():
        has_default = field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
        if name not in values and not has_default:
            raise RecipeError(f"missing option '{name}' ({where})", f"write {name} = …")
    try:
        return cls(**values)
    except (TypeError, ValueError) as err:
        raise RecipeError(f"invalid options ({where}): {err}", "see the documentation of the class") from err


def _coerce(value: Any, hint: Any, where: str, base: Path | None) -> Any:
    """Converts a value to the type of the hint: lists to tuples, strings to paths, tables to dataclasses."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _coerce_union(value, args, where, base)
    if origin is typing.Literal:
        if value not in args:
            raise RecipeError(f"{where} cannot be {value!r}", nearest(str(value), map(str, args)))
        return value
    if hint is Path and isinstance(value, str | Path):
        return base / value if base is not None else Path(value)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _coerce_table(value, hint, where, base)
    if origin is tuple and isinstance(value, list | tuple):
        return _coerce_tuple(value, args, where, base)
    if hint is float and type(value) is int:
        return float(value)
    if hint is Any:
        return value
    expected = origin or hint
    is_bool_for_int = isinstance(value, bool) and expected is int  # bool is a subclass of int
    if isinstance(value, expected) and not is_bool_for_int:
        return value
    raise RecipeError(f"{where} is {_word(type(value))}: {value!r}", f"it must be {_word(expected)}")


def _coerce_union(value: Any, args: tuple[Any, ...], where: str, base: Path | None) -> Any:
    """Converts a value to the first alternative that accepts it; raises the error of the first one if none does."""
    if value is None and type(None) in args:
        return None
    first_error: RecipeError | None = None
    for alternative in args:
        if alternative is type(None):
            continue
        try:
            return _coerce(value, alternative, where, base)
        except RecipeError as err:
            first_error = first_error or err
    raise first_error or RecipeError(f"{where} cannot be {value!r}")


def _coerce_table(value: Any, cls: type, where: str, base: Path | None) -> Any:
    if isinstance(value, cls):
        return value
    if isinstance(value, Mapping):
        return build(cls, value, where, base)
    raise RecipeError(f"{where} is {_word(type(value))}: {value!r}", "it must be a table: { … }")


def _coerce_tuple(value: list[Any] | tuple[Any, ...], args: tuple[Any, ...], where: str, base: Path | None) -> Any:
    any_length = len(args) == 2 and args[1] is Ellipsis
    hints = [args[0]] * len(value) if any_length else list(args)
    if len(hints) != len(value):
        raise RecipeError(f"{where} has {len(value)} values", f"it must have {len(hints)}")
    return tuple(_coerce(one, hint, where, base) for one, hint in zip(value, hints, strict=True))


_WORDS = {
    str: "a string",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    tuple: "a list",
    list: "a list",
    dict: "a table",
    Path: "a path",
}


def _word(kind: Any) -> str:
    return _WORDS.get(kind, getattr(kind, "__name__", str(kind)))


def _plain(value: Any) -> Any:
    """Converts a value to JSON values."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value) if f.init}
    return value
