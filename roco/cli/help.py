"""Help texts: whole sentences at any width of the terminal, and examples that can be copied."""

from __future__ import annotations

import shlex
import shutil
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

WIDEST = 100
"""Characters of the longest line; longer lines are hard to read."""

NARROWEST = 20
STACKED_BELOW = 60
"""Width below which the text of an option starts on the line after its name."""

LONGEST_NAME = 28
"""Characters of an option with its value; the text of a longer one starts on the next line."""

Entry = tuple[str, str]
"""A name, such as `--until STAGE`, and its text."""


def help_text(command: Any, context: Any, common: Sequence[Any]) -> str:
    """Returns the help of a command or group; common: the options that all commands have."""
    width = max(NARROWEST, min(WIDEST, shutil.get_terminal_size().columns))
    lines = _wrapped(f"Usage: {_usage(command, context)}", width, "", " " * 7)
    for paragraph in (command.help or "").split("\n\n"):
        lines += ["", *_paragraph(paragraph, width)]
    own = [param for param in command.params if param not in common and not param.hidden]
    arguments = [(argument_name(param), _meaning(param)) for param in own if not is_option(param)]
    options = [(option_name(param), _meaning(param)) for param in own if is_option(param)]
    shared = [(option_name(param), param.help) for param in common]
    commands = [(name, first_sentence(one)) for name, one in getattr(command, "commands", {}).items()]
    sections = {"Arguments": arguments, "Options": options, "Common options": shared, "Commands": commands}
    for title, entries in sections.items():
        if entries:
            lines += ["", f"{title}:", *_entries(entries, width)]
    return "\n".join(lines)


def first_sentence(command: Any) -> str:
    """Returns the first sentence of a command's help, which says what the command does."""
    first, _, _ = (command.help or "").partition("\n\n")
    sentence, end, _ = " ".join(first.split()).partition(". ")
    return sentence + end.rstrip() if end else sentence


def is_option(param: Any) -> bool:
    return bool(param.param_type_name == "option")


def argument_name(param: Any) -> str:
    return str(param.metavar or param.name.upper())


def option_name(param: Any) -> str:
    """Returns an option as it is written: `--until STAGE`, `-q, --quiet`, `--idf / --no-idf`."""
    names = ", ".join(sorted(param.opts, key=len))
    names = " / ".join([names, *param.secondary_opts])
    return f"{names} {param.metavar}" if param.metavar else names


def _usage(command: Any, context: Any) -> str:
    words = [context.command_path]
    for param in command.params:
        if not is_option(param):
            words.append(argument_name(param) if param.required else f"[{argument_name(param)}]")
    words.append("[OPTIONS]")
    if getattr(command, "commands", None):
        words.append("COMMAND")
    return " ".join(words)


def _meaning(param: Any) -> str:
    """Returns the help of an argument or option, with its default, or that it is required."""
    text = param.help or ""
    if is_option(param) and param.required:
        return f"{text} Required."
    if isinstance(param.show_default, str):
        default = param.show_default
    elif param.show_default and param.default not in (None, False, "", [], ()) and not callable(param.default):
        default = str(param.default)
    else:
        return text
    return f"{text} Default: {default}."


# --- layout -----------------------------------------------------------------------------------------------------------


def _paragraph(text: str, width: int) -> list[str]:
    text = " ".join(text.split())
    if text.startswith("Example: ") and ", then " not in text:
        return _example(text, width)
    return _wrapped(text, width, "  ", "  ")


def _example(text: str, width: int) -> list[str]:
    """Wraps a command with the backslashes of the shell, so that it can be copied as it is printed."""
    words: list[str] = []
    for word in shlex.split(text.removeprefix("Example: ")):
        is_value = bool(words) and words[-1].startswith("--") and not word.startswith("-")
        if is_value:
            words[-1] += f" {_quoted(word)}"  # an option and its value stay on one line
        else:
            words.append(_quoted(word))
    lines = ["  Example:"]
    for word in words:
        if len(lines[-1]) + len(word) + 3 > width and lines[-1].strip():  # a space before it and ` \` after it
            lines[-1] += " \\"
            lines.append(f"    {word}")
        else:
            lines[-1] += f" {word}"
    if lines[0] == "  Example: \\":
        lines[0] = "  Example:"
    return lines


def _quoted(word: str) -> str:
    """Quotes a word for the shell, except a redirection or pipe of the example."""
    return word if word in (">", "|") else shlex.quote(word)


def _entries(entries: Iterable[Entry], width: int) -> list[str]:
    """Lays out names and texts: side by side, or below each other on a narrow terminal."""
    entries = list(entries)
    names = [len(name) for name, _ in entries if len(name) <= LONGEST_NAME]
    column = 2 + max(names, default=0) + 2
    is_stacked = width < STACKED_BELOW
    lines = []
    for name, text in entries:
        if is_stacked or len(name) > LONGEST_NAME:
            lines.append(f"  {name}")
            indent = " " * (6 if is_stacked else column)
            lines += _wrapped(text, width, indent, indent)
        else:
            lines += _wrapped(text, width, f"  {name}".ljust(column), " " * column) or [f"  {name}"]
    return lines


def _wrapped(text: str, width: int, first: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
