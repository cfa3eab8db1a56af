"""Image files: intensities, sizes and formats, of drawn images and against numbers counted by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from roco.evaluate.report.content import NotAvailable
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.plots import Histogram
from roco.evaluate.report.sections import pixels
from tests.evaluate.report.examples import published_inputs, release_inputs, write_images

BLACK = Image.new("L", (20, 30), 0)
WHITE = Image.new("RGB", (40, 16), (255, 255, 255))


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    """Two grey images of train, black and white, and a colour image of test; another file is corrupt."""
    inputs = published_inputs(tmp_path / "rocov2")
    files = {"d_train_1": BLACK, "d_train_2": Image.new("L", (16, 16), 255), "d_test_1": WHITE}
    write_images(inputs.release.path, files)
    (inputs.release.path / "train" / "d_train_3.png").write_bytes(b"\x89PNG\r\n\x1a\n corrupt")
    return inputs


def test_intensities_are_shares_of_samples_in_which_each_image_counts_equally(inputs: Inputs) -> None:
    content = pixels.figure_s3(inputs)
    grey, color = content.plots
    assert isinstance(grey, Histogram) and isinstance(color, Histogram)
    (name, values), *none = grey.series.items()
    assert name == "train (n = 2)" and not none
    assert values[0] == pytest.approx(50) and values[127] == pytest.approx(50) and sum(values) == pytest.approx(100)
    assert color.series["test (n = 1)"][127] == pytest.approx(100)
    assert "3 of 4 images were decoded; 1 more could not be decoded" in content.notes[0]


def test_the_grey_images_of_all_are_counted_where_their_modes_are_known(tmp_path: Path) -> None:
    inputs = release_inputs(tmp_path / "release")
    write_images(inputs.release.path, {"d_train_1": BLACK})
    ours = {row.what: row.ours for row in pixels.figure_s3(inputs).compared}
    assert ours == {pixels.GREY: 1, pixels.COLOR: 5}


def test_sizes_are_those_of_the_columns_without_decoding(tmp_path: Path) -> None:
    content = pixels.figure_s4(release_inputs(tmp_path / "release"))
    width_by_split = {row[0]: row for row in content.tables[0].rows}
    # Widths: 100 to 400 (train), 500 (valid), 600 (test).
    assert width_by_split["train"][1:4] == (4, 250.0, 100.0) and width_by_split["test"][9] == 600.0
    assert content.notes == ()


def test_sizes_of_the_published_layout_are_those_of_the_sample(inputs: Inputs) -> None:
    content = pixels.figure_s4(inputs)
    rows = {row[0]: row for row in content.tables[1].rows}  # heights by split: 30 and 16, 16
    assert rows["train"][1:4] == (2, 23.0, 16.0) and rows["test"][2] == 16.0
    assert "fixed random sample" in content.notes[0]


def test_formats_modes_and_bytes_are_those_of_the_columns(tmp_path: Path) -> None:
    formats, modes, n_bytes = pixels.image_files(release_inputs(tmp_path / "release")).tables
    assert formats.rows[0] == ("PNG", 4, 1, 1, 6, 1.0)
    assert modes.rows[:2] == [("RGB", 3, 1, 1, 5, 5 / 6), ("L", 1, 0, 0, 1, 1 / 6)]
    assert n_bytes.rows[0][1:4] == (6, 3.5, 1.0)  # kilobytes: 1 to 6


def test_a_smaller_sample_is_part_of_a_larger_one_whatever_the_order(inputs: Inputs) -> None:
    samples = [set(inputs.sample(range(6), size)) for size in (1, 2, 6)]
    assert samples[0] < samples[1] < samples[2]
    assert set(inputs.sample([5, 4, 3, 2, 1, 0], 2)) == samples[1]


def test_without_image_files_there_are_no_intensities(tmp_path: Path) -> None:
    with pytest.raises(NotAvailable, match="no image files"):
        pixels.figure_s3(release_inputs(tmp_path / "release"))
