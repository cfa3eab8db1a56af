"""`roco plan`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import DATA, DONE, USAGE, Command, contents

QUICK = ("--seconds", "0.1")


def planned(command: Command, *words: str | Path) -> dict[str, Any]:
    result = command("plan", *words, *QUICK, "--json")
    assert result.code == DONE, result.err
    plan: dict[str, Any] = json.loads(result.out)
    return plan


def test_a_plan_of_the_demo_has_the_cost_of_each_stage_and_changes_nothing(command: Command, demo: Path) -> None:
    before = contents(demo)
    result = command("plan", demo / "demo.toml", *QUICK)
    assert result.code == DONE, result.err
    assert contents(demo) == before
    stages = [line.split()[0] for line in result.out.splitlines() if " articles " in line or " figures " in line]
    assert {"read", "extract", "license", "image", "write"} <= set(stages)
    for start in (
        "for 35 articles",
        "measured on",
        "core-hours: ",
        "reads: ",
        "disk of",
        "memory: ",
        "time on",
        "price: $",
    ):
        assert f"\n{start}" in f"\n{result.out}", start
    assert "are a small sample" in result.out
    assert result.err.splitlines()[-1] == f"next: roco run {demo / 'demo.toml'}"


def test_a_made_up_corpus_has_as_many_images_per_article_as_pmc(command: Command, demo: Path) -> None:
    plan = planned(command, demo / "demo.toml", "--articles", "4798923")
    assert plan["corpus"] == {"articles": 4798923, "images": 16324613}
    assert plan["parts"] >= 4798923 / 200
    fewer = planned(command, demo / "demo.toml", "--articles", "1000", "--images", "10")
    assert fewer["corpus"] == {"articles": 1000, "images": 10}
    of_images = planned(command, demo / "demo.toml", "--images", "3402")
    assert of_images["corpus"]["articles"] == 1000


def test_the_options_set_machines_and_prices(command: Command, demo: Path) -> None:
    options = ("--machines", "3", "--cores", "4", "--price", "0.5", "--network", "0.001", "--articles", "1000000")
    plan = planned(command, demo / "demo.toml", *options)
    assert plan["limit"] == "network"
    assert plan["elapsed_hours"] == pytest.approx(8 * plan["n_bytes"] / 1e6 / 3600)
    assert plan["total_price"] == pytest.approx(12 * 0.5 * plan["elapsed_hours"])


def test_a_corpus_of_few_articles_is_measured_on_the_demo(command: Command, demo: Path) -> None:
    packages = sorted((demo / "corpus" / "package").rglob("*.tar.gz"))
    for package in packages[10:]:
        package.unlink()
    result = command("plan", demo / "demo.toml", *QUICK)
    assert result.code == DONE, result.err
    assert "note: measured on the demo corpus" in result.out
    assert "not representative" in result.out
    assert result.out.startswith(f"for {len(packages[:10])} articles")


def test_the_share_of_figures_at_each_stage_is_that_of_the_run_if_there_is_one(command: Command, run: Path) -> None:
    plan = planned(command, run / "demo.toml")
    funnel = {stage["stage"]: stage for stage in json.loads((run / "run" / "funnel.json").read_text())["stages"]}
    n = {stage["stage"]: stage["n"] for stage in plan["stages"]}
    assert plan["corpus"]["images"] == funnel["extract"]["kept"]
    assert n["image"] == pytest.approx(funnel["image"]["in"])
    assert any("run in the folder" in note for note in plan["sample"]["notes"])


def test_a_typo_in_the_recipe_is_answered_as_in_a_run(command: Command, demo: Path) -> None:
    recipe = demo / "demo.toml"
    recipe.write_text(recipe.read_text().replace('use = "license"', 'use = "licence"'))
    assert command("plan", recipe).err == command("run", recipe).err
    missing = command("plan", demo / "demo.tom")
    assert missing == command("run", demo / "demo.tom")
    assert missing.code != DONE


def test_a_source_without_articles_is_answered_as_in_a_run(command: Command, demo: Path) -> None:
    for package in (demo / "corpus" / "package").rglob("*.tar.gz"):
        package.unlink()
    result = command("plan", demo / "demo.toml", *QUICK)
    assert result.code == DATA
    assert result.out == ""
    run = command("run", demo / "demo.toml")
    assert result.err.partition("error: ")[2] == run.err.partition("error: ")[2] != ""


INVALID = (("--articles", "0"), ("--machines", "0"), ("--cores", "x"), ("--price", "-1"), ("--network", "nan"))
TOO_LARGE = (("--articles", "9" * 20), ("--price", "inf"), ("--seconds", "inf"))


@pytest.mark.parametrize("option", [*INVALID, *TOO_LARGE])
def test_an_invalid_option_is_an_error(command: Command, demo: Path, option: tuple[str, str]) -> None:
    result = command("plan", demo / "demo.toml", *option)
    assert result.code == USAGE
    assert option[0] in result.err
