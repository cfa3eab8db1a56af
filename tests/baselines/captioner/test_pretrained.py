"""Pretrained encoders and decoders: from folders without the network, from the hub only with permission."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

pytestmark = pytest.mark.neural
torch = pytest.importorskip("torch", reason="pip install '.[dev,dev-neural]'")

from roco.base.errors import DataError, UsageError  # noqa: E402
from roco.baselines.captioner.model import design  # noqa: E402
from roco.baselines.captioner.options import CaptionOptions  # noqa: E402
from roco.baselines.captioner.pixels import preparation_of  # noqa: E402
from roco.baselines.captioner.pretrained import find  # noqa: E402
from roco.baselines.captioner.tokens import Tokens  # noqa: E402
from tests.baselines.captioner import folders  # noqa: E402


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A cache of the hub without models, and sockets that fail."""
    import huggingface_hub.constants as constants

    def refuse(*args: object) -> None:
        raise OSError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


def both(tmp_path: Path) -> CaptionOptions:
    encoder, decoder = folders.encoder(tmp_path / "vit"), folders.decoder(tmp_path / "gpt2")
    return CaptionOptions(encoder=str(encoder), decoder=str(decoder), max_tokens=32)


def test_folders_are_read_without_the_network(tmp_path: Path) -> None:
    options = both(tmp_path)
    tokens = Tokens.open(Path(options.decoder), options.decoder)
    network = design(options, tokens).build(0)
    from transformers import GPT2LMHeadModel, ViTModel

    given = GPT2LMHeadModel.from_pretrained(options.decoder).state_dict()
    assert torch.equal(network.decoder.state_dict()["transformer.wte.weight"], given["transformer.wte.weight"])
    vit = ViTModel.from_pretrained(options.encoder).state_dict()
    for name, value in network.encoder.state_dict().items():
        assert torch.equal(value, vit[name]), name


@pytest.mark.parametrize("name", ["gpt2", "stanford-crfm/BioMedLM"])
def test_a_name_that_is_not_on_this_machine_is_one_line_without_permission(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name} is not on this machine") as caught:
        find(name)
    assert "--download" in caught.value.hint


def test_a_hub_that_cannot_be_reached_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UsageError, match="gpt2 is not on this machine") as caught:
        find("gpt2", download=True)
    assert caught.value.hint == "unset HF_HUB_OFFLINE"


@pytest.mark.parametrize("name", ["/no/such/folder", "./models/vit", "a/b/c"])
def test_a_folder_that_does_not_exist_is_no_name_on_the_hub(name: str) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        find(name, download=True)


def test_a_model_that_has_only_pickles_is_refused_with_what_to_do(tmp_path: Path) -> None:
    folder = folders.decoder(tmp_path / "gpt2")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(UsageError, match=r"only as pytorch_model\.bin: roco reads no pickles") as caught:
        find(str(folder))
    assert "save_pretrained" in caught.value.hint
    (folder / "pytorch_model.bin").unlink()
    with pytest.raises(UsageError, match="contains no weights"):
        find(str(folder))
    (folder / "config.json").unlink()
    with pytest.raises(UsageError, match="contains no model"):
        find(str(folder))


def test_a_cached_configuration_is_not_a_cached_model(tmp_path: Path) -> None:
    cached = tmp_path / "hub" / "models--owner--model"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text("1" * 40)
    snapshot = cached / "snapshots" / ("1" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    assert find("owner/model", weights=False) == snapshot
    with pytest.raises(UsageError, match="weights of owner/model are not on this machine"):
        find("owner/model")


def test_weights_that_do_not_belong_to_their_configuration_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    options = both(tmp_path)
    tokens = Tokens.open(Path(options.decoder), options.decoder)
    path = Path(options.decoder) / "model.safetensors"
    weights = load_file(path)
    lost = next(name for name in weights if "attn.c_attn.weight" in name)
    save_file({name: value for name, value in weights.items() if name != lost}, path, metadata={"format": "pt"})
    with pytest.raises(DataError, match=r"incomplete: .*attn\.c_attn\.weight"):
        design(options, tokens).build(0)
    path.write_bytes(b"\xff" * 100)
    with pytest.raises(DataError, match="cannot load the model"):
        design(options, tokens).build(0)


def test_images_are_normalised_as_the_encoder_was_trained(tmp_path: Path) -> None:
    folder = folders.encoder(tmp_path / "vit")
    assert preparation_of(folder, 32, "squash").mean == (0.4, 0.5, 0.6)
    assert preparation_of(None, 32, "squash").std == (0.5, 0.5, 0.5)
    (folder / "preprocessor_config.json").write_text('{"image_mean": [0.5]}')
    with pytest.raises(DataError, match="cannot be read"):
        preparation_of(folder, 32, "squash")
    (folder / "preprocessor_config.json").unlink()
    assert preparation_of(folder, 32, "squash").mean == (0.5, 0.5, 0.5)
