"""A compressed XML in a folder is an article like its neighbour."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from roco.stages.extract_summary import articles
from tests.cases.conftest import Case

pytestmark = pytest.mark.shared


def test_a_compressed_xml_is_read_with_its_image(case: Callable[[str], Case]) -> None:
    run = case("12").run
    summary = articles(run, lambda caption: "en")
    assert (summary["totals"]["articles"], summary["totals"]["articles_unreadable"]) == (2, 0)
    assert (summary["not_read"], summary["other_xml"]) == ([], [])
    figures = run.figures(("archive", "file", "drop")).to_pylist()
    kept = {(row["archive"], row["file"]) for row in figures if row["drop"] is None}
    assert kept == {("a/a.xml", "i1.png"), ("a/b.xml.gz", "i2.png")}
