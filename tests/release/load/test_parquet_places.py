"""Images in Parquet files: each is at the place that the file's own pages state, and corrupt pages are errors."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roco.base.readers import UNREADABLE
from roco.release.load.parquet_places import image_places

IMAGES = [bytes([number]) * size for number, size in enumerate((0, 1, 300, 70_000, 5, 0, 1_200_000, 4))]


def written(images: list[bytes | None], **options: object) -> bytes:
    """The bytes of a file with these images, written as exports write them unless options differ."""
    image = pa.array([{"bytes": data, "path": "a.jpg"} for data in images])
    sink = io.BytesIO()
    chosen = {"compression": "none", "use_dictionary": False, "write_statistics": False, "row_group_size": 3}
    pq.write_table(pa.table({"image": image}), sink, store_schema=False, **(chosen | options))
    return sink.getvalue()


@pytest.mark.parametrize("size", [1 << 20, 1000])
def test_every_image_is_at_its_place(tmp_path: Path, size: int) -> None:
    path = tmp_path / "images.parquet"
    path.write_bytes(written(IMAGES, data_page_size=size, write_batch_size=1))  # also several pages in a row group
    data = path.read_bytes()
    assert [data[place.start : place.start + place.packed] for place in image_places(path)] == IMAGES


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        (IMAGES, {"compression": "zstd"}, "compressed"),
        (IMAGES, {"use_dictionary": True}, "compressed"),
        (IMAGES, {"data_page_version": "2.0"}, "encoded"),
        (IMAGES, {"column_encoding": {"image.bytes": "DELTA_LENGTH_BYTE_ARRAY"}}, "encoded"),
        ([b"abc", None, b"d"], {}, "page"),
    ],
)
def test_images_of_other_programs_are_refused(
    tmp_path: Path, images: list[bytes | None], options: dict[str, object], message: str
) -> None:
    path = tmp_path / "images.parquet"
    path.write_bytes(written(images, **options))
    with pytest.raises(ValueError, match=message):
        list(image_places(path))


def test_a_file_without_images_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"image": ["a"]}), tmp_path / "texts.parquet")
    with pytest.raises(ValueError, match=r"no column image\.bytes"):
        list(image_places(tmp_path / "texts.parquet"))


@settings(max_examples=60)
@given(changes=st.dictionaries(st.integers(0, 400), st.integers(0, 255), min_size=1, max_size=4))
def test_corrupt_pages_are_an_error_or_give_places_inside_the_file(
    tmp_path_factory: pytest.TempPathFactory, changes: dict[int, int]
) -> None:
    data = bytearray(written([b"abc" * 20] * 4))
    for at, byte in changes.items():
        data[at % len(data)] = byte
    path = tmp_path_factory.mktemp("corrupt") / "images.parquet"
    path.write_bytes(data)
    try:
        places = list(image_places(path))
    except UNREADABLE:
        return
    assert all(0 < place.start <= place.start + place.packed <= len(data) for place in places)
