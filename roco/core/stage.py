"""What a stage is: a frozen dataclass whose fields are its options and whose class data is its contract."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import RecipeError
from roco.base.files import digest, file_digest

Need = str | tuple[str, Mapping[str, Any]]
"""A measure by name, or by name and the options that this stage wants it to have."""

Scope = Literal["article", "row", "table"]
"""What a stage is handed: articles (extract alone), any batch of rows, or the rows of the whole run."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stage:
    """One step of a recipe. Use `Measure` or `Decision`.

    `reads` and `writes` are checked before the first row is read; the table that is handed over holds figure_id,
    drop, drop_detail and what `reads` names, nothing else. A stage of scope "table" may name columns in `left`:
    `those_who_left(batch)` gives them for the figures that left before it and have something in the first of them.
    `optional` are columns of the schema that it is handed too: null where no stage before it writes them.
    """

    needs: ClassVar[tuple[Need, ...]] = ()
    reads: ClassVar[tuple[str, ...]] = ()
    writes: ClassVar[Mapping[str, pa.DataType]] = {}
    reasons: ClassVar[tuple[str, ...]] = ()
    scope: ClassVar[Scope] = "row"
    left: ClassVar[tuple[str, ...]] = ()
    optional: ClassVar[tuple[str, ...]] = ()
    version: ClassVar[int] = 1

    def __call__(self, batch: pa.Table) -> pa.Table:
        raise TypeError(f"{type(self).__name__} does not say what it does: write __call__(self, batch)")

    @property
    def content(self) -> tuple[Path, ...]:
        """The files whose content decides the result: models, vocabularies, options that name a file."""
        values = [getattr(self, f.name) for f in dataclasses.fields(self)]
        several = (v if isinstance(v, tuple) else (v,) for v in values)
        return tuple(v for some in several for v in some if isinstance(v, Path))

    @property
    def options(self) -> dict[str, Any]:
        """The options by name, as plain values."""
        return {f.name: _plain(getattr(self, f.name)) for f in dataclasses.fields(self)}

    def digest(self, read: Mapping[str, str]) -> str:
        """SHA-256 of all that decides the value: class, version, options, content of files, measures read.

        An option that changes only how the value is reached is a field with metadata={"value": False}. A file
        counts by its content and not by its name.
        """
        deciding = {
            f.name: _plain(getattr(self, f.name), paths=False)
            for f in dataclasses.fields(self)
            if f.metadata.get("value", True) and not _names_files(getattr(self, f.name))
        }
        return digest(
            {
                "stage": f"{type(self).__module__}:{type(self).__qualname__}",
                "version": self.version,
                "options": deciding,
                "content": [_content_digest(path) for path in self.content],
                "read": dict(read),
            }
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measure(Stage):
    """Says what is the case for one figure, from the figure alone; taken once and kept.

    `lends` are in-memory columns for the pixel measures behind it; they are never written.
    """

    lends: ClassVar[Mapping[str, pa.DataType]] = {}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Decision(Stage):
    """Says what we make of the measures; made again whenever anything before it changed."""


class Finished(Protocol):
    """What a run shows to a stage that publishes it: all rows decided, nothing of this machine."""

    @property
    def funnel(self) -> Mapping[str, Any]:
        """Rows in, kept and dropped by reason at every stage; it has been reconciled."""

    @property
    def recipe(self) -> Mapping[str, Any]:
        """The recipe as resolved: stages with options and digests, versions; no paths of this machine."""

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that some stage wrote."""

    def kept(self, columns: Sequence[str]) -> pa.Table:
        """The figures that are in after the last stage, with the named columns, sorted by figure_id."""

    def removed(self, columns: Sequence[str]) -> pa.Table:
        """The figures that left, with stage, drop, drop_detail and the named columns, sorted by figure_id."""

    def images(self, rows: pa.Table) -> Iterator[bytes]:
        """The original bytes of each row's image, in order; rows need figure_id, archive and file."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Publication(Decision):
    """A decision over the whole table that also writes a folder others can use."""

    scope: ClassVar[Scope] = "table"

    def publish(self, run: Finished, folder: Path) -> None:
        """Writes the whole folder; it does not exist yet and is put in place when this returns."""
        raise TypeError(f"{type(self).__name__} does not say what it publishes: write publish(self, run, folder)")


def drop(batch: pa.Table, where: Any, reason: str, detail: Any = None) -> pa.Table:
    """Marks rows as dropped, unless they are already.

    where: boolean array, null counts as false; detail: a string for all rows or an array of strings.
    """
    fresh = pc.and_(pc.fill_null(where, False), pc.is_null(batch["drop"]))
    reasons = pc.if_else(fresh, pa.scalar(reason), batch["drop"])
    if not isinstance(detail, pa.Array | pa.ChunkedArray):
        detail = pa.scalar(detail, pa.string())
    details = pc.if_else(fresh, detail, batch["drop_detail"])
    return put(put(batch, "drop", reasons), "drop_detail", details)


def put(batch: pa.Table, name: str, values: Any) -> pa.Table:
    """Sets a column, in place of the one of that name or at the end."""
    if name in batch.column_names:
        return batch.set_column(batch.column_names.index(name), name, values)
    return batch.append_column(name, values)


LEFT = b"roco.left"


def those_who_left(batch: pa.Table) -> pa.Table:
    """The figures that left before a table stage: figure_id and the columns that the stage names in `left`."""
    held = (batch.schema.metadata or {}).get(LEFT)
    if held is None:
        return pa.table({"figure_id": pa.array([], pa.string())})
    with pa.ipc.open_stream(held) as reader:
        return reader.read_all()


def with_those_who_left(batch: pa.Table, left: pa.Table) -> pa.Table:
    """Hands the figures that left to a table stage, beside the batch: in the metadata of its schema."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, left.schema) as writer:
        writer.write_table(left)
    return batch.replace_schema_metadata({LEFT: sink.getvalue().to_pybytes()})


def each(column: Any, function: Callable[[Any], Any], type: pa.DataType) -> pa.Array:
    """Applies a function to each value of a column; null stays null."""
    return pa.array([None if v is None else function(v) for v in column.to_pylist()], type)


def rounded(values: Any, digits: int = 4) -> pa.Array:
    """Scores as they are stored: float32 rounded to four decimals, so that they compare equal everywhere."""
    return pa.array(np.round(np.asarray(values, dtype=np.float64), digits), pa.float32())


def _content_digest(path: Path) -> str:
    try:
        return file_digest(path)
    except OSError as err:
        raise RecipeError(f"{path} cannot be read: {err.strerror}", "an option names it; see the recipe") from err


def _names_files(value: Any) -> bool:
    return isinstance(value, Path) or (isinstance(value, tuple) and any(isinstance(v, Path) for v in value))


def _plain(value: Any, paths: bool = True) -> Any:
    """An option as JSON and TOML have it; one that is a table of its own may leave out the names of files."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    if dataclasses.is_dataclass(value):
        told = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return {n: _plain(v) for n, v in told.items() if v is not None and (paths or not isinstance(v, Path))}
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    return value
