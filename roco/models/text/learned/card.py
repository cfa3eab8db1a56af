"""The card of a learned linker: what it was learned from, and how well it does on articles left out."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roco.base.errors import DataError
from roco.base.json_text import parse_json

MOST_BYTES = 64 << 20
"""A larger card is refused."""

LONGEST_REASON = 100  # characters

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Card:
    """What the JSON file beside a learned model says.

    sha256: of the model. threshold: least probability of a mention. data: digest of the rows, whatever their order.
    rows, articles, concepts: of the data. manual: CUIs that people assigned. held_out: F1 averaged over captions, with
    its 95 % interval over articles, of a model learned without them: of all concepts, and where some are manual, of the
    automatic ones, the manual ones, and all without suggestions ("spans"). by_number: recall and precision by the
    number of rows that a concept had. curve: F1 of all concepts by the number of rows learned from. per_concept:
    CUI -> name (empty if unknown), rows, and n, precision, recall on the articles left out (null without any), and the
    forms that agree best with its labels.
    """

    sha256: str
    threshold: float
    data: str
    rows: int
    articles: int
    concepts: int
    manual: Sequence[str]
    held_out: Mapping[str, Mapping[str, float]]
    by_number: Sequence[Mapping[str, Any]]
    curve: Sequence[Mapping[str, float]]
    per_concept: Mapping[str, Mapping[str, Any]]


def read(path: Path) -> Card:
    """Reads and checks a card; raises DataError."""
    if not path.is_file():
        raise DataError(
            f"missing card of the learned linker: {path}",
            "a model is a file NAME.npz with its card NAME.json beside it",
        )
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError("too large")
        values = parse_json(path.read_text(encoding="utf-8"))
        card = Card(
            sha256=str(values["sha256"]),
            threshold=_threshold(values["threshold"]),
            data=str(values["data"]),
            rows=_count(values, "rows"),
            articles=_count(values, "articles"),
            concepts=_count(values, "concepts"),
            manual=[str(cui) for cui in values["manual"]],
            held_out={str(part): _numbers(figures) for part, figures in values["held_out"].items()},
            by_number=[dict(entry) for entry in values["by_number"]],
            curve=[dict(entry) for entry in values["curve"]],
            per_concept={str(key): dict(value) for key, value in values["per_concept"].items()},
        )
        for concept in card.per_concept.values():
            _count(concept, "rows")
        if not _SHA256.fullmatch(card.sha256):
            raise ValueError("sha256 is no SHA-256")
        return card
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as err:
        reason = f" ({err})" if type(err) is ValueError and len(str(err)) < LONGEST_REASON else ""
        raise DataError(f"invalid card of a learned linker: {path}{reason}", "learn the model again") from err


def check(card: Card, path: Path, *, rows: int, manual: Sequence[str], concepts: Mapping[str, int]) -> None:
    """Compares a card with the arrays of its model; raises DataError for the first difference.

    concepts: CUI -> rows of the data by the arrays, where a name counts as one row more.
    """
    stated = {cui: int(concept["rows"]) for cui, concept in card.per_concept.items()}
    other = next((cui for cui in (*stated, *concepts) if cui not in stated or cui not in concepts), None)
    if other is not None:
        raise _differs(path, f"{'lists' if other in stated else 'lacks'} the concept {other[:40]}")
    for cui, n in stated.items():
        if not 0 <= concepts[cui] - n <= 1:
            raise _differs(path, f"gives {cui} {n:,} rows instead of {concepts[cui]:,}")
    counted = {"rows": rows, "concepts": sum(n > 0 for n in stated.values())}
    for key, n in counted.items():
        if getattr(card, key) != n:
            raise _differs(path, f"states {getattr(card, key):,} {key} instead of {n:,}")
    if not 1 <= card.articles <= rows:
        raise _differs(path, f"states {card.articles:,} articles of {rows:,} rows")
    if list(card.manual) != sorted(manual):
        raise _differs(path, "lists other manual concepts")


def _differs(path: Path, difference: str) -> DataError:
    hint = "restore the card that belongs to the model, or learn the model again"
    return DataError(f"the card {path} does not fit its model: it {difference}", hint)


def _count(values: Mapping[str, Any], key: str) -> int:
    value = values[key]
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{key} is {json.dumps(value)[:40]}, no count")
    return value


def _threshold(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        raise ValueError(f"threshold is {json.dumps(value)[:40]}, no number from 0 to 1")
    return float(value)


def _numbers(figures: Mapping[str, Any]) -> dict[str, float]:
    return {str(name): float(value) for name, value in figures.items()}


def to_json(card: Card) -> str:
    """Returns the text of a card's file, equal for equal cards."""
    return json.dumps(dataclasses.asdict(card), indent=1, ensure_ascii=False) + "\n"
