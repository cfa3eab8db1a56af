"""Tests of the semantic types: every type is decided, and a wrong list is rejected with file and type."""

from __future__ import annotations

from pathlib import Path

import pytest

from roco.base.errors import DataError
from roco.models.text import semantic_types
from roco.models.text.semantic_types import SHIPPED, kept, load, tuis
from roco.models.text.terms import table as vocabulary

TABLE_6 = {
    "T023": "Body Part, Organ, or Organ Component",
    "T060": "Diagnostic Procedure",
    "T029": "Body Location or Region",
    "T082": "Spatial Concept",
    "T046": "Pathologic Function",
    "T047": "Disease or Syndrome",
    "T080": "Qualitative Concept",
    "T030": "Body Space or Junction",
    "T074": "Medical Device",
    "T191": "Neoplastic Process",
}


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "types.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def shipped_with(old: str, new: str) -> str:
    text = SHIPPED.read_text(encoding="utf-8")
    assert old in text
    return text.replace(old, new)


def test_all_127_types_are_decided_once_with_reason_and_example() -> None:
    types = load()
    assert len(types) == 127
    assert len({row.name for row in types.values()}) == 127
    assert all(row.reason and row.example for row in types.values())


def test_the_frequent_types_of_the_paper_are_kept_and_social_behavior_is_not() -> None:
    types = load()
    assert {tui: types[tui].name for tui in TABLE_6} == TABLE_6
    assert kept() >= TABLE_6.keys()
    assert types["T054"].name == "Social Behavior"
    assert "T054" not in kept()


def test_every_concept_of_the_shipped_vocabulary_has_a_kept_type() -> None:
    assert {concept.tui for concept in vocabulary.load().concepts if concept.tui} <= kept()


def test_types_of_time_number_and_people_are_not_kept() -> None:
    assert kept().isdisjoint(tuis(["Temporal Concept", "Quantitative Concept", "Patient or Disabled Group"], "test"))


def test_an_own_list_may_decide_otherwise(tmp_path: Path) -> None:
    own = load(write(tmp_path, shipped_with("T054,Social Behavior,no", "T054,social behavior,yes")))
    assert kept(own) == kept() | {"T054"}


def test_types_are_given_by_tui_or_by_name() -> None:
    assert tuis(["t047", " medical device "], "rules.toml") == {"T047", "T074"}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Desease or Syndrome", "did you mean 'Disease or Syndrome'?"),
        ("T999", "did you mean 'T099'?"),
        ("", "known: "),
    ],
)
def test_an_unknown_type_is_reported_with_the_nearest_name(name: str, hint: str) -> None:
    with pytest.raises(DataError) as caught:
        tuis([name], "rules.toml, block")
    assert str(caught.value).startswith(f"rules.toml, block: unknown semantic type {name!r}")
    assert (caught.value.hint or "").startswith(hint)


@pytest.mark.parametrize(
    ("old", "new", "message", "hint"),
    [
        ("T054,Social Behavior", "T954,Social Behaviour", "unknown semantic type 'T954'", "'Social Behavior'"),
        ("T054,Social Behavior", "T054,Behavior", "T054 is called 'Behavior'", "T054 is 'Social Behavior'"),
        ("T054,Social Behavior,no", "T054,Social Behavior,maybe", "T054: kept is 'maybe'", "yes or no"),
        ("T055,Individual Behavior", "T054,Individual Behavior", "duplicate semantic type T054", "remove one"),
        ("tui,name,kept", "tui,name,keep", "missing or duplicate column 'kept'", "the first line must be"),
        ("T055,Individual Behavior,no,behaviour", "T055,Individual Behavior,no,", "T055 has no reason", "a word"),
        ("T055,Individual Behavior", "T055,Individual, Behavior", "6 cells, but 5 columns", "double quotes"),
        ("T055,Individual Behavior", 'T055,"Individual" Behavior', "line ", "correct the quotes"),
    ],
)
def test_a_wrong_list_is_reported_with_file_and_type(
    tmp_path: Path, old: str, new: str, message: str, hint: str
) -> None:
    path = write(tmp_path, shipped_with(old, new))
    with pytest.raises(DataError) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)
    assert hint in (caught.value.hint or "")


def test_a_list_without_some_types_names_them(tmp_path: Path) -> None:
    lines = SHIPPED.read_text(encoding="utf-8").splitlines()
    path = write(tmp_path, "\n".join(line for line in lines if not line.startswith(("T054", "T055"))))
    with pytest.raises(
        DataError, match=r"missing semantic type T054 \(Social Behavior\), T055 \(Individual Behavior\)\n"
    ):
        load(path)


def test_a_file_that_is_no_list_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="does not exist"):
        load(tmp_path / "none.csv")
    with pytest.raises(DataError, match="is not UTF-8"):
        load(write(tmp_path, SHIPPED.read_bytes() + "é".encode("latin-1")))
    monkeypatch.setattr(semantic_types, "MOST_BYTES", SHIPPED.stat().st_size)
    with pytest.raises(DataError, match="is larger than"):
        load(write(tmp_path, SHIPPED.read_bytes() + b"\n"))
