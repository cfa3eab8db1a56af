"""What annotators see: views, pages, double labels, checks, blind rounds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from roco.base.errors import RejectedInput
from roco.curate.board import Board
from roco.curate.log import Entry, Log
from roco.curate.task_files import load_all
from roco.curate.view import Page, Query, Viewer
from tests.curate.figures import corpus, row

TASKS = load_all(["modality", "region"])
N = 90


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with Log.open(tmp_path / "labels.db", TASKS) as opened:
        opened.open_round("curated", annotator="a1")
        opened.open_round("blind", annotator="a1", blind=True)
        yield opened


def viewer(log: Log, *, round: str = "curated", double: float = 0.1) -> Viewer:
    figures = corpus([row(number) for number in range(N)])
    return Viewer(figures, TASKS, Board(log, figures, TASKS, round), blind=round == "blind", double=double)


def ask(view: Viewer, **facts: object) -> Page:
    return view.page(Query(**{"task": "modality", "annotator": "a1", "size": 10, **facts}))  # type: ignore[arg-type]


def label(log: Log, *numbers: int, by: str = "a1", label: str = "DRCT", **facts: str) -> str:
    entries = [
        Entry(image_key=row(number)["image_key"], task="modality", label=label, **facts)  # type: ignore[arg-type]
        for number in numbers
    ]
    return log.add(entries, round=facts.pop("round", "curated"), annotator=by).batch


def _entry(number: int, label: str) -> Entry:
    return Entry(image_key=row(number)["image_key"], task="modality", label=label)


def test_a_view_shows_one_guessed_class_the_doubtful_first(log: Log) -> None:
    view = viewer(log)
    page = ask(view, guess="DRCT")
    guesses = view.guesses["modality"]
    assert (page.total, page.left, page.by_guess) == (30, 30, {"DRCT": 30, "DRXR": 30, "DRMR": 30})
    assert set(guesses.labels[page.numbers]) == {"DRCT"}
    assert list(guesses.p[page.numbers]) == sorted(guesses.p[[n for n in range(N) if n % 3 == 0]])[:10]


def test_labelled_figures_leave_the_view_and_an_undo_brings_them_back(log: Log) -> None:
    view = viewer(log)
    first = ask(view, guess="DRCT").numbers.tolist()
    batch = label(log, *first)
    after = ask(view, guess="DRCT")
    assert not set(after.numbers.tolist()) & set(first)
    assert (after.done, after.left, after.total) == (10, 20, 30)
    assert sorted(ask(view, guess="DRCT", show="done").numbers.tolist()) == sorted(first)
    log.undo(batch, annotator="a1")
    assert ask(view, guess="DRCT").numbers.tolist() == first


def test_others_are_asked_only_the_figures_that_two_people_label(log: Log) -> None:
    label(log, *range(N))
    assert ask(viewer(log, double=0.0), annotator="a2").left == 0
    assert ask(viewer(log, double=1.0), annotator="a2").left == N
    some = ask(viewer(log), annotator="a2", size=200)
    assert 0 < some.left < 30
    assert some.numbers.tolist() == ask(viewer(log), annotator="a3", size=200).numbers.tolist()


def test_the_twentieth_page_contains_adjudicated_figures_whose_guess_is_wrong(log: Log) -> None:
    view = viewer(log, double=0.0)
    label(log, 0, 3, by="judge", label="DRXR", origin="adjudicated")
    label(log, *[number for number in range(N) if number % 3 == 1][:19])
    page = ask(view, guess="DRCT", size=1)
    assert page.checks == frozenset()  # one figure a page: no room beside the checks
    label(log, *[number for number in range(N) if number % 3 == 1][19:])
    label(log, *[number for number in range(N) if number % 3 == 2][:27])
    page = ask(view, guess="DRCT", size=3)  # 57 figures done: the twentieth page
    assert page.checks == {0, 3}
    assert len(page.numbers) == 3


def test_region_is_asked_for_x_rays_alone_by_label_or_guess(log: Log) -> None:
    view = viewer(log)
    assert ask(view, task="region").left == 30
    label(log, 0, label="DRXR")  # guessed as CT
    label(log, 1, label="DRCT")  # guessed as X-ray
    numbers = set(ask(view, task="region", size=200).numbers.tolist())
    assert 0 in numbers and 1 not in numbers


def test_a_blind_round_has_no_guesses_and_an_order_for_each_annotator(log: Log) -> None:
    label(log, *range(N))
    view = viewer(log, round="blind")
    first, second = ask(view, size=90), ask(view, size=90, annotator="r2")
    assert first.by_guess == {} and first.left == N
    assert first.numbers.tolist() != second.numbers.tolist()
    assert first.numbers.tolist() == ask(viewer(log, round="blind"), size=90).numbers.tolist()
    for hidden in (
        {"guess": "DRCT"},
        {"where": (("modality", "DRCT"),)},
        {"where": (("split", "none"),)},
        {"concept": "C0040405"},
    ):
        with pytest.raises(RejectedInput, match="blind"):
            ask(view, **hidden)


def test_a_blind_round_asks_dependent_tasks_by_the_annotators_own_labels_alone(log: Log) -> None:
    label(log, 0, label="DRXR")
    log.add([_entry(2, "DRXR")], round="blind", annotator="r2")
    log.add([_entry(3, "DRXR"), _entry(4, "DRCT")], round="blind", annotator="a1")
    view = viewer(log, round="blind")
    assert ask(view, task="region", size=200).numbers.tolist() == [3]
    drawn = Entry(kind="sample", image_key=row(7)["image_key"], task="region", label="all", weight=9.0)
    log.add([drawn], round="blind", annotator="a1")
    assert ask(view, task="region", size=200).numbers.tolist() == [7]  # the sample alone


def test_flags_are_of_anyone_but_in_a_blind_round_of_the_annotator_alone(log: Log) -> None:
    for number, by, round in ((1, "r2", "curated"), (2, "r2", "blind"), (3, "a1", "blind")):
        log.add([Entry(kind="flag", image_key=row(number)["image_key"])], round=round, annotator=by)
    assert ask(viewer(log, round="blind"), show="flagged").numbers.tolist() == [3]
    assert ask(viewer(log), show="flagged").numbers.tolist() == [1]


def test_filters_restrict_the_view(log: Log) -> None:
    view = viewer(log)
    assert ask(view, text="CAPTION 7", size=200).left == 11
    assert ask(view, where=(("license", "CC-BY"),), size=200).left == 45
    assert ask(view, concept="C0040405", size=200).left == 30
    assert ask(view, text="1.*", size=200).left == 0  # text, not a pattern
    with pytest.raises(RejectedInput, match="unknown filter 'licence'"):
        ask(view, where=(("licence", "CC-BY"),))


def test_a_sample_restricts_its_round(log: Log) -> None:
    entries = [
        Entry(kind="sample", image_key=row(number)["image_key"], task="modality", label="all", weight=9.0)
        for number in (4, 8, 15)
    ]
    log.add(entries, round="blind", annotator="a1")
    assert set(ask(viewer(log, round="blind")).numbers.tolist()) == {4, 8, 15}
    assert ask(viewer(log)).left == N


# --- older guidelines -------------------------------------------------------------------------------------------------


def test_own_labels_under_an_older_guideline_are_shown_until_they_are_given_again(log: Log) -> None:
    view = viewer(log)
    label(log, 0, 3, 6, guideline="0123456789ab")
    label(log, 9)
    label(log, 1, guideline="0123456789ab", by="a2")
    page = ask(view, show="outdated")
    assert (sorted(page.numbers.tolist()), page.outdated, page.done) == ([0, 3, 6], 3, 4)
    batch = label(log, 3)  # the same label
    assert (sorted(ask(view, show="outdated").numbers.tolist()), ask(view).outdated) == ([0, 6], 2)
    log.undo(batch, annotator="a1")
    assert ask(view).outdated == 3
    assert ask(view, annotator="a2", show="outdated").numbers.tolist() == [1]


def test_a_label_whose_guideline_is_unknown_is_not_outdated(log: Log) -> None:
    label(log, 0, origin="imported")
    assert ask(viewer(log)).outdated == 0
