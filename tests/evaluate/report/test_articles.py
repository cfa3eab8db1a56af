"""Articles, journals, years and licences, against numbers counted by hand."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from roco.evaluate.report.content import Compared, NotAvailable
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.sections import articles, licenses
from roco.release.pubmed import SCHEMA
from tests.evaluate.report.examples import PAN_AFRICAN, READ, published_inputs, release_inputs


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    return release_inputs(tmp_path / "release")


def beside(compared: tuple[Compared, ...]) -> dict[str, tuple[object, str]]:
    return {row.what: (row.ours, row.paper) for row in compared}


def test_journals_count_articles_and_not_images(inputs: Inputs) -> None:
    content = articles.table_s5(inputs)
    # PMC1 and PMC3 are of Cureus (4 images), PMC2 of the other journal (2 images).
    assert content.tables[0].rows == [(1, "Cureus", 2, 2 / 3), (2, PAN_AFRICAN, 1, 1 / 3)]


def test_journals_are_compared_with_the_paper_without_case_and_article(inputs: Inputs) -> None:
    rows = beside(articles.table_s5(inputs).compared)
    assert rows["Cureus"] == (2, "6,249")
    assert rows["The Pan African Medical Journal"] == (1, "1,396")
    assert rows["Medicine"] == (0, "782")
    assert len(rows) == 101 and rows["the 100 rows"] == (3, "30,105")


def test_article_types_count_each_article_once(inputs: Inputs) -> None:
    assert articles.article_types(inputs).tables[0].rows == [
        ("case-report", 2, 2 / 3, 4),
        ("review-article", 1, 1 / 3, 2),
    ]


def test_publication_types_are_those_of_medline_where_they_were_fetched(tmp_path: Path) -> None:
    names = {"PMC1": ["Case Reports", "Journal Article"], "PMC2": ["Case Reports"]}
    records = [
        {"article_key": key, "publication_types": [{"ui": "", "name": name} for name in of_article]}
        for key, of_article in names.items()
    ]
    pubmed = pa.Table.from_pylist(records, SCHEMA)
    content = articles.table_s1(release_inputs(tmp_path / "release", pubmed=pubmed))
    assert content.tables[0].rows == [("Case Reports", 2, 1.0)]  # Journal Article is of one article only
    rows = beside(content.compared)
    assert rows["Case Reports"] == (2, "26,474") and rows["Journal Article"] == (1, "26,757")
    assert rows["articles without types"] == (1, "187")  # PMC3


def test_without_medline_table_s1_has_article_types_and_says_so(inputs: Inputs) -> None:
    content = articles.table_s1(inputs)
    assert content.tables[0].rows[0][:2] == ("case-report", 2)
    assert "article types of the XML" in content.notes[0]


def test_years_count_articles_and_include_years_without_any(inputs: Inputs) -> None:
    content = articles.figure_s1(inputs)
    assert content.tables[0].rows == [("2019", 1, 1 / 3), ("2020", 0, 0.0), ("2021", 2, 2 / 3)]
    rows = beside(content.compared)
    assert rows["year with most articles"] == ("2021", "2021") and rows["articles in that year"] == (2, "9,341")
    assert [row.agrees for row in content.compared[:3]] == [False, False, True]


def test_years_of_the_published_layout_are_those_of_the_attributions(tmp_path: Path) -> None:
    assert articles.figure_s1(published_inputs(tmp_path / "rocov2")).tables[0].rows == [("2021", 3, 1.0)]


def test_articles_with_nd_and_sa_licences_are_counted_by_year(tmp_path: Path) -> None:
    rows = articles.figure_s2(release_inputs(tmp_path / "release", articles=READ)).tables[0].rows
    # 2019: PMC1 and PMC4 (BY-NC-ND); 2020: PMC5 (BY-NC-SA); 2021: PMC2 and PMC3.
    assert rows == [("2019", 1, 0, 0.5, 0.0, 2), ("2020", 0, 1, 0.0, 1.0, 1), ("2021", 0, 0, 0.0, 0.0, 2)]


def test_without_a_run_the_licences_of_the_funnel_have_no_years(inputs: Inputs) -> None:
    content = articles.figure_s2(inputs)
    assert content.tables[0].rows == [("CC-BY", 2, 2 / 3, ""), ("CC-BY-NC-ND", 1, 1 / 3, "ND")]
    assert not content.plots and "only the report of a run folder" in content.notes[0]


def test_commercial_images_are_those_without_nc(inputs: Inputs) -> None:
    by_license, commercial, versions = licenses.licenses(inputs).tables
    assert by_license.rows == [
        ("CC BY", 2, 1, 1, 4, 4 / 6),
        ("CC BY-NC", 2, 0, 0, 2, 2 / 6),
        ("all", 4, 1, 1, 6, 1.0),
    ]
    assert commercial.rows[0] == ("all", "", 4, 6, 4 / 6)
    assert ("split", "train", 2, 4, 0.5) in commercial.rows and ("modality", "DRMR", 0, 1, 0.0) in commercial.rows
    assert versions.rows[0] == ("CC BY", "4.0", 4, 4 / 6)


def test_the_published_layout_has_licences_but_no_journals(tmp_path: Path) -> None:
    inputs = published_inputs(tmp_path / "rocov2")
    assert licenses.licenses(inputs).tables[0].rows[0] == ("CC BY", 4, 1, 1, 6, 1.0)
    with pytest.raises(NotAvailable, match="no column 'journal'"):
        articles.table_s5(inputs)
