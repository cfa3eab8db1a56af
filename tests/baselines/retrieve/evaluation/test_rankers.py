"""The rankings of an index: as computed by hand, over the stated pool, and each with its encoder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import roco
from roco.base.errors import DataError, UsageError
from roco.baselines.retrieve.evaluation import rankers as module
from roco.baselines.retrieve.evaluation.rankers import CONTAMINATED, fused, rankers
from roco.baselines.retrieve.words import Words
from tests.baselines import drawn
from tests.baselines.retrieve.encoders import fake
from tests.baselines.retrieve.evaluation.command import run

TRAIN = [f"drawn_train_{number:06d}" for number in range(1, 13)]
TEST = [f"drawn_test_{number:06d}" for number in range(1, 7)]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawn.write(tmp_path_factory.mktemp("drawn") / "dataset")


@pytest.fixture(scope="module")
def path(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("indexes") / "index"
    roco.index(dataset, out)
    return out


def test_cosines_are_those_of_the_search_whatever_the_size_of_the_blocks(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = roco.Index.open(path)
    (ranker,) = rankers(index, "image-to-image")
    whole = list(ranker.blocks(TRAIN))
    assert [start for start, _ in whole] == [0]
    for row, id in zip(whole[0][1], TRAIN, strict=True):
        hits = {hit.id: hit.score for hit in index.search(like=id, n=24)}
        others = [other for other in TRAIN if other != id]
        expected = [hits[other] for other in others]
        assert [row[TRAIN.index(other)] for other in others] == pytest.approx(expected, abs=1e-6)
    monkeypatch.setattr(module, "BLOCK_BYTES", 5 * 8 * len(TRAIN))
    parts = list(ranker.blocks(TRAIN))
    assert [start for start, _ in parts] == [0, 5, 10]
    assert np.array_equal(np.concatenate([block for _, block in parts]), whole[0][1])


def test_captions_are_compared_with_captions_alone_and_not_with_the_names_of_concepts(path: Path) -> None:
    """The captions are 'KIND number N, SPLIT'; the names of the concepts are their CUIs, which no caption contains."""
    index = roco.Index.open(path)
    (captions,), (concepts,) = rankers(index, "text-to-text"), rankers(index, "concepts-to-image")
    assert captions.method == concepts.method == "words"
    ((_, block),) = captions.blocks(TEST)
    texts = [f"{kind} number {number}, test" for number, kind in enumerate(["rings", "stripes", "speckle"] * 2)]
    assert np.array_equal(block, np.stack([Words.of(texts).scores(text) for text in texts]))
    ((_, block),) = concepts.blocks(TEST)
    assert not block.any()
    assert index.search(drawn.CT), "a search does find the names of concepts"


def test_names_of_concepts_are_compared_with_captions_as_computed_by_hand(tmp_path: Path) -> None:
    """The caption of the second image has 1 of 2 words in common with the names of the concepts of the first one."""
    dataset = drawn.write(tmp_path / "dataset", {"train": 3}, articles_of=1)
    drawn.table(dataset / "cui_mapping.csv", ("CUI", "Canonical name"), [(drawn.CT, "Stripes"), (drawn.NODULE, "2")])
    roco.index(dataset, tmp_path / "index")
    (ranker,) = rankers(roco.Index.open(tmp_path / "index"), "concepts-to-image")
    ((_, block),) = ranker.blocks(TRAIN[:3])
    # Each of both words is in one of three captions of four words: ln(1 + 2.5 / 1.5) / (1 + 1.2).
    score = np.log1p(2.5 / 1.5) / 2.2
    assert block == pytest.approx(np.array([[0, score, score], [0, 0, 0], [0, 0, 0]]))


def test_an_image_without_a_vector_has_no_cosine_and_is_counted(dataset: Path, tmp_path: Path) -> None:
    other = drawn.write(tmp_path / "dataset")
    drawn.image_file(other, TEST[0]).unlink()
    roco.index(other, tmp_path / "index")
    (ranker,) = rankers(roco.Index.open(tmp_path / "index"), "image-to-image")
    ((_, block),) = ranker.blocks(TEST)
    assert np.isnan(block[0]).all() and np.isnan(block[:, 0]).all() and np.isfinite(block[1:, 1:]).all()
    assert ranker.notes == ("images of the index without a vector, which rank last: 1",)
    report = roco.evaluate_retrieval(ranker, other, task="image-to-image")
    worst = {row[0]: row[2] for row in report.per_image.rows}
    assert worst[TEST[0]] == 4, "of four candidates the only right answer is the last one"


def test_a_report_names_the_encoder_and_warns_of_one_that_is_not_shipped(path: Path, dataset: Path) -> None:
    index = roco.Index.open(path)
    (ranker,) = rankers(index, "image-to-image")
    report = roco.evaluate_retrieval(ranker, dataset, task="image-to-image")
    assert report.models["dense"].startswith("EfficientNet-Lite0, sha256 d02e451a")
    assert str(path / "manifest.json") in report.inputs and CONTAMINATED not in report.notes
    index.manifest["encoder"]["path"] = "biomedclip.onnx"
    assert CONTAMINATED in roco.evaluate_retrieval(ranker, dataset, task="image-to-image").notes


def test_the_drawn_kinds_are_perfectly_separated_and_the_pool_is_stated(path: Path, dataset: Path) -> None:
    """Images of one kind have the same two concepts: with the own article excluded, one of four answers is right."""
    (ranker,) = rankers(roco.Index.open(path), "image-to-image")
    report = roco.evaluate_retrieval(ranker, dataset, task="image-to-image")
    assert [report[name] for name in ("recall@1", "mrr", "map", "ndcg", "median_rank")] == [1, 1, 1, 1, 1]
    assert report["precision@5"] == pytest.approx(1 / 5) and report["jaccard@1"] == 1
    assert "pool: 6 of 6 images, 4 to 4 candidates per query" in report.notes


def test_images_of_the_ground_truth_that_the_index_lacks_are_an_error(path: Path) -> None:
    (ranker,) = rankers(roco.Index.open(path), "image-to-image")
    with pytest.raises(DataError, match=r"1 images of the ground truth are not in .*, first other"):
        roco.evaluate_retrieval(ranker, {"other": "C1", TEST[0]: "C1"}, task="image-to-image")


@pytest.mark.parametrize(
    ("task", "method", "what"),
    [
        ("image-to-imag", None, r"unknown task 'image-to-imag' \(--task\)"),
        (None, "word", r"unknown method 'word' \(--by\)"),
        ("image-to-image", "words", r"has no rankings for image-to-image \(--by words\)"),
    ],
)
def test_an_unknown_task_or_method_is_refused(path: Path, task: str | None, method: str | None, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        rankers(roco.Index.open(path), task, method)


# --- encoders of texts ------------------------------------------------------------------------------------------------


@pytest.fixture
def dense(dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> roco.Index:
    """An index with vectors of images and captions by an encoder that knows the three kinds of pictures."""
    fake.use(monkeypatch)
    model = fake.folder(tmp_path / "model")
    roco.index(dataset, tmp_path / "dense", encoder=model, text_encoder=model)
    return roco.Index.open(tmp_path / "dense")


def test_an_index_with_text_encoders_has_all_tasks_and_each_by_the_methods_asked_for(dense: roco.Index) -> None:
    titles = [ranker.title for ranker in rankers(dense)]
    assert titles == [
        "image-to-image, dense", "text-to-image, dense, text tower", "image-to-text, dense, text tower",
        "text-to-text, words", "text-to-text, dense, captions", "text-to-text, hybrid", "concepts-to-image, words",
        "concepts-to-image, dense, text tower", "concepts-to-image, dense, captions", "concepts-to-image, hybrid",
    ]  # fmt: skip
    assert {ranker.method for ranker in rankers(dense, by="words")} == {"words"}
    assert {ranker.method for ranker in rankers(dense, by="dense")} == {"image", "text", "caption"}
    assert [ranker.task for ranker in rankers(dense, by="hybrid")] == ["text-to-text", "concepts-to-image"]
    assert len({ranker.folder for ranker in rankers(dense)}) == len(titles)


def test_captions_and_images_are_compared_in_both_directions(dense: roco.Index) -> None:
    """The vectors of images and captions of one kind are equal; of different kinds, the cosine is 0.01 / 1.01."""
    kinds = np.arange(6) % 3
    expected = np.where(kinds[:, None] == kinds, 1, 0.01 / 1.01)
    for task in ("text-to-image", "image-to-text"):
        (ranker,) = rankers(dense, task)
        ((_, block),) = ranker.blocks(TEST)
        assert block == pytest.approx(expected, abs=1e-3)
        report = roco.evaluate_retrieval(ranker, dense.dataset().figures.path, task=task)
        # All captions differ: of the two images of a kind, one is right, and the other one ties with it.
        assert report["recall@1"] == 0 and report["median_rank"] == 2 and CONTAMINATED in report.notes


def test_an_empty_caption_has_no_cosine(dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.use(monkeypatch)
    other = drawn.write(tmp_path / "dataset", {"test": 3})
    drawn.table(other / "test_captions.csv", ("ID", "Caption"), [(TEST[0], ""), (TEST[1], "dots"), (TEST[2], "dots")])
    model = fake.folder(tmp_path / "model")
    roco.index(other, tmp_path / "index", encoder=model, text_encoder=model)
    index = roco.Index.open(tmp_path / "index")
    for task in ("text-to-image", "text-to-text"):
        ((_, block),) = rankers(index, task, "dense")[0].blocks(TEST[:3])
        assert np.isnan(block[0]).all() and np.isfinite(block[1:, 1:]).all()


def test_ranks_are_fused_as_computed_by_hand_and_undefined_scores_have_none() -> None:
    words = np.array([[0.9, np.nan, 0.5, 0.5]])
    vectors = np.array([[0.1, 0.2, 0.3, 0.9]])
    excluded = np.array([[False, False, False, True]])
    expected = [1 / 61 + 1 / 63, 1 / 62, 1 / 62 + 1 / 61, 0]
    assert fused([words, vectors], excluded).tolist() == [pytest.approx(expected)]


def test_a_hybrid_ranking_fuses_words_and_vectors_without_the_own_article(dense: roco.Index) -> None:
    """The fused ranks are those within other articles, and a caption without a common word has no rank by words."""
    found = {ranker.method: next(iter(ranker.blocks(TRAIN)))[1] for ranker in rankers(dense, "concepts-to-image")}
    articles = np.arange(12) // 2  # two images in a row are of one article
    own = articles[:, None] == articles
    words = np.where(found["words"] > 0, found["words"], np.nan)
    assert np.array_equal(found["hybrid"], fused([words, found["text"], found["caption"]], own))
    assert not found["hybrid"][own].any() and found["hybrid"][~own].all()


def test_the_recalls_of_both_directions_are_summed(dense: roco.Index, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "retrieval", "--index", dense.path, "--json")
    reports = json.loads(out)["reports"]
    assert status == 0 and len(reports) == 10
    status, out, _ = run(capsys, "retrieval", "--index", dense.path)
    both = [reports[f"{task}, dense, text tower"]["scores"] for task in ("text-to-image", "image-to-text")]
    total = 100 * sum(score["value"] for of in both for name, score in of.items() if name.startswith("recall"))
    assert f"rsum   {total:.4f}" in out


# --- the command ------------------------------------------------------------------------------------------------------


def test_all_rankings_of_an_index_are_printed_side_by_side_and_written_apart(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = run(capsys, "retrieval", "--index", path, "--out", tmp_path / "out")
    assert status == 0
    assert "image-to-image, dense" in out and "EfficientNet-Lite0" in out and "pool: 6 of 6 images" in out
    assert "candidates that tie with a right answer rank before it (pessimistic)" in out
    written = sorted(file.parent.name for file in (tmp_path / "out").glob("*/report.json"))
    assert written == ["concepts-to-image-words", "image-to-image-dense", "text-to-text-words"]
    status, out, _ = run(capsys, "retrieval", "--index", path, "--json")
    reports = json.loads(out)["reports"]
    one = json.loads((tmp_path / "out" / "image-to-image-dense" / "report.json").read_text())
    assert reports["image-to-image, dense"]["scores"] == one["scores"]


def test_an_index_is_compared_with_another_one(path: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ["--index", path, "--task", "image-to-image", "--against", path, "--json"]
    status, out, _ = run(capsys, "retrieval", *words)
    assert status == 0 and json.loads(out)["against"]["recall@1"]["difference"] == 0
    status, _, err = run(capsys, "retrieval", "--index", path, "--against", path)
    assert status == 2 and "--against with 3 rankings" in err


def test_another_release_with_the_same_ids_is_refused_and_a_file_of_labels_is_not(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = drawn.write(tmp_path / "other")
    with Image.open(drawn.image_file(other, TEST[0])) as picture:
        picture.rotate(90).save(drawn.image_file(other, TEST[0]))
    status, _, err = run(capsys, "retrieval", "--index", path, "--truth", other, "--task", "image-to-image")
    assert status == 1 and "is not the release of" in err and "--truth RELEASE|CSV" in err
    words = ["--index", path, "--task", "image-to-image", "--json"]
    status, out, _ = run(capsys, "retrieval", *words, "--truth", other / "test_concepts.csv")
    assert status == 0 and json.loads(out)["scores"]["recall@1"]["value"] == 1


def test_a_release_that_was_moved_is_given_by_truth(
    path: Path, dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moved = dataset.rename(dataset.with_name("moved"))
    try:
        status, _, err = run(capsys, "retrieval", "--index", path)
        assert status == 1 and "is not where it was" in err and "--truth" in err and "--release" not in err
        status, _, _ = run(capsys, "retrieval", "--index", path, "--truth", moved)
        assert status == 0
    finally:
        moved.rename(dataset)


@pytest.mark.parametrize(
    ("words", "status", "what"),
    [
        ([], 2, "rankings are needed once"),
        (["v.npz", "--index", "INDEX"], 2, "rankings are needed once"),
        (["v.npz"], 2, "no ground truth"),
        (["v.npz", "--truth", "t.csv", "--by", "words"], 2, "--text-encoder without --index"),
        (["--index", "nowhere"], 1, "no such folder: nowhere"),
        (["--index", "INDEX", "--pool", "1"], 2, "a pool of 1 images is impossible with 6 images"),
        (["--index", "INDEX", "--split", "tset"], 2, "tset"),
    ],
)
def test_what_cannot_be_evaluated_is_one_line(
    path: Path, words: list[str], status: int, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found, _, err = run(capsys, "retrieval", *(path if word == "INDEX" else word for word in words))
    assert found == status and what in err and "Traceback" not in err
