"""The figures that people label: their columns are in memory, to be sorted and filtered; images are read by key."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from roco.base.errors import DataError, RocoError
from roco.base.schema import COLUMNS
from roco.core.run import Run
from roco.core.stage import put
from roco.curate import queue
from roco.curate.concept_facts import ConceptFacts
from roco.curate.pictures import NoImage, Picture, Thumbnails, UnknownFigure, picture

SHOWN = (
    *("image_key", "article_key", "pmcid", "doi", "title", "journal", "year", "license", "license_url", "label"),
    *("caption", "mentions_in_text", "width", "height", "file", "modality", "region", "direction", "concepts"),
    *("concepts_auto", "concepts_manual", "split", "id", "guess_evidence"),
)
"""The columns that the pages show and filter by, as far as a run or a release has them."""

DROPPED = ("figure_id", "stage", "drop", "drop_detail")

FEATURES = ("embedding", "layout")
"""Columns that describe the pixels, the better one first; the images of a release have no embeddings here."""

LINKED = ("mentions", "suggested")
"""The columns with the names and semantic types of concepts by the linker."""

_PACKS_OPEN = 200  # a page has figures of all parts; to open a pack takes longer than to read the page from it
_EMBEDDINGS_AT_ONCE = 4096


class Dataset(Protocol):
    """What is needed of a release; `roco.Release` is one."""

    @property
    def columns(self) -> list[str]: ...
    def table(self, split: str | None = None, columns: Sequence[str] | None = None) -> pa.Table: ...
    def dropped_rows(self, columns: dict[str, pa.DataType]) -> Iterator[dict[str, Any]]: ...
    def image(self, id: str) -> bytes: ...
    def concept_names(self) -> dict[str, str]: ...


class Corpus:
    """Figures in a fixed order; each has a key, which is its image_key, or else its figure_id or id.

    table: the columns SHOWN and DROPPED and those of guesses; null where the source does not have them. asked:
    which figures may be labelled: those with an image that no stage before the guess has dropped. pictured: which
    may have an image; all by default. facts: names and semantic types of concepts. features: the embedding or the
    layout of each figure, among which the order is spread.
    """

    def __init__(
        self,
        title: str,
        table: pa.Table,
        asked: NDArray[np.bool_],
        read: Callable[[dict[str, Any]], bytes],
        read_thumbnail: Callable[[dict[str, Any]], bytes | None] | None = None,
        *,
        pictured: NDArray[np.bool_] | None = None,
        facts: Callable[[frozenset[str]], ConceptFacts] = ConceptFacts,
        features: Callable[[], pa.ChunkedArray | None] = lambda: None,
    ) -> None:
        keys = _keys(table)
        first = np.fromiter(_first(keys, table["stage"].is_null().to_pylist()), np.int64)
        self.title = title
        self.table: pa.Table = table.take(pa.array(first)).combine_chunks()
        self.asked = asked[first]
        self.pictured = np.ones(len(first), bool) if pictured is None else pictured[first]
        self.keys = [keys[number] for number in first.tolist()]
        self.rows = {key: number for number, key in enumerate(self.keys)}
        self._first, self._features, self._facts = first, features, facts
        self._read, self._read_thumbnail = read, read_thumbnail
        self._lock = threading.Lock()
        self._thumbnails = Thumbnails()

    def __len__(self) -> int:
        return len(self.keys)

    def row(self, key: str) -> int:
        """Returns the number of a figure; raises UnknownFigure."""
        if key not in self.rows:
            raise UnknownFigure("unknown figure", f"it is not part of {self.title}: reload the page")
        return self.rows[key]

    def column(self, name: str) -> pa.ChunkedArray:
        """Returns a column; nulls if the source does not have it."""
        return self.table[name] if name in self.table.column_names else pa.chunked_array([pa.nulls(len(self))])

    @cached_property
    def concepts(self) -> ConceptFacts:
        """Returns the names and semantic types of the concepts of the figures."""
        used: set[str | None] = set()
        for name in ("concepts", "concepts_auto"):
            if pa.types.is_list(self.column(name).type):
                used.update(pc.unique(pc.list_flatten(self.column(name))).to_pylist())
        return self._facts(frozenset(cui for cui in used if cui))

    @property
    def names(self) -> Mapping[str, str]:
        """Returns the name of each CUI."""
        return self.concepts.names

    @cached_property
    def clusters(self) -> NDArray[np.int64]:
        """Returns the cluster of each figure by its features; 0 for all if the source has none."""
        column = self._features()
        if column is None or column.null_count == len(column):
            return np.zeros(len(self), np.int64)
        column = column.take(pa.array(self._first)).combine_chunks()
        is_embedding = pa.types.is_binary(column.type)
        return queue.clustered(_arrays(column) if is_embedding else [_standardised(column)])

    # --- images -----------------------------------------------------------------------------------------------------

    def image(self, row: int) -> Picture:
        """Returns the image of a figure; raises DataError if it is missing or cannot be decoded by a browser."""
        return picture(self._bytes(row))

    def thumbnail(self, row: int) -> Picture:
        """Returns a JPEG of at most 280 px a side; raises DataError as `image` does."""
        return self._thumbnails.get(row, lambda: self._bytes(row), lambda: self._stored_thumbnail(row))

    def _stored_thumbnail(self, row: int) -> bytes | None:
        if self._read_thumbnail is None:
            return None
        with self._lock:
            return self._read_thumbnail(self._place(row))

    def _bytes(self, row: int) -> bytes:
        try:
            with self._lock:  # packs and packages are read by one thread at a time
                return self._read(self._place(row))
        except RocoError:
            raise
        except Exception as err:
            raise DataError(f"cannot read the image: {type(err).__name__}", "verify the run or the release") from err

    def _place(self, row: int) -> dict[str, Any]:
        names = [name for name in ("figure_id", "part", "archive", "file", "id") if name in self.table.column_names]
        found: dict[str, Any] = self.table.select(names).slice(row, 1).to_pylist()[0]
        return found


def of_run(run: Run, columns: Sequence[str] = ()) -> Corpus:
    """Returns the figures of a run, kept and dropped; columns: those of guesses and items, if they were written."""
    written = run.written()
    wanted = [name for name in dict.fromkeys((*SHOWN, *columns)) if name in written]
    table = run.figures(wanted)
    steps = [step.name for step in run.pipeline.steps]
    # Images that people exclude are asked about like all others, so the stage that reads their labels does not count.
    guesses = [number for number, step in enumerate(run.pipeline.steps) if any(one in step.writes for one in columns)]
    labels = [number for number, step in enumerate(run.pipeline.steps) if "labelled_modality" in step.writes]
    before = steps[: min([*(number + 1 for number in guesses), *labels], default=len(steps))]
    # What a stage after the guess has dropped may have been dropped because of a label, which can be changed.
    early = pc.is_in(table["stage"], value_set=pa.array(before, pa.string()))
    has_image = table["image_key"].is_valid() if "image_key" in written else pa.array([False] * len(table))
    asked = pc.and_(pc.invert(pc.fill_null(early, False)), has_image)

    def features() -> pa.ChunkedArray | None:
        name = next((name for name in FEATURES if name in written), None)
        return run.figures([name])[name] if name else None

    def facts(used: frozenset[str]) -> ConceptFacts:
        return ConceptFacts(used, linked=lambda: _columns(run.figures(linked), linked))

    linked = [name for name in LINKED if name in written]
    title = f"the run {os.fspath(run.folder)}"
    run.store.packs_open = _PACKS_OPEN
    return Corpus(title, _complete(table), _mask(asked), run.image, run.thumbnail, facts=facts, features=features)


def of_release(release: Dataset, title: str, columns: Sequence[str] = ()) -> Corpus:
    """Returns the images of a release, and the dropped figures that it records, which have no images."""
    known = release.columns
    wanted = [name for name in dict.fromkeys(("figure_id", *SHOWN, *columns)) if name in known]
    kept = release.table(columns=wanted)
    fields = {name: COLUMNS[name].type for name in ("figure_id", "image_key", "article_key", "pmcid", "file")}
    fields |= {"stage": pa.string(), "drop": pa.string(), "drop_detail": pa.string()}
    dropped = pa.Table.from_pylist(list(release.dropped_rows(fields)), schema=pa.schema(fields.items()))
    table = pa.concat_tables([kept, dropped], promote_options="permissive")
    asked = np.arange(len(table)) < len(kept)

    def read(row: dict[str, Any]) -> bytes:
        if row.get("id") is None:
            raise NoImage("a dropped figure has no image in the release", "view the recipe of the run instead")
        return release.image(row["id"])

    def facts(used: frozenset[str]) -> ConceptFacts:
        linked = [name for name in LINKED if name in known]
        return ConceptFacts(used, release.concept_names(), lambda: _columns(release.table(columns=linked), linked))

    def features() -> pa.ChunkedArray | None:
        name = next((name for name in FEATURES if name in known), None)
        if name is None:
            return None
        column = release.table(columns=[name])[name]
        return pa.chunked_array([*column.chunks, pa.nulls(len(dropped), column.type)])

    return Corpus(title, _complete(table), asked, read, pictured=asked, facts=facts, features=features)


def _columns(table: pa.Table, names: Sequence[str]) -> Iterator[pa.ChunkedArray]:
    yield from (table[name] for name in names)


def _complete(table: pa.Table) -> pa.Table:
    """Returns a table with the columns SHOWN and DROPPED, null where the source does not have them."""
    for name in (*SHOWN, *DROPPED):
        if name not in table.column_names:
            kind = COLUMNS[name].type if name in COLUMNS else pa.string()
            table = put(table, name, pa.nulls(len(table), kind))
    return table


def _keys(table: pa.Table) -> list[str]:
    named = pc.coalesce(*(table[name].cast(pa.string()) for name in ("image_key", "figure_id", "id")))
    return [key or str(number) for number, key in enumerate(named.to_pylist())]


def _first(keys: Sequence[str], kept: Sequence[bool]) -> Iterator[int]:
    """Yields one number per key, in order: that of a kept figure if there is one."""
    chosen: dict[str, int] = {}
    for number, key in enumerate(keys):
        if key not in chosen or (kept[number] and not kept[chosen[key]]):
            chosen[key] = number
    yield from sorted(chosen.values())


def _mask(values: Any) -> NDArray[np.bool_]:
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    mask: NDArray[np.bool_] = np.asarray(values.to_numpy(zero_copy_only=False), bool)
    return mask


def _standardised(column: pa.Array) -> NDArray[np.float32]:
    """Returns lists of numbers as an array with mean 0 and standard deviation 1; zeros where one is missing."""
    present = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
    values = np.array(column.take(pa.array(present)).to_pylist(), np.float32)
    values = (values - np.nanmean(values, axis=0)) / np.maximum(np.nanstd(values, axis=0), 1e-6)
    found = np.zeros((len(column), values.shape[1]), np.float32)
    found[present] = np.nan_to_num(values)
    return found


def _arrays(column: pa.Array) -> Iterator[NDArray[np.float32]]:
    """Yields embeddings as arrays of some thousand figures; zeros where one is missing."""
    first = next(value for value in column if value.is_valid).as_py()
    blank = bytes(len(first))
    for start in range(0, len(column), _EMBEDDINGS_AT_ONCE):
        values = column.slice(start, _EMBEDDINGS_AT_ONCE).to_pylist()
        joined = b"".join(value if value and len(value) == len(blank) else blank for value in values)
        yield np.frombuffer(joined, "<f2").reshape(len(values), -1).astype(np.float32)
