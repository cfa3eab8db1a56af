"""A small dataset, in the published layout and as a release of roco, whose numbers the tests count by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from roco.base.schema import COLUMNS
from roco.evaluate.report.inputs import Inputs
from roco.release.format import DROPPED_COLUMNS
from roco.release.read import Release

CT, MR, PET, XRAY = "C0040405", "C0024485", "C0032743", "C1306645"
CHEST, AP, SAGITTAL = "C0817096", "C1999039", "C0205129"
LIVER, BRAIN, NODULE = "C0023884", "C0006104", "C0028259"
NAMES = {LIVER: "Liver", BRAIN: "Brain", NODULE: "Nodule"}
TYPES = {CT: ["T060"], MR: ["T060"], PET: ["T060"], XRAY: ["T060"], LIVER: ["T023"], NODULE: ["T033", "T046"]}

IMAGES = (
    # id, split, article, caption, manual concepts, all concepts
    ("d_train_1", "train", "PMC1", "Axial CT of the liver", [CT], [CT, LIVER, NODULE]),
    ("d_train_2", "train", "PMC1", "CT", [CT], [CT, LIVER]),
    ("d_train_3", "train", "PMC2", "Chest X-ray,  AP view", [XRAY, CHEST, AP], [XRAY, CHEST, AP]),
    ("d_train_4", "train", "PMC2", "MR of the brain", [MR], [MR, BRAIN, LIVER]),
    ("d_valid_1", "valid", "PMC3", "Lateral chest X-ray", [XRAY, CHEST, SAGITTAL], [XRAY, CHEST, SAGITTAL]),
    ("d_test_1", "test", "PMC1", "PET/CT of a nodule", [], [CT, PET, NODULE]),
)
LICENSE_ROW = "CC BY Doe et al. (2021)"


def write_published(folder: Path, splits: tuple[str, ...] = ("train", "valid", "test")) -> Path:
    """Writes the tables of the published layout; images are missing."""
    folder.mkdir(parents=True, exist_ok=True)
    mapping = "".join(f"{cui},{name}\n" for cui, name in NAMES.items())
    (folder / "cui_mapping.csv").write_text("CUI,Canonical name\n" + mapping)
    licenses = ["ID,PMCID,Attribution,Link\n"]
    for split in splits:
        chosen = [image for image in IMAGES if image[1] == split]
        captions = "".join(f'{id},"{caption}"\n' for id, _, _, caption, _, _ in chosen)
        manual = "".join(f"{id},{';'.join(cuis)}\n" for id, _, _, _, cuis, _ in chosen)
        concepts = "".join(f"{id},{';'.join(cuis)}\n" for id, _, _, _, _, cuis in chosen)
        (folder / f"{split}_captions.csv").write_text("ID,Caption\n" + captions)
        (folder / f"{split}_concepts.csv").write_text("ID,CUIs\n" + concepts)
        (folder / f"{split}_concepts_manual.csv").write_text("ID,CUIs\n" + manual)
        link = "https://www.ncbi.nlm.nih.gov/pmc/articles"
        licenses += [f"{id},{article},{LICENSE_ROW},{link}/{article}\n" for id, _, article, *_ in chosen]
    (folder / "license_information.csv").write_text("".join(licenses))
    return folder


def published_inputs(folder: Path) -> Inputs:
    return Inputs(release=Release.open(write_published(folder)), types=TYPES)


# --- the layout of roco: the same images with more columns -----------------------------------------------------------

CUREUS, PAN_AFRICAN = "Cureus", "The Pan African medical journal"
ARTICLES: dict[str, dict[str, Any]] = {
    "PMC1": {"journal": CUREUS, "year": 2019, "article_type": "case-report", "license": "CC-BY"},
    "PMC2": {"journal": PAN_AFRICAN, "year": 2021, "article_type": "review-article", "license": "CC-BY-NC"},
    "PMC3": {"journal": CUREUS, "year": 2021, "article_type": "case-report", "license": "CC-BY"},
}
MODALITY = {"d_train_1": "DRCT", "d_train_2": "DRCT", "d_train_3": "DRXR", "d_train_4": "DRMR", "d_valid_1": "DRXR"}
DROPPED = (
    # stage, reason, article; PMC4 and PMC5 have no kept image
    ("caption", "caption", "PMC1"),
    ("license", "license", "PMC4"),
    ("license", "license", "PMC4"),
    ("dedup", "duplicate", "PMC2"),
    ("license", "license", "PMC5"),
)
GROUP = "PMC1-aa"
DUPLICATES = (
    # duplicate group, near-duplicate group, id: three duplicates of which one is kept, two near-duplicates
    (GROUP, None, "d_train_1"),
    (GROUP, None, None),
    (GROUP, None, None),
    (None, "PMC1-bb", "d_train_2"),
    (None, "PMC1-bb", "d_test_1"),
)
READ = pa.table(
    {
        "article_key": ["PMC1", "PMC2", "PMC3", "PMC4", "PMC5"],
        "journal": [CUREUS, PAN_AFRICAN, CUREUS, "Cases Journal", None],
        "year": pa.array([2019, 2021, 2021, 2019, 2020], pa.int32()),
        "license": ["CC-BY", "CC-BY-NC", "CC-BY", "CC-BY-NC-ND", "CC-BY-NC-SA"],
    }
)
"""Every article that the run of the release read."""
FUNNEL = {
    "counts": {"license CC-BY | agreed | index": 2, "license CC-BY-NC-ND | stated | ali": 1, "articles": 3},
    "stages": [],
}


def rows() -> list[dict[str, Any]]:
    """Returns the images as rows of figures.parquet; the origin of the modality is known of two."""
    found = []
    for place, (id, split, article, caption, manual, concepts) in enumerate(IMAGES):
        row = {
            "id": id, "split": split, "figure_id": f"{article}.1/{id}", "article_key": article, "pmcid": article,
            "image_key": f"{article}-{place}", "sha256": f"{place}", "file": f"{id}.png", "caption": caption,
            "concepts": concepts, "concepts_manual": manual, "concepts_auto": [c for c in concepts if c != AP],
            "modality": MODALITY.get(id, "DRCO"), "language": "en", "format": "PNG", "mode": "RGB" if place else "L",
            "width": 100 * (place + 1), "height": 50, "n_bytes": 1000 * (place + 1), "license_version": "4.0",
            **ARTICLES[article],
        }  # fmt: skip
        found.append(row)
    found[0] |= {"modality_from": "label", "duplicate_group": GROUP}
    found[1] |= {"modality_from": "guess", "modality_guess_from": "pixels", "similar_group": "PMC1-bb"}
    found[5] |= {"similar_group": "PMC1-bb"}
    return found


def write_release(folder: Path, images: Sequence[Mapping[str, Any]] | None = None) -> Path:
    """Writes the tables of a release of roco with the columns that `rows` has; images are missing."""
    folder.mkdir(parents=True)
    chosen = [dict(row) for row in (rows() if images is None else images)]
    names = dict.fromkeys(name for row in chosen for name in row)
    known = {name: COLUMNS[name].type for name in names if name in COLUMNS}
    inferred = pa.Table.from_pylist([{name: row.get(name) for name in names if name not in known} for row in chosen])
    table = pa.Table.from_pylist([{name: row.get(name) for name in known} for row in chosen], pa.schema(known.items()))
    for name in inferred.column_names:
        table = table.append_column(name, inferred[name])
    pq.write_table(table, folder / "figures.parquet")
    dropped = [dict(zip(("stage", "drop", "article_key"), one, strict=True)) for one in DROPPED]
    of_dropped = {name: pa.string() for name in DROPPED_COLUMNS}
    pq.write_table(pa.Table.from_pylist(dropped, pa.schema(of_dropped.items())), folder / "removed.parquet")
    groups = [dict(zip(("duplicate_group", "similar_group", "id"), one, strict=True)) for one in DUPLICATES]
    pq.write_table(pa.Table.from_pylist(groups), folder / "duplicates.parquet")
    mapping = "".join(f"{cui},{name}\n" for cui, name in NAMES.items())
    (folder / "cui_mapping.csv").write_text("CUI,Canonical name\n" + mapping)
    (folder / "funnel.json").write_text(json.dumps(FUNNEL))
    return folder


def release_inputs(folder: Path, **others: Any) -> Inputs:
    """Returns the inputs of a written release; others: further inputs."""
    return Inputs(release=Release.open(write_release(folder)), types=TYPES, **others)


def write_images(folder: Path, pixels: Mapping[str, Image.Image]) -> None:
    """Writes image files of some ids, as PNG, in the folders of their splits."""
    for id, image in pixels.items():
        (folder / id.split("_")[1]).mkdir(exist_ok=True)
        image.save(folder / id.split("_")[1] / f"{id}.png")
