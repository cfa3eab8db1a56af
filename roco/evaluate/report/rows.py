"""Rows that callers compute for a report: what a room that the report does not reach knows."""

from __future__ import annotations

from typing import NamedTuple


class PrecisionRow(NamedTuple):
    """The precision of the automatic concepts of one semantic type, or of `all`, from the labels of a sample.

    size: concepts of the dataset; drawn: of the sample; yes, no, unsure: their labels. value, low, high: the precision
    with its 95 % interval; None without a label that decides.
    """

    stratum: str
    size: int
    drawn: int
    yes: int
    no: int
    unsure: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
