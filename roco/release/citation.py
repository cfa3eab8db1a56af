"""CITATION.cff: how to cite the release, in the Citation File Format 1.2.0 (https://citation-file-format.github.io)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from roco.base.text import yaml_string
from roco.release.metadata import Creator, Metadata

Row = Mapping[str, Any]

_PAPER = """\
references:
  - type: article
    title: >-
      ROCOv2: Radiology Objects in COntext Version 2,
      an Updated Multimodal Image Dataset
    journal: Scientific Data
    year: 2024
    volume: 11
    start: 688
    doi: 10.1038/s41597-024-03496-6
    authors:
      - family-names: Rückert
        given-names: Johannes
      - name: et al.
"""

_UNNAMED = Creator(name="The authors of the articles listed in attribution.csv")


def citation(rows: Sequence[Row], version: str, about: Metadata) -> str:
    """Returns the text of the file; without creators it names the authors of the articles.

    rows: article_key of each image; version: of roco. The file names no licence: a list of licences
    would offer a choice of them, whereas each image has its own.
    """
    articles = len({row["article_key"] for row in rows})
    title = about.title or f"Radiology images, captions and concepts of {articles:,} articles"
    built = f"{len(rows):,} images; built with roco {version}"
    lines = [
        "cff-version: 1.2.0",
        "type: dataset",
        f"title: {yaml_string(title)}",
        "message: Cite this dataset, the ROCOv2 paper, and the articles of the images you show.",
    ]
    if about.version is not None:
        lines.append(f"version: {yaml_string(about.version)}")
    if about.date is not None:
        lines.append(f"date-released: {yaml_string(about.date)}")
    if about.doi is not None:
        lines.append(f"doi: {yaml_string(about.doi)}")
    lines.append("authors:")
    for creator in about.creators or (_UNNAMED,):
        lines += _listed(_person(creator) if creator.is_person else {"name": creator.name})
    if about.contact is not None:
        kind = "website" if "://" in about.contact else "email"
        lines += ["contact:", *_listed({kind: about.contact})]
    abstract = f"{about.description} {built}" if about.description else built
    lines.append(f"abstract: {yaml_string(abstract)}")
    return "\n".join(lines) + "\n" + _PAPER


def _person(creator: Creator) -> dict[str, str]:
    person = {"family-names": creator.family}
    if creator.given:
        person["given-names"] = creator.given
    if creator.suffix:
        person["name-suffix"] = creator.suffix
    if creator.orcid:
        person["orcid"] = f"https://orcid.org/{creator.orcid}"
    if creator.affiliation:
        person["affiliation"] = creator.affiliation
    return person


def _listed(entry: Mapping[str, str]) -> Iterator[str]:
    """Yields the lines of an entry of a YAML list."""
    for at, (name, value) in enumerate(entry.items()):
        yield f"{'  - ' if at == 0 else '    '}{name}: {yaml_string(value)}"
