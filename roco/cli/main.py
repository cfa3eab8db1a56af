"""The command `roco`: its commands, and how errors are printed. Heavy imports wait until a command needs them."""

from __future__ import annotations

import atexit
import os
import re
import shlex
import signal
import sys
from collections.abc import Callable
from typing import Annotated, Any, NoReturn

import typer

from roco.base.errors import RocoError
from roco.base.version import __version__
from roco.cli import (
    agree,
    answer,
    audit,
    concepts,
    curate,
    evaluate,
    export,
    export_backbone,
    fetch,
    fit,
    index,
    labels,
    plan,
    predict,
    publish,
    recipe,
    release,
    report,
    retract,
    review,
    run,
    search,
    select,
    train,
    vocab,
)
from roco.cli.app import App
from roco.cli.logs import be_quiet, be_verbose, log_on_stderr
from roco.cli.output import safe
from roco.cli.streams import streams
from roco.cli.usage import explained

app = App(
    name="roco",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Builds a radiology dataset from open-access articles, and records the stage and the reason of every rejected "
    "figure.\n\nExample: roco init demo, then roco run demo/demo.toml",
)

COMMANDS: tuple[Callable[..., None], ...] = (
    *(run.init, recipe.recipe, recipe.check, plan.plan, run.run, run.status, run.show, run.stages, run.articles),
    *(review.dropped, review.duplicates, review.flagged, audit.audit, curate.curate, agree.agree, fit.fit),
    *(predict.predict, index.index, search.search, answer.answer),
    *(release.verify, release.diff, select.select, export.export, retract.retract, curate.view, report.report),
    *(export_backbone.export_backbone,),
)
for command in COMMANDS:
    app.command()(command)
app.add_typer(fetch.app, name="fetch")
app.add_typer(train.app, name="train")
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(vocab.app, name="vocab")
app.add_typer(concepts.app, name="concepts")
app.add_typer(labels.app, name="labels")
app.add_typer(publish.app, name="publish")


INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it."""


def _print_version(context: typer.Context, value: bool) -> None:
    if value and not context.resilient_parsing:
        print(f"roco {__version__}")
        raise typer.Exit


def _set_debug(value: bool) -> None:
    if value:
        os.environ["ROCO_DEBUG"] = "1"


def _print_help(context: typer.Context, value: bool) -> None:
    if value and not context.resilient_parsing:
        print(context.get_help())
        raise typer.Exit


def _common(*names: str, help: str, callback: Callable[..., None]) -> Any:
    """Returns an option that each command accepts as well: before the command, or after it."""
    return typer.Option(*names, help=help, callback=callback, expose_value=False, is_eager=True)


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
    quiet: Annotated[
        bool, _common("-q", "--quiet", help="Print neither progress nor the next command.", callback=be_quiet)
    ] = False,
    verbose: Annotated[
        bool, _common("-v", "--verbose", help="Print on stderr what is also written to the log.", callback=be_verbose)
    ] = False,
    debug: Annotated[bool, _common("--debug", help="Print the traceback of an error.", callback=_set_debug)] = False,
    help: Annotated[bool, _common("-h", "--help", help="Print this help and exit.", callback=_print_help)] = False,
) -> None:
    pass


def main() -> NoReturn:
    """Runs the command line; exits with 0 (done), 1 (data), 2 (usage) or 130 (interrupted)."""
    atexit.register(_ignore_signals)  # while Python ends, a signal would only replace the exit code
    with streams(), log_on_stderr():
        try:
            code = _exit_code()
            sys.stdout.flush()
        except RocoError as err:  # stdout cannot be written, for instance because the disk is full
            code = _failed(err)
    sys.exit(code)


def _ignore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _exit_code() -> int:
    """Runs the command that sys.argv names; prints the error that ended it."""
    try:
        code = typer.main.get_command(app).main(prog_name="roco", standalone_mode=False)
        if code == INTERRUPTED:  # typer returns it for Ctrl-C
            print("interrupted", file=sys.stderr)
        return code if isinstance(code, int) else 0
    except SystemExit as err:
        return err.code if isinstance(err.code, int) else int(err.code is not None)
    except RocoError as err:
        return _failed(err)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except OSError as err:
        from roco.base.files import path_error

        return _failed(path_error(err))  # a path that cannot be read or written
    except Exception as err:
        if type(err).__name__ == "NoArgsIsHelpError":
            print(err.format_message(), file=sys.stderr)  # type: ignore[attr-defined]
            return 2
        usage_error = explained(err)
        if usage_error is None:
            raise
        return _failed(usage_error)


def _failed(err: RocoError) -> int:
    """Prints an error in two lines, what is wrong and what to do; with --debug it is raised."""
    if os.environ.get("ROCO_DEBUG"):
        raise err
    print(safe(f"error: {_with_recipe(err)}"), file=sys.stderr)
    return err.exit_code


def _with_recipe(err: RocoError) -> str:
    """Returns an error with the recipe of the command line in the commands that its hint names."""
    recipe = next((word for word in sys.argv[1:] if word.endswith(".toml")), "RECIPE")
    return re.sub(r"(?<=roco )(\w+) RECIPE\b", lambda match: f"{match[1]} {shlex.quote(recipe)}", str(err))


if __name__ == "__main__":
    main()
