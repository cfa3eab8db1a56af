"""Finds the stage that writes a column which a recipe lacks, and where it belongs in the recipe."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from roco.core.contract import Contract
from roco.core.stage import Measure, Stage

Catalogue = Mapping[str, type[Stage]]
"""The stages that can be added to a recipe, by name."""


def missing_before(column: str, reader: Stage, listed: Iterable[Stage], catalogue: Catalogue) -> str:
    """Returns the hint for a column that a stage reads and no stage before it writes; empty if none writes it.

    listed: the stages of the recipe in order.
    """
    for stage in listed:
        if stage.name != reader.name and _makes(stage.contract, column):
            return f"move the stage '{stage.name}' before '{reader.name}'"
    name = writer_of(column, catalogue)
    if not name or name == reader.name:
        return ""
    is_custom = type(reader) not in catalogue.values()
    if is_custom and issubclass(catalogue[name], Measure):
        return f"put '{name}' into `needs` of '{reader.name}'"
    return f"add the stage '{name}' before '{reader.name}'"


def writer_of(column: str, catalogue: Catalogue) -> str:
    """Returns the name of the stage that makes a column; empty if none does."""
    for name, cls in catalogue.items():
        contract = _default_contract(name, cls)
        if contract is not None and _makes(contract, column):
            return name
    return ""


def _makes(contract: Contract, column: str) -> bool:
    """Returns whether a stage writes or lends a column that it does not read itself."""
    return column in {**contract.columns, **contract.lends} and column not in contract.reads


def _default_contract(name: str, cls: type[Stage]) -> Contract | None:
    """Returns the contract of a stage with default options; None if it has options without a default."""
    for field in dataclasses.fields(cls):
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            return None
    return cls(name=name).contract
