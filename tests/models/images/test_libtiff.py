"""Errors of libtiff make an image unreadable, and do not reach stderr."""

from __future__ import annotations

import io
import threading

import numpy as np
import pytest
from PIL import Image as Pillow

from roco.base.errors import RejectedInput
from roco.models.images.decode import decode
from roco.models.images.libtiff import decoder_errors
from tests.models.images.test_decode import save

DOTS = Pillow.fromarray((np.random.default_rng(0).random((200, 200)) > 0.9).astype(np.uint8) * 255)
FAX = save(DOTS.convert("1"), "TIFF", compression="group4")
ZIP = save(DOTS, "TIFF", compression="tiff_adobe_deflate")


def damaged(tiff: bytes, at: int = 800) -> bytes:
    """Returns the file with zeros among its pixels, which end the codes of a row too early."""
    return tiff[:at] + bytes(40) + tiff[at + 40 :]


def kept_by_pillow(tiff: bytes) -> bool:
    try:
        Pillow.open(io.BytesIO(tiff)).load()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("whole", [FAX, ZIP], ids=["fax", "zip"])
def test_a_damaged_tiff_is_unreadable_and_nothing_reaches_stderr(
    whole: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    assert decode(whole).width == 200
    with pytest.raises(RejectedInput, match="corrupt TIFF"):
        decode(damaged(whole))
    assert capfd.readouterr().err == ""


def test_a_fax_that_libtiff_decodes_past_an_error_is_unreadable(capfd: pytest.CaptureFixture[str]) -> None:
    assert kept_by_pillow(damaged(FAX))
    assert "Fax4Decode" in capfd.readouterr().err
    with pytest.raises(RejectedInput, match="corrupt TIFF"):
        decode(damaged(FAX))


def test_a_damaged_second_page_makes_the_file_unreadable() -> None:
    pages = save(DOTS.convert("1"), "TIFF", compression="group4", save_all=True, append_images=[DOTS.convert("1")])
    assert decode(pages).n_frames == 2
    second = pages.rindex(FAX[800:900])
    assert pages.index(FAX[800:900]) < second
    with pytest.raises(RejectedInput, match="corrupt TIFF"):
        decode(damaged(pages, second))


def test_after_a_decode_libtiff_prints_its_errors_again(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RejectedInput):
        decode(damaged(FAX))
    capfd.readouterr()
    kept_by_pillow(damaged(FAX))
    assert "Fax4Decode" in capfd.readouterr().err


def test_errors_of_another_thread_are_not_those_of_this_image(capfd: pytest.CaptureFixture[str]) -> None:
    with decoder_errors() as errors:
        other = threading.Thread(target=kept_by_pillow, args=(damaged(FAX),))
        other.start()
        other.join()
        assert errors == []
        kept_by_pillow(damaged(FAX))
        assert set(errors) == {"Fax4Decode"}
    assert capfd.readouterr().err == ""


def test_a_thread_that_ends_first_leaves_the_handler_to_the_other(capfd: pytest.CaptureFixture[str]) -> None:
    with decoder_errors() as errors:
        other = threading.Thread(target=decode, args=(FAX,))
        other.start()
        other.join()
        kept_by_pillow(damaged(FAX))
        assert errors
    assert capfd.readouterr().err == ""
