"""Without a package of the extra `train`, commands that need it say how to install it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import roco
from roco.base.errors import MissingExtra
from roco.baselines.packages import require


def test_a_missing_package_is_named_with_the_extra_that_installs_it() -> None:
    require("json", "csv")
    with pytest.raises(MissingExtra, match="absent_package is not installed") as caught:
        require("json", "absent_package")
    assert "[train]" in caught.value.hint


@pytest.mark.parametrize("name", ["torch", "open_clip"])
def test_training_and_export_need_the_extra_and_write_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    for known in ("torch", "timm", "accelerate", "open_clip", "onnx"):
        monkeypatch.setitem(sys.modules, known, None if known == name else sys)
    with pytest.raises(MissingExtra, match=f"{name} is not installed"):
        roco.train_clip(tmp_path, tmp_path / "out")
    with pytest.raises(MissingExtra, match=f"{name} is not installed"):
        roco.export_backbone("test_vit", tmp_path / "out.onnx")
    assert not list(tmp_path.iterdir())
