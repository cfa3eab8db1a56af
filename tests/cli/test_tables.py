"""Tables, labelled texts and the legend of the funnel, at any width of the terminal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from roco.cli.grid import Grid, wrap
from roco.cli.output import print_json
from roco.cli.run_tables import print_trace
from tests.cli.command import DONE, Command

FUNNEL = Grid(
    ["stage", "in", "kept", "reasons"],
    [["extract", "1,076", "66", "2 article, 1 missing, 1 no_graphic, 4 scope"], ["language_id", "57", "57", ""]],
    frozenset({1, 2}),
)


def test_a_table_that_fits_is_printed_as_it_is() -> None:
    assert FUNNEL.layout(120) == (
        "stage           in  kept  reasons",
        [
            "extract      1,076    66  2 article, 1 missing, 1 no_graphic, 4 scope",
            "language_id     57    57",
        ],
    )


def test_a_narrower_table_wraps_its_widest_column_between_words() -> None:
    assert FUNNEL.layout(52) == (
        "stage           in  kept  reasons",
        [
            "extract      1,076    66  2 article, 1 missing, 1",
            "                          no_graphic, 4 scope",
            "language_id     57    57",
        ],
    )


def test_where_the_columns_do_not_fit_each_row_is_a_block() -> None:
    assert FUNNEL.layout(30) == (
        "",
        [
            "extract",
            "  in 1,076 · kept 66 · reasons",
            "    2 article, 1 missing, 1",
            "    no_graphic, 4 scope",
            "language_id",
            "  in 57 · kept 57",
        ],
    )


def test_a_table_without_rows_has_its_header() -> None:
    assert Grid(["a", "b"], []).layout(10) == ("a  b", [])


def test_wide_characters_count_as_two_columns() -> None:
    _, lines = Grid(["name", "n"], [["\u4e2d\u6587", "1"], ["ab", "2"]], frozenset({1})).layout(40)
    assert lines == ["\u4e2d\u6587  1", "ab    2"]


@pytest.mark.parametrize("width", [10, 24, 40, 80, 200])
def test_no_word_is_ever_cut(width: int) -> None:
    rows = [["PMC99000023/inline-graphic-1/0", "XML: premature end of data in tag license_ref", "3"]]
    layout = Grid(["figure", "detail", "n"], rows, frozenset({2})).layout(width)
    words = " ".join(layout.lines).split()
    for cell in rows[0]:
        assert set(cell.split()) <= set(words)
    too_long = [line for line in layout.lines if len(line) > width and len(line.split()) > 1]
    assert too_long == []


def test_wrapped_text_keeps_long_words_whole() -> None:
    assert wrap("a " + "b" * 30 + " c", 10) == ["a", "b" * 30, "c"]


COMMANDS = (
    "status demo.toml",
    "show demo.toml PMC99000028/f2/0",
    "dropped demo.toml",
    "duplicates demo.toml",
    "articles demo.toml --each",
    "check demo.toml",
    "stages",
)


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("words", COMMANDS)
def test_commands_print_every_word_at_any_width(
    command: Command, finished_demo: Path, words: str, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(finished_demo)
    monkeypatch.setenv("COLUMNS", "500")
    wide = command(*words.split())
    monkeypatch.setenv("COLUMNS", str(width))
    narrow = command(*words.split())
    assert narrow.code == wide.code == DONE
    assert "…" not in narrow.out
    # A block has no header above its first cell; all other words are there.
    assert set(wide.out.split()) - {"stage", "place", "figure"} <= set(narrow.out.split())


def test_no_colour_is_printed_into_a_pipe_or_with_no_color(
    command: Command, finished_demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in command("show", finished_demo / "demo.toml", "PMC99000028/f2/0").out


def test_status_explains_the_mark_of_outdated_stages(command: Command, run: Path) -> None:
    recipe = run / "demo.toml"
    assert "*" not in command("status", recipe).out
    recipe.write_text(recipe.read_text().replace("at_least = 0.45", "at_least = 0.5"))
    out = command("status", recipe).out
    assert re.search(r"^language \* +57 ", out, re.M)
    assert re.search(r"^\* the results are missing or out of date:\nstale: language \(", out, re.M)


def test_embedding_and_layout_are_printed_as_their_sizes_and_names_of_stages_are_aligned(
    capfd: pytest.CaptureFixture[str],
) -> None:
    steps = [
        {"stage": "embed", "state": "kept", "values": {"embedding": b"\x00" * 3616}},
        {"stage": "layout", "state": "kept", "values": {"layout": [0.5] * 30, "few": [0.5, 1.0]}},
        {"stage": "score_radiology", "state": "not reached", "values": {}},
    ]
    trace = {
        "figure_id": "f",
        "archive": "a",
        "part": "p",
        "superseded": False,
        "id": None,
        "stale": [],
        "steps": steps,
    }
    print_trace(trace)
    print_json({"embedding": b"\x01\xff"})
    out = capfd.readouterr().out
    assert "      embedding 3,616 bytes\n" in out
    assert "      layout 30 numbers\n" in out and "      few [0.5, 1.0]\n" in out
    assert "  embed           kept\n  " in out and "\n  score_radiology not reached\n" in out
    assert '"embedding": "01ff"' in out
