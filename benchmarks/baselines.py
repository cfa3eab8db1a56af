"""Trains small baselines on one half of the real images and scores them on the other, beside what needs no training.

    python -m benchmarks.baselines

Composed articles have real images, and real captions that fit the modality of their image but are of other images: a
network can learn modality and region from them, and nothing else. The halves have no image group in common. Every image
of the other half is scored, whatever its split, by models that never saw that half; each half is trained on once.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import roco
from benchmarks.corpora import BENCH, SHARED
from roco.base import labels
from roco.baselines import scores
from roco.evaluate.prediction_file import read_bytes

ARTICLES = 400
HALVES = ("even", "odd")

_B0 = ("backbone=efficientnet_b0", "weights=scratch", "image_size=128", "batch=16", "epochs=30", "lr=1e-3")
_LITE0 = ("backbone=tf_efficientnet_lite0", "image_size=128", "batch=16", "epochs=20", "lr=3e-4")
_AVERAGE = ("averaging=0.98",)

LITE0 = "LITE0"
"""Stands for the ImageNet weights, which training/lite0_weights.py converts."""


@dataclass(frozen=True)
class Trained:
    """A row of the table: what is trained, and the words of `roco train` after RELEASE and OUT."""

    name: str
    kind: str
    settings: Sequence[str] = ()
    words: Sequence[str] = ()


ROWS = (
    Trained("nearest neighbours, shipped backbone", "neighbours"),
    Trained("EfficientNet-B0, 128 px, from scratch", "concepts", (*_B0, *_AVERAGE)),
    Trained("EfficientNet-Lite0, 128 px, from ImageNet", "concepts", (*_LITE0, *_AVERAGE), ("--weights", LITE0)),
    Trained("the same, four tasks", "concepts",
            (*_LITE0, *_AVERAGE, "tasks=modality,region,direction,concepts"), ("--weights", LITE0)),
)  # fmt: skip


def main() -> None:
    releases = {half: release_of(half) for half in HALVES}
    weights = _weights()
    print("\n".join(_lines(releases, weights)))


def _lines(releases: dict[str, Path], weights: Path) -> list[str]:
    sizes = {half: len(roco.load(path)) for half, path in releases.items()}
    lines = [
        f"{sizes['even']} and {sizes['odd']} images; F1 of all of them, each predicted by models of the other half.",
        "",
    ]
    lines += ["| model | F1 (95 %) | more than the constant floor | more than the true modality | training |"]
    lines += ["|---|---|---|---|---|"]
    truths = {half: _truth(path) for half, path in releases.items()}
    floors = {half: _floors(releases[_other(half)], truths[half]) for half in HALVES}
    articles = _joined(truths[half].articles for half in HALVES)
    for name, which in (
        ("most frequent concepts of train, for every image", 0),
        ("the true modality and nothing else", 1),
    ):
        values = np.concatenate([floors[half][which] for half in HALVES])
        lines.append(f"| {name} | {_value(values, articles)} | | | |")
    for row in ROWS:
        values, seconds = [], 0.0
        for half in HALVES:
            predictions, taken = _predictions(row, releases[_other(half)], releases[half], weights)
            values.append(_f1(predictions, truths[half]))
            seconds += taken
        f1 = np.concatenate(values)
        differences = [f1 - np.concatenate([floors[half][which] for half in HALVES]) for which in (0, 1)]
        cells = [_value(f1, articles), *(_value(one, articles, "+") for one in differences), f"{seconds / 2:.0f} s"]
        lines.append(f"| {row.name} | {' | '.join(cells)} |")
    return lines


# --- scores ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Truth:
    """The images of a half. concepts: of each image. articles: a number for each image."""

    ids: list[str]
    concepts: list[frozenset[str]]
    modalities: list[frozenset[str]]
    articles: NDArray[np.int64]


def _truth(release: Path) -> _Truth:
    data = roco.load(release)
    concepts = [frozenset(cuis) for cuis in data.column("concepts").to_pylist()]
    modalities = labels.cuis("modality")
    return _Truth(
        data.column("id").to_pylist(), concepts, [cuis & modalities for cuis in concepts], scores.articles_of(data)
    )


def _f1(predicted: Sequence[frozenset[str]], truth: _Truth) -> NDArray[np.float64]:
    """Returns the F1 of each image, 2|G∩P| / (|G|+|P|)."""
    pairs = zip(truth.concepts, predicted, strict=True)
    return np.array([2 * len(true & guess) / max(1, len(true) + len(guess)) for true, guess in pairs])


def _floors(train: Path, truth: _Truth) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns the F1 of the best constant prediction of the other half's train, and of the true modality alone."""
    data = roco.load(train, split="train")
    trained = scores.truth_of(data.column("concepts").to_pylist(), data.vocabulary)
    constant = frozenset(scores.best_constant(trained, data.vocabulary))
    return _f1([constant] * len(truth.ids), truth), _f1(truth.modalities, truth)


