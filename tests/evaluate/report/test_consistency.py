"""The identities of the report: what violates them, and datasets on which they cannot be checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.sections.consistency import consistency
from roco.release.read import Release
from tests.evaluate.report.counted import write_funnel
from tests.evaluate.report.examples import MR, TYPES, write_published

OF_MR = "DRMR images with the concept C0024485 (first row of Table S9)"
NO_XRAYS = "images with a region that are not X-rays"


def verdicts(folder: Path, types: dict[str, list[str]] = TYPES) -> dict[str, str]:
    (table,) = consistency(Inputs(release=Release.open(folder), types=types)).tables
    return {str(row[0]): str(row[3]) for row in table.rows}


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("file", "old", "new", "identity"),
    [
        ("train_concepts.csv", f"d_train_4,{MR};", "d_train_4,", OF_MR),
        ("train_concepts_manual.csv", "d_train_1,C0040405", "d_train_1,C0040405;C0817096", NO_XRAYS),
        ("license_information.csv", "d_test_1,PMC1", "d_test_1,", "images without an article (PMCID)"),
        ("license_information.csv", "d_test_1,PMC1,CC BY", "d_test_1,PMC1,by", "images without a licence"),
    ],
)
def test_a_violated_identity_does_not_hold(tmp_path: Path, file: str, old: str, new: str, identity: str) -> None:
    folder = write_published(tmp_path / "rocov2")
    before = verdicts(folder)
    replace(folder / file, old, new)
    assert (before[identity], verdicts(folder)[identity]) == ("holds", "does not hold")


def test_concepts_must_be_named_in_the_mapping(tmp_path: Path) -> None:
    folder = write_published(tmp_path / "rocov2")
    identity = "concepts without a name in cui_mapping.csv"
    assert verdicts(folder)[identity] == "does not hold"  # the example names three of its concepts only
    (folder / "cui_mapping.csv").unlink()
    assert verdicts(folder)["Concepts without a name in cui_mapping.csv"].startswith("not available: ")


def test_the_funnel_must_end_in_the_images_and_drop_the_rows_of_the_table(tmp_path: Path) -> None:
    folder = write_published(tmp_path / "rocov2")
    assert verdicts(folder)["Figures in the funnel"].startswith("not available: the dataset has no funnel.json")
    write_funnel(folder)
    assert verdicts(folder)["figures that the last stage keeps (Figure 1)"] == "holds"
    assert verdicts(folder)["rows of removed.parquet"] == "holds"
    replace(folder / "funnel.json", '"duplicate": 1', '"duplicate": 2')
    replace(folder / "funnel.json", '"kept": 6', '"kept": 5')
    assert verdicts(folder)["figures that the last stage keeps (Figure 1)"] == "does not hold"
    assert verdicts(folder)["rows of removed.parquet"] == "does not hold"


def test_types_of_modalities_must_be_at_least_the_images_of_one_modality(tmp_path: Path) -> None:
    folder = write_published(tmp_path / "rocov2")
    identity = "occurrences of T060 (Table 6)"
    assert verdicts(folder)[identity] == "holds"
    assert verdicts(folder, {**TYPES, MR: ["T023"], "C1306645": ["T023"], "C0032743": ["T023"]})[identity] == (
        "does not hold"
    )
    assert verdicts(folder, {})["Occurrences of diagnostic procedures (T060)"].startswith("not available: ")


def test_a_dataset_with_one_split_has_the_other_identities(tmp_path: Path) -> None:
    found = verdicts(write_published(tmp_path / "rocov2", splits=("train",)))
    assert found["Concepts of valid and test that train lacks"].startswith("not available: ")
    assert found["images of all modalities (Table S2)"] == "holds"
