"""CLIPScore: how well a caption describes its image (extra `neural`; Hessel et al. 2021)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError, RejectedInput
from roco.evaluate.metrics.libraries import TORCH, TRANSFORMERS
from roco.evaluate.metrics.pretrained import (
    Model,
    device,
    load_model,
    load_processor,
    load_tokenizer,
    quiet,
    token_limit,
)
from roco.models.images.decode import decode

PREFIX = "A photo depicts "
WEIGHT = 2.5
BATCH = 32  # pairs


def clip_score(
    images: Iterable[bytes], candidates: Sequence[str], model: Model, batch: int = BATCH
) -> NDArray[np.float64]:
    """Returns the CLIPScore of each pair of image and caption: 2.5·max(cos, 0), with PREFIX before the caption.

    images: the bytes of each image file. Captions are cut at the limit of the model. Raises DataError for an image
    that cannot be decoded.
    """
    with quiet():
        torch, transformers = TORCH.load(), TRANSFORMERS.load()
        clip = load_model(transformers.AutoModel, model).eval().to(device())
        if not hasattr(clip, "get_image_features"):
            raise DataError(
                f"{model.name} does not embed both images and texts",
                "choose a CLIP model, such as openai/clip-vit-base-patch32",
            )
        processor = load_processor(model)
        tokenizer = load_tokenizer(model, clip.config.text_config)
        scores: list[float] = []
        remaining = iter(images)
        for start in range(0, len(candidates), batch):
            texts = [PREFIX + text for text in candidates[start : start + batch]]
            # Images are read batch by batch, so that at most one batch is in memory.
            decoded = [_decode(next(remaining)) for _ in texts]
            tokens = tokenizer(
                texts, padding=True, truncation=True, max_length=token_limit(tokenizer), return_tensors="pt"
            ).to(device())
            with torch.inference_mode():
                pixels = processor(images=decoded, return_tensors="pt")["pixel_values"].to(device())
                image_vectors = _vectors(clip.get_image_features(pixel_values=pixels))
                text_vectors = _vectors(
                    clip.get_text_features(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"])
                )
                cosines = torch.nn.functional.cosine_similarity(image_vectors.double(), text_vectors.double())
            scores += (WEIGHT * cosines.clamp(min=0)).tolist()
    return np.array(scores, float)


def _vectors(output: Any) -> Any:
    """Returns the vectors of an output: transformers 5 returns an object, older versions the tensor itself."""
    return getattr(output, "pooler_output", output)


def _decode(data: bytes) -> Any:
    """Returns an image in RGB; raises DataError if it cannot be decoded or is too large."""
    try:
        return decode(data).image.convert("RGB")
    except RejectedInput as err:
        raise DataError(f"cannot decode an image: {err.message}", "check the files of --images") from err
