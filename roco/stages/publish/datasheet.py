"""The datasheet and the citation of a release, from the run's own numbers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from roco.base.schema import SPLITS
from roco.release.read import license_words

_SHEET = """\
# Datasheet

After the questions of Gebru et al., Datasheets for Datasets (https://doi.org/10.1145/3458723); every number is of this
release and of the run that made it.

## Motivation

Made for research on the captions, concepts and retrieval of radiology images, in the manner of ROCOv2
(https://doi.org/10.1038/s41597-024-03496-6). Who made it, and who paid for it, is for them to say.

## Composition

- What an instance is: one image of a figure of an open-access article, with the figure's caption and UMLS concepts.
- How many: {images} images of {articles} articles: {splits}.
- Is it a sample: of {found} figures that were found, {images} are in it; `removed.parquet` says of each other one why.
- Years of the articles: {years}.
- Labels: concepts found by machine in {auto} images, given by people in {manual}.
- Missing: {unknown} images have no modality.
- Splits: no article, group of similar images or long caption is in two of them but for what `leakage.json` counts.
- Errors and noise: captions are as published; concepts found by machine include negated ones.
- Is it about people: about patients, of whom the articles were allowed to publish these images. Nobody searched the
  images for text burned in.

## Collection

The articles were published by their authors under licences that allow to hand the images on ({licenses}). They were
read from the source by roco {version}; nothing was collected from people.

## Preprocessing

Images are the bytes of the articles' packages, unchanged. Captions were tidied; `caption_raw` holds them as published.

## Uses

For research and teaching; not for diagnosis. Images under NC licences are not for commercial use. The set shows what is
published, not what is common, so it says nothing of how often a disease is.

## Distribution

Every image is under the licence of its article: `license_information.csv` and `attribution.csv` say which.

## Maintenance

A release grows: ids and splits of its images stay, and ids of images that had to leave stand in `tombstones.csv` with
the reason ({tombs}).
"""


def datasheet(
    rows: Sequence[Mapping[str, Any]], funnel: Mapping[str, Any], recipe: Mapping[str, Any], gone: int = 0
) -> str:
    """Markdown; rows: split, article_key, year, license, modality and concepts of each image; gone: tombstones."""
    sizes = Counter(row["split"] for row in rows)
    years = sorted(row["year"] for row in rows if row["year"])
    stages = funnel["stages"]
    return _SHEET.format(
        images=f"{len(rows):,}",
        articles=f"{len({row['article_key'] for row in rows}):,}",
        splits=", ".join(f"{sizes[split]:,} {split}" for split in SPLITS),
        found=f"{stages[0]['in'] if stages else 0:,}",
        years=f"{years[0]} to {years[-1]}" if years else "not known",
        auto=f"{sum(bool(set(row['concepts']) - set(row['concepts_manual'])) for row in rows):,}",
        manual=f"{sum(bool(row['concepts_manual']) for row in rows):,}",
        unknown=f"{sum(row['modality'] is None for row in rows):,}",
        licenses=", ".join(sorted({license_words(row["license"] or "NONE") for row in rows})) or "there are none",
        version=recipe["roco"],
        tombs=f"{gone:,} so far",
    )


def citation(rows: Sequence[Mapping[str, Any]], recipe: Mapping[str, Any]) -> str:
    """CITATION.cff 1.2.0; whoever publishes the release adds their names."""
    title = f"Radiology images, captions and concepts of {len({row['article_key'] for row in rows}):,} articles"
    lines = ["cff-version: 1.2.0", "type: dataset", f"title: {json.dumps(title)}"]
    lines += ["message: Cite this dataset, the paper it follows, and the articles whose images you show."]
    lines += ["authors:", "  - name: The authors of the articles in attribution.csv"]
    lines += [f"abstract: {json.dumps(f'{len(rows):,} images; made with roco ' + str(recipe['roco']))}"]
    lines += [
        "references:",
        "  - type: article",
        "    title: >-",
        "      ROCOv2: Radiology Objects in COntext Version 2,",
    ]
    lines += ["      an Updated Multimodal Image Dataset", "    journal: Scientific Data", "    year: 2024"]
    lines += ["    volume: 11", "    start: 688", "    doi: 10.1038/s41597-024-03496-6", "    authors:"]
    lines += ["      - family-names: Rückert", "        given-names: Johannes", "      - name: et al."]
    return "\n".join(lines) + "\n"
