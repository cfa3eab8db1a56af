"""Learning concepts from captions: rows and folds, counts, scores and the card."""

from __future__ import annotations

import random
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from roco.base.errors import DataError, MissingExtra
from roco.baselines.concepts import counts, judge, manual, word_weights
from roco.baselines.concepts.counts import count, most_rare
from roco.baselines.concepts.decision_list import DecisionList, batches
from roco.baselines.concepts.judge import Judged, Pairs
from roco.baselines.concepts.learn import learn
from roco.baselines.concepts.rows import FOLDS, Row, Rows
from roco.baselines.concepts.word_weights import WordCounts
from roco.models.text.learned.ngrams import Splitter, hashes
from tests.learned import CT, CYST, LIVER, MANUAL, XRAY, examples, learned, learned_with_manual, with_manual

# --- rows -----------------------------------------------------------------------------------------------------------


def test_the_order_of_rows_does_not_matter() -> None:
    rows = examples(60)
    shuffled = random.Random(1).sample(rows, len(rows))
    assert Rows.of(rows).digest == Rows.of(shuffled).digest
    assert (Rows.of(rows).fold == Rows.of(shuffled).fold).all()


def test_a_changed_caption_or_concept_changes_the_digest() -> None:
    rows = examples(60)
    digests = {
        Rows.of(rows).digest,
        Rows.of([rows[0]._replace(caption="other"), *rows[1:]]).digest,
        Rows.of([rows[0]._replace(cuis=("C0000001",)), *rows[1:]]).digest,
    }
    assert len(digests) == 3


def test_no_article_is_in_two_folds_and_no_fold_is_empty() -> None:
    rows = Rows.of(examples())
    assert len({(group, fold) for group, fold in zip(rows.groups, rows.fold, strict=True)}) == rows.groups.max() + 1
    assert set(rows.fold) == set(range(FOLDS))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "too few"),
        (examples(20), "10 articles are too few"),
        ([*examples(60), examples(1)[0]], "duplicate id 'r0000'"),
        ([*examples(60), Row("x", "y", "z", ("CT",))], r"invalid CUI 'CT' \(row x\)"),
        ([row._replace(cuis=()) for row in examples(60)], "no row has a concept"),
        ([row._replace(caption="") for row in examples(60)], "no n-gram stands for a concept"),
    ],
)
def test_rows_that_cannot_be_learned_from_are_refused(rows: list[Row], message: str) -> None:
    with pytest.raises(DataError, match=message):
        learn(rows)


# --- counts ---------------------------------------------------------------------------------------------------------


def test_counts_are_those_of_a_plain_loop_over_the_captions_of_the_folds() -> None:
    some = examples()
    some[7] = some[7]._replace(cuis=("C0000001",))
    some[30] = some[30]._replace(cuis=("C0000001", CT))
    rows = Rows.of(some)
    rare = rows.cuis.index("C0000001")
    folds = [fold for fold in range(FOLDS) if fold != 1]
    lexicon, _ = count(rows).lexicon(folds)
    n: Counter[int] = Counter()
    together: Counter[tuple[int, int]] = Counter()
    concepts: Counter[int] = Counter()
    for row in np.flatnonzero(np.isin(rows.fold, folds)):
        grams = {int(code) for code in hashes(Splitter().split([rows.texts[row]])).ravel() if code}
        labels = [int(cui) for cui in rows.cui[rows.row == row]]
        n.update(grams)
        concepts.update(labels)
        together.update((gram, label) for gram in grams for label in labels)
    size = int(np.isin(rows.fold, folds).sum())
    expected = {
        (gram, cui): times
        for (gram, cui), times in together.items()
        if (
            times >= 2
            and times / n[gram] >= 0.15
            and times / n[gram] * size > min(1.5 * concepts[cui], (size + concepts[cui]) / 2)
        )
        or (times == 1 and n[gram] <= 2 and cui == rare)
    }
    grams = np.repeat(lexicon.gram, np.diff(lexicon.first))
    pairs = zip(grams.tolist(), lexicon.cui.tolist(), strict=True)
    assert dict(zip(pairs, lexicon.together.tolist(), strict=True)) == expected
    assert expected
    assert all(n[gram] == times for gram, times in zip(lexicon.gram.tolist(), lexicon.n.tolist(), strict=True))


