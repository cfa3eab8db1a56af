"""The training material: the same seed gives the same files, derived images inherit, and no image lacks a class."""

from __future__ import annotations

import csv
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from matplotlib import font_manager
from PIL import Image

from training import charts, fonts, material, package_images, plan, records, volumes
from training.fetching import Package, fetch, members, packages
from training.records import CLASSES, MODALITIES, Record, fold, generator, inherit

COUNTS = dict.fromkeys(plan.COUNTS, 1) | {"compound figure": 2}


def picture(path: Path, seed: int) -> None:
    """Writes a picture of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (120, 150), np.uint8)).save(path)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small folder of labelled images, in the layout of the real material."""
    data = tmp_path_factory.mktemp("shared") / "data"
    rows = []
    for number in range(12):
        label = "radiology" if number < 8 else "figure"
        path = f"{label}/{number}.png"
        picture(data / "images" / path, number)
        modality = ["CT", "MRI"][number % 2] if label == "radiology" else ""
        source = f"github:owner/repo{number % 3}:{path}@abc"
        rows.append([path, label, modality, source, "CC0", f"g{number // 2}", "kind=plain"])
    with (data / "images" / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["path", "class", "modality", "source", "licence", "group", "note"])
        table.writerows(rows)
    (data / "PROVENANCE.tsv").write_text("path\tlicence\n", encoding="utf-8")
    return data.parent


def make(shared: Path, out: Path) -> dict[str, bytes]:
    """Makes a small material; returns its files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "COUNTS", COUNTS)
        patch.setattr(font_manager.fontManager, "ttflist", font_manager.fontManager.ttflist)
        patch.setattr(material.real, "articles", lambda data: iter(()))
        material.make(out, shared, None)
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def made(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small material."""
    out = tmp_path_factory.mktemp("made") / "out"
    make(shared, out)
    return out


@pytest.fixture
def rows(made: Path) -> list[Record]:
    """The records of a small material."""
    return records.read(made / "labels.csv")


def test_the_same_seed_writes_the_same_files(shared: Path, made: Path, tmp_path: Path) -> None:
    first = {str(path.relative_to(made)): path.read_bytes() for path in sorted(made.rglob("*")) if path.is_file()}
    assert make(shared, tmp_path / "again") == first


def test_a_chart_does_not_depend_on_the_charts_drawn_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(font_manager.fontManager, "ttflist", font_manager.fontManager.ttflist)
    fonts.register()
    known = list(font_manager.fontManager.ttflist)
    charts.single(generator(1, "chart", 0))
    assert font_manager.fontManager.ttflist == known


def test_packages_with_pictures_of_one_volume_are_one_source(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 255, (9, 9, 9))
    path = tmp_path / "invesalius-examples_1.tgz"
    with tarfile.open(path, "w:gz") as tar:
        content = nifti(values, [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0])
        info = tarfile.TarInfo("head.nii")
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    entry = {"path": "head.nii", "modality": "DRCT", "planes": {"axial": 2}}
    found = [
        record
        for record, _ in package_images.images(Package("debian", "invesalius-examples", "1", "GPL-2", (entry,)), path)
    ]
    assert {(record.source, record.group) for record in found} == {("invesalius", "invesalius-examples-head")}
    assert len(found) == 2


def test_another_seed_chooses_other_images(rows: list[Record]) -> None:
    real = [row for row in rows if not row.derived]
    assert plan.derived(real, plan.COUNTS, seed=1) == plan.derived(real, plan.COUNTS, seed=1)
    assert plan.derived(real, plan.COUNTS, seed=1) != plan.derived(real, plan.COUNTS, seed=2)


def test_every_image_has_a_class_and_a_file(rows: list[Record], made: Path) -> None:
    assert len(rows) == 12 + sum(COUNTS.values())
    assert {row.label for row in rows} == set(CLASSES)
    assert all(not row.modality or row.modality in MODALITIES for row in rows)
    for row in rows:
        with Image.open(made / row.path) as image:
            assert max(image.size) <= 1200


def test_derived_images_inherit_groups_sources_and_fold_of_their_parents(rows: list[Record]) -> None:
    by_path = {row.path: row for row in rows}
    derived = [row for row in rows if row.parents]
    assert {row.label for row in derived} == set(CLASSES)
    for row in derived:
        parents = [by_path[path] for path in row.parents.split("|")]
        assert set(row.group.split("|")) == {parent.group for parent in parents}
        assert set(row.source.split("|")) == {parent.source for parent in parents}
        assert {parent.fold for parent in parents if parent.fold} <= {row.fold}


