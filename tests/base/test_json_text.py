"""JSON from outside is a value or a ValueError, whatever it contains."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from roco.base.json_text import parse_json

PACKAGE = Path(__file__).parents[2] / "roco"


def test_json_is_parsed_with_the_options_of_the_standard_library() -> None:
    assert parse_json('{"a": [1, NaN]}', parse_constant=lambda _: None) == {"a": [1, None]}


@pytest.mark.parametrize("text", ["", "{", b"\xff", "[" * 100_000, '{"a":' * 100_000])
def test_what_is_no_json_or_nested_too_deeply_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError):
        parse_json(text)


def test_the_package_parses_json_in_no_other_way() -> None:
    found = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and ast.unparse(node) in ("json.loads", "json.load"):
                found.append(path.relative_to(PACKAGE).as_posix())
    assert found == ["base/json_text.py"]
