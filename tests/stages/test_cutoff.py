from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from roco.base.errors import RecipeError
from roco.base.schema import DROP, types
from roco.stages.cutoff import Cutoff
from roco.stages.prune import Prune

CT, MASS, RARE = "C0040405", "C0577559", "C9999999"


def table(stage: Any, *rows: dict[str, Any]) -> pa.Table:
    names = (*stage.reads, *stage.optional)
    schema = pa.schema(list(({"figure_id": pa.string()} | types(*names) | DROP).items()))
    blank = {"concepts": [], "concepts_auto": [], "concepts_manual": []}
    return pa.Table.from_pylist([blank | {"figure_id": str(i)} | r for i, r in enumerate(rows)], schema=schema)


def both(*cuis: str) -> dict[str, Any]:
    return {"concepts": list(cuis), "concepts_auto": list(cuis)}


def test_concepts_of_too_few_images_are_taken_out() -> None:
    rows = [both(MASS)] * 11 + [both(MASS, RARE)]
    out = Cutoff()(table(Cutoff, *rows)).to_pylist()
    assert out[-1]["concepts"] == out[-1]["concepts_auto"] == [MASS]


def test_ten_images_are_too_few() -> None:
    assert all(r["drop"] == "concepts" for r in Cutoff()(table(Cutoff, *[both(MASS)] * 10)).to_pylist())
    assert not any(r["drop"] for r in Cutoff()(table(Cutoff, *[both(MASS)] * 11)).to_pylist())


def test_modality_and_what_people_gave_stay_however_rare() -> None:
    one = both(CT, RARE) | {"modality": "DRCT"}
    two = {"concepts": [RARE, MASS], "concepts_auto": [MASS], "concepts_manual": [RARE]}
    out = Cutoff()(table(Cutoff, one, two)).to_pylist()
    assert [r["concepts"] for r in out] == [[CT], [RARE]]


def test_an_image_without_concepts_may_stay() -> None:
    assert Cutoff(require=False)(table(Cutoff, both(RARE)))["drop"].to_pylist() == [None]


def test_an_earlier_release_says_which_concepts_there_are(tmp_path: Path) -> None:
    (tmp_path / "checksums.sha256").write_text("")
    (tmp_path / "cui_mapping.csv").write_text(f"CUI,Canonical name\n{RARE},Something rare\n")
    rows = [both(MASS, RARE)] * 20
    assert Cutoff(frozen=tmp_path)(table(Cutoff, *rows))["concepts"].to_pylist() == [[RARE]] * 20


def test_a_folder_that_is_no_release_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="not a release"):
        Cutoff(frozen=tmp_path).digest({})


def test_valid_and_test_have_no_concept_that_train_lacks() -> None:
    rows = [
        both(MASS) | {"split": "train"},
        both(MASS, RARE) | {"split": "test", "concepts_manual": [RARE]},
        both(RARE) | {"split": "valid"},
    ]
    out = Prune()(table(Prune, *rows)).to_pylist()
    assert [r["concepts"] for r in out] == [[MASS], [MASS], []]
    assert out[1]["concepts_manual"] == []
    assert [r["drop"] for r in out] == [None, None, "concepts"]
