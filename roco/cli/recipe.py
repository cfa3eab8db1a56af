"""The commands on recipes themselves: recipe, check."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from roco.cli.output import count, print_json, print_next, safe
from roco.cli.run import Json, RecipeArg


def recipe(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A shipped recipe, such as rocov2.", show_default=False)
    ] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of recipes, for editors, instead.")
    ] = False,
) -> None:
    """Prints a shipped recipe to copy, or lists them.

    Example: roco recipe rocov2 > mine.toml
    """
    from roco.recipes.schema import schema as recipe_schema
    from roco.recipes.shipped import shipped, starter, summary

    if schema:
        print_json(recipe_schema())
        return
    if name is None:
        width = max(map(len, shipped()))
        for known in shipped():
            print(f"{known:{width}}  {summary(known)}")
        print_next("roco recipe rocov2 > mine.toml")
        return
    sys.stdout.write(starter(name))


def check(recipe: RecipeArg, as_json: Json = False) -> None:
    """Checks a recipe and what it refers to. Reads no articles and writes nothing.

    Example: roco check demo/demo.toml
    """
    from roco.cli.recipe_tables import print_stages
    from roco.recipes.load import load_recipe

    loaded = load_recipe(recipe)
    found = loaded.check()
    if as_json:
        stages = [step.describe() for step in loaded.pipeline.steps]
        print_json({"stages": stages, "overridden": loaded.overridden, "problems": [p._asdict() for p in found]})
    else:
        print_stages(loaded)
        for problem in found:
            print(safe(f"{problem.where}: {problem.message}\n  {problem.hint}"))
        if not found:
            print(f"OK: {count('stage', len(loaded.pipeline.steps))}, all checks passed")
    if found:
        raise typer.Exit(1)
    print_next("roco run", recipe)
