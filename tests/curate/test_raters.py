"""The raters of a log: annotators, rounds and annotators in rounds; their labels, and the sample that they share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from roco.base.errors import UsageError
from roco.curate.events import Entry
from roco.curate.log import Log
from roco.curate.raters import RaterLabels
from tests.curate.logs import TASKS, labelled, opened, with_colon


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with opened(tmp_path / "labels.db", "first", "second") as found:
        yield found


def test_an_annotator_has_the_newest_label_of_any_round(log: Log) -> None:
    labelled(log, "i1", "DRCT", round="second")
    labelled(log, "i1", "DRMR", round="first")
    raters = RaterLabels.of(log)
    assert raters.labels("modality", "a1") == {"i1": "DRMR"}
    assert raters.labels("modality", "second:a1") == {"i1": "DRCT"}


def test_raters_are_annotators_rounds_and_annotators_of_several_rounds(log: Log) -> None:
    labelled(log, "i1", "DRCT")
    labelled(log, "i2", "DRCT", round="second")
    labelled(log, "i1", "DRCT", by="a2")
    labelled(log, "i1", "DRMR", by="judge", origin="adjudicated")
    raters = RaterLabels.of(log)
    assert raters.names("modality") == {"a1": 2, "a2": 1, "first": 1, "second": 1, "first:a1": 1, "second:a1": 1}
    assert raters.names("region") == {}
    with pytest.raises(UsageError, match="unknown annotator or round 'judge'"):
        raters.labels("modality", "judge")  # who only decided has no labels to compare


def test_a_name_of_a_round_and_an_annotator_is_ambiguous(log: Log) -> None:
    labelled(log, "i1", "DRCT", by="first")
    raters = RaterLabels.of(log)
    with pytest.raises(UsageError, match="'first' is a round and an annotator"):
        raters.labels("modality", "first")
    assert raters.labels("modality", "first:first") == {"i1": "DRCT"}
    assert raters.names("modality") == {"first:first": 1}


def test_an_undone_label_gives_way_to_the_one_before(log: Log) -> None:
    labelled(log, "i1", "DRCT")
    done = labelled(log, "i1", "DRMR")
    raters, newest = RaterLabels.of(log), log.newest
    assert raters.labels("modality", "a1") == {"i1": "DRMR"}
    log.undo(done.batch, annotator="a1")
    for event in log.events(newest):
        raters.take(event)
    assert raters.labels("modality", "a1") == {"i1": "DRCT"}


def test_concepts_of_an_image_are_questions_of_their_own(log: Log) -> None:
    for by, label in (("a1", "yes"), ("a2", "no")):
        labelled(log, "i1", label, by=by, task="visible", concept="C0817096")
        labelled(log, "i1", "yes", by=by, task="visible", concept="C0000726")
    raters = RaterLabels.of(log)
    assert raters.most_in_common("visible") == ("a1", "a2")
    assert raters.labels("visible", "a2") == {"i1 C0817096": "no", "i1 C0000726": "yes"}
    assert raters.labels("visible", "first") == {"i1 C0000726": "yes"}  # resolved


def test_the_sample_with_most_of_the_compared_images_counts_and_of_equal_ones_the_newest(log: Log) -> None:
    for round, images, weight in (("first", ("i1", "i2", "i3"), 2.0), ("second", ("i1", "i2"), 5.0)):
        sample = [Entry(kind="sample", task="modality", image_key=one, label="CT", weight=weight) for one in images]
        log.add(sample, round=round, annotator="lead")
    for image in ("i1", "i2"):
        for by in ("a1", "a2"):
            labelled(log, image, "DRCT", by=by)
    compared = RaterLabels.of(log).compared(TASKS["modality"], "a1", "a2")
    assert compared.sample.weights == {"i1": 5.0, "i2": 5.0}
    for by in ("a1", "a2"):
        labelled(log, "i3", "DRCT", by=by)
    raters = RaterLabels.of(log)
    assert set(raters.compared(TASKS["modality"], "a1", "a2").sample.weights.values()) == {2.0}
    for by in ("a1", "a2"):
        labelled(log, "i4", "DRCT", by=by)
    # An image that was not drawn does not take the weights of the others away.
    assert set(RaterLabels.of(log).compared(TASKS["modality"], "a1", "a2").sample.weights) == {"i1", "i2", "i3"}


def test_names_with_a_colon_in_an_older_log_are_raters_like_others(log: Log) -> None:
    with_colon(log, "first", "first:bob", {"i1": "DRCT", "i2": "DRMR"})
    with_colon(log, "old:round", "a1", {"i1": "DRCT"})
    raters = RaterLabels.of(log)
    assert raters.names("modality") == {"a1": 1, "first:bob": 2, "first": 2, "old:round": 1}
    assert raters.most_in_common("modality") == ("a1", "first:bob")
    assert raters.labels("modality", "first:bob") == {"i1": "DRCT", "i2": "DRMR"}
    assert raters.labels("modality", "first:first:bob") == {"i1": "DRCT", "i2": "DRMR"}
    assert raters.labels("modality", "old:round:a1") == {"i1": "DRCT"}
    with pytest.raises(UsageError, match="unknown annotator 'bob'"):
        raters.labels("modality", "old:round:bob")
