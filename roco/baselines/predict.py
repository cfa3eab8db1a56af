"""`roco predict`: writes what a model predicts for a split as a submission, its scores, and a record of how.

```
predictions.csv             a row for each image, in the order of the dataset, as `roco evaluate` reads it
predictions_scores.parquet  id, then a column for each concept of the model, 32-bit; null without an image; of a task
                            of classes a column with the class (modality) and one for each class (modality:DRCT)
predictions.json            model, data, settings, rows without a prediction
```
"""

from __future__ import annotations

import csv
import importlib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from roco.base.errors import DataError, UsageError, nearest
from roco.base.files import file_digest, whole, write_json
from roco.base.progress import NullProgress, Progress
from roco.base.schema import SPLITS
from roco.base.tables import SPLIT_TABLES
from roco.base.terminal import excerpt
from roco.baselines.packages import require
from roco.baselines.prediction_record import Predictions, record_of
from roco.baselines.predictor import CAPTIONS, CLASSES, CONCEPTS, ClassPredictor, Predicted, PredictOptions, Predictor
from roco.baselines.retrieve.folder import KIND as INDEX
from roco.baselines.retrieve.folder import MANIFEST, is_index, read_manifest
from roco.baselines.training.data import with_images
from roco.baselines.training.folder import Model, open_model
from roco.baselines.training.learner import Unreadable
from roco.release.load.dataset import load

HOMES = {
    "concepts": "roco.baselines.vision.predict",
    "captions": "roco.baselines.captioner.predict",
    "neighbours": "roco.baselines.neighbours.predict",
    INDEX: "roco.baselines.retrieve.predict",
}
"""Kind of model -> module with a function `predictor(model, options)`."""

ALL = "all"
"""The images of all splits, as in `roco evaluate`."""

CLIP = "clip"
"""The kind of model that predicts neither, but a vector for each image and caption."""

MOST_CONCEPTS = 100
"""Concepts of one image that the official scripts accept; the most certain ones are written."""

ROWS = 500
"""Rows of scores that are written at once."""


def predict(
    model: str | Path,
    release: str | Path,
    out: str | Path | None = None,
    *,
    split: str = "test",
    options: PredictOptions | None = None,
    skip_unreadable: bool = False,
    progress: Progress | None = None,
) -> Predictions:
    """Predicts concepts or captions of a split and writes them as a submission that passes `roco evaluate --check`.

    model: the folder of a trained model; one of `roco train clip` gives vectors of images and captions (.npz) instead.
    An index of `roco index` predicts as a model of neighbours, which its images of train are.
    split: train, valid, test or all. out: the CSV file; by default MODEL_SPLIT.csv. Every row of the split is written
    in the order of the dataset; one without an image has an empty cell. skip_unreadable: also one whose image cannot be
    read, which is an error otherwise. Raises UsageError if a file exists; nothing is written after an error.
    """
    opened, options = _opened(Path(model)), options or PredictOptions()
    if opened.kind == CLIP:
        require("torch", "timm", "open_clip")
        from roco.baselines.contrastive.predict import predict_vectors

        path = Path(out) if out is not None else None
        return predict_vectors(opened, load(release, _split(split)), path, split, options, skip_unreadable, progress)
    path = Path(out) if out is not None else Path(f"{opened.path.resolve().name}_{split}.csv")
    files = _new_files(path)
    data = load(release, _split(split))
    rows = with_images(data, split)
    known = open_predictor(opened, options)
    task = _task(opened, known, options.task)
    ids, has = data.column("id").to_pylist(), set(rows.column("id").to_pylist())
    shown = progress or NullProgress()
    shown.start("images", len(rows))
    unreadable = []
    with ExitStack() as stack:
        # The submission is renamed last: when it exists, everything does.
        submission = stack.enter_context(whole(files["submission"]))
        record = stack.enter_context(whole(files["record"]))
        scores = stack.enter_context(whole(files["scores"])) if task != CAPTIONS else None
        table = stack.enter_context(submission.open("w", encoding="utf-8", newline=""))
        written = stack.enter_context(_Written(table, task, known, scores))
        predictions = known.predict(rows)
        for id in ids:
            found = _next(predictions, id) if id in has else Predicted(id)
            if isinstance(found, Unreadable):
                if not skip_unreadable:
                    what = f"image '{found.id}' cannot be read: {found.what}"
                    raise DataError(what, f"{found.hint}: nothing is predicted for it")
                unreadable.append(found.id)
                found = Predicted(id)
            written.add(found)
            shown.advance(id in has)
        written.close()
        table.flush()
        without = tuple(id for id in ids if id not in has)
        digests = {path.name: file_digest(submission)}
        if scores is not None:
            digests[files["scores"].name] = file_digest(scores)
        write_json(record, record_of(opened, data, split, task, known.settings, without, unreadable, digests))
    kept = files["scores"] if task != CAPTIONS else None
    return Predictions(path, kept, files["record"], task, len(ids), without, tuple(unreadable))


def _opened(path: Path) -> Model:
    """Opens the folder of a model, or that of an index."""
    return Model(path, INDEX, read_manifest(path), MANIFEST) if is_index(path) else open_model(path)


