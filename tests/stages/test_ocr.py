"""The measure `ocr`: what it writes for images that have text, have none, or cannot be read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image, ImageDraw, ImageFont

from roco.base.schema import PIXELS
from roco.models.images import pixels
from roco.models.images.text_in_image import Line, from_value
from roco.stages.ocr import Ocr


def with_text(text: str) -> np.ndarray:
    image = Image.new("L", (300, 200), 30)
    ImageDraw.Draw(image).text((20, 20), text, fill=255, font=ImageFont.load_default(18))
    return np.asarray(image)


BLANK = np.zeros((200, 300), np.uint8)


def measured(*images: np.ndarray | None, reader: Any = None, **options: Any) -> list[dict[str, Any]]:
    values = pa.array([None if one is None else pixels.to_value(one) for one in images], PIXELS)
    stage = Ocr(**options)
    if reader is not None:
        stage.__dict__["_reader"] = reader
    return stage(pa.table({"figure_id": [str(at) for at in range(len(images))], "pixels": values})).to_pylist()


class Reader:
    """Reads one line in each image, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.read_images = error, 0

    def read(self, image: np.ndarray) -> list[Line]:
        self.read_images += 1
        if self.error is not None:
            raise self.error
        return [Line("AP SUPINE L", 0.9, 0.1, 0.1, 0.3, 0.2, 0.02)]


def test_an_image_without_edges_like_text_is_not_given_to_the_networks() -> None:
    reader = Reader()
    blank, text, none = measured(BLANK, with_text("AP SUPINE"), None, reader=reader)
    assert (blank["text_read"], blank["text_words"], blank["text_share"]) == ("gate", 0, 0.0)
    assert (text["text_read"], text["text_words"], text["text_share"]) == ("ocr", 2, pytest.approx(0.02))
    assert none["text_read"] is None and none["text_lines"] is None
    assert reader.read_images == 1


def test_without_the_gate_each_image_is_read() -> None:
    assert measured(BLANK, reader=Reader(), gate=False)[0]["text_read"] == "ocr"


def test_an_image_that_the_networks_fail_on_is_a_row_and_no_error_of_the_run() -> None:
    row = measured(with_text("AP SUPINE"), reader=Reader(RuntimeError("no")))[0]
    assert (row["text_read"], row["text_words"], row["text_lines"]) == ("failed", None, None)


def test_missing_memory_is_left_to_the_engine() -> None:
    with pytest.raises(MemoryError):
        measured(with_text("AP SUPINE"), reader=Reader(MemoryError()))


@pytest.mark.neural
def test_the_networks_read_what_is_drawn_and_the_same_twice() -> None:
    pytest.importorskip("rapidocr")
    stage = {"gate": True}
    first, second = measured(with_text("AP SUPINE"), **stage)[0], measured(with_text("AP SUPINE"), **stage)[0]
    assert [line.text for line in from_value(first["text_lines"])] == ["AP SUPINE"]
    assert first == second
