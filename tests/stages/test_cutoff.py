from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from roco.base.errors import RecipeError
from roco.base.labels import NUCLEAR
from roco.base.schema import DROP, types
from roco.stages.cutoff import Cutoff
from roco.stages.prune import Prune

CT, PET, MASS, RARE = "C0040405", "C0032743", "C0577559", "C9999999"
CHEST, AP = "C0817096", "C1999039"


def table(stage: Any, *rows: dict[str, Any]) -> pa.Table:
    names = (*stage.reads, *stage.optional)
    schema = pa.schema(list(({"figure_id": pa.string()} | types(*names) | DROP).items()))
    blank = {"concepts": [], "concepts_auto": [], "concepts_manual": []}
    return pa.Table.from_pylist([blank | {"figure_id": str(i)} | r for i, r in enumerate(rows)], schema=schema)


def both(*cuis: str) -> dict[str, Any]:
    return {"concepts": list(cuis), "concepts_auto": list(cuis)}


def test_concepts_of_too_few_images_are_removed() -> None:
    rows = [both(MASS)] * 11 + [both(MASS, RARE)]
    out = Cutoff()(table(Cutoff, *rows)).to_pylist()
    assert out[-1]["concepts"] == out[-1]["concepts_auto"] == [MASS]


def test_ten_images_are_too_few() -> None:
    assert all(r["drop"] == "concepts" for r in Cutoff()(table(Cutoff, *[both(MASS)] * 10)).to_pylist())
    assert not any(r["drop"] for r in Cutoff()(table(Cutoff, *[both(MASS)] * 11)).to_pylist())


def test_the_modality_and_manual_concepts_are_kept_however_rare() -> None:
    one = both(CT, RARE) | {"modality": "DRCT"}
    two = {"concepts": [RARE, MASS], "concepts_auto": [MASS], "concepts_manual": [RARE]}
    out = Cutoff()(table(Cutoff, one, two)).to_pylist()
    assert [r["concepts"] for r in out] == [[CT], [RARE]]


def test_scintigraphy_is_kept_however_rare() -> None:
    out = Cutoff()(table(Cutoff, both(NUCLEAR, RARE)))
    assert out["concepts"].to_pylist() == [[NUCLEAR]]


def test_a_combined_image_keeps_all_its_modalities_and_other_images_do_not() -> None:
    rows = [both(PET, CT) | {"modality": "DRCO"}, both(PET, CT) | {"modality": "DRCT"}]
    assert Cutoff()(table(Cutoff, *rows))["concepts"].to_pylist() == [[PET, CT], [CT]]


def test_region_and_direction_are_kept_however_rare() -> None:
    row = both(CHEST, AP, RARE) | {"modality": "DRXR", "region": "chest", "direction": "coronal_ap"}
    assert Cutoff()(table(Cutoff, row))["concepts"].to_pylist() == [[CHEST, AP]]


def test_a_concept_counts_once_per_image() -> None:
    rows = [both(MASS, MASS)] * 6
    assert all(row["drop"] for row in Cutoff()(table(Cutoff, *rows)).to_pylist())


def test_the_digest_depends_on_the_release_whose_concepts_are_kept(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "checksums.sha256").write_text(name)
    assert Cutoff(frozen=tmp_path / "a").digest({}) != Cutoff(frozen=tmp_path / "b").digest({})


def test_an_image_without_concepts_is_kept_if_concepts_are_not_required() -> None:
    assert Cutoff(require=False)(table(Cutoff, both(RARE)))["drop"].to_pylist() == [None]


def test_a_previous_release_determines_which_concepts_are_kept(tmp_path: Path) -> None:
    (tmp_path / "checksums.sha256").write_text("")
    (tmp_path / "cui_mapping.csv").write_text(f"CUI,Canonical name\n{RARE},Something rare\n")
    rows = [both(MASS, RARE)] * 20
    assert Cutoff(frozen=tmp_path)(table(Cutoff, *rows))["concepts"].to_pylist() == [[RARE]] * 20


def test_a_folder_that_is_not_a_release_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="not a release"):
        Cutoff(frozen=tmp_path).digest({})


def test_valid_and_test_have_no_concept_that_does_not_occur_in_train() -> None:
    rows = [
        both(MASS) | {"split": "train"},
        both(MASS, RARE) | {"split": "test", "concepts_manual": [RARE]},
        both(RARE) | {"split": "valid"},
    ]
    out = Prune()(table(Prune, *rows)).to_pylist()
    assert [r["concepts"] for r in out] == [[MASS], [MASS], []]
    assert out[1]["concepts_manual"] == []
    assert [r["drop"] for r in out] == [None, None, "concepts"]
