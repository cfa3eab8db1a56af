"""Makes the pages of docs/ that are made from the code; with --check says which of them are out of date."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import typer

from roco.cli.main import app
from roco.recipes.catalogue import markdown

DOCS = Path(__file__).parent


def cli() -> str:
    """docs/cli.md: each verb with its help as the terminal shows it."""
    command: Any = typer.main.get_command(app)
    lines = ["# Verbs", "", "Made from the code by `make docs`; `roco VERB --help` prints the same.", ""]
    lines += [command.help, ""]
    every = dict(command.commands)
    for name, group in command.commands.items():
        every |= {f"{name} {n}": verb for n, verb in getattr(group, "commands", {}).items()}
    for name, verb in every.items():
        lines += [f"## roco {name}", "", (verb.help or "").strip(), ""]
        if hasattr(verb, "commands"):
            continue
        lines += ["| argument | what it says |", "|---|---|"]
        for param in verb.params:
            option = param.opts[0].startswith("-")
            names = " ".join(param.opts) + (f" {param.metavar}" if param.metavar else "")
            text = names if option else param.metavar or param.name.upper()
            lines.append(f"| `{text}` | {getattr(param, 'help', '') or ''} |")
        lines.append("")
    lines += ["Results go to stdout, talk to stderr. Exit 0: done; 1: the data; 2: the command; 130: stopped.", ""]
    return "\n".join(lines)


def main() -> int:
    pages = {DOCS / "stages.md": markdown(), DOCS / "cli.md": cli()}
    stale = [p for p, text in pages.items() if not p.exists() or p.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path.name} is out of date: make docs")
        return bool(stale)
    for path in stale:
        path.write_text(pages[path], encoding="utf-8")
        print(f"wrote docs/{path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
