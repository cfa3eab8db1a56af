from __future__ import annotations

import csv
import io
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from PIL import Image

import roco
from roco.base.errors import RejectedInput
from roco.sources.dataset import ReleaseSource

CT, CHEST, NODULE = "C0040405", "C0817096", "C0028259"
IDS = {"train": ("ROCOv2_2023_train_000001", "ROCOv2_2023_train_000007"), "valid": ("ROCOv2_2023_valid_000001",),
       "test": ("ROCOv2_2023_test_000003",)}  # fmt: skip
ARTICLES = {"ROCOv2_2023_train_000001": "PMC11", "ROCOv2_2023_train_000007": "PMC11",
            "ROCOv2_2023_valid_000001": "PMC12", "ROCOv2_2023_test_000003": "PMC13"}  # fmt: skip


def picture(n: int) -> bytes:
    out = io.BytesIO()
    image = Image.new("L", (64, 64))
    image.putdata([(x * (n + 3) + y * y * (n + 1)) % 256 for y in range(64) for x in range(64)])
    image.save(out, "JPEG", quality=95)
    return out.getvalue()


def write(path: Path, *rows: tuple[str, ...]) -> None:
    with path.open("w", encoding="utf-8", newline="") as fh:
        csv.writer(fh, lineterminator="\n").writerows(rows)


def images(root: Path, split: str) -> dict[str, bytes]:
    return {f"{id}.jpg": picture(sum(map(ord, id)) % 97) for id in IDS[split]}


def zipped(root: Path, split: str) -> None:
    with zipfile.ZipFile(root / f"{split}_images.zip", "w") as archive:
        for name, data in images(root, split).items():
            archive.writestr(f"{split}/{name}", data)


def loose(pattern: str) -> Callable[[Path, str], None]:
    def lay(root: Path, split: str) -> None:
        folder = root / pattern.format(split=split)
        folder.mkdir(parents=True)
        for name, data in images(root, split).items():
            (folder / name).write_bytes(data)

    return lay


LAYOUTS = {"zips": zipped, "unpacked": loose("{split}_images/{split}"), "flat": loose("{split}_images"),
           "by split": loose("{split}")}  # fmt: skip


def published(root: Path, lay: Callable[[Path, str], None] = zipped) -> Path:
    root.mkdir()
    for split, ids in IDS.items():
        captions = [(id, f"Axial CT of the chest, {split} {id[-1]}, with a nodule.") for id in ids]
        write(root / f"{split}_captions.csv", ("ID", "Caption"), *captions)
        write(root / f"{split}_concepts.csv", ("ID", "CUIs"), *((id, f"{CT};{CHEST};{NODULE}") for id in ids))
        write(root / f"{split}_concepts_manual.csv", ("ID", "CUIs"), *((id, CT) for id in ids))
        lay(root, split)
    said = "CC BY-NC Al Mulhim et al. (2022)"
    link = "https://www.ncbi.nlm.nih.gov/pmc/articles/"
    rows = [(id, article, said, link + article) for id, article in ARTICLES.items()]
    write(root / "license_information.csv", ("ID", " PMCID", " Attribution ", "Link"), *rows)
    names = ((CT, "X-Ray Computed Tomography"), (CHEST, "Chest"), (NODULE, "Nodule"))
    write(root / "cui_mapping.csv", ("CUI", "Canonical name"), *names)
    return root


def run(root: Path, *more: str, stages: str = "", source: str = "rocov2") -> dict[str, dict[str, Any]]:
    """Runs a dataset through `extract` and what is asked for; rows of figures.parquet and of what left, by id."""
    recipe = root / "r.toml"
    first, last = (
        "".join(f'[[stage]]\nuse = "{use}"\n' for use in uses)
        for uses in (
            ("license", "image"),
            ("merge", "split", "release"),
        )
    )
    sources = f'[[source]]\nkind = "release"\npath = "{source}"\n{"".join(more)}'
    recipe.write_text(f'[run]\nfolder = "run"\n{sources}{first}{stages}{last}')
    release = roco.load_recipe(recipe).run(workers=0).release
    assert release is not None and roco.verify(release) == []
    removed = {r["figure_id"]: r for r in pq.read_table(release / "removed.parquet").to_pylist()}
    return {r["figure_id"]: r for r in roco.load(release).to_arrow().to_pylist()} | removed


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_common_layout_of_the_images_is_read(tmp_path: Path, layout: str) -> None:
    published(tmp_path / "rocov2", LAYOUTS[layout])
    rows = run(tmp_path)
    assert sorted(rows) == sorted(f"{article}/{id}/0" for id, article in ARTICLES.items())
    one = rows["PMC11/ROCOv2_2023_train_000007/0"]
    assert (one["article_key"], one["pmcid"], one["origin"]) == ("PMC11", "PMC11", "release")
    assert (one["license"], one["year"], one["authors"]) == ("CC-BY-NC", 2022, ["Al Mulhim et al."])
    assert one["license_evidence"] == "attribution CC BY-NC"
    assert one["caption"] == "Axial CT of the chest, train 7, with a nodule."
    assert (one["given_id"], one["given_split"]) == ("ROCOv2_2023_train_000007", "train")
    assert (one["given_concepts"], one["given_manual"]) == ([CHEST, NODULE], [CT])


