from __future__ import annotations

import dataclasses
import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from roco.base.schema import COLUMNS
from roco.core.contract import Contract
from roco.core.run import Run
from roco.core.stage import Measure, put
from roco.models.images.pixels import arrays
from roco.recipes.load import Pipeline
from roco.sources.folder import FolderSource
from roco.stages import image as stage
from roco.stages.image import Image, decode

NOISE = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)


def save(image: Pillow.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


JPEG = save(Pillow.fromarray(NOISE), "JPEG", quality=90)
PNG = save(Pillow.fromarray(NOISE), "PNG")
FILES = [
    JPEG,
    PNG,
    save(Pillow.fromarray(NOISE), "TIFF"),
    save(Pillow.fromarray(NOISE), "TIFF", compression="tiff_lzw"),
    save(Pillow.fromarray(NOISE).convert("P"), "GIF"),
    save(Pillow.fromarray(NOISE), "WEBP"),
    save(Pillow.fromarray(NOISE), "BMP"),
    save(Pillow.fromarray(NOISE).convert("L"), "JPEG", progressive=True),
    save(Pillow.fromarray(NOISE).convert("CMYK"), "JPEG"),
    save(Pillow.fromarray(NOISE[..., 0].astype(np.uint16) * 40), "PNG"),
]


def batch(*files: bytes | None, drops: list[str | None] | None = None, name: str = "f1.jpg") -> pa.Table:
    n = len(files)
    return pa.table(
        {
            "figure_id": pa.array([f"PMC1/f{i}/0" for i in range(n)]),
            "drop": pa.array(drops or [None] * n, pa.string()),
            "drop_detail": pa.nulls(n, pa.string()),
            "article_key": pa.array(["PMC1"] * n),
            "file": pa.array([name] * n),
            "bytes": pa.array(files, pa.large_binary()),
        }
    )


def opened(jpeg: bytes) -> Pillow.Image:
    return Pillow.open(io.BytesIO(jpeg))


def test_a_jpeg_gets_its_properties_its_keys_and_a_thumbnail() -> None:
    row = Image()(batch(JPEG)).to_pylist()[0]
    digest = hashlib.sha256(JPEG).hexdigest()
    assert (row["format"], row["width"], row["height"], row["mode"]) == ("JPEG", 120, 90, "RGB")
    assert (row["n_bytes"], row["sha256"], row["image_key"]) == (len(JPEG), digest, f"PMC1-{digest}")
    assert opened(row["thumbnail"]).size == (120, 90)
    assert (row["n_frames"], row["declared"], row["identifying_fields"]) == (1, "JPEG", [])
    assert row["drop"] is None


def test_columns_have_the_declared_types() -> None:
    table = Image()(batch(JPEG, None, b""))
    for name in (*Image.writes, "thumbnail"):
        assert table[name].type == COLUMNS[name].type
    assert Image()(batch()).num_rows == 0


def test_a_figure_without_bytes_or_dropped_before_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "decode", None)
    table = Image()(batch(None, JPEG, drops=["missing", "language"]))
    assert table["drop"].to_pylist() == ["missing", "language"]
    assert all(table[name].null_count == 2 for name in (*Image.writes, "thumbnail"))


