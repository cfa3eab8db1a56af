"""A condition in SQL reads the table of images and nothing else; each error is one line about the condition."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import pytest

from roco.base.errors import MissingExtra, UsageError
from roco.release.read import Release
from roco.release.select import engine
from roco.release.select.flags import SelectOptions
from roco.release.select.selection import choose


def ids(release: Release, where: str) -> list[str]:
    return choose(release, SelectOptions(where=where)).ids


def error(release: Release, where: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        ids(release, where)
    assert "\n" not in caught.value.message
    return caught.value


# --- what it selects -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "where",
    [
        "year >= 2018",
        "YEAR >= 2018 -- a comment",
        "license = 'CC-BY' OR modality IS NULL",
        "figures.license = 'CC-BY'",
        "list_contains(concepts, 'C0040405') AND mentions[1].score > 0.5",
        "len(list_filter(mentions, lambda m: m.negated)) > 0",
        "article_key IN (SELECT article_key FROM figures GROUP BY 1 HAVING count(*) > 1)",
        "caption ILIKE '%ct%'",
        "regexp_matches(caption, 'C[Tt]')",
        "exists (SELECT 1 FROM figures other WHERE other.article_key = figures.article_key AND other.id <> figures.id)",
    ],
)
def test_a_condition_selects_some_images_in_the_order_of_the_release(release: Release, where: str) -> None:
    selected = ids(release, where)
    every = release.table(columns=["id"])["id"].to_pylist()
    assert 0 < len(selected) < len(every)
    assert selected == [id for id in every if id in set(selected)]


def test_a_condition_selects_the_images_for_which_python_says_the_same(release: Release) -> None:
    rows = release.table(columns=["id", "year", "license", "concepts"]).to_pylist()
    expected = [row["id"] for row in rows if row["year"] < 2020 and len(row["concepts"]) > 2]
    assert ids(release, "year < 2020 AND len(concepts) > 2") == expected


# --- files and settings --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "where",
    [
        "id IN (SELECT content FROM read_text('{file}'))",
        "id IN (FROM '{file}')",
        "id IN (SELECT * FROM read_csv('{file}'))",
        "(SELECT count(*) FROM glob('/*')) > 0",
        "id IN (SELECT name FROM duckdb_settings())",
        "id IN (SELECT table_name FROM information_schema.tables)",
        "id IN (WITH other AS (SELECT 1) SELECT 'a' FROM other)",
        "(SELECT count(*) FROM query('SELECT 1')) > 0",
        "read_text('{file}') IS NOT NULL",
        "(SELECT count(*) FROM parquet_metadata('{file}')) > 0",
        "(SELECT count(*) FROM sqlite_master) > 0",
        "(SELECT count(*) FROM pragma_version()) > 0",
    ],
)
def test_a_condition_that_reads_anything_else_is_refused(release: Release, tmp_path: Path, where: str) -> None:
    file = tmp_path / "secret.csv"
    file.write_text("id\nroco_train_000001\n")
    refused = error(release, where.format(file=file))
    assert refused.hint == "a condition may read the table figures only, and no file"
    assert refused.message.endswith("(--where)")


@pytest.mark.parametrize("sql", ["SELECT content FROM read_text('{file}')", "COPY (SELECT 1) TO '{file}'"])
def test_duckdb_itself_is_locked_as_well(release: Release, tmp_path: Path, sql: str) -> None:
    file = tmp_path / "file.csv"
    file.write_text("id\n")
    with engine._Engine() as locked:
        locked.load(release.table(columns=["id"]), ["id"])
        with pytest.raises(UsageError, match="it reads a file or another resource"):
            locked._run(sql.format(file=file))
        with pytest.raises(UsageError, match="configuration has been locked"):
            locked._run("SET enable_external_access = true")
    assert file.read_text() == "id\n"


@pytest.mark.parametrize(
    "where",
    [
        "1=1) UNION SELECT content FROM read_text('/etc/hostname') WHERE (1=1",
        "true) OR (true",
        "true); DROP TABLE figures; SELECT (true",
        "true; SELECT 1",
        "true) -- ",
        "year AS x",
        "SELECT 1",
        "COPY figures TO '/tmp/figures.csv'",
        "INSTALL httpfs",
        "PRAGMA version",
        "",
        " ",
        "year >",
        "'",
        "(year > 1",
    ],
)
def test_a_condition_is_one_expression(release: Release, where: str) -> None:
    assert error(release, where).message.startswith("invalid condition (--where): ")


@pytest.mark.parametrize(
    "where",
    [
        *(
            "random() < 0.5",
            "uuid() = id",
            "year < year(now())",
            "current_date > '2020-01-01'",
            "LocalTimestamp IS NULL",
        ),
        *("age(make_date(year, 1, 1)) > INTERVAL 1 YEAR", "version() = 'v2'"),
        *(
            "current_setting('threads') = '2'",
            "write_log(caption) IS NULL",
            "setseed(0.5) IS NULL",
            "pg_sleep(1) IS NULL",
        ),
    ],
)
def test_a_condition_that_gives_other_images_each_time_is_refused(release: Release, where: str) -> None:
    assert "may give other images each time (--where)" in error(release, where).message


@pytest.mark.parametrize(
    "where",
    [
        "length(repeat('x', 1000000000)) > 3", "range(1000000000) IS NULL", "len(Generate_Series(1, 1000000000)) > 1",
        "printf('%1000000000d', year) = ''", "lpad(caption, 1000000000, 'x') LIKE 'x%'",
    ],
)  # fmt: skip
def test_a_condition_that_may_take_any_amount_of_memory_is_refused(release: Release, where: str) -> None:
    assert "may take any amount of memory (--where)" in error(release, where).message


def test_every_function_that_duckdb_calls_volatile_is_refused() -> None:
    """Of those that keep their value within a query, the ones without arguments: clock and session."""
    functions = duckdb.connect().execute(
        "SELECT function_name FROM duckdb_functions() WHERE stability = 'VOLATILE' "
        "OR (stability = 'CONSISTENT_WITHIN_QUERY' AND len(parameters) = 0)"
    )
    harmless = {"error"}  # raises an error, always the same
    assert {name for (name,) in functions.fetchall()} - harmless <= engine.VOLATILE


def test_ages_between_two_dates_can_be_selected(release: Release) -> None:
    assert ids(release, "age(make_date(2024, 1, 1), make_date(year, 1, 1)) > INTERVAL 5 YEAR")


# --- mistakes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "message", "hint"),
    [
        ("yaer > 2018", "unknown column 'yaer' (--where)", "did you mean 'year'?"),
        ("figures.licence = 'x'", "unknown column 'licence' (--where)", "did you mean 'license'?"),
        ("lenght(caption) > 3", "Scalar Function with name lenght does not exist!", 'Did you mean "length"?'),
        ("year", "not a condition (--where): its value is of type int32", "compare it with something"),
        ("(year, license)", "not a condition (--where): its value is of type struct", "compare it with something"),
        ("count(*) > 1", "WHERE clause cannot contain aggregates!", ""),
        ("year = 'x'", "Could not convert string 'x' to INT32", ""),
        ("$1 = 2", "Values were not provided", ""),
        ("getenv('HOME') = 'x'", "Scalar Function with name getenv does not exist!", "write it as SQL of DuckDB"),
        ("ATTACH 'x.db'", "Type with name ATTACH does not exist!", ""),
        ("", "invalid condition (--where): it is empty", "write one condition in SQL"),
        ("caption = '\udcff'", "invalid condition (--where): it contains bytes that are not UTF-8", ""),
        ("x" * 200_000, "a condition of more than 100,000 characters (--where)", "shorten it"),
    ],
)
def test_a_mistake_is_explained(release: Release, where: str, message: str, hint: str) -> None:
    mistake = error(release, where)
    assert message in mistake.message
    assert hint in mistake.hint


MANY = ", ".join(f"figures {name}" for name in "abcdefghijklmnopqrstuvwxyz")
"""The images of a release, 26 times each with each other."""


def test_a_condition_that_takes_too_long_is_interrupted(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "MOST_SECONDS", 0.1)
    endless = f"(SELECT max(length(a.id || b.id)) FROM {MANY}) > 0"
    assert error(release, endless).message == "the condition takes more than 0 s (--where)"


def test_a_condition_cannot_use_more_memory_than_the_limit(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "MOST_MEMORY", "20MB")
    greedy = f"(SELECT len(list(a.id || b.id || c.id)) FROM {MANY}) > 0"
    assert error(release, greedy).message == "the condition needs more than 20MB of memory (--where)"


def test_without_duckdb_the_pip_command_is_printed(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(MissingExtra) as missing:
        ids(release, "year > 2018")
    assert "[select]" in missing.value.hint
