"""Predicts concepts and captions of images by their nearest neighbours in the index of a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from roco.base.errors import DataError, UsageError
from roco.base.terminal import excerpt
from roco.baselines import scores
from roco.baselines.neighbours.embed import PART, Embedder, embed
from roco.baselines.neighbours.index import Index
from roco.baselines.neighbours.options import LARGEST_K, LEAST_THRESHOLD
from roco.baselines.neighbours.stored_backbone import stored_backbone
from roco.baselines.neighbours.vote import votes
from roco.baselines.predictor import CAPTIONS, CONCEPTS, Predicted, PredictOptions, ranked_cuis
from roco.baselines.training.folder import AGAIN, Model
from roco.baselines.training.learner import Unreadable
from roco.baselines.training.options import checked, fields_of
from roco.release.load.dataset import Dataset


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of predictions; by default those of the model. They have the names of NeighbourOptions."""

    k: int
    power: float
    threshold: float
    modality: bool
    same_article: bool

    def __post_init__(self) -> None:
        if not 1 <= self.k <= LARGEST_K:
            raise UsageError(f"k = {self.k}", f"write 1 to {LARGEST_K}")
        if not LEAST_THRESHOLD <= self.threshold <= 1:
            raise UsageError(f"threshold = {self.threshold}", f"write {LEAST_THRESHOLD} to 1")
        if not 0 <= self.power <= 100:
            raise UsageError(f"power = {self.power}", "write 0 to 100")


class NeighbourPredictor:
    """Predicts by the images of a model. An image is no neighbour of itself, nor of images of its article."""

    tasks = (CONCEPTS, CAPTIONS)

    def __init__(self, index: Index, backbone: Embedder, settings: Settings, stated: Mapping[str, Any]) -> None:
        """index: the images that are neighbours. backbone: of their embeddings. stated: what the model states of it."""
        self._index, self._backbone, self._settings = index, backbone, settings
        self.vocabulary = index.vocabulary
        self.settings: dict[str, Any] = asdict(settings) | {"backbone": dict(stated)}

    def predict(self, rows: Dataset) -> Iterator[Predicted | Unreadable]:
        """Yields a prediction for each row; Unreadable for one whose image cannot be read."""
        for start in range(0, len(rows), PART):
            yield from self._part(rows[start : start + PART])

    def _part(self, rows: Dataset) -> Iterator[Predicted | Unreadable]:
        settings = self._settings
        embedded = embed(rows, self._backbone, skip_unreadable=True)
        unreadable = {one.id: one for one in embedded.unreadable}
        readable = rows[embedded.has]
        articles = None if settings.same_article else scores.article_keys(readable)
        found = self._index.nearest(embedded.vectors[embedded.has], settings.k, articles)
        shares = votes(found, self._index.concepts, settings.k, settings.power)
        raised = scores.with_modality(shares, self.vocabulary) if settings.modality else shares
        flags = scores.decided(raised, settings.threshold)
        captions = iter(zip(shares, flags, self._index.captions(found), strict=True))
        for id, has in zip(rows.column("id").to_pylist(), embedded.has.tolist(), strict=True):
            if not has:
                yield unreadable[id]
                continue
            of_image, chosen, caption = next(captions)
            yield Predicted(id, ranked_cuis(of_image, chosen, self.vocabulary), of_image, caption)


def changed(values: Mapping[str, Any], changes: Mapping[str, Any]) -> Settings:
    """Returns the settings of a model with those that are overridden by --set."""
    overridden = {name: checked(Settings, name, value, "--set") for name, value in changes.items()}
    return Settings(**{**values, **overridden})


def predictor(model: Model, options: PredictOptions) -> NeighbourPredictor:
    """Opens a model of neighbours for predictions."""
    try:
        values = {name: model.values[name] for name in fields_of(Settings)}
        stored = dict(model.values["backbone"])
        wanted = stored["sha256"]
    except (KeyError, TypeError, ValueError) as err:
        raise DataError(f"{model.path} is incomplete: {excerpt(err)}", AGAIN) from err
    settings = changed(values, options.changes)
    backbone = stored_backbone(model.path, stored, options.backbone)
    index = Index.read(model.path)
    if index.vectors.shape[1] != backbone.width or wanted != backbone.sha256:
        raise DataError(f"{model.path}: the embeddings are not those of its backbone", AGAIN)
    return NeighbourPredictor(index, backbone, settings, stored)
