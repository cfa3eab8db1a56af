"""`roco fit --run`: the labels of a label log, and the head that it starts from."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from roco.curate.events import Entry
from roco.curate.log import Log
from roco.curate.task_files import load_all
from roco.models.heads.head import Head
from roco.recipes.load import load_recipe
from tests.cli.command import DATA, DONE, USAGE, Command
from tests.cli.test_fit import refused

TASKS = load_all(["modality", "region"])
RECIPE = (
    '[run]\nfolder = "guessed"\n[source]\nkind = "package"\npath = "corpus/package"\n[labels]\nlog = "mine.db"\n'
    '[[stage]]\nuse = "image"\n[[stage]]\nuse = "guess"\nhead = "modality"\n[[stage]]\nuse = "label"\n'
)
OLD, NEW = "DRUS", "DRPE"


@pytest.fixture(scope="module")
def guessed(new_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe that has been run until `guess`; not to be changed."""
    folder = tmp_path_factory.mktemp("guessed") / "demo"
    shutil.copytree(new_demo, folder)
    recipe = folder / "guess.toml"
    recipe.write_text(RECIPE)
    load_recipe(recipe).open(until="guess").do(workers=0)
    return recipe


@pytest.fixture
def recipe(guessed: Path, tmp_path: Path) -> Path:
    """A copy of it, for a test that labels."""
    return shutil.copytree(guessed.parent, tmp_path / "demo") / guessed.name


def images(recipe: Path) -> list[str]:
    """The keys of the images with stored numbers."""
    with closing(load_recipe(recipe).open()) as run:
        rows = run.figures(["image_key", "embedding"]).to_pylist()
    return list(dict.fromkeys(row["image_key"] for row in rows if row["embedding"]))


def label(log: Path, labels: dict[str, str], by: str = "a1", round: str = "curated", blind: bool = False) -> None:
    with Log.open(log, TASKS) as opened:
        opened.open_round(round, annotator=by, blind=blind)
        entries = [Entry(task="modality", image_key=key, label=name) for key, name in labels.items()]
        opened.add(entries, round=round, annotator=by)


def alternating(keys: list[str], *names: str) -> dict[str, str]:
    return {key: names[number % len(names)] for number, key in enumerate(keys)}


def test_the_labels_of_the_recipe_adapt_the_head_of_the_recipe(command: Command, recipe: Path, tmp_path: Path) -> None:
    keys = images(recipe)
    label(recipe.parent / "mine.db", alternating(keys[:40], OLD, NEW))
    result = command("fit", "modality", "--run", recipe, "--out", tmp_path / "new.npz")
    assert result.code == DONE, result.err
    head = Head.load(tmp_path / "new.npz")
    shipped = Head.load("modality")
    assert head.card.classes == (*shipped.card.classes, NEW)
    assert head.card.trained_on["from"] == {"task": "modality", "sha256": shipped.digest}
    assert head.card.trained_on["images"] == 40
    assert len(head.parts) == len(shipped.parts) + 1


def test_the_loop_goes_on_with_the_adapted_head(command: Command, recipe: Path) -> None:
    keys = images(recipe)
    label(recipe.parent / "mine.db", alternating(keys[:40], OLD, NEW))
    head = recipe.parent / "modality-2.npz"
    assert command("fit", "modality", "--run", recipe, "--out", head).code == DONE
    recipe.write_text(RECIPE.replace('head = "modality"', 'head = "modality-2.npz"'))
    assert command("run", recipe, "--until", "guess", "--workers", "0").code == DONE
    again = command("fit", "modality", "--run", recipe, "--out", recipe.parent / "modality-3.npz")
    assert again.code == DONE
    third = Head.load(recipe.parent / "modality-3.npz")
    assert third.card.trained_on["from"]["sha256"] == Head.load(head).digest


def test_from_none_fits_a_new_head_of_the_labelled_classes(command: Command, recipe: Path, tmp_path: Path) -> None:
    label(recipe.parent / "mine.db", alternating(images(recipe)[:40], OLD, NEW))
    result = command("fit", "modality", "--run", recipe, "--from", "none", "--out", tmp_path / "new.npz")
    assert result.code == DONE
    assert Head.load(tmp_path / "new.npz").card.classes == (NEW, OLD)


def test_what_is_no_label_of_an_image_is_counted(command: Command, recipe: Path, tmp_path: Path) -> None:
    keys, log = images(recipe), recipe.parent / "mine.db"
    label(log, {**alternating(keys[:24], OLD, NEW), keys[24]: "UNKNOWN", keys[25]: OLD, "gone": OLD, keys[26]: "DRAN"})
    label(log, {keys[25]: NEW}, by="a2")
    result = command("fit", "modality", "--run", recipe, "--out", tmp_path / "new.npz", "--json")
    assert result.code == DONE
    report = json.loads(result.out)
    left_out = {"disagreement of annotators": 1, "UNKNOWN": 1, "not in the run, or not measured": 1}
    assert (report["images"], report["left_out"]) == (25, left_out)


def test_a_blind_round_counts_only_if_it_is_named(command: Command, recipe: Path, tmp_path: Path) -> None:
    label(recipe.parent / "mine.db", alternating(images(recipe)[:24], OLD, NEW), round="expert", blind=True)
    words = ("fit", "modality", "--run", recipe, "--out", tmp_path / "new.npz")
    refused(command(*words), DATA, "fewer than two classes are labelled in the task 'modality'", "label more images")
    assert command(*words, "--round", "expert").code == DONE


def test_another_log_can_be_named(command: Command, recipe: Path, tmp_path: Path) -> None:
    label(tmp_path / "other.db", alternating(images(recipe)[:24], OLD, NEW))
    words = ("fit", "modality", "--run", recipe, "--out", tmp_path / "new.npz")
    refused(command(*words), USAGE, "no label log", "roco curate")
    assert command(*words, "--log", tmp_path / "other.db").code == DONE


def test_options_of_a_label_log_without_one_are_refused(command: Command, recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("figure_id,label\na,DRUS\nb,DRCT\n")
    words = ("fit", "modality", "--labels", tmp_path / "labels.csv", "--out", tmp_path / "new.npz")
    refused(command(*words, "--run", recipe, "--round", "x"), USAGE, "--log and --round", "without --labels")
    refused(command(*words, "--images", tmp_path, "--log", tmp_path / "x.db"), USAGE, "--log and --round", "--run")


def test_an_unknown_round_or_head_is_named(command: Command, recipe: Path, tmp_path: Path) -> None:
    label(recipe.parent / "mine.db", alternating(images(recipe)[:24], OLD, NEW))
    words = ("fit", "modality", "--run", recipe, "--out", tmp_path / "new.npz")
    refused(command(*words, "--round", "curatd"), USAGE, "unknown round 'curatd'", "curated")
    refused(command(*words, "--from", "modalty"), DATA, "unknown head 'modalty'", "modality")


def test_a_run_without_stored_numbers_is_refused(command: Command, recipe: Path, tmp_path: Path) -> None:
    recipe.write_text(RECIPE[: RECIPE.index('[[stage]]\nuse = "guess"')].replace("guessed", "images"))
    assert command("run", recipe, "--workers", "0").code == DONE
    label(recipe.parent / "mine.db", {"a": OLD, "b": NEW})
    result = command("fit", "modality", "--run", recipe, "--out", tmp_path / "new.npz")
    refused(result, USAGE, "the run has no column 'embedding'", "a stage `guess` or `embed`")
