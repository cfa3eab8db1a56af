"""What became of the ids of earlier releases that are in use no more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from roco.release.previous import Earlier, Gone, Kept

_NO_MORE = ("superseded", "the source has it no more")


def tombstones(
    before: Earlier | None, rows: Sequence[Mapping[str, Any]], removed: Iterable[Mapping[str, Any]]
) -> Iterator[Sequence[str]]:
    """Cells of tombstones.csv by id: those of before, and the images of before that are not among the rows.

    rows: id of each image of the new release; removed: article_key, image_key, file, figure_id, drop and drop_detail
    of the figures that left. An image that left before it was looked at is told by its article and file.
    """
    if before is None:
        return
    now = {row["id"] for row in rows}
    reasons = _reasons(removed)
    gone = {id: one for id, one in before.gone.items() if id not in now}
    gone |= {id: _gone(one, reasons) for id, one in before.kept.items() if id not in now}
    for id in sorted(gone):
        yield list(gone[id])


def _reasons(removed: Iterable[Mapping[str, Any]]) -> dict[Any, tuple[str, str]]:
    found: dict[Any, tuple[str, str]] = {}
    for row in removed:
        why = (row["drop"], row["drop_detail"] or "")
        for key in (
            row["image_key"],
            (row["article_key"], row["file"]),
            row["figure_id"],
            ("article", row["article_key"]),
        ):
            # Of the whole article only what speaks for the whole article.
            if key and (
                not isinstance(key, tuple) or key[0] != "article" or why[0] in ("article", "retracted", "license")
            ):
                found.setdefault(key, why)
    return found


def _gone(one: Kept, reasons: Mapping[Any, tuple[str, str]]) -> Gone:
    keys = (one.image_key, (one.article_key, one.file), one.figure_id, ("article", one.article_key))
    why = next((reasons[key] for key in keys if key in reasons), _NO_MORE)
    return Gone(*one, *why)
