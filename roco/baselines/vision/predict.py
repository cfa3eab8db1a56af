"""Predicts concepts and classes of images by a network of `roco train concepts`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from roco.base.errors import UsageError
from roco.base.terminal import excerpt
from roco.baselines import scores
from roco.baselines.predictor import CLASSES, CONCEPTS, Predicted, PredictOptions, ranked_cuis
from roco.baselines.training.folder import Model
from roco.baselines.training.learner import Unreadable
from roco.baselines.training.options import checked
from roco.baselines.vision.images import ReleaseImages
from roco.baselines.vision.items import PredictionBatch, PredictionItems, prediction_batches
from roco.baselines.vision.trained import open_network
from roco.release.load.dataset import Dataset
from roco.release.load.vocabulary import Vocabulary

BATCH = 64


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of predictions; by default those of the model. They have the names of ConceptOptions."""

    threshold: float
    one_modality: bool

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise UsageError(f"threshold = {self.threshold}", "write a number from 0 to 1")


class NetworkPredictor:
    """Predicts by the network of a model."""

    def __init__(self, model: Model, options: PredictOptions) -> None:
        opened = open_network(model)
        values = {"threshold": opened.threshold, "one_modality": opened.one_modality}
        for name, value in options.changes.items():
            values[name] = checked(Settings, name, value, "--set")
        self._settings = Settings(**values)  # type: ignore[arg-type]
        self._opened = opened
        self._batch, self._workers = options.batch or BATCH, options.workers
        self._device = device_of(options.device)
        self.classes: Mapping[str, tuple[str, ...]] = {
            task: names for task, names in opened.names.items() if task != CONCEPTS
        }
        self.vocabulary = Vocabulary(opened.names[CONCEPTS]) if CONCEPTS in opened.names else None
        has_concepts, has_classes = self.vocabulary is not None, bool(self.classes)
        self.tasks = (*((CONCEPTS,) if has_concepts else ()), *((CLASSES,) if has_classes else ()))
        self.settings: dict[str, Any] = asdict(self._settings) | {
            "backbone": opened.backbone, "images": opened.preparation.to_json(),
        }  # fmt: skip

    def predict(self, rows: Dataset) -> Iterator[Predicted | Unreadable]:
        """Yields a prediction for each row; Unreadable for one whose image cannot be read."""
        self._opened.network.to(self._device)
        ids = rows.column("id").to_pylist()
        items = PredictionItems(ReleaseImages(rows), self._opened.preparation)
        next_position = 0
        for batch in prediction_batches(items, self._batch, self._workers):
            unreadable = {one.id: one for one in batch.unreadable}
            predicted = self._of_batch(batch, ids)
            for _ in range(len(batch.positions) + len(unreadable)):
                id = ids[next_position]
                yield unreadable[id] if id in unreadable else next(predicted)
                next_position += 1

    def _of_batch(self, batch: PredictionBatch, ids: list[str]) -> Iterator[Predicted]:
        if batch.images is None:
            return
        device = self._device
        with torch.no_grad(), torch.autocast(device.type, enabled=device.type == "cuda"):
            logits = self._opened.network.logits(batch.images.to(device))
        flags, of_concepts = self._concepts(logits[CONCEPTS]) if CONCEPTS in logits else (None, None)
        classes = {task: logits[task].softmax(1).cpu().numpy() for task in self.classes}
        for row, position in enumerate(batch.positions.tolist()):
            of_row = {task: probabilities[row] for task, probabilities in classes.items()}
            if flags is None or of_concepts is None or self.vocabulary is None:
                yield Predicted(ids[position], classes=of_row)
                continue
            cuis = ranked_cuis(of_concepts[row], flags[row], self.vocabulary)
            yield Predicted(ids[position], cuis, of_concepts[row], classes=of_row)

    def _concepts(self, logits: torch.Tensor) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Returns which concepts are predicted, and their probabilities."""
        assert self.vocabulary is not None
        probabilities: NDArray[np.float32] = logits.sigmoid().cpu().numpy()
        raised = scores.with_modality(probabilities, self.vocabulary) if self._settings.one_modality else probabilities
        return scores.decided(raised, self._settings.threshold), probabilities


def device_of(name: str) -> torch.device:
    """Returns a device; by default a GPU if there is one. Raises UsageError for one that this machine lacks."""
    try:
        device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as err:
        raise UsageError(f"no device '{excerpt(name)}' on this machine", "write --device cpu, or leave it out") from err
    return device


def predictor(model: Model, options: PredictOptions) -> NetworkPredictor:
    """Opens a model of `roco train concepts` for predictions."""
    return NetworkPredictor(model, options)
