"""Formats with image files: original bytes, at most a thousand in a folder, each folder one entry of export.json."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import zipfile
from pathlib import Path

import pytest

from roco.base.errors import DataError
from roco.base.progress import NullProgress
from roco.release.export import loose
from roco.release.export.engine import PlannedFile, Writing, write_export
from roco.release.export.formats import export
from roco.release.hubs.package import open_package
from tests.cli.command import contents
from tests.release.export.conftest import figures

LOOSE = ("llava", "coco", "openclip", "labelstudio", "fiftyone")


@pytest.mark.parametrize("format", LOOSE)
def test_every_image_is_a_file_with_the_bytes_of_the_figure(small: Path, tmp_path: Path, format: str) -> None:
    done = export(small, format, tmp_path / "out")
    for row in figures(small):
        (path,) = (done.folder / "images" / row["split"]).glob(f"*/{row['id']}.*")
        assert hashlib.sha256(path.read_bytes()).hexdigest() == row["sha256"]
    assert len(list(done.folder.rglob("images/*/*/*"))) == len(figures(small))
    assert done.n_files == len(contents(done.folder)) - 1  # without export.json
    assert {"attribution.csv", "LICENSES.md", "README.md"} <= done.files.keys()


def test_a_folder_has_at_most_a_number_of_images_and_one_entry(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loose, "IMAGES_PER_FOLDER", 2)
    done = export(small, "openclip", tmp_path / "out")
    n_train = sum(row["split"] == "train" for row in figures(small))
    folders = [name for name in done.files if name.startswith("images/train/")]
    assert folders == [f"images/train/{number:03d}/" for number in range((n_train + 1) // 2)]
    table = (done.folder / "train.tsv").read_text()
    for path in done.folder.glob("images/train/*/*"):
        assert f'"{path.relative_to(done.folder).as_posix()}"' in table


def test_the_digest_of_a_folder_is_that_of_the_lines_of_sha256sum(small: Path, tmp_path: Path) -> None:
    done = export(small, "coco", tmp_path / "out")
    files = sorted((done.folder / "images" / "train" / "000").iterdir())
    lines = "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files)
    recorded = done.files["images/train/000/"]
    assert recorded.sha256 == hashlib.sha256(lines.encode()).hexdigest()
    assert (recorded.n_images, recorded.n_bytes) == (len(files), sum(file.stat().st_size for file in files))


@pytest.mark.parametrize("damage", ["changed", "removed", "added"])
def test_a_folder_that_was_changed_is_refused(small: Path, tmp_path: Path, damage: str) -> None:
    done = export(small, "coco", tmp_path / "out")
    image = sorted(done.folder.glob("images/train/000/*"))[0]
    if damage == "changed":
        image.write_bytes(image.read_bytes()[::-1])
    elif damage == "removed":
        image.unlink()
    else:
        image.with_name("mine.jpg").write_text("mine")
    before = contents(done.folder)
    with pytest.raises(DataError, match=r"images/train/000 was changed after it was exported"):
        export(small, "coco", done.folder)
    assert contents(done.folder) == before


def test_hidden_files_in_a_folder_of_images_are_left_alone(small: Path, tmp_path: Path) -> None:
    done = export(small, "coco", tmp_path / "out")
    hidden = done.folder / "images" / "train" / "000" / ".DS_Store"
    hidden.write_text("of a file manager")
    export(small, "coco", done.folder)
    assert hidden.read_text() == "of a file manager"


def test_a_folder_that_was_not_recorded_is_kept_only_with_the_same_files(tmp_path: Path) -> None:
    def write(part: Path, writing: Writing) -> None:
        (part / "a.jpg").write_text("image")

    def exported() -> None:
        write_export(tmp_path / "out", {"format": "x"}, [PlannedFile("images/", 1, write)], NullProgress())

    exported()
    record = tmp_path / "out" / "export.json"
    complete = record.read_text()
    nothing = json.dumps({"format": "x", "complete": False, "files": {}})
    inode = (tmp_path / "out" / "images").stat().st_ino
    record.write_text(nothing)
    exported()
    assert ((tmp_path / "out" / "images").stat().st_ino, record.read_text()) == (inode, complete)
    record.write_text(nothing)
    (tmp_path / "out" / "images" / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="contains other files than the export"):
        exported()
    assert sorted(path.name for path in (tmp_path / "out").rglob("*")) == ["a.jpg", "export.json", "images", "mine.txt"]


def test_what_a_killed_process_left_of_a_folder_is_removed(small: Path, tmp_path: Path) -> None:
    whole = contents(export(small, "coco", tmp_path / "out").folder)
    left = tmp_path / "out" / "images" / "train" / ".001.77.part"
    left.mkdir()
    (left / "half.jpg").write_text("half")
    assert contents(export(small, "coco", tmp_path / "out").folder) == whole
    assert not left.exists()


def test_a_full_disk_leaves_no_folder_half_written(tmp_path: Path) -> None:
    def fill(part: Path, writing: Writing) -> None:
        (part / "a.jpg").write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(DataError, match=r"no space left on the disk: cannot write .*images/000"):
        write_export(tmp_path / "out", {}, [PlannedFile("images/000/", 1, fill)], NullProgress())
    assert not (tmp_path / "out").exists()


def test_an_image_that_differs_from_the_figures_leaves_no_folder(release: Path, tmp_path: Path) -> None:
    path = release / "train_images.zip"
    with zipfile.ZipFile(path) as archive:
        members = {info: archive.read(info) for info in archive.infolist()}
    last = list(members)[-1]
    members[last] = members[last][:-1] + b"?"
    with zipfile.ZipFile(path, "w") as archive:
        for info, data in members.items():
            archive.writestr(info, data)
    with pytest.raises(DataError, match=f"image differs from figures.parquet: {Path(last.filename).name}"):
        export(release, "llava", tmp_path / "out")
    assert contents(tmp_path / "out") == {}


def test_an_export_with_image_files_is_not_sent_to_a_hub(small: Path, tmp_path: Path) -> None:
    export(small, "coco", tmp_path / "out")
    with pytest.raises(DataError, match="exports in the format coco are not published") as error:
        open_package(tmp_path / "out", NullProgress())
    assert "webdataset, or hf" in error.value.hint
