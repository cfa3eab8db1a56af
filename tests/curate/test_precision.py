"""The precision of concepts by semantic type and in total, from numbers that were computed by hand."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from roco.base.errors import DataError, UsageError
from roco.curate.events import Entry
from roco.curate.log import Log
from roco.curate.precision import StratumPrecision, concept_precision
from tests.curate.logs import TASKS, labelled, opened

VISIBLE = TASKS["visible"]
LUNG = "C0024109"


def sampled(log: Log, round: str = "sample", **strata: tuple[int, int]) -> None:
    """Draws concepts: stratum -> its size, and how many were drawn."""
    for name, (size, n) in strata.items():
        facts = {"kind": "sample", "task": "visible", "concept": LUNG, "label": name, "weight": size / n}
        entries = [Entry(image_key=f"{name}{number}", **facts) for number in range(n)]  # type: ignore[arg-type]
        log.add(entries, round=round, annotator="lead")


def answered(log: Log, stratum: str, by: str = "a1", **counts: int) -> None:
    """Labels concepts of a stratum in their order."""
    labels = [label for label, n in counts.items() for _ in range(n)]
    for number, label in enumerate(labels):
        labelled(log, f"{stratum}{number}", label, by, "sample", task="visible", concept=LUNG)


def by_hand(yes: int, n: int, size: int) -> tuple[float, float]:
    """Wilson's interval, with n (N - 1) / (N - n) for n, since the sample is drawn without replacement."""
    p, z = yes / n, 1.959964
    n_eff = n * (size - 1) / (size - n)
    centre, spread = p + z * z / (2 * n_eff), z * math.sqrt(p * (1 - p) / n_eff + z * z / (4 * n_eff**2))
    return (centre - spread) / (1 + z * z / n_eff), (centre + spread) / (1 + z * z / n_eff)


def test_precision_has_an_interval_of_wilson_by_type_and_a_total_weighted_by_size(tmp_path: Path) -> None:
    with opened(tmp_path / "labels.db", "sample") as log:
        sampled(log, organ=(300, 30), finding=(100, 10))
        answered(log, "organ", yes=24, no=6)
        answered(log, "finding", yes=5, no=4, unsure=1)
        found = concept_precision(log, VISIBLE)
    organ, finding = found.strata
    assert organ[:7] == ("organ", 300, 30, 24, 6, 0, 0) and finding[:7] == ("finding", 100, 10, 5, 4, 1, 0)
    assert organ.precision is not None and finding.precision is not None and found.total.precision is not None
    assert organ.precision == pytest.approx((0.8, *by_hand(24, 30, 300)), abs=1e-5)
    assert organ.precision == pytest.approx((0.8, 0.6364, 0.9014), abs=1e-4)  # with 33.22 for 30
    assert finding.precision == pytest.approx((5 / 9, *by_hand(5, 9, 100)), abs=1e-5)
    # Three quarters of the concepts are organs; the unsure answer counts neither as yes nor as no.
    value = 0.75 * 0.8 + 0.25 * 5 / 9
    below = math.hypot(*(w * (e.value - e.low) for w, e in ((0.75, organ.precision), (0.25, finding.precision))))
    above = math.hypot(*(w * (e.high - e.value) for w, e in ((0.75, organ.precision), (0.25, finding.precision))))
    assert found.total.precision == pytest.approx((value, value - below, value + above), abs=1e-9)
    assert found.total[:7] == ("all", 400, 40, 29, 10, 1, 0)


def test_concepts_without_a_label_and_disputed_ones_are_open(tmp_path: Path) -> None:
    with opened(tmp_path / "labels.db", "sample") as log:
        sampled(log, organ=(50, 5), device=(10, 2))
        answered(log, "organ", yes=2)
        answered(log, "organ", "a2", yes=1, no=1)
        labelled(log, "elsewhere", "yes", round="sample", task="visible", concept=LUNG)
        found = concept_precision(log, VISIBLE)
    assert found.strata[0][:7] == ("organ", 50, 5, 1, 0, 0, 4)
    assert found.strata[1] == StratumPrecision("device", 10, 2, 0, 0, 0, 2, None)
    assert found.total.open == 6


def test_labels_of_other_rounds_do_not_count(tmp_path: Path) -> None:
    with opened(tmp_path / "labels.db", "sample", "first") as log:
        sampled(log, organ=(50, 5))
        labelled(log, "organ0", "yes", task="visible", concept=LUNG)
        found = concept_precision(log, VISIBLE)
        assert found.total[3:] == (0, 0, 0, 5, None)


def test_a_missing_sample_several_samples_and_a_task_about_images_are_reported(tmp_path: Path) -> None:
    with opened(tmp_path / "labels.db", "sample", "second") as log:
        with pytest.raises(DataError, match=r"no sample of 'visible' in .*labels\.db"):
            concept_precision(log, VISIBLE)
        sampled(log, organ=(50, 5))
        with pytest.raises(DataError, match="no sample of 'visible' in the round 'second'"):
            concept_precision(log, VISIBLE, "second")
        with pytest.raises(UsageError, match="unknown round 'secand'"):
            concept_precision(log, VISIBLE, "secand")
        sampled(log, "second", organ=(50, 10))
        with pytest.raises(UsageError, match="several samples of 'visible'") as caught:
            concept_precision(log, VISIBLE)
        assert caught.value.hint == "name one: --round sample or second"
        assert concept_precision(log, VISIBLE, "second").total.drawn == 10
        with pytest.raises(UsageError, match="the task 'modality' asks about images"):
            concept_precision(log, TASKS["modality"])
