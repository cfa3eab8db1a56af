"""Table 7 for labels of two raters: numbers by hand, tables, JSON and pictures of confusion matrices."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from roco.base.errors import DataError
from roco.evaluate.rater_agreement import (
    Pair,
    label_table,
    matrix_table,
    rater_agreement,
    table_7,
    weighted_table,
    write,
)

COUNTS = {("a", "a"): 44, ("a", "b"): 5, ("a", "c"): 1, ("b", "a"): 7, ("b", "b"): 20, ("b", "c"): 3,
          ("c", "a"): 9, ("c", "b"): 5, ("c", "c"): 6}  # fmt: skip
"""The kappa of this matrix is .4915, its standard error .0721 (statsmodels `cohens_kappa`)."""


def pair(**more: object) -> Pair:
    answers = [labels for labels, n in COUNTS.items() for _ in range(n)]
    first = {f"PMC{number}-x": a for number, (a, _) in enumerate(answers)}
    second = {f"PMC{number}-x": b for number, (_, b) in enumerate(answers)}
    options = {"names": ("annotators", "radiologist"), "order": ("c", "b", "a", "UNKNOWN"), **more}
    return Pair(task="modality", first={**first, "PMC900-x": "a"}, second=second, **options)  # type: ignore[arg-type]


def test_the_columns_are_those_of_table_7() -> None:
    found = rater_agreement(pair(), resamples=50)
    assert table_7([found]).rows == [
        (
            "modality",
            100,
            "0.492 (0.072)",
            "[0.350, 0.633]",
            "70 (70.00%)",
            "41.0 (41.00%)",
            "moderate",
            "0.490",
            "0.576",
        )
    ]
    assert found.report.notes[0].startswith("1 images were labelled by one rater only")


def test_the_matrix_has_the_order_of_the_task() -> None:
    found = rater_agreement(pair(), resamples=50)
    assert found.labels == ("c", "b", "a")
    assert matrix_table(found).rows == [("c", 6, 5, 9), ("b", 3, 20, 7), ("a", 1, 5, 44)]
    assert [row[:4] for row in label_table(found).rows] == [("c", 20, 10, 6), ("b", 30, 30, 20), ("a", 50, 60, 44)]
    assert label_table(found).rows[2][4:] == (
        "0.560 (0.081)", "[0.401, 0.719]", "78 (78.00%)", "50.0 (50.00%)", "moderate"
    )  # fmt: skip


def test_a_sample_gives_a_weighted_kappa() -> None:
    plain = rater_agreement(pair(), resamples=50)
    assert plain.weighted is None and weighted_table([plain]) is None
    weights = dict.fromkeys(pair().second, 2.0)
    found = rater_agreement(pair(weights=weights, strata=dict(pair().first)), resamples=50)
    assert found.weighted is not None and found.weighted.value == pytest.approx(found.kappa.value)
    table = weighted_table([found])
    assert table is not None and table.rows[0][:2] == ("modality", 100)


def test_images_outside_a_sample_are_not_part_of_its_weighted_kappa() -> None:
    agreed = {image for image, label in pair().first.items() if pair().second.get(image) == label}
    found = rater_agreement(pair(weights=dict.fromkeys(agreed, 2.0), strata={}), resamples=50)
    assert found.kappa.n == 100
    assert found.weighted is not None and (found.weighted.n, found.weighted.value) == (len(agreed), pytest.approx(1))


def test_alpha_counts_all_raters() -> None:
    third = dict.fromkeys(pair().first, "a")
    two = rater_agreement(pair(), resamples=50).alpha
    three = rater_agreement(pair(raters=(pair().first, pair().second, third)), resamples=50).alpha
    assert three < two


def test_raters_without_an_image_in_common_are_an_error() -> None:
    with pytest.raises(DataError, match="no image in common"):
        rater_agreement(Pair(task="modality", first={"a": "x"}, second={"b": "x"}))


def test_one_label_alone_has_no_kappa() -> None:
    found = rater_agreement(Pair(task="modality", first={"a": "x"}, second={"a": "x"}), resamples=10)
    assert table_7([found]).rows[0][6] == "both raters used the same single label"
    assert found.as_mapping()["value"] is None


def test_tables_json_and_pictures_are_written(tmp_path: Path) -> None:
    found = rater_agreement(pair(), resamples=50)
    pictures = write([found], tmp_path)
    assert {path.name for path in pictures} == {
        f"modality_{kind}{suffix}" for kind in ("absolute", "normalised") for suffix in (".png", ".svg")
    }
    assert "| modality | 100 | 0.492 (0.072) |" in (tmp_path / "agreement.md").read_text()
    numbers = json.loads((tmp_path / "agreement.json").read_text())[0]
    assert (numbers["agree"], numbers["matrix"][0]) == (70, [6, 5, 9])
    assert numbers["by_label"]["a"]["agree"] == 44 + 34
    assert (tmp_path / "modality" / "report.md").exists()
    svg = ElementTree.fromstring((tmp_path / "modality_normalised.svg").read_bytes())
    texts = [text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert {"0.88", "annotators", "radiologist", "modality, n = 100 (normalised)"} <= set(texts)
    with Image.open(tmp_path / "modality_absolute.png") as image:
        assert min(image.size) > 200


def test_the_same_matrix_gives_the_same_bytes(tmp_path: Path) -> None:
    found = rater_agreement(pair(), resamples=10)
    for name in ("one", "two"):
        write([found], tmp_path / name)
    for file in ("modality_absolute.svg", "modality_absolute.png", "agreement.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
