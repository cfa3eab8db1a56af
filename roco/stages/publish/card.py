"""The dataset card, README.md, with the front matter of the Hugging Face Hub."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from roco.base.guarantees import LANGUAGE, LICENSE, RADIOLOGY, UNIQUE
from roco.base.tables import CUI_MAPPING_COLUMNS, LICENSE_COLUMNS
from roco.core.spec import find
from roco.release.card_parts import (
    TITLE,
    about_paragraphs,
    funnel_table,
    image_tables,
    limitations,
    markdown_cell,
    markdown_table,
)
from roco.release.card_text import SUMMARY
from roco.release.front_matter import front_matter
from roco.release.metadata import Metadata
from roco.stages.guess import Guess
from roco.stages.publish.guarantees import guarantees, included

Row = Mapping[str, Any]


def card(
    rows: Sequence[Row], funnel: Mapping[str, Any], recipe: Mapping[str, Any], leaks: Mapping[str, int], about: Metadata
) -> str:
    """Returns the card as Markdown.

    rows: split, article_key, license, modality, modality_from, concepts, concepts_manual, identifying_fields, n_frames,
    declared and format of each image; funnel, recipe: as `Finished` has them; leaks: as `leakage` counts them;
    about: the section [release] of the recipe.
    """
    sections = [
        front_matter(about.title or TITLE, rows, languages(recipe)),
        _summary(rows, recipe, about),
        *image_tables(rows, leaks, UNIQUE in guarantees(recipe), _modality_note(rows, recipe)),
        "## How it was made\n",
        _source_note(funnel),
        funnel_table(funnel["stages"]),
        _stage_table(recipe["stages"]),
        limitations(rows, about),
    ]
    return "\n".join(sections)


# --- texts -------------------------------------------------------------------------------------------------


def _summary(rows: Sequence[Row], recipe: Mapping[str, Any], about: Metadata) -> str:
    articles = {row["article_key"] for row in rows}
    given = guarantees(recipe)
    return SUMMARY.format(
        title=about.title or TITLE,
        about=about_paragraphs(about),
        images=f"{len(rows):,} {'radiology images' if RADIOLOGY in given else 'images'}",
        articles=f"{len(articles):,} {'open-access articles' if LICENSE in given else 'articles'}",
        version=recipe["roco"],
        names=",".join(CUI_MAPPING_COLUMNS),
        licenses=",".join(LICENSE_COLUMNS),
        included=included(rows, recipe),
    )


# --- images ------------------------------------------------------------------------------------------------


def _modality_note(rows: Sequence[Row], recipe: Mapping[str, Any]) -> str:
    origin = Counter(row.get("modality_from") for row in rows)
    guessed = any(issubclass(find(stage["use"]), Guess) for stage in recipe["stages"])
    by = "guessed from caption and pixels" if guessed else "derived from the caption"
    return (
        f"Modality labels: {origin['label']:,} assigned by annotators, {origin['guess']:,} {by}, "
        f"{origin[None]:,} unknown (column `modality_from`).\n"
    )


# --- how it was made ---------------------------------------------------------------------------------------


def _source_note(funnel: Mapping[str, Any]) -> str:
    source, counts = funnel.get("source", {}), funnel.get("counts", {})
    facts = {name: value for name, value in source.items() if name != "kind"}
    for name, value in counts.items():
        # Counts with a space in their name are tallies of values, such as licences.
        if " " not in name:
            facts[name] = value
    text = ", ".join(f"{markdown_cell(value)} {name.replace('_', ' ')}" for name, value in facts.items())
    return f"Source: layout `{source.get('kind', '?')}`; {text or 'no counts'}.\n"


def _stage_table(stages: Iterable[Mapping[str, Any]]) -> str:
    lines = []
    for stage in stages:
        options = _options(stage)
        text = ", ".join(f"`{name} = {value!r}`" for name, value in sorted(options.items()))
        lines.append([stage["name"], f"`{stage['use']}`", stage["version"], text])
    return markdown_table(["stage", "code", "version", "options"], lines)


def _options(stage: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the options that are set; paths are shortened to file names, so that none reveals the machine."""
    paths = {"held_out"}
    for field in dataclasses.fields(find(stage["use"])):
        if "Path" in str(field.type):
            paths.add(field.name)
    options = {}
    for name, value in stage["options"].items():
        if value is not None and name != "metadata":  # the beginning of the card states it
            options[name] = _file_names(value) if name in paths and value else value
    return options


def _file_names(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: PurePath(path).name if isinstance(path, str) else path for name, path in value.items()}
    if isinstance(value, list | tuple):
        return [PurePath(path).name for path in value]
    return PurePath(value).name


def languages(recipe: Mapping[str, Any]) -> list[str]:
    """Returns the languages that the recipe keeps, none if no stage filters captions by language."""
    languages: set[str] = set()
    for stage in recipe["stages"]:
        if LANGUAGE in stage["ensures"]:
            languages.update(stage["options"].get("keep", ()))
    return sorted(languages)
