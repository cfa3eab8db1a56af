"""A stage: a frozen dataclass whose fields are its options and whose class data is its contract."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import RecipeError
from roco.base.files import digest, file_digest
from roco.core.contract import Contract, Need, Reason, Scope
from roco.core.ledger import Changes, Ledger


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stage:
    """One step of a recipe; derive from `Measure` or `Decision`.

    name: the name of the stage in its recipe; the pipeline fills it in where it is empty. The class data below make
    up the contract (their meaning: `core.contract.Contract`). A stage whose contract depends on its options or its
    name overrides `contract`. The table a stage receives contains figure_id, drop, drop_detail and the columns
    it reads; it returns the same rows with the columns it writes.
    """

    name: str = ""

    scope: ClassVar[Scope] = "row"
    needs: ClassVar[tuple[Need, ...]] = ()
    reads: ClassVar[tuple[str, ...]] = ()
    optional: ClassVar[tuple[str, ...]] = ()
    dropped: ClassVar[tuple[str, ...]] = ()
    writes: ClassVar[Mapping[str, pa.DataType]] = {}
    lends: ClassVar[Mapping[str, pa.DataType]] = {}
    reasons: ClassVar[Mapping[str, Reason]] = {}
    ensures: ClassVar[tuple[str, ...]] = ()
    heavy: ClassVar[int] = 0
    gpu: ClassVar[bool] = False
    takes_ledger: ClassVar[bool] = False
    only_new: ClassVar[tuple[str, ...]] = ()
    """Options without effect on what the release in the run folder contains; a run reports it if they changed."""
    version: ClassVar[int] = 1

    @property
    def contract(self) -> Contract:
        """Returns what this stage reads and writes, given its options and its name."""
        return Contract(
            scope=self.scope,
            needs=self.needs,
            reads=self.reads,
            optional=self.optional,
            dropped=self.dropped,
            writes=self.writes,
            lends=self.lends,
            reasons=self.reasons,
            ensures=self.ensures,
            heavy=self.heavy,
            gpu=self.gpu,
            takes_ledger=self.takes_ledger,
        )

    def __call__(self, batch: pa.Table) -> Any:
        raise TypeError(f"{type(self).__name__} has no __call__(self, batch)")

    def prepare(self) -> None:
        """Loads models and reads vocabularies; raises RocoError if one is missing or invalid.

        A measure is prepared before the first batch of each part, outside the stall budget of a worker; `roco check`
        and `roco run --dry` prepare every stage. Repeated calls must be cheap: keep the model in a
        `functools.cached_property`.
        """

    def fingerprint(self) -> Any:
        """Returns what determines the result besides class, version and options, as plain JSON values.

        By default these are digests of the files that the options name. A stage that reads a database returns the
        values it looks up there, not the bytes of the file.
        """
        return [_content_digest(path) for path in self.content]

    @property
    def content(self) -> tuple[Path, ...]:
        """Returns the files whose content determines the result: models, vocabularies, options that name a file."""
        return tuple(path for field in _options(self) for path in _paths(getattr(self, field.name)))

    @property
    def options(self) -> dict[str, Any]:
        """Returns the options by name, as plain values."""
        return {field.name: _plain(getattr(self, field.name)) for field in _options(self)}

    def digest(self, read: Mapping[str, str]) -> str:
        """Returns the SHA-256 of everything that determines the values: class, version, options, fingerprint, measures.

        Of a file, the content counts, not the name; of the stage, the name counts only if it occurs in its columns.
        What a stage ensures counts, because releases state it. An option that changes how a value is computed but not
        the value is a field with metadata={"value": False}.
        """
        deciding = {}
        for field in _options(self):
            value = getattr(self, field.name)
            if field.metadata.get("value", True) and not isinstance(value, Path):
                deciding[field.name] = _plain(value, paths=False)
        contract = self.contract
        facts = {
            "stage": f"{type(self).__module__}:{type(self).__qualname__}",
            "version": self.version,
            "options": deciding,
            "writes": sorted(contract.writes),
            "fingerprint": self.fingerprint(),
            "read": dict(read),
        }
        if contract.ensures:
            facts["ensures"] = sorted(contract.ensures)
        return digest(facts)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measure(Stage):
    """Computes columns from one figure alone; computed once and cached.

    A measure that lends columns receives the names of those to lend: `__call__(batch, lend)`. A measure of
    scope "article" receives articles (`schema.ARTICLES`) and returns an `Extraction`.
    """


@dataclasses.dataclass(frozen=True, kw_only=True)
class Decision(Stage):
    """Turns measures into a verdict; re-evaluated whenever anything before it changes.

    A decision with `dropped` columns receives the dropped figures as a second table: `__call__(batch, dropped)`. One
    that takes the ledger receives it last: `__call__(batch, ledger)`, None if there is no earlier publication.
    """


class Extraction(NamedTuple):
    """What a stage of scope "article" returns.

    figures: one row for each figure. counts: counts of anything by name, for each place that was read.
    """

    figures: pa.Table
    counts: Mapping[str, Mapping[str, int]]


class Finished(Protocol):
    """A finished run as a publication receives it: all rows decided, without facts about this machine."""

    @property
    def funnel(self) -> Mapping[str, Any]:
        """Returns rows in, kept and dropped by reason at every stage; the numbers add up."""

    @property
    def recipe(self) -> Mapping[str, Any]:
        """Returns the resolved recipe: stages with options and digests, versions; no paths of this machine."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Returns all columns that some stage wrote."""

    @property
    def reasons(self) -> Mapping[str, Reason]:
        """Returns all reasons for which a stage of the run, or the engine, drops figures."""

    @property
    def ledger(self) -> Ledger | None:
        """Returns the ledger of the publication that this one grows from; None if it assigns everything anew."""

    def kept(self, columns: Sequence[str]) -> pa.Table:
        """Returns the figures kept after the last stage, with the named columns, sorted by figure_id."""

    def removed(self, columns: Sequence[str], having: Sequence[str] = ()) -> Iterator[pa.Table]:
        """Yields the dropped figures with stage, drop, drop_detail and the named columns, sorted by figure_id.

        They come in batches, because there are hundreds of them for each figure that is kept. having: only figures
        with a value in one of these columns.
        """

    def images(self, rows: pa.Table) -> Iterator[bytes]:
        """Yields the original bytes of each row's image, in order; rows need figure_id, archive and file.

        Several threads may read images at the same time.
        """


