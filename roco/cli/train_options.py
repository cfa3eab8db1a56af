"""Options that all commands under `roco train` have, and `roco predict` in part."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from roco.base.errors import UsageError
from roco.base.terminal import excerpt
from roco.cli.output import count, safe

ReleaseArg = Annotated[
    Path,
    typer.Argument(
        metavar="RELEASE", help="A release, the published ROCOv2, or an export of a release.", show_default=False
    ),
]
OutArg = Annotated[
    Path, typer.Argument(metavar="OUT", help="The new folder of the model; OUT.training until it is complete.")
]
SetOpt = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Overrides an option of the preset; repeat it for several."),
]
FinalOpt = Annotated[
    bool, typer.Option("--final", help="Train on train and valid, after everything was chosen on valid.")
]
SkipOpt = Annotated[
    bool, typer.Option("--skip-unreadable", help="Skip images that cannot be decoded, and report them.")
]


def complete_preset(kind: str) -> Callable[[str], list[str]]:
    """Returns what completes the name of a preset of a trainer."""

    def complete(incomplete: str) -> list[str]:
        from roco.baselines.training.presets import shipped

        return [name for name in shipped(kind) if name.startswith(incomplete)]

    return complete


def changes(settings: Sequence[str] | None) -> dict[str, str]:
    """Returns the values of `--set KEY=VALUE`; raises UsageError for one without an equals sign, or a repeated key."""
    found: dict[str, str] = {}
    for setting in settings or ():
        key, equals, value = setting.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"--set {excerpt(setting)} has no value", "write --set KEY=VALUE")
        if key.strip() in found:
            raise UsageError(f"--set {excerpt(key.strip())} is given twice", "write it once; separate values by commas")
        found[key.strip()] = value.strip()
    return found


def warn_of_images(ids: Sequence[str], what: str) -> None:
    """Prints how many images have a problem, and the first of them; nothing if there are none."""
    if ids:
        more = " …" if len(ids) > 3 else ""
        warn([f"{count('image', len(ids))} {what} ({', '.join(ids[:3])}{more})"])


def warn(problems: Iterable[str]) -> None:
    """Prints what a user should know of the data, on stderr."""
    for problem in problems:
        print(safe(f"warning: {problem}"), file=sys.stderr)


CacheOpt = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="Store decoded images there, for later epochs and trainings.")
]
