"""The options of `roco train concepts`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from roco.base.errors import UsageError, nearest
from roco.base.terminal import excerpt
from roco.baselines.training.options import LoopOptions

SCRATCH = "scratch"
PRETRAINED = "pretrained"

Resize = Literal["squash", "short-side"]
View = Literal["center", "whole"]


@dataclass(frozen=True, kw_only=True)
class ConceptOptions(LoopOptions):
    """What `roco train concepts` trains.

    tasks: concepts, modality, region, direction, or tasks of --labels; each has a head. backbone: of timm, by name.
    weights: scratch, pretrained (from the hub of timm) or a safetensors file. pooling: of the feature maps: avg is
    that of the backbone, gem the generalised mean. image_size: pixels a side of what the network reads. load_scale:
    images are loaded this much larger, and cropped. resize: squash gives a square; short-side keeps the shape, and
    the crop loses the ends. view: of validation and test: center is the middle of the loaded image, whole is all of
    it. threshold: score from which a concept is predicted. tune_threshold: chooses it on the validation images
    instead. one_modality: predicts the highest modality of each image, even below the threshold. loss_weights: such
    as concepts=1,modality=0.5; 1 for the other tasks. keep: the weights of the last or of the best epoch.
    """

    tasks: tuple[str, ...] = ("concepts",)
    backbone: str = "efficientnet_b0"
    weights: str = SCRATCH
    pooling: Literal["avg", "gem"] = "avg"
    drop_rate: float = 0.2
    image_size: int = 224
    load_scale: float = 1.25
    resize: Resize = "squash"
    view: View = "center"
    flip_horizontal: bool = True
    flip_vertical: bool = True
    threshold: float = 0.5
    tune_threshold: bool = False
    one_modality: bool = False
    loss_weights: tuple[str, ...] = ()
    keep: Literal["last", "best"] = "last"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, least, most in (
            ("drop_rate", 0, 0.99), ("image_size", 16, 4096), ("load_scale", 1, 4), ("threshold", 0, 1),
        ):  # fmt: skip
            if not least <= getattr(self, name) <= most:
                raise UsageError(f"{name} = {getattr(self, name)}", f"write a number from {least} to {most}")
        if not self.tasks or len(set(self.tasks)) < len(self.tasks):
            raise UsageError(f"tasks = {excerpt(','.join(self.tasks))}", "name each task once")
        if self.patience and self.keep == "last":
            raise UsageError(f"patience = {self.patience} with keep = last", "write keep=best, or leave patience at 0")
        self.weight_of_task()

    @property
    def load_size(self) -> int:
        """Returns the pixels to which images are loaded: 280 for 224 at a scale of 1.25."""
        return round(self.image_size * self.load_scale)

    def weight_of_task(self) -> Mapping[str, float]:
        """Returns the weight of the loss of each task; raises UsageError for another task and for no number."""
        weights = dict.fromkeys(self.tasks, 1.0)
        for entry in filter(None, self.loss_weights):
            task, equals, number = (part.strip() for part in entry.partition("="))
            if task not in weights:
                raise UsageError(f"unknown task '{excerpt(task)}' (loss_weights)", nearest(task, weights))
            try:
                weights[task] = float(number)
            except ValueError:
                weights[task] = -1
            if not equals or not 0 <= weights[task] < float("inf"):
                raise UsageError(f"loss_weights = {excerpt(entry)}", f"write {task}=0.5, with a number of at least 0")
        return weights


@dataclass(frozen=True, kw_only=True)
class Extent:
    """What is trained. grid: first a search for optimiser and rate. final: train and valid together in the end.

    ablations: the preset, and once more without each of its switches.
    """

    grid: bool = False
    final: bool = False
    ablations: bool = False

    def __post_init__(self) -> None:
        if self.ablations and (self.grid or self.final):
            raise UsageError("--ablations with --grid or --final", "ablations are compared on valid: use it alone")
