"""Runs a query over the table of a release in DuckDB, locked: no files, no network, a limit of memory and time."""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Iterator, Sequence
from types import ModuleType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import MissingExtra, UsageError, nearest
from roco.base.json_text import parse_json
from roco.base.terminal import excerpt
from roco.release.pubmed import SELECTABLE
from roco.release.read import Release
from roco.release.select.columns import known_columns, read_columns

TABLE = "figures"
MOST_SECONDS = 60.0
MOST_MEMORY = "2GB"
LONGEST_WHERE = 100_000  # characters

VOLATILE = frozenset(
    (
        # chance, and what a query before may have changed
        *("random", "setseed", "uuid", "uuidv4", "uuidv7", "gen_random_uuid", "nextval", "currval", "setval"),
        *("sleep_ms", "pg_sleep", "write_log", "stats"),
        # the clock
        *("now", "today", "ago", "get_current_time", "get_current_timestamp", "transaction_timestamp"),
        *("txid_current", "current_date", "current_time", "current_timestamp", "current_localtime"),
        *("current_localtimestamp", "localtime", "localtimestamp"),
        # the session
        *("current_setting", "getvariable", "current_connection_id", "current_query", "current_query_id"),
        *("current_transaction_id", "current_database", "current_catalog", "current_schema", "current_schemas"),
        *("current_user", "current_role", "session_user", "user", "in_search_path"),
        # the version of DuckDB
        *("version", "vector_type"),
    )
)
"""Functions whose value depends on anything but the table: nobody could repeat the selection."""

_TABLE_FUNCTION = re.compile(r'Function "([^"]*)" is a table function')
_NAME = re.compile(r"\w+")
_MISSING_COLUMN = re.compile(r'(?:Referenced column|a column named) "([^"]*)"')

AMPLIFYING = frozenset(
    (
        *("repeat", "lpad", "rpad", "printf", "format", "bar", "bitstring"),
        *("range", "generate_series", "list_resize", "array_resize"),
    )
)
"""Functions whose value is as large as a number in the condition says: DuckDB makes it before it looks at a limit."""


def mask(
    release: Release, sql: str, where: str | None, reads: Collection[str], also: Collection[str]
) -> tuple[pa.Table, pa.Array]:
    """Returns the table of a release and which of its rows a query for ids gives.

    where: the part of it that somebody wrote, checked to be one condition; reads: columns that the rest reads; also:
    further columns of the table that is returned. Raises UsageError for a condition that is invalid, names an unknown
    column or table, reads a file or takes too long.
    """
    known = known_columns(release)
    wanted = {"id", *reads}
    with _Engine() as engine:
        if where is not None:
            wanted |= engine.columns_of(where, known)
        check_columns(wanted, known)
        table = read_columns(release, sorted({*wanted, *also}))
        engine.load(table.select(sorted(wanted)), known)
        if where is not None:
            engine.check_type(where)
        return table, pc.is_in(table["id"], value_set=engine.ids(sql))


def check_columns(wanted: Collection[str], known: Sequence[str]) -> None:
    """Raises UsageError for a column that a release lacks."""
    for name in sorted(wanted):
        if name not in known:
            hint = f"select by another one: {', '.join(known[:12])} …"
            raise UsageError(f"the release has no column '{name}'", hint)


