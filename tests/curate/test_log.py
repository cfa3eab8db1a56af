"""The label log: events, current labels, undo, rounds, batches sent twice, and the limits of every text."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roco.base.errors import RejectedInput
from roco.base.text import escaped
from roco.curate.events import LONGEST_NOTE, Entry, checked
from roco.curate.log import Log
from tests.curate.logs import TASKS, current, labelled, opened, with_colon


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with opened(tmp_path / "labels.db", "first", "second", "blind-1") as found:
        yield found


# --- labels -----------------------------------------------------------------------------------------------------------


def test_the_newest_label_of_an_annotator_is_the_current_one(log: Log) -> None:
    labelled(log, "i1", "DRCT")
    labelled(log, "i1", "DRMR")
    labelled(log, "i1", "DRUS", by="a2")
    assert current(log) == {("i1", "a1"): "DRMR", ("i1", "a2"): "DRUS"}
    assert [event.label for event in log.history("i1")] == ["DRCT", "DRMR", "DRUS"]


def test_rounds_are_kept_apart(log: Log) -> None:
    labelled(log, "i1", "DRCT")
    labelled(log, "i1", "DRMR", round="second")
    assert [event.label for event in log.current("modality", rounds=["first"])] == ["DRCT"]
    assert len(log.current("modality")) == 2


def test_a_batch_is_added_whole_or_not_at_all(log: Log) -> None:
    entries = [Entry(task="modality", image_key="i1", label="DRCT"), Entry(task="modality", image_key="i2", label="x")]
    with pytest.raises(RejectedInput, match="not a label"):
        log.add(entries, round="first", annotator="a1")
    assert current(log) == {}


def test_an_event_records_origin_guideline_and_note(log: Log) -> None:
    labelled(log, "i1", "DRCT", origin="accepted", note="a note\nof two lines")
    event = log.history("i1")[0]
    assert (event.origin, event.guideline, event.note) == (
        "accepted",
        TASKS["modality"].version,
        "a note\nof two lines",
    )
    assert event.time.startswith("2026-01-01T00:00:0")


def test_notes_and_flags_leave_the_label_as_it_is(log: Log) -> None:
    labelled(log, "i1", "DRCT")
    note = Entry(kind="note", image_key="i1", note="which scanner?")
    done = log.add([note, Entry(kind="flag", image_key="i1")], round="first", annotator="a1")
    assert current(log) == {("i1", "a1"): "DRCT"}
    assert [event.note for event in log.standing("note")] == ["which scanner?"]
    assert len(log.standing("flag")) == 1
    log.undo(done.batch, annotator="a1")
    assert log.standing("flag") == log.standing("note") == []
    assert current(log) == {("i1", "a1"): "DRCT"}


def test_each_concept_of_an_image_has_a_label_of_its_own(log: Log) -> None:
    labelled(log, "i1", "yes", task="visible", concept="C0817096")
    labelled(log, "i1", "no", task="visible", concept="C0018787")
    assert [(event.concept, event.label) for event in log.current("visible")] == [
        ("C0817096", "yes"),
        ("C0018787", "no"),
    ]


def test_counts_are_by_annotator_and_label(log: Log) -> None:
    for image, label in (("i1", "DRCT"), ("i2", "DRCT"), ("i3", "DRMR"), ("i3", "DRUS")):
        labelled(log, image, label)
    labelled(log, "i1", "DRXR", by="a2")
    assert log.counts("modality", round="first") == {"a1": {"DRCT": 2, "DRUS": 1}, "a2": {"DRXR": 1}}
    assert log.counts("modality", round="second") == {}


def test_labels_made_under_another_guideline_are_listed(log: Log) -> None:
    labelled(log, "i1", "DRCT", guideline="0123456789ab")
    labelled(log, "i2", "DRCT")
    labelled(log, "i3", "DRCT", origin="imported")  # its guideline is unknown
    assert [event.image_key for event in log.outdated("modality")] == ["i1"]
    labelled(log, "i1", "DRCT")
    assert log.outdated("modality") == []


# --- undo -------------------------------------------------------------------------------------------------------------


def test_an_undo_brings_back_the_label_before(log: Log) -> None:
    labelled(log, "i1", "DRCT")
    page = [Entry(task="modality", image_key=image, label="DRMR", origin="accepted") for image in ("i1", "i2", "i3")]
    done = log.add(page, round="first", annotator="a1")
    undone = log.undo(done.batch, annotator="a1")
    assert len(undone.ids) == 3
    assert current(log) == {("i1", "a1"): "DRCT"}
    assert [event.kind for event in log.history("i1")] == ["label", "label", "undo"]


def test_a_second_undo_of_a_batch_adds_nothing(log: Log) -> None:
    done = labelled(log, "i1", "DRCT")
    log.undo(done.batch, annotator="a1")
    assert log.undo(done.batch, annotator="a1").ids == ()


def test_the_last_batch_steps_back_with_each_undo(log: Log) -> None:
    first, second = labelled(log, "i1", "DRCT"), labelled(log, "i2", "DRCT")
    labelled(log, "i2", "DRCT", by="a2")
    assert log.last_batch("a1", round="first") == second.batch
    log.undo(second.batch, annotator="a1")
    assert log.last_batch("a1", round="first") == first.batch
    log.undo(first.batch, annotator="a1")
    assert log.last_batch("a1", round="first") is None


def test_the_batch_of_another_annotator_is_not_undone_by_mistake(log: Log) -> None:
    done = labelled(log, "i1", "DRCT")
    with pytest.raises(RejectedInput, match="another annotator"):
        log.undo(done.batch, annotator="a2")
    log.undo(done.batch, annotator="a2", of_anyone=True, note="wrong folder")
    assert current(log) == {}
    assert log.history("i1")[-1].note == "wrong folder"


def test_an_undo_cannot_be_undone(log: Log) -> None:
    done = labelled(log, "i1", "DRCT")
    undone = log.undo(done.batch, annotator="a1")
    with pytest.raises(RejectedInput, match="cannot be undone"):
        log.undo(undone.batch, annotator="a1")
    with pytest.raises(RejectedInput, match="unknown batch"):
        log.undo("nothing", annotator="a1")


# --- batches and rounds -----------------------------------------------------------------------------------------------


def test_a_batch_that_is_sent_twice_is_stored_once(log: Log) -> None:
    entries = [Entry(task="modality", image_key="i1", label="DRCT", note=" seen ")]
    first = log.add(entries, round="first", annotator="a1", batch="act-1")
    assert log.add(entries, round="first", annotator="a1", batch="act-1") == first
    assert len(log.history("i1")) == 1
    with pytest.raises(RejectedInput, match="other entries"):
        log.add(entries * 2, round="first", annotator="a1", batch="act-1")
    with pytest.raises(RejectedInput, match="other entries"):
        log.add(entries, round="first", annotator="a2", batch="act-1")


def test_a_round_stays_blind_or_open(log: Log) -> None:
    assert log.open_round("blind-1", annotator="a1", blind=True).opened_by == "lead"
    with pytest.raises(RejectedInput, match="is blind"):
        log.open_round("blind-1", annotator="a1")
    with pytest.raises(RejectedInput, match="is not blind"):
        log.open_round("first", annotator="a1", blind=True)
    assert list(log.rounds()) == ["first", "second", "blind-1"]


def test_a_blind_round_has_no_accepted_guesses(log: Log) -> None:
    labelled(log, "i1", "DRCT", round="blind-1")
    with pytest.raises(RejectedInput, match="blind round"):
        labelled(log, "i2", "DRCT", round="blind-1", origin="accepted")


def test_an_unknown_round_is_answered_with_the_nearest(log: Log) -> None:
    with pytest.raises(RejectedInput, match="did you mean 'first'"):
        labelled(log, "i1", "DRCT", round="frist")


def test_a_sample_keeps_strata_and_weights(log: Log) -> None:
    drawn = [Entry(kind="sample", task="modality", image_key="i1", label="DRPE", weight=12.5)]
    log.add(drawn, round="blind-1", annotator="lead")
    assert [(one.label, one.weight) for one in log.standing("sample", "modality", rounds=["blind-1"])] == [
        ("DRPE", 12.5)
    ]
    with pytest.raises(RejectedInput, match="invalid weight"):
        log.add([Entry(kind="sample", task="modality", image_key="i1", label="x")], round="first", annotator="a1")


# --- limits -----------------------------------------------------------------------------------------------------------

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"label": "DRTC"}, "did you mean 'DRCT'"),
    ({"label": "DRCT+DRMR"}, "several labels"),
    ({"label": ""}, "not a label"),
    ({"label": None}, "not a label"),
    ({"task": "modalty"}, "did you mean 'modality'"),
    ({"task": ""}, "unknown task"),
    ({"image_key": ""}, "invalid image_key"),
    ({"image_key": "i\n1"}, "control characters"),
    ({"image_key": "i" * 301}, "301 characters"),
    ({"image_key": 3}, "invalid image_key"),
    ({"note": "n" * (LONGEST_NOTE + 1)}, "2,001 characters"),
    ({"note": "a\x1b[2Jb"}, "control characters"),
    ({"note": None}, "invalid note"),
    ({"origin": "guessed"}, "unknown origin"),
    ({"concept": "C0817096"}, "asks about images"),
    ({"concept": "chest", "task": "visible", "label": "yes"}, "invalid concept"),
    ({"task": "visible", "label": "yes"}, "missing concept"),
    ({"guideline": "latest"}, "version of a guideline"),
    ({"kind": "undo"}, "unknown kind"),
    ({"kind": "note"}, "a note with a label"),
    ({"kind": "note", "label": ""}, "empty note"),
]


@pytest.mark.parametrize(("change", "message"), REFUSED)
def test_what_is_not_allowed_is_refused(log: Log, change: dict[str, Any], message: str) -> None:
    entry = Entry(**{"task": "modality", "image_key": "i1", "label": "DRCT", **change})
    with pytest.raises(RejectedInput, match=message) as refused:
        log.add([entry], round="first", annotator="a1")
    assert message in str(refused.value)
    assert log.history("i1") == []


@pytest.mark.parametrize("name", ["", " a1", "a\u202e1", "a" * 65, None, 7])
def test_names_of_annotators_are_plain_text(log: Log, name: Any) -> None:
    with pytest.raises(RejectedInput, match="annotator"):
        labelled(log, "i1", "DRCT", by=name)


def test_a_colon_in_the_name_of_an_annotator_or_a_round_is_refused(log: Log) -> None:
    before = log.newest
    with pytest.raises(RejectedInput, match="annotator with a colon: 'first:a1'"):
        labelled(log, "i1", "DRCT", by="first:a1")
    with pytest.raises(RejectedInput, match="annotator with a colon"):
        log.open_round("third", annotator="first:a1")
    with pytest.raises(RejectedInput, match="round with a colon: 'first:a1'"):
        log.open_round("first:a1", annotator="a1")
    assert log.newest == before
    with_colon(log, "older:round", "a1")
    assert log.open_round("older:round", annotator="a1").opened_by == "a1"  # it can still be labelled


@pytest.mark.parametrize("batch", ["", "a b", "a" * 65, "../x", 4])
def test_names_of_batches_are_short(log: Log, batch: Any) -> None:
    with pytest.raises(RejectedInput, match="batch"):
        log.add([Entry(task="modality", image_key="i", label="DRCT")], round="first", annotator="a1", batch=batch)


def test_an_empty_batch_is_refused(log: Log) -> None:
    with pytest.raises(RejectedInput, match="a batch of 0 entries"):
        log.add([], round="first", annotator="a1")


@given(
    st.builds(
        Entry,
        image_key=st.text(max_size=9),
        task=st.sampled_from(["modality", "region", "visible", "", "x"]),
        label=st.one_of(st.sampled_from(["DRCT", "OTHER", "chest", "yes", "chest+OTHER"]), st.text(max_size=9)),
        note=st.text(max_size=30),
        concept=st.sampled_from(["", "C0817096", "x"]),
        kind=st.sampled_from(["label", "note", "flag", "sample"]),
        weight=st.one_of(st.none(), st.floats()),
    )
)
def test_any_entry_is_stored_as_plain_text_or_refused(entry: Entry) -> None:
    try:
        ready = checked(entry, TASKS)
    except RejectedInput:
        return
    texts = (ready.image_key, ready.label, ready.concept, *ready.note.replace("\t", " ").split("\n"))
    assert all(escaped(text) == text for text in texts)
    assert checked(ready, TASKS) == ready
    if ready.kind == "label":
        assert ready.label in TASKS[ready.task].names  # no task allows several


# --- the table --------------------------------------------------------------------------------------------------------


def test_nothing_is_changed_or_deleted(log: Log) -> None:
    labelled(log, "i1", "DRCT")
    with sqlite3.connect(log.path) as other:
        for statement in ("UPDATE events SET label = 'DRMR'", "DELETE FROM events"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                other.execute(statement)
    other.close()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux lists the open files of a process")
def test_threads_that_have_ended_leave_no_open_file(log: Log) -> None:
    """A server of labels starts a thread after each pause, and may have a thousand open files."""

    def n_open() -> int:
        paths = [path.readlink() for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
        return sum(str(path).startswith(str(log.path)) for path in paths)

    before = n_open()
    for number in range(30):
        thread = threading.Thread(target=labelled, args=(log, f"i{number}", "DRCT"))
        thread.start()
        thread.join()
    assert len(current(log)) == 30
    assert n_open() <= before + 6  # of one more thread, with its journal


def test_threads_use_one_log_together(log: Log) -> None:
    def work(name: str) -> None:
        for number in range(30):
            labelled(log, f"i{number}", "DRCT", by=name)

    threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: sum(of.values()) for name, of in log.counts("modality", round="first").items()} == {
        f"t{n}": 30 for n in range(4)
    }


ACT = st.tuples(st.sampled_from(["label", "undo"]), st.integers(0, 3), st.sampled_from(["DRCT", "DRMR", "OTHER"]))


@settings(max_examples=20)
@given(st.lists(ACT, max_size=15))
def test_current_labels_are_those_of_a_stack_per_image(log: Log, acts: list[tuple[str, int, str]]) -> None:
    annotator = f"a{len(list(log.events()))}"  # the examples share a log
    stacks: dict[str, list[tuple[str, str]]] = {}
    batches: list[tuple[str, str]] = []
    for act, number, label in acts:
        image = f"i{number}"
        if act == "label":
            done = labelled(log, image, label, by=annotator)
            batches.append((done.batch, image))
            stacks.setdefault(image, []).append((done.batch, label))
        elif batches:
            batch, image = batches.pop(number % len(batches))
            log.undo(batch, annotator=annotator)
            stacks[image] = [one for one in stacks[image] if one[0] != batch]
    expected = {image: stack[-1][1] for image, stack in stacks.items() if stack}
    assert {one.image_key: one.label for one in log.current("modality", annotator=annotator)} == expected
