"""Scores of linkers: averages, parts, rules, breakdowns, misses, labelled mentions."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from roco.base.errors import DataError
from roco.evaluate.concept_mentions import Gold
from roco.evaluate.linkers.report import AFTER, BEFORE
from roco.evaluate.linkers.score import score_linker
from roco.evaluate.linkers.span_gold import SpanGold, is_span_gold, read_spans
from roco.models.text.linking.linker import Mention, Suggestion
from roco.release.captioned import Captioned, Row
from tests.evaluate.linkers.examples import (
    CHEST,
    CT,
    FLUID,
    HEART,
    LINKER,
    NAMES,
    NODULE,
    SuggestingLinker,
    WordLinker,
    captioned,
)

THREE = captioned(("CT of the chest", [CT, FLUID]), ("CT: no nodule", [CT, NODULE]), ("Photograph", []))


class MadeUpRules:
    """Fluid replaces a nodule; the chest and suggestions are removed, and everything that is written in capitals."""

    def of_known(self, cui: str) -> str | None:
        return {NODULE: FLUID, CHEST: None}.get(cui, cui)

    def of_mention(self, mention: Mention) -> str | None:
        return None if mention.text.isupper() and mention.cui == NODULE else self.of_known(mention.cui)

    def of_suggestion(self, suggestion: Suggestion) -> str | None:
        return None


# --- averages ----------------------------------------------------------------------------------------------


def test_the_mean_is_over_captions_and_micro_over_pairs() -> None:
    mean, micro = score_linker(THREE, LINKER).final["all"]
    # Precision and recall of the captions: 1/2 and 1/2, 1 and 1, and 1 for the one without concepts.
    assert mean.precision.value == mean.recall.value == mean.f1.value == pytest.approx(2.5 / 3)
    assert (micro.precision.value, micro.recall.value) == (3 / 4, 3 / 4)
    assert (micro.gold, micro.found) == (4, 4)


def test_a_caption_without_concepts_is_wrong_once_something_is_predicted() -> None:
    mean, _ = score_linker(captioned(("nodule", []), ("", [])), LINKER).final["all"]
    assert mean.f1.value == 0.5


def test_manual_concepts_are_those_of_modality_region_and_direction() -> None:
    scores = score_linker(THREE, LINKER).final
    assert (scores["manual"].micro.gold, scores["manual"].micro.found) == (2, 3)
    assert (scores["automatic"].micro.gold, scores["automatic"].micro.found) == (2, 1)


def test_intervals_resample_articles() -> None:
    same = Captioned([row._replace(group="PMC1") for row in THREE.rows])
    assert score_linker(same, LINKER).final["all"].mean.f1.interval is None
    low, high = score_linker(THREE, LINKER).final["all"].mean.f1.interval or (0, 0)
    assert low == 0.5 and high == 1.0


def test_negated_mentions_count_unless_they_are_dropped() -> None:
    assert score_linker(THREE, LINKER).final["automatic"].micro.found == 1
    assert score_linker(THREE, LINKER, negated=False).final["automatic"].micro.found == 0


def test_suggestions_count_like_mentions() -> None:
    report = score_linker(THREE, SuggestingLinker(LINKER.words))
    assert report.final["all"].micro.found == 7
    false = next(miss for miss in report.misses if miss.cui == HEART)
    assert (false.kind, false.n, false.words) == ("false", 3, ())


def test_predictions_may_come_from_a_file() -> None:
    report = score_linker(THREE, {"1": [CT, FLUID], "2": [CT, NODULE], "3": []})
    assert report.linker == "file" and report.final["all"].mean.f1.value == 1.0 and not report.misses


def test_rules_apply_to_both_sides() -> None:
    report = score_linker(THREE, LINKER, rules=MadeUpRules(), rules_name="rules.toml")
    assert report.scores[BEFORE]["all"].micro.f1.value == 0.75
    after = report.final["all"].micro
    assert report.final is report.scores[AFTER] and (after.gold, after.found) == (4, 3) and after.recall.value == 0.75
    assert [(miss.kind, miss.cui, miss.n, miss.of) for miss in report.misses] == [("missed", FLUID, 1, 2)]


def test_rules_see_the_words_of_mentions_and_remove_suggestions() -> None:
    gold = captioned(("NODULE and nodule", [NODULE]), ("NODULE", []))
    linker = SuggestingLinker(LINKER.words)
    report = score_linker(gold, linker, rules=MadeUpRules())
    assert report.scores[BEFORE]["all"].micro.found == 4
    assert report.final["all"].mean.f1.value == 1.0 and report.disagreements.num_rows == 0


def test_after_a_remap_a_disagreement_keeps_its_words() -> None:
    report = score_linker(captioned(("nodule", [])), LINKER, rules=MadeUpRules())
    (row,) = report.disagreements.to_pylist()
    assert (row["cui"], row["words"]) == (FLUID, "nodule")


def test_a_linker_that_breaks_its_protocol_is_an_error() -> None:
    class Short(WordLinker):
        def link(self, captions):  # type: ignore[no-untyped-def]
            return []

    with pytest.raises(DataError, match="'words' returned 0 results for 3 captions"):
        score_linker(THREE, Short({}))
    with pytest.raises(DataError, match="'words' returned a mention with invalid CUI 'C1'"):
        score_linker(THREE, WordLinker({"ct": "C1"}))


# --- breakdowns --------------------------------------------------------------------------------------------


def test_concepts_are_broken_down_by_semantic_type_and_by_frequency() -> None:
    report = score_linker(THREE, LINKER, describe=NAMES.get)
    types = {group.name: (group.concepts, group.rates.gold, group.rates.found) for group in report.types}
    # A nodule has two types; the type of fluid is unknown.
    assert types == {"T060": (1, 2, 2), "T033": (1, 1, 1), "T046": (1, 1, 1), "T029": (1, 0, 1), "unknown": (1, 1, 0)}
    assert [group.name for group in report.types] == ["T060", "T033", "T046", "unknown", "T029"]
    frequencies = [(group.name, group.concepts, group.rates.gold) for group in report.frequencies]
    assert frequencies == [("0", 1, 0), ("1", 2, 2), ("2", 1, 2)]
    none = report.frequencies[0].rates
    assert none.precision.value == 0 and math.isnan(none.recall.value)


def test_the_worst_misses_have_counts_words_and_the_shortest_captions() -> None:
    rows = [Row(f"{n}", f"PMC{n // 2}", "chest " * (9 - n) + "CT", (FLUID,)) for n in range(8)]
    report = score_linker(Captioned(rows), LINKER, describe=NAMES.get, most=1)
    missed, false = report.misses
    assert (missed.kind, missed.cui, missed.name, missed.n, missed.of, missed.words) == ("missed", FLUID, "", 8, 8, ())
    assert (false.kind, false.cui, false.name, false.words) == ("false", CT, "X-Ray Computed Tomography", ("ct",))
    assert [example.id for example in false.examples] == ["7", "5", "3"]


def test_an_example_shows_the_words_that_were_linked() -> None:
    text = "x " * 500 + "chest\nCT" + " y" * 500
    (miss,) = score_linker(captioned((text, [CHEST])), LINKER).misses
    (example,) = miss.examples
    assert example.text.startswith("…") and example.text.endswith("…")
    assert "chest CT" in example.text and len(example.text) <= 162


def test_every_disagreement_is_a_row() -> None:
    rows = score_linker(THREE, LINKER, describe=NAMES.get).disagreements.to_pylist()
    assert [(row["kind"], row["cui"], row["id"]) for row in rows] == [("missed", FLUID, "1"), ("false", CHEST, "1")]
    false = rows[1]
    assert (false["words"], false["start"], false["end"], false["score"]) == ("chest", 10, 15, 0.5)
    assert (false["name"], false["tuis"], false["article"]) == ("Chest", "T029", "PMC1")
    assert false["caption"] == "CT of the chest" and rows[0]["words"] is None


def test_the_report_is_json() -> None:
    report = score_linker(THREE, LINKER, describe=NAMES.get)
    values = json.loads(json.dumps(report.as_mapping(), allow_nan=False))
    assert values["captions"] == values["articles"] == 3
    assert values["scores"][BEFORE]["all"]["micro"]["f1"]["value"] == 0.75
    assert values["misses"][0]["examples"] == [{"id": "1", "text": "CT of the chest"}]
    titles = [table.title for table in report.tables()]
    assert titles[0] == "Scores" and len(titles) == 3


# --- labelled mentions -------------------------------------------------------------------------------------


def test_labelled_mentions_give_scores_of_spans_too() -> None:
    mentions = [Gold(start=0, end=2, cui=CT), Gold(start=3, end=15, cui=FLUID)]
    gold = SpanGold([Row("1", "PMC1", "CT of the chest", ())], [mentions])
    report = score_linker(gold, LINKER)
    assert report.spans["spans"].recall.value == 0.5 and report.spans["overlaps"].recall.value == 1.0
    assert report.final["all"].micro.recall.value == 0.5
    assert [table.title for table in report.tables()][1] == "Mentions"


def test_what_is_linked_to_words_of_unknown_concept_is_not_judged() -> None:
    mentions = [Gold(start=0, end=2, cui=CT), Gold(start=10, end=15)]
    report = score_linker(SpanGold([Row("1", "PMC1", "CT of the chest", ())], [mentions]), LINKER)
    assert report.final["all"].mean.f1.value == 1.0


def test_labelled_mentions_are_read_from_a_csv_file(tmp_path: Path) -> None:
    path = tmp_path / "gold.csv"
    path.write_text(
        f"roco_id,half,start,end,name,cui,instead,tui,inner\n1,dev,0,2,CT,{CT},,T060,\n"
        f"1,dev,10,15,chest,{CHEST},{FLUID},T029,yes\n3,dev,,,,,,,\n"
    )
    assert is_span_gold(path) and not is_span_gold(tmp_path)
    gold = read_spans(path, THREE)
    assert [row.id for row in gold.rows] == ["1", "3"]
    assert gold.mentions[0][1] == Gold(start=10, end=15, cui=CHEST, instead=FLUID, tui="T029", inner=True)
    assert gold.mentions[1] == []
    assert len(read_spans(path, THREE, ("name", "CT")).rows) == 1
    with pytest.raises(DataError, match="has no rows with half = 'test'"):
        read_spans(path, THREE, ("half", "test"))
    with pytest.raises(DataError, match="missing column 'halves'"):
        read_spans(path, THREE, ("halves", "dev"))


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("id,start,end,cuis\n", "line 1: missing column 'cui'", "did you mean 'cuis'?"),
        ("id,id,start,end,cui\n", "line 1: duplicate column 'id'", "remove"),
        ("id,start,end,cui\n9,0,2,C0000001\n", "line 2: unknown caption '9'", "--captions"),
        ("id,start,end,cui\n1,0,99,C0000001\n", "line 2: 0 to 99 is not in the caption", "code points"),
        ("id,start,end,cui\n1,0,-2,C0000001\n", "line 2: end is '-2'", "whole number"),
        ("id,start,end,cui\n1,0,2,\n\n1,0,2,CT\n", "line 4: invalid CUI 'CT'", "seven digits"),
        ("id,start,end,cui\n1,0,2\n", "line 2: 3 cells", "double quotes"),
        ("id,start,end,cui,inner\n1,0,2,,maybe\n", "line 2: inner is 'maybe'", "write yes"),
        ("id,start,end,cui\n", "has no rows", "add one row"),
        ("\0", "line 1: missing column 'id'", "known"),
    ],
)
def test_an_invalid_file_of_mentions_is_refused_with_its_line(
    tmp_path: Path, text: str, message: str, hint: str
) -> None:
    path = tmp_path / "gold.csv"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        read_spans(path, THREE)
    assert message in caught.value.message and hint in caught.value.hint
