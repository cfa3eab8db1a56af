"""Pairs of concepts, modality by region, and images with few concepts, against numbers counted by hand."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.sections import coverage
from tests.evaluate.report.examples import CT, LIVER, NODULE, published_inputs, release_inputs


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    return release_inputs(tmp_path / "release")


def test_pairs_count_images_with_both_concepts_and_their_lift() -> None:
    concepts = [["a", "b", "c"], ["b", "a"], ["a"], ["c"], [], ["d"]]
    found = coverage.pairs(concepts)
    assert [pair[:3] for pair in found] == [("a", "b", 2), ("a", "c", 1), ("b", "c", 1)]
    # a has 3 images, b 2, c 2, of 6: expected by chance are 1, 1 and 2/3 images.
    assert [pair.lift for pair in found] == pytest.approx([2 / 1, 1 / 1, 1 / (2 / 3)])


def test_pairs_of_content_leave_out_modalities_and_regions(inputs: Inputs) -> None:
    tables = coverage.co_occurrence(inputs).tables
    # CT has three images, liver three; both have two.
    first = tables[0].rows[0]
    assert first[:3] == (f"Liver ({LIVER})", f"X-Ray Computed Tomography ({CT})", 2)
    assert first[3] == pytest.approx(2 * 6 / (3 * 3))
    content = {(row[0], row[1]): row[2] for row in tables[1].rows}
    assert content == {("Brain (C0006104)", f"Liver ({LIVER})"): 1, (f"Liver ({LIVER})", f"Nodule ({NODULE})"): 1}
    assert len(tables) == 2  # no pair has ten images


def test_an_image_covers_the_regions_of_its_concepts(inputs: Inputs) -> None:
    table = coverage.coverage(inputs).tables[0]
    rows = {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}
    assert rows["DRXR Plain X-Ray"]["chest"] == 2 and rows["DRXR Plain X-Ray"]["no region"] == 0
    assert rows["DRCT X-Ray Computed Tomography"]["no region"] == 2


@pytest.mark.parametrize("write", [release_inputs, published_inputs])
def test_images_with_few_concepts_are_counted_by_modality(tmp_path: Path, write: object) -> None:
    inputs: Inputs = write(tmp_path / "dataset")  # type: ignore[operator]
    rows = {row[0]: row for row in coverage.single_concepts(inputs).tables[0].rows}
    # No image has a single concept; both X-rays have modality, region and direction only.
    assert rows["all"] == ("all", 6, 0, 0.0, 0, 0.0, 2, 2 / 6)
    assert rows["DRXR Plain X-Ray"][6:] == (2, 1.0)


def test_pairs_of_many_images_are_counted_in_arrays() -> None:
    concepts = [[f"C{(place * 7 + step * step) % 1900:07}" for step in range(8)] for place in range(20_000)]
    started = time.process_time()
    coverage.pairs([sorted(set(of_image)) for of_image in concepts])
    assert time.process_time() - started < 5
