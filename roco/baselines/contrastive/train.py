"""Trains two encoders to find the caption of an image among others: `roco train clip`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from roco.base.progress import Progress
from roco.baselines.packages import require
from roco.baselines.training.folder import Model

PACKAGES = ("torch", "timm", "accelerate", "open_clip")


def train_clip(
    release: str | Path,
    out: str | Path,
    *,
    preset: str = "clip",
    changes: Mapping[str, Any] | None = None,
    final: bool = False,
    download: bool = False,
    cache: Path | None = None,
    skip_unreadable: bool = False,
    progress: Progress | None = None,
    warn: Callable[[str], None] = lambda text: None,
) -> Model:
    """Trains two encoders to find the caption of an image among others; continues where an earlier call ended.

    release: any dataset that `roco.load` reads. preset: by name, or a TOML file. changes: of its options, by name.
    final: trains on train and valid, without scores. download: lets open_clip read a model hub. cache: a folder for
    loaded images. warn: receives what is unusual about the data, a sentence each.

    Raises UsageError for an unknown preset, option or architecture and an existing `out`, DataError for a dataset
    without pairs, weights of another network, an unreadable image and a loss that is not finite. Needs the extra
    `train`.
    """
    require(*PACKAGES)
    from roco.baselines.contrastive.pretraining import run

    return run(
        Path(release), Path(out), preset, changes or {}, final=final, download=download, cache=cache,
        skip_unreadable=skip_unreadable, progress=progress, warn=warn,
    )  # fmt: skip
