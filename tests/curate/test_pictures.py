"""Images as a browser shows them."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from roco.base.errors import RejectedInput
from roco.curate.pictures import Thumbnails, picture
from roco.models.images.decode import open_thumbnail
from tests.curate.searches import jpeg


def written(format: str, **facts: object) -> bytes:
    out = io.BytesIO()
    Image.new("L", (60, 40), 90).save(out, format, **facts)
    return out.getvalue()


def test_a_thumbnail_is_upright_and_has_no_metadata() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a name"  # rotated by 90 degrees; a description
    made = Thumbnails().get("a", lambda: written("JPEG", exif=exif))
    assert open_thumbnail(made.data).size == (40, 60)
    assert b"a name" not in made.data and b"Exif" not in made.data


def test_thumbnails_are_read_once_and_the_ones_used_last_are_kept() -> None:
    thumbnails = Thumbnails(most=2)
    reads: list[str] = []

    def get(key: str) -> None:
        def read() -> bytes:
            reads.append(key)
            return jpeg(len(reads))

        thumbnails.get(key, read)

    for key in "abacab":
        get(key)
    assert reads == list("abcb") and len(thumbnails) == 2


def test_a_format_that_browsers_do_not_show_is_sent_as_png() -> None:
    assert picture(written("JPEG")).mime == "image/jpeg"
    made = picture(written("TIFF"))
    assert made.mime == "image/png" and made.data.startswith(b"\x89PNG")


def test_a_file_that_is_no_image_is_never_sent_as_it_is() -> None:
    with pytest.raises(RejectedInput, match="SVG, not an image"):
        picture(b"<svg onload='alert(1)'/>")
