"""Removes the reasoning that some models write before their answer."""

from __future__ import annotations

import re

_REASONING = re.compile(r"\s*<think>.*?</think>", re.DOTALL)


def without_reasoning(text: str) -> str:
    """Returns an answer without white space around it and without `<think>…</think>` at its beginning."""
    found = _REASONING.match(text)
    return text[found.end() if found else 0 :].strip()
