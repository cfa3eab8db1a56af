"""The projection of measured costs to a corpus and a number of machines."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.core.cost import Calibration, Corpus, Cost, Machines, estimate

STAGES = ("read_xml", "gate", "embed")


def group(embed: float = 0.8, reach: int = 4) -> Cost:
    """Ten articles with 20 figures, `reach` of which pass the gate."""
    return Cost(
        articles=10,
        figures=20,
        kept=reach,
        cpu={"read": 0.1, "read_xml": 0.05, "gate": 0.02, "embed": embed, "pack": 0.01, "write": 0.02},
        rows={"read_xml": 25, "gate": 20, "embed": reach},
        n_bytes=40_000_000,
        n_requests=30,
        disk={"measures": 20_000, "decisions": 1000, "images": 400_000},
        image_bytes=320_000,
    )


def measured(*groups: Cost, is_remote: bool = False) -> Calibration:
    return Calibration(
        first="read_xml",
        stages=STAGES,
        groups=groups or (group(),),
        part=Cost(cpu={"write": 0.01}, disk={"measures": 5000}),
        seconds=1.0,
        worker_bytes=300_000_000,
        driver_bytes=100_000_000,
        listing_bytes=200.0,
        is_remote=is_remote,
    )


articles = st.integers(1, 10_000_000)
counts = st.integers(1, 500)
rates = st.floats(1e3, 1e12)


def test_the_cost_of_a_stage_is_that_of_one_figure_times_the_figures_that_reach_it() -> None:
    plan = estimate(measured(), Corpus(articles=2000, figures=4000), Machines())
    by_stage = {stage.stage: stage for stage in plan.stages}
    assert by_stage["embed"].n == 800  # a fifth of the figures pass the gate
    assert by_stage["embed"].seconds == pytest.approx(0.2)
    assert by_stage["embed"].hours == pytest.approx(800 * 0.2 / 3600)
    assert by_stage["read_xml"].units == "articles"
    assert by_stage["read_xml"].hours == pytest.approx(2000 * 0.005 / 3600)
    assert by_stage["write"].hours == pytest.approx((2000 * 0.002 + plan.parts * 0.01) / 3600)
    assert plan.hours == pytest.approx(sum(stage.hours for stage in plan.stages))


def test_without_gates_every_figure_is_embedded() -> None:
    plan = estimate(measured(), Corpus(articles=2000, figures=4000), Machines())
    embed = next(stage for stage in plan.stages if stage.stage == "embed")
    assert plan.hours_without_filters - plan.hours == pytest.approx(embed.hours * 4)


def test_the_figures_that_reach_a_stage_can_be_those_of_a_run() -> None:
    corpus = Corpus(articles=2000, figures=4000, rows={"embed": 10, "pack": 5}, rows_of=1000)
    by_stage = {stage.stage: stage for stage in estimate(measured(), corpus, Machines()).stages}
    assert by_stage["embed"].n == 40
    assert by_stage["pack"].n == 20
    assert by_stage["gate"].n == 4000  # which the run does not have


@given(articles, st.floats(0.1, 20))
def test_twice_the_articles_take_twice_the_hours_and_bytes(n: int, per_article: float) -> None:
    calibration = measured()
    one = estimate(calibration, Corpus(articles=n, figures=n * per_article), Machines())
    two = estimate(calibration, Corpus(articles=2 * n, figures=2 * n * per_article), Machines())
    of_parts = calibration.part.cpu["write"] / 3600
    assert two.hours - two.parts * of_parts == pytest.approx(2 * (one.hours - one.parts * of_parts))
    assert two.n_bytes == pytest.approx(2 * one.n_bytes)
    assert two.disk["images"] == pytest.approx(2 * one.disk["images"])
    assert two.driver_bytes > one.driver_bytes


@given(articles, counts, counts, counts, rates, rates, st.booleans())
def test_more_machines_never_take_longer_and_never_beat_the_physical_limits(
    n: int, machines: int, more: int, cores: int, bits: float, requests: float, is_remote: bool
) -> None:
    calibration, corpus = measured(is_remote=is_remote), Corpus(articles=n, figures=2 * n)
    few = Machines(machines=machines, cores=cores, bits_per_second=bits, requests_per_second=requests)
    many = dataclasses.replace(few, machines=machines + more)
    slow, fast = (estimate(calibration, corpus, bought) for bought in (few, many))
    assert fast.elapsed_hours <= slow.elapsed_hours
    assert fast.elapsed_hours >= 8 * n * 4_000_000 / bits / 3600 * (1 - 1e-9)
    assert not is_remote or fast.elapsed_hours >= n * 3 / requests / 3600 * (1 - 1e-9)
    assert fast.elapsed_hours >= fast.hours / fast.parts  # one part is not divided
    assert slow.hours_by_limit[slow.limit] == slow.elapsed_hours


def test_requests_limit_only_sources_over_a_network() -> None:
    slow = Machines(requests_per_second=0.001)
    assert estimate(measured(), Corpus(articles=100, figures=200), slow).hours_by_limit["requests"] == 0
    assert estimate(measured(is_remote=True), Corpus(articles=100, figures=200), slow).limit == "requests"


def test_all_cores_are_paid_for_until_the_end() -> None:
    corpus = Corpus(articles=10_000_000, figures=20_000_000)
    plan = estimate(measured(), corpus, Machines(machines=3, cores=4, price=0.5, bits_per_second=1e12))
    assert plan.limit == "computing"
    assert plan.total_price == pytest.approx(0.5 * plan.hours)
    waiting = estimate(measured(), corpus, Machines(machines=3, cores=4, price=0.5, bits_per_second=1e6))
    assert waiting.limit == "network"
    assert waiting.total_price == pytest.approx(0.5 * 12 * waiting.elapsed_hours)


def test_the_range_contains_the_estimate_and_grows_with_the_spread_of_the_sample() -> None:
    corpus = Corpus(articles=2000, figures=4000)
    alike = estimate(measured(*[group()] * 8), corpus, Machines())
    spread = estimate(measured(*[group(embed, reach) for embed, reach in ((0.2, 1), (1.4, 7)) * 4]), corpus, Machines())
    assert alike.low == pytest.approx(alike.hours) == alike.high
    assert spread.hours == pytest.approx(alike.hours)
    assert spread.low is not None and spread.high is not None
    assert spread.low < 0.9 * spread.hours < 1.1 * spread.hours < spread.high


def test_a_sample_of_few_groups_has_no_range() -> None:
    plan = estimate(measured(group(), group(), group()), Corpus(articles=2000, figures=4000), Machines())
    assert plan.low is None and plan.high is None


def test_a_stage_that_no_figure_of_the_sample_reached_has_no_cost() -> None:
    plan = estimate(measured(group(embed=0.0, reach=0)), Corpus(articles=2000, figures=4000), Machines())
    embed = next(stage for stage in plan.stages if stage.stage == "embed")
    assert embed.seconds is None and embed.hours == 0
    assert plan.disk["release"] == 0
    assert math.isfinite(plan.hours_without_filters)


def test_the_disk_contains_what_each_part_needs() -> None:
    plan = estimate(measured(), Corpus(articles=2000, figures=4000), Machines())
    assert plan.disk == {
        "measures": 4000 * 1000 + plan.parts * 5000,
        "decisions": 4000 * 50,
        "images": 800 * 100_000,
        "release": 800 * 80_000,
    }
