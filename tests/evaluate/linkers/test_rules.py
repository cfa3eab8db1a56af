"""Rules for concepts, applied to known and predicted ones."""

from __future__ import annotations

from pathlib import Path

from roco.evaluate.linkers.report import AFTER, BEFORE
from roco.evaluate.linkers.rules import AppliedRules
from roco.evaluate.linkers.score import score_linker
from roco.models.text.concepts.rules import load
from roco.models.text.linking.linker import Described, Mention, Suggestion
from tests.evaluate.linkers.examples import (
    CHEST,
    CT,
    FLUID,
    HEART,
    LINKER,
    NODULE,
    SuggestingLinker,
    WordLinker,
    captioned,
)

OWN = """
base = "shipped"
negated = "drop"
suggested = "drop"

[[block]]
name = "chests"
reason = "a test"
cuis = ["C0817096"]

[[remap]]
name = "hearts"
reason = "a test"
from = ["C0018787"]
to = "C0028259"

[types]
T033 = { keep = false, reason = "a test" }
"""
ARROW = "C0376152"
NAMES = {
    CT: Described("CT", ("T060",)), CHEST: Described("chest", ("T029",)), NODULE: Described("nodule", ("T033",)),
    HEART: Described("heart", ("T023",)), ARROW: Described("Arrow"),
}  # fmt: skip


def rules(folder: Path) -> AppliedRules:
    path = folder / "rules.toml"
    path.write_text(OWN)
    return AppliedRules(load(path), NAMES.get)


def test_known_concepts_are_blocked_replaced_and_dropped_by_type(tmp_path: Path) -> None:
    applied = rules(tmp_path)
    assert [applied.of_known(cui) for cui in (CT, CHEST, HEART, NODULE)] == [CT, None, NODULE, None]
    assert applied.of_known(ARROW) is None  # its name is a meta word
    assert applied.of_known("C0000001") == "C0000001"  # nothing is known of it


def test_words_and_flags_of_mentions_count(tmp_path: Path) -> None:
    applied = rules(tmp_path)
    assert applied.of_mention(Mention(0, 2, "CT", CT)) == CT
    assert applied.of_mention(Mention(0, 2, "CT", CT, negated=True)) is None
    assert applied.of_mention(Mention(0, 5, "image", CT)) is None  # a meta word of the shipped rules
    assert applied.of_suggestion(Suggestion(CT, 0.9, "x")) is None


def test_a_known_concept_whose_words_are_blocked_is_removed_on_both_sides(tmp_path: Path) -> None:
    # "Image" is a meta word of the shipped rules, whatever its concept.
    gold = captioned(("image", [FLUID]), ("no CT", [CT]), ("CT", [CT]))
    report = score_linker(gold, WordLinker({"image": FLUID, "ct": CT}), rules=rules(tmp_path))
    after = report.scores[AFTER]["all"].micro
    assert (after.gold, after.found, after.f1.value) == (1, 1, 1.0)


def test_scores_are_given_before_and_after_the_rules(tmp_path: Path) -> None:
    gold = captioned(("CT of the chest", [CT]), ("no nodule", []), ("CT", [CT, CHEST]))
    report = score_linker(gold, SuggestingLinker(LINKER.words), rules=rules(tmp_path), rules_name="rules.toml")
    before, after = report.scores[BEFORE]["all"], report.scores[AFTER]["all"]
    assert before.micro.precision.value < 0.5 and after.micro.f1.value == after.mean.f1.value == 1.0
    assert [table.title for table in report.tables()][:2] == ["Scores before rules", "Scores after rules"]
