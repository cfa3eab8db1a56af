"""What all commands have in common: help at any width, `-h`, and the options `-q`, `-v` and `--debug`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from roco.base.errors import UsageError, nearest
from roco.cli.help import help_text

COMMON = ("quiet", "verbose", "debug", "help")
"""The options of `roco` itself that each command accepts as well: `roco -q run …` and `roco run … -q`."""


class Command(TyperCommand):
    """A command that accepts the common options and prints its help in whole sentences."""

    def get_params(self, ctx: Any) -> list[Any]:
        return [*super().get_params(ctx), *common_options(ctx)]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        formatter.write(help_text(self, ctx, common_options(ctx)))


class Commands(TyperGroup):
    """A group of commands that suggests the nearest name for an unknown one."""

    def get_params(self, ctx: Any) -> list[Any]:
        params = list(super().get_params(ctx))
        return params if ctx.parent is None else [*params, *common_options(ctx)]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        formatter.write(help_text(self, ctx, common_options(ctx)))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0]
        is_completion = ctx.resilient_parsing
        if self.get_command(ctx, name) is None and not name.startswith("-") and not is_completion:
            raise UsageError(f"unknown command '{name}'", nearest(name, self.commands))
        return super().resolve_command(ctx, args)


class App(typer.Typer):
    """A group to which commands are added with `command` or `add`."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(
            cls=Commands,
            rich_markup_mode=None,
            add_help_option=False,  # it is one of the common options
            **settings,
        )

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Any], Any]:
        return super().command(name, **{"cls": Command, "add_help_option": False, **settings})


def common_options(ctx: Any) -> list[Any]:
    """Returns the options of `roco` itself that each of its commands accepts as well."""
    return [param for param in ctx.find_root().command.params if param.name in COMMON]
