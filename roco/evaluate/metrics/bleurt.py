"""BLEURT by transformers, or by bleurt-pytorch for BLEURT-20 (extra `neural`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError, UsageError
from roco.evaluate.metrics.libraries import TORCH, TRANSFORMERS
from roco.evaluate.metrics.pretrained import Model, device, load_model, load_tokenizer, quiet, token_limit

BATCH = 8  # pairs


def bleurt(
    references: Sequence[str], candidates: Sequence[str], model: Model, batch: int = BATCH
) -> NDArray[np.float64]:
    """Returns the BLEURT of each pair: the output of a regression model for (reference, candidate).

    Pairs are cut at 512 tokens. BLEURT-20 has its own architecture, which needs the package bleurt-pytorch;
    checkpoints with the architecture of BERT need transformers only.
    """
    with quiet():
        torch = TORCH.load()
        scorer, tokenizer = _load(model)
        if scorer.config.num_labels != 1:
            raise DataError(
                f"{model.name} has {scorer.config.num_labels} outputs per pair, but BLEURT has one",
                "choose a BLEURT checkpoint",
            )
        scorer = scorer.eval().to(device())
        scores: list[float] = []
        for start in range(0, len(candidates), batch):
            inputs = tokenizer(
                list(references[start : start + batch]),
                list(candidates[start : start + batch]),
                padding="longest",
                truncation=True,
                max_length=token_limit(tokenizer),
                return_tensors="pt",
            )
            with torch.inference_mode():
                scores += scorer(**inputs.to(device())).logits.flatten().double().tolist()
    return np.array(scores, float)


def _load(model: Model) -> tuple[Any, Any]:
    """Loads the model and its tokenizer by the library that implements its architecture."""
    transformers = TRANSFORMERS.load()
    config = transformers.PretrainedConfig.get_config_dict(model.folder, local_files_only=True)[0]
    if config.get("model_type") != "bleurt":
        scorer = load_model(transformers.AutoModelForSequenceClassification, model)
        return scorer, load_tokenizer(model, scorer.config)
    try:
        import bleurt_pytorch
    except ImportError as err:
        # bleurt-pytorch is not part of the extra: it requires an older transformers than the other metrics.
        raise UsageError(
            f"{model.name} needs bleurt-pytorch, which cannot be imported: {err}",
            "pip install bleurt-pytorch 'transformers<5'",
        ) from err
    scorer = load_model(bleurt_pytorch.BleurtForSequenceClassification, model)
    return scorer, bleurt_pytorch.BleurtTokenizer.from_pretrained(model.folder)
