"""The datasheet of a release."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from roco.base.guarantees import LICENSE, UNIQUE
from roco.base.schema import SPLITS
from roco.release.format import license_words
from roco.release.metadata import Metadata
from roco.stages.publish.guarantees import guarantees, included

Row = Mapping[str, Any]

_DATASHEET = """\
# Datasheet

This datasheet follows Gebru et al., Datasheets for Datasets (https://doi.org/10.1145/3458723). All numbers describe
this release and the run that made it.

## Motivation

The dataset was created for research on captions, concepts and retrieval of radiology images, following ROCOv2
(https://doi.org/10.1038/s41597-024-03496-6). {creators}

## Composition

- Instances: images of figures of articles, each with the caption of the figure and its UMLS concepts.
- Number: {images} images of {articles} articles: {splits}.
- Selection: {images} of the {found} figures of the source; `removed.parquet` gives the reason for each other figure.
- {included}
- Years of publication: {years}.
- Labels: {auto} images have automatically extracted concepts, {manual} have concepts assigned by annotators.
- Missing labels: no modality is known of {unknown} of the images.
- Splits: {related} is in more than one split, except those counted in `leakage.json`.
- Errors and noise: captions are as published; automatically extracted concepts may be
  mentioned without being visible in the image, or may be linked wrongly.
- People: the images show patients, as published in the articles. The images were not screened for burned-in text,
  unless figures.parquet has the column `screening`.

## Collection

The authors published the articles under these licences: {licenses}. {redistribution}
roco {version} read the articles from the source. No data were collected from people directly.

## Preprocessing

Images are unmodified. Captions were normalised; `caption_raw` contains them as published.

## Uses

The dataset is intended for research and teaching, not for diagnosis. Images under an NC licence must not be used
commercially. The dataset reflects what gets published, so it does not show how common a disease is.

## Distribution

Each image has the licence of its article, given in `license_information.csv` and `attribution.csv`.

## Maintenance

{contact}New releases extend this one: images keep their ids and splits. The ids of images that had to be withdrawn
are retired and listed with the reason in `tombstones.csv` ({retired}).
"""

_CHECKED = "All of them allow redistribution of the unchanged images."
_UNCHECKED = "No stage checked that they allow redistribution."

_GROUPED = "no article, group of near-duplicates or long caption"
_UNGROUPED = "near-duplicates were not searched; no article or long caption"


def datasheet(
    rows: Sequence[Row], funnel: Mapping[str, Any], recipe: Mapping[str, Any], retired: int, about: Metadata
) -> str:
    """Returns the datasheet as Markdown.

    rows: split, article_key, year, license, modality and concepts of each image; retired: number of tombstones.
    """
    sizes = Counter(row["split"] for row in rows)
    years = sorted(row["year"] for row in rows if row["year"])
    licenses = sorted({license_words(row["license"] or "NONE") for row in rows})
    automatic = sum(bool(set(row["concepts"]) - set(row["concepts_manual"])) for row in rows)
    manual = sum(bool(row["concepts_manual"]) for row in rows)
    unknown = sum(row["modality"] is None for row in rows)
    stages = funnel["stages"]
    given = guarantees(recipe)
    return _DATASHEET.format(
        images=f"{len(rows):,}",
        articles=f"{_articles(rows):,}",
        splits=", ".join(f"{sizes[split]:,} {split}" for split in SPLITS),
        found=f"{stages[0]['in'] if stages else 0:,}",
        included=included(rows, recipe),
        related=_GROUPED if UNIQUE in given else _UNGROUPED,
        redistribution=_CHECKED if LICENSE in given else _UNCHECKED,
        years=f"{years[0]} to {years[-1]}" if years else "unknown",
        auto=f"{automatic:,}",
        manual=f"{manual:,}",
        unknown=f"{unknown:,}",
        licenses=", ".join(licenses) or "no images",
        version=recipe["roco"],
        retired=f"{retired:,} so far",
        creators=_creators(about),
        contact=f"Contact: {about.contact}. " if about.contact else "",
    )


def _articles(rows: Sequence[Row]) -> int:
    return len({row["article_key"] for row in rows})


def _creators(about: Metadata) -> str:
    if not about.creators:
        return "Its publisher should add who created and who funded it."
    names = "; ".join(creator.name for creator in about.creators)
    return f"Created by {names.removesuffix('.')}."  # a name such as `Doe, Jane, Jr.` ends with a full stop
