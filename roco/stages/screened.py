"""The figures of a run that the stage `screen` flags, and the numbers and kinds behind each flag."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from roco.base.errors import DataError, UsageError, nearest
from roco.core.run import Run
from roco.stages.screen import CHECKS, detail

_FACTS = ("text_words", "text_share", "panel_letters", "caption_run", "caption_overlap", "identifying_text")


def flagged(run: Run, check: str | None = None) -> pa.Table:
    """Returns the flagged figures, kept and dropped, with the columns of the flags, `caption` and `file`.

    check: only those that this check flags. Raises UsageError for an unknown check, DataError if the run has no flags.
    """
    if check is not None and check not in CHECKS:
        raise UsageError(f"unknown check '{check}'", nearest(check, CHECKS))
    written = run.written()
    if "screening" not in written:
        raise DataError("the run has no flags: its recipe has no stage `screen`", "add the stage: docs/screening.md")
    rows = run.figures(["screening", *(name for name in (*_FACTS, "caption", "file") if name in written)])
    wanted = {check} if check else set(CHECKS)
    is_flagged = [bool(wanted & set(flags or ())) for flags in rows["screening"].to_pylist()]
    return rows.filter(pa.array(is_flagged, pa.bool_()))


def facts(row: Mapping[str, Any], check: str | None = None) -> str:
    """Returns why a figure is flagged, by one check or by all, as numbers and kinds; never the text itself."""
    return "; ".join(detail(flag, row) for flag in row["screening"] if check in (None, flag))
