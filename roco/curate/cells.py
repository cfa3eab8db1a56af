"""The sampled figures of an audit as people look at them: thumbnail, reason, score, evidence and caption."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from roco.base.errors import DataError
from roco.base.progress import Progress
from roco.base.terminal import printable
from roco.core.run import Run
from roco.curate.sample import Drawn
from roco.curate.strata import Judged, Stratum
from roco.models.images.decode import decode, thumbnail

LONGEST_CAPTION = 600  # characters
LONGEST_VALUE = 160  # characters of a value in the evidence

_NO_EVIDENCE = (
    *("caption", "caption_raw"),  # the caption is shown by itself
    *("figure_id", "archive", "part", "article_key", "image_key", "sha256", "phash", "phash_fine"),
)
"""Columns that are shown elsewhere, or mean nothing to a reader."""


@dataclass(frozen=True)
class Cell:
    """A figure of the sample; number: from 1 on, the same in the contact sheet and in the CSV.

    evidence: the values that the stage read, by column. jpeg: the thumbnail; if it is None, problem has the reason.
    """

    number: int
    figure_id: str
    archive: str
    stratum: Stratum
    score: float | None
    detail: str
    evidence: Sequence[tuple[str, str]]
    caption: str
    jpeg: bytes | None
    problem: str = ""


def cells(run: Run, figures: Judged, drawn: Sequence[Drawn], progress: Progress) -> list[Cell]:
    """Returns the figures of a sample in its order; an image that cannot be read leaves its reason."""
    columns = _evidence_columns(run, figures)
    extra = [name for name in ("caption", "file") if name in _written(run)]
    rows = figures.rows.take(pa.array([one.row for one in drawn], pa.int64()))
    rows = run.columns(rows, list(dict.fromkeys([*extra, *columns])))
    progress.start("images", len(drawn))
    found = []
    for number, (one, row) in enumerate(zip(drawn, rows.to_pylist(), strict=True), start=1):
        jpeg, problem = picture(run, row)
        found.append(
            Cell(
                number=number,
                figure_id=row["figure_id"],
                archive=row["archive"],
                stratum=figures.strata[one.stratum],
                score=row["score"],
                detail=row["detail"] or "",
                evidence=list(_evidence(row, columns)),
                caption=_beginning(row.get("caption") or "", LONGEST_CAPTION),
                jpeg=jpeg,
                problem=problem,
            )
        )
        progress.advance()
    return found


def picture(run: Run, row: Mapping[str, Any]) -> tuple[bytes | None, str]:
    """Returns a new thumbnail of a figure, from the stored one or else from its image; or why there is none."""
    if not row.get("file"):
        return None, "the figure has no image file"
    try:
        stored = run.thumbnail(row)
        if stored is not None:
            return thumbnail(decode(stored)), ""
    except DataError:
        pass  # its image may still be readable
    try:
        return thumbnail(decode(run.image(row))), ""
    except DataError as err:
        return None, err.message


# --- evidence ---------------------------------------------------------------------------------------------------------


def _written(run: Run) -> dict[str, pa.DataType]:
    """Returns the columns that the stages of a recipe write, with their types."""
    return {name: kind for step in run.pipeline.steps for name, kind in step.contract.columns.items()}


def _evidence_columns(run: Run, figures: Judged) -> list[str]:
    """Returns the columns that a stage judged by, and those that a decision wrote, as far as a person can read them."""
    step, written = figures.step, _written(run)
    names = dict.fromkeys(step.reads if step.is_measure else [*step.reads, *step.writes])
    others = {*_NO_EVIDENCE, figures.score}
    return [name for name in names if name in written and name not in others and _is_readable(written[name])]


def _is_readable(kind: pa.DataType) -> bool:
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return not pa.types.is_floating(kind.value_type)  # an embedding
    return not (pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))


def _evidence(row: Mapping[str, Any], columns: Iterable[str]) -> Iterator[tuple[str, str]]:
    for name in columns:
        value = row.get(name)
        if value is not None and value not in ("", []):
            yield name, _beginning(plain(value), LONGEST_VALUE)


def plain(value: Any) -> str:
    """Returns a value as people write it."""
    if isinstance(value, float):
        return f"{value:.4g}" if math.isfinite(value) else str(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _beginning(text: str, longest: int) -> str:
    """Returns the beginning of a text from outside on one line, without control and invisible characters."""
    line = " ".join(text.split())
    return printable(line if len(line) <= longest else f"{line[:longest].rstrip()} …")
