"""Tests of the stage `mentions`: any linker, its marks, its files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pytest

from roco.base.errors import RecipeError, UsageError
from roco.base.schema import COLUMNS
from roco.models.text.concepts.choose import Candidate, Chooser
from roco.models.text.concepts.rules import load
from roco.models.text.linking.linker import Described, Mention, Suggestion
from roco.models.text.vocabulary.table import SHIPPED
from roco.stages.mentions import Mentions

HOW: tuple[Literal["mark", "keep"], ...] = ("mark", "keep")
HEADER = "cui,name,synonyms,tui,source,license\n"


def batch(*captions: str | None) -> pa.Table:
    nothing = pa.nulls(len(captions), pa.string())
    return pa.table(
        {
            "figure_id": pa.array([str(i) for i in range(len(captions))]),
            "drop": nothing,
            "drop_detail": nothing,
            "caption": pa.array(captions, pa.string()),
        }
    )


def found(stage: Mentions, caption: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = stage(batch(caption))["mentions"][0].as_py()
    return rows


class Heavy:
    """A linker of a user that finds the first word and suggests a liver."""

    name = "mine"
    heavy = True

    def link(self, captions: Sequence[str]) -> list[list[Mention]]:
        return [mentions for mentions, _ in self.link_and_suggest(captions)]

    def link_and_suggest(self, captions: Sequence[str]) -> list[tuple[list[Mention], list[Suggestion]]]:
        both = []
        for caption in captions:
            word = caption.split()[0]
            mention = Mention(0, len(word), word, "C0000001", 0.5, linker="mine")
            both.append(([mention], [Suggestion("C0023884", 0.9, "mine")]))
        return both

    def describe(self, cui: str) -> Described | None:
        return Described("First", ("T023", "T029")) if cui == "C0000001" else None


def test_each_caption_gets_its_mentions_and_a_missing_caption_gets_null() -> None:
    table = Mentions()(batch("MRI of the liver", "Nothing here", None))
    assert table["mentions"].type == COLUMNS["mentions"].type
    assert table["suggested"].type == COLUMNS["suggested"].type
    first, nothing, missing = table["mentions"].to_pylist()
    assert [(m["cui"], m["start"], m["end"], m["text"]) for m in first] == [
        ("C0024485", 0, 3, "MRI"),
        ("C0023884", 11, 16, "liver"),
    ]
    assert first[1] | {"cui": "", "start": 0, "end": 0} == {
        "cui": "", "start": 0, "end": 0, "text": "liver", "score": 1.0, "negated": False, "uncertain": False,
        "linker": "dictionary", "name": "liver", "tui": "T023",
    }  # fmt: skip
    assert (nothing, missing) == ([], None)
    assert table["suggested"].to_pylist() == [[], [], None]


def test_a_negated_mention_is_marked() -> None:
    (effusion,) = found(Mentions(), "No pleural effusion")
    assert (effusion["cui"], effusion["negated"]) == ("C0032227", True)


def test_negated_mentions_that_are_kept_are_concepts_whatever_the_rules() -> None:
    caption = "CT without pleural effusion. Possible nodule."
    effusion, nodule = "C0032227", "C0028259"
    marked, kept = ({one["cui"]: one for one in found(Mentions(negated=how), caption)} for how in HOW)
    assert marked[effusion]["negated"] and not kept[effusion]["negated"]
    assert kept[nodule]["uncertain"]
    assert [effusion in concepts(rows.values()) for rows in (marked, kept)] == [False, True]


def concepts(mentions: Iterable[dict[str, Any]]) -> list[str]:
    """The concepts that the shipped rules use of some mentions."""
    return Chooser(load()).automatic([Candidate.of(one) for one in mentions], "DRCT")


def test_rare_concepts_can_be_suggested_by_a_learned_model_only() -> None:
    with pytest.raises(UsageError, match="linker 'dictionary' has no option 'rare'"):
        Mentions(rare="suggest").prepare()


def test_another_vocabulary_replaces_the_shipped_one(tmp_path: Path) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text(HEADER + "C0000001,gizmo,,T023|T029,,\n", encoding="utf-8")
    (only,) = found(Mentions(vocabulary=mine), "Chest CT with a gizmo")
    assert (only["text"], only["name"], only["tui"]) == ("gizmo", "gizmo", "T023|T029")


def test_a_linker_of_a_user_may_suggest_and_be_heavy_and_what_it_does_not_describe_is_looked_up() -> None:
    stage = Mentions(linker="tests.stages.test_mentions:Heavy")
    table = stage(batch("CT scan"))
    (mention,) = table["mentions"][0].as_py()
    assert (mention["text"], mention["name"], mention["tui"], mention["linker"]) == ("CT", "First", "T023|T029", "mine")
    assert table["suggested"][0].as_py() == [
        {"cui": "C0023884", "score": pytest.approx(0.9), "linker": stage.linker, "name": "liver", "tui": "T023"}
    ]
    assert stage.contract.heavy > 0
    assert Mentions().contract.heavy == 0


def test_the_digest_depends_on_the_content_of_the_vocabulary_and_not_on_its_name(tmp_path: Path) -> None:
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    one.write_bytes(SHIPPED.read_bytes())
    other.write_bytes(SHIPPED.read_bytes())
    assert Mentions(vocabulary=one).digest({}) == Mentions(vocabulary=other).digest({})
    other.write_bytes(SHIPPED.read_bytes() + b"C0000001,gizmo,,T023,,\n")
    assert Mentions(vocabulary=one).digest({}) != Mentions(vocabulary=other).digest({})


def test_wrong_options_are_refused_when_the_recipe_is_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown linker 'dictionry'") as caught:
        Mentions(linker="dictionry").digest({})
    assert "did you mean 'dictionary'?" in caught.value.hint
    with pytest.raises(UsageError, match="needs the option 'model'"):
        Mentions(linker="learned").digest({})
    with pytest.raises(RecipeError, match=r"cannot read .*none\.csv") as caught:
        Mentions(vocabulary=tmp_path / "none.csv").digest({})
    assert "relative to the recipe" in caught.value.hint
