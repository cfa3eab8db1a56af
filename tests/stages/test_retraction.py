"""Figures of retracted papers are dropped, those of the notice are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from roco.base.schema import COLUMNS
from roco.stages.retraction import Retraction

NAMES = ("figure_id", "pmcid", "pmid", "doi", "retracts", "drop", "drop_detail")
SCHEMA = pa.schema([(name, COLUMNS[name].type) for name in NAMES])


def row(figure: str, **more: Any) -> dict[str, Any]:
    return dict.fromkeys(NAMES) | {"figure_id": figure, "retracts": []} | more


def decide(*rows: dict[str, Any], left: tuple[dict[str, Any], ...] = (), **options: Any) -> list[str | None]:
    batch = pa.Table.from_pylist(list(rows), schema=SCHEMA)
    out = Retraction(**options)(batch, pa.Table.from_pylist(list(left), schema=SCHEMA))
    assert set(out["drop"].to_pylist()) <= {None, "retracted"}
    return out["drop_detail"].to_pylist()


def test_a_paper_is_dropped_if_a_notice_names_it_by_any_of_its_ids() -> None:
    notice = row("PMC9/notice/0", pmcid="PMC9", retracts=["doi:10.1000/a", "pmid:5", "pmcid:PMC3"], drop="scope")
    papers = [row("a", doi="10.1000/a"), row("b", pmid="5"), row("c", pmcid="PMC3"), row("d", doi="10.1000/d")]
    assert decide(*papers, left=(notice,)) == ["retracted by pmcid:PMC9"] * 3 + [None]


def test_a_figure_of_the_notice_itself_is_kept_even_if_a_list_contains_its_id(tmp_path: Path) -> None:
    pmids = tmp_path / "retracted.txt"
    pmids.write_text("77\n78\n")
    notice = row("n", pmid="77", retracts=["pmid:78"])
    assert decide(notice, row("p", pmid="78"), lists=(pmids,)) == [None, "retracted by pmid:77"]


def test_the_digest_depends_on_the_content_of_a_list_and_not_on_its_name(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("5\n")
    one, other = (Retraction(lists=(tmp_path / name,)).digest({}) for name in ("a", "b"))
    assert one == other
    (tmp_path / "b").write_text("6\n")
    assert Retraction(lists=(tmp_path / "b",)).digest({}) != one


def test_a_paper_in_a_list_is_dropped_with_the_name_of_the_first_list_that_contains_it(tmp_path: Path) -> None:
    for name, ids in (("pubmed.txt", "5\n6\n"), ("watch.txt", "6\n7\n")):
        (tmp_path / name).write_text(ids)
    lists = (tmp_path / "pubmed.txt", tmp_path / "watch.txt")
    papers = [row(pmid, pmid=pmid) for pmid in ("5", "6", "7", "8")]
    assert decide(*papers, lists=lists) == [
        "listed in pubmed.txt",
        "listed in pubmed.txt",
        "listed in watch.txt",
        None,
    ]


def test_a_notice_without_ids_is_named_by_its_figure() -> None:
    notice = row("a.zip/notice/0", retracts=["pmid:5"], drop="scope")
    assert decide(row("p", pmid="5"), left=(notice,)) == ["retracted by a.zip/notice/0"]