def test_the_attribution_is_unchanged(tmp_path: Path) -> None:
    published(tmp_path / "rocov2")
    run(tmp_path)
    lines = (tmp_path / "run" / "release" / "license_information.csv").read_text().splitlines()
    assert {line.split(",")[2] for line in lines[1:]} == {"CC BY-NC Al Mulhim et al. (2022)"}


def test_manual_concepts_come_first_and_give_the_modality(tmp_path: Path) -> None:
    root = published(tmp_path / "rocov2")
    write(
        root / "valid_captions.csv", ("ID", "Caption"), ("ROCOv2_2023_valid_000001", "Chest radiograph with a nodule.")
    )
    rows = run(tmp_path)
    one = rows["PMC12/ROCOv2_2023_valid_000001/0"]
    assert (one["modality"], one["modality_from"]) == ("DRCT", "label")  # the words say X-ray, people CT
    assert one["concepts_manual"] == [CT] and one["concepts"][0] == CT


def test_images_can_keep_the_id_and_split_of_their_dataset(tmp_path: Path) -> None:
    published(tmp_path / "rocov2")
    rows = run(tmp_path, stages='[[stage]]\nuse = "pins"\n')
    assert {row["id"]: row["split"] for row in rows.values()} == {id: s for s, ids in IDS.items() for id in ids}


def test_a_table_saved_by_a_spreadsheet_is_read(tmp_path: Path) -> None:
    root = published(tmp_path / "rocov2")
    for path in root.glob("*.csv"):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert len(run(tmp_path)) == 4
    assert roco.verify(root) == []


def test_a_missing_image_an_unexpected_image_and_a_missing_licence_are_rows_with_reasons(tmp_path: Path) -> None:
    root = published(tmp_path / "rocov2", LAYOUTS["flat"])
    (root / "train_images" / "ROCOv2_2023_train_000001.jpg").unlink()
    (root / "train_images" / "unknown.jpg").write_bytes(picture(40))
    lines = (root / "license_information.csv").read_text().splitlines()
    (root / "license_information.csv").write_text("\n".join(line for line in lines if "test" not in line) + "\n")
    rows = run(tmp_path)
    left = {key: row["drop"] for key, row in rows.items() if "drop" in row}
    assert left == {
        "PMC11/ROCOv2_2023_train_000001/0": "missing",
        "!train_images/unknown/0": "scope",
        "ROCOv2_2023_test_000003/ROCOv2_2023_test_000003/0": "license",
    }


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("ROCOv2_2023_train_000001,once more", "duplicate id"),
        ("../../etc,a path", "invalid id: ../../etc"),
        ("only one cell", "1 cells, not 2"),
        ("ROCOv2_2023_test_000003,elsewhere", "duplicate id (also in train)"),
    ],
)
def test_an_invalid_line_is_a_row_with_its_reason(tmp_path: Path, line: str, says: str) -> None:
    root = published(tmp_path / "rocov2")
    with (root / "train_captions.csv").open("a") as fh:
        fh.write(line + "\n")
    rows = run(tmp_path)
    assert {row["drop_detail"] for row in rows.values() if row.get("drop") == "article"} == {says}
    assert any(says == problem.what for problem in roco.verify(root))


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("train_captions.csv", b"Image,Text\na,b\n", "the first line is"),
        ("train_concepts.csv", b"\xff\xfe\x00", "unreadable"),
        ("license_information.csv", b"ID,PMCID\n", "the first line is"),
        ("license_information.csv", None, "missing file"),
        ("valid_captions.csv", None, "missing file"),
        ("test_images.zip", b"PK\5\6 and nothing else", "unreadable"),
    ],
)
def test_an_unusable_file_stops_the_run_with_a_hint(tmp_path: Path, name: str, data: bytes | None, says: str) -> None:
    root = published(tmp_path / "rocov2")
    (root / name).unlink()
    if data is not None:
        (root / name).write_bytes(data)
    with pytest.raises(roco.DataError, match=f"{name}: {says}") as caught:
        run(tmp_path)
    assert "roco verify" in (caught.value.hint or "")
    assert any(problem.what.startswith(says) for problem in roco.verify(root))


def test_a_dataset_with_only_one_split_is_read(tmp_path: Path) -> None:
    root = published(tmp_path / "rocov2")
    for path in [*root.glob("valid_*"), *root.glob("test_*"), root / "train_concepts.csv"]:
        path.unlink()
    lines = (root / "license_information.csv").read_text().splitlines()
    (root / "license_information.csv").write_text(
        "\n".join(line for line in lines if "_train_" in line or "ID" in line)
    )
    assert {row["given_split"] for row in run(tmp_path).values()} == {"train"}


def test_spaces_around_a_caption_are_kept_in_the_raw_caption(tmp_path: Path) -> None:
    root = published(tmp_path / "rocov2")
    write(root / "test_captions.csv", ("ID", "Caption"), ("ROCOv2_2023_test_000003", "  Axial CT.  "))
    row = run(tmp_path)["PMC13/ROCOv2_2023_test_000003/0"]
    assert (row["caption"], row["caption_raw"]) == ("Axial CT.", "  Axial CT.  ")


