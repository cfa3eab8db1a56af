"""Dense and hybrid search of words: which vectors are compared, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import roco
from roco.base.errors import DataError, MissingExtra, UsageError
from roco.base.files import file_digest
from tests.baselines import drawn
from tests.baselines.retrieve.encoders import fake


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawn.write(tmp_path_factory.mktemp("drawn") / "dataset")


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    fake.use(monkeypatch)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return fake.folder(tmp_path / "model")


def kinds(hits: list[roco.Hit]) -> set[str]:
    return {hit.caption.split()[0] for hit in hits}


def test_words_that_no_caption_contains_find_captions_of_the_same_meaning(
    dataset: Path, model: Path, tmp_path: Path
) -> None:
    assert roco.index(dataset, tmp_path / "index", text_encoder=model).captions == 24
    index = roco.Index.open(tmp_path / "index")
    assert index.search("circles", by="words") == []
    hits = index.search("circles", by="dense", n=8)
    assert kinds(hits) == {"rings"} and all(hit.matched.keys() == {"caption"} for hit in hits)
    assert hits[0].score == pytest.approx(1, abs=1e-3)
    assert kinds(index.search("circles", n=8)) == {"rings"}, "hybrid is the default where captions have vectors"


def test_words_are_compared_with_images_where_the_encoder_has_a_text_tower(
    dataset: Path, model: Path, tmp_path: Path
) -> None:
    roco.index(dataset, tmp_path / "index", encoder=model)
    index = roco.Index.open(tmp_path / "index")
    hits = index.search("dots", by="dense", n=8)
    assert kinds(hits) == {"speckle"} and hits[0].matched == {"text": 1}
    # A mean that is subtracted from images, but not from words, would change the cosine.
    assert hits[0].score == pytest.approx(1, abs=1e-3)
    assert index.manifest["encoder"]["centred"] == []


def test_hybrid_is_the_fusion_of_all_methods(dataset: Path, model: Path, tmp_path: Path) -> None:
    roco.index(dataset, tmp_path / "index", encoder=model, text_encoder=model)
    index = roco.Index.open(tmp_path / "index")
    hits = index.search("stripes", by="hybrid", n=24)
    assert hits[0].matched == {"words": 1, "text": 1, "caption": 1} and hits[0].score == pytest.approx(3 / 61)
    for hit in hits:
        assert hit.score == pytest.approx(sum(1 / (60 + rank) for rank in hit.matched.values()))
    assert index.encoders.keys() == {"image", "text", "caption"}


@pytest.mark.neural
def test_lancedb_finds_what_the_files_find(dataset: Path, model: Path, tmp_path: Path) -> None:
    pytest.importorskip("lancedb", reason="pip install '.[search]'")
    found = []
    for store in ("files", "lance"):
        roco.index(dataset, tmp_path / store, encoder=model, text_encoder=model, store=store)
        hits = roco.Index.open(tmp_path / store).search("circles", by="dense", n=24)
        found.append([(hit.id, hit.score, hit.matched) for hit in hits])
    assert found[0] == found[1] and len(found[0]) == 24


def test_filters_hold_for_dense_search(dataset: Path, model: Path, tmp_path: Path) -> None:
    pytest.importorskip("duckdb", reason="pip install '.[select]'")
    roco.index(dataset, tmp_path / "index", encoder=model, text_encoder=model)
    hits = roco.Index.open(tmp_path / "index").search(
        "circles", by="dense", n=24, filters=roco.SelectOptions(split=("test",)), not_ids=["drawn_test_000001"]
    )
    assert {hit.id for hit in hits} == {f"drawn_test_{number:06}" for number in range(2, 7)}


def test_a_caption_without_text_is_not_found_by_dense_search(dataset: Path, model: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(dataset, tmp_path / "dataset")
    table = copy / "test_captions.csv"
    table.write_text(table.read_text().replace('"rings number 0, test"', ""))
    assert roco.index(copy, tmp_path / "index", text_encoder=model).captions == 23
    hits = roco.Index.open(tmp_path / "index").search("circles", by="dense", n=24)
    assert len(hits) == 23 and "drawn_test_000001" not in {hit.id for hit in hits}


@pytest.mark.parametrize("by", ["dense", "hybrid"])
def test_dense_search_without_vectors_of_words_says_what_to_index_with(dataset: Path, tmp_path: Path, by: str) -> None:
    roco.index(dataset, tmp_path / "index")
    with pytest.raises(UsageError, match=r"its encoder, EfficientNet-Lite0, reads no texts(.|\n)*--text-encoder"):
        roco.Index.open(tmp_path / "index").search("rings", by=by)


def test_an_unknown_way_and_a_way_without_words_are_refused(dataset: Path, tmp_path: Path) -> None:
    roco.index(dataset, tmp_path / "index")
    index = roco.Index.open(tmp_path / "index")
    with pytest.raises(UsageError, match=r"unknown search 'dens'(.|\n)*did you mean 'dense'"):
        index.search("rings", by="dens")
    with pytest.raises(UsageError, match="no words to search for"):
        index.search(like="drawn_test_000001", by="dense")


def test_without_the_packages_of_the_encoder_words_are_still_found(
    dataset: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roco.index(dataset, tmp_path / "index", text_encoder=model)

    def refuse(folder: Path) -> None:
        raise MissingExtra("torch", "train")

    monkeypatch.setattr("roco.baselines.retrieve.encoders.sentences.SentenceEncoder.of_folder", refuse)
    index = roco.Index.open(tmp_path / "index")
    with pytest.raises(
        UsageError, match=r"torch is not installed(.|\n)*pip install (.|\n)*or search without.*--by words"
    ):
        index.search("rings")
    assert index.search("rings", by="words")


def test_an_answer_has_sources_that_dense_search_finds_and_states_the_encoder(
    dataset: Path, model: Path, tmp_path: Path
) -> None:
    roco.index(dataset, tmp_path / "index", text_encoder=model)
    prompt = roco.answer_prompt(tmp_path / "index", "Which circles?", roco.AnswerOptions(by="dense", n=3))
    assert kinds(list(prompt.sources)) == {"rings"} and prompt.notes[-1] == "caption: compared by model"


# --- another encoder --------------------------------------------------------------------------------------------------


def test_an_encoder_that_was_moved_is_accepted_and_another_one_refused(
    dataset: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roco.index(dataset, tmp_path / "index", encoder=model, text_encoder=model)
    moved = model.rename(tmp_path / "moved")
    index = roco.Index.open(tmp_path / "index")
    with pytest.raises(DataError, match=r"missing encoder of .*(.|\n)*--encoder PATH; or search without"):
        index.search("circles", by="dense")
    with pytest.raises(DataError, match=r"(.|\n)*--text-encoder PATH"):
        index.search("circles", by="dense", encoder=moved)
    assert index.search("circles", by="dense", encoder=moved, text_encoder=moved)
    fake.use(monkeypatch, version="2")
    again = roco.Index.open(tmp_path / "index")
    with pytest.raises(DataError, match=r"vectors of another encoder: model, not moved \(sha256\)"):
        again.search("circles", by="dense", encoder=moved)
    assert again.search("rings", by="words"), "words need no encoder"


@pytest.mark.parametrize(("name", "value"), [("preparation", {"side": 2}), ("width", 5), ("configuration", "x")])
def test_whatever_decides_the_vectors_is_compared(
    dataset: Path, model: Path, tmp_path: Path, name: str, value: object
) -> None:
    roco.index(dataset, tmp_path / "index", text_encoder=model)
    index = roco.Index.open(tmp_path / "index")
    index.manifest["text_encoder"][name] = value
    with pytest.raises(DataError, match=rf"another encoder: model, not model \({name}\)"):
        index.search("rings", by="dense")


def test_a_manifest_that_describes_no_encoder_is_refused(dataset: Path, model: Path, tmp_path: Path) -> None:
    roco.index(dataset, tmp_path / "index", text_encoder=model)
    file = tmp_path / "index" / "manifest.json"
    manifest = json.loads(file.read_text())
    manifest["text_encoder"]["path"] = ["a"]
    file.write_text(json.dumps(manifest))
    with pytest.raises(DataError, match="does not describe its encoder"):
        roco.Index.open(tmp_path / "index").search("rings")


@pytest.mark.parametrize("width", [None, 3])
def test_vectors_that_are_not_those_of_the_encoder_are_one_error(
    dataset: Path, model: Path, tmp_path: Path, width: int | None
) -> None:
    roco.index(dataset, tmp_path / "index", text_encoder=model)
    vectors, file = tmp_path / "index" / "texts.npy", tmp_path / "index" / "manifest.json"
    manifest = json.loads(file.read_text())
    if width is None:
        vectors.unlink()
        del manifest["files"]["texts.npy"]
    else:
        np.save(vectors, np.ones((24, width), np.float16))
        manifest["files"]["texts.npy"] = file_digest(vectors)
    file.write_text(json.dumps(manifest))
    with pytest.raises(DataError, match="its vectors are not those of its encoder"):
        roco.Index.open(tmp_path / "index").search("rings", by="dense")


# --- a grown release --------------------------------------------------------------------------------------------------


def test_equal_captions_of_a_previous_index_are_not_embedded_again(
    dataset: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    fake.use(monkeypatch, calls=calls)
    roco.index(dataset, tmp_path / "first", text_encoder=model)
    copy = shutil.copytree(dataset, tmp_path / "dataset")
    table = copy / "test_captions.csv"
    table.write_text(table.read_text().replace("rings number 0", "circles in the middle"))
    calls.clear()
    roco.index(copy, tmp_path / "grown", text_encoder=model, previous=tmp_path / "first")
    assert [text for text in calls if text != "caption"] == ["circles in the middle, test"]
    roco.index(copy, tmp_path / "new", text_encoder=model)
    assert (tmp_path / "grown" / "texts.npy").read_bytes() == (tmp_path / "new" / "texts.npy").read_bytes()


def test_captions_are_embedded_again_for_another_encoder(
    dataset: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roco.index(dataset, tmp_path / "first", text_encoder=model)
    calls: list[str] = []
    fake.use(monkeypatch, calls=calls, version="2")
    roco.index(dataset, tmp_path / "second", text_encoder=model, previous=tmp_path / "first")
    assert len([text for text in calls if text != "caption"]) == 24


def test_an_interrupted_index_does_not_embed_the_stored_captions_again(tmp_path: Path, model: Path) -> None:
    from roco.baselines.retrieve.encoders import captions

    calls: list[str] = []
    texts = [f"rings {number}" for number in range(captions.PART + 3)]
    first = captions.embed_texts(texts, fake.Fake(model, calls=calls), tmp_path)
    (tmp_path / f"captions-{captions.PART:08}.npz").write_bytes(b"half")
    calls.clear()
    again = captions.embed_texts(texts, fake.Fake(model, calls=calls), tmp_path)
    assert calls == texts[captions.PART :] and np.array_equal(first.vectors, again.vectors)


def test_an_encoder_that_cannot_run_leaves_nothing(
    dataset: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: object, images: object) -> None:
        raise DataError("the weights are of another architecture")

    monkeypatch.setattr(fake.Fake, "embed", refuse)
    with pytest.raises(DataError, match="another architecture"):
        roco.index(dataset, tmp_path / "index", encoder=model)
    assert not list(tmp_path.glob("index*"))
