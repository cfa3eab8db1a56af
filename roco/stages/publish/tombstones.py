"""The rows of tombstones.csv: the ids that are retired, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from roco.release.previous import LEDGER, PreviousRelease

_WITHDRAWN = ("superseded", "no longer in the source")
_OF_ARTICLES = ("article", "retracted", "license")
"""Reasons for which all figures of an article are dropped."""

Reason = tuple[str, str]  # reason, detail


class Tombstones:
    """The cells of tombstones.csv by id: the previous tombstones, and images that no image of the new release is.

    previous: the release that is grown from, if there is one. ids: of the new release. The reasons are those of the
    dropped figures that passed through `noting`; figures that were dropped before their image was read are matched by
    article and file.
    """

    def __init__(self, previous: PreviousRelease | None, ids: pa.ChunkedArray) -> None:
        ledger = LEDGER.empty_table() if previous is None else previous.ledger
        in_use = pc.is_in(ledger["id"], value_set=ids.combine_chunks())
        self._retired = ledger.filter(pc.invert(in_use)).sort_by("id")
        self._new = self._retired.filter(pc.is_null(self._retired["reason"]))
        self._noted: list[dict[str, Any]] = []

    def noting(self, batches: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """Yields batches of dropped figures, and notes those that have something in common with a retired image.

        They have article_key, image_key, file, figure_id, drop and drop_detail.
        """
        for batch in batches:
            if len(self._new):
                self._noted += _related(batch, self._new).to_pylist()
            yield batch

    def __len__(self) -> int:
        return len(self._retired)

    def __iter__(self) -> Iterator[Sequence[str]]:
        reasons = _reasons(self._noted)
        for row in self._retired.to_pylist():
            if row["reason"] is None:
                row["reason"], row["detail"] = _reason(row, reasons)
            yield list(row.values())


def _related(dropped: pa.Table, images: pa.Table) -> pa.Table:
    """Returns the dropped figures that have something in common with an image: a few of millions."""
    is_related = pa.scalar(False)
    for name in ("image_key", "article_key", "figure_id"):
        is_related = pc.or_(is_related, pc.is_in(dropped[name], value_set=images[name].combine_chunks()))
    return dropped.filter(is_related)


def _reasons(dropped: Iterable[Mapping[str, Any]]) -> dict[Any, Reason]:
    """Returns the reason of each dropped figure by each of its keys; the first figure with a key counts."""
    reasons: dict[Any, Reason] = {}
    for row in dropped:
        reason = (row["drop"], row["drop_detail"] or "")
        for key in (row["image_key"], (row["article_key"], row["file"]), row["figure_id"]):
            if key:
                reasons.setdefault(key, reason)
        if row["drop"] in _OF_ARTICLES:
            reasons.setdefault(("article", row["article_key"]), reason)
    return reasons


def _reason(image: Mapping[str, Any], reasons: Mapping[Any, Reason]) -> Reason:
    article = image["article_key"]
    keys = (image["image_key"], (article, image["file"]), image["figure_id"], ("article", article))
    for key in keys:
        if key in reasons:
            return reasons[key]
    return _WITHDRAWN