def open_predictor(model: Model, options: PredictOptions) -> Predictor:
    """Opens a model for predictions."""
    home = HOMES.get(model.kind)
    if home is None:
        what = f"{model.path} is a model of `roco train {model.kind}`, which predicts neither concepts nor captions"
        raise UsageError(what, f"give one of `roco train {' or '.join(kind for kind in HOMES if kind != INDEX)}`")
    found: Predictor = importlib.import_module(home).predictor(model, options)
    return found


def one_line(text: str) -> str:
    """Returns a caption as one line: white space becomes single spaces, control characters are removed."""
    spaced = " ".join(text.split())
    return "".join(c for c in spaced if unicodedata.category(c) not in ("Cc", "Cs"))


class _Written:
    """The submission and the scores while they are written; the scores need the memory of some rows only."""

    def __init__(self, table: TextIO, task: str, predictor: Predictor, scores: Path | None) -> None:
        self._task = task
        self._table = csv.writer(table, lineterminator="\n")
        self._classes = predictor.classes if isinstance(predictor, ClassPredictor) else {}
        self._table.writerow(("ID", *self._classes) if task == CLASSES else SPLIT_TABLES[task])
        self._cuis = predictor.vocabulary.cuis if predictor.vocabulary is not None else ()
        self._parquet: pq.ParquetWriter | None = None
        self._rows: list[Predicted] = []
        columns = [("id", pa.string()), *((cui, pa.float32()) for cui in self._cuis)]
        for of_task, names in self._classes.items():
            columns += [(of_task, pa.string()), *((f"{of_task}:{name}", pa.float32()) for name in names)]
        self._schema = pa.schema(columns)
        if scores is not None:
            self._parquet = pq.ParquetWriter(scores, self._schema, compression="zstd", write_statistics=False)

    def __enter__(self) -> _Written:
        return self

    def __exit__(self, *problem: object) -> None:
        if self._parquet is not None:
            self._parquet.close()

    def add(self, found: Predicted) -> None:
        if self._task == CLASSES:
            self._table.writerow((found.id, *(self._class(found, task) or "" for task in self._classes)))
        else:
            cell = ";".join(found.cuis[:MOST_CONCEPTS]) if self._task == CONCEPTS else one_line(found.caption)
            self._table.writerow((found.id, cell))
        if self._parquet is not None:
            self._rows.append(found)
            if len(self._rows) == ROWS:
                self._flush()

    def close(self) -> None:
        if self._parquet is not None:
            self._flush()
            self._parquet.close()
            self._parquet = None

    def _flush(self) -> None:
        assert self._parquet is not None
        if not self._rows:
            return
        columns = [pa.array([row.id for row in self._rows], pa.string())]
        columns += _scores([row.scores for row in self._rows], len(self._cuis))
        for task, names in self._classes.items():
            columns.append(pa.array([self._class(row, task) for row in self._rows], pa.string()))
            columns += _scores([row.classes.get(task) for row in self._rows], len(names))
        self._parquet.write_table(pa.Table.from_arrays(columns, schema=self._schema))
        self._rows = []

    def _class(self, found: Predicted, task: str) -> str | None:
        """Returns the most probable class; None without a prediction."""
        of_task = found.classes.get(task)
        return None if of_task is None else self._classes[task][int(of_task.argmax())]


def _scores(rows: Sequence[NDArray[np.float32] | None], size: int) -> list[pa.Array]:
    """Returns the columns of scores of several images; null for an image without a prediction."""
    nothing = np.full(size, np.nan, np.float32)
    matrix = np.stack([nothing if row is None else row for row in rows])
    missing = np.array([row is None for row in rows])
    return [pa.array(np.ascontiguousarray(column), pa.float32(), mask=missing) for column in matrix.T]


def _next(predictions: Iterator[Predicted | Unreadable], id: str) -> Predicted | Unreadable:
    found = next(predictions)
    assert found.id == id, f"the model predicts {found.id} in the place of {id}"
    return found


def _task(model: Model, predictor: Predictor, wanted: str) -> str:
    if wanted and wanted not in predictor.tasks:
        raise UsageError(f"{model.path} does not predict '{wanted}'", nearest(wanted, predictor.tasks))
    return wanted or predictor.tasks[0]


def _split(name: str) -> str | None:
    """Returns the split to load, None for all; raises UsageError for an unknown one."""
    if name not in (*SPLITS, ALL):
        raise UsageError(f"unknown split '{excerpt(name)}'", nearest(name, (*SPLITS, ALL)))
    return None if name == ALL else name


def _new_files(path: Path) -> Mapping[str, Path]:
    """Returns the files to write; raises UsageError if one exists."""
    if path.suffix != ".csv":
        raise UsageError(f"{path} does not end in .csv", f"write {path.name}.csv")
    files = {
        "submission": path,
        "scores": path.with_name(f"{path.stem}_scores.parquet"),
        "record": path.with_suffix(".json"),
    }
    for file in files.values():
        if file.exists() or file.is_symlink():
            raise UsageError(f"{file} already exists", "choose another file with --out")
    return files
