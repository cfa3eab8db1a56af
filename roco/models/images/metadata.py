"""Finds the metadata fields of an image file that may name people or places, without returning their values."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from PIL import Image, ImageFile, IptcImagePlugin

MOST_XMP = 4 << 20
"""Bytes of XMP that are searched; Photoshop writes some ten thousand."""

_GPS_DIRECTORY = 0x8825
_CAMERA_DIRECTORY = 0x8769  # the sub-directory of EXIF that the camera fills
_EXIF_FIELDS = {
    0x010D: "DocumentName", 0x010E: "ImageDescription", 0x013B: "Artist", 0x013C: "HostComputer",
    0x9C9B: "XPTitle", 0x9C9C: "XPComment", 0x9C9D: "XPAuthor", 0x9C9E: "XPKeywords", 0x9C9F: "XPSubject",
}  # fmt: skip
_CAMERA_FIELDS = {0x9286: "UserComment", 0xA430: "CameraOwnerName"}
_IPTC_FIELDS = {
    5: "ObjectName", 25: "Keywords", 26: "ContentLocationCode", 27: "ContentLocationName", 40: "SpecialInstructions",
    80: "By-line", 85: "By-lineTitle", 90: "City", 92: "Sub-location", 95: "Province-State", 100: "CountryCode",
    101: "CountryName", 105: "Headline", 110: "Credit", 115: "Source", 118: "Contact", 120: "Caption-Abstract",
    122: "Writer-Editor",
}  # fmt: skip
_IPTC_RECORD = 2  # the record of IPTC that describes the picture
_XMP_FIELDS = (
    *("dc:creator", "dc:contributor", "dc:description", "dc:title", "dc:subject"),
    *("photoshop:City", "photoshop:State", "photoshop:Country", "photoshop:CaptionWriter", "photoshop:Credit"),
    *("photoshop:AuthorsPosition", "photoshop:Headline", "photoshop:Source", "photoshop:Instructions"),
    *("Iptc4xmpCore:Location", "Iptc4xmpCore:CountryCode", "Iptc4xmpCore:CreatorContactInfo"),
    *("Iptc4xmpExt:PersonInImage", "Iptc4xmpExt:LocationShown", "Iptc4xmpExt:LocationCreated"),
    *("exif:GPSLatitude", "exif:GPSLongitude", "aux:OwnerName", "exifEX:CameraOwnerName", "tiff:Artist"),
    *("tiff:ImageDescription", "exif:UserComment"),
    # What Photoshop copies when it opens a DICOM file.
    *("DICOM:PatientName", "DICOM:PatientID", "DICOM:PatientSex", "DICOM:PatientDOB", "DICOM:StudyID"),
    *("DICOM:StudyPhysician", "DICOM:StudyDateTime", "DICOM:StudyDescription", "DICOM:SeriesDescription"),
)
_PNG_FIELDS = ("Author", "Title", "Description", "Comment", "Source")

_MOST_OCCURRENCES = 20  # occurrences of one XMP name that are read
_MOST_BYTES = 10_000  # bytes of one value that are read
_MOST_ATTRIBUTE_BYTES = 1000

_TAG = re.compile(rb"<[^<>]*>")
_LETTER_OR_DIGIT = re.compile(rb"[A-Za-z0-9\x80-\xff]")
# Words that programs and cameras write into free text by themselves; such text names nobody.
_WRITTEN_BY_SOFTWARE = re.compile(
    rb"gd-jpeg|gimp|photoshop|lavc|lead tech|leadtools|imagemagick|acdsee|irfanview|ghostscript|paint ?shop|optimi[sz]"
    rb"|compress|quality|digital camera|created (?:with|by|using)|(?:converted|generated|written|processed) (?:by|with)"
    rb"|screen ?shot|^intel|^xv |^ascii|^unicode\x00|^aiff|jpeg encoder|matplotlib",
    re.IGNORECASE,
)


def identifying_fields(image: Image.Image) -> list[str]:
    """Returns the names of the fields that may name people or places, sorted: `EXIF Artist`, `XMP dc:creator` …

    image: as opened. EXIF, XMP, IPTC, PNG text and comments are searched. A field counts if its value has a letter or
    a digit and was not written by a program. Corrupt metadata are ignored. Only names from the lists above are
    returned, so no text of the file is.
    """
    fields: set[str] = set()
    for search in (_exif_fields, _xmp_fields, _iptc_fields, _comment_fields):
        # Parsers raise many kinds of exceptions on hostile metadata, which must not make the image unreadable.
        with contextlib.suppress(Exception):
            fields.update(search(image))
    return sorted(fields)


def _exif_fields(image: Image.Image) -> Iterator[str]:
    exif = image.getexif()
    yield from _filled_tags(exif, _EXIF_FIELDS)
    yield from _filled_tags(exif.get_ifd(_CAMERA_DIRECTORY), _CAMERA_FIELDS)
    if exif.get_ifd(_GPS_DIRECTORY):
        yield "EXIF GPS"


def _filled_tags(tags: Mapping[int, Any], names: Mapping[int, str]) -> Iterator[str]:
    for tag, name in names.items():
        if _may_name_somebody(tags.get(tag)):
            yield f"EXIF {name}"


def _xmp_fields(image: Image.Image) -> Iterator[str]:
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    xmp = packet.encode() if isinstance(packet, str) else bytes(packet)
    xmp = xmp[:MOST_XMP]
    if not xmp:
        return
    for field in _XMP_FIELDS:
        # Searched as bytes: hostile XML could keep an XML parser busy.
        name = field.encode()
        values = (*_element_values(xmp, name), *_attribute_values(xmp, name))
        if any(map(_may_name_somebody, values)):
            yield f"XMP {field}"


def _element_values(xmp: bytes, name: bytes) -> Iterator[bytes]:
    """Yields the text of the first elements of a name, without the tags in it."""
    start = -1
    for _ in range(_MOST_OCCURRENCES):
        start = xmp.find(b"<" + name, start + 1)
        if start < 0:
            return
        end = xmp.find(b"</" + name, start)
        if end < 0:
            return
        after_name = start + 1 + len(name)
        # A longer name may begin with this one.
        if xmp[after_name : after_name + 1] in (b">", b" ", b"\n", b"\t", b"\r"):
            yield _TAG.sub(b"", xmp[start : min(end, start + _MOST_BYTES)])


def _attribute_values(xmp: bytes, name: bytes) -> Iterator[bytes]:
    """Yields the values of the first attributes of a name."""
    at = -1
    for _ in range(_MOST_OCCURRENCES):
        at = xmp.find(name + b"=", at + 1)
        if at < 0:
            return
        start = at + len(name) + 2
        quote = xmp[start - 1 : start]
        # A longer name may end with this one.
        if quote in (b'"', b"'") and xmp[at - 1 : at].isspace():
            yield xmp[start : xmp.find(quote, start, start + _MOST_ATTRIBUTE_BYTES)]


def _iptc_fields(image: Image.Image) -> Iterator[str]:
    assert isinstance(image, ImageFile.ImageFile)
    values = IptcImagePlugin.getiptcinfo(image) or {}
    for number, name in _IPTC_FIELDS.items():
        value = values.get((_IPTC_RECORD, number))
        repeated = value if isinstance(value, list) else [value]
        if any(map(_may_name_somebody, repeated)):
            yield f"IPTC {name}"


def _comment_fields(image: Image.Image) -> Iterator[str]:
    if _may_name_somebody(image.info.get("comment")):
        yield "comment"
    if image.format == "PNG":
        for key in _PNG_FIELDS:
            if _may_name_somebody(image.info.get(key)):
                yield f"PNG {key}"


def _may_name_somebody(value: Any) -> bool:
    """Returns whether a value has a letter or digit and was not written by a program."""
    if isinstance(value, tuple):  # EXIF gives the XP… fields as a tuple of bytes
        value = bytes(v for v in value if isinstance(v, int) and 0 < v < 256)
    if isinstance(value, str):
        value = value.encode(errors="replace")
    if not isinstance(value, bytes):
        return False
    text = value[:_MOST_BYTES].replace(b"\0", b"")
    return bool(_LETTER_OR_DIGIT.search(text)) and not _WRITTEN_BY_SOFTWARE.search(text)
