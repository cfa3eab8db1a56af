"""Trains a captioner: `roco train captions`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from roco.base.progress import Progress
from roco.baselines.captioner.options import CaptionOptions
from roco.baselines.packages import require
from roco.baselines.training import presets
from roco.baselines.training.folder import Model, open_model

PACKAGES = ("torch", "transformers", "accelerate")


def train_captions(
    release: str | Path,
    out: str | Path,
    *,
    preset: str = "small",
    changes: Mapping[str, Any] | None = None,
    final: bool = False,
    download: bool = False,
    ignore_memory: bool = False,
    cache: Path | None = None,
    skip_unreadable: bool = False,
    progress: Progress | None = None,
    warn: Callable[[str], None] = lambda text: None,
    inform: Callable[[str], None] = lambda text: None,
) -> Model:
    """Trains an image encoder with a language decoder that writes captions; continues where an earlier call ended.

    release: any dataset that `roco.load` reads. preset: by name, or a TOML file. changes: of its options, by name.
    final: trains on train and valid, without scores. download: fetches an encoder or decoder that is not on this
    machine. ignore_memory: trains even if the memory does not suffice by the estimate. cache: a folder for loaded
    images. warn: receives what is unusual about the data, a sentence each; inform: the memory that training needs.

    Raises UsageError for an unknown preset, option or model, too little memory and an existing `out`, DataError for a
    dataset without captions, an unreadable image and a loss that is not finite. Needs the extra `train`.
    """
    require(*PACKAGES)
    from roco.baselines.captioner.training import Settings, run

    loaded = presets.load(preset, "captions", CaptionOptions)
    options: CaptionOptions = presets.resolve(CaptionOptions, loaded, changes or {})
    settings = Settings(
        final=final, download=download, ignore_memory=ignore_memory, skip_unreadable=skip_unreadable, cache=cache
    )
    run(Path(release), Path(out), options, loaded, settings, warn=warn, inform=inform, progress=progress)
    return open_model(Path(out), "captions")
