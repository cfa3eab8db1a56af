from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from roco.base.errors import DataError, UsageError
from roco.models.images import contact_sheet as module
from roco.models.images.contact_sheet import COLUMNS, DROPPED, FORMATS, GAP, KEPT, SIDE, Group, Picture, contact_sheet
from roco.models.images.sheet_text import LINE, load_font, wrapped

RED, BLUE = (254, 0, 0), (0, 0, 254)
CELL = SIDE + GAP


def thumbnail(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (280, 140), colour).save(out, "JPEG")
    return out.getvalue()


def picture(*lines: str, colour: str = "red", kept: bool = True) -> Picture:
    return Picture(thumbnail(colour), lines or ["a"], kept)


def drawn(groups: list[Group], path: Path) -> Image.Image:
    contact_sheet(groups, path)
    with Image.open(path) as sheet:
        return sheet.convert("RGB")


def colour_of(sheet: Image.Image, row: int, column: int, height: int) -> object:
    """Returns the colour in the middle of a picture; height: from the top of one row to that of the next."""
    return sheet.getpixel((GAP + column * CELL + SIDE // 2, GAP + row * height + LINE + GAP + SIDE // 2))


ONE_LINE = LINE + GAP + SIDE + LINE + 2 * GAP


def test_the_frame_of_an_image_shows_whether_it_is_kept_or_dropped(tmp_path: Path) -> None:
    sheet = drawn([Group("two", [picture(), picture(colour="blue", kept=False)])], tmp_path / "sheet.png")
    left = [sheet.getpixel((GAP + column * CELL - 1, GAP + LINE + GAP + SIDE // 2)) for column in (0, 1)]
    assert ["#{:02x}{:02x}{:02x}".format(*colour) for colour in left] == [KEPT, DROPPED]  # type: ignore[misc]
    assert [colour_of(sheet, 0, column, ONE_LINE) for column in (0, 1)] == [RED, BLUE]


def test_small_groups_share_a_row_and_a_group_that_does_not_fit_begins_a_new_one(tmp_path: Path) -> None:
    pairs = [Group("2 images", [picture(), picture(colour="blue")])] * 4
    sheet = drawn([*pairs, Group("5 images", [picture(colour="blue")] * 5)], tmp_path / "sheet.png")
    assert sheet.height == 3 * ONE_LINE + 2 * GAP
    assert [colour_of(sheet, 0, column, ONE_LINE) for column in range(6)] == [RED, BLUE] * 3
    assert [colour_of(sheet, 1, column, ONE_LINE) for column in range(4)] == [RED, BLUE, (255, 255, 255), (255,) * 3]
    assert [colour_of(sheet, 2, column, ONE_LINE) for column in range(5)] == [BLUE] * 5


def test_every_picture_of_a_large_group_is_drawn(tmp_path: Path) -> None:
    pictures = [picture()] * COLUMNS + [picture(colour="blue")] * 3
    sheet = drawn([Group("9 images", pictures)], tmp_path / "sheet.png")
    assert [colour_of(sheet, 0, column, ONE_LINE) for column in range(COLUMNS)] == [RED] * COLUMNS
    assert [colour_of(sheet, 1, column, ONE_LINE) for column in range(3)] == [BLUE] * 3


@pytest.mark.parametrize(
    "text",
    [
        "PMC99000001/f2/0",
        "duplicate of PMC10009416.1/fig-with-a-very-long-identifier-2021/graphic_supplement_0/0: same bytes",
        "W" * 300,
        "Ultraschall der Schilddr\u00fcse mit Raumforderung im linken Lappen, \u03bb \u00b5 \u0416",
        "a\x1b[31m name \n from outside",
    ],
)
def test_the_whole_text_is_drawn_in_lines_that_fit_below_the_picture(text: str) -> None:
    font = load_font()
    lines = wrapped(text, SIDE, font)
    assert all(font.getlength(line) <= SIDE for line in lines)
    whole = text.replace("\x1b", r"\x1b").replace("\n", r"\n")
    assert "".join(lines).replace(" ", "") == whole.replace(" ", "")


def test_longer_text_makes_the_row_higher(tmp_path: Path) -> None:
    text = "a caption of many words that has to be wrapped into several lines, because it is long"
    n_lines = len(wrapped(text, SIDE, load_font()))
    assert n_lines > 2
    sheet = drawn([Group("one", [picture(text), picture("b")])], tmp_path / "sheet.png")
    assert sheet.height == ONE_LINE + LINE * (n_lines - 1) + 2 * GAP


def test_an_image_without_thumbnail_and_a_sheet_without_groups_are_drawn(tmp_path: Path) -> None:
    drawn([Group("one", [Picture(None, ["\x1b[31m a name \n from outside"], True)])], tmp_path / "one.png")
    for suffix in FORMATS:
        contact_sheet([], tmp_path / f"none{suffix}")


@pytest.mark.parametrize("suffix", [*FORMATS, ".PNG", ".Jpg"])
def test_a_sheet_has_the_format_of_its_name_and_equal_sheets_have_equal_bytes(tmp_path: Path, suffix: str) -> None:
    for name in ("a", "b"):
        contact_sheet([Group("r", [picture()] * 9)], tmp_path / f"{name}{suffix}")
    data = (tmp_path / f"a{suffix}").read_bytes()
    assert data == (tmp_path / f"b{suffix}").read_bytes()
    if suffix == ".pdf":
        assert data.startswith(b"%PDF")
        return
    with Image.open(tmp_path / f"a{suffix}") as sheet:
        assert sheet.format == FORMATS[suffix.lower()].name
        sheet.load()


@pytest.mark.parametrize("name", ["sheet", "sheet.gif", "sheet.svg", "sheet.png.bak", ".png"])
def test_an_unknown_format_is_an_error_that_names_the_formats(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError) as err:
        contact_sheet([], tmp_path / name)
    assert err.value.hint == "use a name that ends with .png, .jpg, .jpeg, .webp, .tif, .tiff or .pdf"
    assert list(tmp_path.iterdir()) == []


def test_a_pdf_has_as_many_pages_as_are_needed(tmp_path: Path) -> None:
    contact_sheet([Group("r", [picture()] * 6)] * 6, tmp_path / "one.pdf")
    contact_sheet([Group("r", [picture()] * 6)] * 14, tmp_path / "three.pdf")
    pages = [(tmp_path / name).read_bytes().count(b"/Type /Page\n") for name in ("one.pdf", "three.pdf")]
    assert pages == [1, 3]


def test_a_sheet_that_its_format_cannot_hold_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = module.SheetFormat("WEBP", 300)
    monkeypatch.setitem(FORMATS, ".webp", small)
    with pytest.raises(DataError, match="WEBP allows 300") as err:
        contact_sheet([Group("r", [picture()] * 12)], tmp_path / "a.webp")
    assert "draw fewer images" in err.value.hint
