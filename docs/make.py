"""Writes the pages of docs/ that are generated from the code; with --check reports those that are out of date."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer
from house import tree
from report_sections import sections

import roco
from roco.base.files import file_digest
from roco.cli.app import COMMON
from roco.cli.help import argument_name, is_option, option_name
from roco.cli.main import app
from roco.evaluate import caption_metrics
from roco.recipes.catalogue import markdown

DATA = (".onnx", ".npz", ".csv", ".json", ".toml")
"""Suffixes of shipped files that decide results: networks, heads, vocabularies, lists, rules, recipes, presets."""

DOCS = Path(__file__).parent
ROOT = DOCS.parent


def cli() -> str:
    """docs/cli.md: each command with its help text and its options."""
    command: Any = typer.main.get_command(app)
    lines = ["# Commands", "", "Generated from the code by `make docs`; `roco COMMAND --help` prints the same.", ""]
    lines += [command.help, "", "Every command accepts these options, before it or after it:", ""]
    lines += _options(param for param in command.params if param.name in COMMON)
    commands = dict(command.commands)
    for group_name, group in command.commands.items():
        for name, inner in getattr(group, "commands", {}).items():
            commands[f"{group_name} {name}"] = inner
    for name, entry in commands.items():
        lines += [f"## roco {name}", "", (entry.help or "").strip(), ""]
        if hasattr(entry, "commands"):
            continue
        lines += _options(entry.params)
    lines += [
        "Results are printed on stdout, messages on stderr. Exit codes: 0 done, 1 data, 2 usage, 130 interrupted.",
        "",
    ]
    return "\n".join(lines)


def _options(params: Iterable[Any]) -> list[str]:
    """Returns a table of arguments and options."""
    lines = ["| argument | meaning |", "|---|---|"]
    for param in params:
        name = option_name(param) if is_option(param) else argument_name(param)
        lines.append(f"| `{name}` | {param.help or ''} |")
    return [*lines, ""]


def api() -> str:
    """docs/api.md: the public names of the package, each documented on the site from its docstring."""
    homes = {name: module for module, names in roco._HOME.items() for name in names}
    text = (DOCS / "api.md").read_text(encoding="utf-8")
    head, mark, _ = text.partition("<!-- names: written by make docs -->\n")
    if not mark:
        raise SystemExit("docs/api.md: the marker of the names is missing")
    named = sorted(homes, key=lambda name: (name.endswith("Error"), name.lower()))
    return head + mark + "".join(f"\n::: {homes[name]}.{name}\n" for name in named)


def contributing() -> str:
    """CONTRIBUTING.md with the tree of rooms and files as it is now, between its two markers."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    before, begin, rest = text.partition("<!-- tree: written by make docs -->\n")
    _, end, after = rest.partition("<!-- end of tree -->\n")
    if not begin or not end:
        raise SystemExit("CONTRIBUTING.md: the markers of the tree are missing")
    return f"{before}{begin}```\n{tree(ROOT / 'roco')}\n```\n{end}{after}"


def evaluate() -> str:
    """docs/evaluate.md with the table of caption metrics as it is now, between its two markers."""
    text = (DOCS / "evaluate.md").read_text(encoding="utf-8")
    before, begin, rest = text.partition("<!-- caption metrics: written by make docs -->\n")
    _, end, after = rest.partition("<!-- end of caption metrics -->\n")
    if not begin or not end:
        raise SystemExit("docs/evaluate.md: the markers of the caption metrics are missing")
    return f"{before}{begin}{caption_metrics.markdown()}\n{end}{after}"


def report() -> str:
    """docs/report.md with the tables of the sections as they are now, between its two markers."""
    text = (DOCS / "report.md").read_text(encoding="utf-8")
    before, begin, rest = text.partition("<!-- sections: written by make docs -->\n")
    _, end, after = rest.partition("<!-- end of sections -->\n")
    if not begin or not end:
        raise SystemExit("docs/report.md: the markers of the sections are missing")
    return f"{before}{begin}{sections()}\n{end}{after}"


