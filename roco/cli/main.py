"""The command `roco`: its commands, and how errors are printed. Heavy imports wait until a command needs them."""

from __future__ import annotations

import os
import sys
from typing import Annotated, NoReturn

import typer

from roco.base.errors import DataError, RocoError
from roco.base.version import __version__
from roco.cli import evaluate, fetch, recipe, release, run
from roco.cli.output import safe
from roco.cli.usage import Commands, explained

app = typer.Typer(
    name="roco",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Builds a radiology dataset from open-access articles, and records the stage and the reason of every rejected "
    "figure.\n\nExample: roco init demo, then roco run demo/demo.toml",
)

for command in (run.init, recipe.recipe, recipe.check, run.run, run.status, run.show, run.stages, run.articles):
    app.command()(command)
app.command()(release.verify)
app.command()(run.duplicates)
app.command()(release.diff)
app.add_typer(fetch.app, name="fetch")
app.add_typer(evaluate.app, name="evaluate")


def _print_version(value: bool) -> None:
    if value:
        print(f"roco {__version__}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Print the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    if debug:
        os.environ["ROCO_DEBUG"] = "1"


def main() -> NoReturn:
    """Runs the command line; exits with 0 (done), 1 (data), 2 (usage) or 130 (interrupted)."""
    command = typer.main.get_command(app)
    try:
        code = command.main(prog_name="roco", standalone_mode=False)
        sys.stdout.flush()
        sys.exit(code if isinstance(code, int) else 0)
    except RocoError as err:
        _fail(err)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        # The reader of stdout, such as `head`, has ended. Python would fail again when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
    except OSError as err:
        # A path that cannot be read or written; what a run writes has errors of its own.
        path = err.filename2 or err.filename  # the target of a rename, if it is one
        where = f": {path}" if path else ""
        _fail(DataError(f"{err.strerror or err}{where}", "check the path and its permissions"))
    except Exception as err:
        if type(err).__name__ == "NoArgsIsHelpError":
            print(err.format_message(), file=sys.stderr)  # type: ignore[attr-defined]
            sys.exit(2)
        usage_error = explained(err)
        if usage_error is None:
            raise
        _fail(usage_error)


def _fail(err: RocoError) -> NoReturn:
    """Prints an error in two lines, what is wrong and what to do, and exits; with --debug it is raised."""
    if os.environ.get("ROCO_DEBUG"):
        raise err
    print(safe(f"error: {err}"), file=sys.stderr)
    sys.exit(err.exit_code)


if __name__ == "__main__":
    main()
