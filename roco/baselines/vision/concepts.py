"""The trainings of `roco train concepts`: one, those of a search, or those of ablations."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roco.base.errors import DataError, UsageError
from roco.base.files import file_digest, write_json
from roco.base.progress import NullProgress, Progress
from roco.baselines.loop import train
from roco.baselines.training import presets
from roco.baselines.training.folder import MANIFEST, Model, open_model, writing
from roco.baselines.training.presets import Preset
from roco.baselines.training.state import folder_of
from roco.baselines.vision.backbones import check_backbone, network_of
from roco.baselines.vision.cache import Cache
from roco.baselines.vision.card import card_of
from roco.baselines.vision.data import TaskData, open_data, with_facts_of_labels
from roco.baselines.vision.items import TrainingItems
from roco.baselines.vision.labels import LabelFile, read_label_file
from roco.baselines.vision.learner import ConceptLearner
from roco.baselines.vision.options import PRETRAINED, SCRATCH, ConceptOptions, Extent
from roco.baselines.vision.scoring import best_of
from roco.baselines.vision.search import (
    ABLATIONS,
    GRID,
    Entry,
    Result,
    ablation_entries,
    adopt,
    chosen,
    grid_entries,
    is_main,
    results_csv,
    results_markdown,
    run_entries,
    wait,
)
from roco.baselines.vision.trained import open_network

KIND = "concepts"


SCORING = ("threshold", "tune_threshold", "one_modality")
"""Options that change what is predicted, but no weight."""


@dataclass(frozen=True)
class _Training:
    """What all trainings of one command have in common."""

    path: Path
    files: tuple[LabelFile, ...]
    folder: Path | None
    preset: Preset
    cache: Cache | None
    download: bool
    skip_unreadable: bool
    progress: Progress
    warn: Callable[[str], None]

    def data(self, tasks: Sequence[str], final: bool) -> TaskData:
        data = open_data(self.path, tasks, self.files, self.folder, final)
        return dataclasses.replace(data, facts=with_facts_of_labels(data.facts, self.files))

    def train(
        self, data: TaskData, options: ConceptOptions, out: Path, files: Mapping[str, str] | None = None,
        tables: Mapping[str, str] | None = None,
    ) -> Model:  # fmt: skip
        """Trains one network and writes its folder; files, tables: of a search, for the folder and for the card."""
        names = {task: data.names[task] for task in options.tasks}
        network = network_of(options, {task: len(of_task) for task, of_task in names.items()}, self.download)
        learner = ConceptLearner(network, data, options, self.cache, files)
        weights = options.weights if options.weights in (SCRATCH, PRETRAINED) else file_digest(Path(options.weights))
        train(
            learner, TrainingItems(data.train, options, self.cache), options, out, kind=KIND, preset=self.preset,
            data=data.facts, card=lambda trained: card_of(trained, learner, options, names, tables or {}),
            further={"final": data.final, "weights": weights}, skip_unreadable=self.skip_unreadable,
            progress=self.progress,
        )  # fmt: skip
        for image in learner.unreadable.values() if is_main() else ():
            self.warn(f"validation image '{image.id}' cannot be read and is scored as empty: {image.what}")
        return open_model(out, KIND)

    def score_again(self, data: TaskData, options: ConceptOptions, trained: Model, out: Path) -> Model:
        """Writes the folder of a training with other options of scoring than one that is done: with its weights."""
        if not is_main():
            wait()
            return open_model(out, KIND)
        learner = ConceptLearner(open_network(trained).network, data, options, self.cache)
        values: dict[str, Any] = {}
        with writing(out, KIND, values) as folder:
            values |= learner.save(learner.model, folder)
            settings = presets.provenance(options, self.preset)
            write_json(folder / MANIFEST, {**trained.manifest, "settings": settings, "scores": learner.valid["scores"]})
        wait()
        return open_model(out, KIND)


def run(
    release: Path, out: Path, preset: str, changes: Mapping[str, Any], extent: Extent, *, labels: Sequence[str],
    images: Path | None, cache: Path | None, download: bool, skip_unreadable: bool, progress: Progress | None,
    warn: Callable[[str], None],
) -> Model:  # fmt: skip
    """Does what `train_concepts` describes; this module imports torch."""
    if out.exists() or out.is_symlink():
        raise UsageError(f"{out} already exists", "choose another folder")
    loaded = presets.load(preset, KIND, ConceptOptions)
    options: ConceptOptions = presets.resolve(ConceptOptions, loaded, changes)
    check_backbone(options.backbone)
    files = tuple(read_label_file(text) for text in labels)
    training = _Training(
        release, files, images, loaded, None if cache is None else Cache.open(cache), download, skip_unreadable,
        progress or NullProgress(), warn,
    )  # fmt: skip
    data = training.data(options.tasks, final=False)
    if is_main():
        for problem in data.facts.problems():
            warn(problem)
    _check_extent(extent, options, loaded, data)
    if extent.ablations:
        return _ablations(training, data, loaded, changes, out)
    if extent.grid or (extent.final and options.tune_threshold):
        return _searched(training, data, options, out, extent)
    return training.train(training.data(options.tasks, final=True) if extent.final else data, options, out)


def _check_extent(extent: Extent, options: ConceptOptions, preset: Preset, data: TaskData) -> None:
    compares = extent.grid or extent.ablations or options.tune_threshold or options.keep == "best"
    if compares and not best_of(data):
        wanted = (
            "--grid" if extent.grid else "--ablations" if extent.ablations
            else "tune_threshold" if options.tune_threshold else "keep = best"
        )  # fmt: skip
        hint = "add validation images, or write --set tune_threshold=false --set keep=last"
        raise UsageError(f"{wanted} needs validation images with labels ({data.facts.path})", hint)
    if extent.ablations and not preset.ablations:
        raise UsageError(f"preset {preset.name} has no [ablations]", "choose a preset that has, such as roco-b0")


def _searched(
    training: _Training, data: TaskData, options: ConceptOptions, out: Path, extent: Extent
) -> Model:  # fmt: skip
    """Trains the entries of a search on train; then the best one on train and valid, if that is wanted."""
    entries = grid_entries(options) if extent.grid else [Entry("selection", options)]
    folder = folder_of(out) / (GRID if extent.grid else "selection")
    digest = data.facts.digest
    results = run_entries(folder, entries, lambda entry, to: training.train(data, entry.options, to), digest)
    best = chosen(results, best_of(data))
    files, tables = _tables(GRID, results, best_of(data)) if extent.grid else ({}, {})
    if not extent.final:
        return adopt(folder / best.entry.name, out, files, tables)
    # No validation images are left to tune a threshold on: that of the selected training is used.
    threshold = float(best.values["threshold"])
    final = dataclasses.replace(best.entry.options, threshold=threshold, tune_threshold=False, keep="last")
    return training.train(training.data(options.tasks, final=True), final, out, files, tables)


def _ablations(
    training: _Training, data: TaskData, preset: Preset, changes: Mapping[str, Any], out: Path
) -> Model:  # fmt: skip
    """Trains the preset, and once more without each switch; a switch of scoring needs no training of its own."""
    first, *others = ablation_entries(preset, changes)
    entries = [first, *others]
    folder = folder_of(out) / ABLATIONS

    def train_or_score(entry: Entry, to: Path) -> Model:
        of_all = folder / first.name
        if entry is not first and of_all.exists() and _same_weights(first.options, entry.options):
            return training.score_again(data, entry.options, open_model(of_all, KIND), to)
        return training.train(data, entry.options, to)

    results = run_entries(folder, entries, train_or_score, data.facts.digest)
    files, tables = _tables(ABLATIONS, results, best_of(data))
    failed = results[0].failed
    if failed:
        raise DataError(f"the preset itself failed: {failed}", "lower the learning rate (lr)")
    return adopt(folder / entries[0].name, out, files, tables)


def _same_weights(first: ConceptOptions, second: ConceptOptions) -> bool:
    """Returns whether options differ in what is predicted only; the best epoch depends on that as well."""
    same = {name: getattr(first, name) for name in SCORING}
    return first.keep == "last" and dataclasses.replace(second, **same) == first


def _tables(name: str, results: Sequence[Result], by: str) -> tuple[dict[str, str], dict[str, str]]:
    """Returns the files of a search for the model folder, and its table for the card."""
    markdown = results_markdown(results, by)
    heading = "Search on valid" if name == GRID else "Ablations on valid"
    return {f"{name}.csv": results_csv(results), f"{name}.md": f"# {heading}\n\n{markdown}\n"}, {heading: markdown}
