"""One check of a dataset before and after it was made: value, threshold, verdict and the rows behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import cleandoc
from typing import NamedTuple

from roco.evaluate.report.content import NotAvailable
from roco.evaluate.report.inputs import Inputs

PASSED, FAILED, NOT_CHECKED = "passed", "failed", "not checked"


class Row(NamedTuple):
    """One image, article or concept behind a check; id: of the image, article or concept."""

    id: str
    detail: str


class Measured(NamedTuple):
    """What a check found. value: the number that is compared with the threshold; of: what it was counted among."""

    value: int
    of: int
    rows: Sequence[Row]


class Check(NamedTuple):
    """One check; its function's docstring says what it counts.

    threshold: the largest share of `of` that passes; 0 allows none. measure: makes the check, or raises NotAvailable.
    """

    name: str
    title: str
    threshold: float
    measure: Callable[[Inputs], Measured]

    @property
    def definition(self) -> str:
        """Returns what is counted, in one paragraph."""
        return " ".join(cleandoc(self.measure.__doc__ or "").split())


class Finding(NamedTuple):
    """A check as it was made; measured: None if it could not be made, for the reason `missing`."""

    check: Check
    measured: Measured | None
    missing: str = ""

    @property
    def verdict(self) -> str:
        """Returns passed, failed or not checked."""
        if self.measured is None:
            return NOT_CHECKED
        return PASSED if self.measured.value <= self.check.threshold * self.measured.of else FAILED


def made(check: Check, inputs: Inputs) -> Finding:
    """Makes one check; a dataset that lacks what it needs is not an error."""
    try:
        return Finding(check, check.measure(inputs))
    except NotAvailable as reason:
        return Finding(check, None, str(reason))
