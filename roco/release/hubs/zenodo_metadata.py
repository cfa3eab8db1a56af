"""The metadata of a record at Zenodo: title, creators, licences of the images, and what the dataset is derived from."""

from __future__ import annotations

import html
from typing import Any

from roco.base.errors import DataError
from roco.release.hubs.package import License, Package
from roco.release.metadata import Creator

PAPER = "10.1038/s41597-024-03496-6"
OPEN_ACCESS_SUBSET = "https://pmc.ncbi.nlm.nih.gov/tools/openftlist/"

_DESCRIPTION = (
    "<p>{description}</p><p>{images:,} images of articles in PubMed Central, with captions, UMLS concepts, licence and "
    "attribution. Each image keeps the licence of its article: {licenses}. The file attribution.csv names authors, "
    "source and licence of every image.</p>"
)


def marker(package: Package) -> dict[str, str]:
    """Returns the identifier by which a draft or record of these bytes is found again."""
    return {"scheme": "other", "identifier": f"roco:sha256:{package.digest}"}


def zenodo_metadata(package: Package, date: str) -> dict[str, Any]:
    """Returns the metadata as InvenioRDM reads it; date: of publication. Raises DataError without creators."""
    about = package.metadata
    if not about.creators:
        raise DataError(
            f"{package.folder} names no creators, which Zenodo requires",
            "set `creators` in [release] of the recipe, and build and export the release again",
        )
    metadata: dict[str, Any] = {
        "resource_type": {"id": "dataset"},
        "title": package.title,
        "publication_date": date,
        "publisher": "Zenodo",
        "creators": [_creator(creator) for creator in about.creators],
        "description": _description(package),
        "rights": [_right(license) for license in sorted(package.licenses)],
        "identifiers": [marker(package)],
        "related_identifiers": [
            _related(PAPER, "doi", "isdescribedby", "publication-article"),
            _related(OPEN_ACCESS_SUBSET, "url", "isderivedfrom", "dataset"),
        ],
    }
    if about.version is not None:
        metadata["version"] = about.version
    return metadata


def _description(package: Package) -> str:
    counts = [f"{n:,} {license.name.replace('CC-', 'CC ')}" for license, n in _by_name(package)]
    return _DESCRIPTION.format(
        description=html.escape(package.metadata.description or package.title),
        images=sum(package.licenses.values()),
        licenses=html.escape(", ".join(counts)),
    )


def _by_name(package: Package) -> list[tuple[License, int]]:
    """Returns the number of images under each name of a licence, whatever its version."""
    counts: dict[str, int] = {}
    for license, n in sorted(package.licenses.items()):
        counts[license.name] = counts.get(license.name, 0) + n
    return [(License(name, ""), n) for name, n in counts.items()]


def _creator(creator: Creator) -> dict[str, Any]:
    if not creator.is_person:
        return {"person_or_org": {"type": "organizational", "name": creator.name}}
    given = f"{creator.given}, {creator.suffix}" if creator.suffix else creator.given
    person: dict[str, Any] = {"type": "personal", "family_name": creator.family, "given_name": given}
    if creator.orcid:
        person["identifiers"] = [{"scheme": "orcid", "identifier": creator.orcid}]
    entry: dict[str, Any] = {"person_or_org": person}
    if creator.affiliation:
        entry["affiliations"] = [{"name": creator.affiliation}]
    return entry


def _right(license: License) -> dict[str, Any]:
    """Returns a licence with its name and address: not every version has an id at Zenodo."""
    right: dict[str, Any] = {"title": {"en": _title(license)}}
    if license.url:
        right["link"] = license.url
    return right


def _title(license: License) -> str:
    """Returns `CC BY-NC 4.0` for CC-BY-NC with the address of its version."""
    name = license.name.replace("CC-", "CC ")
    version = next((part for part in license.url.split("/") if part[:1].isdigit()), "")
    return f"{name} {version}".strip()


def _related(identifier: str, scheme: str, relation: str, kind: str) -> dict[str, Any]:
    return {
        "identifier": identifier,
        "scheme": scheme,
        "relation_type": {"id": relation},
        "resource_type": {"id": kind},
    }
