"""Progress without a terminal: a line at once, then ever fewer, with rate and remaining time; the clock is a fake."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from roco.cli import progress
from roco.cli.progress import RunProgress, duration, resumable, shown
from tests.cli.command import INTERRUPTION
from tests.waits import wait_until


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


Err = Callable[[], list[str]]


@pytest.fixture
def err(capsys: pytest.CaptureFixture[str]) -> Err:
    """Returns a function that returns the lines that were printed to stderr since its last call."""
    return lambda: capsys.readouterr().err.splitlines()


def test_the_first_line_is_printed_at_once_and_names_what_begins(clock: Clock, err: Err) -> None:
    run = RunProgress()
    run.start("listing the articles in corpus", None)
    assert err() == ["listing the articles in corpus"]
    run.start("articles", 2000)
    assert err() == ["0 of 2,000 articles"]
    run.start("figures (mentions)", 40)
    assert err() == []


def test_lines_follow_after_1_5_10_20_and_every_30_seconds_with_rate_and_remaining_time(clock: Clock, err: Err) -> None:
    run = RunProgress()
    run.start("articles", 2000)
    run.start("images", 100)  # not the first activity: its first line comes after a second
    err()
    for seconds, n_lines in (
        (1.1, 1),
        (4.9, 0),
        (0.2, 1),
        (10.1, 1),
        (19.9, 0),
        (0.2, 1),
        (29.9, 0),
        (0.2, 1),
        (30.1, 1),
    ):
        clock.now += seconds
        run.refresh()
        run.refresh()
        assert len(err()) == n_lines, seconds
    clock.now += 9.0
    run.count(figures=500, dropped=25)
    run.advance(10)
    clock.now += 30
    run.refresh()
    assert err()[-1] == "10 of 100 images, 4 figures/s, 25 dropped, about 20 min remaining"


def test_neither_rate_nor_remaining_time_is_printed_before_the_first_article_is_done(clock: Clock, err: Err) -> None:
    run = RunProgress()
    run.start("articles", 3)
    clock.now += 31
    run.refresh()
    assert err() == ["0 of 3 articles", "0 of 3 articles"]


def test_remaining_time_is_that_of_the_articles_of_this_run(clock: Clock, err: Err) -> None:
    run = RunProgress()
    run.start("articles", 1000, 900)
    clock.now += 10.5
    run.advance(50)
    assert err() == ["900 of 1,000 articles", "950 of 1,000 articles, about 10 s remaining"]


def test_a_second_count_starts_its_own_rate(clock: Clock, err: Err) -> None:
    run = RunProgress()
    run.start("articles", 1)
    run.count(figures=10_000, dropped=0)
    run.advance()
    run.start("figures (mentions)", 400)
    run.count(figures=310, dropped=0)
    run.advance(310)
    clock.now += 31
    run.refresh()
    assert err()[-1] == "310 of 400 figures (mentions), 10 figures/s, about 9 s remaining"


def test_a_complete_count_prints_a_last_line_if_it_printed_any(clock: Clock, err: Err) -> None:
    run = RunProgress()
    run.start("articles", 20)
    clock.now += 0.5
    run.advance(20)
    run.start("images", 5)
    run.advance(5)
    run.close()
    assert err() == ["0 of 20 articles", "20 of 20 articles, 0 s"]


def test_an_incomplete_count_prints_no_last_line(clock: Clock, err: Err) -> None:
    run = RunProgress()
    run.start("articles", 20)
    run.advance(19)
    run.close()
    assert err() == ["0 of 20 articles"]


def test_nothing_is_printed_if_there_is_nothing_to_do(clock: Clock, err: Err) -> None:
    run = RunProgress()
    run.start("articles", 0)
    clock.now += 100
    run.refresh()
    run.close()
    assert err() == []


def test_a_name_from_outside_cannot_control_the_terminal(clock: Clock, err: Err) -> None:
    RunProgress().start("listing the articles in a\x1b[31m\n[bold]b", None)
    [line] = err()
    assert "\x1b" not in line and "[bold]b" in line


def test_lines_are_printed_while_nothing_is_counted(err: Err) -> None:
    """The clock is real here: the test waits for a line, however long it takes."""
    progress = RunProgress()
    with shown(progress):
        progress.start("articles", 1)
        progress.start("stage 'dedup'", None)
        wait_until(lambda: progress.lines > 0, "a line about the stage")
    assert err()[-1].startswith("stage 'dedup'")


def test_durations_are_rounded_to_seconds_minutes_and_hours() -> None:
    assert [duration(seconds) for seconds in (5, 99, 600, 86_400)] == ["5 s", "99 s", "10 min", "24.0 h"]


def test_an_interrupt_prints_how_to_resume_and_exits_with_130(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit, resumable(RunProgress()):
        signal.raise_signal(signal.SIGTERM)
    assert exit.value.code == 130
    assert capsys.readouterr().err == INTERRUPTION
