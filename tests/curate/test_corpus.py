"""Figures of runs and releases as the pages read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from roco.base.errors import DataError
from roco.curate.board import guess_columns, guesses_of
from roco.curate.corpus import of_release, of_run
from roco.curate.events import Entry
from roco.curate.log import Log
from roco.curate.pictures import UnknownFigure
from roco.curate.task_files import load_all
from roco.recipes.load import load_recipe
from roco.release.read import Release
from tests.curate.figures import corpus, row

TASKS = load_all(["modality", "region"])
COLUMNS = guess_columns(TASKS.values())


def test_a_run_has_its_kept_and_dropped_figures_and_images_of_the_kept_ones(finished_demo: Path) -> None:
    with closing(load_recipe(finished_demo / "demo.toml").open()) as run:
        figures = of_run(run, COLUMNS)
        assert len(figures) == len(run.figures())
        kept = [number for number, stage in enumerate(figures.table["stage"].to_pylist()) if stage is None]
        dropped_early = [n for n, stage in enumerate(figures.table["stage"].to_pylist()) if stage == "license"]
        assert figures.asked[kept].all() and dropped_early and not figures.asked[dropped_early].any()
        assert figures.image(kept[0]).mime in ("image/jpeg", "image/png")
        assert figures.thumbnail(kept[0]).data.startswith(b"\xff\xd8\xff")
        assert set(figures.clusters.tolist()) == {0}  # a run without filters has no embeddings
        guesses = guesses_of(TASKS["modality"], figures)
        assert {"DRCT", "DRXR"} <= set(guesses.labels[kept])


def test_a_release_has_the_keys_of_its_run_and_images_by_id(finished_demo: Path) -> None:
    with closing(load_recipe(finished_demo / "demo.toml").open()) as run:
        keys = set(of_run(run).keys)
    with Release.open(finished_demo / "run" / "release") as release:
        figures = of_release(release, "the release", COLUMNS)
        assert figures.asked.sum() == len(release)
        assert {figures.keys[number] for number in figures.asked.nonzero()[0]} <= keys
        assert figures.image(0).data == release.image(figures.table["id"][0].as_py())
        assert figures.thumbnail(0).mime == "image/jpeg"
        dropped = int((~figures.asked).nonzero()[0][0])
        with pytest.raises(DataError, match="no image in the release"):
            figures.image(dropped)


class Layouts:
    """A release of images with a layout, the last one without, and a dropped figure."""

    def __init__(self, layouts: Sequence[Sequence[float] | None]) -> None:
        rows = [{"id": f"i{number}", "image_key": f"k{number}", "layout": one} for number, one in enumerate(layouts)]
        self._table = pa.Table.from_pylist(rows)
        self.columns = self._table.column_names

    def table(self, split: str | None = None, columns: Sequence[str] | None = None) -> pa.Table:
        return self._table.select(columns or self.columns)

    def dropped_rows(self, columns: dict[str, pa.DataType]) -> Iterator[dict[str, Any]]:
        yield {**dict.fromkeys(columns), "image_key": "gone", "stage": "license"}

    def image(self, id: str) -> bytes:
        raise AssertionError(id)

    def concept_names(self) -> dict[str, str]:
        return {}


def test_a_release_is_spread_by_the_layout_of_its_images() -> None:
    rng = np.random.default_rng(5)
    # Numbers of very different size; the small ones distinguish two kinds of images.
    large = 1000 + 100 * rng.standard_normal((200, 3))
    small = np.tile([[0.0], [1.0]], (100, 30)) + rng.standard_normal((200, 30)) / 50
    kinds = np.hstack([large, small]).tolist()
    figures = of_release(Layouts([*kinds, None]), "the release")
    clusters = figures.clusters
    assert len(clusters) == len(figures) == 202
    assert not set(clusters[0:200:2].tolist()) & set(clusters[1:200:2].tolist())
    assert set(of_release(Layouts([None, None]), "the release").clusters.tolist()) == {0}


def test_images_that_people_exclude_can_still_be_labelled(demo_corpus: Path) -> None:
    recipe = demo_corpus / "demo.toml"
    with closing(load_recipe(recipe).open()) as run:
        figures = of_run(run, COLUMNS)
    excluded = figures.keys[int(figures.asked.nonzero()[0][0])]
    with Log.open(demo_corpus / "labels.db", TASKS) as log:
        log.open_round("curated", annotator="a1")
        log.add([Entry(task="modality", image_key=excluded, label="OTHER")], round="curated", annotator="a1")
    recipe.write_text(recipe.read_text() + '\n[labels]\nlog = "labels.db"\n')
    load_recipe(recipe).run(workers=0)
    with closing(load_recipe(recipe).open()) as run:
        figures = of_run(run, COLUMNS)
        number = figures.row(excluded)
        assert figures.table["stage"][number].as_py() == "label"
        assert figures.asked[number]


def test_two_figures_with_one_key_are_one_and_the_kept_one_counts() -> None:
    same = row(5)["image_key"]
    figures = corpus([row(1, image_key=same, stage="dedup", drop="duplicate"), row(2, image_key=same), row(3)])
    assert len(figures) == 2
    assert figures.table["figure_id"].to_pylist() == ["PMC2/f1/0", "PMC3/f1/0"]
    with pytest.raises(UnknownFigure):
        figures.row("another")


def test_without_guesses_the_labels_of_a_release_or_its_manual_concepts_are_the_guesses() -> None:
    plain = row(1, modality_guess=None, modality_p=None)
    by_label = corpus([{**plain, "modality": "DRUS"}])
    assert guesses_of(TASKS["modality"], by_label).labels.tolist() == ["DRUS"]
    by_concept = corpus([{**plain, "concepts_manual": ["C1306645", "C0817096"]}])
    assert guesses_of(TASKS["modality"], by_concept).labels.tolist() == ["DRXR"]
    assert guesses_of(TASKS["region"], by_concept).labels.tolist() == ["chest"]
