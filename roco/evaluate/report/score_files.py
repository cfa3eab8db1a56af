"""Reads the report.json files that `roco evaluate` writes, whose scores a report shows beside those of the paper."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from roco.base.errors import DataError
from roco.base.json_text import parse_json
from roco.base.readers import UNREADABLE, read_text
from roco.base.terminal import excerpt

FILE = "report.json"


class StoredScore(NamedTuple):
    """One score of a report.json: its value and 95% interval, None if undefined, and the images it averages over."""

    value: float | None
    low: float | None
    high: float | None
    images: int


class ScoreFile(NamedTuple):
    """The scores of one system. system: the name of the folder with the file. task: concepts or captions."""

    system: str
    task: str
    profile: str
    scores: Mapping[str, StoredScore]

    @property
    def images(self) -> int:
        """Returns the number of images that were scored."""
        return max((score.images for score in self.scores.values()), default=0)


def read_scores(path: Path) -> ScoreFile:
    """Reads a report.json, or the one in a folder; raises DataError if it is missing or not a report of scores."""
    file = path / FILE if path.is_dir() else path
    hint = f"give the {FILE} that `roco evaluate … --out DIR` writes"
    try:
        content = parse_json(read_text(file))
    except UNREADABLE as err:
        raise DataError(f"{file} cannot be read: {getattr(err, 'strerror', None) or excerpt(err)}", hint) from err
    try:
        scores = {str(name): _score(score) for name, score in content["scores"].items()}
        return ScoreFile(file.absolute().parent.name, str(content["task"]), str(content["profile"]["name"]), scores)
    except (TypeError, KeyError, AttributeError, ValueError) as err:
        raise DataError(f"{file} has no scores: {type(err).__name__} {excerpt(err)}", hint) from err


def _score(score: Mapping[str, Any]) -> StoredScore:
    value, low, high = (None if score[name] is None else float(score[name]) for name in ("value", "low", "high"))
    return StoredScore(value, low, high, int(score["images"]))
