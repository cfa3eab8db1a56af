"""Labels of several annotators and rounds become one label for each image, or none where they disagree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.base.errors import UsageError
from roco.curate.events import Event
from roco.curate.log import Log
from roco.curate.resolve import resolve, resolved_of
from tests.curate.logs import labelled, opened


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with opened(tmp_path / "labels.db", "first", "second", "blind-1") as found:
        yield found


def labels(log: Log, *rounds: str) -> dict[str, tuple[str, str]]:
    return {one.image_key: (one.label, one.how) for one in resolve(log, "modality", rounds).resolved}


def test_annotators_who_agree_resolve_a_label(log: Log) -> None:
    labelled(log, "i1", "DRCT")
    labelled(log, "i1", "DRCT", by="a2")
    labelled(log, "i2", "DRMR")
    assert labels(log) == {"i1": ("DRCT", "agreed"), "i2": ("DRMR", "single")}


def test_a_disagreement_stays_unresolved_until_it_is_adjudicated(log: Log) -> None:
    labelled(log, "i1", "DRCT")
    labelled(log, "i1", "DRMR", by="a2")
    assert labels(log) == {}
    assert [(one.image_key, one.labels) for one in resolve(log).disputes] == [("i1", ("DRCT", "DRMR"))]
    labelled(log, "i1", "DRCO", by="a3", origin="adjudicated")
    assert labels(log) == {"i1": ("DRCO", "adjudicated")}
    assert resolve(log).disputes == ()


def test_an_adjudicated_label_beats_agreement_and_later_labels(log: Log) -> None:
    labelled(log, "i1", "DRCO", by="a3", origin="adjudicated")
    for annotator in ("a1", "a2"):
        labelled(log, "i1", "DRCT", by=annotator)
    assert labels(log) == {"i1": ("DRCO", "adjudicated")}
    labelled(log, "i1", "DRPE", by="a4", origin="adjudicated")
    assert labels(log) == {"i1": ("DRPE", "adjudicated")}


def test_a_later_label_of_the_person_who_decided_does_not_withdraw_the_decision(log: Log) -> None:
    labelled(log, "i1", "DRXR", by="a1", origin="adjudicated")
    labelled(log, "i1", "DRCT", by="a1")
    assert [(one.label, one.how) for one in resolve(log).resolved] == [("DRXR", "adjudicated")]


def test_an_undone_adjudication_gives_way_to_the_labels(log: Log) -> None:
    labelled(log, "i1", "DRCT")
    done = labelled(log, "i1", "DRCO", by="a3", origin="adjudicated")
    log.undo(done.batch, annotator="a3")
    assert labels(log) == {"i1": ("DRCT", "single")}


def test_the_newest_label_of_an_annotator_counts_among_all_rounds(log: Log) -> None:
    labelled(log, "i1", "DRCT")
    labelled(log, "i1", "DRMR", round="second")
    assert labels(log) == {"i1": ("DRMR", "single")}
    assert labels(log, "first") == {"i1": ("DRCT", "single")}


def test_a_blind_round_enters_only_if_it_is_named(log: Log) -> None:
    labelled(log, "i1", "DRCT")
    labelled(log, "i1", "DRMR", by="radiologist", round="blind-1")
    labelled(log, "i2", "DRMR", by="radiologist", round="blind-1")
    assert labels(log) == {"i1": ("DRCT", "single")}
    assert labels(log, "first", "blind-1") == {"i2": ("DRMR", "single")}


def test_an_unknown_round_is_answered_with_the_nearest(log: Log) -> None:
    with pytest.raises(UsageError, match="did you mean 'second'"):
        labels(log, "secnd")


EVENT = st.builds(
    Event,
    id=st.integers(1, 10**6),
    time=st.just(""),
    batch=st.just("b"),
    kind=st.just("label"),
    round=st.just("r"),
    task=st.sampled_from(["modality", "region"]),
    image_key=st.sampled_from(["i1", "i2"]),
    concept=st.just(""),
    annotator=st.sampled_from(["a1", "a2", "a3"]),
    label=st.sampled_from(["x", "y"]),
    origin=st.sampled_from(["typed", "accepted", "adjudicated", "imported"]),
    guideline=st.just(""),
    note=st.just(""),
    weight=st.none(),
    revoked=st.none(),
)


@given(st.lists(EVENT, unique_by=lambda event: event.id, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_the_labels_does_not_matter(events: list[Event], random: object) -> None:
    expected = resolved_of(events)
    shuffled = list(events)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert resolved_of(shuffled) == expected


@given(st.lists(EVENT, unique_by=lambda event: event.id, max_size=12))
def test_each_image_is_resolved_or_disputed(events: list[Event]) -> None:
    found = resolved_of(events)
    questions = {(event.task, event.image_key) for event in events}
    answered = [(one.task, one.image_key) for one in (*found.resolved, *found.disputes)]
    assert sorted(answered) == sorted(questions)
    for dispute in found.disputes:
        assert len(dispute.labels) > 1
    for one in found.resolved:
        assert any(event.label == one.label and event.image_key == one.image_key for event in events)
