"""The card of a captioner."""

from __future__ import annotations

from collections.abc import Sequence

from roco.baselines.captioner.memory import Memory
from roco.baselines.captioner.options import CaptionOptions
from roco.baselines.training.trained import Trained, card


def card_of(trained: Trained, options: CaptionOptions, memory: Memory, remarks: Sequence[str]) -> str:
    """Returns the card: what the captioner is, how it generates captions, what was remarked on the data."""
    parts = f"An image encoder ({options.encoder}) with a language decoder ({options.decoder})"
    summary = f"{parts} that writes the caption of a radiology image, by `roco train captions`."
    how = "greedy search" if options.beams == 1 else f"beam search with {options.beams} beams"
    limits = [f"at most {options.most_tokens} tokens"]
    if options.no_repeat:
        limits.append(f"no {options.no_repeat} tokens in a row occur twice")
    sections = {
        "Generation": f"{how.capitalize()}; {'; '.join(limits)}. All settings: `generation_config.json`.",
        "Memory": f"Training with a batch of {options.batch} needs {memory}, by an estimate.",
        "Use": "`roco predict MODEL RELEASE --out captions.csv`; VisionEncoderDecoderModel.from_pretrained of\n"
        "transformers reads the folder.",
    }
    if remarks:
        sections = {"Captions": "\n".join(f"- {remark}" for remark in remarks), **sections}
    return card("Captions of radiology images", summary, trained, sections)
