"""A representative subset for a round: population, strata, allocation, weights, drawing again."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from roco.base.errors import RejectedInput, UsageError
from roco.curate.corpus import Corpus
from roco.curate.log import Log
from roco.curate.raters import RaterLabels
from roco.curate.sample import proportional, smallest
from roco.curate.subset import Draw, Share, draw_subset
from tests.curate.figures import corpus, row
from tests.curate.logs import TASKS, labelled, opened
from tests.curate.servers import Browser, entry, server


def figures(n: int = 90) -> Corpus:
    return corpus([row(number) for number in range(n)])


def key(number: int) -> str:
    return str(row(number)["image_key"])


def drawing(log: Log, of: Corpus, task: str = "modality", n: int = 30, by: str = "", **more: Any) -> tuple[Share, ...]:
    draw = Draw(task=TASKS[task], n=n, by=by or task, seed=more.pop("seed", 1), tasks=TASKS)
    settings = {"round": "expert", "annotator": "lead", "blind": True, **more}
    return draw_subset(log, of, draw, **settings).shares


def drawn(log: Log, task: str = "modality", round: str = "expert") -> set[tuple[str, str]]:
    return {(event.image_key, event.concept) for event in log.standing("sample", task, rounds=[round])}


# --- allocation -------------------------------------------------------------------------------------------------------


def test_a_sample_is_divided_in_proportion_by_the_largest_remainder() -> None:
    # Shares of 10 of 100: 4.7, 3.1, 2.2; the one that is left over goes to the fraction .7.
    assert proportional([47, 31, 22], 10) == [5, 3, 2]
    assert proportional([50, 30, 20], 10) == [5, 3, 2]


def test_every_stratum_gets_at_least_one_and_the_others_divide_the_rest() -> None:
    assert proportional([1000, 1, 1], 10) == [8, 1, 1]
    # 4 of 9 are 3.1, .4 and .4: with one each, 2 are left for the first.
    assert proportional([7, 1, 1], 4) == [2, 1, 1]
    assert proportional([3, 3, 3], 3) == [1, 1, 1]


@pytest.mark.parametrize("sizes", [[1, 2, 3, 50], [5, 5, 5], [1] * 7, [1, 1, 1, 1, 96], [900, 40, 3, 2]])
def test_no_stratum_gets_more_than_it_has_or_nothing_whatever_is_drawn(sizes: list[int]) -> None:
    for n in range(len(sizes), sum(sizes) + 1):
        shares = proportional(sizes, n)
        assert sum(shares) == n
        assert all(1 <= share <= size for share, size in zip(shares, sizes, strict=True))


def test_a_sample_larger_than_the_population_or_smaller_than_the_strata_is_refused() -> None:
    with pytest.raises(UsageError, match="a sample of 7, but only 6 to draw from"):
        proportional([3, 3], 7)
    with pytest.raises(UsageError, match="a sample of 1 from 2 strata"):
        proportional([3, 3], 1)


def test_a_larger_choice_contains_the_smaller_one() -> None:
    texts = [f"x{number}" for number in range(50)]
    assert smallest(texts, 20)[:5] == smallest(texts, 5)
    assert smallest(texts, 20) != list(range(20))


# --- drawing ----------------------------------------------------------------------------------------------------------


def test_strata_are_resolved_labels_and_guesses_where_nobody_labelled(tmp_path: Path) -> None:
    with opened(tmp_path / "labels.db", "first", "blind1") as log:
        for number in range(0, 30, 3):  # guessed as CT: OTHER by people
            labelled(log, key(number), "OTHER")
        labelled(log, key(1), "DRMR", round="blind1")  # a blind round does not count
        labelled(log, key(4), "DRMR")  # two people who disagree: the guess counts
        labelled(log, key(4), "DRUS", by="a2")
        assert drawing(log, figures(), n=9) == (
            Share("DRCT", 20, 2), Share("DRMR", 30, 3), Share("DRXR", 30, 3), Share("OTHER", 10, 1),
        )  # fmt: skip
        sample = RaterLabels.of(log).sample("modality", [image for image, _ in drawn(log)])
        assert Counter(sample.strata.values()) == {"DRCT": 2, "DRMR": 3, "DRXR": 3, "OTHER": 1}
        assert sum(sample.weights.values()) == pytest.approx(90)
        assert log.rounds()["expert"].blind


def test_images_that_people_exclude_belong_to_the_population_and_dropped_ones_do_not(tmp_path: Path) -> None:
    rows = [row(number, stage="license" if number < 10 else None) for number in range(40)]
    with opened(tmp_path / "labels.db", "first") as log:
        for number in range(20, 40):
            labelled(log, key(number), "UNKNOWN")
        shares = drawing(log, corpus(rows), n=30)
        assert sum(share.size for share in shares) == 30
        assert shares[-1] == Share("UNKNOWN", 20, 20)


def test_region_is_drawn_from_xrays_by_label_or_else_by_guess(tmp_path: Path) -> None:
    with opened(tmp_path / "labels.db", "first") as log:
        labelled(log, key(1), "DRCT")  # guessed as an X-ray
        labelled(log, key(0), "DRXR")  # guessed as CT
        labelled(log, key(4), "chest", task="region")
        drawing(log, figures(30), "region", n=10)
        assert {image for image, _ in drawn(log, "region")} == {key(0), *(key(n) for n in range(4, 30, 3))}
        assert {event.label for event in log.standing("sample", "region")} == {"chest", "none"}
        with pytest.raises(UsageError, match="a sample of 11, but 'region' is asked for only 10 images"):
            drawing(log, figures(30), "region", n=11, round="another")


def test_concepts_are_drawn_by_semantic_type_from_the_images_of_a_release(tmp_path: Path) -> None:
    lung, liver, pneumonia = "C0024109", "C0023884", "C0032285"
    rows = [row(number, concepts_auto=[lung, pneumonia] if number % 2 else [liver]) for number in range(20)]
    rows.append(row(20, concepts_auto=[lung], stage="cutoff", drop="rare"))
    images = corpus(rows)
    images.asked[:] = True  # an image that was dropped after the guess can be labelled, but is not in the release
    with opened(tmp_path / "labels.db", "first") as log:
        shares = drawing(log, images, "visible", n=15, by="type")
        assert shares == (Share("Body Part, Organ, or Organ Component", 20, 10), Share("Disease or Syndrome", 10, 5))
        assert all(concept in (lung, liver, pneumonia) for _, concept in drawn(log, "visible"))
        by_modality = drawing(log, images, "visible", n=6, by="modality", round="other")
        assert [share.stratum for share in by_modality] == ["DRCT", "DRMR", "DRXR"]
        with pytest.raises(UsageError, match="unknown strata 'modalty' for 'visible'"):
            drawing(log, images, "visible", n=6, by="modalty", round="third")
        with pytest.raises(UsageError, match="unknown strata 'type' for 'modality'"):
            drawing(log, corpus(rows), n=6, by="type", round="third")


def test_the_same_draw_is_continued_and_another_one_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path / "labels.db", "first") as log:
        first = drawing(log, figures())
        chosen, events = drawn(log), log.newest
        for number in range(30):
            labelled(log, key(number), "DRPE")  # would make another draw
        assert drawing(log, figures()) == first
        assert (drawn(log), log.newest) == (chosen, events + 30)
        for other in ({"n": 31}, {"seed": 2}, {"by": "region"}):
            with pytest.raises(UsageError, match="has another sample of 'modality': 30 by modality, seed 1"):
                drawing(log, figures(), **other)  # type: ignore[arg-type]
        assert log.newest == events + 30


def test_seed_and_round_determine_the_choice(tmp_path: Path) -> None:
    with opened(tmp_path / "labels.db", "first") as log, opened(tmp_path / "other.db") as other:
        drawing(log, figures())
        drawing(other, figures())
        assert drawn(log) == drawn(other)
        drawing(log, figures(), round="second seed", seed=2)
        drawing(log, figures(), round="second round")
        choices = [drawn(log, round=name) for name in ("expert", "second seed", "second round")]
        assert len(set(map(frozenset, choices))) == 3


def test_a_sample_that_was_undone_can_be_drawn_again(tmp_path: Path) -> None:
    with opened(tmp_path / "labels.db") as log:
        drawing(log, figures())
        log.undo(log.standing("sample")[0].batch, annotator="lead")
        assert drawn(log) == set()
        drawing(log, figures(), n=12)
        assert len(drawn(log)) == 12


def test_a_refused_draw_opens_no_round(tmp_path: Path) -> None:
    with opened(tmp_path / "labels.db") as log:
        with pytest.raises(UsageError, match="asked for only 90 images"):
            drawing(log, figures(), n=91)
        assert log.newest == 0
        log.open_round("expert", annotator="lead")
        with pytest.raises(RejectedInput, match="the round 'expert' is not blind"):
            drawing(log, figures())


# --- the pages --------------------------------------------------------------------------------------------------------


def test_the_pages_ask_about_the_sample_alone(tmp_path: Path) -> None:
    served = server(tmp_path, n=90, round="expert", blind=True)
    assert served.log is not None
    drawing(served.log, served.corpus, n=12)
    drawing(served.log, served.corpus, "region", n=5)
    browser = Browser(served)
    assert {one["key"] for one in browser.page()["figures"]} == {image for image, _ in drawn(served.log)}
    of_region = {image for image, _ in drawn(served.log, "region")}
    assert {one["key"] for one in browser.page(task="region")["figures"]} == of_region
    # An image is asked for its region on the page of its modality only if it is in the sample of regions, too.
    for one in browser.page()["figures"]:
        assert ("region" in one["labels"]) == (one["key"] in of_region)
        assert "direction" in one["labels"]  # no sample of directions was drawn


def test_a_wrong_answer_about_a_concept_is_reported_for_that_concept(tmp_path: Path) -> None:
    rows = [row(1, concepts_auto=["C0024109", "C0032285"])]
    log = opened(tmp_path / "labels.db")
    browser = Browser(server(tmp_path, rows, log=log, tasks={"visible": TASKS["visible"]}, round="first"))
    decided = entry(1, "yes", concept="C0032285", origin="adjudicated")
    browser.label(decided, batch="b0", task="visible", by="judge")
    both = [entry(1, "no", concept="C0024109"), entry(1, "no", concept="C0032285")]
    wrong = browser.label(*both, batch="b1", task="visible").json()["wrong"]
    assert [(one["concept"], one["adjudicated"]) for one in wrong] == [("C0032285", "yes")]
    log.close()


def test_region_alone_is_asked_for_xrays_although_modality_is_not_asked(tmp_path: Path) -> None:
    only = {"region": TASKS["region"]}
    browser = Browser(server(tmp_path, n=30, tasks=only, others={"modality": TASKS["modality"]}))
    shown = browser.page(task="region")
    assert shown["total"] == 10
    assert [one["name"] for one in browser.http.get("/api/session").json()["tasks"]] == ["region"]
    refused = browser.label(entry(1, "DRCT"))
    assert refused.status_code == 422 and browser.events() == 1


def test_an_undone_sample_no_longer_restricts_the_pages(tmp_path: Path) -> None:
    served = server(tmp_path, n=30, round="expert")
    assert served.log is not None
    drawing(served.log, served.corpus, n=12, blind=False)
    browser = Browser(served)
    assert browser.page()["total"] == 12
    served.log.undo(served.log.standing("sample")[0].batch, annotator="lead")
    assert browser.page()["total"] == 30
