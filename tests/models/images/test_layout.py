"""Panels, edges, tone and colour of an image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.models.images import cuts
from roco.models.images.layout import NAMES, _luma, layout


def picture(height: int = 120, width: int = 160, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(40, 200, (height, width), np.uint8)


def tiled(rows: int, columns: int, gutter: int, level: int) -> np.ndarray:
    height, width = 120, 160
    out = np.full((rows * height + (rows - 1) * gutter, columns * width + (columns - 1) * gutter), level, np.uint8)
    for row in range(rows):
        for column in range(columns):
            top, left = row * (height + gutter), column * (width + gutter)
            out[top : top + height, left : left + width] = picture(seed=row * columns + column)
    return out


def number(image: np.ndarray, name: str) -> float:
    return float(layout(image).values[NAMES.index(name)])


@pytest.mark.parametrize("level", [255, 0, 128])
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 2), (2, 1), (2, 3)])
def test_panels_between_bands_of_any_level_are_counted(rows: int, columns: int, level: int) -> None:
    found = layout(tiled(rows, columns, 4, level))
    assert (found.rows, found.columns) == (rows, columns)


def test_a_margin_around_the_image_is_no_panel() -> None:
    framed = np.pad(picture(), 30, constant_values=255)
    assert layout(framed).rows == layout(framed).columns == 1
    assert number(framed, "margin_top") == pytest.approx(30 / 180)


def test_panels_that_touch_show_a_long_edge() -> None:
    one, other = np.full((100, 100), 60, np.uint8), np.full((100, 100), 180, np.uint8)
    noise = np.random.default_rng(1).integers(0, 9, (100, 200), np.uint8)
    assert number(np.hstack([one, other]) + noise, "edge_x_0") == pytest.approx(1)
    assert number(np.hstack([one, one]) + noise, "edge_x_0") == 0


def test_colour_is_measured_and_grey_has_none() -> None:
    grey = picture()
    red = np.stack([grey, grey // 4, grey // 4], 2)
    assert number(red, "strongly_coloured") > 0.9
    assert number(np.stack([grey] * 3, 2), "strongly_coloured") == number(grey, "strongly_coloured") == 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (400, 1), (16, 16), (3, 5, 3), (400, 20, 3)])
def test_images_of_any_shape_have_finite_numbers(shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    assert np.isfinite(layout(image).values).all()
    assert np.isfinite(layout(np.zeros(shape, np.uint8)).values).all()


@given(st.integers(1, 500), st.sampled_from(["<f4", "<f8"]), st.integers(0, 2**32 - 1))
def test_the_median_is_that_of_numpy_to_the_last_bit(n: int, kind: str, seed: int) -> None:
    values = (np.random.default_rng(seed).random(n) * 100).astype(kind)
    assert cuts.median(values).tobytes() == np.median(values).tobytes()
    assert cuts.median(values).dtype == values.dtype


def test_grey_levels_are_whole_256ths_of_the_channels() -> None:
    levels = np.random.default_rng(1).integers(0, 256, (3, 100, 200), np.uint8)
    levels[:, 0, 0], levels[:, 0, 1] = 255, 0
    red, green, blue = levels.astype(np.int64)
    grey = (77 * red + 150 * green + 29 * blue) // 256
    assert np.array_equal(_luma(np.ascontiguousarray(levels.transpose(1, 2, 0))), grey)
    assert np.array_equal(_luma(levels.transpose(1, 2, 0)), grey)  # also where the channels are planes


@pytest.mark.parametrize(
    ("flags", "bands"),
    [
        ("x" * 100, []),
        ("x" * 40 + "." * 20 + "x" * 40, [(40, 60)]),
        ("." * 10 + "x" * 30 + "." * 3 + "x" * 30 + "." * 27, [(40, 43)]),
        ("x" * 4 + "." * 2 + "x" * 94, []),  # what is before the band is too thin for a panel
    ],
)
def test_a_band_has_a_panel_at_both_sides(flags: str, bands: list[tuple[int, int]]) -> None:
    is_band = np.array([flag == "." for flag in flags])
    found = cuts._bands(cuts._Lines(is_band, is_band, ~is_band))
    assert [(band.start, band.end) for band in found] == bands
    assert all(band.white and not band.black for band in found)
