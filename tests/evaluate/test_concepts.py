"""Concept scores equal those of ImageCLEF to the last digit; additional scores show what these leave out."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from roco import evaluate_concepts
from roco.base.errors import DataError, InvalidSubmission, UsageError
from roco.evaluate.concept_baselines import best_constant
from roco.evaluate.profiles import PROFILES
from tests.evaluate.examples import CONCEPTS, MANUAL, PREDICTED_CONCEPTS, table


def test_images_without_true_concepts_are_reported_and_count_as_officially_with_compat(tmp_path: Path) -> None:
    truth, predictions = CONCEPTS | {"img3": ""}, PREDICTED_CONCEPTS
    report = evaluate_concepts(predictions, truth)
    assert any("1 images have no concept in the ground truth" in note for note in report.notes)
    assert report["f1"] == pytest.approx(SCORE)
    assert not any("no concept" in note for note in evaluate_concepts(predictions, CONCEPTS).notes)


SCORE, SECONDARY = 0.5076190476190476, 0.6666666666666666


def scored(
    folder: Path, predictions: dict[str, str], truth: dict[str, str] = CONCEPTS, **options: Any
) -> tuple[float, float]:
    files = [table(folder / f"{n}.csv", rows) for n, rows in (("p", predictions), ("t", truth), ("m", MANUAL))]
    report = evaluate_concepts(files[0], files[1], manual=files[2], **({"profile_name": "imageclef2025"} | options))
    return report["f1"], report["secondary_f1"]


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("compat", [False, True])
def test_example_a_has_the_official_values_to_the_last_digit(tmp_path: Path, name: str, compat: bool) -> None:
    assert scored(tmp_path, PREDICTED_CONCEPTS, profile_name=name, compat=compat) == (SCORE, SECONDARY)


@pytest.mark.parametrize(
    ("changed", "score"),
    [
        ({id: cell.lower() for id, cell in PREDICTED_CONCEPTS.items()}, SCORE),
        ({"img1": "C0040405;C0856747;"}, 0.5676190476190476),
        ({"img1": "C0040405;c0040405"}, 0.540952380952381),
        ({"img1": " C0040405 ; C0856747 "}, 0.6076190476190476),
    ],
)
def test_files_that_the_official_script_accepts_are_scored_with_compat_and_rejected_otherwise(
    tmp_path: Path, changed: dict[str, str], score: float
) -> None:
    assert scored(tmp_path, PREDICTED_CONCEPTS | changed, compat=True)[0] == score
    with pytest.raises(InvalidSubmission, match="line 2"):
        scored(tmp_path, PREDICTED_CONCEPTS | changed)


def test_a_row_with_only_an_id_is_scored_with_compat_and_rejected_otherwise(tmp_path: Path) -> None:
    scored(tmp_path, PREDICTED_CONCEPTS)
    path = tmp_path / "p.csv"
    path.write_text(path.read_text().replace("img3,\n", "img3\n"))
    truth, manual = tmp_path / "t.csv", tmp_path / "m.csv"
    options: dict[str, Any] = {"manual": manual, "profile_name": "imageclef2025"}
    assert evaluate_concepts(path, truth, compat=True, **options)["f1"] == SCORE
    with pytest.raises(InvalidSubmission, match="line 4: only one column"):
        evaluate_concepts(path, truth, **options)


@pytest.mark.parametrize(("predicted", "score"), [("", 0.7076190476190476), ("C0000001", SCORE)])
def test_an_image_without_a_true_concept_is_scored_with_compat_and_rejected_otherwise(
    tmp_path: Path, predicted: str, score: float
) -> None:
    truth = CONCEPTS | {"img3": ""}
    assert scored(tmp_path, PREDICTED_CONCEPTS | {"img3": predicted}, truth, compat=True)[0] == score
    with pytest.raises(InvalidSubmission, match=r"line 4: no concept in the ground truth"):
        scored(tmp_path, PREDICTED_CONCEPTS | {"img3": predicted}, truth)


def test_the_truth_scores_1_and_the_manual_concepts_score_1_in_the_secondary_score(tmp_path: Path) -> None:
    assert scored(tmp_path, CONCEPTS) == (1.0, 1.0)
    assert scored(tmp_path, MANUAL) == (0.638095238095238, 1.0)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"img1": "C1;C1"}, "line 2: duplicate CUI"),
        ({"img1": ";".join(f"C{n:07d}" for n in range(101))}, "line 2: 101 concepts"),
        ({"img9": "C1"}, "line 7: unknown id 'img9'"),
        ({"img1.jpg": "C1"}, "line 7: (unknown id 'img1.jpg'|the id 'img1.jpg' has a file extension)"),
    ],
)
@pytest.mark.parametrize("compat", [False, True])
def test_files_that_stop_the_official_script_are_rejected_with_and_without_compat(
    tmp_path: Path, changed: dict[str, str], message: str, compat: bool
) -> None:
    with pytest.raises(InvalidSubmission, match=message):
        scored(tmp_path, PREDICTED_CONCEPTS | changed, compat=compat)


def test_one_hundred_concepts_are_allowed(tmp_path: Path) -> None:
    many = {"img1": ";".join(f"C{n:07d}" for n in range(100))}
    assert scored(tmp_path, PREDICTED_CONCEPTS | many)[1] > 0


def test_rows_whose_id_contains_the_letters_id_are_skipped_with_compat_and_rejected_otherwise(tmp_path: Path) -> None:
    rows = {"COVID_1": "C0040405", "img1": "C0041618"}
    truth = table(tmp_path / "t.csv", {"COVID_1": "C0024485", "img1": "C0041618"})
    predictions = table(tmp_path / "p.csv", rows)
    assert evaluate_concepts(predictions, truth, compat=True)["f1"] == 1.0
    with pytest.raises(InvalidSubmission, match="letters ID"):
        evaluate_concepts(predictions, truth)


CUIS = st.sampled_from(["C0040405", "C0041618", "C0000726", "C0000001", "c0040405", " C0000002", "", "C0920367"])
CELLS = st.lists(CUIS, max_size=4).map(lambda parts: ";".join(dict.fromkeys(parts)))


@settings(max_examples=40)
@given(rows=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6))
def test_compat_equals_scikit_learn_on_the_rows_that_the_official_script_reads(
    tmp_path: Path, rows: list[tuple[str, str]]
) -> None:
    truth, predictions = ({f"img{i}": row[side] for i, row in enumerate(rows)} for side in (0, 1))

    def read(cell: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in cell.split(";"))

    total = 0.0
    for id in truth:
        if len(read(predictions[id])) != len(set(read(predictions[id]))):
            return
        g, p = {c.upper() for c in read(truth[id])}, {c.upper() for c in read(predictions[id])}
        every = sorted(g | p)
        total += float(f1_score([c in g for c in every], [c in p for c in every]))
    report = evaluate_concepts(table(tmp_path / "p.csv", predictions), table(tmp_path / "t.csv", truth), compat=True)
    assert report["f1"] == total / len(truth)


def test_directions_and_combined_modalities_have_scores_of_their_own(tmp_path: Path) -> None:
    report = evaluate_concepts(PREDICTED_CONCEPTS, CONCEPTS, manual=MANUAL)
    named = {score.name: score for score in report.scores}
    assert (named["directionality_f1"].value, named["directionality_f1"].images) == (0.0, 1)
    assert (named["combined_modality_f1"].value, named["combined_modality_f1"].images) == (2 / 3, 1)
    assert named["combined_modality_called_single"].value == 1.0
    assert "additional" in named["directionality_f1"].note


def test_optical_coherence_tomography_counts_since_2025() -> None:
    truth = {"a": "C0920367", "b": "C0040405"}
    for name, n in (("imageclef2023", 1), ("imageclef2025", 2)):
        report = evaluate_concepts(truth, truth, manual=truth, profile_name=name)
        assert next(s.images for s in report.scores if s.name == "secondary_f1") == n


def test_the_secondary_f1_divides_by_all_rows_of_the_manual_concepts_except_excluded_images() -> None:
    manual = MANUAL | {"img6": "C0040405", "img7": ""}  # not in the ground truth
    report = evaluate_concepts(PREDICTED_CONCEPTS, CONCEPTS, manual=manual)
    (secondary,) = [score for score in report.scores if score.name == "secondary_f1"]
    # img4 is excluded, because none of its manual concepts counts; img6 and img7 count with the value 0.
    assert secondary.images == 4
    assert secondary.value == pytest.approx(SECONDARY * 4 / (7 - 1))


def test_every_score_has_its_value_for_the_worked_example() -> None:
    report = evaluate_concepts(PREDICTED_CONCEPTS, CONCEPTS, manual=MANUAL)
    assert report["precision"] == pytest.approx((1 / 2 + 2 / 3 + 0 + 1 + 2 / 3) / 5)
    assert report["recall"] == pytest.approx((1 / 2 + 2 / 4 + 0 + 2 / 4 + 1) / 5)
    assert report["micro_f1"] == pytest.approx(2 * 7 / (13 + 10))
    # 12 concepts of the truth: 5 have the F1 1, C0040405 has 4/5, the others have 0.
    assert report["macro_f1"] == pytest.approx((5 + 4 / 5) / 12)


def test_a_single_predicted_modality_is_counted_only_for_images_of_combined_modalities() -> None:
    truth = {"combined": "C0000001", "single": "C0040405"}
    manual = {"combined": "", "single": "C0040405"}
    for predicted, called_single in (("C0040405", 1.0), ("C0040405;C0041618", 0.0), ("C0000001", 0.0)):
        report = evaluate_concepts({"combined": predicted, "single": "C0041618"}, truth, manual=manual)
        assert report["combined_modality_called_single"] == called_single


def test_without_manual_concepts_modality_and_direction_come_from_all_concepts() -> None:
    truth = {"a": "C0040405;C1999039", "b": "C0040405;C0041618", "c": "C0000001"}
    report = evaluate_concepts(truth, truth)
    (by_modality,) = [table for table in report.breakdowns if table.title == "By modality"]
    assert [row[:2] for row in by_modality.rows] == [("DRCO", 1), ("DRCT", 1), ("unknown", 1)]
    (directions,) = [score for score in report.scores if score.name == "directionality_f1"]
    assert (directions.value, directions.images) == (1.0, 1)
    assert {missing.name for missing in report.not_computed} == {
        "secondary_f1", "combined_modality_f1", "combined_modality_called_single",
    }  # fmt: skip


def test_directions_are_scored_against_the_manual_concepts_if_there_are_any() -> None:
    truth, manual = {"a": "C0040405;C1999039", "b": "C1996865"}, {"a": "C0040405", "b": "C1996865"}
    report = evaluate_concepts(truth, truth, manual=manual)
    (directions,) = [score for score in report.scores if score.name == "directionality_f1"]
    assert directions.images == 1  # the direction of "a" was not assigned by people


def test_the_constant_baseline_is_the_best_set_of_frequent_concepts() -> None:
    truth = [frozenset({"C1", "C2"}), frozenset({"C1", "C2"}), frozenset({"C1", "C3"}), frozenset({"C4"})]
    # F1 of {C1} is 2/3 for three images, of {C1, C2} 1, 1, 1/2 and 0; a third concept lowers the mean.
    assert best_constant(truth) == {"C1", "C2"}
    assert best_constant([frozenset()]) == frozenset()


def test_concepts_are_grouped_by_their_frequency_in_train() -> None:
    train = {f"t{n}": "C0040405;C0041618" if n < 10 else "C0040405" for n in range(11)}
    truth = {"a": "C0040405", "b": "C0041618", "c": "C0000001"}
    report = evaluate_concepts(truth, truth, train=train)
    (table,) = [table for table in report.breakdowns if table.title == "By frequency"]
    assert table.columns[0] == "images in train"
    assert [row[:2] for row in table.rows] == [("none", 1), ("1 to 10", 1), ("11 to 100", 1)]


def test_the_table_of_images_lists_correct_false_and_missed_concepts_lowest_f1_first() -> None:
    table = evaluate_concepts(PREDICTED_CONCEPTS, CONCEPTS, manual=MANUAL, articles={"img1": "PMC1"}).per_image
    rows = {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}
    assert [row[0] for row in table.rows] == ["img3", "img1", "img2", "img4", "img5"]
    assert (rows["img1"]["article"], rows["img2"]["article"]) == ("PMC1", None)
    assert (rows["img1"]["correct"], rows["img1"]["false"], rows["img1"]["missed"]) == (
        "C0040405", "C0003483", "C0856747",
    )  # fmt: skip
    assert rows["img4"]["modality"] == "DRCO"


def test_baselines_and_upper_bounds_accompany_the_scores() -> None:
    bounds = evaluate_concepts(PREDICTED_CONCEPTS, CONCEPTS, manual=MANUAL).bounds
    assert bounds is not None
    rows = {row[1]: row[2:] for row in bounds.rows}
    assert rows["the manual concepts and nothing else"] == (0.638095238095238, 1.0)
    assert rows["the true modality and nothing else"][0] < 0.6
    assert rows["predictions of other images (mean of 10 shuffles)"][0] < SCORE


def test_breakdowns_add_up() -> None:
    report = evaluate_concepts(PREDICTED_CONCEPTS, CONCEPTS, manual=MANUAL)
    tables = {t.title: t.rows for t in report.breakdowns}
    for title in ("By modality", "By number of concepts"):
        rows = tables[title]
        assert sum(r[1] for r in rows) == 5
        assert sum(r[1] * r[2] for r in rows) / 5 == pytest.approx(SCORE)
    concepts = tables["By concept"]
    assert sum(r[4] for r in concepts) == sum(r[4] for r in tables["By frequency"]) == 7
    assert [r[0] for r in tables["By modality"]] == ["DRCO", "DRCT", "DRMR", "DRUS", "DRXR"]


def test_frequencies_and_the_constant_come_from_train_where_it_is_given(tmp_path: Path) -> None:
    train = table(tmp_path / "train.csv", {"x": "C0040405", "y": "C0040405;C0041618"})
    report = evaluate_concepts(PREDICTED_CONCEPTS, CONCEPTS, train=train)
    assert report.bounds is not None
    assert any("from train" in row[1] for row in report.bounds.rows)
    assert str(train) in report.inputs


def test_two_systems_are_compared_image_by_image() -> None:
    report = evaluate_concepts(CONCEPTS, CONCEPTS, against=PREDICTED_CONCEPTS)
    compared = report.against["f1"]
    assert compared is not None and compared.difference == pytest.approx(1 - SCORE)
    assert 0 < compared.p <= 1


def test_the_order_of_the_other_systems_images_does_not_matter() -> None:
    reversed_order = dict(reversed(PREDICTED_CONCEPTS.items()))
    report = evaluate_concepts(PREDICTED_CONCEPTS, CONCEPTS, against=reversed_order)
    compared = report.against["f1"]
    assert compared is not None and (compared.low, compared.high, compared.p) == (0, 0, 1)


def test_the_interval_of_micro_f1_is_that_of_its_value() -> None:
    (micro,) = [s for s in evaluate_concepts(CONCEPTS, CONCEPTS).scores if s.name == "micro_f1"]
    assert micro.interval == (micro.value, micro.value) == (1, 1)


def test_a_report_lists_its_files_profile_and_versions(tmp_path: Path) -> None:
    predictions, truth = table(tmp_path / "p.csv", PREDICTED_CONCEPTS), table(tmp_path / "t.csv", CONCEPTS)
    report = evaluate_concepts(predictions, truth, manual=table(tmp_path / "m.csv", MANUAL))
    report.write(tmp_path / "out")
    written = json.loads((tmp_path / "out" / "report.json").read_text())
    assert written["scores"]["f1"]["value"] == SCORE
    assert set(written["inputs"]) == {str(tmp_path / f"{n}.csv") for n in "ptm"}
    assert written["profile"]["name"] == "imageclef2023" and written["versions"]["numpy"]
    for name in ("report.md", "report.tex", "report.csv", "per_image.csv"):
        assert (tmp_path / "out" / name).read_text()
    assert "0.5076" in (tmp_path / "out" / "report.md").read_text()
    assert r"\begin{tabular}" in (tmp_path / "out" / "report.tex").read_text()
    lines = (tmp_path / "out" / "per_image.csv").read_text().splitlines()
    assert len(lines) == 6 and lines[1].startswith("img3,")  # the worst comes first


def test_intervals_resample_articles_if_these_are_known(tmp_path: Path) -> None:
    articles = tmp_path / "license_information.csv"
    articles.write_text("ID, PMCID ,Attribution\n" + "".join(f"img{i},PMC{i // 4},x\n" for i in range(1, 6)))
    report = evaluate_concepts(PREDICTED_CONCEPTS, CONCEPTS, articles=articles)
    assert not any("resample images" in note for note in report.notes)
    assert report.scores[0].interval != evaluate_concepts(PREDICTED_CONCEPTS, CONCEPTS).scores[0].interval


def test_without_manual_concepts_the_secondary_score_is_undefined() -> None:
    empty = dict.fromkeys(CONCEPTS, "")
    report = evaluate_concepts(PREDICTED_CONCEPTS, CONCEPTS, manual=empty)
    assert math.isnan(report["secondary_f1"])
    assert report.as_mapping()["scores"]["secondary_f1"]["value"] is None


def test_invalid_arguments_are_usage_and_data_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="imageclef2024") as err:
        evaluate_concepts(PREDICTED_CONCEPTS, CONCEPTS, profile_name="imageclef2024")
    assert "did you mean" in err.value.hint
    with pytest.raises(DataError, match="the manual concepts have no row for 4 images"):
        evaluate_concepts(PREDICTED_CONCEPTS, CONCEPTS, manual={"img1": ""})
    with pytest.raises(InvalidSubmission, match="4 images are missing"):
        evaluate_concepts({"img1": "C1"}, CONCEPTS)
    with pytest.raises(DataError, match="is not a file"):
        evaluate_concepts(tmp_path / "none.csv", CONCEPTS)


def test_the_official_script_ignores_a_third_column_of_the_truth_only(tmp_path: Path) -> None:
    predictions, truth = table(tmp_path / "p.csv", {"a": "C0000001"}), tmp_path / "t.csv"
    truth.write_text("ID,CUIs,more\na,C0000001,x\n")
    assert evaluate_concepts(predictions, truth, compat=True)["f1"] == 1.0
    predictions.write_text(truth.read_text())
    with pytest.raises(InvalidSubmission, match="3 columns"):
        evaluate_concepts(predictions, truth, compat=True)
