"""The sections of the report on a dataset in the published layout, against numbers counted by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from roco.evaluate.report.content import Compared, Content, NotAvailable
from roco.evaluate.report.contents import CHAPTERS
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.section import made
from roco.evaluate.report.sections import concepts, labels, sizes
from roco.release.read import Release
from tests.evaluate.report.examples import TYPES, published_inputs, rows, write_published, write_release


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    return published_inputs(tmp_path / "rocov2")


def numbers(content: Content) -> dict[str, object]:
    return {row.what: row.ours for row in content.compared}


def test_images_articles_and_concepts_are_counted_by_split(inputs: Inputs) -> None:
    table = sizes.split_sizes(inputs).tables[0]
    assert [(row[0], row[1], row[3], row[4]) for row in table.rows] == [
        ("all", 6, 3, 10),
        ("train", 4, 2, 8),
        ("valid", 1, 1, 3),
        ("test", 1, 1, 3),
    ]


def test_table_4_counts_words_between_white_space(inputs: Inputs) -> None:
    ours = numbers(sizes.table_4(inputs))
    assert ours["caption length, max"] == 5 and ours["caption length, min"] == 1
    assert ours["caption length, mean"] == pytest.approx((5 + 1 + 4 + 4 + 3 + 4) / 6)
    assert ours["captions per article, mean"] == 2 and ours["captions per article, max"] == 3
    assert ours["concepts per caption, mean"] == pytest.approx(17 / 6)


def test_figure_3_counts_images_by_number_of_concepts(inputs: Inputs) -> None:
    content = sizes.figure_3(inputs)
    assert content.tables[0].rows == [(2, 1), (3, 5)]
    assert "mean 2.83" in content.plots[0].alt


def test_an_image_without_a_single_modality_counts_as_combined(inputs: Inputs) -> None:
    ours = numbers(labels.table_s2(inputs))
    assert (ours["DRCT"], ours["DRXR"], ours["DRMR"], ours["DRCO"]) == (2, 2, 1, 1)
    assert ours["DRUS"] == 0  # a row of the paper that no image here has


def test_regions_and_directions_are_those_of_xrays(inputs: Inputs) -> None:
    assert numbers(labels.table_s3(inputs))["chest"] == 2
    directions = numbers(labels.table_s4(inputs))
    assert (directions["coronal_ap"], directions["sagittal"], directions["coronal_pa"]) == (1, 1, 0)


def test_frequent_concepts_stand_beside_those_of_the_paper(inputs: Inputs) -> None:
    liver = next(row for row in concepts.table_5(inputs).compared if row.what.startswith("C0023884"))
    assert (liver.ours, liver.paper, liver.agrees) == (3, "1244", False)


@pytest.mark.parametrize(
    ("ours", "paper", "agrees"),
    [
        (1.774, "1.77", True),
        (1.776, "1.77", False),
        (79_789, "79,789", True),
        (848, "778", False),
        (None, "5", None),
        (3, "", None),
    ],
)
def test_a_number_agrees_if_it_rounds_to_what_the_paper_prints(
    ours: float | None, paper: str, agrees: bool | None
) -> None:
    assert Compared("n", ours, paper).agrees is agrees


def test_a_section_that_cannot_be_made_says_why() -> None:
    def make(inputs: Inputs) -> Content:
        """Never available."""
        raise NotAvailable("the release has no column 'x'")

    part = CHAPTERS[0].parts[0]._replace(make=make)
    section = made(part, None)  # type: ignore[arg-type]
    assert (section.content, section.missing) == (None, "the release has no column 'x'")


def test_a_dataset_with_one_split_and_without_licences_has_the_other_sections(tmp_path: Path) -> None:
    release = Release.open(write_published(tmp_path, splits=("train",)))
    (tmp_path / "license_information.csv").unlink()
    inputs = Inputs(release=release)
    assert numbers(labels.table_s2(inputs))["DRCT"] == 2
    with pytest.raises(NotAvailable, match=r"no license_information\.csv"):
        sizes.table_4(inputs)


def test_every_section_has_a_name_of_its_own_and_a_definition() -> None:
    parts = [part for chapter in CHAPTERS for part in chapter.parts]
    assert len({part.name for part in parts}) == len(parts)
    assert all(part.definition.endswith(".") for part in parts)


def minimal(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("id", "split", "caption", "concepts", "concepts_manual")}


def with_nulls(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if name in minimal(row) else None for name, value in row.items()}


@pytest.mark.parametrize("change", [minimal, with_nulls])
def test_a_release_without_columns_or_values_has_the_other_sections(
    tmp_path: Path, change: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> None:
    release = Release.open(write_release(tmp_path / "release", [change(row) for row in rows()]))
    inputs = Inputs(release=release, other=release)
    sections = {part.name: made(part, inputs) for chapter in CHAPTERS for part in chapter.parts}
    assert sections["caption-length"].content is not None and sections["drift-concepts"].content is not None
    assert all(section.content is not None or section.missing for section in sections.values())


def test_a_release_without_images_has_an_answer_for_every_section(tmp_path: Path) -> None:
    folder = write_release(tmp_path / "release")
    pq.write_table(pq.read_table(folder / "figures.parquet").slice(0, 0), folder / "figures.parquet")
    inputs = Inputs(release=Release.open(folder), types=TYPES)
    for chapter in CHAPTERS:
        for part in chapter.parts:
            section = made(part, inputs)
            assert section.content is not None or section.missing


def test_an_image_without_a_row_of_concepts_is_an_image_without_concepts(tmp_path: Path) -> None:
    folder = write_published(tmp_path / "data")
    (folder / "valid_concepts.csv").unlink()
    lines = (folder / "train_concepts.csv").read_text().splitlines(keepends=True)
    (folder / "train_concepts.csv").write_text("".join(lines[:-1]))  # d_train_4 is gone
    inputs = Inputs(release=Release.open(folder), types=TYPES)
    table = sizes.split_sizes(inputs).tables[0]
    # all: CT, LIVER, NODULE, XRAY, CHEST, AP, and PET of test; train: without PET.
    assert [(row[0], row[1], row[4]) for row in table.rows] == [
        ("all", 6, 7), ("train", 4, 6), ("valid", 1, 0), ("test", 1, 3)
    ]  # fmt: skip
    assert sizes.figure_3(inputs).tables[0].rows == [(0, 2), (2, 1), (3, 3)]


def test_concepts_that_are_no_cuis_are_counted_as_they_are(tmp_path: Path) -> None:
    folder = write_published(tmp_path / "data")
    path = folder / "train_concepts.csv"
    path.write_text(path.read_text().replace("C0023884", "RID58"))
    inputs = Inputs(release=Release.open(folder), types=TYPES)
    assert concepts.table_5(inputs).tables[0].rows[0] == ("RID58", "", 3)


def test_images_of_a_split_with_another_name_are_counted(tmp_path: Path) -> None:
    images = [{**row, "split": "holdout"} for row in rows()]
    inputs = Inputs(release=Release.open(write_release(tmp_path / "data", images)), types=TYPES)
    table = labels.table_s2(inputs).tables[0]
    assert table.columns == ("modality", "holdout", "all", "share") and table.rows[-1] == ("all", 6, 6, 1.0)
