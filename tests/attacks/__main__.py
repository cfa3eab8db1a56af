"""`python -m tests.attacks`: the corpus as a table, each attack with the end that it must come to."""

from __future__ import annotations

from tests.attacks import RELEASED, Attack
from tests.attacks.documents import ADDRESSES, DOCUMENTS, TEXTS
from tests.attacks.metadata import METADATA
from tests.attacks.pictures import PICTURES
from tests.attacks.tars import GZIPS, TARS
from tests.attacks.zips import ZIPS

FAMILIES = {
    "gzip": GZIPS, "tar": TARS, "zip": ZIPS, "XML": DOCUMENTS, "addresses of images": ADDRESSES, "words": TEXTS,
    "images": PICTURES, "metadata": METADATA,
}  # fmt: skip


def table() -> str:
    """Markdown: family, attack and end; what is said of it where the end alone does not tell."""
    lines = ["| what | attack | what becomes of it |", "|---|---|---|"]
    for family, attacks in FAMILIES.items():
        lines += [f"| {family} | {_plain(attack.name)} | {_end(attack)} |" for attack in attacks]
    return "\n".join(lines)


def _end(attack: Attack) -> str:
    if attack.ends == RELEASED:
        return "read without harm"
    return f"leaves as `{attack.ends}`" + (f': "{_plain(attack.says.strip())} …"' if attack.says else "")


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("[", "\\[")


if __name__ == "__main__":
    print(table())
