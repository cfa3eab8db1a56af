"""Whom to name for an image, in the short form of the published dataset and with all that the licences ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from roco.release.read import license_words

_PMC = "https://pmc.ncbi.nlm.nih.gov/articles/{}/"
_DOI = "https://doi.org/{}"
_DEED = "https://creativecommons.org/licenses/{}/"
_LONGEST = 100_000  # characters of a cell: the authors of a consortium fit, a hostile title ends
_ZERO = "https://creativecommons.org/publicdomain/zero/1.0/"


def attribution(license: str, authors: Sequence[str], year: int | None, otherwise: str) -> str:
    """Who is to be named, as the published license_information.csv does: `CC BY-NC Al Mulhim et al. (2022)`.

    authors: `Surname, Given`, or the name of a collaboration; otherwise: named where there is no author.
    """
    names = [" ".join(author.split(",")[0].split()) for author in authors]
    names = [name for name in names if name] or [otherwise]
    who = f"{names[0]} et al." if len(names) > 2 else " and ".join(names)
    return f"{license_words(license)} {who} ({year or 'n.d.'})"


def license_row(row: Mapping[str, Any]) -> list[str]:
    """A row of license_information.csv: `ID,PMCID,Attribution,Link`."""
    otherwise = row["pmcid"] or row["article_key"] or row["figure_id"]
    said = attribution(row["license"] or "NONE", row["authors"] or (), row["year"], otherwise)
    return [row["id"], row["pmcid"] or "", said, _source(row)]


def attribution_row(row: Mapping[str, Any]) -> list[str]:
    """A row of attribution.csv: what section 3(a) of CC 4.0 asks for: creator, notice, licence, source, changes.

    The images are handed on as they were published, so `Changes` says none.
    """
    authors = "; ".join(row["authors"] or ())
    texts = [
        row["title"],
        authors,
        row["journal"],
        str(row["year"] or ""),
        row["doi"],
        license_words(row["license"] or ""),
    ]
    texts += [license_address(row), row["copyright"], _source(row), "none"]
    return [row["id"], *(" ".join((text or "").split())[:_LONGEST] for text in texts)]


def license_address(row: Mapping[str, Any]) -> str:
    """The address of a licence as the article writes it, else the one its id and version make; empty without either."""
    license, version = row["license"] or "", row["license_version"]
    if row["license_url"]:
        return str(row["license_url"])
    if license == "CC0":
        return _ZERO
    if not license.startswith("CC-") or not version:
        return ""
    return _DEED.format("/".join(filter(None, (license.removeprefix("CC-").lower(), version, row["license_port"]))))


def _source(row: Mapping[str, Any]) -> str:
    if row["pmcid"]:
        return _PMC.format(row["pmcid"])
    return _DOI.format(row["doi"]) if row["doi"] else ""
