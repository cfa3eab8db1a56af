"""Draws the funnel of a run: the figures kept and dropped at each stage, with the reasons.

`python -m roco.evaluate.report.funnel run/funnel.json funnel.svg` draws the funnel of any run.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from roco.base.json_text import parse_json

TEXT_COLOR, KEPT_COLOR, DROPPED_COLOR = "#1f2933", "#2a6f97", "#d98c5f"

WIDTH = 9.0  # inches
BAR_STEP = 0.42  # inches from one bar to the next
MARGINS = 0.9  # inches above and below the bars together
BAR_HEIGHT = 0.62  # of a step
SPACE_FOR_REASONS = 1.55  # width of the axis in multiples of the longest bar


def draw(funnel: Mapping[str, Any], path: Path, title: str = "") -> None:
    """Draws the content of a funnel.json to an SVG or PNG file; the same funnel gives the same bytes.

    One bar per stage: kept figures, then dropped figures, labelled with the reasons. title: by default the totals.
    """
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "roco"  # fixed ids in the SVG
    matplotlib.rcParams["svg.fonttype"] = "none"  # text stays text, so that it can be searched
    from matplotlib import pyplot

    stages = _drawn_stages(funnel)
    longest = max((stage["in"] for stage in stages), default=0) or 1
    figure, axes = pyplot.subplots(figsize=(WIDTH, BAR_STEP * len(stages) + MARGINS))
    for y, stage in enumerate(stages):
        kept, dropped = stage["kept"], stage["in"] - stage["kept"]
        axes.barh(y, kept, color=KEPT_COLOR, height=BAR_HEIGHT)
        axes.barh(y, dropped, left=kept, color=DROPPED_COLOR, height=BAR_HEIGHT)
        label_start = stage["in"] + longest * 0.012
        axes.text(label_start, y, _label(stage), va="center", fontsize=8.5, color=TEXT_COLOR)
    axes.set_yticks(range(len(stages)), [stage["stage"] for stage in stages], fontsize=9.5, color=TEXT_COLOR)
    axes.invert_yaxis()
    axes.set_xlim(0, longest * SPACE_FOR_REASONS)
    axes.xaxis.set_visible(False)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(length=0)
    axes.set_title(title or _title(funnel), loc="left", fontsize=10.5, color=TEXT_COLOR)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=150)
    pyplot.close(figure)


def _drawn_stages(funnel: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Returns the decisions, and the other stages that dropped figures."""
    return [stage for stage in funnel["stages"] if stage["dropped"] or stage["kind"] == "decision"]


def _label(stage: Mapping[str, Any]) -> str:
    """Returns the number of kept figures, and the dropped ones by reason."""
    kept = f"{stage['kept']:,}"
    reasons = ", ".join(f"{n:,} {reason}" for reason, n in stage["dropped"].items())
    return f"{kept}   −{reasons}" if reasons else kept


def _title(funnel: Mapping[str, Any]) -> str:
    # The source lists packages, which may contain several articles or none.
    articles = funnel.get("counts", {}).get("articles", funnel["source"]["articles"])
    figures, released = funnel["stages"][0]["in"], funnel["stages"][-1]["kept"]
    return f"{articles:,} articles, {figures:,} figures, {released:,} in the release"


if __name__ == "__main__":
    try:
        draw(parse_json(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))
    except IndexError:
        sys.exit("usage: python -m roco.evaluate.report.funnel FUNNEL.json PICTURE.svg")
    except (OSError, ValueError, KeyError) as err:
        sys.exit(f"error: cannot draw {sys.argv[1]}: {err}")
