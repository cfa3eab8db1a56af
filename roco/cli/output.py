"""What all commands print in the same way: JSON, the next command, and text from outside made safe for a terminal."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from roco.base.errors import UsageError
from roco.base.terminal import printable, printable_json
from roco.cli.logs import is_quiet


def print_json(value: Any) -> None:
    """Prints a value as JSON on stdout; characters that could steer a terminal are escaped."""
    is_unicode = str(sys.stdout.encoding).lower().startswith("utf")
    text = json.dumps(value, indent=1, ensure_ascii=not is_unicode, default=_plain)
    print(printable_json(text))


def _plain(value: Any) -> str:
    """Returns bytes, such as an embedding, as hexadecimal digits, and anything else as it prints itself."""
    return value.hex() if isinstance(value, bytes) else str(value)


def safe(text: str) -> str:
    """Escapes control characters, which names and captions from outside may contain."""
    return printable(text, keep="\n")


def print_next(command: str, *words: object) -> None:
    """Prints the next command on stderr, so that stdout contains results only; nothing with `--quiet`.

    words: names and paths that follow the command; they are quoted as a shell needs it.
    """
    if not is_quiet():
        line = " ".join([command, *(shlex.quote(str(word)) for word in words)])
        print(safe(f"next: {line}"), file=sys.stderr)


def print_problems(subject: Path, problems: Sequence[str], checked: str) -> None:
    """Prints one line per problem and their number, or `OK:` with what was checked."""
    for problem in problems:
        print(safe(problem))
    if problems:
        print(f"{subject}: {count('problem', len(problems))}")
    else:
        print(f"OK: {checked}, all checks passed")


def refuse_existing(path: Path, option: str) -> None:
    """Raises UsageError if a file that an option would write exists; a device, such as /dev/stdout, may."""
    if path.is_file() or path.is_dir():
        raise UsageError(f"{shown_path(path)} already exists", f"choose another file with {option}")


def count(noun: str, n: int) -> str:
    """Returns a number with its noun: `1 image`, `2,000 images`."""
    return f"{n:,} {noun}" + ("" if n == 1 else "s")


def shown_path(path: Path) -> Path:
    """Returns a path relative to the working directory if it is below it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
