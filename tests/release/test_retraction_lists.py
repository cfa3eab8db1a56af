"""Lists of retracted papers."""

from __future__ import annotations

from pathlib import Path

import pytest

from roco.base.errors import RecipeError
from roco.release.retraction_lists import read_list


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("12345\n678\n", ["pmid:12345", "pmid:678"]),
        ("PMC7\nPMC12\n", ["pmcid:PMC7", "pmcid:PMC12"]),
        ("10.1000/X\nPMC12\n", ["doi:10.1000/x", "pmcid:PMC12"]),
        ("PMID,Title\n5,\"A, case\"\n,none\n", ["pmid:5"]),
        (
            """Record ID,OriginalPaperDOI,OriginalPaperPubMedID,RetractionNature
1,10.1000/r,9,Retraction\n2,10.1000/c,8,Correction\n3,10.1000/e,0,Expression of concern""",
            ["doi:10.1000/r", "pmid:9"],
        ),
    ],
)  # fmt: skip
def test_lists_are_ids_a_line_or_tables_with_known_columns(tmp_path: Path, text: str, ids: list[str]) -> None:
    path = tmp_path / "list.csv"
    path.write_text("\ufeff" + text, encoding="utf-8")
    assert list(read_list(path)) == ids


def test_a_file_that_is_no_text_is_no_list_even_if_it_contains_numbers(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    path.write_bytes(b"PK\x03\x04\x00\x00\n12345\n")
    with pytest.raises(RecipeError, match="unreadable list"):
        list(read_list(path))


def test_a_list_without_ids_and_a_missing_list_are_errors(tmp_path: Path) -> None:
    path = tmp_path / "empty.csv"
    path.write_text("nothing here\n")
    with pytest.raises(RecipeError, match="no ids in the list"):
        list(read_list(path))
    with pytest.raises(RecipeError, match="unreadable list"):
        list(read_list(tmp_path / "gone.csv"))
