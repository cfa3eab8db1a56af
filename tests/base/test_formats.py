from __future__ import annotations

import io

import pytest
from PIL import Image

from roco.base.formats import (
    FORMAT_OF_EXTENSION,
    FORMATS,
    IMAGE_EXTENSIONS,
    SIGNATURES,
    SUFFIX_OF_FORMAT,
    declared_format,
    extension_of,
)


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_of_each_format_begins_with_one_of_its_signatures(name: str) -> None:
    file = io.BytesIO()
    Image.new("L", (16, 16)).save(file, name)
    assert file.getvalue().startswith(SIGNATURES)


@pytest.mark.parametrize("name", FORMATS)
def test_the_suffix_of_a_format_declares_that_format(name: str) -> None:
    assert declared_format(f"image{SUFFIX_OF_FORMAT[name].upper()}") == name


def test_jpeg_is_the_preferred_rendition_and_jpeg_2000_the_last() -> None:
    assert IMAGE_EXTENSIONS[0] == "jpg"
    assert IMAGE_EXTENSIONS[-1] == "jp2" and "jp2" not in FORMAT_OF_EXTENSION


def test_only_what_follows_the_last_dot_is_an_extension() -> None:
    assert extension_of("a.tar.GZ") == "gz"
    assert extension_of("jpg") == ""
    assert declared_format("jpg") is None
    assert declared_format(None) is None
