"""Concept scores are ImageCLEF's to the last digit, in both ways of reading, and what they leave out stands beside."""

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
from roco.evaluate.profiles import PROFILES
from tests.evaluate.examples import CONCEPTS, MANUAL, PREDICTED, table

SCORE, SECONDARY = 0.5076190476190476, 0.6666666666666666


def scored(folder: Path, said: dict[str, str], truth: dict[str, str] = CONCEPTS, **options: Any) -> tuple[float, float]:
    pred, held, manual = (table(folder / f"{n}.csv", rows) for n, rows in (("p", said), ("t", truth), ("m", MANUAL)))
    report = evaluate_concepts(pred, held, manual=manual, **({"profile_name": "imageclef2025"} | options))
    return report["f1"], report["secondary_f1"]


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("compat", [False, True])
def test_example_a_has_the_official_values_to_the_last_digit(tmp_path: Path, name: str, compat: bool) -> None:
    assert scored(tmp_path, PREDICTED, profile_name=name, compat=compat) == (SCORE, SECONDARY)


@pytest.mark.parametrize(
    ("changed", "score"),
    [
        ({id: cell.lower() for id, cell in PREDICTED.items()}, SCORE),
        ({"img1": "C0040405;C0856747;"}, 0.5676190476190476),
        ({"img1": "C0040405;c0040405"}, 0.540952380952381),
        ({"img1": " C0040405 ; C0856747 "}, 0.6076190476190476),
    ],
)
def test_what_the_official_script_lets_pass_is_scored_by_compat_and_refused_else(
    tmp_path: Path, changed: dict[str, str], score: float
) -> None:
    assert scored(tmp_path, PREDICTED | changed, compat=True)[0] == score
    with pytest.raises(InvalidSubmission, match="line 2"):
        scored(tmp_path, PREDICTED | changed)


def test_a_row_of_an_id_alone_is_scored_by_compat_and_refused_else(tmp_path: Path) -> None:
    scored(tmp_path, PREDICTED)
    path = tmp_path / "p.csv"
    path.write_text(path.read_text().replace("img3,\n", "img3\n"))
    held, manual = tmp_path / "t.csv", tmp_path / "m.csv"
    options: dict[str, Any] = {"manual": manual, "profile_name": "imageclef2025"}
    assert evaluate_concepts(path, held, compat=True, **options)["f1"] == SCORE
    with pytest.raises(InvalidSubmission, match="line 4: one column"):
        evaluate_concepts(path, held, **options)


@pytest.mark.parametrize(("said", "score"), [("", 0.7076190476190476), ("C0000001", SCORE)])
def test_a_truth_without_a_concept_counts_as_the_official_script_counts_it(
    tmp_path: Path, said: str, score: float
) -> None:
    truth = CONCEPTS | {"img3": ""}
    assert scored(tmp_path, PREDICTED | {"img3": said}, truth, compat=True)[0] == score
    with pytest.raises(InvalidSubmission, match=r"line 4: no concept in the truth"):
        scored(tmp_path, PREDICTED | {"img3": said}, truth)


def test_the_truth_scores_one_and_the_manual_file_what_it_knows(tmp_path: Path) -> None:
    assert scored(tmp_path, CONCEPTS) == (1.0, 1.0)
    assert scored(tmp_path, MANUAL) == (0.638095238095238, 1.0)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"img1": "C1;C1"}, "line 2: a CUI stands twice"),
        ({"img1": ";".join(f"C{n:07d}" for n in range(101))}, "line 2: 101 concepts"),
        ({"img9": "C1"}, "line 7: the id 'img9' is unknown"),
        ({"img1.jpg": "C1"}, "line 7: the id 'img1.jpg' (is unknown|has a file ending)"),
    ],
)
@pytest.mark.parametrize("compat", [False, True])
def test_where_the_official_script_stops_both_ways_stop(
    tmp_path: Path, changed: dict[str, str], said: str, compat: bool
) -> None:
    with pytest.raises(InvalidSubmission, match=said):
        scored(tmp_path, PREDICTED | changed, compat=compat)


