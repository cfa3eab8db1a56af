"""Captions as in COCO, read by pycocotools: numbers as ids, the names of the release in the paths."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from roco.release.export.formats import export
from tests.release.export.conftest import figures


@pytest.fixture(scope="module")
def exported(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(small, "coco", tmp_path_factory.mktemp("coco") / "out").folder


def test_pycocotools_reads_every_caption_with_its_image(exported: Path, small: Path) -> None:
    pycocotools = pytest.importorskip("pycocotools.coco")
    rows = {row["id"]: row for row in figures(small)}
    for path in exported.glob("captions_*.json"):
        coco = pycocotools.COCO(str(path))
        for image in coco.loadImgs(coco.getImgIds()):
            (annotation,) = coco.loadAnns(coco.getAnnIds(imgIds=image["id"]))
            row = rows.pop(Path(image["file_name"]).stem)
            assert annotation["caption"] == row["caption"]
            assert (image["width"], image["height"]) == (row["width"], row["height"])
            assert (exported / image["file_name"]).is_file()
    assert rows == {}


def test_the_licence_of_each_image_is_one_of_the_list_with_its_address(exported: Path, small: Path) -> None:
    rows = {row["id"]: row for row in figures(small)}
    for path in exported.glob("captions_*.json"):
        data = json.loads(path.read_text())
        licenses = {one["id"]: one for one in data["licenses"]}
        for image in data["images"]:
            row = rows[Path(image["file_name"]).stem]
            license = licenses[image["license"]]
            assert license["name"].startswith(row["license"].replace("-", " ", 1))
            assert license["url"] == (row["license_url"] or "")
            assert row["title"] in image["attribution"]


def test_ids_are_numbers_that_no_two_splits_share(exported: Path, small: Path) -> None:
    ids = [one["id"] for p in exported.glob("captions_*.json") for one in json.loads(p.read_text())["images"]]
    assert sorted(ids) == list(range(1, len(figures(small)) + 1))
