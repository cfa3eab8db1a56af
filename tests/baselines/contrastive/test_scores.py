"""The scores during training are those that `roco evaluate retrieval` computes from the same vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from roco.baselines.contrastive.scores import retrieval_scores
from roco.evaluate.retrieval import evaluate_retrieval


def test_ranks_of_a_known_matrix() -> None:
    """The matrix of scores and its ranks are those of facts that were computed elsewhere: rows 1, 3, 2, 1."""
    matrix = np.array([[0.9, 0.2, 0.1, 0.3], [0.8, 0.5, 0.6, 0.1], [0.1, 0.7, 0.4, 0.2], [0.3, 0.2, 0.1, 0.95]])
    # Vectors of length 1 whose cosines are in the order of the matrix: rows against the unit vectors, scaled alike.
    images = np.concatenate([matrix, np.sqrt(4 - (matrix**2).sum(1, keepdims=True))], 1).astype(np.float32)
    texts = np.eye(4, 5, dtype=np.float32)
    scores = retrieval_scores(images, texts, ["a", "b", "c", "d"], np.arange(4))
    assert scores["image_to_text_recall@1"] == 0.5 and scores["text_to_image_recall@1"] == 0.5
    assert scores["image_to_text_mrr"] == pytest.approx((1 + 1 / 3 + 1 / 2 + 1) / 4)
    assert scores["text_to_image_mrr"] == pytest.approx(0.75)
    assert scores["mean_recall"] == pytest.approx((0.5 + 1 + 1 + 0.5 + 1 + 1) / 6)
    assert scores["pool"] == 4


@pytest.mark.parametrize("seed", range(4))
def test_scores_are_those_of_the_evaluation(tmp_path: Path, seed: int) -> None:
    """With repeated and empty captions, articles of several images, ties, and a row without an image."""
    rng = np.random.default_rng(seed)
    n = 40
    captions = [f"caption {rng.integers(30)}" for _ in range(n)]
    captions[3], captions[5] = "", captions[4].upper() + " "
    articles = rng.integers(0, 25, n)
    images, texts = rng.integers(-1, 2, (2, n, 4)).astype(np.float32)
    images[7] = 0
    ids = [f"id_{row}" for row in range(n)]
    np.savez(tmp_path / "vectors.npz", ids=ids, images=images, texts=texts)
    rows = [f"{id},{caption}" for id, caption in zip(ids, captions, strict=True)]
    (tmp_path / "truth.csv").write_text("\n".join(["ID,Caption", *rows]) + "\n")
    of_rows = [f"{id},PMC{article + 1}" for id, article in zip(ids, articles, strict=True)]
    (tmp_path / "articles.csv").write_text("\n".join(["ID,PMCID", *of_rows]) + "\n")
    scores = retrieval_scores(images, texts, captions, articles)
    for task, name in (("image-to-text", "image_to_text"), ("text-to-image", "text_to_image")):
        report = evaluate_retrieval(
            tmp_path / "vectors.npz", tmp_path / "truth.csv", task=task, articles=tmp_path / "articles.csv",
            resamples=2,
        )  # fmt: skip
        expected = {score.name: score.value for score in report.scores}
        for score in ("recall@1", "recall@5", "recall@10", "mrr"):
            assert scores[f"{name}_{score}"] == pytest.approx(expected[score]), (task, score)
