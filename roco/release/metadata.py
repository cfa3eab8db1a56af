"""Who made a release and how it is called: the section [release] of a recipe, metadata.json in the release."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from roco.base.errors import RecipeError
from roco.base.ids import clean_doi, clean_orcid
from roco.base.json_text import parse_json
from roco.base.readers import UNREADABLE, read_text

_ADDRESS = re.compile(r"[^@\s<>()\[\]]+@[^@\s<>()\[\]]+\.[^@\s<>()\[\]]+|https?://[^\s<>()\[\]]+")


@dataclass(frozen=True, kw_only=True)
class Creator:
    """Who made the dataset: a person, or an organisation, whose name has no comma.

    name: of a person as `Family, Given` or `Family, Given, Jr.`. orcid: the ORCID iD of a person, with or without `https://orcid.org/`.
    """

    name: str
    orcid: str | None = None
    affiliation: str | None = None

    def __post_init__(self) -> None:
        _check_text("name of a creator", self.name)
        if self.affiliation is not None:
            _check_text(f"affiliation of {self.name}", self.affiliation)
        if self.orcid is None:
            return
        orcid = clean_orcid(self.orcid)
        if orcid is None:
            hint = "write the 16 digits as on orcid.org: 0000-0002-1825-0097 (the last one is a check digit)"
            raise RecipeError(f"invalid ORCID iD {self.orcid!r} of {self.name} ([release])", hint)
        if not self.is_person:
            hint = "write the name of a person as 'Family, Given'; an organisation has no ORCID iD"
            raise RecipeError(f"ORCID iD of '{self.name}', a name without a comma ([release])", hint)
        object.__setattr__(self, "orcid", orcid)

    @property
    def is_person(self) -> bool:
        return "," in self.name

    @property
    def family(self) -> str:
        return self._parts[0]

    @property
    def given(self) -> str:
        return self._parts[1] if len(self._parts) > 1 else ""

    @property
    def suffix(self) -> str:
        return ", ".join(self._parts[2:])

    @property
    def _parts(self) -> list[str]:
        return [part.strip() for part in self.name.split(",")]


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What the card, CITATION.cff and every export state about the dataset itself; all of it is optional.

    title, description: plain text; line breaks of a description become spaces. version: such as `1.0.0`. date: of
    publication, `2026-11-30`. doi: of the dataset. creators: people and organisations, in order. contact: an e-mail
    address or a URL. license_note: a sentence that is added to the paragraph on licences, such as the licence of your
    own annotations.
    """

    title: str | None = None
    description: str | None = None
    version: str | None = None
    date: str | None = None
    doi: str | None = None
    creators: tuple[Creator, ...] = ()
    contact: str | None = None
    license_note: str | None = None

    def __post_init__(self) -> None:
        for name in ("description", "license_note"):
            value = getattr(self, name)
            if value is not None:
                # Long texts are written on several lines of a recipe; card and CITATION.cff have them on one.
                object.__setattr__(self, name, " ".join(value.split()))
        for name in ("title", "description", "version", "license_note", "contact"):
            value = getattr(self, name)
            if value is not None:
                _check_text(name, value)
        if self.contact is not None and not _ADDRESS.fullmatch(self.contact):
            hint = "write an e-mail address, or a URL that begins with https://"
            raise RecipeError(f"invalid contact {self.contact!r} ([release])", hint)
        if self.date is not None and not _is_date(self.date):
            raise RecipeError(
                f"invalid date {self.date!r} ([release])", 'write year, month and day: date = "2026-11-30"'
            )
        if self.doi is not None:
            doi = clean_doi(self.doi)
            if doi is None:
                raise RecipeError(f"invalid DOI {self.doi!r} ([release])", 'write it as doi = "10.5281/zenodo.123"')
            object.__setattr__(self, "doi", doi)

    def to_json(self) -> dict[str, Any]:
        """Returns what is set, as JSON values."""
        stated: dict[str, Any] = _without_none(asdict(self))
        return stated


def read_metadata(path: Path) -> Metadata:
    """Reads metadata.json; a release without the file has no metadata. Raises ValueError if the file is invalid."""
    if not path.is_file():
        return Metadata()
    try:
        data = parse_json(read_text(path))
        known = {field.name for field in fields(Metadata)} - {"creators"}
        creators = tuple(_creator(one) for one in data.get("creators", []))
        return Metadata(**{name: str(data[name]) for name in known & data.keys()}, creators=creators)
    except (*UNREADABLE, RecipeError, AttributeError, TypeError, KeyError) as err:
        raise ValueError(str(err)) from err


def _creator(value: Mapping[str, Any]) -> Creator:
    known = {field.name for field in fields(Creator)}
    return Creator(**{name: str(value[name]) for name in known & value.keys()})


def _check_text(name: str, value: str) -> None:
    if not value.strip():
        raise RecipeError(f"empty {name} ([release])", "write a text, or leave the option out")
    if not value.isprintable():
        hint = "write it on one line, without control characters"
        raise RecipeError(f"line break or control character in the {name} ([release])", hint)


def _is_date(text: str) -> bool:
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _without_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_none(one) for name, one in value.items() if one not in (None, (), [])}
    if isinstance(value, list | tuple):
        return [_without_none(one) for one in value]
    return value
