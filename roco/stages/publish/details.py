"""Details of dropped figures as a release publishes them: as `roco show` prints them, without text of the article."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from roco.base.licenses import LICENSES
from roco.base.terminal import printable
from roco.core.contract import Reason
from roco.core.stage import put

_QUOTATION = re.compile(r'".*"', re.DOTALL)
_CLASSIFICATION = re.compile(
    rf"\w+(?:[ :,]+(?:[<>=]=?|[-+]?\d[\d.,]*%?|[A-Z]{{2,4}}\d*|{'|'.join(sorted(LICENSES, reverse=True))}))*"
)
"""A word with numbers, codes and licences, such as `score 0.31 < 0.5` or `permissions: CC-BY-ND`."""


def with_published_details(table: pa.Table, reasons: Mapping[str, Reason]) -> pa.Table:
    """Replaces drop_detail by what may be published; reasons: all reasons in the column `drop`."""
    details = []
    for row in table.select(["drop", "drop_detail"]).to_pylist():
        details.append(_published(row, reasons))
    return put(table, "drop_detail", pa.array(details, pa.string()))


def _published(row: Mapping[str, Any], reasons: Mapping[str, Reason]) -> str | None:
    if row["drop"] is None or row["drop_detail"] is None:
        return None
    return published_detail(reasons[row["drop"]], row["drop_detail"])


def published_detail(reason: Reason, detail: str) -> str | None:
    """Returns a detail without text of the article; None if what it contains beside such text is unknown.

    Stages put what they quote in double quotes, and only that is left out. A detail without double quotes whose reason
    may quote the article is published if it is a word with numbers and codes, or else up to its colon if that is one.
    """
    text = printable(" ".join(detail.split()))
    without_quotation = _QUOTATION.sub('"…"', text)
    if without_quotation != text or not reason.quotes:
        return without_quotation
    for part in (text, text.partition(":")[0]):
        if _CLASSIFICATION.fullmatch(part):
            return part
    return None
