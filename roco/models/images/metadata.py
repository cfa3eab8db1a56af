"""What the metadata of an image file say of people and places: the names of such fields, never what stands in them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from PIL import Image, ImageFile, IptcImagePlugin

MOST_XMP = 4 << 20
"""Bytes of XMP that are looked through; what Photoshop writes has some ten thousand."""

_GPS = 0x8825
_CAMERA = 0x8769  # the sub-directory of EXIF with what the camera noted
_EXIF = {
    0x010D: "DocumentName", 0x010E: "ImageDescription", 0x013B: "Artist", 0x013C: "HostComputer",
    0x9C9B: "XPTitle", 0x9C9C: "XPComment", 0x9C9D: "XPAuthor", 0x9C9E: "XPKeywords", 0x9C9F: "XPSubject",
}  # fmt: skip
_EXIF_CAMERA = {0x9286: "UserComment", 0xA430: "CameraOwnerName"}
_IPTC = {
    5: "ObjectName", 25: "Keywords", 26: "ContentLocationCode", 27: "ContentLocationName", 40: "SpecialInstructions",
    80: "By-line", 85: "By-lineTitle", 90: "City", 92: "Sub-location", 95: "Province-State", 100: "CountryCode",
    101: "CountryName", 105: "Headline", 110: "Credit", 115: "Source", 118: "Contact", 120: "Caption-Abstract",
    122: "Writer-Editor",
}  # fmt: skip
_XMP = (
    *("dc:creator", "dc:contributor", "dc:description", "dc:title", "dc:subject"),
    *("photoshop:City", "photoshop:State", "photoshop:Country", "photoshop:CaptionWriter", "photoshop:Credit"),
    *("photoshop:AuthorsPosition", "photoshop:Headline", "photoshop:Source", "photoshop:Instructions"),
    *("Iptc4xmpCore:Location", "Iptc4xmpCore:CountryCode", "Iptc4xmpCore:CreatorContactInfo"),
    *("Iptc4xmpExt:PersonInImage", "Iptc4xmpExt:LocationShown", "Iptc4xmpExt:LocationCreated"),
    *("exif:GPSLatitude", "exif:GPSLongitude", "aux:OwnerName", "exifEX:CameraOwnerName", "tiff:Artist"),
    *("tiff:ImageDescription", "exif:UserComment"),
    # What Photoshop takes over when it opens a DICOM file.
    *("DICOM:PatientName", "DICOM:PatientID", "DICOM:PatientSex", "DICOM:PatientDOB", "DICOM:StudyID"),
    *("DICOM:StudyPhysician", "DICOM:StudyDateTime", "DICOM:StudyDescription", "DICOM:SeriesDescription"),
)
_LOOKED_AT = 20  # places of one name that are looked at
_TAG = re.compile(rb"<[^<>]*>")
_PNG = ("Author", "Title", "Description", "Comment", "Source")
_SAID = re.compile(rb"[A-Za-z0-9\x80-\xff]")
# Words of programs and cameras that stand in free text by themselves, and speak of nobody.
_MACHINE = re.compile(
    rb"gd-jpeg|gimp|photoshop|lavc|lead tech|leadtools|imagemagick|acdsee|irfanview|ghostscript|paint ?shop|optimi[sz]"
    rb"|compress|quality|digital camera|created (?:with|by|using)|(?:converted|generated|written|processed) (?:by|with)"
    rb"|screen ?shot|^intel|^xv |^ascii|^unicode\x00|^aiff|jpeg encoder|matplotlib",
    re.IGNORECASE,
)


def private(image: Image.Image) -> list[str]:
    """The fields of EXIF, XMP, IPTC, PNG text and comments that may name people or places, sorted.

    image: as opened. A field counts where it holds a letter or a digit, and free text not where a program wrote it.
    Damaged metadata say nothing. Only names from the lists above are given, so nothing of the file comes along.
    """
    found: set[str] = set()
    for look in (_exif, _xmp, _iptc, _words):
        # Whatever a parser makes of hostile metadata: they must not cost the picture.
        with contextlib.suppress(Exception):
            found.update(look(image))
    return sorted(found)


def _exif(image: Image.Image) -> Iterator[str]:
    exif = image.getexif()
    yield from _named(exif, _EXIF)
    yield from _named(exif.get_ifd(_CAMERA), _EXIF_CAMERA)
    if exif.get_ifd(_GPS):
        yield "EXIF GPS"


def _named(tags: Mapping[int, Any], names: Mapping[int, str]) -> Iterator[str]:
    for tag, name in names.items():
        if _says(tags.get(tag)):
            yield f"EXIF {name}"


def _xmp(image: Image.Image) -> Iterator[str]:
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    text = packet.encode() if isinstance(packet, str) else bytes(packet)
    text = text[:MOST_XMP]
    for name in _XMP:
        # By words and not by a parser, which hostile XML could keep busy.
        if any(_says(words) for words in (*_elements(text, name.encode()), *_attributes(text, name.encode()))):
            yield f"XMP {name}"


def _elements(text: bytes, name: bytes) -> Iterator[bytes]:
    """What stands in the first elements of a name, without the tags in it."""
    at = -1
    for _ in range(_LOOKED_AT):
        if (at := text.find(b"<" + name, at + 1)) < 0 or (end := text.find(b"</" + name, at)) < 0:
            return
        if text[at + 1 + len(name) : at + 2 + len(name)] in (b">", b" ", b"\n", b"\t", b"\r"):
            yield _TAG.sub(b"", text[at : min(end, at + 10_000)])


def _attributes(text: bytes, name: bytes) -> Iterator[bytes]:
    """What the first attributes of a name hold."""
    at = -1
    for _ in range(_LOOKED_AT):
        if (at := text.find(name + b"=", at + 1)) < 0:
            return
        quote, start = text[at + len(name) + 1 : at + len(name) + 2], at + len(name) + 2
        if quote in (b'"', b"'") and text[at - 1 : at].isspace():
            yield text[start : text.find(quote, start, start + 1000)]


def _iptc(image: Image.Image) -> Iterator[str]:
    assert isinstance(image, ImageFile.ImageFile)
    told = IptcImagePlugin.getiptcinfo(image) or {}
    for number, name in _IPTC.items():
        value = told.get((2, number))
        if any(_says(one) for one in (value if isinstance(value, list) else [value])):
            yield f"IPTC {name}"


def _words(image: Image.Image) -> Iterator[str]:
    if _says(image.info.get("comment")):
        yield "comment"
    if image.format == "PNG":
        for key in _PNG:
            if _says(image.info.get(key)):
                yield f"PNG {key}"


def _says(value: Any) -> bool:
    if isinstance(value, tuple):
        value = bytes(v for v in value if isinstance(v, int) and 0 < v < 256)
    raw = value.encode(errors="replace") if isinstance(value, str) else value
    if not isinstance(raw, bytes):
        return False
    text = raw[:10_000].replace(b"\0", b"")
    return bool(_SAID.search(text)) and not _MACHINE.search(text)
