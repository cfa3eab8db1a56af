"""Stores learned models as one file of arrays without pickle, with a card beside it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError
from roco.base.files import file_digest, whole
from roco.models import arrays as arrays_file
from roco.models.heads.trees import Trees
from roco.models.text.learned import card as cards
from roco.models.text.learned.candidates import FEATURES
from roco.models.text.learned.card import Card
from roco.models.text.learned.judge import Judge
from roco.models.text.learned.lexicon import Lexicon
from roco.models.text.learned.manual import MOST, Manual
from roco.models.text.learned.scorecard import BESIDE, Scorecard
from roco.models.text.learned.word_weights import WordWeights

MOST_BYTES = 2 << 30
"""A larger model is refused, also if it is that large only when decompressed."""

FORMAT = 2
_LEXICON = ("gram", "n", "first", "cui", "together", "concept_n", "best")
_SCORECARD = ("mean", "scale", "weights", "bias")
_MOST_CUI = 9_999_999


@dataclass(frozen=True)
class Model:
    """A model as it is stored. cuis: of the concepts, by number."""

    judge: Judge
    cuis: tuple[str, ...]
    card: Card


def save(path: Path, judge: Judge, cuis: Sequence[str]) -> str:
    """Writes the arrays of a model, equal bytes for equal values; returns their SHA-256."""
    lexicon, card, manual = judge.lexicon, judge.scorecard, judge.manual
    stored: dict[str, NDArray[Any]] = {
        "format": np.array([FORMAT], np.int32),
        "gram": lexicon.gram,
        "n": lexicon.n.astype(np.int32),
        "first": lexicon.first.astype(np.int64),
        "cui": lexicon.cui.astype(np.int32),
        "together": lexicon.together.astype(np.int32),
        "concept_n": lexicon.concept_n.astype(np.int32),
        "rows": np.array([lexicon.rows], np.int64),
        "best": lexicon.best.astype(np.float32),
        "named": lexicon.named.astype(np.uint8),
        "cuis": np.array([int(cui[1:]) for cui in cuis], np.int32),
        "mean": card.mean,
        "scale": card.scale,
        "weights": card.weights,
        "bias": np.array([card.bias]),
        **_fields("trees_", card.trees),
        "manual": manual.concepts.astype(np.int32),
        "manual_none": np.array([manual.none]),
        **_fields("words_", manual.words),
        **_fields("manual_trees_", manual.trees),
    }
    return arrays_file.write(path, stored)


def _fields(prefix: str, values: Trees | WordWeights) -> Mapping[str, NDArray[Any]]:
    return {prefix + field.name: getattr(values, field.name) for field in dataclasses.fields(values)}


def save_card(path: Path, card: Card) -> None:
    """Writes the card of the model at `path` beside it."""
    with whole(path.with_suffix(".json")) as part:
        part.write_text(cards.to_json(card), encoding="utf-8")


def load(path: Path) -> Model:
    """Loads a model and its card, and checks both. Raises DataError."""
    if path.suffix != ".npz" or not path.is_file():
        raise DataError(f"missing learned linker: {path}", "check the path: a model is a file NAME.npz")
    card = cards.read(path.with_suffix(".json"))
    if file_digest(path) != card.sha256:
        hint = "restore the file that belongs to the card, or learn the model again"
        raise DataError(f"{path} is not the file that its card describes (SHA-256)", hint)
    arrays = arrays_file.read(path, MOST_BYTES, "a learned linker", "learn the model again")
    try:
        lexicon = _lexicon(arrays)
        judge = Judge(lexicon, lexicon.pair_keys(), _scorecard(arrays), _manual(arrays, lexicon.concepts))
        cuis = _cuis(arrays)
    except (KeyError, ValueError, TypeError, IndexError, OverflowError) as err:
        raise invalid(path) from err
    concepts = dict(zip(cuis, lexicon.concept_n.tolist(), strict=True))
    manual = [cuis[place] for place in judge.manual.concepts]
    cards.check(card, path.with_suffix(".json"), rows=lexicon.rows, manual=manual, concepts=concepts)
    return Model(judge, cuis, card)


def invalid(path: Path) -> DataError:
    return DataError(f"{path} is not a learned linker", "learn the model again")


def _lexicon(arrays: Mapping[str, NDArray[Any]]) -> Lexicon:
    """Checks the arrays, so that no place lies outside another array; raises ValueError or KeyError."""
    if int(arrays["format"][0]) != FORMAT:
        raise ValueError("another format")
    gram = np.asarray(arrays["gram"])
    n, first, cui, together, concept_n = (np.asarray(arrays[name]).astype(np.int64) for name in _LEXICON[1:6])
    best = np.asarray(arrays["best"]).astype(float)
    if gram.dtype != np.uint64 or gram.ndim != 1 or (gram[1:] <= gram[:-1]).any():
        raise ValueError("n-grams are not sorted")
    if n.shape != gram.shape or first.shape != (len(gram) + 1,) or (np.diff(first) < 0).any():
        raise ValueError("n-grams without counts")
    if cui.ndim != 1 or first[0] != 0 or first[-1] != len(cui) or together.shape != cui.shape:
        raise ValueError("pairs without counts")
    if best.shape != (len(cui), 2) or not ((best >= 0) & (best <= 1)).all():
        raise ValueError("shares outside 0 to 1")
    named = np.asarray(arrays["named"])
    if named.shape != cui.shape or named.dtype != np.uint8 or (named > 1).any():
        raise ValueError("pairs without a mark of names")
    if concept_n.shape != arrays["cuis"].shape or (len(cui) and not 0 <= cui.min() <= cui.max() < len(concept_n)):
        raise ValueError("pairs of unknown concepts")
    inner = np.ones(max(len(cui) - 1, 0), bool)
    begins = first[(first > 0) & (first < len(cui))]
    inner[begins - 1] = False
    if (np.diff(cui)[inner] <= 0).any():
        raise ValueError("pairs are not sorted")
    is_possible = (together >= 1) & (concept_n[cui] >= together) & (np.repeat(n, np.diff(first)) >= together)
    rows = int(arrays["rows"][0])
    if not is_possible.all() or rows < 1 or (n < 1).any() or n.max(initial=0) > rows + len(concept_n):
        raise ValueError("impossible counts")
    return Lexicon(gram, n, first, cui, together, concept_n, rows, best, named.astype(bool))


def _cuis(arrays: Mapping[str, NDArray[Any]]) -> tuple[str, ...]:
    numbers = np.asarray(arrays["cuis"])
    if numbers.ndim != 1 or numbers.dtype.kind != "i" or (numbers < 0).any() or (numbers > _MOST_CUI).any():
        raise ValueError("invalid CUIs")
    return tuple(f"C{number:07d}" for number in numbers.tolist())


def _scorecard(arrays: Mapping[str, NDArray[Any]]) -> Scorecard:
    mean, scale, weights, bias = (np.asarray(arrays[name]).astype(float) for name in _SCORECARD)
    for values in (mean, scale, weights):
        if values.shape != (len(FEATURES),) or not np.isfinite(values).all():
            raise ValueError("scorecard of other features")
    if (scale <= 0).any() or bias.shape != (1,) or not np.isfinite(bias).all():
        raise ValueError("scorecard of other features")
    trees = Trees.from_arrays(arrays, "trees_")
    if trees.width > len(FEATURES) + BESIDE or len(trees.base) != 2:
        raise ValueError("trees of other features")
    return Scorecard(mean, scale, weights, float(bias[0]), trees)


def _manual(arrays: Mapping[str, NDArray[Any]], concepts: int) -> Manual:
    manual = np.asarray(arrays["manual"]).astype(np.int64)
    if manual.ndim != 1 or len(manual) > MOST or (np.diff(manual) <= 0).any():
        raise ValueError("manual concepts are not sorted, or too many")
    if len(manual) and not 0 <= manual[0] <= manual[-1] < concepts:
        raise ValueError("manual concepts that are unknown")
    gram = np.asarray(arrays["words_gram"])
    idf, weights, bias = (np.asarray(arrays[f"words_{name}"]).astype(np.float32) for name in ("idf", "weights", "bias"))
    if gram.dtype != np.uint64 or gram.ndim != 1 or (gram[1:] <= gram[:-1]).any():
        raise ValueError("n-grams are not sorted")
    if idf.shape != gram.shape or weights.shape != (len(gram), len(manual)) or bias.shape != manual.shape:
        raise ValueError("weights of other n-grams or concepts")
    if not ((idf > 1e-3) & (idf < 1e3)).all() or not (_is_moderate(weights) and _is_moderate(bias)):
        raise ValueError("weights that are no numbers")
    trees = Trees.from_arrays(arrays, "manual_trees_")
    if trees.width > 3 * len(manual) or len(trees.base) != len(manual):
        raise ValueError("trees of other concepts")
    none = float(arrays["manual_none"][0])
    if not 0 <= none <= 1e4:
        raise ValueError("impossible share of captions without manual concepts")
    return Manual(manual, WordWeights(gram, idf, weights, bias), trees, none)


def _is_moderate(values: NDArray[np.float32]) -> bool:
    return bool((np.abs(values) < 1e6).all())
