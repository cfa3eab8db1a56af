"""The verbs. Each is a few lines over a library function of the same name; heavy imports wait until they are used."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from roco.base.errors import RocoError, UsageError, nearest
from roco.cli import evaluate as cli_evaluate
from roco.cli import fetch as cli_fetch

app = typer.Typer(
    name="roco",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Turn open-access articles into a radiology dataset, and see why each image that is not in it left.\n\n"
    "Example: roco init demo, then roco run demo/demo.toml",
)

app.add_typer(cli_fetch.app, name="fetch")
app.add_typer(cli_evaluate.app, name="evaluate")

RecipeArg = Annotated[Path, typer.Argument(metavar="RECIPE", help="A recipe: one TOML file.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def options(debug: Annotated[bool, typer.Option("--debug", help="Show where an error comes from.")] = False) -> None:
    if debug:
        os.environ["ROCO_DEBUG"] = "1"


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that is new or empty.", show_default=False)],
) -> None:
    """Write a small corpus and a recipe for it; works offline.

    Example: roco init demo
    """
    from roco.recipes.demo import write
    from roco.recipes.load import shipped

    summary = write(folder, shipped()["demo"].read_text(encoding="utf-8"))
    said = f"{summary.articles} articles with {summary.figures} figures ({summary.real} real images)"
    print(f"{said} in {folder / 'corpus'}")
    if summary.hint:
        print(summary.hint, file=sys.stderr)
    _next(f"roco run {folder / 'demo.toml'}")


@app.command()
def run(
    recipe: RecipeArg,
    until: Annotated[str | None, typer.Option(metavar="STAGE", help="Stop behind this stage.")] = None,
    workers: Annotated[int | None, typer.Option(metavar="N", min=0, help="Processes; one a core by default.")] = None,
    parts: Annotated[str | None, typer.Option(metavar="I/N", help="Only every N-th part, from the I-th on.")] = None,
    retry: Annotated[str | None, typer.Option(metavar="REASON", help="Measure again what left for this.")] = None,
    dry: Annotated[bool, typer.Option("--dry", help="Say what would be done, and do nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Do what is not done: read, measure, decide, release. Resumes by itself.

    Example: roco run demo/demo.toml
    """
    from roco.cli import screen
    from roco.recipes.load import load_recipe

    loaded = load_recipe(recipe)
    pipeline = loaded.pipeline.until(until) if until else loaded.pipeline
    if dry:
        _dry(pipeline, loaded.folder, as_json)
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    bar, started = screen.Bar(), time.monotonic()
    try:
        outcome = loaded.pipeline_run(pipeline, workers=workers, only=_slice(parts), retry=retry, progress=bar)
    except KeyboardInterrupt:
        bar.close()
        print(f"stopped; what was done stays done: roco run {recipe}  goes on from here", file=sys.stderr)
        raise SystemExit(130) from None
    finally:
        bar.close()
    if as_json:
        _print_json({**outcome.funnel, "measured": outcome.measured, "complete": outcome.complete})
    else:
        screen.show_outcome(outcome, time.monotonic() - started)
    _next(f"roco verify {screen.near(outcome.release)}" if outcome.release else f"roco status {recipe}")


@app.command()
def status(recipe: RecipeArg, as_json: Json = False) -> None:
    """Tell the funnel, what is done, what is stale and why.

    Example: roco status demo/demo.toml
    """
    from roco.cli import screen
    from roco.core.status import status as find
    from roco.recipes.load import load_recipe

    loaded = load_recipe(recipe)
    found = find(loaded.pipeline, loaded.folder)
    if as_json:
        _print_json(found)
    else:
        screen.show_status(found, str(recipe))
    done = found["state"] == "complete"
    _next(f"roco show {recipe} FIGURE" if done else f"roco run {recipe}")


@app.command()
def show(
    recipe: RecipeArg,
    figure: Annotated[
        str,
        typer.Argument(
            metavar="FIGURE", help="figure_id, id in the release, file name, or article.", show_default=False
        ),
    ],
    as_json: Json = False,
) -> None:
    """Walk one figure through every stage: what each measured or decided, where it left, why.

    Example: roco show demo/demo.toml PMC99000001
    """
    from roco.cli import screen
    from roco.core.show import show as find
    from roco.recipes.load import load_recipe

    loaded = load_recipe(recipe)
    lives = find(loaded.pipeline, loaded.folder, figure)
    if as_json:
        _print_json(lives)
    else:
        for life in lives:
            screen.show_life(life)


@app.command()
def stages(as_json: Json = False) -> None:
    """List the stages: what each reads, writes and takes, and for what it lets figures leave.

    Example: roco stages
    """
    from roco.recipes.catalogue import describe, text

    if as_json:
        _print_json(describe())
    else:
        print(text())


@app.command()
def report(
    recipe: RecipeArg,
    articles: Annotated[bool, typer.Option("--articles", help="One line for each article that has rows.")] = False,
    as_json: Json = False,
) -> None:
    """Tell what reading found: figures and where they left, captions, licences and where they stand, languages.

    Example: roco report demo/demo.toml
    """
    from roco.cli import screen
    from roco.models.text.language import identify
    from roco.recipes.load import load_recipe
    from roco.stages.extract_summary import reading

    loaded = load_recipe(recipe)
    found = reading(loaded.pipeline, loaded.folder, lambda caption: identify(caption)[0])
    if as_json:
        _print_json(found)
    else:
        screen.show_reading(found, articles)


