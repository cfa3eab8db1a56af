"""Learns a linker from captions with known concepts, and scores it on articles left out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError
from roco.baselines.concepts import judge as scores
from roco.baselines.concepts import manual as assigned
from roco.baselines.concepts import scorecard
from roco.baselines.concepts.counts import Counts, count
from roco.baselines.concepts.decision_list import AT_ONCE, DecisionList, batches, is_label
from roco.baselines.concepts.forms import forms
from roco.baselines.concepts.judge import Judged, Pairs
from roco.baselines.concepts.rows import FOLDS, Row, Rows
from roco.baselines.concepts.word_weights import WordCounts
from roco.baselines.parts import scikit_learn
from roco.models.text.learned import file as learned_file
from roco.models.text.learned.card import Card
from roco.models.text.learned.judge import Judge
from roco.models.text.learned.lexicon import Ints
from roco.models.text.learned.manual import BOUND
from roco.models.text.learned.ngrams import LONGEST, Splitter

MOST_CANDIDATES = 1_000_000
"""Out-of-fold candidates of which the scorecard is trained; it bounds the memory."""

INNER = FOLDS - 1
SMALLER = (2, 4)
"""Folds of the smaller models of the learning curve, beside the one of all folds but the inner one."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Learned:
    """A learned model, before it is stored."""

    judge: Judge
    cuis: list[str]
    card: Card

    def save(self, path: Path) -> Card:
        """Writes the model to `path` (NAME.npz) and its card beside it; returns the card."""
        if path.suffix != ".npz":
            raise DataError(f"invalid name of a learned linker: {path}", "name it NAME.npz")
        card = replace(self.card, sha256=learned_file.save(path, self.judge, self.cuis))
        learned_file.save_card(path, card)
        return card


def learn(
    examples: Sequence[Row],
    progress: Progress = lambda step: None,
    *,
    manual: Collection[str] = (),
    names: Mapping[str, Sequence[str]] | None = None,
) -> Learned:
    """Learns a linker.

    manual: CUIs that people assigned to the images (modality, region, direction), which are also suggested where no
    words name them. names: of concepts, the preferred one first; they are evidence for concepts of few captions, also
    for those of none. A model of six of the seven folds chooses the threshold on the seventh, and is scored there; the
    model that is returned is learned from all rows. Raises DataError for invalid rows, MissingExtra without
    scikit-learn.
    """
    scikit_learn()
    progress("counting n-grams")
    rows = Rows.of(examples, manual, names)
    counted = Counted(rows, count(rows), WordCounts(rows.texts) if rows.manual else None, rows.labels())
    inner = np.flatnonzero(rows.fold == INNER)
    curve = []
    for folds in (*SMALLER, INNER):
        progress(f"learning from {folds} of {FOLDS} folds")
        # The smaller models have no part for manual concepts, which takes long.
        model = _model(counted if folds == INNER else counted._replace(words=None), range(folds))
        judged = _judged(counted, inner, model)
        score = scores.held_out(judged, rows.groups[inner])
        n = int((rows.fold < folds).sum())
        automatic = score.get("automatic", score["all"])
        curve.append({"rows": n, **{name: automatic[name] for name in ("f1", "low", "high")}})
    threshold = judged.best_threshold()
    totals = np.bincount(rows.cui, minlength=len(rows.cuis))
    learned = np.bincount(rows.cui[rows.fold[rows.row] != INNER], minlength=len(rows.cuis))
    figures = scores.by_concept(judged, threshold, counted.labels, learned)
    progress("learning from all rows")
    final = _model(counted, range(FOLDS))
    card = Card(
        sha256="",
        threshold=threshold,
        data=rows.digest,
        rows=len(rows.texts),
        articles=int(rows.groups.max()) + 1,
        concepts=int((totals > 0).sum()),
        manual=sorted(rows.manual),
        held_out=score,
        by_number=scores.by_number(learned, *figures),
        curve=curve,
        per_concept=scores.summary(rows.cuis, rows.names, totals, forms(rows, final.lexicon), *figures),
    )
    return Learned(final, rows.cuis, card)


class Counted(NamedTuple):
    """What is counted once for all models; words: None without manual concepts."""

    rows: Rows
    counts: Counts
    words: WordCounts | None
    labels: Ints


def _model(counted: Counted, folds: Sequence[int]) -> Judge:
    """Learns from some folds; the candidates of each are found without its own counts."""
    rows, counts, words, labels = counted
    splitter = Splitter()
    listed = DecisionList(counts, folds)
    listed.learn(rows, splitter, labels)
    features: list[NDArray[np.float32]] = []
    row_of, cui_of, start_of, length_of, covered = [], [], [], [], []
    words_before = 0
    for number, fold in enumerate(folds):
        lexicon = listed.lexicon(without=number)
        which = np.flatnonzero(rows.fold == fold)
        left = MOST_CANDIDATES // len(folds)
        for found, row, some in batches(rows, which, lexicon, splitter):
            features.append(found.features)
            row_of.append(row)
            cui_of.append(found.cui)
            start_of.append(found.start + words_before)
            length_of.append(found.length)
            covered.append(some)
            words_before += int(found.start.max(initial=0)) + 2 * LONGEST
            left -= len(row)
            if left <= 0:
                break
    row, cui = np.concatenate(row_of), np.concatenate(cui_of)
    hit = is_label(labels, len(rows.cuis), row, cui)
    if len(np.unique(hit)) < 2:
        raise DataError(
            "no n-gram stands for a concept", "use more rows, or check that captions and CUIs belong together"
        )
    numbers = np.concatenate(features)
    places = row, np.concatenate(start_of), np.concatenate(length_of)
    card = scorecard.fit(numbers, hit, *places)
    by_caption = assigned.no_manual()
    if words is not None:
        evidence = row, cui, card.probabilities(numbers, *places), numbers[:, BOUND]
        by_caption = assigned.fit(rows, words, np.concatenate(covered), *evidence)
    final = listed.lexicon()
    return Judge(final, final.pair_keys(), card, by_caption)


def _judged(counted: Counted, which: Ints, model: Judge) -> Judged:
    """Judges captions; which: their numbers, sorted."""
    rows, labels = counted.rows, counted.labels
    splitter = Splitter()
    concepts = len(rows.cuis)
    row, cui, score, manual_row, manual_cui, named = [], [], [], [], [], []
    for begin in range(0, len(which), AT_ONCE):
        chosen = which[begin : begin + AT_ONCE]
        judged = model.judge(splitter.split([rows.texts[number] for number in chosen]))
        automatic = ~judged.is_manual
        row.append(chosen[judged.found.row[automatic]])
        cui.append(judged.found.cui[automatic])
        score.append(judged.score[automatic])
        caption, place = np.nonzero(judged.chosen)
        manual_row.append(chosen[caption])
        manual_cui.append(model.manual.concepts[place])
        named.append(judged.named[caption, place])

    def pairs(some_rows: list[Ints], some_cuis: list[Ints]) -> Pairs:
        all_rows, all_cuis = np.concatenate(some_rows), np.concatenate(some_cuis)
        return Pairs(all_rows, all_cuis, is_label(labels, concepts, all_rows, all_cuis))

    of_manual = np.isin(labels % concepts, model.manual.concepts)
    n = [
        np.bincount(labels[some] // concepts, minlength=len(rows.texts))[which].astype(np.int64)
        for some in (~of_manual, of_manual)
    ]
    found, chosen_pairs = pairs(row, cui), pairs(manual_row, manual_cui)
    return Judged(which, found, np.concatenate(score), chosen_pairs, np.concatenate(named), (n[0], n[1]))
