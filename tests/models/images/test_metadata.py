from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from roco.models.images.metadata import identifying_fields
from tests.waits import cpu_limit

PICTURE = Image.new("RGB", (32, 32), "white")


def saved(kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    PICTURE.save(out, kind, **options)
    return out.getvalue()


def found(data: bytes) -> list[str]:
    return identifying_fields(Image.open(io.BytesIO(data)))


def exif(**sub: Any) -> Image.Exif:
    out = Image.Exif()
    out[0x013B], out[0x010E], out[0x0131] = "Jane Roe", "Knee of J. Doe", "Photoshop"
    out.get_ifd(0x8825).update({1: "N", 2: (48.0, 8.0, 0.0)})
    out.get_ifd(0x8769)[0xA430] = "J. Roe"
    return out


def xmp(inside: str, attributes: str = "") -> bytes:
    return f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description {attributes}>{inside}</rdf:Description>
</rdf:RDF></x:xmpmeta>""".encode()


def with_iptc(*fields: tuple[int, bytes]) -> bytes:
    """A JPEG with an IPTC block, as Photoshop writes it."""
    block = b"".join(b"\x1c\x02" + bytes([n]) + len(v).to_bytes(2, "big") + v for n, v in fields)
    resource = b"8BIM\x04\x04\0\0" + len(block).to_bytes(4, "big") + block + b"\0" * (len(block) % 2)
    body = b"Photoshop 3.0\0" + resource
    jpeg = saved("JPEG")
    return jpeg[:2] + b"\xff\xed" + (len(body) + 2).to_bytes(2, "big") + body + jpeg[2:]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_is_read_in_every_format_that_has_it(kind: str) -> None:
    names = {"EXIF Artist", "EXIF ImageDescription"} | (
        set() if kind == "TIFF" else {"EXIF GPS", "EXIF CameraOwnerName"}
    )
    assert names <= set(found(saved(kind, exif=exif())))  # Pillow writes no directories into the EXIF of a TIFF


def test_an_image_without_metadata_has_no_identifying_fields() -> None:
    assert [found(saved(kind)) for kind in ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP")] == [[]] * 6


@pytest.mark.parametrize(
    ("packet", "names"),
    [
        (xmp("<dc:creator><rdf:Seq><rdf:li>Jane Roe</rdf:li></rdf:Seq></dc:creator>"), ["XMP dc:creator"]),
        (xmp("", 'photoshop:City="Essen"'), ["XMP photoshop:City"]),
        (xmp("", 'DICOM:PatientName="DOE^JOHN" DICOM:PatientID="7"'), ["XMP DICOM:PatientID", "XMP DICOM:PatientName"]),
        (xmp("<dc:creator><rdf:Seq><rdf:li></rdf:li></rdf:Seq></dc:creator>"), []),
        (xmp("", 'photoshop:City=""'), []),
        (xmp("<xmp:CreatorTool>Adobe</xmp:CreatorTool>"), []),
    ],
)
def test_xmp_is_read_as_elements_and_attributes(packet: bytes, names: list[str]) -> None:
    assert found(saved("JPEG", xmp=packet)) == names


def test_iptc_is_read() -> None:
    data = with_iptc((80, b"Jane Roe"), (90, b"Essen"), (116, b"the publisher"))
    assert found(data) == ["IPTC By-line", "IPTC City"]


def test_comments_written_by_programs_are_ignored() -> None:
    assert found(saved("JPEG", comment=b"CREATOR: gd-jpeg v1.0, quality = 90")) == []
    assert found(saved("JPEG", comment=b"patient Doe, knee")) == ["comment"]


def test_text_of_a_png_is_read() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "Jane Roe")
    info.add_text("Software", "a program")
    assert found(saved("PNG", pnginfo=info)) == ["PNG Author"]


def test_no_text_of_the_file_is_returned() -> None:
    data = saved("JPEG", exif=exif(), comment=b"patient Doe", xmp=xmp("", 'photoshop:City="Essen"'))
    said = " ".join(found(data))
    assert not any(word in said for word in ("Doe", "Roe", "Essen"))


def test_hostile_xmp_is_searched_in_bounded_time() -> None:
    packet = b"<dc:creator " * 100_000 + b"<dc:creator>" * 100_000
    image = Image.open(io.BytesIO(saved("JPEG")))
    image.info["xmp"] = packet
    with cpu_limit():
        assert identifying_fields(image) == []


@settings(max_examples=150)
@given(flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=20))
def test_corrupt_metadata_never_raise_an_exception(flips: list[tuple[float, int]]) -> None:
    data = bytearray(saved("TIFF", exif=exif()))
    for at, value in flips:
        data[8 + int(at * (len(data) - 8))] = value
    try:
        image = Image.open(io.BytesIO(bytes(data)), formats=("TIFF",))
    except Exception:
        return
    assert all(name.startswith("EXIF ") for name in identifying_fields(image))
