"""An index as a model of neighbours: its images of train give concepts by their votes, the nearest one its caption.

The prediction is that of `roco train neighbours` with the same settings, which are not chosen on valid here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from roco.base.errors import DataError
from roco.baselines.neighbours.index import Index as Neighbours
from roco.baselines.neighbours.predict import NeighbourPredictor, changed
from roco.baselines.predictor import PredictOptions
from roco.baselines.retrieve.encoders.open import stored_image_encoder
from roco.baselines.retrieve.folder import FILES
from roco.baselines.retrieve.index import Index
from roco.baselines.retrieve.store.files import VECTORS
from roco.baselines.retrieve.store.store import IMAGE
from roco.baselines.retrieve.store.vector_file import read_vectors
from roco.baselines.training.folder import Model
from roco.release.load.vocabulary import Vocabulary

DEFAULTS = {"k": 1, "power": 0.0, "threshold": 0.5, "modality": True, "same_article": False}
"""The nearest image is copied; `--set k=10 --set threshold=0.3` lets ten vote."""

TRAIN = "train"
_OTHER = "make one of the default store: roco index RELEASE OUT"


def predictor(model: Model, options: PredictOptions) -> NeighbourPredictor:
    """Opens an index for predictions; raises DataError for one of another store, or without images of train."""
    settings = changed(DEFAULTS, options.changes)
    index = Index.open(model.path)
    if index.manifest["store"] != FILES:
        raise DataError(f"{index.path} does not store vectors as the encoder returned them", _OTHER)
    stated = index.manifest["encoder"]
    encoder = stored_image_encoder(index.path, stated, options.backbone)
    return NeighbourPredictor(neighbours_of(index), encoder, settings, stated)


def neighbours_of(index: Index) -> Neighbours:
    """Returns the images of train that have a vector, with their mean as the centre."""
    rows = index.store.rows(range(len(index)))
    vectors = read_vectors(index.path / VECTORS[IMAGE], len(rows))
    in_train = np.array([row["split"] == TRAIN for row in rows], bool)
    has: NDArray[np.bool_] = in_train & np.asarray(vectors.any(axis=1))
    if not has.any():
        raise DataError(f"no images of {TRAIN} in {index.path}", f"index a release with images of {TRAIN}")
    # The vocabulary is that of all images of train, as of a dataset, also of those without a file.
    vocabulary = Vocabulary.of(row["concepts"] or () for row, is_in in zip(rows, in_train, strict=True) if is_in)
    chosen = [row for row, is_kept in zip(rows, has, strict=True) if is_kept]
    own = np.asarray(vectors[has])
    centre = own.mean(0, dtype=np.float64).astype(np.float32)
    return Neighbours(own, centre, pa.Table.from_pylist([_image(row) for row in chosen], _SCHEMA), vocabulary)


_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("split", pa.string()),
        ("article", pa.string()),
        ("concepts", pa.list_(pa.string())),
        ("caption", pa.string()),
    ]
)


def _image(row: dict[str, Any]) -> dict[str, Any]:
    return {"article": row["article_key"]} | {name: row[name] for name in ("id", "split", "concepts", "caption")}