def test_a_compound_with_a_radiology_panel_is_compound_radiology(rows: list[Record]) -> None:
    by_path = {row.path: row for row in rows}
    for row in rows:
        if row.derived and not row.is_single and row.parents:
            has_radiology = any(by_path[path].is_radiology for path in row.parents.split("|"))
            assert row.is_radiology == has_radiology


def test_a_record_without_a_class_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no valid class"):
        records.write([Record("a.png", "")], tmp_path / "labels.csv")
    with pytest.raises(ValueError, match="unknown modality"):
        records.write([Record("a.png", "radiology", modality="CT")], tmp_path / "labels.csv")


def test_parents_of_different_folds_are_refused() -> None:
    with pytest.raises(ValueError, match="different folds"):
        inherit([Record("a", "figure", fold="0"), Record("b", "figure", fold="1")])


def test_more_images_do_not_move_a_group_to_another_fold() -> None:
    assert [fold(name) for name in ("a", "b", "c")] == [fold(name) for name in ("a", "b", "c")]
    assert {fold(str(number)) for number in range(200)} == {str(number) for number in range(10)}


def test_each_image_has_random_numbers_of_its_own() -> None:
    assert generator(1, "chart", 5).random() == generator(1, "chart", 5).random()
    assert generator(1, "chart", 5).random() != generator(1, "chart", 6).random()


def test_the_table_of_packages_is_complete() -> None:
    for package in packages():
        assert package.licence
        for entry in package.images:
            assert entry.get("class", "radiology") in CLASSES
            assert entry.get("modality", "") in ("", *MODALITIES)
            assert not entry.get("modality") or entry.get("class", "radiology").endswith("radiology")


def test_a_package_that_cannot_be_fetched_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = Package("npm", "absent", "1.0", "MIT", ())
    monkeypatch.setattr(Package, "command", lambda self: ["/no/such/client"])
    assert fetch(tmp_path, [package]) == ({}, ["npm absent 1.0"])


def test_members_of_a_tarball_are_read_in_order_of_their_names(tmp_path: Path) -> None:
    path = tmp_path / "package-1.0.tgz"
    with tarfile.open(path, "w:gz") as tar:
        for name in ("./b.txt", "./a.txt", "./c.png"):
            info = tarfile.TarInfo(name)
            info.size = 1
            tar.addfile(info, io.BytesIO(b"x"))
    assert [name for name, _ in members(path, ["*.txt"])] == ["a.txt", "b.txt"]


def nifti(values: np.ndarray, affine: list[float]) -> bytes:
    """A NIfTI-1 file of bytes with an sform."""
    header = np.zeros(352, np.uint8)
    header[0:4] = np.frombuffer(np.int32(348).tobytes(), np.uint8)
    header[40:56] = np.frombuffer(np.array([3, *values.shape, 1, 1, 1, 1], "<i2").tobytes(), np.uint8)
    header[70:72] = np.frombuffer(np.int16(2).tobytes(), np.uint8)
    header[76:108] = np.frombuffer(np.array([1, 1, 2, 3, 1, 1, 1, 1], "<f4").tobytes(), np.uint8)
    header[108:112] = np.frombuffer(np.float32(352).tobytes(), np.uint8)
    header[252:256] = np.frombuffer(np.array([0, 1], "<i2").tobytes(), np.uint8)
    header[280:328] = np.frombuffer(np.array(affine, "<f4").tobytes(), np.uint8)
    return header.tobytes() + values.astype(np.uint8).tobytes(order="F")


def test_a_volume_is_turned_so_that_its_axes_run_to_the_right_front_and_top() -> None:
    values = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
    # Stored axes: the first runs to the back, the second to the left, the third upwards.
    turned = volumes.nifti(nifti(values, [0, -2, 0, 0, -1, 0, 0, 0, 0, 0, 3, 0]))
    assert turned.spacing == (2.0, 1.0, 3.0)
    assert np.array_equal(turned.values, np.transpose(values, (1, 0, 2))[::-1, ::-1])


def test_sections_show_the_requested_planes_with_square_pixels() -> None:
    values = np.random.default_rng(0).random((20, 30, 10))
    pictures = dict(volumes.sections(volumes.Volume(values, (1.0, 1.0, 4.0)), {"axial": 2, "sagittal": 1}))
    assert sorted(name.split("-")[0] for name in pictures) == ["axial", "axial", "sagittal"]
    sagittal = next(image for name, image in pictures.items() if name.startswith("sagittal"))
    assert sagittal.height / sagittal.width == pytest.approx(10 * 4 / 30, abs=0.02)
