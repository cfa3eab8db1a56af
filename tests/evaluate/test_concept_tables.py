"""The paper's tables of most frequent concepts, on releases whose counts are known."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from roco.base.errors import UsageError
from roco.evaluate.report.concept_tables import (
    MODALITY_OF,
    ConceptTable,
    Frequent,
    read_images,
    table_5,
    table_6,
    table_of_modality,
    tables,
)
from roco.evaluate.report.paper_concepts import Difference, as_report, differences, expected
from roco.evaluate.report.render import text
from roco.release.read import Release

CT, MR, PET, CHEST = "C0040405", "C0024485", "C0032743", "C0817096"
LIVER, BRAIN, NODULE, CYSTIC = "C0023884", "C0006104", "C0028259", "C0205207"
IMAGES = {
    "i_1": ([CT], [CT, CHEST, LIVER, NODULE]),
    "i_2": ([CT], [CT, CHEST, LIVER]),
    "i_3": ([MR], [MR, BRAIN, LIVER]),
    "i_4": ([], [CT, PET, NODULE]),
    "i_5": ([CT, CYSTIC], [CT, CYSTIC, BRAIN]),
}
"""Id -> manual concepts and all concepts."""
TYPES = {CT: ["T060"], MR: ["T060"], PET: ["T060"], LIVER: ["T023"], BRAIN: ["T023"], NODULE: ["T033", "T046"]}


@pytest.fixture
def release(tmp_path: Path) -> Release:
    """A dataset in the published layout; train has all images but the last, which is in test."""
    mapping = "CUI,Canonical name\n" + "".join(f"{cui},{name}\n" for cui, name in ((LIVER, "Liver"), (BRAIN, "Brain")))
    (tmp_path / "cui_mapping.csv").write_text(mapping)
    for split, ids in (("train", list(IMAGES)[:-1]), ("test", list(IMAGES)[-1:])):
        manual = "".join(f"{id},{';'.join(IMAGES[id][0])}\n" for id in ids)
        concepts = "".join(f"{id},{';'.join(IMAGES[id][1])}\n" for id in ids)
        (tmp_path / f"{split}_captions.csv").write_text("ID,Caption\n" + "".join(f"{id},A caption\n" for id in ids))
        (tmp_path / f"{split}_concepts.csv").write_text("ID,CUIs\n" + concepts)
        (tmp_path / f"{split}_concepts_manual.csv").write_text("ID,CUIs\n" + manual)
    return Release.open(tmp_path)


def test_table_5_leaves_out_every_manual_concept(release: Release) -> None:
    table = table_5(release)
    # Cystic is a manual concept of one image, chest is one of the paper; both are left out everywhere.
    assert table.rows == (Frequent(LIVER, "Liver", 3), Frequent(BRAIN, "Brain", 2), Frequent(NODULE, "", 2))
    assert table.images == 5
    assert table_5(release, rows=1).rows == table.rows[:1]


def test_equal_counts_are_ordered_by_cui(release: Release) -> None:
    first, second = table_5(release).rows[1:]
    assert first.n == second.n and first.id < second.id


def test_the_modality_of_an_image_is_its_single_manual_one(release: Release) -> None:
    table = table_of_modality(release, "DRCT")
    assert (table.number, table.images) == ("S8", 3)
    assert [(row.id, row.n) for row in table.rows][:3] == [(CT, 3), (LIVER, 2), (CHEST, 2)]
    assert table.rows[0].name == "X-Ray Computed Tomography"
    assert {row.id for row in table_of_modality(release, "DRCO").rows} == {CT, PET, NODULE}
    assert table_of_modality(release, "DRUS").rows == ()


def test_table_6_counts_occurrences_of_semantic_types(release: Release) -> None:
    table = table_6(release, TYPES)
    rows = {row.id: (row.name, row.n) for row in table.rows}
    assert rows["T060"] == ("Diagnostic Procedure", 6) and rows["T023"][1] == 5
    assert rows["T033"][1] == rows["T046"][1] == 2
    assert table.unknown == 3  # chest twice, cystic once


def test_without_manual_concepts_the_modality_is_that_of_the_concepts(release: Release) -> None:
    for split in ("train", "test"):
        (release.path / f"{split}_concepts_manual.csv").unlink()
    table = table_of_modality(release, "DRCT")
    assert table.images == 3
    assert table_of_modality(release, "DRCO").images == 0  # two modalities: unknown


def test_tables_are_chosen_by_number(release: Release) -> None:
    assert [table.number for table in tables(release, TYPES)] == ["5", "6", *MODALITY_OF]
    assert [table.number for table in tables(release, TYPES, ["s8", "5", "S8"])] == ["S8", "5"]
    with pytest.raises(UsageError, match="unknown table 'S13'"):
        tables(release, TYPES, ["S13"])
    with pytest.raises(UsageError, match="unknown modality 'DRXT'") as caught:
        table_of_modality(release, "DRXT")
    assert "DRCT" in caught.value.hint or "DRXR" in caught.value.hint


def test_a_release_of_roco_has_the_same_tables(finished_demo: Path) -> None:
    release = Release.open(finished_demo / "run" / "release")
    rows = release.table(None, ["modality", "concepts"]).to_pylist()
    of_modality = Counter(row["modality"] for row in rows if row["modality"])
    for modality in MODALITY_OF.values():
        assert table_of_modality(release, modality).images == of_modality[modality]
    liver = sum("C0023884" in row["concepts"] for row in rows)
    assert table_5(release).counts.get("C0023884", 0) == liver
    assert len(read_images(release).images) == len(rows)


# --- the paper ---------------------------------------------------------------------------------------------


def test_the_paper_has_ten_rows_in_each_table() -> None:
    paper = expected()
    assert list(paper) == ["5", "6", *MODALITY_OF]
    for rows in paper.values():
        assert len(rows) == len({row.id for row in rows}) == 10
        assert [row.n for row in rows] == sorted((row.n for row in rows), reverse=True)
    assert sum(row.n for row in paper["6"]) == 249_638
    # The images of all single modalities, and 728 combined ones, are the 79,789 of ROCOv2.
    assert sum(paper[table][0].n for table in MODALITY_OF if table != "S7") + 728 == 79_789


def as_in_the_paper(number: str) -> ConceptTable:
    rows = expected()[number]
    return ConceptTable(number=number, title="", images=0, rows=rows, counts={row.id: row.n for row in rows})


def test_the_numbers_of_the_paper_have_no_differences() -> None:
    assert differences([as_in_the_paper(number) for number in expected()]) == []


def test_each_different_missing_and_further_row_is_a_difference() -> None:
    table = as_in_the_paper("S10")
    counts = {**table.counts, "C0032743": 431, "C0000001": 19, "C0000002": 18}
    del counts["C0025066"]
    rows = tuple(Frequent(id, "Other", n) for id, n in counts.items())
    found = differences([ConceptTable(number="S10", title="", images=0, rows=rows, counts=counts)])
    assert found == [
        Difference("S10", "C0032743", "Positron-Emission Tomography", 432, 431),
        Difference("S10", "C0025066", "Mediastinum", 30, 0),
        Difference("S10", "C0000001", "Other", None, 19),
    ]
    assert "Mediastinum" in text(as_report(found))
