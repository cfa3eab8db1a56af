"""Networks of open_clip: folders in the layout of BiomedCLIP, of `roco train clip`, and names with weights."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import roco
from roco.base.errors import DataError, UsageError
from tests.baselines import drawn
from tests.baselines.retrieve.encoders import tiny

pytestmark = pytest.mark.neural
torch = pytest.importorskip("torch", reason="pip install '.[dev,dev-neural]'")

from roco.baselines.retrieve.encoders.open import image_encoder, stored_image_encoder  # noqa: E402
from tests.baselines.contrastive import tiny as trained  # noqa: E402


@pytest.fixture(autouse=True)
def _offline_on_one_thread(monkeypatch: pytest.MonkeyPatch) -> Any:
    asked: list[object] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *further, **options: asked.append(host) or [])
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    assert asked == [], "an address was looked up"


@pytest.fixture(scope="module")
def biomed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.biomedclip(tmp_path_factory.mktemp("models") / "biomed")


@pytest.fixture
def copy(biomed: Path, tmp_path: Path) -> Path:
    return shutil.copytree(biomed, tmp_path / "copy")


def test_vectors_are_those_of_open_clip_itself(biomed: Path) -> None:
    import open_clip

    encoder = image_encoder(biomed)
    # open_clip reads the text network by its name, which is that of a hub.
    config = json.loads((biomed / "open_clip_config.json").read_text())
    own = shutil.copytree(biomed, biomed.with_name("own"))
    for name in ("hf_model_name", "hf_tokenizer_name"):
        config["model_cfg"]["text_cfg"][name] = str(own)
    (own / "open_clip_config.json").write_text(json.dumps(config))
    network, transform = open_clip.create_model_from_pretrained(f"local-dir:{own}")
    tokens = open_clip.get_tokenizer(f"local-dir:{own}")(["CT with a mass", "fracture"])
    picture = np.random.default_rng(0).integers(0, 256, (50, 70), np.uint8)
    with torch.no_grad():
        images = network.eval().encode_image(transform(Image.fromarray(picture))[None], normalize=True).numpy()
        texts = network.encode_text(tokens, normalize=True).numpy()
    assert encoder.embed([picture]) == pytest.approx(images, abs=1e-3)
    assert encoder.texts(["CT with a mass", "fracture"]) == pytest.approx(texts, abs=1e-5)
    assert encoder.stated.texts and encoder.stated.width == 16 and encoder.stated.name == "biomed"


def test_a_folder_is_indexed_and_found_by_words_after_it_was_moved(biomed: Path, tmp_path: Path) -> None:
    dataset = drawn.write(tmp_path / "dataset")
    folder = shutil.copytree(biomed, tmp_path / "model")
    roco.index(dataset, tmp_path / "index", encoder=folder)
    index = roco.Index.open(tmp_path / "index")
    hits = index.search("rings", by="dense", n=24)
    assert [hit.rank for hit in hits] == list(range(1, 25))
    # Exactly the order of the cosines between words and images.
    stored = np.load(tmp_path / "index" / "vectors.npy").astype(float)
    query = image_encoder(folder).texts(["rings"])
    assert query is not None
    cosines = stored @ query[0] / np.linalg.norm(stored, axis=1)
    assert [hit.score for hit in hits] == pytest.approx(np.sort(cosines)[::-1], abs=1e-6)
    moved = folder.rename(tmp_path / "moved")
    again = roco.Index.open(tmp_path / "index").search("rings", by="dense", n=24, encoder=moved)
    assert [hit.id for hit in again] == [hit.id for hit in hits]
    other = tiny.biomedclip(tmp_path / "other", seed=4)
    with pytest.raises(DataError, match=r"another encoder: model, not other \(sha256\)"):
        index.search(image=drawn.image_file(dataset, "drawn_test_000001"), encoder=other)


def test_another_tokenizer_or_preparation_is_another_encoder(biomed: Path, copy: Path) -> None:
    stated = image_encoder(biomed).stated.to_json()
    assert stored_image_encoder(Path("index"), stated, copy).stated.sha256 == stated["sha256"]
    vocabulary = copy / "vocab.txt"
    vocabulary.write_text(vocabulary.read_text().replace("mass", "tumour"))
    with pytest.raises(DataError, match=r"\(configuration\)"):
        stored_image_encoder(Path("index"), stated, copy)
    tiny.change(copy, "open_clip_config.json", lambda config: config | {"preprocess_cfg": {"resize_mode": "squash"}})
    with pytest.raises(DataError, match=r"\(preparation\)"):
        stored_image_encoder(Path("index"), stated, copy)


def test_a_model_of_roco_train_clip_is_an_encoder_and_other_models_are_not(tmp_path: Path) -> None:
    from roco.baselines.predict import predict
    from roco.baselines.training.folder import writing

    dataset = trained.release(tmp_path / "data")
    model = trained.run(dataset, tmp_path / "model", epochs=1)
    roco.index(dataset, tmp_path / "index", encoder=model.path)
    index = roco.Index.open(tmp_path / "index")
    predict(model.path, dataset, out=tmp_path / "vectors.npz", split="test")
    with np.load(tmp_path / "vectors.npz") as vectors:
        ids, images, texts = vectors["ids"].tolist(), vectors["images"], vectors["texts"]
    hits = index.search(trained.drawn()[0][1], by="dense", n=100)
    found = {hit.id: hit.score for hit in hits}
    for id, image in zip(ids, images, strict=True):
        assert found[id] == pytest.approx(float(image @ texts[0]), abs=3e-3)
    with writing(tmp_path / "captions", "captions", {}) as part:
        (part / "model.safetensors").write_bytes(b"weights")
    with pytest.raises(UsageError, match=r"model of `roco train captions`(.|\n)*roco export-backbone"):
        image_encoder(tmp_path / "captions")


def test_names_of_open_clip_and_timm_are_encoders_with_their_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import open_clip
    import timm
    from safetensors.torch import save_file

    from roco.baselines.contrastive.architecture import create, read_config

    config = read_config(trained.architecture(tmp_path))
    save_file({name: one.clone() for name, one in create(config).state_dict().items()}, tmp_path / "w.safetensors")
    monkeypatch.setattr(open_clip, "list_models", lambda: ["tiny"])
    monkeypatch.setattr(open_clip, "get_model_config", lambda name: dict(config.model))
    both = image_encoder("tiny", tmp_path / "w.safetensors")
    assert both.stated.architecture == "tiny" and both.texts(["CT"]) is not None
    save_file(timm.create_model("test_vit", num_classes=0).state_dict(), tmp_path / "v.safetensors")
    images = image_encoder("test_vit", tmp_path / "v.safetensors")
    assert images.texts(["CT"]) is None and images.embed([np.zeros((40, 40), np.uint8)]).shape == (1, images.width)
    moved = (tmp_path / "v.safetensors").rename(tmp_path / "moved.safetensors")
    assert stored_image_encoder(tmp_path, images.stated.to_json(), moved).stated.path == moved
    with pytest.raises(DataError, match=r"another encoder: test_vit, not test_vit \(sha256\)|lacks weights"):
        stored_image_encoder(tmp_path, images.stated.to_json(), tmp_path / "w.safetensors")
    with pytest.raises(UsageError, match="did you mean 'test_vit'"):
        image_encoder("test_vitt", moved)


# --- folders that are refused -----------------------------------------------------------------------------------------


def test_the_command_for_a_pickle_makes_a_folder_that_is_read(copy: Path) -> None:
    from safetensors.torch import load_file

    safe = copy / "open_clip_model.safetensors"
    tensors = load_file(safe)
    torch.save({"state_dict": tensors}, copy / "open_clip_pytorch_model.bin")
    safe.unlink()
    with pytest.raises(DataError, match="a pickle, which roco does not read") as caught:
        image_encoder(copy)
    command = caught.value.hint.removeprefix("if you trust it, convert it once: ").removeprefix("python ")
    subprocess.run(f"{sys.executable} {command}", shell=True, check=True)
    assert {name: one.tolist() for name, one in load_file(safe).items()} == {
        name: one.tolist() for name, one in tensors.items()
    }
    assert image_encoder(copy).texts(["CT"]) is not None


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("config.json", r"missing config\.json of the text network(.|\n)*copy it from microsoft/BiomedNLP-Tiny"),
        ("open_clip_model.safetensors", "no weights in"),
    ],
)
def test_a_missing_file_is_named_with_where_to_get_it(copy: Path, name: str, error: str) -> None:
    (copy / name).unlink()
    with pytest.raises(DataError, match=error):
        image_encoder(copy)


def test_a_missing_tokenizer_is_named(copy: Path) -> None:
    for name in ("vocab.txt", "tokenizer.json"):
        (copy / name).unlink(missing_ok=True)
    with pytest.raises(DataError, match=r"missing files of the tokenizer(.|\n)*copy tokenizer\.json"):
        image_encoder(copy)


CODE = "import pathlib\npathlib.Path('ran').touch()\n"


def test_no_code_of_a_model_is_run(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copy)
    (copy / "code.py").write_text(CODE)
    tiny.change(
        copy, "config.json", lambda config: config | {"auto_map": {"AutoConfig": "code.Own"}, "model_type": "x"}
    )
    with pytest.raises(DataError, match="asks to run code"):
        image_encoder(copy)
    tiny.change(copy, "config.json", lambda config: {k: v for k, v in config.items() if k != "auto_map"})
    tiny.change(
        copy, "open_clip_config.json",
        lambda entry: entry | {"model_cfg": entry["model_cfg"] | {"text_cfg": entry["model_cfg"]["text_cfg"] | {
            "tokenizer_kwargs": {"trust_remote_code": True}}}},
    )  # fmt: skip
    tiny.change(copy, "config.json", lambda config: config | {"model_type": "bert"})
    with pytest.raises(DataError, match="tokenizer_kwargs has 'trust_remote_code'"):
        image_encoder(copy).texts(["CT"])
    assert not (copy / "ran").exists()


def test_an_image_network_of_a_hub_is_refused(copy: Path) -> None:
    def of_hub(entry: dict[str, Any]) -> dict[str, Any]:
        entry["model_cfg"]["vision_cfg"]["timm_model_name"] = "hf-hub:owner/network"
        return entry

    tiny.change(copy, "open_clip_config.json", of_hub)
    with pytest.raises(DataError, match="hf-hub:owner/network from a model hub"):
        image_encoder(copy)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"model_cfg": 3}', '{"model_cfg": {"embed_dim": 4}}', "[" * 9000])
def test_a_broken_configuration_is_one_error(copy: Path, text: str) -> None:
    (copy / "open_clip_config.json").write_text(text)
    with pytest.raises(DataError):
        image_encoder(copy)


@pytest.mark.parametrize("length", ["x", 10**12, -3])
def test_a_length_of_texts_that_would_end_the_process_is_refused(copy: Path, length: object) -> None:
    def changed(entry: dict[str, Any]) -> dict[str, Any]:
        entry["model_cfg"]["text_cfg"]["context_length"] = length
        return entry

    tiny.change(copy, "open_clip_config.json", changed)
    with pytest.raises(DataError, match="context_length is"):
        image_encoder(copy).texts(["CT"])


def test_weights_of_another_network_are_refused(copy: Path) -> None:
    tiny.change(
        copy, "open_clip_config.json", lambda entry: entry | {"model_cfg": entry["model_cfg"] | {"embed_dim": 8}}
    )
    with pytest.raises(DataError, match="has other shapes of weights"):
        image_encoder(copy).texts(["CT"])
    (copy / "open_clip_model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(DataError, match="is not a file in safetensors"):
        image_encoder(copy).texts(["CT"])
