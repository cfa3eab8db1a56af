"""What the training loop trains for `roco train clip`: the network, its loss, its scores, its files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from roco.baselines.contrastive.architecture import WEIGHTS, Config, write_config
from roco.baselines.contrastive.data import Pool
from roco.baselines.contrastive.embed import embed
from roco.baselines.contrastive.network import LOSS, Contrastive, n_pairs
from roco.baselines.contrastive.options import ClipOptions
from roco.baselines.contrastive.scores import BEST, retrieval_scores
from roco.baselines.training.learner import Batch, Unreadable
from roco.baselines.training.tensors import save_tensors
from roco.baselines.vision.cache import Cache
from roco.baselines.vision.transform import Loading

RESIZE_MODES = {"squash": "squash", "short-side": "shortest"}
"""Our names of how an image becomes a square -> those of open_clip."""


class ClipLearner:
    """A contrastive network, chosen by its mean recall on the validation pool. tokenizer: of open_clip."""

    weights: Mapping[str, float] = {LOSS: 1.0}
    best = BEST

    def __init__(
        self, network: Contrastive, config: Config, tokenizer: Any, pool: Pool | None, options: ClipOptions,
        cache: Cache | None = None,
    ) -> None:  # fmt: skip
        self.model = network
        self.unreadable: dict[str, Unreadable] = {}
        self._config, self._tokenizer, self._pool = config, tokenizer, pool
        self._options, self._cache = options, cache

    def counts(self, batch: Batch) -> Mapping[str, float]:
        """Returns over how many pairs the loss is summed."""
        return n_pairs(batch)

    def score(self, model: torch.nn.Module, device: torch.device) -> Mapping[str, float]:
        """Returns recall and MRR of both directions on the validation pool; {} without one."""
        if self._pool is None:
            return {}
        options, side = self._options, int(self._prepared()["size"])
        found = embed(
            model, self._pool, self._tokenizer, Loading(side, options.resize), device, batch=options.batch,
            workers=options.workers, cache=self._cache,
        )  # fmt: skip
        self.unreadable |= {image.id: image for image in found.unreadable}
        return retrieval_scores(found.images, found.texts, self._pool.captions, self._pool.articles)

    def save(self, model: torch.nn.Module, folder: Path) -> Mapping[str, Any]:
        """Writes weights and configuration as open_clip reads them: `local-dir:FOLDER`."""
        clip: Any = model.clip
        save_tensors(folder / WEIGHTS, clip.state_dict())
        prepared = self._prepared()
        write_config(folder, Config(self._config.name, self._config.model, prepared))
        text = self._config.model["text_cfg"]
        if text.get("hf_model_name"):
            clip.text.config.save_pretrained(folder)
        if text.get("hf_tokenizer_name"):
            self._tokenizer.tokenizer.save_pretrained(folder)
        return {
            "name": self._config.name,
            "images": {"size": int(prepared["size"]), "resize": self._options.resize},
            "dimensions": int(self._config.model["embed_dim"]),
            "temperature": round(math.exp(-float(clip.logit_scale.detach())), 6),
        }

    def _prepared(self) -> dict[str, Any]:
        """Returns how images are prepared, in the words of open_clip."""
        own: Any = self.model.clip
        prepared = dict(own.visual.preprocess_cfg)
        size = prepared["size"]
        prepared["size"] = size[0] if isinstance(size, list | tuple) else size
        return prepared | {"interpolation": "bilinear", "resize_mode": RESIZE_MODES[self._options.resize]}
