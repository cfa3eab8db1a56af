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

MOST_BYTES = 64 << 20
"""A larger card is refused."""

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
        values = json.loads(path.read_text(encoding="utf-8"))
        card = Card(
            sha256=str(values["sha256"]),
            threshold=float(values["threshold"]),
            data=str(values["data"]),
            rows=int(values["rows"]),
            articles=int(values["articles"]),
            concepts=int(values["concepts"]),
            manual=[str(cui) for cui in values["manual"]],
            held_out={str(part): _numbers(figures) for part, figures in values["held_out"].items()},
            by_number=[dict(entry) for entry in values["by_number"]],
            curve=[dict(entry) for entry in values["curve"]],
            per_concept={str(key): dict(value) for key, value in values["per_concept"].items()},
        )
        if not _SHA256.fullmatch(card.sha256) or not 0 <= card.threshold <= 1:
            raise ValueError("invalid values")
        return card
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as err:
        raise DataError(f"invalid card of a learned linker: {path}", "learn the model again") from err


def _numbers(figures: Mapping[str, Any]) -> dict[str, float]:
    return {str(name): float(value) for name, value in figures.items()}


def to_json(card: Card) -> str:
    """Returns the text of a card's file, equal for equal cards."""
    return json.dumps(dataclasses.asdict(card), indent=1, ensure_ascii=False) + "\n"
