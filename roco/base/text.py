"""Text from outside, normalised."""

from __future__ import annotations

import re
import unicodedata

_UNSEEN = re.compile(
    r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e"
    r"\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\U000e0001\U000e0020-\U000e007f]"
)


def fold(text: str) -> str:
    """NFC, control and bidirectional characters removed, white space folded to single spaces."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    folded = " ".join(text.split())
    return folded if folded.isprintable() else " ".join(_UNSEEN.sub("", text).split())
