"""`roco train neighbours`: embeds the training images, chooses k, power and threshold on valid, writes the model."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from roco.base.errors import DataError, UsageError
from roco.base.files import write_json, write_text
from roco.base.progress import NullProgress, Progress
from roco.baselines.neighbours.card import card
from roco.baselines.neighbours.embed import embed
from roco.baselines.neighbours.index import Index
from roco.baselines.neighbours.options import NeighbourOptions
from roco.baselines.neighbours.stored_backbone import stated_backbone
from roco.baselines.neighbours.trained import TrainedNeighbours
from roco.baselines.neighbours.valid import Valid
from roco.baselines.training import presets
from roco.baselines.training.data import DataFacts
from roco.baselines.training.folder import CARD, MANIFEST, writing
from roco.baselines.training.state import State
from roco.baselines.training.trained import hardware, versions
from roco.models.images.backbone import Backbone
from roco.release.load.dataset import Dataset, load
from roco.release.load.vocabulary import Vocabulary

KIND = "neighbours"


def train_neighbours(
    release: str | Path,
    out: str | Path,
    *,
    preset: str = "neighbours",
    changes: Mapping[str, Any] | None = None,
    backbone: str | Path | None = None,
    final: bool = False,
    skip_unreadable: bool = False,
    progress: Progress | None = None,
) -> TrainedNeighbours:
    """Writes a model that predicts concepts and captions of the most similar training images.

    release: as `roco.load` reads it. out: the new folder. changes: options by name that differ from the preset.
    backbone: an ONNX file with a card; by default the one that roco ships. final: valid becomes part of the model
    after everything was chosen on it. Raises UsageError if `out` exists, DataError for a release without concepts.
    Embeddings are stored in OUT.training until the model is complete: an interrupted training goes on from there.
    """
    started = time.monotonic()
    out = Path(out)
    chosen = presets.load(preset, KIND, NeighbourOptions)
    options = presets.resolve(NeighbourOptions, chosen, changes or {})
    network = Backbone.load(None if backbone is None else Path(backbone))
    everything = load(release)
    facts = DataFacts.of(everything)
    splits = np.array(everything.column("split").to_pylist())
    data = everything[np.isin(splits, ["train", "valid"])]
    splits = splits[np.isin(splits, ["train", "valid"])]
    _check(data, splits, options)

    begun = {"kind": KIND, "data": facts.digest, "backbone": network.preparation}
    with State.opened(out, begun) as state:
        embedded = embed(data, network, state.folder, skip_unreadable=skip_unreadable, progress=progress)
        shown = progress or NullProgress()
        in_train = embedded.has & (splits == "train")
        if not in_train.any():
            raise DataError(f"no images in train ({facts.path})", "check the dataset: roco verify")
        index = Index.of(data, embedded.vectors, data.vocabulary, options.centre, in_train)
        shown.start("choosing k, power and threshold on valid", None)
        valid = Valid.of(data, splits, embedded, index, options)
        if final:
            index = Index.of(data, embedded.vectors, _extended(data), options.centre, embedded.has)
        trained = TrainedNeighbours(
            path=out, preset=chosen.name, options=options, settings=presets.provenance(options, chosen), data=facts,
            backbone=network, k=valid.k, power=valid.power, threshold=valid.threshold,
            images={one["values"]: one["counts"] for one in pc.value_counts(index.images["split"]).to_pylist()},
            scores=valid.scores, against=valid.against, constant=valid.constant,
            unreadable=tuple(one.id for one in embedded.unreadable),
        )  # fmt: skip
        _write(trained, index, time.monotonic() - started)
        state.remove()
    return trained


def _check(data: Dataset, splits: NDArray[Any], options: NeighbourOptions) -> None:
    """Raises an error for a dataset from which nothing can be learnt, before anything is computed."""
    path = data.figures.path
    if not (splits == "train").any():
        raise DataError(f"no images in train ({path})", "give a release with a training set")
    if "concepts" not in data.columns or not any(data[splits == "train"].column("concepts").to_pylist()):
        raise DataError(f"the training images have no concepts ({path})", "give a release with concepts")
    if not (splits == "valid").any() and not options.is_fixed:
        hint = "set them: --set k=10 --set power=1 --set threshold=0.3"
        raise UsageError(f"no images in valid, on which k, power and threshold are chosen ({path})", hint)


def _extended(data: Dataset) -> Vocabulary:
    """Returns the concepts of train, then those that only valid has."""
    known = data.vocabulary
    further = Vocabulary.of(data.column("concepts").to_pylist())
    return Vocabulary((*known.cuis, *(cui for cui in further.cuis if cui not in known.index)))


def _write(trained: TrainedNeighbours, index: Index, seconds: float) -> None:
    with writing(trained.path, KIND, model_values(trained)) as folder:
        index.write(folder)
        write_text(folder / CARD, card(trained))
        manifest = {
            "kind": KIND,
            "preset": trained.preset,
            "settings": {name: dict(entry) for name, entry in trained.settings.items()},
            "data": trained.data.to_json(),
            "unreadable_images": list(trained.unreadable),
            "images": dict(trained.images),
            "scores": {name: score._asdict() for name, score in trained.scores.items()},
            "versions": versions(),
            "hardware": hardware(trained.backbone.provider.removesuffix("ExecutionProvider").lower()),
            "time": {"seconds": round(seconds, 1)},
        }
        write_json(folder / MANIFEST, manifest)


def model_values(trained: TrainedNeighbours) -> dict[str, Any]:
    """Returns the entries of model.json: what `roco predict` needs."""
    return {
        "k": trained.k, "power": trained.power, "threshold": trained.threshold,
        "modality": trained.options.modality, "same_article": trained.options.same_article,
        "backbone": stated_backbone(trained.backbone),
        "options": asdict(trained.options),
    }  # fmt: skip
