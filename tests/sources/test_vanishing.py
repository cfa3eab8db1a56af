"""A source of which a part is away while a run reads it: the run stops, drops nothing, and resumes when it is back."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roco.base.errors import SourceUnavailable
from roco.core import parts
from roco.recipes.load import load_recipe

KINDS = {"package": "package", "cloud": "cloud", "folder": "cloud"}
"""Kind of source -> folder of the demo corpus."""


def an_article(source: Path) -> Path:
    """Returns the archive or the folder of an article with figures."""
    return next(path for path in sorted(source.rglob("PMC99000016*")) if path.suffix != ".json")


def written(recipe: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((recipe.parent / "run" / "release").iterdir())}


@pytest.fixture(params=KINDS)
def recipe(request: pytest.FixtureRequest, unrun_demo: Path, tmp_path: Path) -> Path:
    """A recipe that reads a copy of the demo corpus."""
    stages = (unrun_demo / "demo.toml").read_text(encoding="utf-8")
    stages = stages[stages.index("[[stage]]") :]
    for name in ("here", "undisturbed"):
        shutil.copytree(unrun_demo / "corpus" / KINDS[request.param], tmp_path / name / "input")
        head = f'[run]\nfolder = "run"\n[source]\nkind = "{request.param}"\npath = "input"\n'
        (tmp_path / name / "recipe.toml").write_text(head + stages)
    return tmp_path / "here" / "recipe.toml"


def after_listing(monkeypatch: pytest.MonkeyPatch, act: Callable[[], Any]) -> None:
    """Lets something happen after the next listing of the source."""
    plan = parts.plan

    def planned(*args: Any, **options: Any) -> parts.Parts:
        result = plan(*args, **options)
        monkeypatch.setattr(parts, "plan", plan)
        act()
        return result

    monkeypatch.setattr(parts, "plan", planned)


def test_an_article_that_is_away_stops_the_run_and_is_in_the_release_when_it_is_back(
    recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    article = an_article(recipe.parent / "input")
    away = recipe.parent / "away"
    after_listing(monkeypatch, lambda: article.rename(away))
    with pytest.raises(SourceUnavailable, match=f"cannot read .*{article.name}") as caught:
        load_recipe(recipe).run(workers=0)
    assert caught.value.hint == "check that the source is mounted and readable, then run the same command again"
    away.rename(article)
    load_recipe(recipe).run(workers=0)
    undisturbed = recipe.parents[1] / "undisturbed" / "recipe.toml"
    load_recipe(undisturbed).run(workers=0)
    assert written(recipe) == written(undisturbed)


def test_a_run_without_an_article_that_stays_away_is_complete(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    article = an_article(recipe.parent / "input")
    after_listing(monkeypatch, lambda: article.rename(recipe.parent / "away"))
    with pytest.raises(SourceUnavailable):
        load_recipe(recipe).run(workers=0)
    assert load_recipe(recipe).run(workers=0).complete
