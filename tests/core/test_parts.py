"""Parts are named after their content, and new ones are only appended."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from roco.base.schema import LISTING
from roco.base.sealed_tables import write_table
from roco.core import parts
from roco.core.parts import SCHEMA
from roco.core.pipeline import Pipeline
from tests.cli.command import contents
from tests.core import fakes
from tests.core.conftest import run, write_article


def test_the_same_articles_make_the_same_parts(articles: Path, tmp_path: Path) -> None:
    source = fakes.Notes(path=articles)
    one = parts.plan(tmp_path / "one.parquet", source, 7)
    other = parts.plan(tmp_path / "other.parquet", source, 7)
    assert one.names == other.names
    assert [n for _, n in one.spans.values()] == [7, 7, 7, 7, 2]


def test_parts_start_small_and_grow_and_the_last_ones_are_small() -> None:
    assert list(parts.sizes(2000)) == [
        *(12, 24, 48, 96, 192, 200, 200, 200, 200, 200, 200),
        *(142, 95, 63, 42, 28, 19, 13, 12, 7, 7),
    ]  # fmt: skip
    assert list(parts.sizes(30)) == [12, 9, 9]
    assert list(parts.sizes(13)) == [7, 6]
    assert list(parts.sizes(1)) == [1]


def test_every_article_is_in_a_part_and_few_articles_keep_two_workers_busy() -> None:
    for n in range(1, 1000):
        sizes = list(parts.sizes(n))
        assert sum(sizes) == n
        assert sizes[0] <= parts.SMALL_PART
        if n > parts.SMALL_PART:
            assert max(sizes) <= n / 2 + 1


def test_the_number_of_large_parts_of_a_large_corpus_hardly_changes() -> None:
    sizes = list(parts.sizes(1_000_000))
    assert len(sizes) < 1_000_000 / parts.PART_SIZE + 20
    assert sizes.count(parts.PART_SIZE) > 0.99 * len(sizes)


def test_articles_that_are_added_later_do_not_change_parts_of_another_size(articles: Path, tmp_path: Path) -> None:
    source, path = fakes.Notes(path=articles), tmp_path / "parts.parquet"
    before = parts.plan(path, source, 30)
    old = before.table.set_column(0, "part", pa.array(["one part of all"] * 30))
    write_table(path, old, {})
    for i in range(40, 60):
        write_article(articles, i)
    after = parts.plan(path, source)
    assert after.spans["one part of all"] == (0, 30)
    assert [n for _, n in after.spans.values()] == [30, 10, 10]


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
    assert after.unlisted == {before.names[0]: ["A003.json"]}
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
    assert after.unlisted == {before.names[0]: ["A003.json"]}
    assert [a["place"] for a in after.articles(after.names[-1])] == ["moved/A003.json"]


@pytest.mark.parametrize("articles", [["A1", "A2", "A3"], ["A1", "A1", "A3"]])
def test_only_packages_with_the_same_article_digest_and_place_are_known(articles: list[str]) -> None:
    """A listing with an article twice is compared in another way, with the same result."""
    n = len(articles)
    columns = {"article": articles, "digest": ["d1", "d2", "d3"], "place": ["p1", "p2", "p3"]}
    listing = pa.table({**columns, "stamp": ["s"] * n, "facts": ["{}"] * n}, schema=LISTING)
    before = parts.updated(SCHEMA.empty_table(), listing, 7)
    assert parts.updated(before, listing, 7).equals(before)
    for name in columns:
        changed = listing.set_column(LISTING.names.index(name), name, pa.array([*columns[name][:2], "other"]))
        after = parts.Parts(parts.updated(before, changed, 7))
        assert after.table["current"].to_pylist() == [True, True, False, True]
        assert after.table[name].to_pylist() == [*columns[name], "other"]
    stamped = listing.set_column(3, "stamp", pa.array(["s", "s", "new"]))
    after = parts.Parts(parts.updated(before, stamped, 7))
    assert after.table["stamp"].to_pylist() == ["s", "s", "new"] and len(after.names) == 1


def test_parts_are_recognised_by_their_measures_after_their_file_was_deleted(
    articles: Path, tmp_path: Path, make: Callable[..., Pipeline]
) -> None:
    """The first parts have another size, as those of an older version, and some articles were added later."""
    run(make(), tmp_path / "run", workers=0, part_size=20)
    for i in range(40, 50):
        write_article(articles, i)
    run(make(), tmp_path / "run", workers=0)
    before = contents(tmp_path / "run" / "release")
    for path in (tmp_path / "run").iterdir():
        if path.name != "measures":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert run(make(), tmp_path / "run", workers=0).measured == {}
    assert contents(tmp_path / "run" / "release") == before


def test_a_part_with_a_changed_article_is_measured_again(
    articles: Path, tmp_path: Path, make: Callable[..., Pipeline]
) -> None:
    run(make(), tmp_path / "run", workers=0, part_size=10)
    write_article(articles, 3, note="changed")
    (tmp_path / "run" / "parts.parquet").unlink()
    assert run(make(), tmp_path / "run", workers=0).measured["read"] == 10


def test_a_listing_that_has_not_changed_is_not_compared_with_the_parts(
    articles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, path = fakes.Notes(path=articles), tmp_path / "parts.parquet"
    write_article(articles, 40)
    before = parts.plan(path, source, 7)
    write_article(articles, 41)
    after = parts.plan(path, source, 7)
    assert after.summary["articles"] > before.summary["articles"]
    stamp, compared = path.stat().st_mtime_ns, parts.updated
    calls: list[int] = []

    def counting(table: pa.Table, listing: pa.Table, part_size: int) -> pa.Table:
        calls.append(len(listing))
        return compared(table, listing, part_size)

    monkeypatch.setattr(parts, "updated", counting)
    assert parts.plan(path, source, 7).table.equals(after.table)
    assert calls == []
    assert path.stat().st_mtime_ns == stamp
    write_article(articles, 42)
    parts.plan(path, source, 7)
    assert len(calls) == 1


def listing(*texts: str | None) -> pa.Table:
    return pa.table({name: pa.array(texts, pa.string()) for name in LISTING.names})


def test_the_digest_of_a_listing_is_that_of_its_rows_however_they_are_stored() -> None:
    whole = listing("ab", "c", None, "", "d")
    for start in (0, 1, 3, 5):
        pieces = pa.concat_tables([whole.slice(0, start), whole.slice(start)])
        assert parts.listing_digest(pieces) == parts.listing_digest(whole)
    assert parts.listing_digest(listing("x", "ab", "c", None, "", "d").slice(1)) == parts.listing_digest(whole)
    others = [listing("a", "bc", None, "", "d"), listing("c", "ab", None, "", "d"), listing("ab", "c", "", "", "d"),
              listing("ab", "c", "", None, "d"), listing("ab", "c", None, ""), listing()]  # fmt: skip
    digests = {parts.listing_digest(table) for table in (whole, *others)}
    assert len(digests) == 7
