"""Reading the text in images; the tests with the networks need the extra `ocr`."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from roco.base.errors import MissingExtra
from roco.models.images import text_in_image
from roco.models.images.text_in_image import Line, TextReader, covered, from_value, to_value, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("AP SUPINE 12 cm", ["AP", "SUPINE", "12", "cm"]),
        ("R", []),
        ("(a)", []),
        ("T1-weighted 3/3/4", ["T1-weighted", "3/3/4"]),
    ],
)
def test_single_letters_are_no_words(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_lines_are_the_same_after_storing() -> None:
    lines = [Line("Größe ≤ 3", 0.9, 0.0, 0.1, 0.2, 0.3, 0.04)]
    assert from_value(to_value(lines)) == lines


def test_the_covered_area_is_at_most_the_whole_image() -> None:
    assert covered([Line("x", 1, 0, 0, 1, 1, 0.8)] * 2) == 1.0


def test_a_missing_extra_is_an_error_with_its_pip_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_in_image.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra) as raised:
        TextReader().load()
    assert "rapidocr is not installed" in raised.value.message and "[ocr]" in raised.value.hint


# --- with the networks ------------------------------------------------------------------------------------------------


def drawn(width: int, height: int, *texts: tuple[int, int, str], size: int = 18) -> np.ndarray:
    image = Image.new("L", (width, height), 30)
    for x, y, text in texts:
        ImageDraw.Draw(image).text((x, y), text, fill=255, font=ImageFont.load_default(size))
    return np.asarray(image)


@pytest.fixture(scope="module")
def reader() -> TextReader:
    pytest.importorskip("rapidocr")
    reader = TextReader()
    reader.load()
    return reader


@pytest.mark.neural
def test_words_are_read_with_their_places(reader: TextReader) -> None:
    lines = reader.read(drawn(400, 300, (20, 20, "AP SUPINE"), (250, 250, "120 kV")))
    assert [line.text for line in lines] == ["AP SUPINE", "120 kV"]
    assert lines[0].right < 0.5 < lines[1].left and lines[0].bottom < 0.3 and lines[1].top > 0.7
    assert 0 < covered(lines) < 0.1


@pytest.mark.neural
def test_colour_and_grey_are_read_alike(reader: TextReader) -> None:
    grey = drawn(300, 100, (20, 20, "PORTABLE"))
    colour = np.stack([grey] * 3, axis=-1)
    assert reader.read(grey) == reader.read(colour)


@pytest.mark.neural
@pytest.mark.parametrize("shape", [(16, 16), (20_000, 16), (16, 20_000), (3000, 3000)])
def test_a_blank_image_of_any_shape_has_no_text(reader: TextReader, shape: tuple[int, int]) -> None:
    assert reader.read(np.zeros(shape, np.uint8)) == []


@pytest.mark.neural
@pytest.mark.slow
def test_of_thousands_of_words_a_bounded_number_of_lines_is_read(
    reader: TextReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_in_image, "MOST_LINES", 20)
    bounded = TextReader()
    page = drawn(960, 960, *((x, y, "word") for x in range(0, 960, 96) for y in range(0, 960, 32)))
    assert 0 < len(bounded.read(page)) <= 20


@pytest.mark.neural
def test_the_identity_covers_the_networks(reader: TextReader) -> None:
    identity = reader.identity
    assert len(identity["models"]) == 2 and all(len(digest) == 64 for digest in identity["models"])
    assert pickle.loads(pickle.dumps(TextReader())) == TextReader()
