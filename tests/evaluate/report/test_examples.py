"""The images of a report: which are shown, and which only have a link."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from roco.evaluate.report.content import NotAvailable
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.sections import examples
from roco.recipes.load import load_recipe
from roco.release.read import Release
from roco.stages.dropped_examples import dropped_examples


@pytest.fixture(scope="module")
def inputs(finished_demo: Path) -> Inputs:
    with closing(load_recipe(finished_demo / "demo.toml").open()) as run:
        dropped = dropped_examples(run)
    return Inputs(release=Release.open(finished_demo / "run" / "release"), dropped_examples=dropped)


def test_every_modality_of_the_release_has_images_with_licence_and_link(inputs: Inputs) -> None:
    shown = examples.by_modality(inputs).examples
    modalities = {image.modality for image in inputs.images.images if image.modality}
    assert {example.group[:4] for example in shown} == modalities
    for example in shown:
        assert example.thumbnail is not None and example.thumbnail.startswith(b"\xff\xd8")
        assert example.link.startswith("https://") and "CC BY" in example.credit


def test_every_reason_has_dropped_figures(inputs: Inputs) -> None:
    reasons = {tuple(pair.values()) for pair in inputs.dropped.select(["stage", "drop"]).to_pylist()}
    groups = {tuple(example.group.partition(":")[0].split(", ")) for example in examples.by_reason(inputs).examples}
    assert groups == reasons


def test_an_image_without_a_free_licence_is_neither_copied_nor_quoted(inputs: Inputs) -> None:
    kept_out = [one for one in inputs.dropped_examples if one.group.startswith(("license, license", "rights,"))]
    assert kept_out
    assert not [one for one in kept_out if one.thumbnail or one.caption]
    assert all(one.no_image and one.link for one in kept_out)


def test_without_its_run_a_release_has_no_dropped_images(inputs: Inputs) -> None:
    with pytest.raises(NotAvailable, match="give the recipe"):
        examples.by_reason(Inputs(release=inputs.release))


def test_images_that_cannot_be_read_are_a_note(inputs: Inputs, tmp_path: Path) -> None:
    copy = tmp_path / "release"
    shutil.copytree(inputs.release.path, copy)
    for name in ("train_images.zip", "valid_images.zip"):
        (copy / name).unlink()
    content = examples.by_modality(Inputs(release=Release.open(copy)))
    assert {example.title.split("_")[1] for example in content.examples} == {"test"}
    assert "could not be read" in content.notes[0]
