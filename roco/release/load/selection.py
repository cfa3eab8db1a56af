"""Rows that have given values in given columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from roco.base.errors import UsageError, nearest
from roco.base.ids import is_cui
from roco.base.labels import KINDS
from roco.base.licenses import LICENSES
from roco.base.schema import SPLITS
from roco.base.terminal import excerpt

CLOSED: Mapping[str, Collection[str]] = {"split": SPLITS} | {kind: tuple(terms) for kind, terms in KINDS.items()}
"""Columns whose values are known: others are typing errors."""

CUIS = ("concepts", "concepts_manual", "concepts_auto")
"""Columns of CUIs: anything else in their place is a name, which would select nothing."""


def has_value(name: str, column: pa.Array, wanted: Any) -> NDArray[np.bool_]:
    """Returns for each row whether its value is one of those wanted; for lists, whether they contain one of them.

    wanted: a value, None for rows without one, or a list, tuple or set of values. Raises UsageError for a value that
    the column cannot have.
    """
    values = list(wanted) if isinstance(wanted, list | tuple | set | frozenset) else [wanted]
    is_list = pa.types.is_list(column.type)
    type = column.type.value_type if is_list else column.type
    if pa.types.is_nested(type):
        raise UsageError(f"rows cannot be selected by '{name}': it is a {type}", "use a function of the row")
    known = [value for value in values if value is not None]
    _check(name, type, known)
    if name == "license":
        _check_licenses(column, known)
    try:
        options = pa.array(known, type)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as err:
        what = f"column '{name}' has values of type {type}, not {excerpt(repr(known))}"
        raise UsageError(what, "give values of that type") from err
    found = _in_lists(column, options) if is_list else pc.is_in(column, options)
    mask: NDArray[np.bool_] = np.asarray(found, dtype=bool)
    if None in values:
        mask = mask | np.asarray(pc.is_null(column), dtype=bool)
    return mask


def _check(name: str, type: pa.DataType, values: Iterable[Any]) -> None:
    for value in values:
        if name in CLOSED and isinstance(value, str) and value not in CLOSED[name]:
            raise UsageError(f"unknown {name} '{excerpt(value)}'", nearest(value, CLOSED[name]))
        if name in CUIS and isinstance(value, str) and not is_cui(value):
            raise UsageError(f"invalid CUI '{excerpt(value)}' ({name})", "write a CUI such as C0040405")
        if pa.types.is_string(type) and not isinstance(value, str):
            raise UsageError(f"column '{name}' has values of type string, not {excerpt(repr(value))}", "quote it")


def _check_licenses(column: pa.Array, values: Iterable[Any]) -> None:
    """Raises UsageError for a licence that roco does not know and no row has, such as `CC BY` for `CC-BY`."""
    present = {license for license in pc.unique(column).to_pylist() if license is not None}
    for value in values:
        if value not in LICENSES and value not in present:
            raise UsageError(f"unknown licence '{excerpt(value)}'", nearest(value, {*LICENSES, *present}))


def _in_lists(column: pa.Array, options: pa.Array) -> NDArray[np.bool_]:
    mask = np.zeros(len(column), dtype=bool)
    rows = np.asarray(pc.list_parent_indices(column))
    mask[rows[np.asarray(pc.is_in(pc.list_flatten(column), options), dtype=bool)]] = True
    return mask
