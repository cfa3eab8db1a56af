"""The packing lists of a MECA package are counted apart: they are no unreadable articles."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from roco.stages.extract_summary import articles
from tests.cases.conftest import Case

pytestmark = pytest.mark.shared


def test_packing_lists_are_no_articles(case: Callable[[str], Case]) -> None:
    run = case("11").run
    summary = articles(run, lambda caption: "en")
    totals = summary["totals"]
    assert (totals["articles"], totals["articles_unreadable"], totals["xml_without_article"]) == (1, 0, 3)
    assert summary["other_xml"] == ["p.zip"]
    assert {row["drop"] for row in run.figures(("drop",)).to_pylist()} == {None}
    assert run.status()["counts"]["xml_without_article"] == 3
