"""`python -m tests.fuzz TARGET … [--minutes N]` fuzzes targets; without a target, all of them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.fuzz.campaign import Campaign, add_to_report
from tests.fuzz.targets import TARGETS


def main(words: list[str] | None = None) -> int:
    """Runs the command; returns 1 if anything was found."""
    options = _options(words)
    if options.list:
        print(targets_table())
        return 0
    if options.input:
        return _run_inputs(options.targets[0], options.input)
    folder: Path = options.corpus
    campaign = Campaign(
        folder / "corpus", folder / "findings", 60 * options.minutes, options.executions or 1 << 60, options.seed
    )
    found_any = False
    for target in options.targets or TARGETS:
        last = campaign.run(target)
        found_any |= bool(last.findings)
        print(f"{target}: {last.executions:,} inputs in {last.seconds / 60:.1f} minutes, {len(last.findings)} findings")
        for found in last.findings:
            print(f"  {found['kind']} ({found['times']} times)\n    {found['input']}")
        sys.stdout.flush()
        add_to_report(last, options.seed, options.report or folder / "report.json")
    return int(found_any)


def targets_table() -> str:
    """Returns the targets, what must hold for each and its formats, as a table in Markdown."""
    lines = ["| target | input | promise |", "|---|---|---|"]
    for name, make in TARGETS.items():
        target = make()
        formats = [one.name for one in target.formats if ": " not in one.name]
        if len(formats) < len(target.formats):
            formats.append(
                "each file of an index" if formats else "each file of a release, roco's and the published one"
            )
        lines.append(f"| `{name}` | {', '.join(formats)} | {target.promise} |")
    return "\n".join(lines)


def _run_inputs(target: str, paths: list[Path]) -> int:
    """Gives stored inputs to a target, without atheris: to repeat what was found."""
    import tempfile

    made = TARGETS[target]()
    for path in paths:
        with tempfile.TemporaryDirectory() as folder:
            made.read(path.read_bytes(), Path(folder))
        print(f"{path}: nothing found")
    return 0


def _options(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], metavar="TARGET", help="all by default")
    parser.add_argument("--minutes", type=float, default=1.0, help="for each target")
    parser.add_argument("--executions", type=int, help="inputs for each target at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--corpus", type=Path, default=Path(".fuzz"), help="folder of inputs and findings")
    parser.add_argument("--report", type=Path, help="JSON file to which the counts are added; by default in the folder")
    parser.add_argument("--input", type=Path, nargs="+", help="give these files to the target, and nothing else")
    parser.add_argument("--list", action="store_true", help="print the targets and what must hold")
    return parser.parse_args(words)


if __name__ == "__main__":
    raise SystemExit(main())
