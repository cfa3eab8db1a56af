"""Prints how good a fitted head is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from roco.cli.output import count
from roco.cli.tables import console, print_table, table


def print_fit(classes: Sequence[str], numbers: Mapping[str, Any], left_out: Mapping[str, int]) -> None:
    """Prints recall and precision of each class, the confusion matrix, and what was left out."""
    out = console()
    print(f"accuracy {_share(numbers['accuracy'])}, cross-validated")
    rows = []
    for label in classes:
        row = numbers["classes"][label]
        shares = {name: _share(row[name]) for name in ("recall", "precision")}
        rows.append({"class": label, **shares, "note": row.get("note", "")})
    print_table(out, table(rows, {name: name for name in ("class", "recall", "precision", "note")}))
    confusion = [
        {"": label, **dict(zip(classes, counts, strict=True))}
        for label, counts in zip(classes, numbers["confusion"], strict=True)
    ]
    print("\npredicted (columns) by label (rows)")
    print_table(out, table(confusion, {name: name for name in ("", *classes)}))
    for reason, n in left_out.items():
        print(f"left out: {count('label', n)} ({reason})")


def _share(value: Sequence[float]) -> str:
    hits, of, low, high = value
    if not of:
        return "none"
    return f"{hits:.0f} of {of:.0f}, {100 * hits / of:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
