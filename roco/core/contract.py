"""The contract of a stage: what it needs, reads and writes, and why it drops figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, get_args

import pyarrow as pa

from roco.base.errors import RecipeError, nearest
from roco.base.guarantees import GUARANTEES
from roco.base.schema import COLUMNS, DROP

Need = str | tuple[str, Mapping[str, Any]]
"""A measure by name, or by name and the options it must have."""

Scope = Literal["article", "row", "table"]
"""What one call of a stage receives: articles (extract alone), any batch of figures, or all figures of the run."""


class Reason(NamedTuple):
    """Why a stage drops figures.

    meaning: completes the sentence "the figure was dropped because …". quotes: whether the detail may quote the
    article; put the quotation in double quotes, because releases contain the detail without it.
    """

    meaning: str
    quotes: bool = False


ENGINE_REASONS: Mapping[str, Reason] = {
    "unreadable": Reason("the image cannot be read from the source"),
    "superseded": Reason("the source no longer lists this version of the article"),
}
"""The reasons for which the engine itself drops figures."""


@dataclass(frozen=True, kw_only=True)
class Contract:
    """What one stage of a recipe reads and writes, given its options and its name.

    needs: measures that are computed before it. reads: columns it receives. optional: columns of the schema it
    also receives, null if no stage before it writes them. dropped: columns of the figures dropped before it, which a
    stage of scope "table" may ask for. writes: columns it adds, with their types. lends: in-memory columns that a
    measure provides to later measures of the same pass. reasons: why it drops figures. ensures: what is true of every
    figure that it keeps, as named in `base.guarantees`. heavy: bytes of memory that one worker needs for it; 0 for a
    stage that needs little. gpu: whether it computes on a GPU where there is one. takes_ledger: whether a stage of
    scope "table" receives the ledger of the publication that the run grows from.
    """

    scope: Scope = "row"
    needs: tuple[Need, ...] = ()
    reads: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    writes: Mapping[str, pa.DataType] = field(default_factory=dict)
    lends: Mapping[str, pa.DataType] = field(default_factory=dict)
    reasons: Mapping[str, Reason] = field(default_factory=dict)
    ensures: tuple[str, ...] = ()
    heavy: int = 0
    gpu: bool = False
    takes_ledger: bool = False

    @property
    def columns(self) -> dict[str, pa.DataType]:
        """Returns the columns it writes, except figure_id, drop and drop_detail."""
        given = {"figure_id", *DROP}
        return {name: kind for name, kind in self.writes.items() if name not in given}

    def check(self, stage: str) -> None:
        """Raises RecipeError if the contract of the named stage is malformed."""
        if self.scope not in get_args(Scope):
            raise RecipeError(
                f"unknown scope {self.scope!r} (stage '{stage}')", nearest(str(self.scope), get_args(Scope))
            )
        for attribute in ("needs", "reads", "optional", "dropped", "ensures"):
            if not isinstance(getattr(self, attribute), tuple):
                hint = f'write a tuple: {attribute} = ("…",)'
                raise RecipeError(f"`{attribute}` is not a tuple (stage '{stage}')", hint)
        if self.takes_ledger and self.scope != "table":
            hint = 'set scope = "table": other stages see only some of the figures'
            raise RecipeError(f"`takes_ledger` in a stage of scope '{self.scope}' (stage '{stage}')", hint)
        for attribute in ("writes", "lends"):
            _check_types(getattr(self, attribute), attribute, stage)
        if not isinstance(self.reasons, Mapping) or not all(isinstance(r, Reason) for r in self.reasons.values()):
            hint = 'write reasons = {"blurred": Reason("the image is blurred")}'
            raise RecipeError(f"`reasons` does not give each reason a meaning (stage '{stage}')", hint)
        unknown = [column for column in self.optional if column not in COLUMNS]
        if unknown:
            hint = nearest(unknown[0], COLUMNS)
            raise RecipeError(f"unknown column '{unknown[0]}' in `optional` (stage '{stage}')", hint)
        for guarantee in self.ensures:
            if guarantee not in GUARANTEES:
                hint = nearest(str(guarantee), GUARANTEES)
                raise RecipeError(f"unknown guarantee {guarantee!r} in `ensures` (stage '{stage}')", hint)
        if self.dropped and self.scope != "table":
            hint = 'set scope = "table": other stages do not see dropped figures'
            raise RecipeError(f"`dropped` in a stage of scope '{self.scope}' (stage '{stage}')", hint)


def _check_types(value: object, attribute: str, stage: str) -> None:
    if not isinstance(value, Mapping) or not all(isinstance(kind, pa.DataType) for kind in value.values()):
        hint = f'write {attribute} = {{"column": pa.string()}}'
        raise RecipeError(f"`{attribute}` does not give each column an Arrow type (stage '{stage}')", hint)
