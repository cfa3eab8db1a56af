"""The PubMed sidecar of a release: publication types and MeSH headings of its articles, in a file beside its folder.

`roco fetch pubmed` writes it. It is not a part of the release, whose checksums stay valid: MeSH headings of an article
may change, or be added, after the release was made.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from roco.base.errors import CorruptFile, DataError, UsageError
from roco.base.readers import UNREADABLE
from roco.base.sealed_tables import read_meta, read_table, write_table

SUFFIX = ".pubmed.parquet"
"""The sidecar of `releases/2026` is `releases/2026.pubmed.parquet`."""
KIND = "pubmed"

FOUND, MISSING = "found", "missing"
"""The values of `status`."""
NO_PMID, NO_RECORD, DELETED = "no_pmid", "no_record", "deleted"
OTHER_ARTICLE, UNREADABLE_RECORD = "other_article", "unreadable"
REASONS = {
    NO_PMID: "without a PubMed id",
    NO_RECORD: "without a record in MEDLINE",
    DELETED: "deleted from MEDLINE",
    OTHER_ARTICLE: "whose PubMed id is that of another article",
    UNREADABLE_RECORD: "whose record cannot be read",
}
"""Why an article has no record -> its meaning, after the words `12 articles`."""

TYPES = pa.list_(pa.struct([("ui", pa.string()), ("name", pa.string())]))
_TERM = [("ui", pa.string()), ("name", pa.string()), ("major", pa.bool_())]
HEADINGS = pa.list_(pa.struct([*_TERM, ("qualifiers", pa.list_(pa.struct(_TERM)))]))

SCHEMA = pa.schema(
    [
        ("article_key", pa.string()),  # as in figures.parquet: the PMCID, if the article has one
        ("pmcid", pa.string()),
        ("pmid", pa.string()),
        ("publication_types", TYPES),
        ("mesh", HEADINGS),  # null without a record; empty if the record has no headings
        ("medline_status", pa.string()),  # MEDLINE, PubMed-not-MEDLINE, Publisher …: only MEDLINE has MeSH headings
        ("status", pa.string()),
        ("reason", pa.string()),  # of a missing record: a key of REASONS
        ("fetched", pa.string()),  # UTC, to the second
        ("source", pa.string()),  # the address, or the file of the baseline
    ]
)
"""One row for each article of the release, in the order of article_key."""

SELECTABLE = {
    "publication_types": pa.list_(pa.string()),
    "mesh": pa.list_(pa.string()),
    "mesh_major": pa.list_(pa.string()),
}
"""The columns that `image_columns` returns, with their types: names of publication types and of MeSH descriptors."""


def sidecar_path(release: str | Path) -> Path:
    """Returns the path of the sidecar of a release: beside its folder, with the same name and `.pubmed.parquet`."""
    folder = Path(release).resolve()
    return folder.with_name(f"{folder.name}{SUFFIX}")


def read_pubmed(release: str | Path) -> pa.Table | None:
    """Returns the PubMed sidecar of a release (SCHEMA), None if there is none; raises DataError if it is corrupt."""
    path = sidecar_path(release)
    return read_file(path) if path.is_file() else None


def read_file(path: Path) -> pa.Table:
    """Returns the table of a sidecar; raises DataError for a corrupt file, and for one of another kind."""
    hint = "remove it, then run roco fetch pubmed again: stored answers are not requested again"
    try:
        table, meta = read_table(path)
    except (CorruptFile, *UNREADABLE) as err:
        raise DataError(f"corrupt file {path}", hint) from err
    if meta.get("kind") != KIND or table.schema != SCHEMA:
        raise DataError(f"not a file of roco fetch pubmed: {path}", hint)
    return table


def check_replaceable(path: Path) -> None:
    """Raises UsageError for a file that roco fetch pubmed has not written, so that it is not overwritten."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder", "give the path of a file with --out")
    if not path.exists():
        return
    try:
        is_own = pq.read_schema(path).names == SCHEMA.names
    except UNREADABLE:
        is_own = False
    if not is_own:
        raise UsageError(f"{path} already exists, and is another file", "choose another one with --out, or remove it")


def write_file(path: Path, table: pa.Table, meta: Mapping[str, Any]) -> None:
    """Writes a sidecar atomically; meta: further facts for its footer. Raises UsageError for a file of another kind."""
    check_replaceable(path)
    write_table(path, table.select(SCHEMA.names).cast(SCHEMA).sort_by("article_key"), {**meta, "kind": KIND})


def image_columns(pubmed: pa.Table, articles: pa.ChunkedArray, names: Sequence[str] = tuple(SELECTABLE)) -> pa.Table:
    """Returns some columns of SELECTABLE for each image, all by default; null where nothing is known.

    articles: the article_key of each image. A heading is major if the descriptor or one of its qualifiers is.
    """
    at = pc.index_in(articles, value_set=pubmed["article_key"].combine_chunks())
    columns = {}
    for name in names:
        source = "mesh" if name == "mesh_major" else name
        values: list[list[str] | None] = []
        # Row by row: all headings as Python objects would need half a gigabyte for 45,000 articles.
        for listed in pubmed[source]:
            terms = listed.as_py()
            if name == "mesh_major" and terms is not None:
                terms = [one for one in terms if is_major(one)]
            values.append(None if terms is None else [one["name"] for one in terms])
        columns[name] = pa.array(values, SELECTABLE[name])
    return pa.table(columns).take(at)


def is_major(heading: Mapping[str, Any]) -> bool:
    """Returns whether a MeSH heading is a major topic of its article."""
    return bool(heading["major"]) or any(qualifier["major"] for qualifier in heading["qualifiers"] or ())


@contextlib.contextmanager
def carried(pubmed: pa.Table | None, out: Path, articles: Collection[str]) -> Iterator[Callable[[], None]]:
    """Yields a function that writes the sidecar of a release that is made from another one; an exception removes it.

    pubmed: the sidecar of the other one, of which the rows of the articles are written; None if it has none. The
    function is called before the release gets its name. A file of other origin is not replaced; one that this function
    left beside a folder that does not exist is.
    """
    path = sidecar_path(out)
    written = False

    def carry() -> None:
        nonlocal written
        if pubmed is None or (path.exists() and not _is_carried(path)):
            return
        kept = pc.is_in(pubmed["article_key"], value_set=pa.array(sorted(articles), pa.string()))
        write_file(path, pubmed.filter(kept), _CARRIED)
        written = True

    try:
        yield carry
    except BaseException:
        if written:
            path.unlink(missing_ok=True)
        raise


_CARRIED = {"carried": True}
"""In the footer of a sidecar that was not fetched, but made from that of another release."""


def _is_carried(path: Path) -> bool:
    try:
        return _CARRIED.items() <= read_meta(path).items()
    except (CorruptFile, *UNREADABLE):
        return False
