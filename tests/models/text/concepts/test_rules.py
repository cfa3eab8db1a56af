"""Tests of the rules for concepts: every shipped rule does what its example shows, and wrong files are one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from roco.base.errors import DataError
from roco.models.text.concepts.checked import load_checked
from roco.models.text.concepts.choose import Candidate, Chooser
from roco.models.text.concepts.examples import Example
from roco.models.text.concepts.rules import SHIPPED, Rules, load
from roco.models.text.semantic_types import SemanticType, kept

RULES = load()
CHOOSER = Chooser(RULES)
BLOCKS = [(block.name, one) for block in RULES.blocks for one in block.examples]
NOT_BLOCKED = [(block.name, one) for block in RULES.blocks for one in block.counterexamples]
REMAPS = [(remap.name, one, to) for remap in RULES.remaps for one, to in remap.examples]
NOT_REMAPPED = [(remap.name, one) for remap in RULES.remaps for one in remap.counterexamples]
# Rules of a user.
BLOCK = '[[block]]\nname = "hearts"\nreason = "x"\nwords = ["heart"]\n'
REMAP = '[[remap]]\nname = "hearts"\nreason = "x"\nfrom = ["C0018787"]\nto = "C0018788"\n'


def candidate(one: Example) -> Candidate:
    return Candidate(one.cui, one.text, "|".join(one.tuis))


def written(folder: Path, text: str) -> Path:
    path = folder / "rules.toml"
    path.write_text(text, encoding="utf-8")
    return path


def loaded(folder: Path, text: str) -> Rules:
    return load(written(folder, 'base = "shipped"\n' + text))


# --- the shipped rules ------------------------------------------------------------------------------------------------


def test_every_shipped_rule_has_an_example() -> None:
    assert all(block.examples for block in RULES.blocks)
    assert all(remap.examples for remap in RULES.remaps)
    assert all(row.example and row.reason for row in RULES.types.values())


@pytest.mark.parametrize(("name", "one"), BLOCKS)
def test_a_block_drops_its_examples(name: str, one: Example) -> None:
    assert CHOOSER.verdict(candidate(one)).rule == f"block '{name}'"


@pytest.mark.parametrize(("name", "one"), NOT_BLOCKED)
def test_a_block_keeps_its_counterexamples(name: str, one: Example) -> None:
    assert CHOOSER.verdict(candidate(one)).rule is None


@pytest.mark.parametrize(("name", "one", "to"), REMAPS)
def test_a_remap_replaces_the_concept_of_its_examples(name: str, one: Example, to: str) -> None:
    assert CHOOSER.verdict(candidate(one)) == (to, None)


@pytest.mark.parametrize(("name", "one"), NOT_REMAPPED)
def test_a_remap_leaves_its_counterexamples(name: str, one: Example) -> None:
    assert CHOOSER.verdict(candidate(one)).cui == one.cui


@pytest.mark.parametrize("row", RULES.types.values(), ids=lambda row: row.tui)
def test_a_concept_is_kept_if_its_semantic_type_is(row: SemanticType) -> None:
    # The example of a type is a mention of its own here: words that a block names are another rule's business.
    rule = CHOOSER.verdict(Candidate("C9999999", f"some {row.example}", row.tui)).rule
    assert rule == (None if row.kept else f"type {row.tui}")


def test_no_two_remaps_claim_the_same_concept_and_no_target_is_replaced_again() -> None:
    claimed = [cui for remap in RULES.remaps for cui in remap.cuis]
    assert len(claimed) == len(set(claimed))
    assert not {remap.to for remap in RULES.remaps} & set(claimed)


def test_no_target_of_a_remap_is_blocked() -> None:
    assert all(CHOOSER.verdict(Candidate(remap.to, "words that no block names")).rule is None for remap in RULES.remaps)


def test_the_cutoff_is_that_of_the_paper() -> None:
    assert RULES.more_than == 10


# --- rules of a user --------------------------------------------------------------------------------------------------


def test_a_copy_of_the_shipped_file_is_read_alike(tmp_path: Path) -> None:
    assert load(written(tmp_path, SHIPPED.read_text(encoding="utf-8"))) == RULES


def test_an_own_file_states_only_what_differs(tmp_path: Path) -> None:
    own = loaded(tmp_path, 'negated = "keep"\nmore_than = 3\n[automatic]\ndirection = "always"\n')
    assert (own.negated, own.more_than, own.automatic.direction) == ("keep", 3, "always")
    assert own.automatic.modality == RULES.automatic.modality
    assert own.blocks == RULES.blocks
    assert own.digest != RULES.digest


def test_an_own_block_replaces_the_shipped_one_of_its_name(tmp_path: Path) -> None:
    text = '[[block]]\nname = "{}"\nreason = "mine"\nwords = ["gizmo"]\n'
    replaced, added = loaded(tmp_path, text.format("people")), loaded(tmp_path, text.format("gizmos"))
    assert Chooser(replaced).verdict(Candidate("C0030705", "patient")).rule is None
    assert Chooser(added).verdict(Candidate("C0030705", "patient")).rule == "block 'people'"
    assert Chooser(added).verdict(Candidate("C0000001", "Gizmo")).rule == "block 'gizmos'"


def test_a_type_may_be_decided_otherwise_by_name_or_tui(tmp_path: Path) -> None:
    for key in ('"social behavior"', "T054"):
        own = loaded(tmp_path, f'[types]\n{key} = {{ keep = true, reason = "our study is about it" }}\n')
        assert kept(own.types) == kept() | {"T054"}
        assert own.types["T054"].reason == "our study is about it"


def test_rules_with_other_reasons_have_the_same_digest(tmp_path: Path) -> None:
    own = loaded(tmp_path, '[types]\nT054 = { keep = false, reason = "said otherwise" }\n')
    assert own.digest == RULES.digest


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("negatd = 1\n", "unknown key 'negatd'", "did you mean 'negated'?"),
        ('negated = "no"\n', "negated is 'no'", "keep, drop"),
        ("more_than = -1\n", "more_than is -1", "0 or more"),
        ("more_than = true\n", "more_than is True", "0 or more"),
        ("[automatic]\nmodalty = 1\n", "[automatic]: unknown key 'modalty'", "did you mean 'modality'?"),
        ('[automatic]\nregion = "sometimes"\n', "region is 'sometimes'", "always, combined, never"),
        ('[automatic]\nmodality_types = ["T999"]\n', "modality_types: unknown semantic type 'T999'", "did you mean"),
        ("[[block]]\n", "a [[block]] has no name", "add name"),
        ('[[block]]\nname = "x"\nreason = "y"\n', "block 'x' has neither words nor cuis", "name what it blocks"),
        ('[[block]]\nname = "x"\nreason = "y"\ncuis = ["C12"]\n', "invalid CUI 'C12'", "C and seven digits"),
        ('[[block]]\nname = "x"\nreason = "y"\nword = ["a"]\n', "unknown key 'word'", "did you mean 'words'?"),
        ('[[block]]\nname = "x"\nreason = "y"\nwords = "a"\n', "words is no list of strings", '["one", "other"]'),
        ('[[block]]\nname = "x"\nreason = "y"\nwords = ["a"]\nexamples = ["a"]\n', "example 'a'", "one mention"),
        ('[[remap]]\nname = "x"\nreason = "y"\nfrom = ["C0000001"]\n', "missing key 'to'", "add to"),
        (
            '[[remap]]\nname = "x"\nreason = "y"\nfrom = []\nto = "C0000001"\n',
            "x': from is an empty list",
            "leave it out",
        ),
        (REMAP.replace("C0018788", "C0018787"), "from must name other concepts than to", "replaced by itself"),
        (REMAP.replace('"C0018788"', "3"), "remap 'hearts': to: 3 is no text", "double quotes"),
        (BLOCK + "cuis = []\n", "block 'hearts': cuis is an empty list", "leave it out"),
        (BLOCK + "examples = []\n", "block 'hearts': examples is an empty list", "leave it out"),
        (BLOCK.replace('["heart"]', "[]"), "block 'hearts': words is an empty list", "leave it out"),
        (BLOCK.replace('["heart"]', '["heart", " "]'), "block 'hearts': words has an empty text", "remove it"),
        (REMAP + 'words = [""]\n', "remap 'hearts': words has an empty text", "remove it"),
        ("[automatic]\nmodality_types = []\n", "[automatic]: modality_types is an empty list", "leave it out"),
        ("block = []\n", "[[block]] is an empty list", "replaced by name"),
        (
            '[types]\nT047 = { keep = true, reason = "x" }\n"Disease or Syndrome" = { keep = false, reason = "x" }\n',
            "[types], Disease or Syndrome: T047 is decided twice, also as 'T047'",
            "remove one",
        ),
        ("block = 3\n", "[[block]] is no list of tables", "docs/concepts.md"),
        ('[types]\nT999 = { keep = true, reason = "x" }\n', "unknown semantic type 'T999'", "did you mean 'T099'?"),
        ('[types]\n"Desease or Syndrome" = { keep = true, reason = "x" }\n', "unknown", "'Disease or Syndrome'"),
        ('[types]\nT054 = { kept = true, reason = "x" }\n', "unknown key 'kept'", "did you mean 'keep'?"),
        ("[types]\nT054 = { keep = true }\n", "has no reason", "word of reason"),
        ('[types]\nT054 = { keep = 1, reason = "x" }\n', "keep is 1", "keep = true"),
        ('[types]\nT054 = { keep = true, reason = "x", name = "Fish" }\n', "is called 'Fish'", "'Social Behavior'"),
        ("[types]\nT054 = true\n", "not a table", "keep = true"),
        ("more_than = \n", "is not TOML", "correct this line"),
    ],
)
def test_a_wrong_rule_is_reported_with_file_and_rule(tmp_path: Path, text: str, says: str, hint: str) -> None:
    with pytest.raises(DataError) as err:
        loaded(tmp_path, text)
    assert says in err.value.message
    assert str(tmp_path / "rules.toml") in err.value.message
    assert hint in err.value.hint


def test_a_file_without_a_base_states_everything(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="missing key 'version'") as err:
        load(written(tmp_path, "more_than = 3\n"))
    assert 'base = "shipped"' in err.value.hint
    with pytest.raises(DataError, match="unknown base 'other'"):
        load(written(tmp_path, 'base = "other"\n'))


def test_a_missing_large_or_binary_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="do not exist"):
        load(tmp_path / "none.toml")
    with pytest.raises(DataError, match="is a folder, not a file of rules"):
        load(tmp_path)
    binary, large = tmp_path / "binary.toml", tmp_path / "large.toml"
    binary.write_bytes(b"\xff\xfe")
    large.write_bytes(b"#" * 1_000_001)
    with pytest.raises(DataError, match="is not UTF-8"):
        load(binary)
    with pytest.raises(DataError, match="larger than 1 MB"):
        load(large)
    nested = written(tmp_path, 'base = "shipped"\nx = ' + "[" * 100_000 + "\n")
    with pytest.raises(DataError, match="is not TOML"):
        load(nested)


# --- examples of a user's rules ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (BLOCK + 'examples = ["a [lung](C0024109)"]\n', "[lung](C0024109) is kept, and stated to be dropped"),
        (BLOCK + 'not = ["a [heart](C0018787)"]\n', "[heart](C0018787) is dropped by this block, and stated to be not"),
        (REMAP + 'examples = { "a [heart](C0018787)" = "C0000001" }\n', "is C0018788, and stated to be C0000001"),
        (REMAP + 'not = ["a [heart](C0018787)"]\n', "is replaced, and stated to be not"),
    ],
)
def test_an_example_that_its_rule_does_not_decide_so_is_an_error(tmp_path: Path, text: str, says: str) -> None:
    path = written(tmp_path, 'base = "shipped"\n' + text)
    load(path)
    with pytest.raises(DataError) as caught:
        load_checked(path)
    assert says in caught.value.message and "'hearts'" in caught.value.message


def test_rules_whose_examples_hold_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, 'base = "shipped"\n' + BLOCK + 'examples = ["the [heart](C0018787)"]\n')
    assert load_checked(path) == load(path)
    assert load_checked() == load()
