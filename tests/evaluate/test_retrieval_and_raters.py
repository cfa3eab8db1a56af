"""Retrieval states its pool and excludes the same article; raters are compared as in Table 7; the commands work."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
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
TEXTS = {id: f"caption of {id}" for id in IDS}


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


def ranking(path: Path, scores: list[list[float]], ids: list[str]) -> Path:
    """Writes the score of every query (row) for every candidate (column)."""
    lines = [
        f"{query},{candidate},{score}"
        for query, row in zip(ids, scores, strict=True)
        for candidate, score in zip(ids, row, strict=True)
    ]
    path.write_text("\n".join(["Query,Candidate,Score", *lines]) + "\n")
    return path


def test_a_worked_example_has_its_ranks_in_both_directions(tmp_path: Path) -> None:
    scores = [[0.9, 0.2, 0.1, 0.3], [0.8, 0.5, 0.6, 0.1], [0.1, 0.7, 0.4, 0.2], [0.3, 0.2, 0.1, 0.95]]
    texts = {id: TEXTS[id] for id in IDS[:4]}
    rows = evaluate_retrieval(ranking(tmp_path / "r.csv", scores, IDS[:4]), texts, ks=(1, 2))
    assert [rows[n] for n in ("recall@1", "recall@2", "mrr", "median_rank")] == pytest.approx([0.5, 0.75, 17 / 24, 1.5])
    columns = [list(column) for column in zip(*scores, strict=True)]
    found = evaluate_retrieval(ranking(tmp_path / "r.csv", columns, IDS[:4]), texts, task="text-to-image", ks=(1, 2))
    assert [found[n] for n in ("recall@1", "recall@2", "mrr", "median_rank")] == [0.5, 1, 0.75, 1.5]


@pytest.mark.parametrize("task", ["text-to-image", "image-to-text"])
def test_all_images_with_the_caption_of_the_query_are_right_answers(tmp_path: Path, task: str) -> None:
    texts = {"i0": "CT of the chest", "i1": "CT  of the Chest", "i2": "MRI of the knee", "i3": "CT of the chest."}
    # i0 and i1 have the same caption, but for case and white space: each query prefers the other one, and i2 and i3
    # prefer themselves.
    scores = [[0.5, 0.9, 0.1, 0.8], [0.9, 0.5, 0.1, 0.8], [0.1, 0.1, 0.9, 0.2], [0.3, 0.3, 0.3, 0.9]]
    report = evaluate_retrieval(ranking(tmp_path / "r.csv", scores, list(texts)), texts, task=task)
    assert (report["recall@1"], report["mrr"], report["median_rank"]) == (1, 1, 1)
    # Of two right answers, the second one is third: DCG 1 + 1/2, ideal 1 + 1/log2(3).
    assert report["ndcg"] == pytest.approx((1 + 1.5 / (1 + 1 / np.log2(3))) / 2)
    assert any("2 of 4 queries have several" in note for note in report.notes)
    right = {row[0]: row[report.per_image.columns.index("right")] for row in report.per_image.rows}
    assert right == {"i0": 2, "i1": 2, "i2": 1, "i3": 1}


def test_an_image_of_the_same_article_and_caption_is_right_and_the_others_are_excluded(tmp_path: Path) -> None:
    texts = {"i0": "one caption", "i1": "one caption", "i2": "another caption", "i3": "a third caption"}
    scores = [[0.1, 0.9, 0.8, 0.2]] + [[0.9 if at == n else 0.1 for at in range(4)] for n in range(1, 4)]
    path = ranking(tmp_path / "r.csv", scores, list(texts))
    report = evaluate_retrieval(path, texts, articles=dict.fromkeys(("i0", "i1", "i2"), "A") | {"i3": "B"})
    assert report["recall@1"] == 1
    pools = {row[0]: row[-1] for row in report.per_image.rows}
    assert pools == {"i0": 3, "i1": 3, "i2": 2, "i3": 4}


def test_letters_with_combined_and_separate_accents_are_the_same(tmp_path: Path) -> None:
    texts = {"i0": "Ménière", "i1": "Me\u0301nie\u0300re", "i2": "another caption"}
    report = evaluate_retrieval(ranking(tmp_path / "r.csv", [[1.0, 0.9, 0.1]] * 3, list(texts)), texts)
    assert any("2 of 3 queries have several" in note for note in report.notes)


def test_equal_captions_are_no_ties_among_wrong_answers(tmp_path: Path) -> None:
    same = dict.fromkeys(IDS, "a caption")
    report = evaluate_retrieval(vectors(tmp_path / "v.npz", texts=np.ones((6, 6))), same)
    assert report["recall@1"] == report["ndcg"] == 1


def test_empty_captions_are_no_equal_captions(tmp_path: Path) -> None:
    texts = {"i0": "", "i1": " ", "i2": "a cyst", "i3": "a nodule"}
    path = ranking(tmp_path / "r.csv", [[1.0, 0.5, 0.4, 0.3]] * 4, list(texts))
    report = evaluate_retrieval(path, texts)
    assert {score.name: score.images for score in report.scores}["recall@1"] == 2
    assert report["recall@1"] == 0 and report["recall@5"] == 1
    assert any("2 queries do not count: their caption is empty" in note for note in report.notes)
    with_one_text = texts | {"i2": "", "i3": ""}
    assert evaluate_retrieval(path, with_one_text).is_empty


def test_shared_concepts_give_precision_average_precision_and_mean_jaccard(tmp_path: Path) -> None:
    # Jaccard with the query i0: 1, 1/2, 1/3, 0; right answers have at least 1/2.
    truth = {"i0": "C1;C2", "i1": "C1;C2", "i2": "C1", "i3": "C1;C3", "i4": "C4"}
    order_of_i0 = {"i3": 0.9, "i1": 0.8, "i4": 0.7, "i2": 0.6}
    others = [(q, c, 0.5) for q in list(truth)[1:] for c in truth if c != q]
    rows = [("i0", candidate, score) for candidate, score in order_of_i0.items()] + others
    path = tmp_path / "r.csv"
    path.write_text("Query,Candidate,Score\n" + "".join(f"{q},{c},{s}\n" for q, c, s in rows))
    report = evaluate_retrieval(path, truth, task="image-to-image", ks=(1, 2, 10))
    columns, (values,) = report.per_image.columns, [row for row in report.per_image.rows if row[0] == "i0"]
    of_i0 = dict(zip(columns, values, strict=True))
    assert of_i0["rank"] == 2 and of_i0["right"] == 2 and of_i0["pool"] == 4
    assert [of_i0[f"precision@{k}"] for k in (1, 2, 10)] == [0, 0.5, 0.2]
    assert of_i0["map"] == (1 / 2 + 2 / 4) / 2
    assert [of_i0[f"jaccard@{k}"] for k in (1, 2, 10)] == pytest.approx([1 / 3, 2 / 3, 11 / 60])
    assert not {"map", "precision@1", "jaccard@1"} & {s.name for s in evaluate_retrieval(path, TEXTS_OF_5).scores}


TEXTS_OF_5 = {id: TEXTS[id] for id in IDS[:5]}


def test_queries_without_concepts_or_a_right_answer_do_not_count(tmp_path: Path) -> None:
    truth = {"i0": "C1;C2", "i1": "C1", "i2": "C1;C5;C6;C7", "i3": ""}
    scores = [[0.0, 3, 2, 1], [2, 0, 3, 1], [3, 2, 0, 1], [3, 2, 1, 0]]
    report = evaluate_retrieval(ranking(tmp_path / "r.csv", scores, list(truth)), truth, task="image-to-image")
    counted = {score.name: score.images for score in report.scores}
    assert counted["recall@1"] == counted["map"] == counted["precision@5"] == 2  # i0 and i1 share half
    assert counted["ndcg"] == counted["jaccard@1"] == 3  # i2 shares a quarter; i3 has no concept


def test_reference_rankings_are_given_for_every_score(tmp_path: Path) -> None:
    truth = {id: f"C{n // 2};C9" for n, id in enumerate(IDS)}
    report = evaluate_retrieval(vectors(tmp_path / "v.npz"), truth, task="image-to-image")
    assert report.bounds is not None
    columns = report.bounds.columns[2:]
    random, constant, perfect = (dict(zip(columns, row[2:], strict=True)) for row in report.bounds.rows)
    assert columns == tuple(score.name for score in report.scores)
    # One of five candidates is right (Jaccard 1), and the others share a third.
    assert [random["recall@1"], random["precision@1"]] == pytest.approx([1 / 5, 1 / 5])
    assert random["jaccard@1"] == pytest.approx((1 + 4 / 3) / 5)
    assert constant["median_rank"] == 5 and constant["recall@1"] == 0 and constant["map"] == pytest.approx(1 / 5)
    assert perfect["recall@1"] == perfect["map"] == perfect["ndcg"] == 1 and perfect["precision@5"] == pytest.approx(
        0.2
    )


def test_scores_without_a_right_answer_are_listed_with_the_reason(tmp_path: Path) -> None:
    truth = {id: f"C{n}" for n, id in enumerate(IDS)}
    report = evaluate_retrieval(vectors(tmp_path / "v.npz"), truth, task="image-to-image")
    assert dict(report.not_computed)["map"] == "no query has a right answer in the pool"
    with pytest.raises(UsageError, match="relevant = 0"):
        evaluate_retrieval(vectors(tmp_path / "v.npz"), truth, task="image-to-image", relevant=0)


def test_concept_shares_are_jaccard_indices() -> None:
    from roco.evaluate.relevance import concept_shares, one_hot

    concepts = [frozenset("abc"), frozenset("bcd"), frozenset(), frozenset("a")]
    matrix = one_hot(concepts)
    for i, one in enumerate(concepts):
        shares = concept_shares(matrix, matrix.sum(1), i)
        assert shares == pytest.approx([len(one & other) / max(1, len(one | other)) for other in concepts])


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
    assert "cannot create" in capsys.readouterr().err


@pytest.fixture
def failed(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs `roco evaluate` with these words; returns exit status, stdout and stderr."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["roco", "evaluate", *words])
        with pytest.raises(SystemExit) as err:
            main()
        return (int(err.value.code or 0), *capsys.readouterr())

    return run


def test_captions_without_a_computed_score_end_with_the_reasons_and_exit_status_1(
    failed: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    real = importlib.import_module

    def without_libraries(name: str, package: str | None = None) -> Any:
        if name.partition(".")[0] in (
            "rouge_score",
            "sacrebleu",
            "pycocoevalcap",
            "bert_score",
            "torch",
            "transformers",
        ):
            raise ImportError(name)
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", without_libraries)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    for json_option in ([], ["--json"]):
        code, out, err = failed("captions", "captions.csv", "--truth", "captions.csv", *json_option)
        assert code == 1
        assert "no score could be computed" in err and "rouge-score is not installed" in err and "--vocabulary" in err
        assert "next:" not in err
        assert "umls_f1" in out  # the report still lists what was not computed


def test_rankings_without_a_right_answer_end_with_exit_status_1(
    failed: Callable[..., tuple[int, str, str]], files: Path
) -> None:
    table(files / "t.csv", {id: f"C{n}" for n, id in enumerate(IDS)})
    vectors(files / "v.npz")
    code, _, err = failed("retrieval", "v.npz", "--truth", "t.csv", "--task", "image-to-image")
    assert code == 1 and "no query has a right answer in the pool" in err


def test_one_computed_score_is_enough_for_exit_status_0(failed: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = failed("captions", "captions.csv", "--truth", "captions.csv", "--metric", "rouge1")
    assert code == 0 and "rouge1" in out
