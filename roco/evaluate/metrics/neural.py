"""Scores of captions by models: BERTScore, BLEURT, CLIPScore (extra `neural`).

A model is named by its name on the Hugging Face hub or by a folder. Weights are read as tensors only: no code of a
model's repository runs, and nothing is downloaded unless asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError, MissingExtra, RejectedInput, UsageError
from roco.models.images.decode import decode

Floats = NDArray[np.float64]
BATCH = 64  # captions
CHUNK = 1024  # pairs whose token embeddings are held at once
LONGEST = 512  # tokens, where the tokenizer names no limit
PREFIX = "A photo depicts "  # Hessel et al. 2021
_WANTED = ("*.json", "*.txt", "*.model", "*.safetensors", "pytorch_model*.bin")


class Model(NamedTuple):
    """A model on this disk: its name, its folder, and what tells it from others: the digest of its files."""

    name: str
    folder: Path
    digest: str


class BertScores(NamedTuple):
    """BERTScore of each pair; idf: the weight of each token, None where all count alike."""

    precision: Floats
    recall: Floats
    f1: Floats
    idf: dict[str, float] | None


def find(name: str, download: bool = False) -> Model:
    """The model of this name or in this folder; from the hub's cache, or from the hub where `download` is true."""
    folder = Path(name).expanduser()
    if not folder.is_dir():
        folder = _from_hub(name, download)
    if not (folder / "config.json").is_file():
        raise DataError(f"{folder} holds no model", "give a folder with config.json, weights and tokenizer")
    return Model(name, folder, _digest(folder))


def bert_score(
    references: Sequence[str],
    candidates: Sequence[str],
    model: Model,
    layers: int,
    idf_from: Sequence[str] | None = None,
    batch: int = BATCH,
) -> BertScores:
    """BERTScore of each pair by bert-score, from the hidden states of one layer, without rescaling.

    idf_from: texts by which tokens are weighted, ln((N+1)/(df+1)); None, all tokens count alike. Pairs are taken in the
    order of their length, for that wastes least on padding; a value is that of the pair alone, up to the noise of
    floating point. batch 1 takes each pair alone. A pair with an empty side scores 0.
    """
    with _quiet():
        utils = _bert_score()
        encoder, tokenizer = _encoder(model, layers)
        weight: Any
        if idf_from is None:
            weight = _Alike({tokenizer.sep_token_id: 0.0, tokenizer.cls_token_id: 0.0})
        else:
            # nthreads=0 counts in this process: a forked pool would deadlock, because torch has started threads by now.
            weight = utils.get_idf_dict(list(idf_from), tokenizer, nthreads=0)
        scores = np.zeros((len(candidates), 3))
        full = [i for i, (r, c) in enumerate(zip(references, candidates, strict=True)) if r.strip() and c.strip()]
        full.sort(key=lambda i: (len(references[i]) + len(candidates[i]), i))
        for at in range(0, len(full), CHUNK):
            some = full[at : at + CHUNK]
            texts = {references[i] for i in some} | {candidates[i] for i in some}
            known = _embedded(sorted(texts, key=lambda t: (len(t), t)), encoder, tokenizer, weight, batch)
            for i in some:
                # In a batch, bert-score lets padding match with cosine 0, above any word whose best is below it.
                found = utils.greedy_cos_idf(*known[references[i]](), *known[candidates[i]]())
                scores[i] = [float(value) for value in found]
    table = None if idf_from is None else {tokenizer.convert_ids_to_tokens(int(t)): float(w) for t, w in weight.items()}
    return BertScores(scores[:, 0], scores[:, 1], scores[:, 2], table)


def known_layers(name: str) -> int | None:
    """The layer that bert-score takes for a model of this name; None where it knows none."""
    known: dict[str, int] = _bert_score().model2layers
    return known.get(name)


