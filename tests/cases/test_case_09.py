"""One picture stored as 8-bit PNG and as TIFF of 8 and 16 bits, with black or white as zero, is one picture."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cases.conftest import Case

pytestmark = pytest.mark.shared


def test_a_deep_tiff_with_white_as_zero_is_a_duplicate_of_the_same_picture(case: Callable[[str], Case]) -> None:
    figures = case("09").figures("file", "drop", "duplicate_group")
    assert len({row["duplicate_group"] for row in figures}) == 1
    assert sorted(row["file"] for row in figures) == ["i1.png", "i2.tif", "i3.tif", "i4.tif"]
    assert sorted(str(row["drop"]) for row in figures) == ["None", "duplicate", "duplicate", "duplicate"]
