"""Measures how many figures of a realistic mix reach the network, what a figure costs, and what the gate loses."""

from __future__ import annotations

import csv
import io
import statistics
import tarfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benchmarks.corpora import PMC_IMAGES, SHARED, composed
from roco.models.images.backbone import Backbone
from roco.stages.embed import BATCH_OF_CPU, Embed
from roco.stages.filter import Filter
from roco.stages.image import Image
from roco.stages.layout import Layout
from roco.stages.score import Score

FIGURES = 1000
TOGETHER = 16
"""Figures that a worker processes together."""
GATE_RECALL = 0.995
SHARE_OF_RADIOLOGY = 188_537 / PMC_IMAGES
"""Of the images of PMC, those that the filters of the paper kept (ROCOv2, Dataset Creation)."""

SINGLE, COMPOUND, OTHER = "single radiology", "compound", "other single figures"
_CLASSES = {"radiology": SINGLE, "figure": OTHER, "compound_radiology": COMPOUND, "compound_figure": COMPOUND}


def real() -> dict[str, list[bytes]]:
    """Returns real images by class: those that were labelled by eye, and the figures of real articles."""
    found: dict[str, list[bytes]] = {SINGLE: [], COMPOUND: [], OTHER: []}
    folder = SHARED / "data" / "images"
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as fh:
        for row in csv.DictReader(fh):
            found[_CLASSES[row["class"]]].append((folder / row["path"]).read_bytes())
    return found


def of_packages(n: int = FIGURES) -> dict[str, list[bytes]]:
    """Returns the first figures of composed packages by their kind; files that are no images are left out."""
    package = composed(2000)
    found: dict[str, list[bytes]] = {SINGLE: [], COMPOUND: [], OTHER: []}
    with (package.parent / "truth.csv").open(encoding="utf-8", newline="") as fh:
        truth = list(csv.DictReader(fh))
    archives = {path.name.split(".")[0]: path for path in package.rglob("*.tar.gz")}
    kinds = {"compound": COMPOUND, "compound (real)": COMPOUND, "figure": OTHER}
    no_image = {"truncated image", "html as jpg", "missing file"}
    for row in truth:
        if sum(map(len, found.values())) == n:
            break
        if row["kind"] not in no_image:
            found[kinds.get(row["kind"], SINGLE)].append(_member(archives[row["pmcid"]], row["file"]))
    return found


def _member(archive: Path, name: str) -> bytes:
    with tarfile.open(archive) as tar:
        member = next(one for one in tar.getmembers() if one.name.endswith("/" + name))
        file = tar.extractfile(member)
        assert file is not None
        return io.BytesIO(file.read()).getvalue()


class Mix:
    """The stages that filter figures, in the order of their cost."""

    def __init__(self) -> None:
        self.image, self.layout, self.embed = Image(), Layout(), Embed()
        self.gate_score = Score(head=Path("gate"))
        self.gate = Filter(head=Path("gate"), keep="candidate", recall=GATE_RECALL, name="gate")
        self.scores = [Score(head=Path(name)) for name in ("compound", "radiology")]
        self.filters = [
            Filter(head=Path("compound"), keep="single", name="compound"),
            Filter(head=Path("radiology"), keep="radiology", name="radiology"),
        ]

    def run(self, files: Sequence[bytes]) -> tuple[dict[str, int], dict[str, float]]:
        """Runs all figures; returns how many each step kept, and the CPU seconds of each kind of work."""
        counts, seconds = Counter[str](), Counter[str]()
        for start in range(0, len(files), TOGETHER):
            self._some(figures(files[start : start + TOGETHER]), counts, seconds)
        return dict(counts), dict(seconds)

    def _some(self, table: pa.Table, counts: Counter[str], seconds: Counter[str]) -> None:
        started = time.process_time()
        table = kept(self.image(table, ("small", "thumbnail")))
        counts["decoded"] += len(table)
        seconds["image"] += time.process_time() - started
        started = time.process_time()
        table = kept(self.gate(self.gate_score(self.layout(table))))
        counts["reach the network"] += len(table)
        seconds["gate"] += time.process_time() - started
        started = time.process_time()
        table = self.embed(table)
        for score, decision in zip(self.scores, self.filters, strict=True):
            table = kept(decision(score(table)))
        counts["kept"] += len(table)
        seconds["network and heads"] += time.process_time() - started


def figures(files: Sequence[bytes], caption: str = "") -> pa.Table:
    """Returns figures as the stages read them, with the bytes of their images."""
    n = len(files)
    columns: Mapping[str, Any] = {
        "figure_id": [str(i) for i in range(n)],
        "drop": pa.nulls(n, pa.string()),
        "drop_detail": pa.nulls(n, pa.string()),
        "article_key": ["PMC1"] * n,
        "file": ["figure.jpg"] * n,
        "bytes": pa.array(files, pa.large_binary()),
        "caption": [caption] * n,
        "n_graphics": pa.array([1] * n, pa.int32()),
    }
    return pa.table(columns)


