"""Caption scores have the values of the worked example; scores that cannot be computed are listed with a reason."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from roco import evaluate_captions
from roco.base.errors import DataError, InvalidSubmission, UsageError
from roco.evaluate.caption_metrics import concept_f1
from roco.evaluate.caption_pairs import Models
from roco.evaluate.caption_retrieval import nearest_captions
from roco.models.text.vocabulary.table import SHIPPED
from tests.evaluate.examples import CAPTIONS, PREDICTED_CAPTIONS, table
from tests.evaluate.metrics.test_neural import clip, minilm

FAST = ("rouge1", "rougeL", "bleu1", "bleu4", "cider")


@pytest.mark.parametrize("compat", [False, True])
@pytest.mark.parametrize("name", ["imageclef2023", "imageclef2025", "imageclef2026"])
def test_example_b_has_the_official_values(tmp_path: Path, name: str, compat: bool) -> None:
    delimiter = "|" if compat and name == "imageclef2023" else ","
    pred, truth = tmp_path / "p.csv", tmp_path / "t.csv"
    for path, rows in ((pred, PREDICTED_CAPTIONS), (truth, CAPTIONS)):
        if delimiter == "|":
            path.write_text("ID|Caption\n" + "".join(f"{i}|{c}\n" for i, c in rows.items()))
        else:
            table(path, rows, "ID,Caption")
    report = evaluate_captions(pred, truth, profile_name=name, compat=compat, metrics=FAST)
    assert report["rouge1"] == pytest.approx(0.325735, abs=1e-6)
    assert report["bleu1"] == pytest.approx(0.309599, abs=1e-6)
    assert report["bleu4"] == pytest.approx(1.491e-05, abs=1e-8)
    assert report["cider"] == pytest.approx(0.841907, abs=1e-6)


def test_rouge_is_the_mean_over_captions_to_the_last_digit() -> None:
    from rouge_score.rouge_scorer import RougeScorer

    from roco.evaluate.metrics.text import preprocess

    scorer = RougeScorer(["rouge1"])
    each = [
        scorer.score(preprocess(CAPTIONS[i]), preprocess(PREDICTED_CAPTIONS[i]))["rouge1"].fmeasure
        for i in PREDICTED_CAPTIONS
    ]
    assert evaluate_captions(PREDICTED_CAPTIONS, CAPTIONS, metrics=("rouge1",))["rouge1"] == np.mean(each)


def test_scores_that_cannot_be_computed_are_listed_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("shutil.which", lambda name: None)
    report = evaluate_captions(PREDICTED_CAPTIONS, CAPTIONS, profile_name="imageclef2025")
    reasons = dict(report.not_computed)
    assert "Java" in reasons["meteor"]
    assert "--images" in reasons["clipscore"]
    assert "similarity" in reasons["relevance"] and "alignscore" in reasons["factuality"]
    with pytest.raises(UsageError, match="Java"):
        evaluate_captions(PREDICTED_CAPTIONS, CAPTIONS, metrics=("meteor",))


@pytest.mark.neural
def test_a_missing_model_is_reported_with_the_option_that_downloads_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(DataError) as error:
        evaluate_captions(PREDICTED_CAPTIONS, CAPTIONS, profile_name="imageclef2025", metrics=("bertscore_f1",))
    assert "--download" in error.value.hint


@pytest.mark.neural
def test_the_profile_determines_whether_tokens_are_weighted(tmp_path: Path) -> None:
    models = Models(bert=minilm(), layers=6)
    wanted = ("bertscore_f1", "bertscore_recall")
    plain = evaluate_captions(PREDICTED_CAPTIONS, CAPTIONS, models=models, metrics=wanted)
    rare = evaluate_captions(PREDICTED_CAPTIONS, CAPTIONS, profile_name="imageclef2025", models=models, metrics=wanted)
    assert plain.token_weights is None and rare.token_weights is not None
    assert plain["bertscore_f1"] != rare["bertscore_f1"] != rare["bertscore_recall"]
    assert "IDF on" in rare.models["bertscore"] and "differs from the profile" in rare.models["bertscore"]
    forced = Models(bert=minilm(), layers=6, idf=False)
    assert evaluate_captions(
        PREDICTED_CAPTIONS, CAPTIONS, profile_name="imageclef2025", models=forced, metrics=wanted
    )["bertscore_f1"] == plain["bertscore_f1"]  # fmt: skip
    rare.write(tmp_path)
    assert (tmp_path / "idf.csv").read_text().startswith("token,weight\n")


def test_two_empty_captions_score_1_since_2025_and_are_rejected_in_2023() -> None:
    truth, predictions = CAPTIONS | {"img5": ""}, PREDICTED_CAPTIONS | {"img5": ""}
    score = evaluate_captions(predictions, truth, profile_name="imageclef2025", metrics=("rouge1",))["rouge1"]
    assert score == pytest.approx((4 * 0.3257353 + 1) / 5, abs=1e-6)
    for compat in (False, True):
        with pytest.raises(InvalidSubmission, match="img5"):
            evaluate_captions(predictions, truth, profile_name="imageclef2023", metrics=("rouge1",), compat=compat)


def test_captions_emptied_by_preprocessing_score_0_with_compat_and_are_rejected_otherwise() -> None:
    truth, predictions = CAPTIONS | {"img5": "(*)"}, PREDICTED_CAPTIONS | {"img5": "."}
    score = evaluate_captions(predictions, truth, profile_name="imageclef2025", metrics=("rouge1",), compat=True)[
        "rouge1"
    ]
    assert score == pytest.approx(4 * 0.3257353 / 5, abs=1e-6)
    with pytest.raises(InvalidSubmission, match="are empty after preprocessing"):
        evaluate_captions(predictions, truth, profile_name="imageclef2025", metrics=("rouge1",))


def test_a_file_without_a_header_is_rejected_in_2025(tmp_path: Path) -> None:
    pred = table(tmp_path / "p.csv", PREDICTED_CAPTIONS, "ID,Caption")
    pred.write_text(pred.read_text().partition("\n")[2])
    for compat in (False, True):
        with pytest.raises(InvalidSubmission):
            evaluate_captions(pred, CAPTIONS, profile_name="imageclef2025", compat=compat, metrics=("rouge1",))


@pytest.mark.neural
def test_columns_of_the_user_complete_relevance_and_factuality(tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text("ID,similarity,alignscore,umls_f1\n" + "".join(f"img{i},0.{i},0.2,0.4\n" for i in range(1, 5)))
    report = evaluate_captions(
        PREDICTED_CAPTIONS, CAPTIONS, profile_name="imageclef2025", metrics=("rouge1", "bertscore_f1"), columns=[own],
        models=Models(bert=minilm(), layers=6),
    )  # fmt: skip
    assert report["similarity"] == pytest.approx(0.25)
    assert report["factuality"] == pytest.approx(0.3)
    relevance = (report["bertscore_f1"] + report["rouge1"] + report["similarity"]) / 3
    assert report["relevance"] == pytest.approx(relevance)
    assert report["overall"] == pytest.approx((relevance + 0.3) / 2)
    for wrong, message in (
        ("ID,x\nimg1,a\n", "line 2"), ("ID,x\nimg9,1\n", "unknown id"), ("ID,x\nimg1,1\nimg1,1\n", "duplicate id"),
        ("ID,x\nimg1,1\n", "missing"), ("id,x\n", "line 1"), ("ID,x\nimg1,nan\n", "line 2"),
    ):  # fmt: skip
        own.write_text(wrong)
        with pytest.raises(DataError, match=message):
            evaluate_captions(PREDICTED_CAPTIONS, CAPTIONS, metrics=("rouge1",), columns=[own])


def test_a_function_of_the_user_is_a_metric_too() -> None:
    report = evaluate_captions(
        PREDICTED_CAPTIONS, CAPTIONS, metrics=("rouge1",), own={"same length": lambda p, g: float(len(p) == len(g))}
    )
    assert report["same length"] == 0.0
    assert "same length" in report.per_image.columns


def test_concept_f1_compares_the_concepts_that_the_linker_finds() -> None:
    report = evaluate_captions(PREDICTED_CAPTIONS, CAPTIONS, metrics=("umls_f1",), models=Models(vocabulary=SHIPPED))
    assert 0 < report["umls_f1"] < 1
    assert "MedCAT" in report.models["umls_f1"]
    assert concept_f1(frozenset("ab"), frozenset("a")) == pytest.approx(0.6667, abs=1e-4)
    assert concept_f1(frozenset(), frozenset()) == 0


@pytest.mark.neural
@pytest.mark.parametrize("packed", [False, True])
def test_clipscore_finds_images_by_id_in_folders_and_zips(tmp_path: Path, packed: bool) -> None:
    (tmp_path / "clip").mkdir()
    clip(tmp_path / "clip")
    images = tmp_path / "test_images" / "test"
    images.mkdir(parents=True)
    for i in range(1, 5):
        out = io.BytesIO()
        Image.new("L", (40, 40), 40 * i).save(out, "JPEG")
        (images / f"img{i}.jpg").write_bytes(out.getvalue())
    place = tmp_path / "test_images"
    if packed:
        place = tmp_path / "images.zip"
        with zipfile.ZipFile(place, "w") as archive:
            for path in images.iterdir():
                archive.write(path, f"test/{path.name}")
    models = Models(clip=str(tmp_path / "clip"), images=place)
    assert (
        0 <= evaluate_captions(PREDICTED_CAPTIONS, CAPTIONS, metrics=("clipscore",), models=models)["clipscore"] <= 2.5
    )
    with pytest.raises(DataError, match="no image of 'img9'"):
        evaluate_captions(
            PREDICTED_CAPTIONS | {"img9": "x"}, CAPTIONS | {"img9": "x"}, metrics=("clipscore",), models=models
        )


def test_baselines_and_upper_bounds_accompany_the_scores() -> None:
    train = {f"t{i}": caption for i, caption in enumerate([*CAPTIONS.values(), "CT of a cyst"])}
    bounds = evaluate_captions(PREDICTED_CAPTIONS, CAPTIONS, metrics=FAST, train=train).bounds
    assert bounds is not None
    column = bounds.columns.index("rouge1")
    values = [row[column] for row in bounds.rows]
    assert values[-1] == 1.0 and values[0] < 0.3257
    bounds = evaluate_captions(PREDICTED_CAPTIONS, CAPTIONS, metrics=FAST).bounds
    assert bounds is not None
    assert "add --train" in bounds.rows[-1][1]


def test_the_nearest_caption_is_never_from_the_same_article() -> None:
    captions = ["cyst of the liver", "cyst of the left kidney", "fracture of the wrist"]
    assert nearest_captions(["cyst of the liver"], ["A"], captions, ["A", "B", "C"]) == ["cyst of the left kidney"]
    assert nearest_captions(["cyst of the liver"], ["X"], captions, ["A", "B", "C"]) == ["cyst of the liver"]


def test_two_systems_are_compared() -> None:
    report = evaluate_captions(CAPTIONS, CAPTIONS, metrics=("rouge1", "bleu1"), against=PREDICTED_CAPTIONS)
    assert report.against["rouge1"] is not None and report.against["rouge1"].difference > 0.6
    assert report["bleu1"] == pytest.approx(1)


def test_an_unknown_metric_is_answered_with_the_closest_name() -> None:
    with pytest.raises(UsageError, match="unknown metric 'rouge'") as err:
        evaluate_captions(PREDICTED_CAPTIONS, CAPTIONS, metrics=("rouge",))
    assert "rouge1" in err.value.hint or "rougeL" in err.value.hint
