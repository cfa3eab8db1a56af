"""The dataset card, README.md, with the front matter of the Hugging Face Hub."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from roco.base import labels
from roco.base.guarantees import LICENSE, RADIOLOGY, UNIQUE
from roco.base.schema import SPLITS
from roco.base.tables import CUI_MAPPING_COLUMNS, LICENSE_COLUMNS
from roco.core.spec import find
from roco.release.format import license_words
from roco.release.metadata import Creator, Metadata
from roco.stages.guess import Guess
from roco.stages.publish.card_text import LIMITATIONS, NON_COMMERCIAL, SUMMARY
from roco.stages.publish.front_matter import front_matter
from roco.stages.publish.guarantees import guarantees, included

Row = Mapping[str, Any]

_TITLE = "Radiology images, captions and concepts from PubMed Central"
_LEAKS = {
    "article": "articles",
    "duplicate": "groups of duplicates",
    "similar": "groups of near-duplicates",
    "caption": "captions of eight words or more",
}


def card(
    rows: Sequence[Row], funnel: Mapping[str, Any], recipe: Mapping[str, Any], leaks: Mapping[str, int], about: Metadata
) -> str:
    """Returns the card as Markdown.

    rows: split, article_key, license, modality, modality_from, concepts, concepts_manual, identifying_fields, n_frames,
    declared and format of each image; funnel, recipe: as `Finished` has them; leaks: as `leakage` counts them;
    about: the section [release] of the recipe.
    """
    licenses = [license_words(row["license"] or "NONE") for row in rows]
    modalities = [_modality_name(row["modality"]) for row in rows]
    sections = [
        front_matter(about.title or _TITLE, rows, recipe),
        _summary(rows, recipe, about),
        "## Images\n",
        _split_table("modality", modalities, rows),
        _split_table("licence", licenses, rows),
        _split_shares(rows),
        _leakage_note(leaks, UNIQUE in guarantees(recipe)),
        _modality_note(rows, recipe),
        _metadata_note(rows),
        _format_note(rows),
        "## How it was made\n",
        _source_note(funnel),
        _funnel_table(funnel["stages"]),
        _stage_table(recipe["stages"]),
        _limitations(sorted(set(licenses)), about),
    ]
    return "\n".join(sections)


# --- texts -------------------------------------------------------------------------------------------------


def _summary(rows: Sequence[Row], recipe: Mapping[str, Any], about: Metadata) -> str:
    articles = {row["article_key"] for row in rows}
    given = guarantees(recipe)
    return SUMMARY.format(
        title=about.title or _TITLE,
        about=_about(about),
        images=f"{len(rows):,} {'radiology images' if RADIOLOGY in given else 'images'}",
        articles=f"{len(articles):,} {'open-access articles' if LICENSE in given else 'articles'}",
        version=recipe["roco"],
        names=",".join(CUI_MAPPING_COLUMNS),
        licenses=",".join(LICENSE_COLUMNS),
        included=included(rows, recipe),
    )


def _about(about: Metadata) -> str:
    """Returns description, version, creators and contact, as far as the recipe states them."""
    facts = []
    if about.version:
        facts.append(f"Version {about.version}" + (f" of {about.date}" if about.date else ""))
    elif about.date:
        facts.append(f"Published on {about.date}")
    if about.doi:
        facts.append(f"DOI [{about.doi}](https://doi.org/{about.doi})")
    if about.creators:
        facts.append(f"Created by {'; '.join(_creator(creator) for creator in about.creators)}")
    if about.contact:
        facts.append(f"Contact: <{about.contact}>")
    paragraphs = [about.description, ". ".join(facts) + "." if facts else None]
    return "".join(f"{paragraph}\n\n" for paragraph in paragraphs if paragraph)


def _creator(creator: Creator) -> str:
    name = f"[{creator.name}](https://orcid.org/{creator.orcid})" if creator.orcid else creator.name
    return f"{name} ({creator.affiliation})" if creator.affiliation else name


def _limitations(licenses: Sequence[str], about: Metadata) -> str:
    non_commercial = any("NC" in license for license in licenses)
    return LIMITATIONS.format(
        licenses=" or ".join(licenses) or "there are no images",
        commercial=NON_COMMERCIAL if non_commercial else "",
        note=f" {about.license_note}" if about.license_note else "",
    )


# --- images ------------------------------------------------------------------------------------------------


def _modality_name(label: str | None) -> str:
    if label is None:
        return "unknown"
    return f"{label} {labels.MODALITIES[label].name}" if label in labels.MODALITIES else label


def _split_table(name: str, values: Sequence[str], rows: Sequence[Row]) -> str:
    """Returns a table of the number of images by value and split, with totals."""
    splits = [row["split"] for row in rows]
    counts = Counter(zip(values, splits, strict=True))
    totals = Counter(splits)
    lines: list[list[Any]] = []
    for value in sorted(set(values)):
        numbers = [counts[value, split] for split in SPLITS]
        lines.append([value, *numbers, sum(numbers)])
    numbers = [totals[split] for split in SPLITS]
    lines.append(["all", *numbers, sum(numbers)])
    return _table([name, *SPLITS, "total"], lines)


def _split_shares(rows: Sequence[Row]) -> str:
    if not rows:
        return "Split sizes: no images.\n"
    sizes = Counter(row["split"] for row in rows)
    shares = ", ".join(f"{split} {100 * sizes[split] / len(rows):.1f} %" for split in SPLITS)
    return f"Split sizes: {shares}.\n"


def _leakage_note(leaks: Mapping[str, int], is_grouped: bool) -> str:
    """Returns a sentence on leakage between the splits, or a warning with numbers.

    is_grouped: whether a stage looked for near-duplicates; without one, there are no groups to count.
    """
    leaking = [f"{number:,} {_LEAKS[kind]}" for kind, number in leaks.items() if number]
    if not leaking:
        groups = ", no group of near-duplicates" if is_grouped else ""
        unknown = "" if is_grouped else " Near-duplicates were not searched."
        return f"Leakage: none. No article{groups} and no long caption is in more than one split.{unknown}\n"
    return (
        f"**Leakage between the splits**: {', '.join(leaking)} are in more than one split. "
        "Scores on these splits are optimistic.\n"
    )


def _modality_note(rows: Sequence[Row], recipe: Mapping[str, Any]) -> str:
    origin = Counter(row.get("modality_from") for row in rows)
    guessed = any(issubclass(find(stage["use"]), Guess) for stage in recipe["stages"])
    by = "guessed from caption and pixels" if guessed else "derived from the caption"
    return (
        f"Modality labels: {origin['label']:,} assigned by annotators, {origin['guess']:,} {by}, "
        f"{origin[None]:,} unknown (column `modality_from`).\n"
    )


def _metadata_note(rows: Sequence[Row]) -> str:
    """Returns the metadata fields of image files that may identify people or places, with numbers of images."""
    fields = Counter(field for row in rows for field in row.get("identifying_fields") or ())
    if not fields:
        return "Image metadata: no EXIF, XMP, IPTC or comment field that may identify people or places is set.\n"
    images = sum(bool(row.get("identifying_fields")) for row in rows)
    most_first = sorted(fields.items(), key=lambda item: (-item[1], item[0]))
    counts = ", ".join(f"{field} {number:,}" for field, number in most_first)
    return (
        f"Image metadata: in {images:,} images, fields are set that may identify people or places: {counts}. "
        "Their content was not reviewed (column `identifying_fields`).\n"
    )


def _format_note(rows: Sequence[Row]) -> str:
    several = sum((row.get("n_frames") or 1) > 1 for row in rows)
    renamed = sum(row.get("declared") not in (None, row["format"]) for row in rows)
    return (
        f"Image files: {several:,} contain more than one frame or page; only the first was examined. {renamed:,} were "
        "published with the extension of another format and have the correct one here.\n"
    )


# --- how it was made ---------------------------------------------------------------------------------------


def _source_note(funnel: Mapping[str, Any]) -> str:
    source, counts = funnel.get("source", {}), funnel.get("counts", {})
    facts = {name: value for name, value in source.items() if name != "kind"}
    for name, value in counts.items():
        # Counts with a space in their name are tallies of values, such as licences.
        if " " not in name:
            facts[name] = value
    text = ", ".join(f"{_cell(value)} {name.replace('_', ' ')}" for name, value in facts.items())
    return f"Source: layout `{source.get('kind', '?')}`; {text or 'no counts'}.\n"


def _funnel_table(stages: Iterable[Mapping[str, Any]]) -> str:
    lines = []
    for stage in stages:
        dropped = ", ".join(f"{reason} {number:,}" for reason, number in sorted(stage["dropped"].items()))
        lines.append([stage["stage"], stage["kind"], stage["in"], dropped, stage["kept"]])
    return _table(["stage", "kind", "in", "dropped", "kept"], lines)


def _stage_table(stages: Iterable[Mapping[str, Any]]) -> str:
    lines = []
    for stage in stages:
        options = _options(stage)
        text = ", ".join(f"`{name} = {value!r}`" for name, value in sorted(options.items()))
        lines.append([stage["name"], f"`{stage['use']}`", stage["version"], text])
    return _table(["stage", "code", "version", "options"], lines)


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


# --- Markdown ----------------------------------------------------------------------------------------------


def _table(header: Sequence[str], lines: Iterable[Sequence[Any]]) -> str:
    rows = [header, ["---"] * len(header), *lines]
    return "".join("| " + " | ".join(_cell(cell) for cell in row) + " |\n" for row in rows)


def _cell(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return " ".join(str(value).split()).replace("|", "\\|")
