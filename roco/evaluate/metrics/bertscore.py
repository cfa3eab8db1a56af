"""BERTScore by bert-score, in batches (extra `neural`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError, UsageError
from roco.evaluate.metrics.libraries import BERT_SCORE, TORCH, TRANSFORMERS
from roco.evaluate.metrics.pretrained import Model, device, load_model, load_tokenizer, quiet

Floats = NDArray[np.float64]
BATCH = 64  # captions that the encoder embeds at once
CHUNK = 1024  # pairs whose token embeddings are in memory at once


class BertScores(NamedTuple):
    """BERTScore of each pair; token_weights: the IDF of each token, None if all tokens count alike."""

    precision: Floats
    recall: Floats
    f1: Floats
    token_weights: dict[str, float] | None


class _Embedding(NamedTuple):
    """The token vectors, mask and weights of one text, as tensors with a leading dimension of 1."""

    vectors: Any
    mask: Any
    weights: Any

    def copy(self) -> tuple[Any, Any, Any]:
        """Returns tensors that bert-score may normalise in place."""
        return self.vectors.clone(), self.mask, self.weights.clone()


def bert_score(
    references: Sequence[str],
    candidates: Sequence[str],
    model: Model,
    layers: int,
    idf_from: Sequence[str] | None = None,
    batch: int = BATCH,
) -> BertScores:
    """Returns the BERTScore of each pair, from the hidden states of one layer, without rescaling.

    idf_from: texts whose document frequencies weight the tokens by ln((N+1)/(df+1)); None weights all tokens alike.
    batch: 1 embeds every text alone; larger batches give the same values up to floating-point noise. A pair with an
    empty side scores 0.
    """
    with quiet():
        utils = BERT_SCORE.load()
        encoder, tokenizer = _load_encoder(model, layers)
        weights = _token_weights(idf_from, tokenizer)
        scores = np.zeros((len(candidates), 3))
        # Pairs of similar length are embedded together, which needs the least padding.
        pairs = _non_empty(references, candidates)
        pairs.sort(key=lambda i: (len(references[i]) + len(candidates[i]), i))
        for start in range(0, len(pairs), CHUNK):
            chunk = pairs[start : start + CHUNK]
            texts = {references[i] for i in chunk} | {candidates[i] for i in chunk}
            embeddings = _embed(sorted(texts, key=lambda text: (len(text), text)), encoder, tokenizer, weights, batch)
            for i in chunk:
                # Matched pair by pair: in a batch, bert-score matches words with padding at cosine 0, which raises
                # the score of a word whose best match is below 0.
                reference, candidate = embeddings[references[i]].copy(), embeddings[candidates[i]].copy()
                scores[i] = [float(value) for value in utils.greedy_cos_idf(*reference, *candidate)]
    by_token = None
    if idf_from is not None:
        by_token = {tokenizer.convert_ids_to_tokens(int(token)): float(w) for token, w in weights.items()}
    return BertScores(scores[:, 0], scores[:, 1], scores[:, 2], by_token)


def default_layer(name: str) -> int | None:
    """Returns the layer that bert-score uses for the model of this name; None if it does not list the model."""
    layers: dict[str, int] = BERT_SCORE.load().model2layers
    return layers.get(name)


class _EqualWeights(dict[int, float]):
    """Token weights with the default 1."""

    def __missing__(self, token: int) -> float:
        return 1.0


def _token_weights(idf_from: Sequence[str] | None, tokenizer: Any) -> Mapping[int, float]:
    if idf_from is None:
        return _EqualWeights({tokenizer.sep_token_id: 0.0, tokenizer.cls_token_id: 0.0})
    # nthreads=0 counts in this process: a forked pool would deadlock, because torch has started threads by now.
    weights: Mapping[int, float] = BERT_SCORE.load().get_idf_dict(list(idf_from), tokenizer, nthreads=0)
    return weights


def _non_empty(references: Sequence[str], candidates: Sequence[str]) -> list[int]:
    """Returns the indices of the pairs of which both sides contain text."""
    pairs = []
    for i, (reference, candidate) in enumerate(zip(references, candidates, strict=True)):
        if reference.strip() and candidate.strip():
            pairs.append(i)
    return pairs


def _embed(
    texts: Sequence[str], encoder: Any, tokenizer: Any, weights: Mapping[int, float], batch: int
) -> dict[str, _Embedding]:
    """Returns the embedding of each text, without padding."""
    torch, utils = TORCH.load(), BERT_SCORE.load()
    embeddings = {}
    for start in range(0, len(texts), batch):
        of_batch = list(texts[start : start + batch])
        vectors, masks, token_weights = utils.get_bert_embedding(of_batch, encoder, tokenizer, weights, device=device())
        for text, vector, mask, weight in zip(of_batch, vectors.cpu(), masks.cpu(), token_weights.cpu(), strict=True):
            length = int(mask.sum())
            full_mask = torch.ones(1, length, dtype=torch.bool)
            # Copies release the memory of the padded batch.
            embeddings[text] = _Embedding(vector[None, :length].clone(), full_mask, weight[None, :length].clone())
    return embeddings


def _load_encoder(model: Model, layers: int) -> tuple[Any, Any]:
    """Loads an encoder, removes the layers above `layers`, and loads its tokenizer."""
    encoder = load_model(TRANSFORMERS.load().AutoModel, model).eval()
    stack = getattr(getattr(encoder, "encoder", None), "layer", None)
    if stack is None:
        raise DataError(
            f"BERTScore cannot use {model.name}: it has no list of encoder layers",
            "choose a model of the families BERT, RoBERTa or DeBERTa",
        )
    if not 1 <= layers <= len(stack):
        raise UsageError(f"{model.name} has {len(stack)} layers, not {layers}", f"--layers 1 to {len(stack)}")
    encoder.encoder.layer = TORCH.load().nn.ModuleList(list(stack[:layers]))
    return encoder.to(device()), load_tokenizer(model, encoder.config)
