"""The record sets of croissant.json: splits, images joined with their figures, and figures.

Only `images` refers to other sets: mlcroissant 1.1.1 cannot read two joined sets from one object.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roco.base.schema import SPLITS
from roco.release.export.rows import ReleaseRows
from roco.release.format import FIGURES

TEXT, INTEGER, URL = "sc:Text", "sc:Integer", "sc:URL"

_SPLIT_KINDS = {"train": "cr:TrainingSplit", "valid": "cr:ValidationSplit", "test": "cr:TestSplit"}

COLUMNS = {
    "id": (TEXT, "Id of the image in the release."),
    "split": (TEXT, "Split of the image."),
    "caption": (TEXT, "Caption, without addresses and invisible characters."),
    "concepts": (TEXT, "UMLS concepts: modality, body region, direction, then the others."),
    "concepts_manual": (TEXT, "The concepts that people assigned."),
    "modality": (TEXT, "Modality; missing where it is unknown."),
    "region": (TEXT, "Body region of an X-ray; missing for others, and where it is unknown."),
    "direction": (TEXT, "Direction of an X-ray; missing for others, and where it is unknown."),
    "license": (TEXT, "Licence of the image and its caption."),
    "license_url": (URL, "Address of the licence."),
    "title": (TEXT, "Title of the article, for the attribution."),
    "authors": (TEXT, "Authors of the article, for the attribution."),
    "journal": (TEXT, "Journal of the article."),
    "year": (INTEGER, "Year of publication."),
    "copyright": (TEXT, "Copyright notice of the article."),
    "pmcid": (TEXT, "Article in PubMed Central."),
    "doi": (TEXT, "DOI of the article."),
    "sha256": (TEXT, "SHA-256 of the image's bytes."),
}
"""Columns of figures.parquet that are described, with their types and meanings."""

LISTS = ("concepts", "concepts_manual", "authors")
_JOINED = ("split", "caption", "concepts", "modality", "license", "license_url")


def record_sets(rows: ReleaseRows) -> list[dict[str, Any]]:
    """Returns the record sets: splits, images, figures."""
    known = [name for name in COLUMNS if name in rows.columns]
    return [_splits(), _images(rows, [name for name in _JOINED if name in known]), _figures(known)]


def _splits() -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": "splits",
        "name": "splits",
        "description": "The splits: no article is in two of them.",
        "dataType": "cr:Split",
        "key": {"@id": "splits/name"},
        "field": [
            _field("splits/name", TEXT, "Name of the split."),
            _field("splits/url", URL, "Kind of the split in the vocabulary of Croissant."),
        ],
        "data": [{"splits/name": split, "splits/url": _SPLIT_KINDS[split]} for split in SPLITS],
    }


def _images(rows: ReleaseRows, joined: list[str]) -> dict[str, Any]:
    suffixes = "|".join(suffix[1:] for suffix in rows.suffixes)
    files = {"fileSet": {"@id": "image-files"}}
    # mlcroissant applies the expression twice to a joined field, and warns where it does not match.
    regex = rf"^(.+?)(?:\.(?:{suffixes}))?$"
    name = {**files, "extract": {"fileProperty": "filename"}, "transform": {"regex": regex}}
    fields = [
        _field("images/id", TEXT, "Id of the image.", source=name, references={"field": {"@id": "figures/id"}}),
        _field(
            "images/image",
            "sc:ImageObject",
            "The image.",
            source={**files, "extract": {"fileProperty": "content"}},
        ),
    ]
    for column in joined:
        kind, meaning = COLUMNS[column]
        field = _field(f"images/{column}", kind, meaning, source={"field": {"@id": f"figures/{column}"}})
        if column == "split":
            field["references"] = {"field": {"@id": "splits/name"}}
        fields.append(_repeated(column, field))
    return {
        "@type": "cr:RecordSet",
        "@id": "images",
        "name": "images",
        "description": "The images with caption, concepts and licence.",
        "key": {"@id": "images/id"},
        "field": fields,
    }


def _figures(known: list[str]) -> dict[str, Any]:
    fields = []
    for column in known:
        kind, meaning = COLUMNS[column]
        source = {"fileObject": {"@id": FIGURES}, "extract": {"column": column}}
        field = _field(f"figures/{column}", kind, meaning, source=source)
        fields.append(_repeated(column, field))
    return {
        "@type": "cr:RecordSet",
        "@id": "figures",
        "name": "figures",
        "description": "Metadata of each image: caption, concepts, labels, licence, and the parts of its attribution.",
        "key": {"@id": "figures/id"},
        "field": fields,
    }


def _field(id: str, kind: str, meaning: str, **more: Mapping[str, Any]) -> dict[str, Any]:
    return {"@type": "cr:Field", "@id": id, "name": id, "description": meaning, "dataType": kind, **more}


def _repeated(column: str, field: dict[str, Any]) -> dict[str, Any]:
    return {**field, "isArray": True, "arrayShape": "-1"} if column in LISTS else field
