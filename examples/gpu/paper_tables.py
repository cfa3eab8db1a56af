"""Trains every baseline of Tables 1 to 3 of the ROCOv2 paper, and better ones, and compares the scores with the paper.

    python examples/gpu/paper_tables.py ROCOV2 OUT

ROCOV2 is the published dataset, as its zips or unpacked. It takes one GPU, `pip install '.[train,text,neural]'`, and
a network for weights and metrics that are not cached yet. Each model, its predictions and its scores are a step.
A step that is done is skipped, and one that was interrupted is resumed: the same command goes on wherever it stopped.

    --imageclef FOLDER   also the rows of ImageCLEF 2023, whose files have to be requested from its organisers
    --only NAME          only these models, repeatable: paper-b0, roco-v2s, captions …
    --grid               search optimiser and learning rate again, as the paper did: 15 trainings for each network
    --smoke              seconds on a CPU with any small release: tiny networks; nothing is compared

The exit status is 1 if a score of the paper was missed by more than its margin.
"""

from __future__ import annotations

import argparse
import csv
import json
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MARGIN = {"f1": 0.015, "secondary_f1": 0.010, "bertscore_f1": 0.010, "rouge1": 0.015}
"""How far a score may be from the paper's. The margins are chosen, not measured: they allow for another seed, and for
what the paper leaves open: the file of weights, how images are scaled, the learning rate of the captions."""

CAPTION_METRICS = ("bertscore_f1", "rouge1", "bleurt", "bleu1", "meteor", "cider", "clipscore")


@dataclass(frozen=True)
class Model:
    """One row of the tables. paper: its scores as printed, by dataset; none for a model that the paper does not have.

    tiny: options that make it run in seconds, for --smoke.
    """

    name: str
    kind: str
    preset: str
    table: str
    tiny: Sequence[str] = ()
    paper: dict[str, dict[str, float]] = field(default_factory=dict)

    @property
    def task(self) -> str:
        return "captions" if self.kind == "captions" else "concepts"


TINY_NETWORK = ("backbone=test_efficientnet", "weights=scratch", "image_size=32", "epochs=1", "batch=8", "workers=0")
TINY_CAPTIONER = ("epochs=1", "batch=8", "workers=0")

MODELS = (
    Model("paper-b0", "concepts", "paper-b0", "Table 1", TINY_NETWORK, {
        "rocov2": {"f1": 0.5811, "secondary_f1": 0.9353}, "imageclef": {"f1": 0.5099, "secondary_f1": 0.9309}}),
    Model("paper-v2s", "concepts", "paper-v2s", "Table 1", TINY_NETWORK, {
        "rocov2": {"f1": 0.5925, "secondary_f1": 0.9430}, "imageclef": {"f1": 0.5215, "secondary_f1": 0.9407}}),
    Model("roco-b0", "concepts", "roco-b0", "Table 1", TINY_NETWORK),
    Model("roco-v2s", "concepts", "roco-v2s", "Table 1", TINY_NETWORK),
    Model("neighbours", "neighbours", "neighbours", "Table 1"),
    Model("captions", "captions", "paper", "Tables 2 and 3", TINY_CAPTIONER, {
        "rocov2": {"bertscore_f1": 0.6264, "rouge1": 0.2352, "bleurt": 0.3113, "bleu1": 0.1772, "meteor": 0.0821,
                   "cider": 0.2026, "clipscore": 0.8207},
        "imageclef": {"bertscore_f1": 0.6217, "rouge1": 0.2318, "bleurt": 0.3093, "bleu1": 0.1821, "meteor": 0.0813,
                      "cider": 0.1968, "clipscore": 0.8172}}),
    Model("captions-small", "captions", "small", "Tables 2 and 3", TINY_CAPTIONER),
)  # fmt: skip


def main() -> int:
    given = _arguments()
    datasets = {"rocov2": given.rocov2}
    if given.imageclef:
        datasets["imageclef"] = given.imageclef
    chosen = [model for model in MODELS if not given.only or model.name in given.only]
    rows = []
    for dataset, path in datasets.items():
        for model in chosen:
            folder = given.out / dataset / model.name
            started = time.monotonic()
            failure = _train(model, path, folder, given.smoke, given.grid) or _predict(folder, path)
            scores = {} if failure else _score(model, folder, path, given.smoke)
            rows += _compared(model, dataset, folder, scores, failure, time.monotonic() - started)
    _write(given.out, rows)
    missed = [row for row in rows if row["verdict"] == "missed"]
    return 1 if missed and not given.smoke else 0


# --- the steps ------------------------------------------------------------------------------------------------------