def kept(table: pa.Table) -> pa.Table:
    return table.filter(pc.is_null(table["drop"]))


def network(rounds: int) -> float:
    """Returns CPU milliseconds of the network alone, an image."""
    backbone = Backbone.load()
    rng = np.random.default_rng(0)
    tensors = rng.normal(0, 1, (TOGETHER, 3, backbone.size, backbone.size)).astype(np.float32)
    times = []
    for _ in range(rounds + 1):
        started = time.process_time()
        alone(backbone, tensors)
        times.append((time.process_time() - started) / TOGETHER * 1e3)
    return statistics.median(times[1:])


def alone(backbone: Backbone, tensors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns what the network makes of ready tensors, in the batches of the stage `embed`."""
    session = backbone._session
    name = session.get_inputs()[0].name
    starts = range(0, len(tensors), BATCH_OF_CPU)
    return np.concatenate([session.run(None, {name: tensors[i : i + BATCH_OF_CPU]})[0] for i in starts])


def mix(rounds: int) -> list[str]:
    """Returns the section of docs/benchmarks.md."""
    lines = [
        "",
        "## What reaches the network",
        "",
        f"`gate` at a recall of {100 * GATE_RECALL:.1f} % of single radiology images in its cross-validation, then",
        "`compound` and `radiology`. The shipped heads were trained on these images: shares are optimistic, times are",
        "not.",
        "",
        "| figures | number | of 1,000 reach the network | of 1,000 kept | image | gate | network and heads |",
        "|---|---|---|---|---|---|---|",
    ]
    run = Mix()
    of_networks, cost = [], {}
    for origin, classes in (("composed packages", of_packages()), ("real images", real())):
        for name, files in classes.items():
            of_networks.append(network(rounds))
            counts, seconds = run.run(files)
            n = counts["decoded"]
            reach, end = (1000 * counts.get(key, 0) / n for key in ("reach the network", "kept"))
            each = {key: value / len(files) * 1e3 for key, value in seconds.items()}
            cost[origin, name] = (reach, end, each, len(files))
            lines.append(_row(f"{origin}: {name}", f"{n:,}", reach, end, each))
    lines.append(_row("composed packages: all", *_weighted(cost, "composed packages", None)))
    others = 1 - SHARE_OF_RADIOLOGY
    shares = {SINGLE: SHARE_OF_RADIOLOGY, COMPOUND: others / 2, OTHER: others / 2}
    pmc = _weighted(cost, "real images", shares)
    lines.append(_row("real images, weighted as in PMC", *pmc))
    of_network = statistics.median(of_networks)
    beside = (pmc[3]["gate"] + pmc[3]["network and heads"]) / of_network
    whole = sum(pmc[3].values()) / of_network
    lost = 1000 - cost["real images", SINGLE][0], 1000 - cost["composed packages", SINGLE][0]
    return [
        *lines,
        "",
        "Times are CPU ms for each figure of the row. `image` decodes, hashes and makes the thumbnail, with filters or",
        f"without. As in PMC: {100 * SHARE_OF_RADIOLOGY:.1f} % single radiology (what the paper's filters kept), the",
        f"others half compound, half single. The network alone takes {of_network:.1f} ms an image. A figure of this",
        f"mix costs {beside:.2f} of that for gate, network and heads, and {whole:.2f} with `image`. Target: a third.",
        f"Of 1,000 single radiology images the gate drops {lost[0]:.0f} (real) and {lost[1]:.0f} (composed).",
    ]


def _weighted(
    cost: Mapping[tuple[str, str], Any], origin: str, shares: Mapping[str, float] | None
) -> tuple[str, float, float, dict[str, float]]:
    """Returns one row for all classes of an origin, by the given shares or by their numbers."""
    rows = {name: row for (one, name), row in cost.items() if one == origin}
    total = sum(row[3] for row in rows.values())
    weights = shares or {name: row[3] / total for name, row in rows.items()}
    reach, end = (sum(weights[name] * row[place] for name, row in rows.items()) for place in (0, 1))
    each = {
        key: sum(weights[name] * row[2][key] for name, row in rows.items())
        for key in ("image", "gate", "network and heads")
    }
    return "" if shares else f"{total:,}", reach, end, each


def _row(name: str, n: str, reach: float, end: float, each: Mapping[str, float]) -> str:
    times = " | ".join(f"{each[key]:.1f}" for key in ("image", "gate", "network and heads"))
    return f"| {name} | {n} | {reach:.0f} | {end:.0f} | {times} |"
