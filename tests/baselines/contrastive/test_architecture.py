"""Networks of timm and transformers inside those of open_clip: from local files, without a model hub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from roco.base.errors import DataError, UsageError

pytestmark = pytest.mark.neural
torch = pytest.importorskip("torch", reason="pip install '.[dev,dev-neural]'")

from roco.baselines.contrastive.architecture import (  # noqa: E402
    WEIGHTS,
    create,
    read_config,
    saved_config,
    shipped,
    tokenizer_of,
)
from tests.baselines.contrastive import tiny  # noqa: E402

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "ct",
    "mri",
    "with",
    "a",
    "mass",
    "fracture",
    "in",
    "the",
    "left",
]


@pytest.fixture
def bert(tmp_path: Path) -> Path:
    """A small text network of transformers with its tokenizer, in a folder."""
    from transformers import BertConfig, BertModel, BertTokenizer

    folder = tmp_path / "bert"
    settings = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    torch.manual_seed(5)
    BertModel(BertConfig(vocab_size=len(WORDS), max_position_embeddings=32, **settings)).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


def written(folder: Path, **text: Any) -> str:
    image = {"timm_model_name": "test_vit", "timm_pool": "token", "timm_proj": "linear", "image_size": 32}
    cfg = {"context_length": 16, "hf_proj_type": "linear", "hf_pooler_type": "mean_pooler", **text}
    (folder / "mixed.json").write_text(json.dumps({"embed_dim": 16, "vision_cfg": image, "text_cfg": cfg}))
    return str(folder / "mixed.json")


def test_a_text_network_of_transformers_starts_from_its_own_weights_and_is_saved_with_the_model(
    bert: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file

    name = written(tmp_path, hf_model_name=str(bert), hf_tokenizer_name=str(bert))
    theirs = load_file(bert / "model.safetensors")["embeddings.word_embeddings.weight"]
    for towers, same in (("pretrained", True), ("scratch", False)):
        network = create(read_config(name), towers=towers == "pretrained")
        assert torch.equal(network.text.transformer.embeddings.word_embeddings.weight, theirs) == same
    model = tiny.run(
        tiny.release(tmp_path / "data"), tmp_path / "out", architecture=name, towers="pretrained", epochs=1, lr=1e-3
    )
    bert.rename(tmp_path / "moved")  # the folder of the model needs it no longer
    config = saved_config(model.path)
    network = create(config, model.path / WEIGHTS).eval()
    tokens = tokenizer_of(config)(["CT with a mass"])
    assert tokens.shape == (1, 16) and tokens[0, :6].tolist() == [2, 5, 7, 8, 9, 3]
    with torch.no_grad():
        assert network.encode_text(tokens, normalize=True).norm() == pytest.approx(1, abs=1e-5)


def test_weights_that_are_pickles_are_not_read(bert: Path, tmp_path: Path) -> None:
    (bert / "model.safetensors").rename(bert / "pytorch_model.bin")
    config = read_config(written(tmp_path, hf_model_name=str(bert), hf_tokenizer_name=str(bert)))
    with pytest.raises(DataError, match="no weights in safetensors"):
        create(config, towers=True)


def test_parts_from_a_model_hub_are_refused_unless_they_may_be_downloaded(tmp_path: Path) -> None:
    config = read_config(written(tmp_path, hf_model_name="owner/bert", hf_tokenizer_name="owner/words"))
    with pytest.raises(UsageError, match="reads owner/bert, owner/words from a model hub"):
        create(config)


def test_the_seed_decides_the_random_weights_and_nothing_else_is_drawn(tmp_path: Path) -> None:
    config = read_config(tiny.architecture(tmp_path))
    torch.manual_seed(9)
    expected = torch.rand(3)
    torch.manual_seed(9)
    first, again, other = create(config, seed=1), create(config, seed=1), create(config, seed=2)
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(first.visual.conv1.weight, again.visual.conv1.weight)
    assert not torch.equal(first.visual.conv1.weight, other.visual.conv1.weight)


def test_the_shipped_architectures_are_built() -> None:
    assert shipped() == ("roco-tiny",)
    for name in shipped():
        assert create(read_config(name)).visual.image_size == (64, 64)
