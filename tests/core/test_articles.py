"""The articles of a part behave like a sequence of rows, and reach a worker unchanged."""

from __future__ import annotations

import pyarrow as pa
import pytest

from roco.core.articles import NO_ARTICLES, Articles
from roco.core.job import Job
from roco.core.parts import SCHEMA

ROWS = [
    {name: f"{name} {i} \u00e4\n" for name in SCHEMA.names if name != "current"} | {"facts": None, "current": i != 1}
    for i in range(4)
]


@pytest.fixture
def articles() -> Articles:
    return Articles(pa.Table.from_pylist(ROWS, schema=SCHEMA))


def test_articles_are_a_sequence_of_rows(articles: Articles) -> None:
    assert list(articles) == ROWS
    assert articles[2] == ROWS[2]
    assert [list(articles[i : i + 3]) for i in (0, 3, 6)] == [ROWS[:3], ROWS[3:], []]
    with pytest.raises(ValueError, match="without steps"):
        articles[::2]


def test_listed_and_unlisted_articles_are_named_by_their_places(articles: Articles) -> None:
    places = [str(row["place"]) for row in ROWS]
    assert articles.places == places
    assert articles.listed == [places[0], places[2], places[3]]
    assert articles.unlisted == [places[1]]


def test_a_job_reaches_a_worker_with_its_articles(articles: Articles) -> None:
    for some in (articles, articles[1:3], articles[4:]):
        job = Job("p", articles=some)
        assert Job.of_json(job.to_json()) == job
    assert Job.of_json(Job("p").to_json()).articles == NO_ARTICLES


def test_only_the_articles_of_a_job_are_sent_of_a_long_table(articles: Articles) -> None:
    long = pa.concat_tables([articles.table] * 1000).combine_chunks()
    assert len(Articles(long.slice(2000, 4)).to_text()) < 2 * len(articles.to_text())
