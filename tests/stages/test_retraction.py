"""Figures of retracted papers leave, those of the notice do not for that reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from roco.core.stage import with_those_who_left
from roco.errors import RecipeError
from roco.schema import COLUMNS
from roco.stages.retraction import Retraction, read_list

NAMES = ("figure_id", "pmcid", "pmid", "doi", "retracts", "drop", "drop_detail")
SCHEMA = pa.schema([(name, COLUMNS[name].type) for name in NAMES])


def row(figure: str, **more: Any) -> dict[str, Any]:
    return dict.fromkeys(NAMES) | {"figure_id": figure, "retracts": []} | more


def decide(*rows: dict[str, Any], left: tuple[dict[str, Any], ...] = (), **options: Any) -> list[str | None]:
    batch = pa.Table.from_pylist(list(rows), schema=SCHEMA)
    out = Retraction(**options)(with_those_who_left(batch, pa.Table.from_pylist(list(left), schema=SCHEMA)))
    assert set(out["drop"].to_pylist()) <= {None, "retracted"}
    return out["drop_detail"].to_pylist()


def test_a_paper_leaves_when_a_notice_names_it_by_any_of_its_ids() -> None:
    notice = row("PMC9/notice/0", pmcid="PMC9", retracts=["doi:10.1000/a", "pmid:5", "pmcid:PMC3"], drop="scope")
    papers = [row("a", doi="10.1000/a"), row("b", pmid="5"), row("c", pmcid="PMC3"), row("d", doi="10.1000/d")]
    assert decide(*papers, left=(notice,)) == ["retracted by pmcid:PMC9"] * 3 + [None]


def test_a_figure_of_the_notice_itself_stays_even_when_a_list_holds_its_id(tmp_path: Path) -> None:
    pmids = tmp_path / "retracted.txt"
    pmids.write_text("77\n78\n")
    notice = row("n", pmid="77", retracts=["pmid:78"])
    assert decide(notice, row("p", pmid="78"), lists=(pmids,)) == [None, "retracted by pmid:77"]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("12345\n678\n", ["pmid:12345", "pmid:678"]),
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


def test_a_list_that_names_no_paper_is_told(tmp_path: Path) -> None:
    path = tmp_path / "empty.csv"
    path.write_text("nothing here\n")
    with pytest.raises(RecipeError, match="names no paper"):
        list(read_list(path))
    with pytest.raises(RecipeError, match="cannot be read"):
        list(read_list(tmp_path / "gone.csv"))


def test_a_list_counts_by_its_content_and_not_by_its_name(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("5\n")
    one, other = (Retraction(lists=(tmp_path / name,)).digest({}) for name in ("a", "b"))
    assert one == other
    (tmp_path / "b").write_text("6\n")
    assert Retraction(lists=(tmp_path / "b",)).digest({}) != one