def _train(model: Model, data: Path, folder: Path, smoke: bool, grid: bool) -> str:
    """Trains a model on train, or on train and valid as in the paper; returns why it could not, or nothing."""
    if (folder / "model").is_dir():
        return ""
    words = ["train", model.kind, str(data), str(folder / "model"), "--preset", _preset(model, smoke)]
    if model.kind == "concepts":
        words += ["--final", "--cache", str(folder.parent / "cache")]
        words += ["--grid"] if grid and model.preset.startswith("paper") else []
    if smoke:
        words += [word for setting in model.tiny for word in ("--set", setting)]
    elif model.kind != "neighbours":
        words += ["--download"]
    return _run(words)


def _preset(model: Model, smoke: bool) -> str:
    return "tiny" if smoke and model.kind == "captions" else model.preset


def _predict(folder: Path, data: Path) -> str:
    out = folder / "predictions.csv"
    return "" if out.exists() else _run(["predict", str(folder / "model"), str(data), "--out", str(out)])


def _score(model: Model, folder: Path, data: Path, smoke: bool) -> dict[str, Any]:
    """Scores the predictions by the rules of ImageCLEF 2023, those of the paper."""
    file = folder / "scores.json"
    if not file.exists():
        words = ["evaluate", model.task, str(folder / "predictions.csv"), "--truth", str(data), "--json"]
        if model.task == "captions":
            metrics = ("rouge1", "bleu1") if smoke else CAPTION_METRICS
            words += [word for metric in metrics for word in ("--metric", metric)]
            words += [] if smoke else ["--download"]
        done = subprocess.run(_command(words), stdout=subprocess.PIPE, text=True)
        if done.returncode:
            return {}
        file.write_text(done.stdout, encoding="utf-8")
    scores: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["scores"]
    return scores


def _run(words: Sequence[str]) -> str:
    """Runs a command of roco; returns what went wrong, in one line, or nothing."""
    print(f"$ roco {shlex.join(words)}", flush=True)
    error = ""
    with subprocess.Popen(_command(words), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:  # shown at once: a training takes hours
            sys.stderr.write(line)
            error = line.strip() if line.startswith("error:") else error
    return "" if process.returncode == 0 else error or f"roco {words[0]} ended with status {process.returncode}"


def _command(words: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "roco", *words]


# --- the comparison -------------------------------------------------------------------------------------------------


def _compared(
    model: Model, dataset: str, folder: Path, scores: dict[str, Any], failure: str, seconds: float
) -> list[dict[str, Any]]:
    """Returns a row for each score: the paper's, ours with its interval, the difference, the margin, the verdict."""
    paper = model.paper.get(dataset, {})
    main = ("f1", "secondary_f1") if model.task == "concepts" else CAPTION_METRICS
    rows = []
    for name in main:
        found = scores.get(name)
        ours = found["value"] if isinstance(found, dict) else None
        expected, margin = paper.get(name), MARGIN.get(name)
        difference = ours - expected if ours is not None and expected is not None else None
        verdict = ""
        if expected is not None and margin is not None:
            verdict = "missed" if difference is None or abs(difference) > margin else "within the margin"
        rows.append({
            "table": model.table, "dataset": dataset, "model": model.name, "score": name, "paper": expected,
            "ours": ours, "low": found.get("low") if found else None, "high": found.get("high") if found else None,
            "difference": difference, "margin": margin if expected is not None else None, "verdict": verdict,
            "training_seconds": _training_seconds(folder), "seconds_of_this_call": round(seconds, 1),
            "problem": failure,
        })  # fmt: skip
    return rows


def _training_seconds(folder: Path) -> float | None:
    manifest = folder / "model" / "manifest.json"
    if not manifest.is_file():
        return None
    return json.loads(manifest.read_text(encoding="utf-8")).get("time", {}).get("seconds")  # type: ignore[no-any-return]


def _write(out: Path, rows: list[dict[str, Any]]) -> None:
    """Writes tables.csv and prints the rows as a Markdown table."""
    with (out / "tables.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    names = ("table", "dataset", "model", "score", "paper", "ours", "difference", "margin", "verdict", "problem")
    print(f"| {' | '.join(names)} |\n|{'---|' * len(names)}")
    for row in rows:
        print(f"| {' | '.join(_cell(row[name]) for name in names)} |")
    print(f"wrote {out / 'tables.csv'}", file=sys.stderr)


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)


def _arguments() -> Any:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rocov2", type=Path, metavar="ROCOV2")
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--imageclef", type=Path, metavar="FOLDER")
    parser.add_argument("--only", action="append", choices=[model.name for model in MODELS], metavar="NAME")
    parser.add_argument("--grid", action="store_true")
    parser.add_argument("--smoke", action="store_true")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    return given


if __name__ == "__main__":
    sys.exit(main())
