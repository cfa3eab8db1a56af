"""Learns a linker from captions with known concepts, and scores it on articles left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError
from roco.baselines.concepts import judge, scorecard
from roco.baselines.concepts.counts import Counts, count
from roco.baselines.concepts.decision_list import DecisionList, batches, is_label
from roco.baselines.concepts.forms import forms
from roco.baselines.concepts.judge import Judged
from roco.baselines.concepts.rows import FOLDS, Row, Rows
from roco.baselines.parts import scikit_learn
from roco.models.text.learned import file as learned_file
from roco.models.text.learned.card import Card
from roco.models.text.learned.lexicon import Ints, Lexicon
from roco.models.text.learned.ngrams import Splitter
from roco.models.text.learned.scorecard import Scorecard

MOST_CANDIDATES = 1_000_000
"""Out-of-fold candidates of which the scorecard is trained; it bounds the memory."""

INNER = FOLDS - 1
SMALLER = (2, 4)
"""Folds of the smaller models of the learning curve, beside the one of all folds but the inner one."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Learned:
    """A learned model, before it is stored."""

    lexicon: Lexicon
    scorecard: Scorecard
    cuis: list[str]
    card: Card

    def save(self, path: Path) -> Card:
        """Writes the model to `path` (NAME.npz) and its card beside it; returns the card."""
        if path.suffix != ".npz":
            raise DataError(f"invalid name of a learned linker: {path}", "name it NAME.npz")
        digest = learned_file.save(path, self.lexicon, self.cuis, _arrays(self.scorecard))
        card = replace(self.card, sha256=digest)
        learned_file.save_card(path, card)
        return card


def learn(examples: Sequence[Row], progress: Progress = lambda step: None) -> Learned:
    """Learns a linker.

    A model of six of the seven folds chooses the threshold on the seventh, and is scored there; the model that is
    returned is learned from all rows. Raises DataError for invalid rows, MissingExtra without scikit-learn.
    """
    scikit_learn()
    progress("counting n-grams")
    rows = Rows.of(examples)
    counts = count(rows)
    labels = rows.labels()
    inner = np.flatnonzero(rows.fold == INNER)
    curve = []
    for folds in (*SMALLER, INNER):
        progress(f"learning from {folds} of {FOLDS} folds")
        lexicon, card = _model(rows, counts, labels, range(folds))
        judged = _judged(rows, labels, inner, lexicon, card)
        score = judge.held_out(judged, rows.groups[inner])
        n = int((rows.fold < folds).sum())
        curve.append({"rows": n, "f1": score["f1"], "low": score["low"], "high": score["high"]})
    threshold = judged.best_threshold()
    figures = judge.by_concept(judged, threshold, labels, lexicon.concept_n)
    progress("learning from all rows")
    final, card = _model(rows, counts, labels, range(FOLDS))
    described = Card(
        sha256="",
        threshold=threshold,
        data=rows.digest,
        rows=len(rows.texts),
        articles=int(rows.groups.max()) + 1,
        concepts=len(rows.cuis),
        held_out=score,
        by_number=judge.by_number(lexicon.concept_n, *figures),
        curve=curve,
        per_concept=judge.summary(rows.cuis, final.concept_n, forms(rows, final), *figures),
    )
    return Learned(final, card, rows.cuis, described)


def _model(rows: Rows, counts: Counts, labels: Ints, folds: Sequence[int]) -> tuple[Lexicon, Scorecard]:
    """Learns from some folds; the candidates of each are found without its own counts."""
    splitter = Splitter()
    listed = DecisionList(counts, folds)
    listed.learn(rows, splitter, labels)
    features: list[NDArray[np.float32]] = []
    hits: list[NDArray[np.bool_]] = []
    for number, fold in enumerate(folds):
        lexicon = listed.lexicon(without=number)
        which = np.flatnonzero(rows.fold == fold)
        left = MOST_CANDIDATES // len(folds)
        for found, row in batches(rows, which, lexicon, splitter):
            features.append(found.features)
            hits.append(is_label(labels, len(rows.cuis), row, found.cui))
            left -= len(row)
            if left <= 0:
                break
    hit = np.concatenate(hits)
    if len(np.unique(hit)) < 2:
        raise DataError(
            "no n-gram stands for a concept", "use more rows, or check that captions and CUIs belong together"
        )
    return listed.lexicon(), scorecard.fit(np.concatenate(features), hit)


def _judged(rows: Rows, labels: Ints, which: Ints, lexicon: Lexicon, card: Scorecard) -> Judged:
    row, cui, score = [], [], []
    for found, number in batches(rows, which, lexicon, Splitter()):
        row.append(number)
        cui.append(found.cui)
        score.append(card.probabilities(found.features))
    return Judged.of(which, np.concatenate(row), np.concatenate(cui), np.concatenate(score), labels, len(rows.cuis))


def _arrays(card: Scorecard) -> Mapping[str, NDArray[Any]]:
    trees = {f"trees_{name}": values for name, values in vars(card.trees).items()}
    return {
        "mean": card.mean, "scale": card.scale, "weights": card.weights, "bias": np.array([card.bias]), **trees
    }  # fmt: skip
