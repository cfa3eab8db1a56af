"""Trains a network that predicts the concepts of an image, and classes of other tasks: `roco train concepts`."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from roco.base.errors import MissingExtra
from roco.base.progress import Progress
from roco.baselines.training.folder import Model
from roco.baselines.vision.options import Extent

PACKAGES = ("torch", "timm", "accelerate", "safetensors")


def train_concepts(
    release: str | Path,
    out: str | Path,
    *,
    preset: str = "roco-b0",
    changes: Mapping[str, Any] | None = None,
    grid: bool = False,
    final: bool = False,
    ablations: bool = False,
    labels: Sequence[str] = (),
    images: Path | None = None,
    cache: Path | None = None,
    download: bool = False,
    skip_unreadable: bool = False,
    progress: Progress | None = None,
    warn: Callable[[str], None] = lambda text: None,
) -> Model:
    """Trains a network for the concepts, and for classes, of a dataset; continues where an earlier call ended.

    release: any dataset that `roco.load` reads; where all tasks are of `labels`, also the folder of their images.
    preset: by name, or a TOML file. changes: of its options, by name. grid: first searches optimiser and rate on
    valid. final: trains on train and valid in the end. ablations: trains the preset once more without each of its
    switches. labels: `TASK=FILE`, CSV files with label and path, of images in `images`, or id, of images of the
    release. cache: a folder for loaded images. download: lets the hub of timm be asked for weights; otherwise nothing
    is fetched. warn: receives what is unusual about the data, a sentence each.

    Raises UsageError for an unknown preset, option, task or backbone and an existing `out`, DataError for missing
    labels, unreadable images and a loss that is not finite. Needs the extra `train`.
    """
    for name in PACKAGES:
        try:
            importlib.import_module(name)
        except ImportError as err:
            raise MissingExtra(name, "train") from err
    from roco.baselines.vision.concepts import run

    return run(
        Path(release), Path(out), preset, changes or {}, Extent(grid=grid, final=final, ablations=ablations),
        labels=labels, images=images, cache=cache, download=download, skip_unreadable=skip_unreadable,
        progress=progress, warn=warn,
    )  # fmt: skip
