"""Datasets to learn linkers from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from roco.base.errors import DataError, UsageError
from roco.baselines.concepts.datasets import PAPER, read, unlearned
from roco.models.text.vocabulary.table import Concept

CT, XRAY, OCT, LIVER = "C0040405", "C1306645", "C0920367", "C0023884"


def published(folder: Path, splits: tuple[str, ...] = ("train", "valid", "test"), manual: str | None = None) -> Path:
    """Writes a folder in the layout of ROCOv2: twelve rows for each split."""
    for split in splits:
        ids = [f"ROCOv2_2023_{split}_{number:06}" for number in range(12)]
        table(folder / f"{split}_captions.csv", "ID,Caption", [f'{id},"CT, liver"' for id in ids])
        table(folder / f"{split}_concepts.csv", "ID,CUIs", [f"{id},{CT};{OCT};{LIVER}" for id in ids])
        if manual is not None:
            table(folder / f"{split}_concepts_manual.csv", "ID,CUIs", [f"{id},{manual}" for id in ids])
    table(folder / "cui_mapping.csv", "CUI,Canonical name", [f"{CT},X-Ray Computed Tomography", f"{LIVER},Liver"])
    return folder


def table(path: Path, header: str, lines: list[str]) -> None:
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")


def test_only_the_rows_of_train_are_read_unless_others_are_chosen(tmp_path: Path) -> None:
    folder = published(tmp_path)
    assert (len(read(folder).rows), read(folder).splits) == (12, ("train",))
    assert len(read(folder, ["all"]).rows) == 36
    assert read(folder, ["valid", "test"]).splits == ("test", "valid")


@pytest.mark.parametrize("lost", ["train_captions.csv", "train_concepts.csv"])
def test_a_dataset_whose_train_is_incomplete_is_refused_unless_others_are_chosen(tmp_path: Path, lost: str) -> None:
    folder = published(tmp_path)
    (folder / lost).unlink()
    with pytest.raises(DataError, match=r"lacks train_captions\.csv and train_concepts\.csv"):
        read(folder)
    assert len(read(folder, ["all"]).rows) == 24


def test_a_file_with_splits_but_without_train_is_refused_unless_others_are_chosen(tmp_path: Path) -> None:
    table(tmp_path / "rows.csv", "id,caption,cuis,split", [f"{number},CT,{CT},valid" for number in range(12)])
    with pytest.raises(DataError, match=r"rows\.csv has no captions"):
        read(tmp_path / "rows.csv")
    assert len(read(tmp_path / "rows.csv", ["valid"]).rows) == 12


def test_a_split_to_score_on_is_one_that_was_not_learned_from(tmp_path: Path) -> None:
    folder = published(tmp_path)
    assert unlearned(folder, ("train",)) == "test"
    assert unlearned(folder, ("test", "train")) == "valid"
    assert unlearned(folder, ("test", "train", "valid")) == ""
    (folder / "test_concepts.csv").unlink()
    assert unlearned(folder, ("train",)) == "valid"
    table(tmp_path / "rows.csv", "id,caption,cuis", [f"1,CT,{CT}"])
    assert unlearned(tmp_path / "rows.csv", ()) == ""


def test_names_of_the_dataset_come_before_those_of_vocabularies(tmp_path: Path) -> None:
    concepts = [Concept(LIVER, "liver", ("hepar of mine",)), Concept("C0000001", "in no caption")]
    names = read(published(tmp_path), concepts=concepts).names
    assert names[CT][0] == "X-Ray Computed Tomography"
    assert names[LIVER][:3] == ("Liver", "liver", "hepar of mine")
    assert "C0000001" not in names
    assert len(names) > 1000


def test_manual_concepts_are_those_of_the_dataset_else_those_of_the_paper(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir()
    second.mkdir()
    assert read(published(first, manual=f"{CT};{OCT}")).manual == (CT, OCT)
    assert read(published(second)).manual == (CT,)
    assert read(second, manual=[LIVER, XRAY]).manual == (LIVER,)
    assert read(second, manual=[]).manual == ()


def test_the_paper_has_18_manual_concepts() -> None:
    assert len(set(PAPER)) == 18


def test_rows_of_the_first_roco_have_no_manual_concepts(tmp_path: Path) -> None:
    rows = [{"roco_id": f"R{number}", "pmcid": "PMC1", "caption": "CT", "cuis": [CT]} for number in range(12)]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert read(path).manual == ()
    assert read(path, manual=[CT]).manual == (CT,)


def test_a_csv_file_has_the_manual_concepts_of_the_paper(tmp_path: Path) -> None:
    table(tmp_path / "rows.csv", "id,caption,cuis", [f"{number},CT,{CT};{LIVER}" for number in range(12)])
    assert read(tmp_path / "rows.csv").manual == (CT,)


def test_datasets_that_cannot_be_learned_from_are_refused(tmp_path: Path) -> None:
    table(tmp_path / "rows.csv", "id,caption,cuis", ["1,CT,", "2,CT,"])
    with pytest.raises(DataError, match=r"rows\.csv has no concepts"):
        read(tmp_path / "rows.csv")
    with pytest.raises(UsageError, match="invalid CUI 'CT'"):
        read(tmp_path / "rows.csv", manual=["CT"])
    with pytest.raises(UsageError, match="unknown split 'tain'"):
        read(tmp_path / "rows.csv", ["tain"])
