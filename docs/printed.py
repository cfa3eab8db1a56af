"""Writes below each command of the pages what it prints on the demo corpus; `python docs/printed.py`, after a change.

The commands are those that tests/test_docs.py runs: the demo of the README and the console blocks of these pages. Of
an output that ends in "…", as many lines as before are written; one that begins with "…" starts at the same line again.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).resolve().parent
README = DOCS.parent / "README.md"
PAGES = (
    "data-format.md",
    "audit.md",
    "evaluate.md",
    "duplicates.md",
    "concepts.md",
    "vocabulary.md",
    "labels.md",
    "curate.md",
    "select.md",
    "publishing.md",
    "export.md",
    "report.md",
    "fetch.md",
    "tutorial-answers.md",
)
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)
CODE = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.M)


def run(command: str, folder: Path) -> str:
    """Returns what a command of a page prints; `roco` is the one of this checkout."""
    words = shlex.split(command)
    environment = os.environ | {"PYTHONPATH": str(DOCS.parent), "COLUMNS": "200"}
    bin = Path(sys.executable).parent
    environment["PATH"] = f"{bin}{os.pathsep}{environment['PATH']}"
    if words[0] == "roco":
        words = [sys.executable, "-m", "roco", *words[1:]]
    elif words[:2] == ["python", "-c"]:
        words = [sys.executable, *words[1:]]
    else:
        words = ["sh", "-c", command]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise SystemExit(f"{command}\n{done.stderr}")
    return "\n".join(line.rstrip() for line in done.stdout.splitlines()) + "\n" if done.stdout else ""


def shortened(printed: str, shown: str) -> str:
    """Returns the output as the page shows it: whole, from the line after "…" on, or the lines before "…"."""
    if shown.startswith("…\n") and shown.strip() != "…":
        first = shown.split("\n")[1]
        return f"…\n{printed[printed.index(first) :]}"
    if "…\n" not in shown or not shown.rstrip().endswith("…"):
        return printed
    lines = shown.rstrip("\n").split("\n")
    return "\n".join([*printed.split("\n")[: len(lines) - 1], "…"]) + "\n"


def page(path: Path, folder: Path) -> None:
    """Runs the console and Python blocks of a page in their order, and writes the outputs into it."""
    path.write_text(run_blocks(path.read_text(encoding="utf-8"), folder), encoding="utf-8")


def run_blocks(text: str, folder: Path, *, code: bool = True) -> str:
    """Returns the text of a page with what its console blocks print; code: whether its Python is run, too."""
    written, end = "", 0
    blocks = [*CONSOLE.finditer(text), *(CODE.finditer(text) if code else ())]
    for block in sorted(blocks, key=lambda match: match.start()):
        if block[0].startswith("```python"):
            run(shlex.join(["python", "-c", block[1]]), folder)
            continue
        commands = []
        for command, shown in COMMAND.findall(block[1]):
            printed = run(command, folder)
            commands.append(f"$ {command}\n{shortened(printed, shown) if shown.strip() else shown}")
        written += text[end : block.start(1)] + "".join(commands)
        end = block.end(1)
    return written + text[end:]


def readme(folder: Path) -> None:
    """Runs the demo of the README, and writes what it prints: the funnel, a figure, the scores, and the prompts."""
    text = README.read_text(encoding="utf-8")
    demo = re.search(r"<!-- demo -->\n```shell\n(.*?)^```$", text, re.M | re.S)
    assert demo
    printed = {command.split()[1]: run(command, folder) for command in demo[1].splitlines()}
    text = _replaced(text, "measured: ", printed["run"])
    shown = next(line for line in demo[1].splitlines() if line.startswith("roco show"))
    text = _replaced(text, "$ roco show demo", f"$ {shown}\n{printed['show']}")
    scores = re.search(r"^```shell\n(sed .*\n)(roco evaluate .*\n)^```$", text, re.M)
    assert scores
    run(scores[1].strip(), folder)
    paragraphs = run(scores[2].strip(), folder).split("\n\n")
    text = _replaced(text, "Scores\n", "\n\n".join(paragraphs[:2]) + "\n")
    README.write_text(run_blocks(text, folder, code=False), encoding="utf-8")


def _replaced(text: str, start: str, output: str) -> str:
    """Returns the text with the fenced block that begins with `start` replaced."""
    block = re.search(rf"^```\n({re.escape(start)}.*?)^```$", text, re.M | re.S)
    if block is None:
        raise SystemExit(f"README.md has no block that begins with {start!r}")
    return text[: block.start(1)] + output + text[block.end(1) :]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        readme(Path(folder))
        for name in PAGES:
            page(DOCS / name, Path(folder))
