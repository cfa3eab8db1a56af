"""Each check on a small dataset in which what it looks for is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from roco.evaluate.checks import captions, images, labels, leaks, rights
from roco.evaluate.checks.all import CHECKS, findings, summary
from roco.evaluate.checks.check import Check, Finding, Measured, Row
from roco.evaluate.report.inputs import Inputs
from tests.evaluate.report.examples import BRAIN, CT, IMAGES, LIVER, MR, NODULE, PET, published_inputs

Make = Callable[..., Inputs]


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    return published_inputs(tmp_path / "rocov2")


def with_columns(inputs: Inputs, **columns: list[object]) -> Inputs:
    """Returns the dataset with further columns, as a release of roco has them; null where fewer values are given."""
    table = inputs._published
    for name, values in columns.items():
        table = table.append_column(name, pa.array([*values, *[None] * (len(IMAGES) - len(values))]))
    changed = Inputs(release=inputs.release, pubmed=inputs.pubmed)
    object.__setattr__(changed, "available", frozenset(table.column_names))
    object.__setattr__(changed, "_published", table)
    return changed


def test_an_article_in_two_splits_is_a_leak(inputs: Inputs) -> None:
    assert leaks.articles_in_several_splits(inputs) == Measured(1, 3, [Row("PMC1", "d_train_1, d_train_2, d_test_1")])


def test_near_duplicates_in_two_splits_are_a_leak(inputs: Inputs) -> None:
    # The order of the rows: four of train, one of valid, one of test.
    changed = with_columns(inputs, similar_group=["a", "a", "b", None, "b"])
    assert leaks.duplicates_in_several_splits(changed) == Measured(1, 2, [Row("b", "d_train_3, d_valid_1")])


def test_equal_bytes_are_found(inputs: Inputs) -> None:
    assert leaks.equal_images(with_columns(inputs, sha256=["1", "2", "1"])).rows == [
        Row("d_train_3", "the bytes of d_train_1")
    ]


def test_a_caption_that_names_another_modality_is_a_conflict(inputs: Inputs) -> None:
    assert labels.modality_against_caption(inputs).value == 0
    path = inputs.release.path / "train_captions.csv"
    path.write_text(path.read_text().replace("MR of the brain", "Ultrasound of the brain"))
    found = labels.modality_against_caption(Inputs(release=inputs.release))
    assert [row.id for row in found.rows] == ["d_train_4"] and "DRMR, caption DRUS" in found.rows[0].detail


def test_a_caption_that_names_another_direction_is_a_conflict(inputs: Inputs) -> None:
    assert labels.direction_against_caption(inputs).value == 0
    path = inputs.release.path / "valid_captions.csv"
    path.write_text(path.read_text().replace("Lateral chest X-ray", "Chest X-ray, PA view"))
    found = labels.direction_against_caption(Inputs(release=inputs.release))
    assert [row.id for row in found.rows] == ["d_valid_1"]


def test_a_second_modality_among_the_concepts_is_a_conflict(inputs: Inputs) -> None:
    assert labels.several_modalities(inputs).value == 0  # combined modalities have several
    path = inputs.release.path / "train_concepts.csv"
    path.write_text(path.read_text().replace(f"d_train_4,{MR}", f"d_train_4,{CT};{MR}"))
    assert labels.several_modalities(Inputs(release=inputs.release)).rows == [Row("d_train_4", "DRMR with DRCT")]


def test_a_region_beside_the_manual_one_is_a_conflict(inputs: Inputs) -> None:
    assert labels.manual_against_automatic(inputs) == Measured(0, 2, [])
    path = inputs.release.path / "valid_concepts.csv"
    path.write_text(path.read_text().strip() + ";C0030797\n")
    found = labels.manual_against_automatic(Inputs(release=inputs.release))
    assert found.rows == [Row("d_valid_1", "chest with pelvis")]


def test_concepts_are_checked_against_the_mapping_and_against_train(inputs: Inputs) -> None:
    assert {row.id for row in labels.invalid_concepts(inputs).rows}.isdisjoint({LIVER, BRAIN})
    assert CT in {row.id for row in labels.invalid_concepts(inputs).rows}  # the mapping does not name it
    # Sagittal is in valid only, PET in test only.
    assert {row.id for row in labels.concepts_unknown_to_train(inputs).rows} == {PET, "C0205129"}
    # Concepts of modality, region and direction may be rare.
    assert {row.id for row in labels.rare_concepts(inputs).rows} == {LIVER, BRAIN, NODULE}


@pytest.mark.parametrize(
    ("caption", "check"),
    [
        ("xxx", captions.without_description),
        ("Radiographie thoracique de face du patient montrant un pneumothorax", captions.in_another_language),
        ("(A) Axial CT. (B) Coronal CT.", captions.of_several_panels),
        ("word " * 301, captions.very_long),
        ("CT scan, see https://example.org/1", captions.with_addresses),
    ],
)
def test_captions_that_should_not_be_there_are_found(
    inputs: Inputs, caption: str, check: Callable[[Inputs], Measured]
) -> None:
    assert check(inputs).value == 0
    path = inputs.release.path / "train_captions.csv"
    path.write_text(path.read_text().replace("Axial CT of the liver", caption))
    assert [row.id for row in check(Inputs(release=inputs.release)).rows] == ["d_train_1"]


def test_sizes_modes_and_screening_are_those_of_the_columns(inputs: Inputs) -> None:
    changed = with_columns(
        inputs,
        width=[500, 40, 900],
        height=[400, 400, 100],
        mode=["L", "CMYK", "RGB"],
        text_read=["ocr", "gate", "ocr"],
        caption_run=[6, 0, 1],
        caption_overlap=[0.1, 0.0, 0.6],
        identifying_text=[["date"], [], None],
        identifying_fields=[[], ["EXIF Artist"], None],
    )
    assert [row.id for row in images.unusual_size(changed).rows] == ["d_train_2", "d_train_3"]
    assert [row.id for row in images.unusual_mode(changed).rows] == ["d_train_2"]
    assert images.caption_in_image(changed)[:2] == (2, 3)
    assert images.identifying_text(changed).rows == [Row("d_train_1", "date")]
    assert images.identifying_fields(changed).value == 1


def test_licences_articles_and_retractions_are_checked(inputs: Inputs) -> None:
    assert rights.other_licenses(inputs).value == rights.without_article(inputs).value == 0
    pubmed = pa.table({"pmcid": ["PMC2"], "publication_types": [[{"ui": "D016441", "name": "Retracted Publication"}]]})
    found = rights.retracted(Inputs(release=inputs.release, pubmed=pubmed))
    assert {row.id for row in found.rows} == {"d_train_3", "d_train_4"}


def test_a_check_fails_above_its_share_only(inputs: Inputs) -> None:
    def tenth(inputs: Inputs) -> Measured:
        """Counts one of ten."""
        return Measured(1, 10, [Row("a", "")])

    finding = Finding(Check("x", "a tenth", 0.1, tenth), tenth(inputs))
    assert finding.verdict == "passed"
    assert finding._replace(check=finding.check._replace(threshold=0.09)).verdict == "failed"


def test_all_checks_are_made_and_say_what_they_lack(inputs: Inputs) -> None:
    found = list(findings(inputs))
    assert [one.check for one in found] == list(CHECKS)
    missing = {one.check.name: one.missing for one in found if one.verdict == "not checked"}
    assert missing["equal-images"] == "the release has no column 'sha256'"
    assert len(summary(found).rows) == len(CHECKS)
