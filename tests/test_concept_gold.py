"""Tests of the concepts labelled by hand: the table is sound, and its check detects what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import concept_gold
from benchmarks.concept_gold import GOLD, SECOND, Flag, agreement, counts, flags, half_of, labels, problems, rows
from roco.models.text.linking.linker import Mention

TEXT = "Chest X-ray without pleural effusion."
ROW = {"roco_id": "ROCO_1", "stratum": "negation", "half": half_of("PMC1")} | dict.fromkeys(concept_gold.MENTION, "")
EFFUSION = ROW | {"start": "20", "end": "36", "name": "pleural effusion", "cui": "C0032227", "tui": "T047"}
EFFUSION |= {"source": "paper", "negated": "yes"}


def wrong(*cells: dict[str, str]) -> list[str]:
    return list(problems(cells, {"ROCO_1": TEXT}, {"ROCO_1": "PMC1"}))


def test_a_sound_table_has_no_problems() -> None:
    assert wrong(EFFUSION) == []
    assert wrong(ROW) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"roco_id": "ROCO_2"}, "unknown caption"),
        ({"half": "dev" if half_of("PMC1") == "held-out" else "held-out"}, "is not that of the article"),
        ({"stratum": "others"}, "unknown stratum 'others'"),
        ({"start": "20.5"}, "offsets are not whole numbers"),
        ({"end": "99"}, "20 to 99 is not in the caption of 37 characters"),
        ({"end": "20"}, "20 to 20 is not in the caption"),
        ({"start": "19"}, "begins or ends with a space or a mark"),
        ({"start": "21"}, "cuts a word"),
        ({"end": "35"}, "cuts a word"),
        ({"cui": "C32227"}, "invalid CUI 'C32227'"),
        ({"instead": "C1"}, "invalid CUI 'C1'"),
        ({"tui": "47"}, "invalid semantic type '47'"),
        ({"name": ""}, "no name"),
        ({"source": ""}, "source '' for the CUI 'C0032227'"),
        ({"cui": ""}, "source 'paper' for the CUI ''"),
        ({"negated": "no"}, "a flag is neither empty nor yes"),
        ({"start": "", "end": ""}, "a concept without offsets"),
        ({"inner": "yes"}, "the inner mention at 20 is in no other"),
    ],
)
def test_the_check_detects_a_wrong_row(change: dict[str, str], message: str) -> None:
    assert any(message in problem for problem in wrong(EFFUSION | change))


def test_the_check_detects_mentions_that_overlap() -> None:
    part = EFFUSION | {"start": "28", "name": "effusion", "cui": "", "tui": "", "source": ""}
    assert wrong(EFFUSION, part) == ["ROCO_1: mentions overlap at 28"]
    assert wrong(EFFUSION, part | {"inner": "yes"}) == []


def test_the_check_detects_a_name_with_two_concepts() -> None:
    other = EFFUSION | {"start": "0", "end": "5", "cui": "C0817096"}
    assert "has another CUI or semantic type elsewhere" in wrong(EFFUSION, other)[0]


def test_agreement_counts_only_the_captions_of_the_second_reading() -> None:
    elsewhere = EFFUSION | {"roco_id": "ROCO_2"}
    first = labels([EFFUSION, elsewhere])
    assert set(agreement(first, labels([EFFUSION])).values()) == {1.0}
    shorter = agreement(first, labels([EFFUSION | {"start": "28"}]))
    assert shorter == {"spans": 0.0, "mentions": 0.0, "CUIs": 1.0, "overlaps": 1.0}
    affirmed = agreement(first, labels([EFFUSION | {"negated": ""}]))
    assert (affirmed["spans"], affirmed["mentions"]) == (1.0, 0.0)


def test_a_caption_without_concepts_counts_as_a_caption() -> None:
    assert next(line for line in counts([EFFUSION, ROW | {"roco_id": "ROCO_2"}]) if line.startswith("| all")) == (
        "| all | 2 | 1 | 0 | 1 | 0 | 0 | 1 |"
    )


@pytest.mark.shared
@pytest.mark.parametrize("path", [GOLD, SECOND], ids=lambda path: path.name)
def test_the_labels_fit_the_captions(shared: Path, path: Path) -> None:
    from benchmarks.rights import captions

    known = list(captions())
    assert list(problems(rows(path), {c.id: c.text for c in known}, {c.id: c.article for c in known})) == []


@pytest.mark.shared
def test_the_labelled_captions_are_those_that_the_hash_draws(shared: Path) -> None:
    from benchmarks.concept_sample import sample
    from benchmarks.rights import captions

    assert {row["roco_id"]: row["stratum"] for row in rows()} == sample(captions())


def test_the_table_of_labels_contains_no_text_of_a_caption() -> None:
    assert max(len(row["name"].split()) for row in rows()) <= 6


def test_flags_are_counted_over_labels_that_are_touched() -> None:
    (label,) = labels([EFFUSION])["ROCO_1"]
    mention = Mention(28, 36, "effusion", "C0032227", negated=True)
    assert flags([([label], [mention])], "negated") == Flag(right=1, false=0, missed=0)
    assert flags([([label], [mention])], "uncertain") == Flag(right=0, false=0, missed=0)
    assert flags([([label], [mention._replace(negated=False)])], "negated") == Flag(right=0, false=0, missed=1)
    assert flags([([label], [mention._replace(uncertain=True)])], "uncertain") == Flag(right=0, false=1, missed=0)
    assert flags([([label], [mention._replace(start=0, end=5)])], "negated") == Flag(right=0, false=0, missed=0)
