"""The stores by their names."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import roco
from roco.base.errors import MissingExtra, UsageError
from tests.baselines import drawn


def test_an_unknown_store_is_answered_with_the_nearest_name_before_anything_is_written(tmp_path: Path) -> None:
    dataset = drawn.write(tmp_path / "dataset", {"train": 2})
    with pytest.raises(UsageError, match="unknown store 'lanse'") as caught:
        roco.index(dataset, tmp_path / "index", store="lanse")
    assert caught.value.hint == "did you mean 'lance'?" and [path.name for path in tmp_path.iterdir()] == ["dataset"]


def test_without_its_package_the_store_lance_is_an_error_with_the_pip_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = drawn.write(tmp_path / "dataset", {"train": 2})
    monkeypatch.setitem(sys.modules, "lancedb", None)
    with pytest.raises(MissingExtra, match="lancedb is not installed") as caught:
        roco.index(dataset, tmp_path / "index", store="lance")
    assert "[search]" in caught.value.hint and [path.name for path in tmp_path.iterdir()] == ["dataset"]
