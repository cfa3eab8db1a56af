"""Details of dropped figures as a release publishes them: as `roco show` prints them, without text of the article."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from roco.base.columns import NONE, taken
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
    places, details = np.full(len(table), NONE), [pa.array([], pa.string())]
    n = 0
    for name in pc.unique(pc.drop_null(table["drop"])).to_pylist():
        # Millions of figures have few different details.
        of_reason = np.flatnonzero(np.asarray(pc.fill_null(pc.equal(table["drop"], name), False)))
        texts = table["drop_detail"].take(pa.array(of_reason))
        distinct = pc.unique(pc.drop_null(texts))
        published = [published_detail(reasons[name], text) for text in distinct.to_pylist()]
        details.append(pa.array(published, pa.string()))
        found = pc.index_in(texts, value_set=distinct)
        places[of_reason] = np.asarray(pc.fill_null(pc.add(found, n), NONE))
        n += len(published)
    return put(table, "drop_detail", taken(pa.chunked_array(details), places))


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
