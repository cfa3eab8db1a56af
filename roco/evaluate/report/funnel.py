"""The funnel of a run as a picture: what was in at each stage, and what left for which reason."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

INK, KEPT, LEFT = "#1f2933", "#2a6f97", "#d98c5f"


def draw(funnel: Mapping[str, Any], path: Path, title: str = "") -> None:
    """Draws a funnel.json to an SVG or PNG; the same funnel gives the same bytes.

    A bar a stage: figures that stay, then figures that leave with their reasons.
    """
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "roco"
    matplotlib.rcParams["svg.fonttype"] = "none"
    from matplotlib import pyplot

    bars = _bars(funnel)
    widest = max((b["in"] for b in bars), default=1) or 1
    figure, axes = pyplot.subplots(figsize=(9, 0.42 * len(bars) + 0.9))
    for y, bar in enumerate(bars):
        left = bar["in"] - bar["kept"]
        axes.barh(y, bar["kept"], color=KEPT, height=0.62)
        axes.barh(y, left, left=bar["kept"], color=LEFT, height=0.62)
        why = ", ".join(f"{n:,} {reason}" for reason, n in bar["dropped"].items())
        axes.text(bar["in"] + widest * 0.012, y, f"{bar['kept']:,}" + (f"   −{why}" if why else ""), va="center",
                  fontsize=8.5, color=INK)  # fmt: skip
    axes.set_yticks(range(len(bars)), [b["stage"] for b in bars], fontsize=9.5, color=INK)
    axes.invert_yaxis()
    axes.set_xlim(0, widest * 1.55)
    axes.xaxis.set_visible(False)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(length=0)
    axes.set_title(title or _title(funnel), loc="left", fontsize=10.5, color=INK)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=150)
    pyplot.close(figure)


def _bars(funnel: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The first stage, and every other that a figure could leave at or that decides."""
    return [s for s in funnel["stages"] if s["dropped"] or s["kind"] == "decision"]


def _title(funnel: Mapping[str, Any]) -> str:
    stages = funnel["stages"]
    return (
        f"{funnel['source']['articles']:,} articles, {stages[0]['in']:,} figures, {stages[-1]['kept']:,} in the release"
    )


if __name__ == "__main__":  # python -m roco.evaluate.report.funnel run/funnel.json funnel.svg
    draw(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))
