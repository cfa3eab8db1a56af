"""Several trainings of one command, each in a folder of its own: the search of the paper, and ablations.

`OUT.training/grid/adam-0.001/` is the model of one entry, `adam-0.001.training/` one that is not done, and
`adam-0.001.failed.json` the reason of one whose loss was not finite. A killed search goes on where it was.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import itertools
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from roco.base.errors import DataError, UsageError
from roco.base.files import digest, write_json, write_text
from roco.base.json_text import parse_json
from roco.baselines.training import presets
from roco.baselines.training.folder import CARD, FILE, Model, open_model, writing
from roco.baselines.training.learner import NotFinite
from roco.baselines.training.options import WITHOUT_EFFECT, Optimizer
from roco.baselines.training.presets import Preset
from roco.baselines.training.state import folder_of
from roco.baselines.vision.options import ConceptOptions

GRID = "grid"
ABLATIONS = "ablations"

OPTIMIZERS: tuple[Optimizer, ...] = ("adam", "sgd", "rmsprop")
RATES = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
"""The search of the paper: each optimiser with each learning rate."""

KIND = "concepts"


@dataclass(frozen=True)
class Entry:
    """One training of several. changed: what distinguishes it, for tables."""

    name: str
    options: ConceptOptions
    changed: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """What came of an entry: the entries of its model.json and its manifest, or why it failed."""

    entry: Entry
    values: Mapping[str, Any] = field(default_factory=dict)
    manifest: Mapping[str, Any] = field(default_factory=dict)
    failed: str = ""

    @property
    def scores(self) -> Mapping[str, float]:
        """Returns the scores on valid, by name."""
        scores: Mapping[str, float] = self.values.get("valid", {}).get("scores", {})
        return scores


def grid_entries(options: ConceptOptions) -> list[Entry]:
    """Returns the fifteen entries of the search."""
    return [
        Entry(
            f"{name}-{rate:g}", dataclasses.replace(options, optimizer=name, lr=rate), {"optimizer": name, "lr": rate}
        )
        for name, rate in itertools.product(OPTIMIZERS, RATES)
    ]


def ablation_entries(preset: Preset, changes: Mapping[str, Any]) -> list[Entry]:
    """Returns the preset, and once more without each of its switches."""
    entries = [Entry("all", presets.resolve(ConceptOptions, preset, changes))]
    for switch, off in preset.ablations.items():
        options = presets.resolve(ConceptOptions, preset, {**changes, **off})
        entries.append(Entry(f"without-{switch}", options, off))
    return entries


def run_entries(
    folder: Path, entries: Sequence[Entry], train: Callable[[Entry, Path], Model], data: str
) -> list[Result]:
    """Trains the entries that are not done yet; one whose loss is not finite has failed, and the others go on.

    folder: that of all entries. data: the digest of the data. Raises UsageError if the folder is that of a search with
    other options or data.
    """
    results = []
    for entry in entries:
        out, failure = folder / entry.name, folder / f"{entry.name}.failed.json"
        settings = digest([data, {k: v for k, v in asdict(entry.options).items() if k not in WITHOUT_EFFECT}])
        if failure.is_file() and _of(failure, settings):
            results.append(Result(entry, failed=str(parse_json(failure.read_text(encoding="utf-8"))["reason"])))
            continue
        if out.exists():
            model = open_model(out, KIND)
            _check_settings(model, entry, data)
            results.append(Result(entry, model.values, model.manifest))
            continue
        try:
            model = train(entry, out)
            results.append(Result(entry, model.values, model.manifest))
        except NotFinite as err:
            if is_main():
                write_json(failure, {"reason": err.message, "settings": settings})
                shutil.rmtree(folder_of(out), ignore_errors=True)
            results.append(Result(entry, failed=err.message))
    return results


def _of(failure: Path, settings: str) -> bool:
    try:
        entry = parse_json(failure.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(entry, dict) and entry.get("settings") == settings and "reason" in entry


def _check_settings(model: Model, entry: Entry, data: str) -> None:
    hint = f"choose another folder, or remove {model.path.parent.parent} to begin again"
    if model.manifest["data"]["sha256"] != data:
        raise UsageError(f"{model.path} was trained on other data", hint)
    stored = {name: one["value"] for name, one in model.manifest["settings"].items()}
    for name, value in parse_json(json.dumps(asdict(entry.options))).items():
        if name not in WITHOUT_EFFECT and stored.get(name) != value:
            what = f"{model.path} was trained with {name} = {stored.get(name)!r}, not {value!r}"
            raise UsageError(what, hint)


def chosen(results: Sequence[Result], by: str) -> Result:
    """Returns the entry with the highest score, the first of equal ones; raises DataError if all have failed."""
    done = [result for result in results if by in result.scores]
    if not done:
        reasons = "; ".join(sorted({result.failed for result in results}))
        raise DataError(
            f"no training of the search was finished: {reasons}", "choose lower learning rates, or mend the data"
        )
    return max(done, key=lambda result: result.scores[by])


def adopt(entry: Path, out: Path, files: Mapping[str, str], tables: Mapping[str, str]) -> Model:
    """Makes the model of an entry that of the whole command, with the tables of the search; removes the other entries.

    files: by name. tables: by heading, for the card.
    """
    wait()  # for all processes to have read the entries
    if is_main():
        _write_adopted(open_model(entry, KIND), out, files, tables)
        shutil.rmtree(folder_of(out), ignore_errors=True)
    wait()
    return open_model(out, KIND)


def _write_adopted(model: Model, out: Path, files: Mapping[str, str], tables: Mapping[str, str]) -> None:
    with writing(out, KIND, model.values) as folder:
        for path in sorted(model.path.iterdir()):
            if path.name != FILE:
                shutil.copyfile(path, folder / path.name)
        for name, text in files.items():
            write_text(folder / name, text)
        card = (folder / CARD).read_text(encoding="utf-8")
        sections = "".join(f"## {heading}\n\n{table}\n\n" for heading, table in tables.items())
        write_text(folder / CARD, card.replace("## Training\n", f"{sections}## Training\n", 1))


def is_main() -> bool:
    """Returns whether this is the first of several processes, which writes and reports."""
    return os.environ.get("RANK", "0") == "0"


def wait() -> None:
    """Waits until all processes are here."""
    from accelerate import PartialState

    PartialState().wait_for_everyone()


# --- tables -----------------------------------------------------------------------------------------------------


def results_csv(results: Sequence[Result]) -> str:
    """Returns the results as CSV: name, what was changed, scores, interval, epochs, seconds, why it failed."""
    changed = list(dict.fromkeys(name for result in results for name in result.entry.changed))
    scores = list(dict.fromkeys(name for result in results for name in result.scores))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["name", *changed, *scores, "f1_low", "f1_high", "threshold", "epochs", "seconds", "failed"])
    for result in results:
        low, high = _interval(result) or ("", "")
        writer.writerow([
            result.entry.name,
            *(getattr(result.entry.options, name) for name in changed),
            *(result.scores.get(name, "") for name in scores),
            low, high, result.values.get("threshold", ""), result.manifest.get("epochs", ""),
            result.manifest.get("time", {}).get("seconds", ""), result.failed,
        ])  # fmt: skip
    return out.getvalue()


def results_markdown(results: Sequence[Result], by: str) -> str:
    """Returns the results as a table in Markdown, with the difference to the first one. by: the score."""
    first = results[0].scores.get(by)
    lines = [f"| training | {by} | 95 % interval | difference to the first |", "|---|---|---|---|"]
    for result in results:
        value, between = result.scores.get(by), _interval(result)
        if value is None:
            lines.append(f"| {result.entry.name} | failed: {result.failed} | | |")
            continue
        cell = f"{between[0]:.4f} to {between[1]:.4f}" if between and by == "f1" else ""
        difference = "" if first is None or result is results[0] else f"{value - first:+.4f}"
        lines.append(f"| {result.entry.name} | {value:.4f} | {cell} | {difference} |")
    return "\n".join(lines)


def _interval(result: Result) -> Sequence[float] | None:
    found: Sequence[float] | None = result.values.get("valid", {}).get("f1", {}).get("interval")
    return found
