"""Dropped figures to look at in a report: some for every stage and reason of a run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from itertools import groupby
from typing import Any

from roco.base.licenses import NO_REDISTRIBUTION
from roco.core.contract import ENGINE_REASONS
from roco.core.run import Run
from roco.curate.cells import picture
from roco.evaluate.report.content import Example
from roco.release.attribution import source_address

PER_REASON = 3

_COLUMNS = ("article_key", "pmcid", "doi", "label", "file", "license", "caption")


def dropped_examples(run: Run, each: int = PER_REASON) -> list[Example]:
    """Returns up to `each` dropped figures for every stage and reason, in the order of the stages.

    They are the first in the order of the hash of their figure_id. Image, caption and detail are left out where the
    licence of the article forbids a copy, where it is unknown, and where the figure is credited to somebody else.
    Raises DataError if nothing has been run.
    """
    written = run.written()
    rows = run.dropped(columns=[name for name in _COLUMNS if name in written]).to_pylist()
    reasons = {step.name: {**ENGINE_REASONS, **step.contract.reasons} for step in run.pipeline.steps}
    found = []
    for (stage, drop), members in groupby(rows, key=lambda row: (row["stage"], row["drop"])):
        figures = sorted(members, key=lambda row: hashlib.sha256(row["figure_id"].encode()).digest())
        reason = reasons[stage][drop]
        noun = "figure" if len(figures) == 1 else "figures"
        group = f"{stage}, {drop}: {reason.meaning} ({len(figures):,} {noun})"
        found += [_example(run, row, group, reason.quotes) for row in figures[:each]]
    return found


def _example(run: Run, row: Mapping[str, Any], group: str, quotes: bool) -> Example:
    place = {name: row.get(name) for name in _COLUMNS} | dict(row)
    if quotes:
        is_free, why_not = False, "credited to somebody else: no copy"
    else:
        license = place["license"] or "UNKNOWN"
        # A thumbnail is a changed image, which licences with ND do not allow.
        is_free = license not in NO_REDISTRIBUTION and "ND" not in license
        why_not = "the licence does not allow a copy" if place["license"] else "the licence is unknown"
    jpeg, problem = picture(run, row) if is_free else (None, why_not)
    detail = "" if quotes else place["drop_detail"]
    return Example(
        group=group,
        title=row["figure_id"],
        caption=(place["caption"] or "") if is_free else "",
        credit=". ".join(text for text in (detail, place["license"]) if text),
        link=source_address(place),
        thumbnail=jpeg,
        no_image=problem,
    )
