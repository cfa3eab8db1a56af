"""The log of a training as CSV, its curves, and the trackers that can follow it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roco.base.errors import MissingExtra
from roco.base.files import full_disk, write_text
from roco.baselines.training.options import Tracker

HEADER = ("step", "epoch", "name", "value")
"""The columns: steps that are done, the epoch (from 1 on), what was measured, its value."""


class Log:
    """Appends values to a CSV file, and to a tracker if one is wanted.

    step: the last step that counts. Later lines, which a killed process wrote after its last checkpoint, are removed:
    they are written again.
    """

    def __init__(self, path: Path, step: int, tracker: Tracker = "", name: str = "") -> None:
        self._path = path
        if path.exists():
            kept = [row for row in read(path) if int(row[0]) <= step]
            write_text(path, _text([HEADER, *kept]))
        else:
            write_text(path, _text([HEADER]))
        self._tracker = _tracker(tracker, path.parent, name)

    def add(self, step: int, epoch: int, values: Mapping[str, float]) -> None:
        """Appends values that were measured after a step."""
        rows = [(str(step), str(epoch), name, repr(float(value))) for name, value in values.items()]
        try:
            with self._path.open("a", encoding="utf-8", newline="") as file:
                file.write(_text(rows))
        except OSError as err:
            raise full_disk(err, self._path) from err
        self._tracker(step, values)


def read(path: Path) -> list[tuple[str, str, str, str]]:
    """Returns the complete lines of a log; a last line that a kill cut off is left out."""
    rows = []
    for cells in list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))[1:]:
        if len(cells) == len(HEADER) and _is_number(cells[0]) and _is_number(cells[3]):
            rows.append((cells[0], cells[1], cells[2], cells[3]))
    return rows


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _text(rows: Any) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def _tracker(kind: Tracker, folder: Path, name: str) -> Any:
    """Returns a function that sends values to a tracker; one that ignores them if none is wanted."""
    if kind == "tensorboard":
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as err:
            raise MissingExtra("tensorboard", "trackers") from err
        writer = SummaryWriter(folder / "tensorboard")

        def send(step: int, values: Mapping[str, float]) -> None:
            for key, value in values.items():
                writer.add_scalar(key, value, step)
            writer.flush()

        return send
    if kind == "wandb":
        try:
            import wandb
        except ImportError as err:
            raise MissingExtra("wandb", "trackers") from err
        run = wandb.init(project="roco", name=name, dir=str(folder), resume="allow")
        return lambda step, values: run.log(dict(values), step=step)
    return lambda step, values: None


def curves(log: Path, out: Path) -> None:
    """Draws the losses by step and the scores by epoch as SVG."""
    import matplotlib

    matplotlib.use("svg", force=False)
    from matplotlib.figure import Figure

    series: dict[str, list[tuple[int, float]]] = {}
    for step, _, name, value in read(log):
        series.setdefault(name, []).append((int(step), float(value)))
    losses = {name: points for name, points in series.items() if name == "loss" or name.startswith("loss.")}
    scores = {name: points for name, points in series.items() if name.startswith("valid.")}
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    for axes, title, drawn in zip(figure.subplots(1, 2), ("Loss", "Scores on valid"), (losses, scores), strict=True):
        for name, points in drawn.items():
            axes.plot(*zip(*_thinned(points), strict=True), label=name, marker="." if len(points) < 30 else "", lw=1)
        axes.set_title(title)
        axes.set_xlabel("step")
        if drawn:
            axes.legend(frameon=False, fontsize="small")
        axes.spines[["top", "right"]].set_visible(False)
    with matplotlib.rc_context({"svg.hashsalt": "roco", "svg.fonttype": "none"}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": "roco"})


def _thinned(points: list[tuple[int, float]], most: int = 400) -> list[tuple[int, float]]:
    """Returns the means of neighbouring points, so that at most `most` are left."""
    size = -(-len(points) // most)
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    return [(group[-1][0], sum(value for _, value in group) / len(group)) for group in groups]
