"""Progress without a terminal: one line every 30 seconds, with rate and remaining time; the clock is a fake."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from roco.cli import progress
from roco.cli.progress import RunProgress, duration, resumable


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


def test_a_line_is_printed_every_30_seconds_with_rate_and_remaining_time(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    run = RunProgress()
    run.start("parts", 10)
    clock.now += 29
    run.count(figures=580, dropped=20)
    run.advance()
    assert capsys.readouterr().err == ""
    clock.now += 29
    run.count(figures=580, dropped=5)
    run.advance()
    assert capsys.readouterr().err == "2 of 10 parts, 20 figures/s, 25 dropped, about 4 min remaining\n"
    run.refresh()
    assert capsys.readouterr().err == ""
    clock.now += 31
    run.refresh()
    assert capsys.readouterr().err.startswith("2 of 10 parts, 13 figures/s")


def test_no_remaining_time_is_printed_before_the_first_part_is_done(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    run = RunProgress()
    run.start("parts", 3)
    clock.now += 31
    run.refresh()
    assert capsys.readouterr().err == "0 of 3 parts, 0 figures/s, 0 dropped\n"


def test_a_second_count_starts_its_own_rate(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    run = RunProgress()
    run.start("parts", 1)
    run.count(figures=10_000, dropped=0)
    run.advance()
    run.start("measures", 4)
    run.count(figures=310, dropped=0)
    run.advance()
    clock.now += 31
    run.refresh()
    assert "1 of 4 measures, 10 figures/s" in capsys.readouterr().err


def test_nothing_is_printed_if_there_is_nothing_to_do(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    run = RunProgress()
    run.start("parts", 0)
    clock.now += 100
    run.refresh()
    assert capsys.readouterr().err == ""


def test_durations_are_rounded_to_seconds_minutes_and_hours() -> None:
    assert [duration(seconds) for seconds in (5, 99, 600, 86_400)] == ["5 s", "99 s", "10 min", "24.0 h"]


@pytest.fixture
def sigterm() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("sigterm")
def test_an_interrupt_prints_how_to_resume_and_exits_with_130(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit, resumable(RunProgress()):
        signal.raise_signal(signal.SIGTERM)
    assert exit.value.code == 130
    assert capsys.readouterr().err == "interrupted; run the same command again to resume\n"
