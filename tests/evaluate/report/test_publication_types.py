"""Table S1: types of distinct articles, counted by hand, and the paper's own rows."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from roco.evaluate.report.publication_types import (
    PAPER_TOTAL,
    count_types,
    expected,
    publication_types,
)
from roco.release.pubmed import FOUND, MISSING, SCHEMA

ARTICLE, REPORT, REVIEW, LETTER = "Journal Article", "Case Reports", "Review", "Letter"


def sidecar(types: dict[str, list[str] | None]) -> pa.Table:
    """Returns a sidecar with the types of each article; None for a missing record."""
    rows: list[dict[str, Any]] = []
    for key, names in types.items():
        listed = None if names is None else [{"ui": f"D{len(name)}", "name": name} for name in names]
        status = MISSING if names is None else FOUND
        rows.append({"article_key": key, "pmcid": key, "publication_types": listed, "status": status})
    return pa.Table.from_pylist(rows, SCHEMA)


PUBMED = sidecar(
    {
        "PMC1": [ARTICLE, REPORT],
        "PMC2": [ARTICLE, REPORT, REPORT],
        "PMC3": [ARTICLE, REVIEW],
        "PMC4": [LETTER],
        "PMC5": [],
        "PMC6": None,
        "PMC7": [ARTICLE],
    }
)


def test_an_article_counts_once_for_each_of_its_types_and_types_of_one_article_are_omitted() -> None:
    table = publication_types(PUBMED, ["PMC1", "PMC1", "PMC2", "PMC3", "PMC4", "PMC5", "PMC6", "PMC8"])
    # Seven distinct articles; PMC5, PMC6 and PMC8 have no types; PMC7 is not asked for.
    assert table.rows == [(ARTICLE, 3, 0.75), (REPORT, 2, 0.5)]
    assert table.columns == ("publication type", "articles", "share")
    assert table.title == (
        "Table S1. Publication types of 4 articles in MEDLINE "
        "(3 of 7 articles without types; 2 types of one article omitted)"
    )


def test_equal_counts_are_ordered_by_name_and_singletons_are_counted() -> None:
    counted = count_types(PUBMED, ["PMC1", "PMC3", "PMC4"])
    assert list(counted.counts.items()) == [(ARTICLE, 2), (REPORT, 1), (LETTER, 1), (REVIEW, 1)]
    assert (counted.shown, counted.singletons, counted.without) == ({ARTICLE: 2}, 3, 0)


def test_without_any_type_the_table_is_empty() -> None:
    assert publication_types(PUBMED, ["PMC5"]).rows == []
    assert publication_types(PUBMED, []).rows == []


def test_the_rows_of_the_paper_sum_up_to_ten_less_than_its_total() -> None:
    paper = expected()
    assert len(paper) == 40 and sum(paper.values()) == PAPER_TOTAL - 10
    assert paper[ARTICLE] == 26_757 and paper["Research Support, Non-U.S. Gov't"] == 1546 and min(paper.values()) == 2
