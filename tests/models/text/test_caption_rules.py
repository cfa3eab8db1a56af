"""The rules that read modality, region and direction from a caption, and their examples."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from roco.base.errors import DataError
from roco.models.text import caption_rules, rule_files
from roco.models.text.caption_rules import MOST_CHARACTERS, Word, read, rules
from roco.models.text.rule_files import FILES, OTHER, Pair, Rule
from roco.models.text.terms.matcher import TermMatcher
from roco.models.text.terms.table import load
from tests.waits import cpu_limit

LINKER = TermMatcher(load())
ALL = [(kind, rule) for kind in FILES for rule in (*rules(kind).rules, *rules(kind).pairs)]
NAMES = [f"{kind}: {rule.name}" for kind, rule in ALL]


def words(text: str) -> list[Word]:
    return caption_rules.words((mention._asdict() for mention in LINKER.link(text)), LINKER.terms)


@pytest.mark.parametrize(("kind", "rule"), ALL, ids=NAMES)
def test_a_rule_decides_its_examples_and_none_of_its_counterexamples(kind: str, rule: Rule | Pair) -> None:
    assert rule.examples, "a rule needs an example that it decides"
    assert rule.counterexamples, "a rule needs an example that it does not decide (`not`)"
    for caption in rule.examples:
        answer = rules(kind).read(caption, words(caption))
        assert (answer.label, answer.evidence[0].rule) == (rule.label, rule.name), caption
    for caption in rule.counterexamples:
        answer = rules(kind).read(caption, words(caption))
        assert rule.name not in [evidence.rule for evidence in answer.evidence], caption


@pytest.mark.parametrize("kind", FILES)
def test_rules_have_names_of_their_own_and_lower_case_patterns(kind: str) -> None:
    names = [rule.name for rule in (*rules(kind).rules, *rules(kind).pairs)]
    assert len(set(names)) == len(names)
    for rule in rules(kind).rules:
        for pattern in rule.patterns:
            assert not re.search(r"[A-Z]", re.sub(r"\\.", "", pattern)), f"{pattern}: capitals belong under `exact`"


def test_the_caption_gives_modality_region_and_direction_with_the_words_that_say_so() -> None:
    caption = "Postoperative posteroanterior chest radiograph"
    reading = read(caption, words(caption))
    assert [answer.label for answer in reading] == ["DRXR", "chest", "coronal_pa"]
    for answer in reading:
        for evidence in answer.evidence:
            assert caption[evidence.start : evidence.end] == evidence.text
    assert [answer.evidence[0].text for answer in reading] == ["radiograph", "chest", "posteroanterior"]


@pytest.mark.parametrize(
    ("caption", "modality", "region", "direction"),
    [
        ("T2-weighted image of the knee", "DRMR", "lower_extremity", None),
        ("Cholangiography after the operation", "DRXR", "abdomen", None),
        ("Posteroanterior radiograph of the hand", "DRXR", "upper_extremity", "coronal_pa"),
        ("CT angiography of the neck", "DRCT", None, None),
        ("PET/CT of the whole body", "DRCO", None, None),
        ("Radiograph; anteroposterior diameter of 4 cm", "DRXR", None, None),
        ("X-ray diffraction of the powder", OTHER, None, None),
        ("Micro-CT of a fossil skull", OTHER, "cranium", None),
        ("CT of a water phantom", OTHER, None, None),
        ("Mass in the left lobe", None, None, None),
        ("", None, None, None),
    ],
)
def test_region_and_direction_are_read_from_any_caption(
    caption: str, modality: str | None, region: str | None, direction: str | None
) -> None:
    assert [answer.label for answer in read(caption, words(caption))] == [modality, region, direction]


def test_views_that_contradict_each_other_give_no_direction_but_evidence_for_each() -> None:
    caption = "AP and lateral radiographs of the knee"
    answer = read(caption, words(caption)).direction
    assert answer.label is None
    assert [evidence.text for evidence in answer.evidence] == ["AP", "lateral radiogra"]


def test_capitals_that_are_two_characters_in_lower_case_do_not_move_the_evidence() -> None:
    caption = "İİİ hospital: lateral radiograph of the knee"
    reading = read(caption, words(caption))
    assert reading.region.evidence[0].text == "knee"
    assert reading.direction.evidence[0].text == "lateral radiogra"


@pytest.mark.parametrize(
    "unit",
    # What the patterns repeat: letters, spaces, brackets, digits, words of rules, and beginnings of matches.
    [
        *(
            "a",
            "A",
            " ",
            "1",
            "(",
            "-",
            ".",
            ",",
            "'",
            "\n",
            "é",
            "T1 ",
            "CT ",
            "PET/",
            "scan ",
            "x-ray ",
            "lateral ",
            "cat ",
        ),
        *("lateral a ", "view of ", "apical, ", "comput", "micro-", "phantom of the ", "image of a a a ", "anterior-"),
        *("radiograph, a ", "week 1 scan "),
    ],
)
def test_hostile_captions_do_not_take_long(unit: str) -> None:
    caption = (unit * MOST_CHARACTERS)[:MOST_CHARACTERS]
    with cpu_limit():
        read(caption, [])
        read(caption, words(caption))


def test_only_the_beginning_of_a_caption_is_read() -> None:
    caption = "a " * (MOST_CHARACTERS // 2) + "lateral chest radiograph"
    reading = read(caption, words(caption))
    assert [answer.label for answer in reading] == [None, None, None]


def test_every_file_with_rules_belongs_to_what_is_read() -> None:
    concepts = rule_files.FOLDER / "rules.toml"  # which concepts a release may contain
    assert {*rule_files.files(), concepts} == set(rule_files.FOLDER.glob("*.toml"))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('label = "DRXX"', "unknown label 'DRXX'"),
        ('label = "DRCT"\npattern = ["a"]', "unexpected keyword argument 'pattern'"),
        ('label = "DRCT"\nrank = "first"', "unknown rank"),
        ('label = "DRCT"\npatterns = ["("]', "invalid pattern"),
    ],
)
def test_a_wrong_rule_is_an_error_with_file_and_rule(
    line: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f'decide = "first"\n[[rule]]\nname = "mine"\n{line}\n'
    tomllib.loads(text)
    (tmp_path / "modality.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(rule_files, "FOLDER", tmp_path)
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        rule_files.load("modality")
    assert "modality.toml" in str(caught.value) and "'mine'" in str(caught.value)
