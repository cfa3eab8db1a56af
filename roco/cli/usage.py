"""Mistakes on the command line: unknown commands and options are answered with the nearest name."""

from __future__ import annotations

import inspect
from typing import Any

from typer.core import TyperGroup

from roco.base.errors import UsageError, nearest

REPLACED = {"report": ("articles", "'roco report RECIPE' is now 'roco articles RECIPE'")}
"""Commands of previous versions: the command that replaced each, and how to call it."""


class Commands(TyperGroup):
    """A group of commands that suggests the nearest name for an unknown one."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            raise UsageError(f"unknown command '{name}'", self._suggestion(name))
        return super().resolve_command(ctx, args)

    def _suggestion(self, name: str) -> str:
        if name in REPLACED and REPLACED[name][0] in self.commands:
            replacement, explanation = REPLACED[name]
            return f"did you mean '{replacement}'? {explanation}"
        return nearest(name, self.commands)


def explained(err: Any) -> UsageError | None:
    """Converts an error of the option parser to the two lines of every other error; None for an error of another kind.

    The parser's classes are recognized by their attributes, because typer bundles click in some versions only.
    """
    if not hasattr(err, "format_message"):
        return None
    context = getattr(err, "ctx", None)
    if context is None:
        return UsageError(err.format_message(), "see roco --help")
    command = context.command_path
    if type(err).__name__ == "NoSuchOption":
        names = [name for param in context.command.params for name in param.opts]
        options = [name for name in names if name.startswith("-")]
        return UsageError(f"unknown option '{err.option_name}' ({command})", nearest(err.option_name, options))
    if type(err).__name__ == "MissingParameter" and err.param is not None:
        return UsageError(f"missing {_name(err.param)} ({command})", _example(context))
    message = err.format_message().rstrip(".")
    return UsageError(f"{message[:1].lower()}{message[1:]} ({command})", _example(context))


def _name(param: Any) -> str:
    if param.param_type_name == "argument":
        return f"argument {param.metavar or param.human_readable_name}"
    return f"option {param.opts[0]}"


def _example(context: Any) -> str:
    """Returns the example of a command's help text, or how to show that help."""
    for line in inspect.cleandoc(context.command.help or "").splitlines():
        if line.startswith("Example: "):
            return f"example: {line.removeprefix('Example: ')}"
    return f"see {context.command_path} --help"
