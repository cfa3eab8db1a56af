"""A small dataset in the published layout, whose numbers are counted by hand in the tests of the report."""

from __future__ import annotations

from pathlib import Path

from roco.evaluate.report.inputs import Inputs
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
