"""Tests of what other rules would change in a release."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from roco.base.errors import DataError
from roco.base.schema import types
from roco.models.text.concepts.rules import Rules, load
from roco.release.concept_changes import CUTOFF, ConceptChanges, compare

CT, LIVER, CYST, EFFUSION, TALK = "C0040405", "C0023884", "C0010709", "C0032227", "C0037410"
COLUMNS = types(
    "id", "split", "caption", "mentions", "suggested", "modality", "region", "direction", "concepts", "concepts_manual"
)


def mention(cui: str, text: str, tui: str = "T047", **marks: Any) -> dict[str, Any]:
    return {"cui": cui, "text": text, "tui": tui, "name": text.title(), **marks}


def release(folder: Path, *captions: list[dict[str, Any]], manual: tuple[str, ...] = ()) -> Path:
    """A release of CT images with these mentions."""
    folder.mkdir()
    rows = [
        {
            "id": f"i{at}", "split": "train", "caption": "…", "modality": "DRCT", "mentions": found, "suggested": [],
            "concepts": [CT], "concepts_manual": list(manual),
        }
        for at, found in enumerate(captions)
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema(list(COLUMNS.items()))), folder / "figures.parquet")
    (folder / "cui_mapping.csv").write_text(f"CUI,Canonical name\n{CT},Computed Tomography\n", encoding="utf-8")
    return folder


def rules(folder: Path, text: str) -> Rules:
    path = folder / "rules.toml"
    path.write_text('base = "shipped"\n' + text, encoding="utf-8")
    return load(path)


def compared(folder: Path, path: Path, text: str, more_than: int = 0) -> ConceptChanges:
    return compare(path, load(), rules(folder, text), more_than)


def test_equal_rules_change_nothing(tmp_path: Path) -> None:
    path = release(tmp_path / "r", [mention(LIVER, "liver", "T023")])
    changes = compare(path, load(), load(), 0)
    assert (changes.images, changes.touched, changes.changes) == (1, (), ())
    assert (changes.concepts_before, changes.concepts_after) == (2, 2)


def test_a_relaxed_rule_gains_concepts_and_names_the_rule_that_dropped_them(tmp_path: Path) -> None:
    negated = mention(EFFUSION, "pleural effusion", negated=True)
    path = release(tmp_path / "r", [negated], [negated, mention(LIVER, "liver", "T023")], [])
    changes = compared(tmp_path, path, 'negated = "keep"\n')
    (change,) = changes.changes
    assert (change.cui, change.name, change.gained, change.lost) == (EFFUSION, "Pleural Effusion", 2, 0)
    assert (change.rule, change.images_before, change.images_after) == ("negated", 0, 2)
    assert change.examples == ("i0", "i1")
    assert [one.id for one in changes.touched] == ["i0", "i1"]


def test_a_new_block_loses_concepts_and_images_can_be_left_without_any(tmp_path: Path) -> None:
    path = release(tmp_path / "r", [mention(LIVER, "liver", "T023")], [mention(CYST, "cyst", "T190")])
    changes = compared(tmp_path, path, '[[block]]\nname = "mine"\nreason = "x"\nwords = ["liver"]\n')
    (change,) = changes.changes
    assert (change.cui, change.lost, change.rule) == (LIVER, 1, "block 'mine'")
    assert changes.emptied == 0  # the modality is left


def test_a_remap_loses_one_concept_and_gains_another(tmp_path: Path) -> None:
    path = release(tmp_path / "r", [mention(CYST, "cyst", "T190")])
    text = f'[[remap]]\nname = "mine"\nreason = "x"\nfrom = ["{CYST}"]\nto = "{LIVER}"\n'
    changes = compared(tmp_path, path, text)
    assert {(one.cui, one.gained, one.lost) for one in changes.changes} == {(CYST, 0, 1), (LIVER, 1, 0)}
    assert len(changes.touched) == 1


def test_the_cutoff_is_compared_too(tmp_path: Path) -> None:
    path = release(tmp_path / "r", [mention(LIVER, "liver", "T023")], [mention(LIVER, "liver", "T023")], [])
    changes = compare(path, rules(tmp_path, "more_than = 1\n"), rules(tmp_path, "more_than = 2\n"))
    (change,) = changes.changes
    assert (change.cui, change.lost, change.rule) == (LIVER, 2, CUTOFF)


def test_manual_and_decided_concepts_do_not_change(tmp_path: Path) -> None:
    path = release(tmp_path / "r", [mention(TALK, "talk", "T054")], manual=(TALK,))
    changes = compared(tmp_path, path, f'[[block]]\nname = "mine"\nreason = "x"\ncuis = ["{TALK}", "{CT}"]\n')
    assert changes.changes == ()


def test_a_published_dataset_without_mentions_is_judged_by_its_concepts(tmp_path: Path) -> None:
    path = tmp_path / "published"
    path.mkdir()
    for split in ("train", "valid", "test"):
        rows = {"captions": "i1,CT of the liver\n", "concepts": f"i1,{CT};{LIVER}\n", "concepts_manual": f"i1,{CT}\n"}
        for table, row in rows.items():
            header = "ID,Caption\n" if table == "captions" else "ID,CUIs\n"
            text = header + (row if split == "train" else "")
            (path / f"{split}_{table}.csv").write_text(text, encoding="utf-8")
    credit = (
        "ID,PMCID,Attribution,Link\ni1,PMC1,CC BY Doe et al. (2022),https://www.ncbi.nlm.nih.gov/pmc/articles/PMC1\n"
    )
    (path / "license_information.csv").write_text(credit, encoding="utf-8")
    (path / "cui_mapping.csv").write_text(f"CUI,Canonical name\n{LIVER},Liver\n", encoding="utf-8")
    changes = compared(tmp_path, path, f'[[block]]\nname = "mine"\nreason = "x"\ncuis = ["{LIVER}"]\n')
    assert not changes.from_mentions
    assert [(one.cui, one.name, one.lost) for one in changes.changes] == [(LIVER, "Liver", 1)]


def test_a_folder_that_is_no_release_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a release"):
        compare(tmp_path, load(), load())
