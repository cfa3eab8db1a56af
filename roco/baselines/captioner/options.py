"""The options of `roco train captions`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from roco.base.errors import UsageError
from roco.baselines.training.options import LoopOptions

SCRATCH = "scratch"
SCRATCH_SIZE = 224
"""The side of images, in pixels, if neither an option nor the encoder determines it."""

_LEAST = {"size": 0, "patch": 1, "encoder_hidden": 1, "encoder_layers": 1, "encoder_heads": 1, "vocabulary": 260}
_LEAST |= {"decoder_hidden": 1, "decoder_layers": 1, "decoder_heads": 1, "context": 2, "max_tokens": 2}
_LEAST |= {"new_tokens": 0, "beams": 1, "no_repeat": 0, "score_images": 0}


@dataclass(frozen=True, kw_only=True)
class Generation:
    """How captions are generated; `CaptionOptions` describes each setting. new_tokens: at least 1."""

    beams: int
    new_tokens: int
    no_repeat: int
    length_penalty: float

    def __post_init__(self) -> None:
        for name, least in (("beams", 1), ("new_tokens", 1), ("no_repeat", 0)):
            if getattr(self, name) < least:
                raise UsageError(f"{name} = {getattr(self, name)}", f"write at least {least}")

    def to_transformers(self) -> dict[str, Any]:
        """Returns the settings in the words of transformers; max_length includes the start token."""
        settings: dict[str, Any] = {"do_sample": False, "num_beams": self.beams, "max_length": self.new_tokens + 1}
        settings["no_repeat_ngram_size"] = self.no_repeat
        if self.beams > 1:  # transformers warns of settings that have no effect
            settings |= {"length_penalty": self.length_penalty, "early_stopping": True}
        return settings


@dataclass(frozen=True, kw_only=True)
class CaptionOptions(LoopOptions):
    """What `roco train captions` does.

    encoder, decoder: a name on the Hugging Face hub, a folder, or scratch. Only from scratch: patch, in pixels; hidden
    size, layers and heads of each; vocabulary, the tokens of a byte-level BPE of the training captions; context, the
    most tokens of the decoder; dropout.
    size: side of the images in pixels; 0 is that of the encoder (224 from scratch). resize: squash scales an image to
    a square; short-side scales its shorter side and crops the centre.
    max_tokens: of a caption, with its end token; longer ones are truncated.
    Generation: beams (1 is greedy), new_tokens (the most of a caption; 0 is max_tokens), no_repeat (no n-gram of this
    length occurs twice; 0 allows all), length_penalty (of beams; above 0 favours longer captions).
    score_images: validation images that are captioned after each epoch, evenly spaced; 0 captions all.
    """

    encoder: str = SCRATCH
    decoder: str = SCRATCH
    size: int = 0
    resize: Literal["squash", "short-side"] = "squash"
    patch: int = 16
    encoder_hidden: int = 192
    encoder_layers: int = 12
    encoder_heads: int = 3
    vocabulary: int = 8000
    decoder_hidden: int = 192
    decoder_layers: int = 4
    decoder_heads: int = 3
    context: int = 256
    dropout: float = 0.1
    max_tokens: int = 128
    beams: int = 1
    new_tokens: int = 0
    no_repeat: int = 0
    length_penalty: float = 1.0
    score_images: int = 500

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, least in _LEAST.items():
            if getattr(self, name) < least:
                raise UsageError(f"{name} = {getattr(self, name)}", f"write at least {least}")
        if not 0 <= self.dropout < 1:
            raise UsageError(f"dropout = {self.dropout}", "write a number from 0 to less than 1")
        self._check_scratch()

    @property
    def most_tokens(self) -> int:
        """Returns the most tokens of a generated caption."""
        return self.new_tokens or self.max_tokens

    @property
    def generation(self) -> Generation:
        """Returns how captions are generated."""
        return Generation(
            beams=self.beams,
            new_tokens=self.most_tokens,
            no_repeat=self.no_repeat,
            length_penalty=self.length_penalty,
        )

    def _check_scratch(self) -> None:
        """Raises UsageError if sizes of a network from scratch do not fit together."""
        for part in ("encoder", "decoder"):
            hidden, heads = getattr(self, f"{part}_hidden"), getattr(self, f"{part}_heads")
            if getattr(self, part) == SCRATCH and hidden % heads:
                raise UsageError(f"{part}_hidden = {hidden} is no multiple of {part}_heads = {heads}", "change one")
        size = self.size or SCRATCH_SIZE
        if self.encoder == SCRATCH and size % self.patch:
            raise UsageError(f"size = {size} is no multiple of patch = {self.patch}", "change one of them")
        # The decoder reads a start token and all tokens of a caption but the last.
        longest = max(self.max_tokens, self.most_tokens)
        if self.decoder == SCRATCH and longest > self.context:
            raise UsageError(f"captions of {longest} tokens exceed context = {self.context}", "raise it")