def test_concepts_are_rare_up_to_a_bounded_number_of_labels() -> None:
    few, many = np.array([1, 2, 30, 31, 500]), np.repeat(np.arange(1, 100), 300)
    assert most_rare(few) == counts.MOST_RARE
    limit = most_rare(many)
    assert many[many <= limit].sum() <= counts.MOST_RARE_LABELS < many[many <= limit + 1].sum()


def test_counting_in_blocks_of_concepts_does_not_change_the_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = Rows.of(examples())
    whole = count(rows)
    monkeypatch.setattr(counts, "LABELS_AT_ONCE", 50)
    blocks = count(rows)
    assert (whole.together == blocks.together).all()
    assert (whole.pair_gram == blocks.pair_gram).all()
    assert (whole.pair_cui == blocks.pair_cui).all()


def test_the_shares_of_the_list_without_a_fold_do_not_depend_on_labels_of_that_fold() -> None:
    rows = Rows.of(examples())
    in_fold = rows.fold[rows.row] == 2
    # All labels of fold 2 become the first concept; the counts of the other folds remain.
    other = replace(rows, cui=np.where(in_fold, 0, rows.cui))
    shares = []
    for version in (rows, other):
        listed = DecisionList(count(rows), range(FOLDS))
        kept = replace(version, cui=version.cui)
        listed.learn(kept, Splitter(), kept.labels())
        shares.append((listed.lexicon(without=2).best, listed.lexicon().best))
    assert (shares[0][0] == shares[1][0]).all()
    assert (shares[0][1] != shares[1][1]).any()


def test_candidates_of_a_fold_are_found_without_its_captions() -> None:
    rows = examples(60)
    lonely = Row("z", "only here", "CT of the spleen shows splenosis", ("C0000001",))
    some = Rows.of([*rows, lonely])
    place = some.texts.index(lonely.caption)
    fold = int(some.fold[place])
    lexicon, _ = count(some).lexicon([other for other in range(FOLDS) if other != fold])
    found = {
        some.cuis[cui]
        for candidates, _, _ in batches(some, np.array([place]), lexicon, Splitter())
        for cui in candidates.cui
    }
    assert CT in found
    assert "C0000001" not in found


# --- scores ---------------------------------------------------------------------------------------------------------


def judged() -> Judged:
    """Three captions: two labels of which one is a candidate, none, and one label with two candidates.

    The first caption has a manual label that was chosen without a span, the last one a wrong manual concept.
    """
    found = Pairs(np.array([1, 7, 7]), np.array([3, 5, 6]), np.array([True, True, False]))
    chosen = Pairs(np.array([1, 7]), np.array([8, 9]), np.array([True, False]))
    labels = np.array([2, 0, 1]), np.array([1, 0, 0])
    return Judged(np.array([1, 4, 7]), found, np.array([0.9, 0.8, 0.4]), chosen, np.array([False, True]), labels)


def test_f1_is_averaged_over_captions_and_nothing_for_nothing_counts_as_one() -> None:
    assert judged().f1(0.5, "automatic") == pytest.approx([2 / 3, 1, 1])
    assert judged().f1(0.3, "automatic") == pytest.approx([2 / 3, 1, 2 / 3])
    assert judged().f1(1.0, "automatic") == pytest.approx([0, 1, 0])
    assert judged().f1(0.5, "manual") == pytest.approx([1, 1, 0])
    assert judged().f1(0.5) == pytest.approx([4 / 5, 1, 2 / 3])


def test_concepts_without_a_span_count_except_for_spans() -> None:
    assert judged().f1(0.5, "spans") == pytest.approx([2 / 4, 1, 2 / 3])


def test_the_threshold_has_the_highest_f1_of_automatic_concepts() -> None:
    assert 0.4 < judged().best_threshold() <= 0.8


def test_concepts_have_labels_predictions_and_hits() -> None:
    some = judged()
    keys = np.array([13, 14, 18, 75])
    n, predicted, hits = judge.by_concept(some, 0.3, keys, np.zeros(10, np.int64))
    assert (n[3], n[4], n[5], n[6], n[8]) == (1, 1, 1, 0, 1)
    assert (predicted[3], predicted[4], predicted[6], predicted[8]) == (1, 0, 1, 1)
    assert (hits[3], hits[6], hits[8], hits[9]) == (1, 0, 1, 0)


