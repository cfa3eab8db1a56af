"""Whatever ranks images is scored as a file of rankings is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from roco import evaluate_retrieval
from roco.evaluate.report import side_by_side

S = np.array([[0.9, 0.2, 0.1, 0.3], [0.8, 0.5, 0.6, 0.1], [0.1, 0.7, 0.4, 0.2], [0.3, 0.2, 0.1, 0.95]])
IDS = ["a", "b", "c", "d"]


@dataclass
class Listed:
    """Ranks by a matrix, two queries at a time."""

    matrix: NDArray[np.float64]
    description: str = "by hand"
    inputs: dict[str, str] = field(default_factory=lambda: {"index": "0" * 64})
    models: dict[str, str] = field(default_factory=lambda: {"vectors": "some network"})
    notes: tuple[str, ...] = ("mind the gap",)

    def blocks(self, ids: Sequence[str]) -> Iterator[tuple[int, NDArray[np.float64]]]:
        rows = [IDS.index(id) for id in ids]
        for start in range(0, len(rows), 2):
            yield start, self.matrix[np.ix_(rows[start : start + 2], rows)]


def test_the_worked_example_has_its_ranks_in_both_directions() -> None:
    texts = {id: f"caption of {id}" for id in IDS}
    rows = evaluate_retrieval(Listed(S), texts, ks=(1, 2))
    assert [rows[name] for name in ("recall@1", "recall@2", "mrr", "median_rank")] == pytest.approx(
        [0.5, 0.75, 17 / 24, 1.5]
    )
    columns = evaluate_retrieval(Listed(S.T), texts, task="text-to-image", ks=(1, 2))
    assert [columns[name] for name in ("recall@1", "recall@2", "mrr", "median_rank")] == [0.5, 1, 0.75, 1.5]
    assert rows.models == {"vectors": "some network"} and rows.inputs["index"] == "0" * 64
    assert rows.notes[-1] == "mind the gap" and "by hand" in rows.notes


@pytest.mark.parametrize("task", ["image-to-image", "text-to-text", "concepts-to-image"])
def test_tasks_by_concepts_have_their_scores_as_computed_by_hand(task: str) -> None:
    """Of a, the order of the others is d, b, c with the gains 0, 1/3, 1: AP 1/3, and DCG 1/3 / log2 3 + 1 / 2."""
    truth = {"a": "C1;C2", "b": "C1;C3", "c": "C1;C2", "d": "C9"}
    report = evaluate_retrieval(Listed(S), truth, task=task, ks=(1, 2))
    row = dict(zip(report.per_image.columns, next(r for r in report.per_image.rows if r[0] == "a"), strict=True))
    assert (row["rank"], row["map"], row["jaccard@2"]) == pytest.approx((3, 1 / 3, 1 / 6))
    assert row["ndcg"] == pytest.approx((1 / 3 / np.log2(3) + 1 / 2) / (1 + 1 / 3 / np.log2(3)))


def test_several_reports_are_one_table_with_each_note_once() -> None:
    truth = {"a": "C1;C2", "b": "C1;C3", "c": "C1;C2", "d": "C9"}
    reports = {
        "first": evaluate_retrieval(Listed(S), truth, task="image-to-image"),
        "second": evaluate_retrieval(Listed(S.T), {id: id for id in IDS}, task="text-to-image"),
    }
    text = side_by_side.text(reports)
    assert text.count("mind the gap") == 1 and text.count("some network") == 1
    scores = side_by_side.tables(reports)[0]
    assert scores.columns == ("score", "first", "second")
    cells = {row[0]: row[1:] for row in scores.rows}
    assert cells["map"][1] == "–" and str(cells["recall@1"][1]).startswith("0.5000 (")
    assert side_by_side.as_mapping(reports)["reports"]["second"]["scores"]["mrr"]["value"] == pytest.approx(0.75)


def test_a_file_of_concept_vectors_is_ranked_too(tmp_path: Path) -> None:
    truth = {"a": "C1", "b": "C1", "c": "C2", "d": "C2"}
    np.savez(tmp_path / "v.npz", ids=IDS, images=np.eye(4), concepts=np.eye(4)[[1, 0, 3, 2]])
    assert evaluate_retrieval(tmp_path / "v.npz", truth, task="concepts-to-image")["recall@1"] == 1
