"""Why a run released nothing, or hardly anything: which stage dropped the figures."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from roco.base.errors import DataError
from roco.cli.output import count, safe, shown_path

if TYPE_CHECKING:
    from roco.core.run import Outcome

FEW_IMAGES = 10
"""Fewer images than these are hardly a release, unless they are most of the figures."""

SMALL_SHARE, MANY_IMAGES = 0.1, 1_000
"""So is a smaller share of the figures, unless it has that many images."""

Stage = Mapping[str, Any]
"""A stage of a funnel: stage, in, kept, and dropped by reason."""


def check_amount(outcome: Outcome, status: str) -> None:
    """Warns of a release with hardly any image; raises DataError if a complete run has released nothing.

    status: the command that shows the funnel.
    """
    stages = outcome.funnel["stages"]
    reason = why_empty(stages)
    if reason is not None:
        is_kept = outcome.release is None
        unchanged = f"; {shown_path(outcome.folder)}/release is unchanged" if is_kept else ""
        hint = f"relax that stage, or check its input; {status} shows all stages"
        raise DataError(f"nothing was released: {reason}{unchanged}", hint)
    reason = why_nearly_empty(stages)
    if reason is not None:
        print(safe(f"warning: the release has only {reason}"), file=sys.stderr)


def why_empty(stages: Sequence[Stage]) -> str | None:
    """Returns which stages dropped all figures; None if some are kept.

    stages: those of the funnel of a complete run.
    """
    if not stages or stages[-1]["kept"]:
        return None
    if not stages[0]["in"]:
        return "the articles contain no figures"
    last = next(stage for stage in stages if stage["in"] and not stage["kept"])
    most = _with_most_dropped(stages)
    if most is last:
        return f"stage '{last['stage']}' dropped {_dropped(last)}"
    return f"stage '{last['stage']}' dropped the last {_dropped(last)}; '{most['stage']}' had dropped {_dropped(most)}"


def why_nearly_empty(stages: Sequence[Stage]) -> str | None:
    """Returns which stage dropped most figures of a release with hardly any image; None if it has enough or none."""
    if not stages or not stages[-1]["kept"]:
        return None
    images, figures = stages[-1]["kept"], stages[0]["in"]
    is_few = images < FEW_IMAGES and 2 * images < figures
    is_small_share = images < SMALL_SHARE * figures and images < MANY_IMAGES
    if not is_few and not is_small_share:
        return None
    most = _with_most_dropped(stages)
    return f"{images:,} of {count('figure', figures)}; stage '{most['stage']}' dropped {_dropped(most)}"


def _with_most_dropped(stages: Sequence[Stage]) -> Stage:
    return max(stages, key=lambda stage: sum(stage["dropped"].values()))


def _dropped(stage: Stage) -> str:
    """Returns `45 of 48 figures (44 license, 1 retracted)`."""
    by_number = sorted(stage["dropped"].items(), key=lambda item: (-item[1], item[0]))
    reasons = ", ".join(f"{n:,} {reason}" for reason, n in by_number)
    n_dropped = sum(stage["dropped"].values())
    return f"{n_dropped:,} of {count('figure', stage['in'])} ({reasons})"