def bleurt(references: Sequence[str], candidates: Sequence[str], model: Model, batch: int = 8) -> Floats:
    """BLEURT of each pair: the one number that a regression model gives for (reference, candidate), 512 tokens at most.

    BLEURT-20 has an architecture of its own, which the package bleurt-pytorch brings; checkpoints in the form of BERT
    are read by transformers alone.
    """
    with _quiet():
        torch, transformers = _torch(), _transformers()
        kind = transformers.PretrainedConfig.get_config_dict(model.folder, local_files_only=True)[0].get("model_type")
        if kind == "bleurt":
            try:
                import bleurt_pytorch as home
            except ImportError as err:
                what = "this BLEURT is read by bleurt-pytorch, which cannot be imported"
                raise UsageError(what, f"pip install bleurt-pytorch 'transformers<5': {err}") from err
            scorer = home.BleurtForSequenceClassification.from_pretrained(model.folder)
            tokenizer = home.BleurtTokenizer.from_pretrained(model.folder)
        else:
            scorer = _loaded(transformers.AutoModelForSequenceClassification, model)
            tokenizer = _tokenizer(model, scorer.config)
        if scorer.config.num_labels != 1:
            raise DataError(f"{model.name} gives {scorer.config.num_labels} numbers for a pair, BLEURT one")
        scorer = scorer.eval().to(_device(torch))
        scores: list[float] = []
        for at in range(0, len(candidates), batch):
            told, said = list(references[at : at + batch]), list(candidates[at : at + batch])
            inputs = tokenizer(
                told, said, padding="longest", truncation=True, max_length=_limit(tokenizer), return_tensors="pt"
            )
            with torch.inference_mode():
                scores += scorer(**inputs.to(_device(torch))).logits.flatten().double().tolist()
    return np.array(scores, float)


