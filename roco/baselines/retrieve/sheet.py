"""Draws the hits of a search as a contact sheet: by rank, each with its id, modality, licence and article."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from roco.base.errors import DataError
from roco.baselines.retrieve.hits import Hit
from roco.models.images.contact_sheet import Group, Picture, contact_sheet
from roco.models.images.decode import decode, thumbnail

NOT_CLINICAL = "Not for clinical use"


def hits_sheet(hits: Sequence[Hit], image: Callable[[str], bytes], path: Path, title: str) -> None:
    """Draws hits to a file, in the format of its name.

    image: returns the image file of an id; one that is missing or unreadable is drawn as `no image`. title: the query;
    it is drawn above the hits. Raises UsageError for a format in which no sheet can be written.
    """
    pictures = [Picture(_thumbnail(hit.id, image), _lines(hit), kept=True) for hit in hits]
    contact_sheet([Group(f"{title}. {NOT_CLINICAL}", pictures)], path)


def _lines(hit: Hit) -> list[str]:
    facts = " · ".join(fact for fact in (hit.modality, hit.license) if fact)
    return [line for line in (f"{hit.rank}. {hit.id}", facts, hit.link) if line]


def _thumbnail(id: str, image: Callable[[str], bytes]) -> bytes | None:
    try:
        return thumbnail(decode(image(id)))
    except DataError:
        return None
