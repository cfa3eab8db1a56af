"""The network: transformers' VisionEncoderDecoderModel of an image encoder and a decoder with cross-attention."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from torch.nn import functional
from transformers import AutoModel, AutoModelForCausalLM, GPT2Config, VisionEncoderDecoderModel, ViTConfig

from roco.base.errors import DataError, UsageError
from roco.base.terminal import excerpt
from roco.baselines.captioner.options import SCRATCH, SCRATCH_SIZE, CaptionOptions, Generation
from roco.baselines.captioner.pixels import Preparation
from roco.baselines.captioner.pretrained import find, load_config, load_weights, quiet
from roco.baselines.captioner.tokens import IGNORED, Tokens
from roco.baselines.training.folder import AGAIN
from roco.baselines.training.learner import Batch

CROSS_ATTENTION = ("crossattention", "cross_attn", "encoder_attn", "ln_cross_attn", "encoder_attention")
"""What the names of cross-attention weights contain, in the decoders of transformers that have it."""


@dataclass(frozen=True)
class Design:
    """Encoder and decoder before their weights are read.

    encoder, decoder: configurations of transformers. names: of both, as the options have them.
    """

    encoder: Any
    decoder: Any
    names: tuple[str, str]

    def parameters(self) -> list[tuple[int, ...]]:
        """Returns the shape of each parameter, without using memory for it."""
        with torch.device("meta"), quiet():
            model = _combined(self._encoder(), self._decoder())
        return [tuple(parameter.shape) for parameter in model.parameters()]

    def build(self, seed: int, download: bool = False) -> VisionEncoderDecoderModel:
        """Returns the network, with pretrained weights where a part has them; the others are drawn from the seed."""
        torch.manual_seed(seed)
        encoder_name, decoder_name = self.names
        with quiet():
            encoder = self._encoder() if encoder_name == SCRATCH else self._read_encoder(encoder_name, download)
            decoder = self._decoder() if decoder_name == SCRATCH else self._read_decoder(decoder_name, download)
            return _combined(encoder, decoder)

    def _encoder(self) -> Any:
        return AutoModel.from_config(self.encoder, **_without_pooling(self.encoder))

    def _decoder(self) -> Any:
        return AutoModelForCausalLM.from_config(self.decoder)

    def _read_encoder(self, name: str, download: bool) -> Any:
        folder = find(name, download)
        encoder, missing = load_weights(AutoModel, name, folder, self.encoder, **_without_pooling(self.encoder))
        _refuse_missing(name, missing)
        return encoder

    def _read_decoder(self, name: str, download: bool) -> Any:
        folder = find(name, download)
        decoder, missing = load_weights(AutoModelForCausalLM, name, folder, self.decoder)
        _refuse_missing(name, [one for one in missing if not any(part in one for part in CROSS_ATTENTION)])
        return decoder


def design(options: CaptionOptions, tokens: Tokens, download: bool = False) -> Design:
    """Returns encoder and decoder as the options describe them; reads configurations, no weights.

    Raises UsageError if they cannot be combined, or if the captions exceed the context of the decoder.
    """
    encoder = _scratch_encoder(options)
    if options.encoder != SCRATCH:
        encoder = load_config(options.encoder, find(options.encoder, download, weights=False))
        _check_encoder(encoder, options)
    decoder = _scratch_decoder(options, tokens)
    if options.decoder != SCRATCH:
        decoder = load_config(options.decoder, find(options.decoder, download, weights=False))
        decoder.is_decoder = True
        decoder.add_cross_attention = True
        _check_decoder(decoder, options, tokens)
    return Design(encoder, decoder, (options.encoder, options.decoder))


def image_size(encoder: Any) -> int:
    """Returns the side of the images that an encoder takes, in pixels."""
    size = getattr(encoder, "image_size", SCRATCH_SIZE)
    return int(size if isinstance(size, int) else max(size))


def configure(model: VisionEncoderDecoderModel, tokens: Tokens, options: CaptionOptions) -> None:
    """Sets the special tokens in both configurations of a model, and how it generates captions.

    transformers 5 refuses generation settings, such as max_length, in the configuration of a model: they are in the
    generation configuration only.
    """
    for config in (model.config, model.generation_config):
        config.decoder_start_token_id = tokens.start
        config.bos_token_id = tokens.start
        config.eos_token_id = tokens.end
        config.pad_token_id = tokens.pad
        config.vocab_size = model.config.decoder.vocab_size
    model.config.decoder.bos_token_id = tokens.start
    model.config.decoder.eos_token_id = tokens.end
    model.config.decoder.pad_token_id = tokens.pad
    generate_by(model, options.generation)


def generate_by(model: VisionEncoderDecoderModel, generation: Generation) -> None:
    """Sets how a model generates captions; what the settings do not name stays as transformers has it."""
    for name in ("length_penalty", "early_stopping"):
        setattr(model.generation_config, name, None)
    for name, value in generation.to_transformers().items():
        setattr(model.generation_config, name, value)


def open_network(folder: Path) -> VisionEncoderDecoderModel:
    """Opens the network of a trained model, without a pooling layer; raises DataError if weights are missing."""
    config = load_config(str(folder), folder)
    if not (folder / "generation_config.json").is_file():
        raise DataError(f"missing file: {folder / 'generation_config.json'}", AGAIN)
    network, missing = load_weights(VisionEncoderDecoderModel, str(folder), folder, config)
    if [name for name in missing if ".pooler." not in name]:
        raise DataError(f"{folder / 'model.safetensors'} is incomplete: {excerpt(missing[0])} is missing", AGAIN)
    # transformers adds the pooling layer of some encoders when it opens a model: no caption depends on it.
    if getattr(network.encoder, "pooler", None) is not None:
        network.encoder.pooler = None
    return network.eval()


class Captioner(torch.nn.Module):  # type: ignore[misc]
    """The network with its loss: the summed cross-entropy of the tokens of all present captions.

    start, pad: ids of tokens. The decoder gets no mask: positions after a caption are read by no position before them.
    """

    def __init__(self, network: VisionEncoderDecoderModel, start: int, pad: int, preparation: Preparation) -> None:
        super().__init__()
        self.network = network
        self.start, self.pad = start, pad
        # Part of no checkpoint: they follow from the encoder, and are in model.json.
        self.register_buffer("mean", torch.tensor(preparation.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(preparation.std).view(1, 3, 1, 1), persistent=False)

    def normalized(self, images: torch.Tensor) -> torch.Tensor:
        """Returns 8-bit images (images, 3, side, side) as the encoder takes them."""
        return (images.float() / 255 - self.mean) / self.std

    def forward(self, batch: Batch) -> dict[str, torch.Tensor]:
        labels = present_labels(batch)
        inputs = batch["labels"].masked_fill(batch["labels"] == IGNORED, self.pad)
        starts = torch.full_like(inputs[:, :1], self.start)
        shifted = torch.cat([starts, inputs[:, :-1]], dim=1)
        logits = self.network(
            pixel_values=self.normalized(batch["image"]), decoder_input_ids=shifted, use_cache=False
        ).logits
        # Summed in 32 bits, whatever the precision of the network: 128 tokens of fp16 logits would overflow.
        loss = functional.cross_entropy(
            logits.float().flatten(0, 1), labels.flatten(), ignore_index=IGNORED, reduction="sum"
        )
        return {"caption": loss}


def present_labels(batch: Batch) -> torch.Tensor:
    """Returns the labels of a batch (captions, tokens); those of padding items are ignored."""
    labels: torch.Tensor = batch["labels"]
    if "present" in batch:
        labels = labels.masked_fill(batch["present"][:, None] == 0, IGNORED)
    return labels


def _combined(encoder: Any, decoder: Any) -> VisionEncoderDecoderModel:
    return VisionEncoderDecoderModel(encoder=encoder, decoder=decoder)


def _without_pooling(config: Any) -> dict[str, Any]:
    """Returns the argument that leaves out the pooling layer, which no caption would ever train, if there is one."""
    cls = transformers.AutoModel._model_mapping[type(config)]
    accepts = "add_pooling_layer" in inspect.signature(cls.__init__).parameters
    return {"add_pooling_layer": False} if accepts else {}


def _scratch_encoder(options: CaptionOptions) -> ViTConfig:
    return ViTConfig(
        image_size=options.size or SCRATCH_SIZE, patch_size=options.patch, hidden_size=options.encoder_hidden,
        num_hidden_layers=options.encoder_layers, num_attention_heads=options.encoder_heads,
        intermediate_size=4 * options.encoder_hidden, hidden_dropout_prob=options.dropout,
        attention_probs_dropout_prob=options.dropout,
    )  # fmt: skip


def _scratch_decoder(options: CaptionOptions, tokens: Tokens) -> GPT2Config:
    return GPT2Config(
        vocab_size=tokens.size, n_positions=options.context, n_embd=options.decoder_hidden,
        n_layer=options.decoder_layers, n_head=options.decoder_heads, resid_pdrop=options.dropout,
        embd_pdrop=options.dropout, attn_pdrop=options.dropout, bos_token_id=tokens.start, eos_token_id=tokens.end,
        pad_token_id=tokens.pad, is_decoder=True, add_cross_attention=True,
    )  # fmt: skip


def _check_encoder(config: Any, options: CaptionOptions) -> None:
    shown = excerpt(options.encoder)
    known = type(config) in transformers.AutoModel._model_mapping
    if not known or not hasattr(config, "hidden_size") or not hasattr(config, "num_channels"):
        what = f"{shown} is no image encoder ({excerpt(str(config.model_type))})"
        raise UsageError(what, "choose one of the ViT family: vit, deit, beit, dinov2")
    if options.size and options.size != image_size(config):
        what = f"size = {options.size}, but {shown} takes images of {image_size(config)} px"
        raise UsageError(what, "set size = 0, or choose another encoder")


def _check_decoder(config: Any, options: CaptionOptions, tokens: Tokens) -> None:
    shown = excerpt(options.decoder)
    if type(config) not in transformers.AutoModelForCausalLM._model_mapping:
        raise UsageError(f"{shown} is no decoder ({excerpt(str(config.model_type))})", "choose one such as gpt2")
    context = getattr(config, "max_position_embeddings", None)
    longest = max(options.max_tokens, options.most_tokens)
    if context is not None and longest > context:
        raise UsageError(f"captions of {longest} tokens exceed the {context} of {shown}", "lower max_tokens")
    if tokens.size > config.vocab_size:
        what = f"the tokenizer of {shown} has {tokens.size} tokens, its weights have {config.vocab_size}"
        raise UsageError(what, "give a folder whose tokenizer belongs to the weights")
    with torch.device("meta"), quiet():
        names = [name for name, _ in AutoModelForCausalLM.from_config(config).named_parameters()]
    if not any(part in name for name in names for part in CROSS_ATTENTION):
        what = f"{shown} ({config.model_type}) has no cross-attention: it cannot see an image"
        raise UsageError(what, "choose a decoder of the GPT-2 family (gpt2, distilgpt2, BioMedLM) or BERT")


def _refuse_missing(name: str, missing: list[str]) -> None:
    if missing:
        what = f"the weights of {excerpt(name)} are incomplete: {excerpt(missing[0])} is missing"
        raise DataError(what, "give a folder that save_pretrained of transformers has written")
