"""The steps of training a captioner: data, tokens, network, memory check, loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from roco.base.errors import UsageError
from roco.base.progress import Progress
from roco.baselines.captioner.card import card_of
from roco.baselines.captioner.data import CaptionData, open_captions
from roco.baselines.captioner.items import CaptionItems
from roco.baselines.captioner.learner import CaptionLearner
from roco.baselines.captioner.memory import Memory, check_memory, memory_of
from roco.baselines.captioner.model import Captioner, Design, design, image_size
from roco.baselines.captioner.options import SCRATCH, CaptionOptions
from roco.baselines.captioner.pixels import preparation_of
from roco.baselines.captioner.pretrained import find, quiet
from roco.baselines.captioner.tokens import Encoded, Tokens
from roco.baselines.loop import train
from roco.baselines.training.presets import Preset
from roco.baselines.training.trained import Trained
from roco.baselines.vision.cache import Cache


@dataclass(frozen=True)
class Settings:
    """How a captioner is trained, besides its options.

    final: on train and valid together, without a score. download: fetches models that are not on this machine.
    ignore_memory: trains even if the memory does not suffice by the estimate. cache: a folder for loaded images.
    """

    final: bool = False
    download: bool = False
    ignore_memory: bool = False
    skip_unreadable: bool = False
    cache: Path | None = None


def run(
    release: Path,
    out: Path,
    options: CaptionOptions,
    preset: Preset,
    settings: Settings | None = None,
    *,
    warn: Callable[[str], None] = lambda text: None,
    inform: Callable[[str], None] = lambda text: None,
    progress: Progress | None = None,
) -> Trained:
    """Trains an encoder and a decoder on the captions of a dataset and writes the folder of the model.

    warn: receives what is unusual about the data, a sentence each; inform: the memory that training needs. Raises
    UsageError if a model is not on this machine or the memory does not suffice, and DataError for a dataset without
    captions; all before any weight is read.
    """
    chosen = settings or Settings()
    if out.exists() or out.is_symlink():
        raise UsageError(f"{out} already exists", "choose another folder")
    data = open_captions(release, chosen.final, options.score_images)
    tokens = _tokens(options, data, chosen.download)
    encoded = tokens.encode(data.captions, options.max_tokens)
    network = design(options, tokens, chosen.download)
    memory = _memory(network, options, chosen.ignore_memory)
    remarks = _remarks(data, encoded, options)
    for problem in (*data.facts.problems(), *remarks):
        warn(problem)
    inform(f"memory: {memory}, by an estimate")
    encoder = None if options.encoder == SCRATCH else find(options.encoder, chosen.download)
    preparation = preparation_of(encoder, image_size(network.encoder), options.resize)
    cache = Cache.open(chosen.cache) if chosen.cache else None
    model = Captioner(network.build(options.seed, chosen.download), tokens.start, tokens.pad, preparation)
    learner = CaptionLearner(model, tokens, preparation, options, data.validation, cache)
    items = CaptionItems(data.images, encoded.tokens, preparation, cache)
    with quiet():
        trained = train(
            learner, items, options, out, kind="captions", preset=preset, data=data.facts,
            card=lambda trained: card_of(trained, options, memory, remarks), further={"final": chosen.final},
            skip_unreadable=chosen.skip_unreadable, progress=progress,
        )  # fmt: skip
    for id in sorted(learner.unreadable):
        warn(f"validation image '{id}' is unreadable: scored as an empty caption")
    return trained


def _tokens(options: CaptionOptions, data: CaptionData, download: bool) -> Tokens:
    """Returns the tokenizer of the decoder, or one that is learnt from the training captions."""
    if options.decoder == SCRATCH:
        return Tokens.learn(data.captions, options.vocabulary)
    return Tokens.open(find(options.decoder, download, weights=False), options.decoder)


def _memory(network: Design, options: CaptionOptions, ignore: bool) -> Memory:
    """Returns the memory that training needs; raises UsageError if the device has less."""
    gpu = torch.cuda.is_available()
    half = options.precision in ("fp16", "bf16") or (options.precision == "auto" and gpu)
    memory = memory_of(network, options, half)
    if not ignore:
        check_memory(memory, torch.device("cuda", 0) if gpu else torch.device("cpu"))
    return memory


def _remarks(data: CaptionData, encoded: Encoded, options: CaptionOptions) -> list[str]:
    """Returns what happened to captions, a sentence each."""
    found = []
    if data.without_caption:
        n = data.without_caption
        found.append(f"{n:,} training image{' has' if n == 1 else 's have'} no caption: not trained on")
    if encoded.truncated:
        n, all_captions = encoded.truncated, len(data.captions)
        found.append(f"{n:,} of {all_captions:,} captions are longer than {options.max_tokens} tokens: truncated")
    return found