@app.command()
def verify(
    release: Annotated[
        Path, typer.Argument(metavar="RELEASE", help="A folder that a run released.", show_default=False)
    ],
    retracted: Annotated[
        list[Path] | None, typer.Option(metavar="LIST", help="Papers that must not be in it: CSV, or one id a line.")
    ] = None,
    license: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Licences that may be in it; CC-BY and CC-BY-NC by default."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a release: checksums, images, ids, splits, concepts, licences, and that the funnel adds up.

    Example: roco verify demo/run/release --retracted retracted.csv
    """
    from roco.base.licenses import DEFAULT_LICENSES, LICENSES
    from roco.release.read import verify as check

    for name in license or ():
        if name not in LICENSES:
            raise UsageError(f"there is no licence '{name}'", nearest(name, LICENSES))
    problems = check(release, license or DEFAULT_LICENSES, retracted or ())
    if as_json:
        _print_json([problem._asdict() for problem in problems])
    else:
        for problem in problems:
            print(_plain(f"{problem.where}: {problem.what}"))
        print(
            f"{release}: {len(problems)} problem{'s' * (len(problems) > 1)}"
            if problems
            else f"{release}: all is as it must be"
        )
    if problems:
        raise SystemExit(1)


@app.command()
def duplicates(
    recipe: RecipeArg,
    similar: Annotated[
        bool, typer.Option("--similar", help="Groups of images that are alike, of which all stay.")
    ] = False,
    sheet: Annotated[Path | None, typer.Option(metavar="PNG", help="Draw the groups to a contact sheet.")] = None,
    most: Annotated[int, typer.Option(metavar="N", min=1, help="Groups that are drawn or printed at most.")] = 40,
    as_json: Json = False,
) -> None:
    """Show the groups of images that are the same, or alike: who stays, and how many bits they differ in.

    Example: roco duplicates demo/demo.toml --sheet same.png
    """
    from roco.cli import screen
    from roco.models.images.contact_sheet import Picture, contact_sheet
    from roco.recipes.load import load_recipe
    from roco.stages.dedup_groups import groups, thumbnails

    loaded = load_recipe(recipe)
    found = groups(loaded.pipeline, loaded.folder, "similar" if similar else "duplicate")
    if as_json:
        _print_json(found)
    else:
        screen.show_groups(found, most)
    if sheet:
        rows = []
        for group in found[:most]:
            pictures = zip(thumbnails(loaded.folder, group), group, strict=True)
            drawn = [Picture(small, screen.words_of(image), image["stays"]) for small, image in pictures]
            rows.append((f"{len(group)} images", drawn))
        contact_sheet(rows, sheet)
        print(f"drawn: {sheet}", file=sys.stderr)


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="A release.", show_default=False)],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="A later one.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Compare two releases: what came, what went and why, which labels changed, which splits moved.

    Example: roco diff releases/2026 releases/2027
    """
    from roco.cli import screen
    from roco.release.diff import diff as compare

    found = compare(old, new)
    if as_json:
        named = {name: [row._asdict() for row in rows] for name, rows in found._asdict().items() if name != "images"}
        _print_json({"images": found.images, **named})
    else:
        screen.show_difference(found)


def main() -> NoReturn:
    """The entry point: errors in one line with a hint, exit 1 for data and 2 for usage."""
    command = typer.main.get_command(app)
    try:
        code = command.main(prog_name="roco", standalone_mode=False)
        sys.stdout.flush()
        sys.exit(code if isinstance(code, int) else 0)
    except RocoError as err:
        if os.environ.get("ROCO_DEBUG"):
            raise
        print(_plain(f"error: {err}"), file=sys.stderr)
        sys.exit(err.exit_code)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
    except Exception as err:
        if hasattr(err, "show") and hasattr(err, "exit_code"):  # click's own errors, wherever it lives
            err.show()
            sys.exit(err.exit_code)
        raise


def _slice(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    i, _, n = text.partition("/")
    if not all(x.isascii() and x.isdigit() for x in (i, n)):
        raise UsageError(f"--parts {text} names no slice", "write I/N, as in --parts 1/4")
    return int(i), int(n)


def _dry(pipeline: Any, folder: Path, as_json: bool) -> None:
    from roco.core.dry import dry

    found = dry(pipeline, folder)
    if as_json:
        _print_json(found)
        return
    print(f"{found['articles']:,} articles: {found['new']:,} new, {found['changed']:,} changed, {found['gone']:,} gone")
    print(f"{found['parts_to_do']:,} of {found['parts']:,} parts to do")
    for stage in found["stages"]:
        if stage["why"]:
            print(_plain(f"{stage['state']}: {stage['stage']} ({stage['why']})"))


def _print_json(value: Any) -> None:
    text = json.dumps(value, indent=1, ensure_ascii=False, default=str)
    print("".join(c if c.isprintable() or c == "\n" else _escape(c) for c in text))


def _escape(c: str) -> str:
    return f"\\u{ord(c):04x}" if ord(c) <= 0xFFFF else json.dumps(c)[1:-1]


def _plain(text: str) -> str:
    """Words in which names from outside may stand, without control characters."""
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)


def _next(command: str) -> None:
    print(f"next: {command}", file=sys.stderr)


if __name__ == "__main__":
    main()
