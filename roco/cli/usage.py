"""Mistakes on the command line, in the two lines of every other error: what is wrong, and what to do."""

from __future__ import annotations

import inspect
import re
from typing import Any, Literal, get_args, get_origin

from roco.base.errors import DataError, RocoError, UsageError, nearest
from roco.cli.help import argument_name, is_option

_KINDS = {"int": "a whole number", "float": "a number", "integer": "a whole number", "bool": "true or false"}
"""Name of a type, in either version of the option parser -> what to write."""


def explained(err: Any) -> RocoError | None:
    """Converts an error of the option parser; None for an error of another kind.

    The parser's classes are recognized by their names and attributes, because typer bundles click in some versions.
    """
    if not hasattr(err, "format_message"):
        return None
    context = getattr(err, "ctx", None)
    kind, message = type(err).__name__, err.format_message().rstrip(".")
    where = f" ({context.command_path})" if context else ""
    if kind == "NoSuchOption" and context:
        options = [name for param in context.command.get_params(context) for name in param.opts if name[:2] == "--"]
        return UsageError(f"unknown option '{err.option_name}'{where}", nearest(err.option_name, options))
    param = getattr(err, "param", None)
    if kind == "MissingParameter" and param is not None:
        return UsageError(f"missing {_described(param)}{where}", _example(context))
    if kind == "BadParameter" and param is not None:
        forbidden = re.search(r"^\w+ (['\"])(.*)\1 is not (?:readable|writable)\.?$", err.message, re.S)
        if forbidden:
            return DataError(f"permission denied: {forbidden[2]}", "allow access to it, or choose another path")
        return UsageError(f"invalid value{_given(err)} for {_described(param)}{where}", _expected(param, context))
    if kind == "BadOptionUsage":
        fault = "takes no value" if "does not take" in message else "needs a value"
        return UsageError(f"option {err.option_name} {fault}{where}", _example(context))
    extra = re.search(r"extra arguments?(?:\(s\))? \((.*)\)", message, re.S)
    if extra:
        return UsageError(f"unexpected argument '{extra[1]}'{where}", _example(context))
    return UsageError(f"{message[:1].lower()}{message[1:]}{where}", _example(context))


def _described(param: Any) -> str:
    return f"option {max(param.opts, key=len)}" if is_option(param) else f"argument {argument_name(param)}"


def _given(err: Any) -> str:
    """Returns the invalid value in quotes, with a space before it; empty if the parser does not name it."""
    errors = getattr(err.__cause__, "errors", None)
    if errors is not None:
        return f" '{errors()[0]['input']}'"
    quoted = re.match(r"'[^']*'|-?\d+", err.message)
    return f" '{quoted[0].strip(chr(39))}'" if quoted else ""


def _expected(param: Any, context: Any) -> str:
    """Returns what a value must be: one of its choices, or its kind with its least and largest value."""
    annotation = getattr(getattr(param, "type_descriptor", None), "annotation", None)
    if get_origin(annotation) is Literal:
        return f"write {' or '.join(get_args(annotation))}"
    kind = getattr(param, "type", None)
    choices = getattr(kind, "choices", None)
    if choices:
        return f"write {' or '.join(choices)}"
    name = annotation.__name__ if isinstance(annotation, type) else str(getattr(kind, "name", "")).partition(" ")[0]
    if name not in _KINDS:
        return _example(context)
    limits = param if hasattr(param, "min") else kind
    least, most = getattr(limits, "min", None), getattr(limits, "max", None)
    if least is not None and most is not None:
        return f"write {_KINDS[name]} from {least} to {most}"
    bound = f" of at least {least}" if least is not None else f" of at most {most}" if most is not None else ""
    return f"write {_KINDS[name]}{bound}"


def _example(context: Any) -> str:
    """Returns the example of a command's help text, or how to print that help."""
    if context is None:
        return "see roco --help"
    for line in inspect.cleandoc(context.command.help or "").splitlines():
        if line.startswith("Example: "):
            return f"example: {line.removeprefix('Example: ')}"
    return f"see {context.command_path} --help"
