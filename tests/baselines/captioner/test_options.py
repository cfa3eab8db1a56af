"""Options and presets of `roco train captions`."""

from __future__ import annotations

from typing import Any

import pytest

from roco.base.errors import UsageError
from roco.baselines.captioner.options import CaptionOptions
from roco.baselines.training import presets


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"beams": 0}, "beams = 0"),
        ({"dropout": 1.0}, "dropout = 1.0"),
        ({"size": 100}, "size = 100 is no multiple of patch = 16"),
        ({"encoder_hidden": 100}, "encoder_hidden = 100 is no multiple of encoder_heads = 3"),
        ({"decoder_heads": 5}, "decoder_hidden = 192 is no multiple of decoder_heads = 5"),
        ({"context": 100}, "captions of 128 tokens exceed context = 100"),
        ({"new_tokens": 300}, "captions of 300 tokens exceed context = 256"),
    ],
)
def test_sizes_that_do_not_fit_together_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        CaptionOptions(**changes)


def test_sizes_of_a_part_that_is_not_from_scratch_have_no_effect() -> None:
    CaptionOptions(encoder="google/vit", decoder="gpt2", encoder_hidden=100, decoder_heads=5, context=100)


@pytest.mark.parametrize("name", ["paper", "small", "tiny"])
def test_the_shipped_presets_are_valid(name: str) -> None:
    preset = presets.load(name, "captions", CaptionOptions)
    assert preset.summary
    assert isinstance(presets.resolve(CaptionOptions, preset, {}), CaptionOptions)


def test_the_preset_of_the_paper_has_its_settings_each_with_its_sentence_or_a_note() -> None:
    preset = presets.load("paper", "captions", CaptionOptions)
    options = presets.resolve(CaptionOptions, preset, {})
    assert (options.encoder, options.decoder) == ("google/vit-base-patch16-224-in21k", "stanford-crfm/BioMedLM")
    assert (options.epochs, options.batch, options.accumulate, options.max_tokens) == (2, 2, 2, 128)
    assert (options.optimizer, options.precision, options.size) == ("adafactor", "fp16", 224)
    for name, setting in preset.settings.items():
        assert bool(setting.paper) != bool(setting.note), name
    open_in_the_paper = {"lr", "schedule", "warmup", "beams", "new_tokens", "resize", "score_images"}
    assert open_in_the_paper <= {name for name, setting in preset.settings.items() if setting.note}