def test_one_hundred_concepts_are_allowed(tmp_path: Path) -> None:
    many = {"img1": ";".join(f"C{n:07d}" for n in range(100))}
    assert scored(tmp_path, PREDICTED | many)[1] > 0


def test_rows_whose_id_holds_the_letters_id_are_skipped_by_compat_and_refused_else(tmp_path: Path) -> None:
    rows = {"COVID_1": "C0040405", "img1": "C0041618"}
    pred, held = table(tmp_path / "p.csv", rows), table(tmp_path / "t.csv", {"COVID_1": "C0024485", "img1": "C0041618"})
    assert evaluate_concepts(pred, held, compat=True)["f1"] == 1.0
    with pytest.raises(InvalidSubmission, match="letters ID"):
        evaluate_concepts(pred, held)


CUIS = st.sampled_from(["C0040405", "C0041618", "C0000726", "C0000001", "c0040405", " C0000002", "", "C0920367"])
CELLS = st.lists(CUIS, max_size=4).map(lambda parts: ";".join(dict.fromkeys(parts)))


@settings(max_examples=40)
@given(rows=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6))
def test_compat_is_scikit_learn_over_the_official_reading(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    truth, said = ({f"img{i}": row[side] for i, row in enumerate(rows)} for side in (0, 1))

    def read(cell: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in cell.split(";"))

    total = 0.0
    for id in truth:
        if len(read(said[id])) != len(set(read(said[id]))):
            return
        g, p = {c.upper() for c in read(truth[id])}, {c.upper() for c in read(said[id])}
        every = sorted(g | p)
        total += float(f1_score([c in g for c in every], [c in p for c in every]))
    report = evaluate_concepts(table(tmp_path / "p.csv", said), table(tmp_path / "t.csv", truth), compat=True)
    assert report["f1"] == total / len(truth)


def test_directions_and_combined_modalities_are_reported_apart(tmp_path: Path) -> None:
    report = evaluate_concepts(PREDICTED, CONCEPTS, manual=MANUAL)
    named = {score.name: score for score in report.scores}
    assert (named["directionality_f1"].value, named["directionality_f1"].n) == (0.0, 1)
    assert (named["combined_modality_f1"].value, named["combined_modality_f1"].n) == (2 / 3, 1)
    assert named["combined_modality_called_single"].value == 1.0
    assert "ours" in named["directionality_f1"].note


def test_optical_coherence_tomography_counts_since_2025() -> None:
    truth = {"a": "C0920367", "b": "C0040405"}
    for name, n in (("imageclef2023", 1), ("imageclef2025", 2)):
        report = evaluate_concepts(truth, truth, manual=truth, profile_name=name)
        assert next(s.n for s in report.scores if s.name == "secondary_f1") == n


def test_floors_and_ceilings_stand_beside_the_score() -> None:
    rows = {row[1]: row[2:] for row in evaluate_concepts(PREDICTED, CONCEPTS, manual=MANUAL).bounds[0].rows}
    assert rows["the manual concepts and nothing else"] == (0.638095238095238, 1.0)
    assert rows["the true modality and nothing else"][0] < 0.6
    assert rows["predictions of other images, 10 shuffles"][0] < SCORE


def test_breakdowns_add_up() -> None:
    sheets = {s.title: s.rows for s in evaluate_concepts(PREDICTED, CONCEPTS, manual=MANUAL).sheets}
    for title in ("By modality (ours)", "By number of concepts (ours)"):
        rows = sheets[title]
        assert sum(r[1] for r in rows) == 5
        assert sum(r[1] * r[2] for r in rows) / 5 == pytest.approx(SCORE)
    concepts = sheets["By concept (ours)"]
    assert sum(r[4] for r in concepts) == sum(r[4] for r in sheets["By frequency (ours)"]) == 7
    assert [r[0] for r in sheets["By modality (ours)"]] == ["DRCO", "DRCT", "DRMR", "DRUS", "DRXR"]


def test_frequencies_and_the_constant_come_from_train_where_it_is_given(tmp_path: Path) -> None:
    train = table(tmp_path / "train.csv", {"x": "C0040405", "y": "C0040405;C0041618"})
    report = evaluate_concepts(PREDICTED, CONCEPTS, train=train)
    assert any("from train" in row[1] for row in report.bounds[0].rows)
    assert str(train) in report.inputs


def test_two_systems_are_compared_image_by_image() -> None:
    report = evaluate_concepts(CONCEPTS, CONCEPTS, against=PREDICTED)
    compared = report.against["f1"]
    assert compared is not None and compared.difference == pytest.approx(1 - SCORE)
    assert 0 < compared.p <= 1


def test_a_report_says_where_its_numbers_come_from(tmp_path: Path) -> None:
    pred, held = table(tmp_path / "p.csv", PREDICTED), table(tmp_path / "t.csv", CONCEPTS)
    report = evaluate_concepts(pred, held, manual=table(tmp_path / "m.csv", MANUAL))
    report.write(tmp_path / "out")
    told = json.loads((tmp_path / "out" / "report.json").read_text())
    assert told["scores"]["f1"]["value"] == SCORE
    assert set(told["inputs"]) == {str(tmp_path / f"{n}.csv") for n in "ptm"}
    assert told["profile"]["name"] == "imageclef2023" and told["versions"]["numpy"]
    for name in ("report.md", "report.tex", "report.csv", "per_image.csv"):
        assert (tmp_path / "out" / name).read_text()
    assert "0.5076" in (tmp_path / "out" / "report.md").read_text()
    assert r"\begin{tabular}" in (tmp_path / "out" / "report.tex").read_text()
    lines = (tmp_path / "out" / "per_image.csv").read_text().splitlines()
    assert len(lines) == 6 and lines[1].startswith("img3,")  # the worst comes first


def test_articles_tie_images_where_they_are_known(tmp_path: Path) -> None:
    articles = tmp_path / "license_information.csv"
    articles.write_text("ID, PMCID ,Attribution\n" + "".join(f"img{i},PMC{i // 4},x\n" for i in range(1, 6)))
    report = evaluate_concepts(PREDICTED, CONCEPTS, articles=articles)
    assert not any("over images" in note for note in report.notes)
    assert report.scores[0].interval != evaluate_concepts(PREDICTED, CONCEPTS).scores[0].interval


def test_without_a_manual_concept_the_secondary_score_is_not_defined() -> None:
    empty = dict.fromkeys(CONCEPTS, "")
    report = evaluate_concepts(PREDICTED, CONCEPTS, manual=empty)
    assert math.isnan(report["secondary_f1"])
    assert report.as_mapping()["scores"]["secondary_f1"]["value"] is None


def test_mistakes_of_the_caller_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="imageclef2024") as err:
        evaluate_concepts(PREDICTED, CONCEPTS, profile_name="imageclef2024")
    assert "did you mean" in err.value.hint
    with pytest.raises(DataError, match="no row in the manual"):
        evaluate_concepts(PREDICTED, CONCEPTS, manual={"img1": ""})
    with pytest.raises(InvalidSubmission, match="4 images are missing"):
        evaluate_concepts({"img1": "C1"}, CONCEPTS)
    with pytest.raises(DataError, match="is no file"):
        evaluate_concepts(tmp_path / "none.csv", CONCEPTS)


def test_the_official_script_passes_over_a_third_column_of_the_truth_alone(tmp_path: Path) -> None:
    pred, held = table(tmp_path / "p.csv", {"a": "C0000001"}), tmp_path / "t.csv"
    held.write_text("ID,CUIs,more\na,C0000001,x\n")
    assert evaluate_concepts(pred, held, compat=True)["f1"] == 1.0
    pred.write_text(held.read_text())
    with pytest.raises(InvalidSubmission, match="3 columns"):
        evaluate_concepts(pred, held, compat=True)