@dataclasses.dataclass(frozen=True, kw_only=True)
class Publication(Decision):
    """A decision over the whole table that also writes a folder for others to use."""

    scope: ClassVar[Scope] = "table"

    def publish(self, run: Finished, folder: Path) -> None:
        """Writes the whole folder, which does not exist yet; it is moved into place when this returns."""
        raise TypeError(f"{type(self).__name__} has no publish(self, run, folder)")

    def figure_of(self, folder: Path, id: str) -> str | None:
        """Returns the figure_id of an id in a published folder: empty if there is none, None if it is unknown."""
        return None

    def ledger(self, folder: Path) -> pa.Table | None:
        """Returns the ledger of a published folder; None if the next publication need not know what this one assigned.

        Raises DataError if the folder is not one that this publication wrote.
        """
        return None

    def changes(self, before: pa.Table, after: pa.Table) -> Changes:
        """Compares two ledgers."""
        raise TypeError(f"{type(self).__name__} has no changes(self, before, after)")


def drop(batch: pa.Table, where: Any, reason: str, detail: Any = None) -> pa.Table:
    """Marks rows as dropped, unless they are dropped already.

    where: boolean array, null counts as false. detail: one string for all rows, or an array of strings.
    """
    if not len(batch):
        return batch  # an empty array of conditions has no type
    new = pc.and_(pc.fill_null(where, False), pc.is_null(batch["drop"]))
    reasons = pc.if_else(new, pa.scalar(reason), batch["drop"])
    if not isinstance(detail, pa.Array | pa.ChunkedArray):
        detail = pa.scalar(detail, pa.string())
    details = pc.if_else(new, detail, batch["drop_detail"])
    return put(put(batch, "drop", reasons), "drop_detail", details)


def put(batch: pa.Table, name: str, values: Any) -> pa.Table:
    """Sets a column: replaces the one of that name, or appends it."""
    if name in batch.column_names:
        return batch.set_column(batch.column_names.index(name), name, values)
    return batch.append_column(name, values)


def each(column: Any, function: Callable[[Any], Any], type: pa.DataType) -> pa.Array:
    """Applies a function to each value of a column; null stays null."""
    return pa.array([None if value is None else function(value) for value in column.to_pylist()], type)


def rounded(values: Any, digits: int = 4) -> pa.Array:
    """Rounds scores to float32 with four decimals, so that they compare equal on every machine."""
    return pa.array(np.round(np.asarray(values, dtype=np.float64), digits), pa.float32())


def _options(stage: Stage) -> list[dataclasses.Field[Any]]:
    """Returns the fields that are options: all but the name."""
    return [field for field in dataclasses.fields(stage) if field.init and field.name != "name"]


def _content_digest(path: Path) -> str:
    try:
        return file_digest(path)
    except OSError as err:
        hint = "check the path in the recipe (relative to the recipe)"
        raise RecipeError(f"cannot read {path}: {err.strerror}", hint) from err


def _paths(value: Any) -> Iterator[Path]:
    """Returns the files that an option names, also inside lists and tables."""
    if isinstance(value, Path):
        yield value
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _paths(one)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _paths(getattr(value, field.name))


def _plain(value: Any, paths: bool = True) -> Any:
    """Converts an option to values of JSON and TOML; `paths=False` omits file names from an option that is a table."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple | list):
        return [_plain(one, paths) for one in value if paths or not isinstance(one, Path)]
    if isinstance(value, Mapping):
        return {str(key): _plain(one, paths) for key, one in value.items()}
    if not dataclasses.is_dataclass(value):
        return value
    table = {}
    for field in dataclasses.fields(value):
        one = getattr(value, field.name)
        if one is not None and (paths or not isinstance(one, Path)):
            table[field.name] = _plain(one, paths)
    return table
