"""What the training loop trains for `roco train concepts`: a network, its losses, its scores, its files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from roco.base.files import write_text
from roco.baselines.training.learner import Batch, Unreadable
from roco.baselines.training.tensors import save_tensors
from roco.baselines.vision.cache import Cache
from roco.baselines.vision.data import TaskData
from roco.baselines.vision.network import Network, counts
from roco.baselines.vision.options import ConceptOptions
from roco.baselines.vision.scoring import Scores, best_of, floors, predict, score, with_interval
from roco.baselines.vision.transform import Preparation

WEIGHTS = "model.safetensors"


class ConceptLearner:
    """A network with the losses of its tasks, scored on the validation images.

    files: further files of the model folder by name, such as the table of a search.
    """

    def __init__(
        self, network: Network, data: TaskData, options: ConceptOptions, cache: Cache | None = None,
        files: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.model = network
        self.weights = options.weight_of_task()
        self.best = best_of(data) if options.keep == "best" else ""
        self.unreadable: dict[str, Unreadable] = {}
        self.valid: dict[str, Any] = {}
        self.threshold = options.threshold
        self._data, self._options, self._cache = data, options, cache
        self._files = dict(files or {})

    def counts(self, batch: Batch) -> Mapping[str, float]:
        """Returns over how many labels each loss is summed."""
        return counts(batch, self._options.tasks)

    def score(self, model: torch.nn.Module, device: torch.device) -> Mapping[str, float]:
        """Returns the scores on the validation images; {} if there are none."""
        return self._scores(model, device).values

    def save(self, model: torch.nn.Module, folder: Path) -> Mapping[str, Any]:
        """Writes the weights; returns what `roco predict` needs to use them, and the scores with intervals."""
        options, data = self._options, self._data
        scores = self._scores(model, next(model.parameters()).device)
        self.valid, self.threshold = {"scores": scores.values}, scores.threshold
        if scores.f1 is not None and data.truth is not None:
            self.valid |= {"f1": with_interval(scores.f1, data.truth.articles), "floors": floors(data)}
        save_tensors(folder / WEIGHTS, model.state_dict())
        for name, text in self._files.items():
            write_text(folder / name, text)
        return {
            "backbone": options.backbone,
            "pooling": options.pooling,
            "drop_rate": options.drop_rate,
            "images": Preparation.of(options).to_json(),
            "tasks": {task: list(data.names[task]) for task in options.tasks},
            "threshold": scores.threshold,
            "one_modality": options.one_modality,
            "final": data.final,
            "valid": self.valid,
        }

    def _scores(self, model: torch.nn.Module, device: torch.device) -> Scores:
        data, options = self._data, self._options
        if not best_of(data):
            return Scores({}, options.threshold, None)
        sizes = {task: len(data.names[task]) for task in options.tasks}
        probabilities, unreadable = predict(
            model,
            data.valid.images,
            Preparation.of(options),
            sizes,
            device,
            options.batch,
            options.workers,
            self._cache,
        )
        self.unreadable |= {image.id: image for image in unreadable}
        return score(data, probabilities, options)
