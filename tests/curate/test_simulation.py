"""Annotators with known errors label over HTTP: agreement, decisions and final labels are as counted by hand."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from roco.curate.resolve import resolve
from tests.curate.figures import row
from tests.curate.servers import Browser, server

LABELS = ("DRCT", "DRXR", "DRMR")
N = 300
ERRORS = {"a1": 0.1, "a2": 0.25}
TRUTH = {row(number)["image_key"]: LABELS[number % 7 % 3] for number in range(N)}


def answers(annotator: str) -> dict[str, str]:
    """Returns what an annotator answers for each figure: the truth, or a wrong label at the annotator's error rate."""
    rng = random.Random(annotator)
    found = {}
    for key, truth in TRUTH.items():
        wrong = [label for label in LABELS if label != truth]
        found[key] = rng.choice(wrong) if rng.random() < ERRORS[annotator] else truth
    return found


def labelled(browser: Browser, annotator: str) -> dict[str, str]:
    """Labels page after page until nothing is left; returns the labels that were given."""
    answer, given = answers(annotator), {}
    while figures := browser.page(annotator=annotator)["figures"]:
        entries = [{"key": one["key"], "label": answer[one["key"]]} for one in figures if one["mine"] is None]
        assert entries
        assert browser.label(*entries, batch=f"{annotator}-{len(given)}", by=annotator).status_code == 200
        given |= {one["key"]: one["label"] for one in entries}
    return given


def kappa(counts: Counter[tuple[str, str]]) -> float:
    """Returns Cohen's kappa from the counts of pairs."""
    n = sum(counts.values())
    agree = sum(counts[label, label] for label in LABELS) / n
    first = {label: sum(m for (one, _), m in counts.items() if one == label) / n for label in LABELS}
    second = {label: sum(m for (_, other), m in counts.items() if other == label) / n for label in LABELS}
    chance = sum(first[label] * second[label] for label in LABELS)
    return (agree - chance) / (1 - chance)


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    return Browser(server(tmp_path, n=N, double=0.4))


def decide(browser: Browser, first: str, second: str) -> set[str]:
    """Decides each figure of a cell by the truth; returns the figures."""
    pair = {"first": "a1", "second": "a2", "row": first, "column": second, "annotator": "judge"}
    answer = browser.http.get("/api/cell", params={"task": "modality", **pair})
    assert answer.status_code == 200, answer.text
    keys = [figure["key"] for figure in answer.json()["figures"]]
    for key in keys:
        act = {"key": key, "label": TRUTH[key], "origin": "adjudicated"}
        assert browser.label(act, batch=f"judge-{key[-20:]}", by="judge").status_code == 200
    return set(keys)


def test_agreement_decisions_and_final_labels_are_as_counted_by_hand(browser: Browser) -> None:
    one, two = labelled(browser, "a1"), labelled(browser, "a2")
    twice = one.keys() & two.keys()
    # The first annotator labels everything, the second what two people label.
    assert one.keys() == TRUTH.keys() and two.keys() == twice and 0.3 * N < len(twice) < 0.5 * N
    counts = Counter((one[key], two[key]) for key in twice)
    differ = {key for key in twice if one[key] != two[key]}
    assert len(differ) > 20

    found: dict[str, Any] = browser.http.get("/api/agree", params={"task": "modality"}).json()["tasks"][0]
    assert found["n"] == len(twice) and found["labels"] == [label for label in found["labels"] if label in LABELS]
    assert found["matrix"] == [[counts[a, b] for b in found["labels"]] for a in found["labels"]]
    assert found["value"] == pytest.approx(kappa(counts), abs=1e-9)

    log = browser.server.log
    assert log is not None

    def final() -> dict[str, str]:
        return {one.image_key: one.label for one in resolve(log, "modality", ["curated"]).resolved}

    agreed = {key: one[key] for key in TRUTH if key not in differ}
    assert final() == agreed  # disagreement stays unresolved
    decided = [decide(browser, a, b) for a in LABELS for b in LABELS if a != b]
    assert sum(len(keys) for keys in decided) == len(differ) and set().union(*decided) == differ
    assert final() == agreed | {key: TRUTH[key] for key in differ}
    both_wrong = sum(one[key] != TRUTH[key] for key in twice - differ)
    once_wrong = sum(one[key] != TRUTH[key] for key in TRUTH.keys() - twice)
    assert sum(final()[key] != TRUTH[key] for key in TRUTH) == both_wrong + once_wrong > 0
