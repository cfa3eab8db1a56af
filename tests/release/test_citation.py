"""CITATION.cff is valid YAML in the Citation File Format, whatever the names contain."""

from __future__ import annotations

from typing import Any

import yaml

from roco.release.citation import citation
from roco.release.metadata import Creator, Metadata

ROWS = [{"article_key": "PMC1"}, {"article_key": "PMC2"}]
VERSION = "1.2.3"


def read(about: Metadata) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(citation(ROWS, VERSION, about))
    return loaded


def test_without_metadata_the_authors_of_the_articles_are_cited() -> None:
    file = read(Metadata())
    assert file["cff-version"] == "1.2.0"
    assert file["title"] == "Radiology images, captions and concepts of 2 articles"
    assert file["authors"] == [{"name": "The authors of the articles listed in attribution.csv"}]
    assert "version" not in file and "contact" not in file and "license" not in file


def test_people_have_family_and_given_names_and_organisations_a_name() -> None:
    people = (
        Creator(name="Doe, Jane", orcid="0000-0002-1825-0097", affiliation="FH: Dortmund"),
        Creator(name="Ärzte e.V."),
    )
    assert read(Metadata(creators=people))["authors"] == [
        {
            "family-names": "Doe",
            "given-names": "Jane",
            "orcid": "https://orcid.org/0000-0002-1825-0097",
            "affiliation": "FH: Dortmund",
        },
        {"name": "Ärzte e.V."},
    ]


def test_a_suffix_is_not_part_of_the_given_names() -> None:
    (author,) = read(Metadata(creators=(Creator(name="Doe, John, Jr."),)))["authors"]
    assert author == {"family-names": "Doe", "given-names": "John", "name-suffix": "Jr."}


def test_titles_and_versions_that_yaml_would_misread_stay_text() -> None:
    file = read(Metadata(title='- "a": #b', version="1.10", date="2026-11-30", doi="10.5281/zenodo.1"))
    assert (file["title"], file["version"], file["date-released"]) == ('- "a": #b', "1.10", "2026-11-30")
    assert file["doi"] == "10.5281/zenodo.1"


def test_a_contact_is_an_address_or_a_website() -> None:
    assert read(Metadata(contact="jane@example.org"))["contact"] == [{"email": "jane@example.org"}]
    assert read(Metadata(contact="https://example.org"))["contact"] == [{"website": "https://example.org"}]