class _Engine:
    """A database in memory that reads one table and nothing else; its errors are those of the condition."""

    def __init__(self) -> None:
        self._duckdb = _library()
        self._connection = self._duckdb.connect(":memory:")
        self._known: list[str] = []

    def __enter__(self) -> _Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def columns_of(self, where: str, known: Collection[str]) -> set[str]:
        """Returns the columns that a condition names; all if it contains a `*`."""
        names: set[str] = set()
        for node in _nodes(self._condition(where)):
            if node.get("class") == "STAR":
                return set(known)
            # `license`, `figures.license`, or a field of a struct: `figures.x.y`, `x.y`.
            names.update(node.get("column_names", ()))
        lower = {name.lower(): name for name in known}
        return {lower[name.lower()] for name in names if name.lower() in lower}

    def load(self, table: Any, known: list[str]) -> None:
        """Registers the table; from now on nothing outside of it can be reached, and no setting can be changed."""
        self._known = known
        self._connection.register(TABLE, table)
        for setting in (
            *("temp_directory = ''", f"memory_limit = '{MOST_MEMORY}'", "enable_external_access = false"),
            "lock_configuration = true",
        ):
            self._connection.execute(f"SET {setting}")

    def check_type(self, where: str) -> None:
        """Raises UsageError if the value of a condition is not true or false."""
        kind = self._run(f"SELECT ({where}\n) FROM {TABLE} LIMIT 0").field(0).type
        if not pa.types.is_boolean(kind):
            hint = "compare it with something: license = 'CC-BY', year >= 2018"
            raise UsageError(f"not a condition (--where): its value is of type {excerpt(kind, 40)}", hint)

    def ids(self, sql: str) -> pa.Array:
        """Returns the ids that a query gives."""
        return self._run(sql).column(0).combine_chunks()

    def _condition(self, where: str) -> Any:
        """Returns the syntax tree of a condition; raises UsageError if it is anything else, or reads another table."""
        if len(where) > LONGEST_WHERE:
            raise UsageError(f"a condition of more than {LONGEST_WHERE:,} characters (--where)", "shorten it")
        if not where.strip():
            raise _syntax("it is empty")
        try:
            where.encode()
        except UnicodeEncodeError as err:
            raise _syntax("it contains bytes that are not UTF-8") from err
        # In parentheses alone, `a) OR (b` would be an expression, too, and escape from the other conditions.
        self._parsed(f"SELECT {where}\n")
        parsed = self._parsed(f"SELECT ({where}\n)")
        for node in _nodes(parsed):
            _check_table(node)
            _check_function(node)
        return parsed

    def _parsed(self, query: str) -> Any:
        """Returns the syntax tree of `SELECT expression`; raises UsageError for any other query."""
        ((text,),) = self._connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [query]).fetchall()
        parsed = parse_json(text)
        if parsed.get("error"):
            raise _syntax(str(parsed.get("error_message")))
        if not _is_one_expression(parsed):
            raise _syntax("not one expression")
        return parsed

    def _run(self, sql: str) -> pa.Table:
        timer = threading.Timer(MOST_SECONDS, self._connection.interrupt)
        timer.start()
        try:
            return self._connection.sql(sql).to_arrow_table()
        except self._duckdb.InterruptException as err:
            raise UsageError(f"the condition takes more than {MOST_SECONDS:.0f} s (--where)", "simplify it") from err
        except self._duckdb.OutOfMemoryException as err:
            raise UsageError(f"the condition needs more than {MOST_MEMORY} of memory (--where)", "simplify it") from err
        except self._duckdb.Error as err:
            raise self._explained(err) from err
        finally:
            timer.cancel()

    def _explained(self, err: Exception) -> UsageError:
        """Returns the error of a condition that DuckDB rejects: an unknown column, a file, or its own first line."""
        message = str(err)
        missing = _MISSING_COLUMN.search(message)
        if missing is not None and missing[1] in SELECTABLE:
            hint = "it is of MEDLINE: run roco fetch pubmed RELEASE first"
            return UsageError(f"the release has no column '{missing[1]}' (--where)", hint)
        if missing is not None:
            return UsageError(f"unknown column '{excerpt(missing[1])}' (--where)", nearest(missing[1], self._known))
        if isinstance(err, self._duckdb.PermissionException):
            return _refused("it reads a file or another resource")
        table_function = _TABLE_FUNCTION.search(message)
        if table_function is not None:
            return _refused(f"it calls {excerpt(table_function[1], 40)}")
        first, *more = [line.strip() for line in message.splitlines() if line.strip()] or [""]
        hint = more[0] if more and more[0].startswith("Did you mean") else "write it as SQL of DuckDB"
        if VOLATILE.intersection(_NAME.findall(hint)):  # DuckDB does not know which functions are refused here
            hint = "write it as SQL of DuckDB"
        return UsageError(f"invalid condition (--where): {excerpt(first.partition('Error: ')[2] or first, 200)}", hint)


def _library() -> ModuleType:
    try:
        import duckdb
    except ImportError as err:
        raise MissingExtra("duckdb", "select") from err
    return duckdb


# --- syntax --------------------------------------------------------------------------------------------------


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Yields all nodes of a syntax tree."""
    waiting = [value]
    while waiting:
        current = waiting.pop()
        if isinstance(current, dict):
            yield current
            waiting += current.values()
        elif isinstance(current, list):
            waiting += current


def _is_one_expression(parsed: Any) -> bool:
    """Returns whether `SELECT (condition)` is what it seems: one value, from no table, and nothing after it."""
    statements = parsed.get("statements", [])
    if len(statements) != 1:
        return False
    node = statements[0]["node"]
    is_empty = (node.get("from_table") or {}).get("type") == "EMPTY"
    more = ("where_clause", "having", "qualify", "sample", "modifiers", "group_expressions")
    return (
        node.get("type") == "SELECT_NODE"
        and is_empty
        and not any(node.get(name) for name in more)
        and len(node["select_list"]) == 1
        and not node["select_list"][0].get("alias")
    )


def _check_table(node: dict[str, Any]) -> None:
    """Raises UsageError for a table other than that of the images; subqueries over it, and names of WITH, are fine."""
    kind = node.get("type")
    if kind == "TABLE_FUNCTION":
        name = (node.get("function") or {}).get("function_name", "")
        if name not in ("unnest", "range", "generate_series"):
            raise _refused(f"it calls {excerpt(name, 40)}")
    if kind == "BASE_TABLE" and str(node.get("table_name", "")).lower() != TABLE:
        raise _refused(f"it reads '{excerpt(node.get('table_name'), 60)}'")
    if (node.get("cte_map") or {}).get("map"):
        raise _refused("it defines tables by WITH")


def _check_function(node: dict[str, Any]) -> None:
    """Raises UsageError for a function whose value is another one each time, or of any size."""
    name = str(node.get("function_name", "")).lower()
    if node.get("class") == "COLUMN_REF" and len(node["column_names"]) == 1:
        name = str(node["column_names"][0]).lower()  # `current_date` is a function without parentheses
    # With one argument, `age` counts from today.
    values = node.get("arguments") or node.get("children") or ()  # the name depends on the version of DuckDB
    if name in VOLATILE or (name == "age" and len(values) == 1):
        hint = "write the value itself; select at random by --sample N --seed S"
        raise UsageError(f"'{name}' may give other images each time (--where)", hint)
    if node.get("class") == "FUNCTION" and name in AMPLIFYING:
        hint = "compare columns with values that are written out; in reads a list: year in (2019, 2020)"
        raise UsageError(f"'{name}' may take any amount of memory (--where)", hint)


def _refused(what: str) -> UsageError:
    return UsageError(f"{what} (--where)", f"a condition may read the table {TABLE} only, and no file")


def _syntax(what: str) -> UsageError:
    hint = "write one condition in SQL: \"license = 'CC-BY' AND year >= 2018\""
    return UsageError(f"invalid condition (--where): {excerpt(what, 200)}", hint)
