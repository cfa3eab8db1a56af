"""The gate before OCR: which images may contain text."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from roco.models.images.text_edges import has_text_edges

RAMP = np.tile(np.linspace(0, 200, 400).astype(np.uint8), (300, 1))


def drawn(text: str, background: np.ndarray, fill: int, size: int = 14) -> np.ndarray:
    image = Image.fromarray(background)
    ImageDraw.Draw(image).text((20, 20), text, fill=fill, font=ImageFont.load_default(size))
    return np.asarray(image)


@pytest.mark.parametrize("size", [12, 20, 32])
@pytest.mark.parametrize(("background", "fill"), [(RAMP, 255), (np.full((300, 400), 255, np.uint8), 0)])
def test_light_and_dark_text_passes(size: int, background: np.ndarray, fill: int) -> None:
    assert has_text_edges(drawn("AP SUPINE 12 cm", background, fill, size))


def test_text_in_colour_passes() -> None:
    image = Image.fromarray(RAMP).convert("RGB")
    ImageDraw.Draw(image).text((20, 20), "PORTABLE 14:02", fill=(255, 255, 0), font=ImageFont.load_default(16))
    assert has_text_edges(np.asarray(image))


def test_steps_ramps_and_lines_are_no_text() -> None:
    step = np.where(np.arange(400) < 200, 0, 255).astype(np.uint8) * np.ones((300, 1), np.uint8)
    line = np.zeros((300, 400), np.uint8)
    line[:, 200:202] = 255
    for image in (RAMP, step, line, np.zeros((300, 400), np.uint8)):
        assert not has_text_edges(image)


@pytest.mark.parametrize("shape", [(1, 1), (16, 16), (3, 5000), (5000, 3)])
def test_any_shape_is_read(shape: tuple[int, int]) -> None:
    assert not has_text_edges(np.zeros(shape, np.uint8))
