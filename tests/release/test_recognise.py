from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from roco.base.columns import NONE
from roco.base.text import escaped
from roco.release.previous import LEDGER
from roco.release.recognise import BY, IDENTITY_COLUMNS, recognised

IDENTITY = {
    "article_key": st.sampled_from(["PMC1", "PMC2"]),
    "image_key": st.sampled_from(["a", "b", "c"]),
    "file": st.sampled_from(["1.jpg", "2.jpg", "\x1b.jpg", ""]),
}
KNOWN = st.fixed_dictionaries(
    {**IDENTITY, "figure_id": st.sampled_from("fghij"), "reason": st.sampled_from([None, None, "license"])}
)


def by_rule(figures: list[dict[str, Any]], ledger: list[dict[str, Any]]) -> list[tuple[str, str] | None]:
    """Assigns ids figure by figure."""
    by_bytes: Callable[[dict[str, Any]], Any] = lambda row: row["image_key"]  # noqa: E731
    by_file: Callable[[dict[str, Any]], Any] = lambda row: (row["article_key"], escaped(row["file"]))  # noqa: E731
    given: dict[int, tuple[str, str]] = {}
    for by, identity, is_retired in zip(BY, (by_bytes, by_file, by_bytes), (False, False, True), strict=True):
        known = [row for row in sorted(ledger, key=lambda row: str(row["id"])) if bool(row["reason"]) == is_retired]
        had = {(identity(row), row["figure_id"]) for row in known}
        order = sorted(
            range(len(figures)),
            key=lambda i: ((identity(figures[i]), figures[i]["figure_id"]) not in had, figures[i]["figure_id"]),
        )
        for i in order:
            used = {id for id, _ in given.values()}
            free = [row for row in known if identity(row) == identity(figures[i]) and row["id"] not in used]
            own = [row for row in free if row["figure_id"] == figures[i]["figure_id"]]
            if i not in given and free:
                given[i] = ((own or free)[0]["id"], by)
    return [given.get(i) for i in range(len(figures))]


@given(st.lists(st.fixed_dictionaries(IDENTITY), max_size=7), st.lists(KNOWN, max_size=9))
def test_ids_are_assigned_as_the_rule_states_for_one_figure_after_another(
    figures: list[dict[str, Any]], ledger: list[dict[str, Any]]
) -> None:
    figures = [{**row, "figure_id": "jihgfed"[number]} for number, row in enumerate(figures)]
    # In another order than that of the ids.
    ledger = [
        {**row, "id": f"r_{7 * number % 10}", "split": "train", "detail": ""} for number, row in enumerate(ledger)
    ]
    names = ("figure_id", *IDENTITY_COLUMNS)
    table = pa.table({name: pa.array([row[name] for row in figures], pa.string()) for name in names})
    found = recognised(table, pa.Table.from_pylist(ledger, schema=LEDGER))
    ids = []
    for place, by in zip(found.place.tolist(), found.by.tolist(), strict=True):
        ids.append(None if place == NONE else (ledger[place]["id"], BY[by]))
    assert ids == by_rule(figures, ledger)
