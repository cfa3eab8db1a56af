"""The card of a release: README.md, as people read it and as the Hugging Face hub does."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from roco.base import labels as vocab
from roco.base.schema import SPLITS
from roco.base.tables import CUI_MAPPING_COLUMNS, LICENSE_COLUMNS
from roco.core.spec import find
from roco.release.read import license_words

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))

_FRONT = """\
---
pretty_name: "{title}"
license: other
license_name: cc-by-and-cc-by-nc-by-image
license_link: license_information.csv
language:
- en
task_categories:
- image-to-text
- image-classification
tags:
- medical
- radiology
size_categories:
- {size}
configs:
- config_name: default
  data_files: figures.parquet
---
"""

_WHAT = """\
# {title}

{images} radiology images from {articles} open-access articles of PubMed Central, each with its caption, the UMLS
concepts of the caption, and the attribution its licence asks for. Made with roco {version}, which follows the paper on
ROCOv2 (see [How to cite](#how-to-cite)).

## Files

| file | holds |
|---|---|
| `{{train,valid,test}}_images.zip` | the images as in the articles' packages, in a folder named like the split |
| `{{train,valid,test}}_captions.csv` | `ID,Caption` |
| `{{train,valid,test}}_concepts.csv` | `ID,CUIs`, separated by `;`: modality, region, direction, then the rest |
| `{{train,valid,test}}_concepts_manual.csv` | `ID,CUIs`: those that people gave; empty where nobody did |
| `cui_mapping.csv` | `{mapping}` of every concept in use |
| `license_information.csv` | `{licenses}` of every image |
| `attribution.csv` | title, authors, journal, licence and its address, copyright, source of every image |
| `figures.parquet` | everything known of the images, one row each; `id` and `sha256` tie it to the zips |
| `removed.parquet` | the figures that left: from where, at which stage, why; none of their text |
| `duplicates.parquet` | groups of images that are the same or alike, with hashes and distances |
| `tombstones.csv` | ids of earlier releases whose images had to leave, and why |
| `leakage.json` | how many articles, groups and captions are in two splits |
| `DATASHEET.md`, `CITATION.cff` | what the set is, for whom, and how to cite it |
| `funnel.json` | how many figures came to each stage, stayed, and left for which reason |
| `checksums.sha256` | `sha256sum --check checksums.sha256` |

All tables are UTF-8. An `ID` is the image's file name without extension. `roco verify` checks the whole folder.
"""

_LIMITS = """\
## Known limits

- PubMed Central shows what is published, not what is common: rare findings and some modalities are over-represented,
  and images may be of lower quality than in the journal.
- Captions are taken as they were published. They may name the wrong modality, leave out region or projection, or
  stand beside the wrong image.
- Concepts were found by machine unless they stand in `concepts_manual`. Negated and mentioned-only findings are among
  them.
- The splits of the paper were drawn by image; scores on splits that keep articles together are not comparable with
  those on them.
- Nobody searched the images for burned-in text. Should one show who the patient is, do not use it, and tell whoever
  gave you this release.
- It is made for research, not for diagnosis.

## Licence

Every image and caption stays under the licence of its article: {licenses}.{commercial} `license_information.csv`
says which, and whom to name. The images were not modified; captions were tidied (white space, web addresses, copies
in LaTeX), and are as published in the column `caption_raw`.

## How to cite

Cite the articles that you show images of, as in `license_information.csv`, and the paper that this dataset follows:

> Rückert J, Bloch L, Brüngel R, et al. ROCOv2: Radiology Objects in COntext Version 2, an Updated Multimodal Image
> Dataset. Scientific Data 11, 688 (2024). https://doi.org/10.1038/s41597-024-03496-6
"""

_COMMERCIAL = " What is under an NC licence must not be used commercially, and so the set as a whole must not."


def card(
    rows: Sequence[Mapping[str, Any]], funnel: Mapping[str, Any], recipe: Mapping[str, Any], leaks: Mapping[str, int]
) -> str:
    """Markdown with the hub's front matter.

    rows: split, article_key, license, modality, modality_from, identifying_fields, n_frames, declared and format
    of each image; funnel, recipe: as `Finished` gives them; leaks: how many articles, groups and captions are
    in two splits.
    """
    title = "Radiology images, captions and concepts from PubMed Central"
    size = next((name for most, name in _SIZES if len(rows) < most), "n>1M")
    licenses = sorted({license_words(row["license"] or "NONE") for row in rows})
    what = _WHAT.format(
        title=title,
        images=f"{len(rows):,}",
        articles=f"{len({row['article_key'] for row in rows}):,}",
        version=recipe["roco"],
        mapping=",".join(CUI_MAPPING_COLUMNS),
        licenses=",".join(LICENSE_COLUMNS),
    )
    return "\n".join(
        [
            _FRONT.format(title=title, size=size),
            what,
            "## Images\n",
            _counts("modality", [_modality(row["modality"]) for row in rows], rows),
            _counts("licence", [license_words(row["license"] or "NONE") for row in rows], rows),
            _shares(rows),
            _leaks(leaks),
            _modalities(rows),
            _metadata(rows),
            _files(rows),
            "## How it was made\n",
            _source(funnel),
            _funnel(funnel["stages"]),
            _stages(recipe["stages"]),
            _LIMITS.format(
                licenses=" or ".join(licenses) or "there are none",
                commercial=_COMMERCIAL if any("NC" in name for name in licenses) else "",
            ),
        ]
    )


def _modality(label: str | None) -> str:
    if label is None:
        return "not known"
    return f"{label} {vocab.MODALITIES[label].name}" if label in vocab.MODALITIES else label


def _counts(name: str, values: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """A table of images by value and split, with sums."""
    of = Counter(zip(values, (row["split"] for row in rows), strict=True))
    lines = [[value, *(of[value, split] for split in SPLITS)] for value in sorted(set(values))]
    lines.append(["all", *(sum(row["split"] == split for row in rows) for split in SPLITS)])
    return _table([name, *SPLITS, "together"], [[*line, sum(line[1:])] for line in lines])


def _shares(rows: Sequence[Mapping[str, Any]]) -> str:
    sizes = Counter(row["split"] for row in rows)
    said = ", ".join(f"{split} {100 * sizes[split] / len(rows):.1f} %" for split in SPLITS) if rows else "no images"
    return f"Shares of all images: {said}.\n"


def _leaks(leaks: Mapping[str, int]) -> str:
    """What is in more than one split: nothing, or a warning that says what."""
    names = {"article": "articles", "duplicate": "groups of duplicates", "similar": "groups of similar images",
             "caption": "captions of eight words and more"}  # fmt: skip
    found = [f"{n:,} {names[kind]}" for kind, n in leaks.items() if n]
    if not found:
        return "Nothing leaks: no article, no group of similar images and no long caption is in two splits.\n"
    return f"**These splits leak**: {', '.join(found)} are in two splits at least. Scores on them flatter.\n"


def _modalities(rows: Sequence[Mapping[str, Any]]) -> str:
    of = Counter(row.get("modality_from") for row in rows)
    said = f"given by people for {of['label']:,} images, guessed from the words of the caption for {of['guess']:,}"
    return f"Modality: {said}, not known for {of[None]:,} (column `modality_from`).\n"


def _metadata(rows: Sequence[Mapping[str, Any]]) -> str:
    """Which metadata of the images may name people or places, by field."""
    fields = Counter(field for row in rows for field in row.get("identifying_fields") or ())
    if not fields:
        return (
            "Metadata: no EXIF, XMP, IPTC or comment of any image has a field for names or places that is filled in.\n"
        )
    images = sum(bool(row.get("identifying_fields")) for row in rows)
    said = ", ".join(f"{field} {n:,}" for field, n in sorted(fields.items(), key=lambda item: (-item[1], item[0])))
    more = "Nobody read what stands there (column `identifying_fields`)"
    return f"Metadata: {images:,} images have fields filled in that may name people or places: {said}. {more}.\n"


def _files(rows: Sequence[Mapping[str, Any]]) -> str:
    several = sum((row.get("n_frames") or 1) > 1 for row in rows)
    other = sum(row.get("declared") not in (None, row["format"]) for row in rows)
    told = (
        f"{several:,} hold several frames or pages, of which the first was looked at; {other:,} had a name that claims"
    )
    return f"Files: {told} another format than they have, and are named after what they are here.\n"


def _source(funnel: Mapping[str, Any]) -> str:
    source, counts = funnel.get("source", {}), funnel.get("counts", {})
    plain = {k: v for k, v in counts.items() if " " not in k}  # the others count what is known of articles
    facts = {**{k: v for k, v in source.items() if k != "kind"}, **plain}
    said = ", ".join(f"{_number(v)} {k.replace('_', ' ')}" for k, v in facts.items())
    return f"Source: articles in the layout `{source.get('kind', '?')}`; {said or 'nothing counted'}.\n"


def _funnel(stages: Iterable[Mapping[str, Any]]) -> str:
    lines = []
    for stage in stages:
        dropped = ", ".join(f"{reason} {n:,}" for reason, n in sorted(stage["dropped"].items()))
        lines.append([stage["stage"], stage["kind"], stage["in"], dropped, stage["kept"]])
    return _table(["stage", "kind", "in", "left for", "kept"], lines)


def _stages(stages: Iterable[Mapping[str, Any]]) -> str:
    lines = []
    for stage in stages:
        options = stage["options"]
        paths = {f.name for f in dataclasses.fields(find(stage["use"])) if "Path" in str(f.type)} | {"held_out"}
        # A path says where somebody keeps a file; its name says which file it is.
        shown = {k: _names(v) if k in paths and v else v for k, v in options.items() if v is not None}
        said = ", ".join(f"`{k} = {v!r}`" for k, v in sorted(shown.items()))
        lines.append([stage["name"], f"`{stage['use']}`", stage["version"], said])
    return _table(["stage", "code", "version", "options"], lines)


def _names(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: PurePath(v).name if isinstance(v, str) else v for k, v in value.items()}
    return [PurePath(v).name for v in value] if isinstance(value, list | tuple) else PurePath(value).name


def _table(header: Sequence[str], lines: Iterable[Sequence[Any]]) -> str:
    rows = [header, ["---"] * len(header), *lines]
    return "".join("| " + " | ".join(_number(cell) for cell in row) + " |\n" for row in rows)


def _number(cell: Any) -> str:
    if isinstance(cell, int) and not isinstance(cell, bool):
        return f"{cell:,}"
    return " ".join(str(cell).split()).replace("|", "\\|")