def _value(values: NDArray[np.float64], articles: NDArray[np.int64], sign: str = "") -> str:
    found = scores.measured(values, articles)
    return f"{found.value:{sign}.3f} ({found.low:{sign}.3f} to {found.high:{sign}.3f})"


def _joined(parts: object) -> NDArray[np.int64]:
    """Returns the articles of both halves with numbers that differ."""
    found: list[NDArray[np.int64]] = []
    for part in parts:  # type: ignore[attr-defined]
        found.append(part + (found[-1].max() + 1 if found else 0))
    return np.concatenate(found)


# --- models ---------------------------------------------------------------------------------------------------------


def _predictions(row: Trained, train: Path, test: Path, weights: Path) -> tuple[list[frozenset[str]], float]:
    """Trains on one half and predicts the other; returns the concepts of each image and seconds of training."""
    with tempfile.TemporaryDirectory() as folder:
        model, out = Path(folder) / "model", Path(folder) / "predictions.csv"
        words = [str(weights) if word == LITE0 else word for word in row.words]
        settings = [word for setting in row.settings for word in ("--set", setting)]
        started = time.monotonic()
        run_roco("train", row.kind, str(train), str(model), *settings, *words)
        seconds = time.monotonic() - started
        run_roco("predict", str(model), str(test), "--split", "all", "--out", str(out), *_task(row))
        lines = read_bytes(out).decode().splitlines()[1:]
    cells = dict(line.split(",", 1) for line in lines)
    ids = roco.load(test).column("id").to_pylist()
    return [frozenset(filter(None, cells[id].split(";"))) for id in ids], seconds


def _task(row: Trained) -> tuple[str, ...]:
    return ("--task", "concepts") if any(setting.startswith("tasks=") for setting in row.settings) else ()


def _other(half: str) -> str:
    return HALVES[1 - HALVES.index(half)]


def _weights() -> Path:
    out = BENCH / "lite0.safetensors"
    if not out.exists():
        out.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [sys.executable, "-m", "training.lite0_weights", str(out)], check=True, stdout=subprocess.DEVNULL
        )
    return out


def release_of(half: str) -> Path:
    """Returns a release of one half of the image groups; it is made once and stored in .bench."""
    folder = BENCH / f"half-{half}"
    release = folder / "run" / "release"
    if not release.is_dir():
        tool = SHARED / "tools" / "compose_packages.py"
        if not tool.exists():
            sys.exit("the composing tool is missing: set ROCO_SHARED to a folder with data/ and tools/")
        words = [str(folder / "corpus"), "--articles", str(ARTICLES), "--images", half, "--layout", "package"]
        subprocess.run([sys.executable, str(tool), *words], check=True, stdout=subprocess.DEVNULL)
        recipe = folder / "run.toml"
        source = '[source]\nkind = "package"\npath = "corpus/package/oa_package"\n'
        recipe.write_text(f'[run]\nfolder = "run"\nbase = "rocov2"\n\n{source}', encoding="utf-8")
        run_roco("run", str(recipe))
    return release


def run_roco(*words: str) -> None:
    """Runs a command of roco; raises CalledProcessError if it fails."""
    command = [sys.executable, "-m", "roco", "-q", *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
