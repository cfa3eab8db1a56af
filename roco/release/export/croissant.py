"""croissant.json: a description of the release folder in Croissant 1.1, from which its images and tables are loaded.

https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html. Readers cache what they unpack under the address of a
file alone: the addresses of two releases must differ, so they contain the beginning of the digest of the release.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from roco.base.schema import SPLITS
from roco.release.export.card import copied_files, license_file, title
from roco.release.export.croissant_rai import responsible_ai
from roco.release.export.croissant_records import record_sets
from roco.release.export.engine import PlannedFile, Writing
from roco.release.export.options import ExportOptions
from roco.release.export.rows import ReleaseRows
from roco.release.format import CROISSANT, FIGURES
from roco.release.metadata import Creator, Metadata

CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "prov": "http://www.w3.org/ns/prov#",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
    "wd": "https://www.wikidata.org/wiki/",
}
"""The context of the specification: readers warn about any other."""

_ENCODINGS = {
    ".csv": ["text/csv"],
    ".json": ["application/json"],
    ".md": ["text/markdown"],
    ".cff": ["application/yaml"],
    ".zip": ["application/zip"],
    ".sha256": ["text/plain"],
    # The registered name, and the one by which mlcroissant recognises the format.
    ".parquet": ["application/vnd.apache.parquet", "application/x-parquet"],
}


def plan(rows: ReleaseRows, options: ExportOptions) -> list[PlannedFile]:
    """Returns croissant.json, and files of the release that describe it; the images stay where they are."""
    write = functools.partial(_write, rows, options)
    return [*copied_files(rows), license_file(rows), PlannedFile(CROISSANT, rows.totals.n_images, write)]


def folder_name(rows: ReleaseRows) -> str:
    """Returns the name that the folder of the release has beside croissant.json, if no address is given."""
    return f"release-{rows.digest[:12]}"


def croissant(rows: ReleaseRows, url: str, page: str = "", about: Metadata | None = None) -> dict[str, Any]:
    """Returns the description of a release.

    url: the address of its files, empty for a folder beside croissant.json. page: the address of the dataset, by
    default that of its files or its DOI. about: metadata to state in place of those of the release.
    """
    about = about or rows.metadata
    base = f"{url.rstrip('/')}/" if url else f"{folder_name(rows)}/"
    licenses = sorted({license.address or license.words for license, _ in rows.totals.licenses})
    described = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": title(rows),
        "description": about.description or _description(rows),
        "url": page or url or (f"https://doi.org/{about.doi}" if about.doi else None),
        "identifier": about.doi and f"https://doi.org/{about.doi}",
        "version": about.version,
        "datePublished": about.date,
        "license": licenses,
        "creator": [_creator(one) for one in about.creators],
        "inLanguage": sorted(rows.totals.languages),
        "keywords": ["radiology", "medical imaging", "image captioning", "UMLS"],
        "citeAs": _citation(title(rows), about),
        "isLiveDataset": False,
        **responsible_ai(rows),
        "distribution": list(_distribution(rows, base)),
        "recordSet": record_sets(rows),
    }
    return {name: value for name, value in described.items() if value not in (None, [], "")}


def _write(rows: ReleaseRows, options: ExportOptions, part: Path, writing: Writing) -> None:
    # The description is complete without reading an image, but it must not vouch for files that were changed.
    for split in SPLITS:
        rows.file(f"{split}_images.zip")
        writing.advance(rows.totals.images[split])
    part.write_text(croissant_text(croissant(rows, options.url)), encoding="utf-8", newline="\n")


def croissant_text(described: Mapping[str, Any]) -> str:
    """Returns a description as croissant.json contains it, with its keys in their order."""
    return json.dumps(described, indent=1, ensure_ascii=False) + "\n"


def _description(rows: ReleaseRows) -> str:
    totals = rows.totals
    return (
        f"{totals.n_images:,} radiology images of {len(totals.articles):,} open-access articles, each with its "
        "caption, UMLS concepts, licence and attribution."
    )


def _creator(creator: Creator) -> dict[str, Any]:
    described = {
        "@type": "sc:Person" if creator.is_person else "sc:Organization",
        "name": creator.name,
        "url": f"https://orcid.org/{creator.orcid}" if creator.orcid else None,
        "affiliation": creator.affiliation and {"@type": "sc:Organization", "name": creator.affiliation},
    }
    return {name: value for name, value in described.items() if value}


def _citation(name: str, about: Metadata) -> str | None:
    """Returns a BibTeX entry of what the publisher stated; None without creators."""
    if not about.creators:
        return None
    entries = {
        "title": f"{{{name}}}",
        "author": " and ".join(one.name if one.is_person else f"{{{one.name}}}" for one in about.creators),
        "year": (about.date or "")[:4],
        "version": about.version,
        "doi": about.doi,
    }
    stated = ", ".join(f"{name} = {{{value}}}" for name, value in entries.items() if value)
    return f"@misc{{release, {stated}}}"


def _distribution(rows: ReleaseRows, base: str) -> Iterator[Mapping[str, Any]]:
    """Yields the files that record sets read, and the images as a set of files in the zips."""
    names = [FIGURES, "attribution.csv", "cui_mapping.csv", "funnel.json"]
    zips = [f"{split}_images.zip" for split in SPLITS if rows.totals.images[split]]
    for name in [*names, *zips]:
        path = rows.path / name
        yield {
            "@type": "cr:FileObject",
            "@id": name,
            "name": name,
            "contentUrl": f"{base}{name}",
            "contentSize": f"{path.stat().st_size} B",
            "encodingFormat": _ENCODINGS[path.suffix],
            "sha256": rows.sha256(name),
        }
    yield {
        "@type": "cr:FileSet",
        "@id": "image-files",
        "name": "image-files",
        "description": "The images with their original bytes.",
        "containedIn": [{"@id": name} for name in zips],
        "encodingFormat": sorted(f"image/{format.lower()}" for format in rows.totals.formats),
        "includes": [f"*{suffix}" for suffix in rows.suffixes],
    }