def test_a_folder_that_is_not_a_dataset_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "rocov2").mkdir()
    with pytest.raises(roco.DataError, match="not a dataset"):
        run(tmp_path)
    with pytest.raises(roco.DataError, match="does not exist"):
        run(tmp_path, source="gone")


def test_a_changed_caption_or_image_changes_only_the_digest_of_its_article(tmp_path: Path) -> None:
    root = published(tmp_path / "rocov2", LAYOUTS["flat"])
    before = {row["article"]: row["digest"] for row in ReleaseSource(path=root).listing(None).to_pylist()}
    write(root / "test_captions.csv", ("ID", "Caption"), ("ROCOv2_2023_test_000003", "Other words."))
    (root / "valid_images" / "ROCOv2_2023_valid_000001.jpg").write_bytes(picture(50))
    after = {row["article"]: row["digest"] for row in ReleaseSource(path=root).listing(None).to_pylist()}
    assert {article for article in before if before[article] != after[article]} == {"PMC12", "PMC13"}


def test_a_corrupt_image_in_a_zip_is_rejected(tmp_path: Path) -> None:
    root = published(tmp_path / "rocov2")
    path = root / "test_images.zip"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    source = ReleaseSource(path=root)
    with pytest.raises(RejectedInput, match="unreadable image"):
        source.open("PMC13").read("ROCOv2_2023_test_000003.jpg")
    assert [p.what.partition(":")[0] for p in roco.verify(root)] == ["corrupt image"]


def test_a_release_of_roco_is_unchanged_when_it_is_read_as_a_source(finished_demo: Path, tmp_path: Path) -> None:
    first = finished_demo / "run" / "release"
    recipe = tmp_path / "again.toml"
    text = (finished_demo / "demo.toml").read_text()
    stages = text[text.index("[[stage]]") :]
    recipe.write_text(f'[run]\nfolder = "run"\n[source]\nkind = "release"\npath = "{first}"\n{stages}')
    second = roco.load_recipe(recipe).run(workers=0).release
    assert second is not None and roco.verify(second) == []
    found = roco.diff(first, second)
    assert found.images == {"old": 47, "new": 47, "both": 47}
    assert found.changed == found.moved_splits == []


def test_a_worker_process_reads_the_dataset(tmp_path: Path) -> None:
    published(tmp_path / "rocov2")
    run(tmp_path)
    first = (tmp_path / "run" / "release" / "checksums.sha256").read_text()
    shutil.rmtree(tmp_path / "run")
    roco.load_recipe(tmp_path / "r.toml").run(workers=1)
    assert (tmp_path / "run" / "release" / "checksums.sha256").read_text() == first


# --- used as it is --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_published_layout_is_loaded_and_verified(tmp_path: Path, layout: str) -> None:
    root = published(tmp_path / "rocov2", LAYOUTS[layout])
    data = roco.load(root)
    assert data.column("split").to_pylist() == ["train", "train", "valid", "test"]
    assert data.column("license").to_pylist() == ["CC-BY-NC"] * 4
    assert roco.load(root, "test").column("id").to_pylist() == ["ROCOv2_2023_test_000003"]
    assert roco.verify(root) == []


def test_verify_reports_inconsistencies(tmp_path: Path) -> None:
    root = published(tmp_path / "rocov2", LAYOUTS["flat"])
    write(root / "cui_mapping.csv", ("CUI", "Canonical name"), (CT, "CT"), (CHEST, " "))
    write(root / "test_concepts.csv", ("ID", "CUIs"), ("ROCOv2_2023_test_000003", "C12;C0040405"))
    (root / "valid_images" / "ROCOv2_2023_valid_000001.jpg").write_bytes(b"<html>")
    (root / "train_images" / "ROCOv2_2023_train_000001.jpg").unlink()
    listed = tmp_path / "retracted.txt"
    listed.write_text("PMC12\n")
    found = {(p.what, p.where.rpartition(", ")[2]) for p in roco.verify(root, ("CC-BY",), [listed])}
    assert {
        ("CUI without a name", CHEST), ("CUI without a name", NODULE),
        ("invalid CUI 'C12'", "ROCOv2_2023_test_000003"),
        ("not an image", "ROCOv2_2023_valid_000001.jpg"), ("missing image", "ROCOv2_2023_train_000001"),
        ("retracted article", "ROCOv2_2023_valid_000001"),
        ("licence not allowed: CC-BY-NC", "ROCOv2_2023_test_000003"),
    } <= found  # fmt: skip


def test_a_missing_table_is_an_error(tmp_path: Path) -> None:
    root = published(tmp_path / "rocov2")
    (root / "test_concepts.csv").unlink()
    assert ("missing file", "test_concepts.csv") in [tuple(p) for p in roco.verify(root)]
    with pytest.raises(roco.DataError, match=r"test_concepts\.csv: missing file"):
        roco.load(root)