def clusters() -> str:
    """docs/clusters.md with the scripts of examples/ as they are now, each between its two markers."""
    text = (DOCS / "clusters.md").read_text(encoding="utf-8")
    for name, language in (("slurm/array.sbatch", "bash"), ("kubernetes/indexed-job.yaml", "yaml")):
        path = f"examples/{name}"
        before, begin, rest = text.partition(f"<!-- {path}: written by make docs -->\n")
        _, end, after = rest.partition(f"<!-- end of {path} -->\n")
        if not begin or not end:
            raise SystemExit(f"docs/clusters.md: the markers of {path} are missing")
        script = (ROOT / path).read_text(encoding="utf-8")
        text = f"{before}{begin}```{language}\n{script}```\n{end}{after}"
    return text


def reliability() -> str:
    """docs/reliability.md with the figures of docs/chaos.json and docs/fuzz.json, the long runs of both."""
    text = (DOCS / "reliability.md").read_text(encoding="utf-8")
    run = json.loads((DOCS / "chaos.json").read_text(encoding="utf-8"))
    command = f"python -m tests.chaos --minutes {round(run['minutes'])} --seed {run['seed']} --report docs/chaos.json"
    counts = f"{run['iterations']:,} iterations, {run['commands']:,} commands, {run['disturbances']:,} disturbances"
    lines = [f"`{command}`: {counts} in {run['minutes']:g} minutes; differences: {len(run['differences'])}."]
    for title, name in (
        ("disturbance", "by_kind"),
        ("what the run was writing", "phases"),
        ("recipe and source", "variants"),
        ("workers", "executors"),
    ):
        lines += ["", f"| {title} | times |", "|---|---|", *(f"| {what} | {n:,} |" for what, n in run[name].items())]
    lines += [f"\nSkipped: {reason}." for reason in run["skipped"]]
    text = _between(text, "chaos", "\n".join(lines))
    return _between(text, "fuzzing", _fuzzing())


def _fuzzing() -> str:
    lines = ["| target | runs | executions | minutes | inputs kept | findings |", "|---|--:|--:|--:|--:|--:|"]
    for target, one in json.loads((DOCS / "fuzz.json").read_text(encoding="utf-8")).items():
        counts = f"{one['executions']:,} | {one['minutes']:.1f} | {one['inputs_kept']:,} | {len(one['findings'])}"
        lines.append(f"| {target} | {len(one['seeds'])} | {counts} |")
    return "\n".join(lines)


def _between(text: str, name: str, content: str) -> str:
    """Replaces what stands between two markers of docs/reliability.md."""
    before, begin, rest = text.partition(f"<!-- {name}: written by make docs -->\n")
    _, end, after = rest.partition(f"<!-- end of {name} -->\n")
    if not begin or not end:
        raise SystemExit(f"docs/reliability.md: the markers of {name} are missing")
    return f"{before}{begin}\n{content}\n\n{end}{after}"


def checksums() -> str:
    """roco/checksums.sha256: the SHA-256 of every shipped file that decides results, as `sha256sum` reads them."""
    package = ROOT / "roco"
    files = sorted(path for path in package.rglob("*") if path.suffix in DATA)
    return "".join(f"{file_digest(path)}  {path.relative_to(package).as_posix()}\n" for path in files)


def main() -> int:
    pages = {
        ROOT / "roco" / "checksums.sha256": checksums(),
        DOCS / "stages.md": markdown(),
        DOCS / "cli.md": cli(),
        DOCS / "evaluate.md": evaluate(),
        DOCS / "report.md": report(),
        DOCS / "clusters.md": clusters(),
        DOCS / "api.md": api(),
        DOCS / "reliability.md": reliability(),
        ROOT / "CONTRIBUTING.md": contributing(),
    }
    stale = [p for p, text in pages.items() if not p.exists() or p.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path.name} is out of date: make docs")
        return bool(stale)
    for path in stale:
        path.write_text(pages[path], encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
