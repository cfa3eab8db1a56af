from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from roco.models.images.contact_sheet import DROPPED, KEPT, SIDE, Picture, contact_sheet


def thumbnail(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (280, 140), colour).save(out, "JPEG")
    return out.getvalue()


def test_the_frame_of_an_image_shows_whether_it_is_kept_or_dropped(tmp_path: Path) -> None:
    pictures = [Picture(thumbnail("red"), ["a"], True), Picture(thumbnail("blue"), ["b"], False)]
    contact_sheet([("two", pictures)], tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        colours = {"#{:02x}{:02x}{:02x}".format(*colour) for _, colour in sheet.convert("RGB").getcolors(1 << 16) or []}
        assert {KEPT, DROPPED} <= colours
        middle = sheet.convert("RGB").getpixel((12 + SIDE // 2, 12 + 28 + SIDE // 2))
    assert isinstance(middle, tuple) and middle[0] > 200 > 50 > middle[2]


def test_an_image_without_thumbnail_and_a_sheet_without_rows_are_drawn(tmp_path: Path) -> None:
    contact_sheet([("one", [Picture(None, ["\x1b[31m a name \n from outside"], True)])], tmp_path / "one.png")
    contact_sheet([], tmp_path / "none.png")
    for name in ("one.png", "none.png"):
        with Image.open(tmp_path / name) as sheet:
            sheet.load()


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        contact_sheet([("r", [Picture(thumbnail("green"), ["w"], True)] * 9)], tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
