"""The parts of a dataset card that are made from the images of a release, its metadata and its funnel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from roco.base import labels
from roco.base.schema import SPLITS
from roco.release.card_text import LIMITATIONS, NON_COMMERCIAL
from roco.release.counts import by_split, total
from roco.release.format import license_words
from roco.release.metadata import Creator, Metadata

Row = Mapping[str, Any]

TITLE = "Radiology images, captions and concepts from PubMed Central"
"""The title of a release whose recipe sets none."""

_LEAKS = {
    "article": "articles",
    "duplicate": "groups of duplicates",
    "similar": "groups of near-duplicates",
    "caption": "captions of eight words or more",
}


def image_tables(rows: Sequence[Row], leaks: Mapping[str, int], is_grouped: bool, modality_note: str) -> list[str]:
    """Returns the parts of the section on images: numbers by modality and licence, leakage, metadata, formats.

    rows: split, license, modality, identifying_fields, n_frames, declared and format of each image; leaks: as `leakage`
    counts them; is_grouped: whether a stage looked for near-duplicates; modality_note: where the modalities are from.
    """
    return [
        "## Images\n",
        _split_table("modality", [_modality_name(row["modality"]) for row in rows], rows),
        _split_table("licence", [license_words(row["license"] or "NONE") for row in rows], rows),
        _split_shares(rows),
        _leakage_note(leaks, is_grouped),
        modality_note,
        _metadata_note(rows),
        _format_note(rows),
    ]


def _modality_name(label: str | None) -> str:
    if label is None:
        return "unknown"
    return f"{label} {labels.MODALITIES[label].name}" if label in labels.MODALITIES else label


def _split_table(name: str, values: Sequence[str], rows: Sequence[Row]) -> str:
    """Returns a table of the number of images by value and split, with totals."""
    counts = by_split(values, [row["split"] for row in rows])
    lines = [[one.label, *one.by_split, one.total] for one in (*counts, total(counts))]
    return markdown_table([name, *SPLITS, "total"], lines)


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


# --- texts and the funnel ------------------------------------------------------------------------------------


def about_paragraphs(about: Metadata) -> str:
    """Returns description, version, creators and contact, as far as they are stated."""
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


def limitations(rows: Sequence[Row], about: Metadata) -> str:
    """Returns the sections on limitations, licences and citation; rows: license of each image."""
    licenses = sorted({license_words(row["license"] or "NONE") for row in rows})
    non_commercial = any("NC" in license for license in licenses)
    return LIMITATIONS.format(
        licenses=" or ".join(licenses) or "there are no images",
        commercial=NON_COMMERCIAL if non_commercial else "",
        note=f" {about.license_note}" if about.license_note else "",
    )


def funnel_table(stages: Iterable[Mapping[str, Any]]) -> str:
    """Returns the funnel as a table; stages: as funnel.json lists them."""
    lines = []
    for stage in stages:
        dropped = ", ".join(f"{reason} {number:,}" for reason, number in sorted(stage["dropped"].items()))
        lines.append([stage["stage"], stage["kind"], stage["in"], dropped, stage["kept"]])
    return markdown_table(["stage", "kind", "in", "dropped", "kept"], lines)


# --- Markdown ----------------------------------------------------------------------------------------------


def markdown_table(header: Sequence[str], lines: Iterable[Sequence[Any]]) -> str:
    """Returns a table in Markdown."""
    rows = [header, ["---"] * len(header), *lines]
    return "".join("| " + " | ".join(markdown_cell(cell) for cell in row) + " |\n" for row in rows)


def markdown_cell(value: Any) -> str:
    """Returns a value on one line, without what would end a cell."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return " ".join(str(value).split()).replace("|", "\\|")
