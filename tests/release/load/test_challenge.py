"""The files of an ImageCLEF challenge: labels of some splits, images of all, names and delimiters of their own."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

import roco
from tests.sources.test_dataset import CHEST, CT, IDS, LAYOUTS, published


@pytest.fixture
def challenge(tmp_path: Path) -> Path:
    """ImageCLEF 2023: separated by tabs, without manual concepts, licences and labels of test."""
    root = published(tmp_path / "challenge", LAYOUTS["zips"])
    for path in root.glob("*.csv"):
        path.unlink()
    for split in ("train", "valid"):
        captions = "".join(f'{id}\tCT of "{split}", axial\n' for id in IDS[split])
        concepts = "".join(f"{id}\t{CT};{CHEST}\n" for id in IDS[split])
        (root / f"ImageCLEF_caption_{split}_labels.csv").write_text(f"ID\tCaption\n{captions}")
        (root / f"ImageCLEF_concept_{split}_labels.csv").write_text(f"ID\tCUIs\n{concepts}")
    return root


def test_the_files_of_a_challenge_are_a_dataset(challenge: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        data = roco.load(challenge)
    assert {split: len(roco.load(challenge, split)) for split in IDS} == {name: len(ids) for name, ids in IDS.items()}
    assert "no captions and no concepts of test: 1 images" in caplog.text
    row = data.row(IDS["train"][0])
    assert (row.caption, row.concepts, row.license) == ('CT of "train", axial', (CT, CHEST), None)
    assert row.image.numpy().shape == (64, 64)
    assert data.vocabulary.cuis == (CT, CHEST)


def test_images_of_a_split_without_labels_are_rows_that_can_be_predicted(challenge: Path) -> None:
    (row,) = roco.load(challenge, "test")
    assert (row.id, row.caption, row.concepts) == (IDS["test"][0], "", ())
    assert row.image.numpy().shape == (64, 64)


def test_rows_without_an_image_are_rows(challenge: Path) -> None:
    with (challenge / "ImageCLEF_caption_train_labels.csv").open("a") as file:
        file.write("without_image\tA caption\n")
    row = roco.load(challenge, "train").row("without_image")
    assert (row.caption, row.concepts) == ("A caption", ())


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("more_train_captions.csv", "ID,Caption\n", "two files of captions for train"),
        ("captions.csv", "ID,Caption\n", r"does not contain train, valid or test"),
        ("ImageCLEF_concept_train_labels.csv", "ID\tCUIs\nimage1\tC12\n", "line 2"),
        ("ImageCLEF_concept_train_labels.csv", "ID\tCUIs\n../image1\tC0040405\n", "invalid id"),
        (
            "ImageCLEF_concept_train_labels.csv",
            "ID\tCUIs\nROCOv2_2023_valid_000001\tC0040405\n",
            "is in train and in valid",
        ),
    ],
)
def test_what_is_wrong_with_the_files_is_one_line(challenge: Path, name: str, text: str, message: str) -> None:
    (challenge / name).write_text(text)
    with pytest.raises(roco.DataError, match=message) as err:
        roco.load(challenge)
    assert err.value.hint


def test_captions_alone_are_a_dataset(challenge: Path) -> None:
    for path in challenge.glob("ImageCLEF_concept*"):
        path.unlink()
    data = roco.load(challenge, "train")
    assert [row.caption for row in data] == ['CT of "train", axial'] * 2 and data[0].concepts == ()


def test_a_split_without_the_labels_that_another_has_is_an_error(challenge: Path) -> None:
    (challenge / "ImageCLEF_concept_valid_labels.csv").unlink()
    with pytest.raises(roco.DataError, match=r"valid_concepts\.csv: missing file"):
        roco.load(challenge)


def test_a_complete_dataset_is_read_as_the_published_one(tmp_path: Path) -> None:
    root = published(tmp_path / "rocov2", LAYOUTS["zips"])
    assert roco.load(root).row(IDS["train"][0]).pmcid == "PMC11"
    (root / "license_information.csv").unlink()
    assert roco.load(root).row(IDS["train"][0]).pmcid is None