def test_an_image_is_decoded_once_even_if_two_figures_have_the_same_file(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(stage, "decode", lambda data: calls.append(data) or decode(data))
    table = Image()(batch(JPEG, PNG, JPEG))
    assert calls == [JPEG, PNG]
    assert table["image_key"].to_pylist()[0] == table["image_key"].to_pylist()[2]


def test_an_unreadable_image_is_dropped_with_a_detail_and_has_its_sha256() -> None:
    row = Image()(batch(JPEG[: len(JPEG) // 2])).to_pylist()[0]
    assert (row["drop"], row["drop_detail"]) == ("unreadable", "truncated JPEG")
    assert row["sha256"] and row["n_bytes"]
    assert row["format"] is row["width"] is row["thumbnail"] is None


def test_an_image_that_needs_too_much_memory_is_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(data: bytes) -> stage.Decoded:
        raise MemoryError

    monkeypatch.setattr(stage, "decode", exhausted)
    row = Image()(batch(JPEG)).to_pylist()[0]
    assert (row["drop"], row["drop_detail"]) == ("unreadable", "not enough memory")


def test_the_format_is_that_of_the_content_and_not_of_the_file_name() -> None:
    row = Image()(batch(PNG, name="figure.JPG")).to_pylist()[0]
    assert (row["format"], row["declared"], row["drop"]) == ("PNG", "JPEG", None)


def test_the_same_bytes_under_two_names_have_two_declared_formats() -> None:
    table = batch(PNG, PNG)
    names = pa.array(["a.jpg", "a.png"])
    rows = Image()(table.set_column(table.column_names.index("file"), "file", names))
    assert rows["declared"].to_pylist() == ["JPEG", "PNG"]


def test_names_in_the_metadata_are_reported_and_kept_in_the_original() -> None:
    exif = Pillow.Exif()
    exif[0x013B] = "JOHN DOE"
    data = save(Pillow.fromarray(NOISE), "JPEG", exif=exif)
    row = Image()(batch(data)).to_pylist()[0]
    assert row["identifying_fields"] == ["EXIF Artist"]
    assert row["sha256"] == hashlib.sha256(data).hexdigest() and b"JOHN DOE" in data
    assert b"JOHN" not in row["thumbnail"]


@settings(max_examples=150)
@given(
    data=st.sampled_from(FILES),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7)), max_size=8),
    part=st.floats(0, 1),
)
def test_damaged_files_end_in_a_decode_or_a_reason(data: bytes, flips: list[tuple[float, int]], part: float) -> None:
    damaged = bytearray(data)
    for at, bit in flips:
        damaged[int(at * len(damaged))] ^= 1 << bit
    damaged = damaged[: int(len(damaged) * part)] if part < 0.5 else damaged
    row = Image()(batch(bytes(damaged))).to_pylist()[0]
    assert (row["drop"] is None) == (row["thumbnail"] is not None)
    assert row["drop"] is None or (row["drop"] == "unreadable" and row["drop_detail"])


@settings(max_examples=100)
@given(st.binary(max_size=300) | st.builds(lambda a, b: a[:12] + b, st.sampled_from(FILES), st.binary(max_size=200)))
def test_any_bytes_end_in_a_decode_or_a_reason(data: bytes) -> None:
    assert Image()(batch(data))["drop"].to_pylist()[0] in (None, "unreadable")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Brightness(Measure):
    """Reads the pixels that `image` lends."""

    needs = ("image",)
    reads = ("pixels",)

    @property
    def contract(self) -> Contract:
        return dataclasses.replace(super().contract, writes={f"{self.name}_mean": pa.float32()})

    def __call__(self, batch: pa.Table) -> pa.Table:
        means = [None if image is None else float(image.mean()) for image in arrays(batch["pixels"])]
        return put(batch, f"{self.name}_mean", pa.array(means, pa.float32()))


def test_an_image_is_decoded_once_for_three_measures_that_read_its_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    grey, colour = Pillow.new("L", (40, 30), 100), Pillow.new("RGB", (30, 40), (30, 60, 90))
    for name, image in (("grey", grey), ("colour", colour)):
        image.save(folder / f"{name}.png")
    graphics = "".join(f'<fig id="{name}"><graphic xlink:href="{name}.png"/></fig>' for name in ("grey", "colour"))
    (folder / "a.xml").write_text(
        '<article xmlns:xlink="http://www.w3.org/1999/xlink"><front><article-meta>'
        f'<article-id pub-id-type="pmc">1</article-id></article-meta></front><body>{graphics}</body></article>'
    )
    decoded: list[bytes] = []
    monkeypatch.setattr(stage, "decode", lambda data: decoded.append(data) or decode(data))
    source = FolderSource(path=folder)
    measures = [Brightness(name=name) for name in ("one", "two", "three")]
    run = Run(Pipeline(source, [Image(), *measures]), tmp_path / "run")
    run.do(workers=0)
    assert len(decoded) == 2
    rows = run.figures(["one_mean", "three_mean", "mode"]).to_pylist()
    assert {(row["mode"], row["one_mean"], row["three_mean"]) for row in rows} == {
        ("L", 100.0, 100.0),
        ("RGB", 60.0, 60.0),
    }


def test_pixels_are_lent_only_when_they_are_wanted() -> None:
    assert "pixels" not in Image()(batch(JPEG)).column_names
    [value] = Image()(batch(JPEG), ("thumbnail", "pixels"))["pixels"]
    assert (value["height"].as_py(), value["width"].as_py(), value["channels"].as_py()) == (90, 120, 3)
    [image] = arrays(pa.array([value.as_py()], COLUMNS["pixels"].type))
    assert image is not None and (image == decode(JPEG).pixels).all()
