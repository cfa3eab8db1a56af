"""Parts are named after their content, and new ones are only appended."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from roco.core import parts
from tests.core import fakes
from tests.core.conftest import write_article


def test_the_same_articles_make_the_same_parts(articles: Path, tmp_path: Path) -> None:
    source = fakes.Notes(path=articles)
    one = parts.plan(tmp_path / "one.parquet", source, 7)
    other = parts.plan(tmp_path / "other.parquet", source, 7)
    assert one.names == other.names
    assert [n for _, n in one.spans.values()] == [7, 7, 7, 7, 2]


def test_new_articles_get_new_parts_and_existing_parts_do_not_change(articles: Path, tmp_path: Path) -> None:
    source, path = fakes.Notes(path=articles), tmp_path / "parts.parquet"
    before = parts.plan(path, source, 7)
    write_article(articles, 99)
    after = parts.plan(path, source, 7)
    assert after.names[:5] == before.names
    assert [a["article"] for a in after.articles(after.names[5])] == ["A099"]


def test_a_changed_article_is_unlisted_in_its_old_part(articles: Path, tmp_path: Path) -> None:
    source, path = fakes.Notes(path=articles), tmp_path / "parts.parquet"
    before = parts.plan(path, source, 7)
    write_article(articles, 3, note="changed")
    after = parts.plan(path, source, 7)
    assert after.unlisted == {before.names[0]: ["A003"]}
    assert after.summary == {"articles": 30, "superseded": 1, "parts": 6}


def test_an_unchanged_listing_writes_nothing(articles: Path, tmp_path: Path) -> None:
    source, path = fakes.Notes(path=articles), tmp_path / "parts.parquet"
    parts.plan(path, source, 7)
    before = path.stat().st_mtime_ns
    parts.plan(path, source, 7)
    assert path.stat().st_mtime_ns == before


def test_a_package_that_moved_is_read_again_at_its_new_place(articles: Path, tmp_path: Path) -> None:
    source, path = fakes.Notes(path=articles), tmp_path / "parts.parquet"
    before = parts.plan(path, source, 7)
    listing = source.listing(None)
    places = ["moved/A003.json" if p == "A003.json" else p for p in listing["place"].to_pylist()]
    moved = listing.set_column(listing.column_names.index("place"), "place", pa.array(places))
    after = parts.Parts(parts.updated(before.table, moved, 7))
    assert after.unlisted == {before.names[0]: ["A003"]}
    assert [a["place"] for a in after.articles(after.names[-1])] == ["moved/A003.json"]
