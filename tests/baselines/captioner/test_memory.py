"""The memory that training needs, known before weights are read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.neural
torch = pytest.importorskip("torch", reason="pip install '.[dev,dev-neural]'")

from roco.base.errors import UsageError  # noqa: E402
from roco.baselines.captioner import memory as memories  # noqa: E402
from roco.baselines.captioner.memory import GB, Memory, check_memory, memory_of  # noqa: E402
from roco.baselines.captioner.model import design  # noqa: E402
from roco.baselines.captioner.options import CaptionOptions  # noqa: E402
from roco.baselines.captioner.tokens import Tokens  # noqa: E402
from roco.baselines.training import presets  # noqa: E402
from tests.baselines.captioner import folders  # noqa: E402

BIOMEDLM = {
    "model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": 28896, "n_positions": 1024,
    "n_embd": 2560, "n_layer": 32, "n_head": 20, "bos_token_id": 28895, "eos_token_id": 28895,
}  # fmt: skip


def paper(tmp_path: Path, **changes: Any) -> tuple[Memory, CaptionOptions]:
    """The memory of the preset of the paper, with configurations as the hub has them, and no weights."""
    decoder = folders.decoder(tmp_path / "biomedlm")
    (decoder / "config.json").write_text(json.dumps(BIOMEDLM))
    encoder = tmp_path / "vit"
    encoder.mkdir()
    (encoder / "config.json").write_text(json.dumps({"model_type": "vit"}))  # ViT-B/16 is what transformers assumes
    preset = presets.load("paper", "captions", CaptionOptions)
    changes = {"encoder": str(encoder), "decoder": str(decoder)} | changes
    options = presets.resolve(CaptionOptions, preset, changes)
    return memory_of(design(options, Tokens.open(decoder, "biomedlm")), options, half=True), options


def test_the_captioner_of_the_paper_does_not_fit_the_card_that_the_paper_names(tmp_path: Path) -> None:
    memory, _ = paper(tmp_path)
    # ViT-B/16 86 M, BioMedLM 2,594 M, cross-attention of 32 layers 839 M, projection 2 M.
    assert memory.parameters == pytest.approx(3.52e9, rel=0.005)
    assert memory.weights + memory.gradients > 2 * memories.CARD_OF_THE_PAPER
    assert 36 * GB < memory.total < 40 * GB
    assert memory.optimizer < 0.1 * GB  # Adafactor keeps rows and columns
    assert paper(tmp_path / "adam", optimizer="adam")[0].total > memory.total + 25 * GB


class _Properties:
    total_memory = int(16 * GB)


def test_a_gpu_with_less_memory_is_refused_before_weights_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory, _ = paper(tmp_path)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: _Properties())
    with pytest.raises(UsageError) as caught:
        check_memory(memory, torch.device("cuda", 0))
    assert caught.value.message == (
        "training needs about 37 GB for 3.52 billion parameters (weights 21.1, gradients 14.1, optimizer 0.0, "
        "activations 1.6); this GPU has 16 GB; it does not fit the 16 GB card that the paper names either"
    )
    assert "--ignore-memory" in caught.value.hint
    check_memory(memory._replace(weights=1 * GB, gradients=1 * GB), torch.device("cuda", 0))


def test_memory_of_a_small_network_is_stated_in_megabytes() -> None:
    memory = Memory(500_000, 2e6, 2e6, 4e6, 30e6)
    assert str(memory).startswith("about 38 MB for 0.5 million parameters (weights 2.0")