def test_an_interval_over_articles_is_wider_if_the_captions_of_an_article_agree() -> None:
    f1 = np.tile([0.0, 1.0], 50)
    alone = judge.interval(f1, np.arange(100))
    together = judge.interval(f1, np.tile([0, 1], 50) + 2 * (np.arange(100) // 20))
    assert alone[0] < 0.5 < alone[1]
    assert together[1] - together[0] > alone[1] - alone[0]


# --- the model ------------------------------------------------------------------------------------------------------


def test_the_card_describes_the_data_and_the_score_on_articles_left_out() -> None:
    card = learned().card
    assert (card.rows, card.articles) == (240, 120)
    assert card.data == Rows.of(examples()).digest
    score = card.held_out["all"]
    assert 0.7 < score["low"] <= score["f1"] <= score["high"] <= 1
    assert set(card.held_out) == {"all"}
    assert set(card.per_concept) >= {CT, LIVER, CYST}
    assert card.per_concept[LIVER]["rows"] == sum(LIVER in row.cuis for row in examples())
    assert 0.8 < card.per_concept[LIVER]["precision"] <= 1
    assert [entry["rows"] for entry in card.curve] == sorted(entry["rows"] for entry in card.curve)
    assert sum(entry["labels"] for entry in card.by_number) == sum(entry["n"] for entry in card.per_concept.values())


def test_the_card_has_the_words_that_stand_for_a_concept() -> None:
    forms = {cui: entry["forms"] for cui, entry in learned().card.per_concept.items()}
    assert forms[LIVER][0]["form"].lower() == "liver"
    assert "cyst" in {form["form"] for form in forms[CYST]}
    first = forms[LIVER][0]
    assert first["n"] == sum("liver" in row.caption for row in examples())
    assert first["labelled"] == sum("liver" in row.caption and LIVER in row.cuis for row in examples())
    assert 0 < first["low"] < first["labelled"] / first["n"]
    assert all(0 < len(some) <= 3 for some in forms.values())
    assert not any("liver" in form["form"] for form in forms[LIVER][1:])


def test_equal_rows_give_an_equal_model_in_any_order() -> None:
    rows = examples(120)
    first, second = learn(rows), learn(random.Random(1).sample(rows, len(rows)))
    assert first.card == second.card
    assert (first.judge.scorecard.weights == second.judge.scorecard.weights).all()
    assert (first.judge.lexicon.best == second.judge.lexicon.best).all()


def test_the_steps_are_reported() -> None:
    steps: list[str] = []
    learn(examples(60), steps.append)
    assert steps[0] == "counting n-grams"
    assert steps[-1] == "learning from all rows"


def test_learning_without_scikit_learn_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingExtra, match="scikit-learn"):
        learn(examples(60))


# --- manual concepts ------------------------------------------------------------------------------------------------


def test_the_card_scores_manual_concepts_apart() -> None:
    card = learned_with_manual().card
    assert card.manual == sorted(MANUAL)
    assert set(card.held_out) == {"all", "automatic", "manual", "spans"}
    assert card.held_out["automatic"]["f1"] > 0.95
    assert card.held_out["spans"]["f1"] < card.held_out["all"]["f1"]
    assert card.per_concept[CT]["name"] == "X-Ray Computed Tomography"
    assert card.per_concept[XRAY]["name"] == ""


def test_weights_of_words_are_a_logistic_regression() -> None:
    rows = with_manual(120)
    counts = WordCounts([row.caption for row in rows])
    labels = np.array([[CT in row.cuis] for row in rows])
    weights = counts.fit(np.arange(len(rows)), labels)
    logits = counts.logits(np.arange(len(rows)), weights)[:, 0]
    names = np.array(["CT" in row.caption for row in rows])
    assert logits[names].min() > 0 > logits[[("Radiograph" in row.caption) for row in rows]].max()
    words = Splitter().split([row.caption for row in rows])
    assert weights.logits(words, hashes(words))[:, 0] == pytest.approx(logits, abs=1e-4)


def test_only_the_most_frequent_ngrams_have_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [row.caption for row in with_manual(120)]
    every = WordCounts(texts)
    monkeypatch.setattr(word_weights, "MOST_GRAMS", 20)
    some = WordCounts(texts)
    assert 0 < len(some.gram) <= 20
    assert some.n.min() > np.sort(every.n)[-21]


def test_a_manual_concept_of_few_rows_has_the_probability_of_its_share() -> None:
    features = np.zeros((200, 3), np.float32)
    hit = np.arange(200) < 4
    trees = manual._joined([manual._trees(features, hit)])
    assert 1 / (1 + np.exp(-trees.logits(features[:1]))) == pytest.approx(0.02)
