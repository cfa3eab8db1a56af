"""Packages of articles that a published dataset contains already: the dataset keeps its images, labels, ids, splits."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import roco
from tests.attacks.packing import article, image, package
from tests.sources.test_dataset import ARTICLES, CT, IDS, picture, published

MERGE_PAGE = Path(__file__).parents[2] / "docs" / "merge.md"
SPLIT_OF = {id: split for split, ids in IDS.items() for id in ids}


def packages(root: Path, larger: bool = False) -> Path:
    """Writes a package for each article of the dataset, with its first image, and one for a new article."""
    root.mkdir()
    first = {pmcid: id for id, pmcid in reversed(ARTICLES.items())}
    for pmcid, id in first.items():
        data = picture(sum(map(ord, id)) % 97)
        xml = article(f"Axial CT of the chest of {pmcid}, as the journal printed it.", number=int(pmcid[3:]))
        (root / f"{pmcid}.tar.gz").write_bytes(package(xml, f1_jpg=data))
    xml = article("Axial CT of the chest of another patient, with a nodule.", number=99)
    (root / "PMC99.tar.gz").write_bytes(package(xml, f1_jpg=image(size=(200, 150), shade=5)))
    return root


def page_recipe() -> str:
    """Returns the recipe of docs/merge.md; its filters keep all images, because those of the tests are drawn."""
    [recipe] = re.findall(r"```toml\n(.*?)```", MERGE_PAGE.read_text(), re.DOTALL)
    recipe = recipe.replace("/data/rocov2", "rocov2").replace("/data/oa_package", "packages")
    overrides = [f'[[override]]\nstage = "{name}"\nat_least = 0.0\n' for name in ("gate", "compound", "radiology")]
    return "\n".join([recipe, *overrides])


def merged(root: Path, previous_sources: str = "") -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Runs the recipe of docs/merge.md; returns the rows of figures.parquet and of removed.parquet."""
    recipe = page_recipe()
    (root / "merge.toml").write_text(recipe)
    release = roco.load_recipe(root / "merge.toml").run(workers=0).release
    assert release is not None and roco.verify(release) == []
    return roco.load(release).to_arrow().to_pylist(), pq.read_table(release / "removed.parquet").to_pylist()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    published(tmp_path / "rocov2")
    packages(tmp_path / "packages")
    return tmp_path


def test_the_recipe_of_the_page_keeps_all_published_images_with_their_ids_splits_and_manual_labels(
    folder: Path,
) -> None:
    rows, removed = merged(folder)
    kept = {row["id"]: row for row in rows if row["origin"] == "release"}
    assert {id: row["split"] for id, row in kept.items()} == SPLIT_OF
    assert all(row["concepts_manual"] == [CT] and row["modality_from"] == "label" for row in kept.values())
    assert all("as the journal printed it" not in row["caption"] for row in rows)
    assert {(row["article_key"], row["drop"]) for row in removed if row["drop"] == "duplicate"} == {
        (pmcid, "duplicate") for pmcid in ARTICLES.values()
    }


def test_the_order_of_the_sources_does_not_matter(folder: Path) -> None:
    rows, _ = merged(folder)
    text = (folder / "merge.toml").read_text()
    head, dataset, package = text.split("[[source]]")
    (folder / "merge.toml").write_text(f"{head}[[source]]{package}\n[[source]]{dataset}")
    shutil.rmtree(folder / "runs")
    release = roco.load_recipe(folder / "merge.toml").run(workers=0).release
    assert release is not None
    again = roco.load(release).to_arrow().to_pylist()
    assert {(row["id"], row["image_key"]) for row in again} == {(row["id"], row["image_key"]) for row in rows}


def test_a_new_image_of_a_published_article_joins_its_split(folder: Path) -> None:
    xml = article("Axial CT of the chest, seen a year later.", number=13)
    (folder / "packages" / "PMC13.tar.gz").write_bytes(package(xml, f1_jpg=image(size=(180, 140), shade=7)))
    rows, _ = merged(folder)
    assert [(row["origin"], row["split"]) for row in rows if row["article_key"] == "PMC13"] == [
        ("release", "test"),
        ("package", "test"),
    ]


def test_images_of_one_article_that_the_dataset_has_in_two_splits_are_all_kept(folder: Path) -> None:
    """ROCOv2 was split by image."""
    lines = (folder / "rocov2" / "license_information.csv").read_text()
    (folder / "rocov2" / "license_information.csv").write_text(lines.replace("PMC13", "PMC11"))
    (folder / "packages" / "PMC13.tar.gz").unlink()
    rows, _ = merged(folder)
    assert {row["id"]: row["split"] for row in rows if row["origin"] == "release"} == SPLIT_OF
    leakage = (folder / "runs" / "merged" / "release" / "leakage.json").read_text()
    assert '"article": 1' in leakage


def test_a_merged_release_grows_with_the_ids_of_the_dataset(folder: Path) -> None:
    rows, _ = merged(folder)
    xml = article("Axial CT of the chest of a patient of the next year.", number=5)
    (folder / "packages" / "PMC5.tar.gz").write_bytes(package(xml, f1_jpg=image(size=(190, 150), shade=9)))
    outcome = roco.load_recipe(folder / "merge.toml").run(workers=0)
    assert outcome.changes is not None
    assert (outcome.changes.kept, outcome.changes.added, outcome.changes.changed) == (len(rows), 1, 0)


def test_a_dataset_that_joins_a_finished_release_gives_its_ids_on_request(folder: Path) -> None:
    """The release in the folder takes precedence: its ids have been published, too."""
    merged(folder)
    recipe = folder / "merge.toml"
    text = recipe.read_text()
    head, _, package = text.split("[[source]]")
    shutil.rmtree(folder / "runs")
    recipe.write_text(f"{head}[[source]]{package}")
    before = roco.load(roco.load_recipe(recipe).run(workers=0).release or "").to_arrow().to_pylist()
    recipe.write_text(text)
    after = roco.load(roco.load_recipe(recipe).run(workers=0).release or "").to_arrow().to_pylist()
    assert {row["id"] for row in before} <= {row["id"] for row in after}
    roco.load_recipe(recipe).run(workers=0, new_ids=True)
    given = roco.load(folder / "runs" / "merged" / "release").to_arrow().to_pylist()
    assert {row["id"] for row in given if row["origin"] == "release"} == SPLIT_OF.keys()


@pytest.mark.parametrize("given", ["manual", "all"])
def test_concepts_that_the_vocabulary_does_not_contain_keep_the_names_of_the_dataset(folder: Path, given: str) -> None:
    root = folder / "rocov2"
    for name in ("train_concepts.csv", "train_concepts_manual.csv", "test_concepts.csv"):
        lines = (root / name).read_text().splitlines()
        (root / name).write_text("\n".join([lines[0], *(f"{line};C9999999" for line in lines[1:])]) + "\n")
    with (root / "cui_mapping.csv").open("a") as fh:
        fh.write("C9999999,A name of the dataset\n")
    recipe = page_recipe()
    (folder / "merge.toml").write_text(f'{recipe}\n[[override]]\nstage = "merge"\ngiven = "{given}"\n')
    release = roco.load_recipe(folder / "merge.toml").run(workers=0).release
    assert release is not None and roco.verify(release) == []
    assert "C9999999,A name of the dataset\n" in (release / "cui_mapping.csv").read_text()
    assert "C0040405,X-Ray Computed Tomography\n" in (release / "cui_mapping.csv").read_text()
