"""How likely a caption is read as a modality, given the modality of the image: a table of counts, smoothed."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from roco.base.labels import MODALITIES
from roco.models.text.rule_files import OTHER

FILE = Path(__file__).with_name("modality_likelihood.toml")
CLASSES = (*MODALITIES, OTHER)
"""What an image can be: the modalities of the paper, or no radiology."""

NONE = "none"
"""Stands for a caption that names nothing."""


@cache
def prior() -> dict[str, float]:
    """Returns the share of each class among the images that are guessed."""
    images = _table()["images"]
    total = sum(images[label] for label in CLASSES)
    return {label: images[label] / total for label in CLASSES}


@cache
def likelihoods(another_image: float | None = None) -> dict[str, dict[str, float]]:
    """Returns for each reading of a caption (a class, or none) its probability given each class of image.

    another_image: the share of captions that name another modality than that of their image, instead of the table's.
    """
    table = _table()
    shares = dict(table["shares"])
    if another_image is not None:
        shares["another_image"] = another_image
    rows = {label: _row(label, table["read"], shares) for label in MODALITIES}
    radiology, other = _shares(shares["radiology"]), _shares({**dict.fromkeys((*CLASSES, NONE), 0), **shares["other"]})
    readings: dict[str, dict[str, float]] = {}
    for reading in MODALITIES:
        readings[reading] = {label: radiology["named"] * rows[label][reading] for label in MODALITIES}
    for reading in (OTHER, NONE):
        readings[reading] = dict.fromkeys(MODALITIES, radiology[reading])
    for reading, given in readings.items():
        given[OTHER] = other[reading]
    return readings


@cache
def sure_other() -> float:
    """Returns how often a caption is right that a rule of the highest rank reads as no radiology (Jeffreys)."""
    counts = _table()["shares"]["sure"]
    return float((counts["right"] + 0.5) / (counts["of"] + 1))


def _row(label: str, read: Mapping[str, Mapping[str, int]], shares: Mapping[str, Any]) -> dict[str, float]:
    """Returns how the captions that name a modality are read: its own counts, and some distributed as all rows."""
    right = sum(row.get(name, 0) for name, row in read.items())
    wrong = sum(row.get(name, 0) for row in read.values() for name in MODALITIES) - right
    share = (wrong + 0.5) / (right + wrong + 1)  # Jeffreys
    pooled = {name: 1 - share if name == label else share / (len(MODALITIES) - 1) for name in MODALITIES}
    counts = {name: read[label].get(name, 0) + shares["pseudo"] * pooled[name] for name in MODALITIES}
    total = sum(counts.values())
    elsewhere = shares["another_image"]
    return {
        name: (1 - elsewhere) * n / total + elsewhere * _among_others(label, name, _table()["images"])
        for name, n in counts.items()
    }


def _among_others(label: str, name: str, images: Mapping[str, int]) -> float:
    """Returns the share of a modality among those other than the label."""
    return 0.0 if name == label else images[name] / sum(images[one] for one in MODALITIES if one != label)


def _shares(counts: Mapping[str, int]) -> dict[str, float]:
    """Returns counts as shares, each with half a count more (Jeffreys)."""
    total = sum(counts.values()) + len(counts) / 2
    return {name: (n + 0.5) / total for name, n in counts.items()}


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))
