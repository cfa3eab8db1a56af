"""removed.parquet and duplicates.parquet have the detail that `roco show` prints, without what it quotes."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import roco
from roco.core.contract import Reason
from roco.stages.publish.details import published_detail, with_published_details

PLAIN, QUOTING = Reason(""), Reason("", quotes=True)


@pytest.mark.parametrize(
    "detail",
    [
        "pt by its words (model: en 0.40)",
        "duplicate of PMC1/f2/0: 3 of 64 and 12 of 576 bits differ",
        "'a/a.nxml' is compressed by method 14",
        "XML: Entity 'nbsp' not defined, line 3, column 7",
        "Dr. Smith's scan (1).jpg",
        "AttValue: \" or ' expected",
        "x" * 300,
    ],
)
def test_a_detail_that_quotes_nothing_is_published_whole(detail: str) -> None:
    assert published_detail(PLAIN, detail) == detail


@pytest.mark.parametrize(
    ("detail", "published"),
    [
        ('permission: "with permission of Jane Doe"', 'permission: "…"'),
        ('permissions: CC-BY-ND "© 2020 Jane Doe"', 'permissions: CC-BY-ND "…"'),
        ('credit: "the so-called "Doe" sign by Jane Doe"', 'credit: "…"'),
        ('article: "except where\nJane Doe says so…"', 'article: "…"'),
        ('"Doe" in line 3', '"…" in line 3'),
    ],
)
def test_only_the_quotation_is_left_out(detail: str, published: str) -> None:
    assert published_detail(QUOTING, detail) == published
    assert published_detail(PLAIN, detail) == published


@pytest.mark.parametrize(
    ("detail", "published"),
    [
        ("permissions: NONE", "permissions: NONE"),
        ("permissions: CC-BY-NC-ND", "permissions: CC-BY-NC-ND"),
        ("permissions: CC-BY-ND, says Jane Doe", "permissions"),
        ("score 0.31 < 0.5", "score 0.31 < 0.5"),
        ("courtesy: Image courtesy of Jane Doe", "courtesy"),
        ("Reproduced with permission from Jane Doe", None),
        ("Jane Doe says: no", None),
        ("\u201cJane\u201d Doe", None),
    ],
)
def test_a_quoting_reason_without_double_quotes_publishes_a_classification_at_most(
    detail: str, published: str | None
) -> None:
    assert published_detail(QUOTING, detail) == published


def test_control_characters_are_escaped_as_on_the_terminal() -> None:
    assert published_detail(PLAIN, "a\x1b[31m\n  b\u202e.jpg") == "a\\x1b[31m b\\u202e.jpg"


def test_kept_figures_and_reasons_without_a_detail_have_none() -> None:
    table = pa.table({"drop": [None, "rights", "rights"], "drop_detail": [None, None, 'copied: "Doe"']})
    assert with_published_details(table, {"rights": QUOTING})["drop_detail"].to_pylist() == [None, None, 'copied: "…"']


def test_every_detail_of_a_release_is_that_of_show(finished_demo: Path) -> None:
    dropped = roco.load_recipe(finished_demo / "demo.toml").open().figures(where=pc.field("drop").is_valid())
    shown = {row["figure_id"]: row["drop_detail"] for row in dropped.to_pylist()}
    removed = pq.read_table(finished_demo / "run" / "release" / "removed.parquet").to_pylist()
    published = {row["figure_id"]: row["drop_detail"] for row in removed}
    quoting = {figure for figure, detail in shown.items() if detail and '"' in detail}
    assert shown.keys() == published.keys() and len(quoting) == 2
    assert {figure: detail for figure, detail in shown.items() if figure not in quoting} == {
        figure: detail for figure, detail in published.items() if figure not in quoting
    }
    assert {published[figure] for figure in quoting} == {'permission: "…"', 'permission: "…", in the credit line'}