def clip_score(images: Iterable[bytes], candidates: Sequence[str], model: Model, batch: int = 32) -> Floats:
    """CLIPScore of each pair of image and caption: 2.5·max(cos, 0), the caption behind `A photo depicts `.

    images: the bytes of each image file. Hessel et al. 2021; captions as they are, cut at the model's limit. Raises
    DataError for an image that cannot be decoded.
    """
    with _quiet():
        torch, transformers = _torch(), _transformers()
        clip = _loaded(transformers.AutoModel, model).eval().to(_device(torch))
        if not hasattr(clip, "get_image_features"):
            raise DataError(
                f"{model.name} is no model of images and texts", "name one such as openai/clip-vit-base-patch32"
            )
        eye = transformers.AutoImageProcessor.from_pretrained(model.folder, local_files_only=True)
        tokenizer = _tokenizer(model, clip.config.text_config)
        scores: list[float] = []
        pictures = iter(images)
        for at in range(0, len(candidates), batch):
            texts = [PREFIX + text for text in candidates[at : at + batch]]
            seen = [_picture(next(pictures)) for _ in texts]
            inputs = tokenizer(
                texts, padding=True, truncation=True, max_length=_limit(tokenizer), return_tensors="pt"
            ).to(_device(torch))
            with torch.inference_mode():
                pixels = eye(images=seen, return_tensors="pt")["pixel_values"].to(_device(torch))
                v = _vector(clip.get_image_features(pixel_values=pixels))
                c = _vector(
                    clip.get_text_features(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"])
                )
                cos = torch.nn.functional.cosine_similarity(v.double(), c.double())
            scores += (2.5 * cos.clamp(min=0)).tolist()
    return np.array(scores, float)


def _embedded(texts: Sequence[str], encoder: Any, tokenizer: Any, weight: Any, batch: int) -> dict[str, Any]:
    """For each text what makes its embedding, mask and weights, as matching wants them; it changes them in place."""
    torch, utils = _torch(), _bert_score()
    known: dict[str, Any] = {}
    for at in range(0, len(texts), batch):
        some = list(texts[at : at + batch])
        vectors, masks, weights = utils.get_bert_embedding(some, encoder, tokenizer, weight, device=_device(torch))
        for text, vector, mask, own in zip(some, vectors.cpu(), masks.cpu(), weights.cpu(), strict=True):
            n = int(mask.sum())
            kept = vector[None, :n].clone(), torch.ones(1, n, dtype=torch.bool), own[None, :n].clone()
            known[text] = lambda kept=kept: (kept[0].clone(), kept[1], kept[2].clone())
    return known


class _Alike(dict[int, float]):
    """Weight 1 for every token that is not named."""

    def __missing__(self, token: int) -> float:
        return 1.0


def _encoder(model: Model, layers: int) -> tuple[Any, Any]:
    torch, transformers = _torch(), _transformers()
    encoder = _loaded(transformers.AutoModel, model).eval()
    stack = getattr(getattr(encoder, "encoder", None), "layer", None)
    if stack is None:
        raise DataError(
            f"{model.name} is no encoder whose layers can be told", "name one of the families BERT, RoBERTa, DeBERTa"
        )
    if not 1 <= layers <= len(stack):
        raise UsageError(f"{model.name} has {len(stack)} layers, not {layers}", f"--layers 1 to {len(stack)}")
    encoder.encoder.layer = torch.nn.ModuleList(list(stack[:layers]))
    return encoder.to(_device(torch)), _tokenizer(model, encoder.config)


def _tokenizer(model: Model, config: Any) -> Any:
    tokenizer = _transformers().AutoTokenizer.from_pretrained(model.folder, local_files_only=True)
    # Some tokenizers name 10**30 as their limit, which the fast ones cannot even take: the model's own is the limit.
    places = int(getattr(config, "max_position_embeddings", 0) or LONGEST)
    if getattr(config, "model_type", "") in ("roberta", "xlm-roberta", "camembert"):
        places -= 2  # the first two places are padding
    if tokenizer.model_max_length > places:
        tokenizer.model_max_length = places
    return tokenizer


def _limit(tokenizer: Any) -> int:
    return min(int(tokenizer.model_max_length), LONGEST)


def _loaded(cls: Any, model: Model) -> Any:
    try:
        return cls.from_pretrained(model.folder, local_files_only=True, trust_remote_code=False, weights_only=True)
    except (OSError, ValueError, RuntimeError, KeyError) as err:
        said = str(err).splitlines()[0] if str(err) else type(err).__name__
        raise DataError(
            f"{model.name} cannot be loaded: {said[:200]}", "give a folder as save_pretrained writes it"
        ) from err


def _vector(out: Any) -> Any:
    """transformers 5 gives an object, earlier ones the tensor."""
    return getattr(out, "pooler_output", out)


def _picture(data: bytes) -> Any:
    try:
        return decode(data).image.convert("RGB")
    except RejectedInput as err:
        raise DataError(f"an image cannot be decoded: {err.message}") from err


def _from_hub(name: str, download: bool) -> Path:
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
    except ImportError as err:
        raise MissingExtra("huggingface-hub", "neural") from err
    try:
        return Path(snapshot_download(name, local_files_only=not download, allow_patterns=list(_WANTED)))
    except HFValidationError as err:
        raise UsageError(f"there is no folder {name}, and it is no name of a model") from err
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as err:
        what = f"the model {name} is not on this disk" if not download else f"the model {name} cannot be fetched"
        hint = "--download fetches it; or give a folder" if not download else str(err).splitlines()[0][:200]
        raise DataError(what, hint) from err


def _digest(folder: Path) -> str:
    """SHA-256 over names and bytes of all files by which the model computes."""
    whole = hashlib.sha256()
    wanted = {path for pattern in _WANTED for path in folder.glob(pattern) if path.is_file()}
    for path in sorted(wanted, key=lambda path: path.name):
        with path.open("rb") as fh:
            whole.update(f"{path.name}\0{hashlib.file_digest(fh, 'sha256').hexdigest()}\n".encode())
    return whole.hexdigest()


def _device(torch: Any) -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def _torch() -> Any:
    try:
        import torch
    except ImportError as err:
        raise MissingExtra("torch", "neural") from err
    return torch


def _transformers() -> Any:
    try:
        import transformers
    except ImportError as err:
        raise MissingExtra("transformers", "neural") from err
    return transformers


def _bert_score() -> Any:
    try:
        from bert_score import utils
    except ImportError as err:
        raise MissingExtra("bert-score", "neural") from err
    return utils


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps the bars and notes of transformers off the terminal for a while."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging = _transformers().utils.logging
        before = logging.get_verbosity()
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        try:
            yield
        finally:
            logging.set_verbosity(before)
            logging.enable_progress_bar()
