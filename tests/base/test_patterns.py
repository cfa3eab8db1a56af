"""Patterns that are compiled at their first use."""

from __future__ import annotations

import re

import pytest

from roco.base.patterns import later


def test_a_pattern_is_compiled_at_its_first_use_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = []
    compile_now = re.compile

    def counted(pattern: str, flags: int = 0) -> re.Pattern[str]:
        compiled.append(pattern)
        return compile_now(pattern, flags)

    monkeypatch.setattr(re, "compile", counted)
    scan = later(r"(\w+) scan", re.I)
    assert compiled == []
    assert [match[1] for match in scan.finditer("a CT Scan, an MR scan")] == ["CT", "MR"]
    assert scan.sub("image", "CT scan") == "image"
    assert (scan.groups, scan.search("none")) == (1, None)
    assert compiled == [r"(\w+) scan"]


def test_an_invalid_pattern_is_an_error_at_its_first_use() -> None:
    broken = later("(")
    with pytest.raises(re.error):
        broken.search("")
