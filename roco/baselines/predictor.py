"""What every trained baseline offers to `roco predict`: concepts with scores, and captions, for rows of a dataset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from roco.baselines.training.learner import Unreadable
from roco.release.load.dataset import Dataset
from roco.release.load.vocabulary import Vocabulary

CONCEPTS, CAPTIONS, CLASSES = "concepts", "captions", "classes"
TASKS = (CONCEPTS, CAPTIONS, CLASSES)


class Predicted(NamedTuple):
    """The prediction for one image.

    cuis: the concepts that are predicted, the most certain first. scores: of each concept of the vocabulary. caption:
    as generated; it is written as one line. classes: the probability of each class by task, such as modality. What a
    model does not predict stays empty.
    """

    id: str
    cuis: tuple[str, ...] = ()
    scores: NDArray[np.float32] | None = None
    caption: str = ""
    classes: Mapping[str, NDArray[np.float32]] = {}


class Predictor(Protocol):
    """A trained model that predicts.

    tasks: what it predicts, the task that is written by default first. vocabulary: of the scores; None of a model
    without concepts. settings: whatever determines the predictions besides model and images, such as the threshold or
    the number of beams, for the record.
    """

    tasks: tuple[str, ...]
    vocabulary: Vocabulary | None
    settings: Mapping[str, Any]

    def predict(self, rows: Dataset) -> Iterator[Predicted | Unreadable]:
        """Yields a prediction for each row, in their order; Unreadable for one whose image cannot be read.

        All rows have an image file.
        """


@runtime_checkable
class ClassPredictor(Protocol):
    """A predictor that gives classes as well. classes: the names of the classes of each task."""

    classes: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class PredictOptions:
    """How a model is used.

    task: concepts or captions; "" is the first that the model predicts. changes: its settings by name, which may be
    text as on the command line. backbone: the file of the backbone, if it is not where it was. batch: images at once;
    0 leaves it to the model. workers: processes that decode images. device: cpu, cuda …; "" is a GPU if there is one.
    """

    task: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)
    backbone: Path | None = None
    batch: int = 0
    workers: int = 2
    device: str = ""


def ranked_cuis(scores: NDArray[Any], flags: NDArray[np.bool_], vocabulary: Vocabulary) -> tuple[str, ...]:
    """Returns the concepts that are predicted for an image, the highest score first, equal ones by vocabulary."""
    chosen = np.flatnonzero(flags)
    order = np.lexsort((chosen, -scores[chosen].astype(np.float64)))
    return tuple(vocabulary.cuis[column] for column in chosen[order])
