"""What the commands on a release print: the difference between two releases, and the checks of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from roco.base.schema import SPLITS
from roco.cli.output import count, safe
from roco.cli.tables import console, print_list
from roco.release.diff import Difference

if TYPE_CHECKING:
    from roco.evaluate.checks.check import Finding

LONG_TEXT = 40
"""Characters of a text; of longer texts, only the place where they differ is printed."""


def print_difference(difference: Difference) -> None:
    """Prints which images were added and removed between two releases, and what changed in the others."""
    out = console()
    images, added, removed = difference.images, difference.added, difference.removed
    facts = f"{images['both']:,} in both, {len(added):,} added, {len(removed):,} removed"
    out.print(f"{images['old']:,} and {count('image', images['new'])}: {facts}")
    out.print(f"moved to another split: {len(difference.moved_splits) or 'none'}")
    per_split = Counter(image.split for image in added)
    print_list(out, "added", [f"{split}: {per_split[split]:,}" for split in SPLITS if per_split[split]])
    lines = []
    for image in removed:
        detail = f" ({image.detail})" if image.detail else ""
        lines.append(f"{image.id}  {image.article}  {image.reason}{detail}")
    print_list(out, "removed", lines)
    for title, pairs in (
        ("moved to another split", difference.moved_splits),
        ("renamed", difference.renamed),
        ("id reused for another image", difference.reused),
    ):
        print_list(out, title, [f"{pair.id}: {pair.old} -> {pair.new}" for pair in pairs])
    print_list(out, "changed", [f"{c.id}  {c.column}: {_change(c.old, c.new)}" for c in difference.changed])


def print_findings(found: Sequence[Finding]) -> None:
    """Prints one line per check, then the first rows of those that failed."""
    out = console()
    for one in found:
        if one.measured is None:
            print(safe(f"{one.verdict:11}  {one.check.title}: {one.missing}"))
            continue
        allowed = f", {one.check.threshold:.1%} allowed" if one.check.threshold else ""
        print(safe(f"{one.verdict:11}  {one.check.title}: {one.measured.value:,} of {one.measured.of:,}{allowed}"))
    for one in found:
        if one.measured is not None and one.verdict == "failed":
            print_list(out, one.check.title, [f"{row.id}  {row.detail}" for row in one.measured.rows])


def as_data(one: Finding) -> dict[str, Any]:
    """Returns a check for JSON, with all its rows."""
    data: dict[str, Any] = {"name": one.check.name, "title": one.check.title, "verdict": one.verdict}
    data |= {"definition": one.check.definition, "threshold": one.check.threshold}
    if one.measured is None:
        return data | {"missing": one.missing}
    rows = [row._asdict() for row in one.measured.rows]
    return data | {"value": one.measured.value, "of": one.measured.of, "rows": rows}


def _change(before: Any, after: Any) -> str:
    """Returns a change in few words: removed and added entries, where long texts differ, or both values."""
    if isinstance(before, list) or isinstance(after, list):
        before, after = before or [], after or []
        lost = [f"-{value}" for value in before if value not in after]
        gained = [f"+{value}" for value in after if value not in before]
        return " ".join([*lost, *gained]) or "another order"
    if isinstance(before, str) and isinstance(after, str) and max(len(before), len(after)) > LONG_TEXT:
        start = max(0, _first_difference(before, after) - 10)
        return f"…{before[start : start + LONG_TEXT]}… -> …{after[start : start + LONG_TEXT]}…"
    return f"{before} -> {after}"


def _first_difference(one: str, other: str) -> int:
    for position, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return position
    return min(len(one), len(other))
