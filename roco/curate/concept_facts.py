"""Names and semantic types of the concepts of a corpus, as pages show them and samples are stratified by them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from roco.models.text import semantic_types
from roco.models.text.shipped_names import shipped_names
from roco.models.text.vocabulary import table as vocabulary

UNKNOWN_TYPE = "unknown type"
"""Stands for the type of a concept that neither the linker nor the shipped vocabulary has a type for."""


def _nothing() -> Iterable[pa.ChunkedArray]:
    return ()


class ConceptFacts:
    """Looks names and types up when they are first needed.

    used: the CUIs of the corpus. given: CUI -> name in a release. linked: returns columns of mentions or suggestions,
    with the names and types of the linker; it is called only for what the shipped vocabulary does not have.
    """

    def __init__(
        self,
        used: frozenset[str] = frozenset(),
        given: Mapping[str, str] | None = None,
        linked: Callable[[], Iterable[pa.ChunkedArray]] = _nothing,
    ) -> None:
        self._used, self._given, self._read = used, dict(given or {}), linked

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Returns the name of each CUI: that of the release, else the shipped one, else that of the linker."""
        names = {**shipped_names(), **self._given}
        if self._used - names.keys():
            names = {**self._linked["name"], **names}
        return names

    @cached_property
    def types(self) -> Mapping[str, str]:
        """Returns the name of the semantic type of each CUI: by the linker, else by the shipped vocabulary.

        A concept of several types has the first of them.
        """
        known = semantic_types.load()
        tuis = {one.cui: one.tuis[0] for one in vocabulary.load().concepts if one.tuis}
        tuis |= {cui: tui.split(vocabulary.SEPARATOR)[0] for cui, tui in self._linked["tui"].items()}
        return {cui: known[tui].name for cui, tui in tuis.items() if tui in known}

    def type_of(self, cui: str) -> str:
        return self.types.get(cui, UNKNOWN_TYPE)

    @cached_property
    def _linked(self) -> dict[str, dict[str, str]]:
        """Returns the names and the types of the linker by CUI, each the first in the order of the rows."""
        found: dict[str, dict[str, str]] = {"name": {}, "tui": {}}
        for column in self._read():
            values = pc.list_flatten(column)
            for chunk in values.chunks if isinstance(values, pa.ChunkedArray) else [values]:
                rows = pa.table({name: pc.struct_field(chunk, name) for name in ("cui", "name", "tui")})
                for row in rows.group_by(["cui", "name", "tui"], use_threads=False).aggregate([]).to_pylist():
                    for name, values_of in found.items():
                        if row[name]:
                            values_of.setdefault(row["cui"], row[name])
        return found
