"""Queries of search and selection, and the files of an index."""

from __future__ import annotations

import functools
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

import roco
from roco.base.errors import DataError, UsageError
from roco.baselines.retrieve.concept_query import ConceptQuery
from roco.baselines.retrieve.index import Index
from roco.baselines.retrieve.questions import content_words
from roco.baselines.retrieve.words import Words, words_of
from roco.release.select.flags import SelectOptions
from tests.baselines import drawn
from tests.fuzz import binary, mutations
from tests.fuzz.target import Format, Target, require

NAMES = {
    "C0040405": "X-Ray Computed Tomography",
    "C0817096": "Chest",
    "C0028259": "Nodule (finding)",
    "C0010709": 'a "quoted" AND name',
}
WORDS = ("AND", "OR", "NOT", "(", ")", '"', "C0040405", "Chest", "Nodule (finding)", "chest", "C9999999", "and", "((((",
         "))))", "NOT NOT", "not", "C0040405 AND NOT C0817096", "rings", "number")  # fmt: skip
SQL = ("split = 'train'", "AND", "OR", "NOT", "id", "caption", "ILIKE '%rings%'", "concepts",
       "list_contains(concepts, 'C0040405')", "(SELECT 1)", "read_csv('/etc/passwd')", "read_text('secret.txt')",
       "; DROP TABLE figures", "--", "/*", "1=1", "NULL", "IS", "IN", "width > 10", "COPY figures TO 'x.csv'",
       "ATTACH 'x.db'", "INSTALL httpfs", "SET memory_limit = '1TB'", "getenv('HOME')", "range(1000000000)",
       "repeat('x', 1000000000)", "regexp_matches(caption, '(a+)+$')", "UNION SELECT 1", "CASE WHEN",
       "::INT")  # fmt: skip


def make() -> Target:
    promise = (
        "any query: images that match it, or an error; a condition in SQL writes no file, and a damaged index is "
        "refused or searched"
    )
    words = mutations.text(WORDS)
    sql = mutations.text(SQL)
    concepts = (
        b"Chest AND NOT C0040405",
        b'"Nodule (finding)" OR (Chest AND C0010709)',
        b"chest",
        b"NOT (C0040405 OR C0817096)",
    )
    names = [path.name for path in sorted(_index().iterdir()) if path.is_file()]
    files = tuple(
        Format(f"index: {name}", _contents(name), _damaged(name), _change(name))
        for name in names
        if not name.endswith(".onnx")
    )
    return Target("queries", promise, (
        Format("concepts", lambda: concepts, _concepts, words),
        Format("words", lambda: [b"rings number 3", "Größe CT\u202e".encode()], _words, words),
        Format("search", lambda: [b"rings", b"number AND rings"], _search, words),
        Format("where", lambda: [b"split = 'train' AND year > 2000", b"caption ILIKE '%rings%'"], _where, sql),
        Format("years", lambda: [b"2018-2022", b"2018-"], _years, words),
        *files,
    ))  # fmt: skip


@functools.cache
def _index() -> Path:
    """Returns an index of drawn images."""
    folder = Path(tempfile.mkdtemp())
    data = drawn.write(folder / "data", {"train": 4, "valid": 2, "test": 2})
    roco.index(data, folder / "index")
    return folder / "index"


def _contents(name: str) -> Callable[[], list[bytes]]:
    return lambda: [(_index() / name).read_bytes()]


def _change(name: str) -> mutations.Mutate | None:
    if name.endswith(".parquet"):
        return binary.parquet_table
    return mutations.json_text(("release", "files", "encoder", "rows", "../x")) if name.endswith(".json") else None


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _concepts(data: bytes, folder: Path) -> None:
    text = _text(data)
    query = ConceptQuery.parsed(text, NAMES)
    has = {cui: np.arange(16) >> bit & 1 == 1 for bit, cui in enumerate(NAMES)}
    mask = query.holds(lambda cui: has[cui])
    require(mask.shape == (16,) and mask.dtype == bool, "a condition holds or does not")
    require(set(query.wanted) <= set(NAMES), "a condition is over concepts that exist")
    again = ConceptQuery.parsed(f"({text}) AND ({text})", NAMES) if len(text) < 400 else query
    require((again.holds(lambda cui: has[cui]) == mask).all(), "a condition in parentheses means the same")


def _words(data: bytes, folder: Path) -> None:
    text = _text(data)
    words = words_of(text)
    content_words(text)
    scores = Words.of([text, "rings number 3", ""]).scores(text)
    require(np.isfinite(scores).all() and (scores >= 0).all(), "scores are finite")
    require((scores[0] > 0) == bool(words), "a text with words finds itself")


def _search(data: bytes, folder: Path) -> None:
    hits = _opened().search(_text(data), n=5)
    require([hit.rank for hit in hits] == list(range(1, len(hits) + 1)), "hits are ranked")


@functools.cache
def _opened() -> Index:
    return Index.open(_index())


def _where(data: bytes, folder: Path) -> None:
    (folder / "secret.txt").write_text("a secret")
    try:
        hits = _opened().search("number", n=5, filters=SelectOptions(where=_text(data)))
    except (UsageError, DataError) as err:
        require(err.hint, "an error of a condition says what to do")
        return
    require(len(hits) <= 5, "no more hits than were asked for")
    require([one.name for one in folder.iterdir()] == ["secret.txt"], "a condition writes nothing")


def _years(data: bytes, folder: Path) -> None:
    for one in SelectOptions(year=[_text(data)]).ranges():
        require(one, "a range of years")


def _damaged(name: str) -> Callable[[bytes, Path], None]:
    def read(data: bytes, folder: Path) -> None:
        index = folder / "index"
        shutil.copytree(_index(), index, copy_function=_link)
        (index / name).unlink()
        (index / name).write_bytes(data)
        if name != "manifest.json":
            _with_new_digest(index, name, data)
        opened = Index.open(index)
        opened.search("rings", n=3)
        opened.search(concepts="C0040405", n=3)
        len(opened)

    return read


def _link(source: str, target: str) -> None:
    Path(target).symlink_to(source)


def _with_new_digest(index: Path, name: str, data: bytes) -> None:
    """Writes the digest of the changed file into the manifest, so that only its content can reveal the damage."""
    import hashlib

    manifest = index / "manifest.json"
    values = json.loads(manifest.read_text())
    text = json.dumps(values)
    before = hashlib.sha256((_index() / name).read_bytes()).hexdigest()
    manifest.unlink()
    manifest.write_text(text.replace(before, hashlib.sha256(data).hexdigest()))
