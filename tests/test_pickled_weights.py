"""Weights, configurations and tokenizers that are pickles are one error for whoever loads a network; nothing is run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="pip install '.[dev,dev-neural]'")
transformers = pytest.importorskip("transformers", reason="pip install '.[dev,dev-neural]'")

from roco.base.errors import RocoError  # noqa: E402
from roco.baselines.captioner.pretrained import find as find_captioner  # noqa: E402
from roco.baselines.captioner.pretrained import load_config, load_weights  # noqa: E402
from roco.baselines.retrieve.encoders.open import image_encoder, text_encoder  # noqa: E402
from roco.baselines.retrieve.grounding.local import local_model  # noqa: E402
from roco.baselines.training.tensors import load_tensors  # noqa: E402
from roco.baselines.weights import read_weights  # noqa: E402
from roco.evaluate.metrics.pretrained import find, load_model, load_tokenizer  # noqa: E402
from tests.attacks.pickles import PAYLOADS  # noqa: E402
from tests.baselines.captioner import folders  # noqa: E402
from tests.baselines.retrieve.encoders import tiny  # noqa: E402

pytestmark = pytest.mark.neural

# --- files of weights -------------------------------------------------------------------------------------------------

TENSORS = "a pickle as a tensor"
"""It is a valid file in safetensors, whose bytes are only numbers to whoever reads it."""


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_file_of_weights_that_is_a_pickle_is_one_error(payload: str, tmp_path: Path) -> None:
    trace, path = tmp_path / "trace", tmp_path / "model.safetensors"
    path.write_bytes(PAYLOADS[payload].make(trace))
    for read in (read_weights, load_tensors):
        if payload == TENSORS:
            assert next(iter(read(path).values())).dtype == torch.uint8
        else:
            with pytest.raises(RocoError):
                read(path)
    assert not trace.exists()


# --- folders of models ------------------------------------------------------------------------------------------------


def _bert(folder: Path) -> Path:
    """A small network of random weights with a tokenizer of words."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "chest", "radiograph"]
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    torch.manual_seed(5)
    transformers.BertModel(transformers.BertConfig(vocab_size=len(words), **sizes)).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    transformers.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


def _metric(folder: Path) -> object:
    model = find(str(folder))
    network = load_model(transformers.AutoModel, model)
    return load_tokenizer(model, network.config)


def _captioner(folder: Path) -> object:
    found = find_captioner(str(folder))
    return load_weights(transformers.AutoModelForCausalLM, str(folder), found, load_config(str(folder), found))


def _images(folder: Path) -> object:
    import numpy as np

    return image_encoder(folder).embed([np.zeros((8, 8, 3), np.uint8)])


def _texts(folder: Path) -> object:
    return text_encoder(folder).texts(["a chest radiograph"])


def _answers(folder: Path) -> object:
    return local_model(folder).ask([{"role": "user", "content": "What is it?"}])


FOLDERS: dict[str, tuple[Callable[[Path], Path], Callable[[Path], Any]]] = {
    "of a metric": (_bert, _metric),
    "of a captioner": (folders.decoder, _captioner),
    "of an encoder of images": (tiny.biomedclip, _images),
    "of an encoder of sentences": (_bert, _texts),
    "of answers": (folders.decoder, _answers),
}
WEIGHTS = ("model.safetensors", "open_clip_model.safetensors", "open_clip_pytorch_model.safetensors")
"""If these are pickles, loading fails; other files, such as merges.txt, may be read as texts or not at all."""
PICKLED = ("pytorch_model.bin", "open_clip_pytorch_model.bin", "tf_model.h5", "flax_model.msgpack", "training_args.bin")


@pytest.mark.slow
@pytest.mark.parametrize("kind", FOLDERS)
def test_no_file_of_the_folder_of_a_model_is_unpickled(kind: str, tmp_path: Path) -> None:
    make, load = FOLDERS[kind]
    folder, trace = make(tmp_path / "model"), tmp_path / "trace"
    assert load(folder) is not None
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    for name in names:
        original = (folder / name).read_bytes()
        for payload in PAYLOADS:
            (folder / name).write_bytes(PAYLOADS[payload].make(trace))
            refused = False
            try:
                load(folder)
            except RocoError:
                refused = True
            assert refused or name not in WEIGHTS or payload == TENSORS, (name, payload)
            assert not trace.exists(), (name, payload)
        (folder / name).write_bytes(original)


@pytest.mark.slow
@pytest.mark.parametrize("kind", FOLDERS)
@pytest.mark.parametrize("name", PICKLED)
def test_a_folder_whose_only_weights_are_a_pickle_is_refused(name: str, kind: str, tmp_path: Path) -> None:
    make, load = FOLDERS[kind]
    folder, trace = make(tmp_path / "model"), tmp_path / "trace"
    for path in folder.glob("*.safetensors"):
        path.unlink()
    for payload in PAYLOADS:
        (folder / name).write_bytes(PAYLOADS[payload].make(trace))
        with pytest.raises(RocoError):
            load(folder)
        assert not trace.exists(), payload
