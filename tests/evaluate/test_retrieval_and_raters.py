"""Retrieval states its pool and excludes the same article; raters are compared as in Table 7; the commands work."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from roco import evaluate_agreement, evaluate_retrieval
from roco.base.errors import DataError, InvalidSubmission, UsageError
from roco.cli.main import app, main
from tests.evaluate.examples import CONCEPTS, MANUAL, PREDICTED_CAPTIONS, PREDICTED_CONCEPTS, table

IDS = [f"i{n}" for n in range(6)]
TEXTS = dict.fromkeys(IDS, "a caption")


def vectors(path: Path, **changed: Any) -> Path:
    v = np.eye(6)
    np.savez(path, **({"ids": np.array(IDS), "images": v, "texts": v} | changed))
    return path


def test_a_perfect_ranking_scores_1_and_equal_scores_rank_last(tmp_path: Path) -> None:
    best = evaluate_retrieval(vectors(tmp_path / "v.npz"), TEXTS)
    assert [best[n] for n in ("recall@1", "mrr", "ndcg", "median_rank")] == [1, 1, 1, 1]
    same = evaluate_retrieval(vectors(tmp_path / "v.npz", texts=np.ones((6, 6))), TEXTS)
    assert (same["median_rank"], same["recall@5"]) == (6, 0)
    assert any("pool: 6 of 6 images" in note for note in same.notes)


def test_candidates_of_the_same_article_are_excluded(tmp_path: Path) -> None:
    near = np.eye(6) + 2 * np.roll(np.eye(6), 1, axis=1)  # the next image is nearer than the right text
    path = vectors(tmp_path / "v.npz", images=near)
    assert evaluate_retrieval(path, TEXTS)["recall@1"] == 0
    report = evaluate_retrieval(path, TEXTS, articles={id: f"A{n // 2}" for n, id in enumerate(IDS)})
    assert report["recall@1"] == 0.5
    assert any("4" in note or "5 to 5" in note for note in report.notes if note.startswith("pool"))


def test_text_to_image_ranks_images_for_each_text(tmp_path: Path) -> None:
    images = np.eye(6)
    images[1] = images[0] * 3
    path = vectors(tmp_path / "v.npz", images=images)
    assert evaluate_retrieval(path, TEXTS, task="image-to-text")["recall@1"] == pytest.approx(5 / 6)
    assert evaluate_retrieval(path, TEXTS, task="text-to-image")["recall@1"] == pytest.approx(4 / 6)


def test_image_to_image_counts_answers_with_shared_concepts_as_right(tmp_path: Path) -> None:
    images = np.repeat(np.eye(3), 2, axis=0)
    truth = {id: f"C{n // 2};C9" for n, id in enumerate(IDS)}
    report = evaluate_retrieval(vectors(tmp_path / "v.npz", images=images), truth, task="image-to-image")
    assert report["recall@1"] == 1 and report["ndcg"] == pytest.approx(1)


def test_concept_shares_are_jaccard_indices() -> None:
    from roco.evaluate.metrics.sets import jaccard
    from roco.evaluate.retrieval import concept_shares, one_hot

    concepts = [frozenset("abc"), frozenset("bcd"), frozenset(), frozenset("a")]
    matrix = one_hot(concepts)
    for i, one in enumerate(concepts):
        shares = concept_shares(matrix, matrix.sum(1), i)
        assert shares == pytest.approx([jaccard(one, other) for other in concepts])


def test_a_smaller_pool_is_the_same_each_time(tmp_path: Path) -> None:
    path = vectors(tmp_path / "v.npz")
    first, second = (evaluate_retrieval(path, TEXTS, pool=3) for _ in range(2))
    assert [r[0] for r in first.per_image.rows] == [r[0] for r in second.per_image.rows]
    assert len(first.per_image.rows) == 3
    with pytest.raises(UsageError, match="pool"):
        evaluate_retrieval(path, TEXTS, pool=7)


def test_two_rankings_are_compared_query_by_query(tmp_path: Path) -> None:
    best, same = vectors(tmp_path / "v.npz"), vectors(tmp_path / "w.npz", texts=np.ones((6, 6)))
    report = evaluate_retrieval(best, TEXTS, against=same)
    compared = report.against["recall@1"]
    assert compared is not None and compared.difference == 1 and compared.p < 0.1
    assert str(same) in report.inputs


def test_candidates_without_a_listed_score_rank_last(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("Query,Candidate,Score\n" + "".join(f"{id},{id if n else 'i1'},1\n" for n, id in enumerate(IDS)))
    report = evaluate_retrieval(path, TEXTS)
    assert report["recall@1"] == pytest.approx(5 / 6)
    assert report.per_image.rows[0][2] == 6.0


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("i0,i9,1\n", "line 2: unknown id 'i9'"), ("i0,i1,x\n", "line 2: the score 'x'"),
        ("i0,i1\n", "line 2: 2 columns"), ("i0,i1,1\ni0,i1,2\n", "line 3: duplicate pair"),
        ("i0,i1,1\n", "5 queries are missing"), ("i0,i1,nan\n", "not a finite number"),
    ],
)  # fmt: skip
def test_a_list_with_a_problem_is_not_scored(tmp_path: Path, rows: str, message: str) -> None:
    path = tmp_path / "r.csv"
    path.write_text("Query,Candidate,Score\n" + rows)
    with pytest.raises(InvalidSubmission, match=message):
        evaluate_retrieval(path, TEXTS)


def test_inconsistent_vectors_are_data_errors(tmp_path: Path) -> None:
    for changed, message in (
        ({"ids": np.array(IDS[:5])}, "shape"),
        ({"ids": np.array([*IDS[:5], "i0"])}, "duplicate id"),
        ({"ids": np.array([*IDS[:5], "other"])}, "missing"),
        ({"texts": np.ones((6, 3))}, "of 6 and 3 dimensions"),
        ({"texts": np.full((6, 6), np.nan)}, "NaN"),
        ({"ids": np.array([{}] * 6, dtype=object)}, "cannot be read"),
    ):
        with pytest.raises(DataError, match=message):
            evaluate_retrieval(vectors(tmp_path / "v.npz", **changed), TEXTS)
    with pytest.raises(UsageError, match="unknown task"):
        evaluate_retrieval(vectors(tmp_path / "v.npz"), TEXTS, task="images")


def test_raters_are_compared_as_in_the_paper(tmp_path: Path) -> None:
    pairs = [("a", "a")] * 44 + [("a", "b")] * 5 + [("a", "c")] + [("b", "a")] * 7 + [("b", "b")] * 20
    pairs += [("b", "c")] * 3 + [("c", "a")] * 9 + [("c", "b")] * 5 + [("c", "c")] * 6
    one, two = ({f"i{n}": pair[side] for n, pair in enumerate(pairs)} for side in (0, 1))
    report = evaluate_agreement(one, two | {"other": "a"})
    kappa = report.scores[0]
    assert kappa.value == pytest.approx(0.4915254237)
    assert kappa.interval == pytest.approx((0.350155594, 0.632895254), abs=1e-7)
    bootstrap = report.scores[1].interval
    assert bootstrap is not None and bootstrap == pytest.approx(kappa.interval, abs=0.03)
    assert report.breakdowns[1].rows[0] == ("a", 44, 5, 1)
    assert any("1 images were labelled by one rater only" in note for note in report.notes)
    with pytest.raises(DataError, match="no image in common"):
        evaluate_agreement(one, {"x": "a"})


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, rows in (("pred", PREDICTED_CONCEPTS), ("truth", CONCEPTS), ("manual", MANUAL)):
        table(tmp_path / f"{name}.csv", rows)
    table(tmp_path / "captions.csv", PREDICTED_CAPTIONS, "ID,Caption")
    return tmp_path


def ran(*words: str) -> Any:
    return CliRunner().invoke(app, ["evaluate", *words])


def test_the_command_scores_concepts_and_writes_reports(files: Path) -> None:
    result = ran("concepts", "pred.csv", "--truth", "truth.csv", "--manual", "manual.csv", "--json", "--out", "out")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["scores"]["f1"]["value"] == 0.5076190476190476
    assert sorted(p.name for p in (files / "out").iterdir()) == [
        "per_image.csv", "report.csv", "report.json", "report.md", "report.tex",
    ]  # fmt: skip


def test_the_commands_score_captions_retrieval_and_raters(files: Path) -> None:
    result = ran("captions", "captions.csv", "--truth", "captions.csv", "--metric", "rouge1", "--metric", "cider")
    assert result.exit_code == 0 and "rouge1" in result.stdout and "Provenance" in result.stdout
    table(files / "t.csv", TEXTS, "ID,Caption")
    vectors(files / "v.npz")
    assert "median_rank" in ran("retrieval", "v.npz", "--truth", "t.csv").stdout
    table(files / "l.csv", dict(zip(IDS, "aabbab", strict=True)), "ID,Label")
    assert "almost perfect" in ran("agreement", "l.csv", "--truth", "l.csv").stdout


def test_check_reports_problems_without_scoring(files: Path) -> None:
    good = ran("--check", "pred.csv", "--profile", "imageclef2026", "--truth", "truth.csv")
    assert good.exit_code == 0 and "OK: pred.csv (concepts for imageclef2026), all checks passed" in good.stdout
    (files / "bad.csv").write_text("ID,CUIs\nimg1,c1\n\n")
    bad = ran("--check", "bad.csv", "--profile", "imageclef2025")
    assert bad.exit_code == 1
    assert "bad.csv, line 2" in bad.stdout and "bad.csv, line 3" in bad.stdout and "ids were not checked" in bad.stdout


def test_an_invalid_file_ends_with_an_error_and_exit_status_1(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (files / "bad.csv").write_text("ID,CUIs\nimg1,C1;\nimg1,C1\n")
    monkeypatch.setattr("sys.argv", ["roco", "evaluate", "concepts", "bad.csv", "--truth", "truth.csv"])
    with pytest.raises(SystemExit) as err:
        main()
    assert err.value.code == 1
    output = capsys.readouterr()
    assert output.out == "" and "Traceback" not in output.err
    assert "bad.csv, line 2" in output.err and "line 3" in output.err


def test_a_report_on_hostile_text_contains_no_markup(files: Path) -> None:
    from roco import evaluate_captions

    evil = {"a": "<script>alert(1)</script> | \\input{x} \x1b[31m", "b": "=1+1"}
    report = replace(evaluate_captions(evil, evil, metrics=("rouge1",)), notes=(evil["a"],))
    assert "<script>" not in report.markdown() and "\x1b" not in report.text()
    assert r"\input" not in report.latex()


def test_a_report_folder_that_cannot_be_created_is_an_error_before_scoring(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["roco", "evaluate", "concepts", "pred.csv", "--truth", "truth.csv", "--out", "pred.csv"]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit) as err:
        main()
    assert err.value.code == 2
    assert "cannot create the folder" in capsys.readouterr().err
