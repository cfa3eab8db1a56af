"""Writes the vectors of the images and captions of a split, as `roco evaluate retrieval` reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from roco.base.errors import DataError, UsageError
from roco.base.files import file_digest, whole, write_json
from roco.base.progress import NullProgress, Progress
from roco.base.terminal import excerpt
from roco.baselines.contrastive.architecture import WEIGHTS, create, saved_config, tokenizer_of
from roco.baselines.contrastive.data import pool_of
from roco.baselines.contrastive.embed import embed
from roco.baselines.contrastive.network import Contrastive
from roco.baselines.prediction_record import Predictions, record_of
from roco.baselines.predictor import PredictOptions
from roco.baselines.training.data import with_images
from roco.baselines.training.folder import AGAIN, Model
from roco.baselines.vision.predict import device_of
from roco.baselines.vision.transform import Loading
from roco.release.load.dataset import Dataset

TASK = "retrieval"
BATCH = 64


def predict_vectors(
    model: Model,
    data: Dataset,
    out: Path | None,
    split: str,
    options: PredictOptions,
    skip_unreadable: bool,
    progress: Progress | None = None,
) -> Predictions:
    """Writes the arrays ids, images and texts: a vector of length 1 for every row, zeros for one without an image.

    data: the rows of the split, whose name is `split`. out: the .npz file; by default MODEL_SPLIT.npz. A row without an
    image is ranked last. Raises UsageError if a file exists or an option is given that vectors do not have, DataError
    for an unreadable image.
    """
    path = out if out is not None else Path(f"{model.path.resolve().name}_{split}.npz")
    record = path.with_suffix(".json")
    _check(model, path, record, options)
    if "caption" not in data.columns:
        raise DataError(f"{data.figures.path} has no captions", "give a release with captions")
    with_images(data, split)
    loading = _loading(model)
    device = device_of(options.device)
    config = saved_config(model.path)
    network = Contrastive(create(config, model.path / WEIGHTS)).to(device).eval()
    pool = pool_of(data)
    shown = progress or NullProgress()
    shown.start("images", len(pool.rows))
    batch, workers = options.batch or BATCH, options.workers
    found = embed(network, pool, tokenizer_of(config), loading, device, batch=batch, workers=workers, progress=shown)
    if found.unreadable and not skip_unreadable:
        first = found.unreadable[0]
        what = f"image '{first.id}' cannot be read: {first.what}"
        raise DataError(what, "restore the file, or add --skip-unreadable: it is ranked last")
    unreadable = tuple(image.id for image in found.unreadable)
    with_image = set(pool.rows.tolist())
    without = tuple(id for row, id in enumerate(pool.ids) if row not in with_image)
    settings = {"resize": loading.resize, "size": loading.side, "dimensions": found.images.shape[1]}
    # The vectors are renamed last: when they exist, the record does.
    with whole(path) as part, whole(record) as part_of_record:
        with part.open("wb") as file:
            np.savez(file, ids=np.array(pool.ids), images=found.images, texts=found.texts)
        digests = {path.name: file_digest(part)}
        write_json(part_of_record, record_of(model, data, split, TASK, settings, without, unreadable, digests))
    return Predictions(path, None, record, TASK, len(pool.ids), without, unreadable)


def _check(model: Model, path: Path, record: Path, options: PredictOptions) -> None:
    if path.suffix != ".npz":
        raise UsageError(f"{path} does not end in .npz", f"write {path.with_suffix('.npz').name}: vectors, not a table")
    if options.task or options.changes or options.backbone is not None:
        option = "--task" if options.task else "--set" if options.changes else "--backbone"
        raise UsageError(f"{option} with {model.path}, a model of `roco train clip`", "leave it out")
    for file in (path, record):
        if file.exists() or file.is_symlink():
            raise UsageError(f"{file} already exists", "choose another file with --out")


def _loading(model: Model) -> Loading:
    try:
        images = model.values["images"]
        return Loading(int(images["size"]), images["resize"])
    except (KeyError, TypeError, ValueError) as err:
        raise DataError(f"{model.path} does not describe the images: {excerpt(err)}", AGAIN) from err
