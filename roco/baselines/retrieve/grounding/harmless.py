"""Makes text from articles harmless in a prompt: it stays on its line and cannot pose as a source or as a delimiter."""

from __future__ import annotations

import json
import re

from roco.base.terminal import printable, printable_json
from roco.base.text import escaped

CUT = "… (cut)"
"""Ends a text that was too long."""

# Square brackets and the characters that models read as such become round ones: in a prompt, `[2]` is a source, and
# some chat templates write `[INST]`. A backtick could open a fence.
_REPLACED = str.maketrans(
    {
        **dict.fromkeys("[［【〔〖⟦⁅❲﹝", "("),
        **dict.fromkeys("]］】〕〗⟧⁆❳﹞", ")"),
        **dict.fromkeys("＜﹤", "‹"),
        **dict.fromkeys("＞﹥", "›"),
        **dict.fromkeys("`｀", "'"),
        "｜": "|",
    }
)

# Angle brackets of tags, `</sources>` and `<|im_start|>`; those of `p < 0.05`, `<5 mm` and `SUV >= 3` stay.
_OPENING = re.compile(r"<(?=[^\s\d=.])")
_CLOSING = re.compile(r"(?<=[^\s\d(])>")

_FACTOR = 4  # characters of a text that are looked at, per character of the result: white space is folded


def harmless(text: str, longest: int) -> str:
    """Returns a text on one line, at most `longest` characters, that has no meaning for the structure of a prompt.

    Control, bidirectional and invisible characters are escaped, square brackets become round ones, angle brackets of
    tags become `‹ ›`, backticks apostrophes. A text that is too long ends with `… (cut)`.
    """
    folded = " ".join(text[: _FACTOR * longest].split()).translate(_REPLACED)
    safe = printable(escaped(_CLOSING.sub("›", _OPENING.sub("‹", folded))))
    if len(safe) > longest or len(text) > _FACTOR * longest:
        safe = safe[: longest - len(CUT)].rstrip() + CUT
    return safe


def quoted_value(text: str, longest: int) -> str:
    """Returns a harmless text as a string of JSON: quotation marks in it cannot end it."""
    return printable_json(json.dumps(harmless(text, longest), ensure_ascii=False))
