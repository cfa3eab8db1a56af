"""Writes the attribution of each image: the short form of the published ROCOv2, and all that licences require."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from roco.release.format import license_words

_PMC = "https://pmc.ncbi.nlm.nih.gov/articles/{}/"
_DOI = "https://doi.org/{}"
_DEED = "https://creativecommons.org/licenses/{}/"
_ZERO = "https://creativecommons.org/publicdomain/zero/1.0/"

_MAX_CELL = 100_000  # characters: enough for the authors of a consortium, and a bound for a hostile title


def attribution(license: str, authors: Sequence[str], year: int | None, otherwise: str) -> str:
    """Returns licence, authors and year as in the published table: `CC BY-NC Al Mulhim et al. (2022)`.

    authors: `Surname, Given`, or the name of a collaboration; otherwise: named instead if there are no authors.
    """
    surnames = [" ".join(author.split(",")[0].split()) for author in authors]
    names = [name for name in surnames if name] or [otherwise]
    credited = f"{names[0]} et al." if len(names) > 2 else " and ".join(names)
    return f"{license_words(license)} {credited} ({year or 'n.d.'})"


def license_row(row: Mapping[str, Any]) -> list[str]:
    """Returns a row of license_information.csv: `ID,PMCID,Attribution,Link`."""
    otherwise = row["pmcid"] or row["article_key"] or row["figure_id"]
    text = attribution(row["license"] or "NONE", row["authors"] or (), row["year"], otherwise)
    return [row["id"], row["pmcid"] or "", text, source_address(row)]


def attribution_row(row: Mapping[str, Any]) -> list[str]:
    """Returns a row of attribution.csv, with what section 3(a) of the CC 4.0 licences requires.

    That is the creator, the copyright notice, the licence, the source, and the changes: none, because images are
    distributed as published.
    """
    texts = [
        row["title"],
        "; ".join(row["authors"] or ()),
        row["journal"],
        str(row["year"] or ""),
        row["doi"],
        license_words(row["license"] or ""),
        license_address(row),
        row["copyright"],
        source_address(row),
        "none",
    ]
    cells = [" ".join((text or "").split())[:_MAX_CELL] for text in texts]
    return [row["id"], *cells]


def credit(row: Mapping[str, Any]) -> str:
    """Returns the attribution of an image as one text, with the parts of `attribution_row` that are known."""
    _, title, authors, journal, year, doi, license, address, copyright, source, _ = attribution_row(row)
    work = f'"{title}"' if title else "Untitled article"
    if authors:
        work = f"{work} by {authors}"
    published = " ".join(part for part in (journal, f"({year})" if year else "") if part)
    link = f"https://doi.org/{doi}" if doi else ""
    places = ", ".join(part for part in (published, source, link if link != source else "") if part)
    parts = (work, places, copyright, " ".join(part for part in (license, address) if part))
    return ". ".join(part.rstrip(".") for part in parts if part) + ". The image is unchanged."


def license_address(row: Mapping[str, Any]) -> str:
    """Returns the URL of a licence as the article gives it, else the one of its version; empty if neither is known."""
    license, version = row["license"] or "", row["license_version"]
    if row["license_url"]:
        return str(row["license_url"])
    if license == "CC0":
        return _ZERO
    if not license.startswith("CC-") or not version:
        return ""
    parts = [license.removeprefix("CC-").lower(), version]
    if row["license_port"]:
        parts.append(row["license_port"])
    return _DEED.format("/".join(parts))


def source_address(row: Mapping[str, Any]) -> str:
    """Returns the address of the article."""
    if row["pmcid"]:
        return _PMC.format(row["pmcid"])
    return _DOI.format(row["doi"]) if row["doi"] else ""
