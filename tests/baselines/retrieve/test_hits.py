"""A hit of a search."""

from __future__ import annotations

import json
from typing import Any

import pytest

from roco.baselines.retrieve.hits import COLUMNS, Hit

ROW: dict[str, Any] = {
    "id": "ROCOv2_2026_train_000001", "split": "train", "caption": "CT of the chest.",
    "concepts": ["C0040405", "C9999999"], "modality": "DRCT", "region": None, "license": "CC-BY-NC",
    "attribution": "CC BY-NC Weber (2020)", "link": "https://doi.org/10.1/x", "pmcid": None, "article_key": "10.1/x",
    "year": 2020,
}  # fmt: skip
NAMES = {"C0040405": "X-Ray Computed Tomography"}


def test_a_hit_names_its_concepts_and_keeps_the_cui_of_one_without_a_name() -> None:
    assert Hit.of(ROW, 1, 0.5, NAMES, {"words": 1}).names == ("X-Ray Computed Tomography", "C9999999")


@pytest.mark.parametrize(("license", "allowed"), [("CC-BY", True), ("CC0", True), ("CC-BY-NC", False), (None, False)])
def test_a_hit_states_whether_its_licence_allows_commercial_use(license: str | None, allowed: bool) -> None:
    assert Hit.of(ROW | {"license": license}, 1, 0.5, NAMES, {}).commercial is allowed


def test_a_hit_without_values_has_empty_texts_and_its_own_article() -> None:
    hit = Hit.of(dict.fromkeys(COLUMNS) | {"id": "a", "split": "test"}, 3, 0.0, {}, {})
    assert (hit.caption, hit.concepts, hit.attribution, hit.link, hit.article) == ("", (), "", "", "a")


def test_a_hit_can_be_written_as_json() -> None:
    written = json.loads(json.dumps(Hit.of(ROW, 2, 0.25, NAMES, {"words": 2, "image": 1}).to_json()))
    assert written["rank"] == 2 and written["matched"] == {"words": 2, "image": 1}
    assert written["concepts"] == ROW["concepts"] and written["article"] == "10.1/x"
