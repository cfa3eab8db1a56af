"""Opens data and network of a contrastive training, and runs the loop."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from roco.base.errors import DataError, UsageError
from roco.base.files import digest, file_digest
from roco.base.progress import Progress
from roco.baselines.contrastive.architecture import create, read_config, tokenizer_of
from roco.baselines.contrastive.card import card_of
from roco.baselines.contrastive.data import open_pairs
from roco.baselines.contrastive.items import PairItems
from roco.baselines.contrastive.learner import ClipLearner
from roco.baselines.contrastive.network import Contrastive
from roco.baselines.contrastive.options import ClipOptions
from roco.baselines.contrastive.tokens import encode
from roco.baselines.encoders import side
from roco.baselines.loop import train
from roco.baselines.training import presets
from roco.baselines.training.folder import Model, open_model
from roco.baselines.vision.cache import Cache

KIND = "clip"


def run(
    release: Path, out: Path, preset: str, changes: Mapping[str, Any], *, final: bool = False, download: bool = False,
    cache: Path | None = None, skip_unreadable: bool = False, progress: Progress | None = None,
    warn: Callable[[str], None] = lambda text: None,
) -> Model:  # fmt: skip
    """Trains a model as `train_clip` describes it."""
    if out.exists() or out.is_symlink():
        raise UsageError(f"{out} already exists", "choose another folder")
    loaded = presets.load(preset, KIND, ClipOptions)
    options: ClipOptions = presets.resolve(ClipOptions, loaded, changes)
    config = read_config(options.architecture)
    weights = Path(options.weights) if options.weights else None
    network = Contrastive(
        create(config, weights, download=download, towers=options.towers == "pretrained", seed=options.seed),
        options.temperature,
    )
    tokenizer = tokenizer_of(config)
    pairs = open_pairs(release, final, options.pool)
    tokens = encode(tokenizer, pairs.captions)
    if tokens.ids.max() >= config.model["text_cfg"].get("vocab_size", 49408) and not config.remote:
        raise DataError(f"{config.name} has a vocabulary of fewer tokens than its tokenizer", "correct vocab_size")
    remarks = [*pairs.facts.problems(), *_remarks(pairs.without_caption, tokens.truncated, tokens.ids.shape)]
    if _is_main():
        for remark in remarks:
            warn(remark)
    stored = None if cache is None else Cache.open(cache)
    learner = ClipLearner(network, config, tokenizer, pairs.pool, options, stored)
    size = side(network.clip.visual.preprocess_cfg["size"], config.name)
    train(
        learner, PairItems(pairs.images, tokens.ids, size, options, stored), options, out, kind=KIND, preset=loaded,
        data=pairs.facts, card=lambda trained: card_of(trained, learner, config, remarks),
        further={"final": final, "weights": file_digest(weights) if weights else "", "network": digest(config.model)},
        skip_unreadable=skip_unreadable, progress=progress if _is_main() else None,
    )  # fmt: skip
    if not _is_main():
        return Model(out, KIND, {})
    for image in learner.unreadable.values():
        warn(f"validation image '{image.id}' cannot be read and is ranked last: {image.what}")
    return open_model(out, KIND)


def _remarks(without_caption: int, truncated: int, shape: tuple[int, ...]) -> list[str]:
    """Returns what happened to captions, a sentence each."""
    found = []
    if without_caption:
        found.append(f"{without_caption:,} training images without a caption: not trained on")
    if truncated:
        found.append(f"{truncated:,} of {shape[0]:,} captions are longer than {shape[1]} tokens: truncated")
    return found


def _is_main() -> bool:
    """Returns whether this is the first of several processes, which writes and reports."""
    return os.environ.get("RANK", "0") == "0"
