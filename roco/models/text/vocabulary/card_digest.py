"""The card beside a vocabulary: its path, and the check that the vocabulary is the file that the card describes."""

from __future__ import annotations

from pathlib import Path

from roco.base.errors import DataError
from roco.base.files import file_digest
from roco.base.json_text import parse_json

_MOST_BYTES = 64 << 20  # a larger JSON file is no card of a vocabulary


def path_of(vocabulary: Path) -> Path:
    """Returns the path of a vocabulary's card: NAME.json for NAME.csv and NAME.csv.gz."""
    name = vocabulary.name.removesuffix(".gz").removesuffix(".csv")
    return vocabulary.with_name(f"{name}.json")


def check(vocabulary: Path) -> None:
    """Raises DataError if the card beside a vocabulary states the SHA-256 of another file.

    A vocabulary may have no card, and a JSON file beside it that states no `sha256` is none.
    """
    card = path_of(vocabulary)
    stated = _stated(card)
    if stated is not None and stated != file_digest(vocabulary):
        what = f"{vocabulary} is not the file that its card {card.name} describes (SHA-256)"
        raise DataError(what, f"restore the file; if you changed it on purpose, delete {card.name} or build it again")


def _stated(card: Path) -> str | None:
    try:
        if card.stat().st_size > _MOST_BYTES:
            return None
        values = parse_json(card.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    stated = values.get("sha256") if isinstance(values, dict) else None
    return stated if isinstance(stated, str) else None
