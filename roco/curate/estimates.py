"""Precision and recall of a filter, estimated from labels of a stratified sample, with 95 % intervals.

A stratum is a group of figures from which a simple random sample was labelled. Kept and dropped figures are in
different strata, so precision and recall are ratios of weighted sums of independent proportions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from roco.base.intervals import wilson

# Half the 5 % quantile of chi-square with 2, 4 and 6 degrees of freedom.
_POISSON = {1: 0.0512933, 2: 0.3553615, 3: 0.8176914}


class Tally(NamedTuple):
    """The labels in one stratum: its figures in the run, those labelled keep or drop, and those labelled keep."""

    size: int
    labelled: int
    wanted: int


class Estimate(NamedTuple):
    """An estimated value with the limits of its 95 % interval."""

    value: float
    low: float
    high: float


def share_interval(wanted: int, labelled: int, size: int) -> tuple[float, float]:
    """Returns the 95 % interval of the share of wanted figures in a stratum, from a sample without replacement.

    Wilson's score interval with the correction for proportions near 0 and 1 of Brown, Cai and DasGupta, "Interval
    estimation for a binomial proportion", Statistical Science 16 (2001), section 4.1.1. The number of labels is
    replaced by the effective one, n (N - 1) / (N - n), so a stratum that is labelled completely has no uncertainty.
    """
    if not labelled:
        return 0.0, 1.0
    if labelled >= size:
        return wanted / size, wanted / size
    unwanted = labelled - wanted
    effective = labelled * (size - 1) / (size - labelled)
    low, high = wilson(wanted / labelled * effective, effective)
    if wanted in _POISSON:
        low = min(low, _POISSON[wanted] / labelled)
    if unwanted in _POISSON:
        high = max(high, 1 - _POISSON[unwanted] / labelled)
    # What was labelled is certain.
    return max(low, wanted / size), min(high, 1 - unwanted / size)


def total(strata: Sequence[Tally]) -> Estimate | None:
    """Returns the number of wanted figures in some strata; None if none of their figures is labelled.

    The intervals of the strata are combined by MOVER, the method of variance estimates recovery: Zou, Huang and Zhang,
    "A note on confidence interval estimation for a linear function of binomial proportions", Computational Statistics
    & Data Analysis 53 (2009). For a stratum without labels the average of the others is the estimate, and everything
    from none to all of its figures the interval.
    """
    if not strata:
        return Estimate(0.0, 0.0, 0.0)
    labelled = [stratum for stratum in strata if stratum.labelled]
    if not labelled:
        return None
    size = sum(stratum.size for stratum in labelled)
    average = sum(stratum.size * stratum.wanted / stratum.labelled for stratum in labelled) / size
    value = below = above = 0.0
    for stratum in strata:
        share = stratum.wanted / stratum.labelled if stratum.labelled else average
        low, high = share_interval(stratum.wanted, stratum.labelled, stratum.size)
        value += stratum.size * share
        below += (stratum.size * (share - low)) ** 2
        above += (stratum.size * (high - share)) ** 2
    # At least what was labelled as wanted is wanted, and what was labelled as unwanted is not.
    least = sum(stratum.wanted for stratum in strata)
    most = sum(stratum.size - (stratum.labelled - stratum.wanted) for stratum in strata)
    return Estimate(value, max(least, value - math.sqrt(below)), min(most, value + math.sqrt(above)))


def precision(kept: Sequence[Tally]) -> Estimate | None:
    """Returns the share of wanted figures among the kept ones; None without kept figures or labels of them."""
    size = sum(stratum.size for stratum in kept)
    wanted = total(kept)
    if not size or wanted is None:
        return None
    return Estimate(*(limit / size for limit in wanted))


def recall(kept: Sequence[Tally], dropped: Sequence[Tally]) -> Estimate | None:
    """Returns the share of kept figures among the wanted ones; None if a side has no labels, or none is wanted.

    The interval contains each recall r for which (1 - r) K - r D may be 0, where K and D are the numbers of wanted
    figures among the kept and the dropped ones; the interval of this difference is again that of MOVER. This is the
    ratio of Donner and Zou, "Closed-form confidence intervals for functions of the normal mean and standard
    deviation", Statistical Methods in Medical Research 21 (2012), solved by bisection.
    """
    right, lost = total(kept), total(dropped)
    if right is None or lost is None or right.value + lost.value == 0:
        return None
    low = _root(right.value, right.value - right.low, lost.value, lost.high - lost.value, -1)
    high = _root(right.value, right.high - right.value, lost.value, lost.value - lost.low, 1)
    value = right.value / (right.value + lost.value)
    return Estimate(value, min(low, value), max(high, value))


def _root(right: float, right_error: float, lost: float, lost_error: float, sign: int) -> float:
    """Returns the recall at which a limit of (1 - r) K - r D is 0: the lower one for sign -1, the upper one for 1."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        error = math.hypot((1 - middle) * right_error, middle * lost_error)
        if (1 - middle) * right - middle * lost + sign * error > 0:
            low = middle
        else:
            high = middle
    return round(high, 12)  # so that it is 1 where it can come as close to 1 as one likes
