"""`roco flagged`: the images that the stage `screen` flags."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from roco.stages import screened
from tests.cli.command import DATA, USAGE, Command


class RunOf:
    """A run with three figures: one that two checks flag, one that none flags, one that was not screened."""

    def __init__(self) -> None:
        self.table = pa.table(
            {
                "figure_id": ["a", "b", "c"],
                "drop": pa.array([None, None, "language"], pa.string()),
                "screening": [["identity", "text"], [], None],
                "text_words": [4, 0, None],
                "text_share": [0.02, 0.0, None],
                "identifying_text": [["date", "name"], [], None],
            }
        )

    def written(self) -> frozenset[str]:
        return frozenset(self.table.column_names)

    def figures(self, columns: list[str]) -> pa.Table:
        return self.table


@pytest.mark.parametrize(("check", "ids"), [(None, ["a"]), ("text", ["a"]), ("panels", [])])
def test_figures_are_listed_by_check(check: str | None, ids: list[str]) -> None:
    assert screened.flagged(RunOf(), check)["figure_id"].to_pylist() == ids  # type: ignore[arg-type]


def test_the_reasons_are_numbers_and_kinds() -> None:
    (row,) = screened.flagged(RunOf()).to_pylist()  # type: ignore[arg-type]
    assert screened.facts(row) == "date, name; 4 words on 2.0 % of the area"
    assert screened.facts(row, "text") == "4 words on 2.0 % of the area"


def test_a_run_without_the_stage_is_an_error_that_names_it(command: Command, finished_demo: Path) -> None:
    result = command("flagged", finished_demo / "demo.toml")
    assert result.code == DATA
    assert result.err.startswith("error: the run has no flags: its recipe has no stage `screen`\n")


def test_an_unknown_check_is_answered_with_the_nearest(command: Command, finished_demo: Path) -> None:
    result = command("flagged", finished_demo / "demo.toml", "--check", "caprion")
    assert result.code == USAGE
    assert "unknown check 'caprion'" in result.err and "'caption'" in result.err
