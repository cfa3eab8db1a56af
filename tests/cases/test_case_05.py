"""Usual names of modalities."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from roco.base.labels import NUCLEAR
from tests.cases.conftest import Case

pytestmark = pytest.mark.shared


def test_usual_names_of_modalities_are_known(case: Callable[[str], Case]) -> None:
    found = {row["fig_id"]: row for row in case("05").figures("fig_id", "modality", "region", "concepts")}
    modalities = [found[f"f{number}"]["modality"] for number in range(1, 17)]
    assert modalities == [
        *(["DRCT"] * 6), "DRMR", "DRUS", "DRUS", "DRXR", "DRXR", "DRXR", "DRAN", None, "DRCT", "DRCT",
    ]  # fmt: skip
    assert (found["f10"]["region"], found["f12"]["region"]) == ("chest", "breast")
    assert found["f14"]["concepts"][0] == NUCLEAR
