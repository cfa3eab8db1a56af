"""Card and datasheet of a release that is made from another one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from roco.base.schema import SPLITS
from roco.base.tables import CUI_MAPPING_COLUMNS, LICENSE_COLUMNS
from roco.base.version import __version__
from roco.release.card_parts import TITLE, about_paragraphs, funnel_table, image_tables, limitations
from roco.release.card_text import SUMMARY
from roco.release.front_matter import front_matter
from roco.release.metadata import Metadata

Row = Mapping[str, Any]

_LANGUAGES = re.compile(r"^language:\n((?:- .*\n)+)", re.M)
_INCLUDED = re.compile(r"^\*\*(.+)\*\*$", re.M)
_MADE = re.compile(r"^## How it was made\n(.*?)(?=^## |\Z)", re.M | re.S)
_UNSEARCHED = "Near-duplicates were not searched."


def card(
    of_parent: str, rows: Sequence[Row], funnel: Mapping[str, Any], leaks: Mapping[str, int], about: Metadata,
    heading: str, note: str,
) -> str:  # fmt: skip
    """Returns the card as Markdown; what the stages of the recipe did is taken over from the card of the parent.

    rows: the columns that `image_tables` and `front_matter` read, of each image. heading, note: of the paragraph that
    states what the release is made from.
    """
    articles = len({row["article_key"] for row in rows})
    included = _INCLUDED.search(of_parent.partition("## Files")[0])
    summary = SUMMARY.format(
        title=about.title or TITLE,
        about=f"## {heading}\n\n{note}\n\n## Content\n\n{about_paragraphs(about)}",
        images=f"{len(rows):,} images",
        articles=f"{articles:,} articles",
        version=__version__,
        names=",".join(CUI_MAPPING_COLUMNS),
        licenses=",".join(LICENSE_COLUMNS),
        included=included[1] if included else "The card of the release it was made from states what is filtered.",
    )
    made = _MADE.search(of_parent)
    sections = [
        front_matter(about.title or TITLE, rows, _languages(of_parent)),
        summary,
        *image_tables(rows, leaks, _UNSEARCHED not in of_parent, _modality_note(rows)),
        "## How it was made\n",
        funnel_table(funnel["stages"]),
        "### The release it was made from\n" + (made[1] if made else "\nIts card does not state it.\n"),
        limitations(rows, about),
    ]
    return "\n".join(sections)


def datasheet(of_parent: str, rows: Sequence[Row], heading: str, note: str) -> str:
    """Returns the datasheet: what this release is, then the datasheet of its parent, whose numbers it quotes."""
    sizes = Counter(row["split"] for row in rows)
    splits = ", ".join(f"{sizes[split]:,} {split}" for split in SPLITS)
    articles = len({row["article_key"] for row in rows})
    first = (
        f"# Datasheet\n\n## {heading}\n\n{note}\n\nNumber: {len(rows):,} images of {articles:,} articles: {splits}.\n"
    )
    rest = of_parent.replace("# Datasheet\n", "# Datasheet of the release it was made from\n", 1)
    return f"{first}\n{rest}"


def _languages(of_parent: str) -> list[str]:
    """Returns the languages that the front matter of a card lists."""
    match = _LANGUAGES.search(of_parent.partition("\n---\n")[0] + "\n")
    return [line[2:].strip().strip('"') for line in match[1].splitlines()] if match else []


def _modality_note(rows: Sequence[Row]) -> str:
    origin = Counter(row.get("modality_from") for row in rows)
    return (
        f"Modality labels: {origin['label']:,} assigned by annotators, {origin['guess']:,} assigned automatically, "
        f"{origin[None]:,} unknown (column `modality_from`).\n"
    )
