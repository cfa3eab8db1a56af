"""`python -m tests.attacks` prints the corpus as a table for docs/security.md: attacks by kind and expected result."""

from __future__ import annotations

from tests.attacks import RELEASED, Attack
from tests.attacks.compressed import BZIP2_TARS, COMPRESSED_XML, PLAIN_TARS, XZ_TARS
from tests.attacks.documents import ADDRESSES, DOCUMENTS, TEXTS
from tests.attacks.metadata import METADATA
from tests.attacks.pictures import PICTURES
from tests.attacks.tars import GZIPS, TARS
from tests.attacks.zips import ZIPS

FAMILIES = {
    "gzip": GZIPS, "tar": [*TARS, *PLAIN_TARS], "bzip2": BZIP2_TARS, "xz": XZ_TARS, "zip": ZIPS,
    "compressed XML": COMPRESSED_XML, "XML": DOCUMENTS, "image names": ADDRESSES, "text": TEXTS,
    "images": PICTURES, "metadata": METADATA,
}  # fmt: skip


def table() -> str:
    """Returns the table in Markdown: one row for each kind of input and result, with the attacks that give it."""
    lines = ["| input | expected result | attacks |", "|---|---|---|"]
    for family, attacks in FAMILIES.items():
        by_result: dict[str, list[str]] = {}
        for attack in attacks:
            by_result.setdefault(_result(attack), []).append(_escaped(attack.name))
        for result, names in by_result.items():
            lines.append(f"| {family} | {result} | {'; '.join(names)} |")
    return "\n".join(lines)


def _result(attack: Attack) -> str:
    if attack.outcome == RELEASED:
        return "read as usual"
    reason = f': "{_escaped(attack.detail.strip())} …"' if attack.detail else ""
    return f"dropped as `{attack.outcome}`{reason}"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("[", "\\[")


if __name__ == "__main__":
    print(table())
