"""The export for the Hugging Face Hub: Parquet that comes out as images and labels, with the original bytes."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from roco.base.labels import MODALITIES
from roco.release.export import hf, options
from roco.release.export.formats import export
from roco.release.front_matter import HUB_SPLITS
from tests.cli.command import contents
from tests.release.export.conftest import figures


@pytest.fixture(scope="module")
def exported(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(small, "hf", tmp_path_factory.mktemp("hf") / "out").folder


def shards(folder: Path) -> list[Path]:
    return sorted((folder / "data").glob("*.parquet"), key=lambda path: ("tv".find(path.name[0]), path.name))


def rows_of(folder: Path) -> dict[str, dict[str, Any]]:
    """The rows of all shards by id."""
    return {row["image_id"]: row for path in shards(folder) for row in pq.read_table(path).to_pylist()}


def test_every_image_has_the_bytes_the_name_and_the_split_of_its_figure(exported: Path, small: Path) -> None:
    rows = rows_of(exported)
    expected = figures(small)
    assert set(rows) == {row["id"] for row in expected}
    for figure in expected:
        row = rows[figure["id"]]
        assert hashlib.sha256(row["image"]["bytes"]).hexdigest() == figure["sha256"] == row["sha256"]
        assert row["image"]["path"].partition(".")[0] == figure["id"]
        (shard,) = (path for path in shards(exported) if HUB_SPLITS[figure["split"]] in path.name)
        assert figure["id"] in pq.read_table(shard, columns=["image_id"])["image_id"].to_pylist()


def test_captions_concepts_and_labels_are_those_of_the_figures(exported: Path, small: Path) -> None:
    rows = rows_of(exported)
    for figure in figures(small):
        row = rows[figure["id"]]
        assert (row["caption"], row["cui"]) == (figure["caption"], figure["concepts"])
        assert row["cui_manual"] == figure["concepts_manual"]
        label = None if row["modality"] is None else list(MODALITIES)[row["modality"]]
        assert label == figure["modality"]


def test_every_row_has_licence_and_attribution(exported: Path) -> None:
    for row in rows_of(exported).values():
        assert row["license"] and row["attribution"]


def test_files_and_card_declare_the_same_features(exported: Path) -> None:
    declared = yaml.safe_load((exported / "README.md").read_text().split("---\n")[1])["dataset_info"][0]["features"]
    for path in shards(exported):
        metadata = pq.read_metadata(path).metadata
        assert b"ARROW:schema" not in metadata
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        assert list(features) == [one["name"] for one in declared] == pq.read_schema(path).names
        assert features["image"] == {"_type": "Image"}
        assert features["cui"]["_type"] == "Sequence"
        assert features["modality"]["names"] == list(MODALITIES)


def test_the_types_are_those_that_readers_of_features_expect(exported: Path) -> None:
    schema = pq.read_schema(shards(exported)[0])
    assert schema.field("image").type == pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    assert schema.field("modality").type == pa.int64()


def test_images_are_stored_as_they_are_and_texts_are_compressed(exported: Path) -> None:
    group = pq.read_metadata(shards(exported)[0]).row_group(0)
    codecs = {group.column(i).path_in_schema: group.column(i).compression for i in range(group.num_columns)}
    assert codecs.pop("image.bytes") == "UNCOMPRESSED"
    assert set(codecs.values()) == {"ZSTD"}


def test_row_groups_are_bounded_by_rows_and_by_bytes(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hf, "ROWS_PER_GROUP", 3)
    export(small, "hf", tmp_path / "rows")
    metadata = pq.read_metadata(shards(tmp_path / "rows")[0])
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [3] * (
        metadata.num_rows // 3
    ) + ([metadata.num_rows % 3] if metadata.num_rows % 3 else [])
    monkeypatch.setattr(hf, "BYTES_PER_GROUP", 1)
    export(small, "hf", tmp_path / "bytes")
    metadata = pq.read_metadata(shards(tmp_path / "bytes")[0])
    assert metadata.num_row_groups == metadata.num_rows


def test_shards_are_numbered_and_declared_in_the_card(
    exported: Path, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    largest = max(len(row["image"]["bytes"]) for row in rows_of(exported).values())
    monkeypatch.setattr(options, "MB", largest)
    export(small, "hf", tmp_path / "out", options.ExportOptions(shard_mb=1))
    names = [path.relative_to(tmp_path / "out").as_posix() for path in shards(tmp_path / "out")]
    train = [name for name in names if name.startswith("data/train")]
    assert len(train) > 1
    assert train == [f"data/train-{i:05d}-of-{len(train):05d}.parquet" for i in range(len(train))]
    front = yaml.safe_load((tmp_path / "out" / "README.md").read_text().split("---\n")[1])
    listed = [path for one in front["configs"][0]["data_files"] for path in one["path"]]
    assert sorted(listed) == sorted(names)
    assert set(rows_of(tmp_path / "out")) == {row["id"] for row in figures(small)}


def test_the_card_states_licences_and_where_its_numbers_come_from(exported: Path, small: Path) -> None:
    text = (exported / "README.md").read_text()
    front = yaml.safe_load(text.split("---\n")[1])
    assert (front["license"], front["license_link"]) == ("other", "LICENSES.md")
    assert {"cc-by", "cc-by-nc"} <= set(front["tags"])
    digest = hashlib.sha256((small / "checksums.sha256").read_bytes()).hexdigest()
    assert digest in text
    assert "## Files" not in text  # those of the release are not here
    assert "| all | " in (exported / "LICENSES.md").read_text()


def test_files_of_the_release_are_copied_as_they_are(exported: Path, small: Path) -> None:
    files = contents(exported)
    for name in ("attribution.csv", "CITATION.cff", "funnel.json"):
        assert files[name] == (small / name).read_bytes()
    assert files["metadata/figures.parquet"] == (small / "figures.parquet").read_bytes()


_READ = """
import hashlib, json, sys
from datasets import Image, load_dataset
folder = sys.argv[1]
whole = load_dataset(folder)
images = {
    row["image_id"]: hashlib.sha256(row["image"]["bytes"]).hexdigest()
    for split in whole.values()
    for row in split.cast_column("image", Image(decode=False))
}
streamed = [row["image_id"] for row in load_dataset(folder, split="train", streaming=True).select_columns("image_id")]
texts = load_dataset(folder, columns=["image_id", "caption", "cui"])
print(json.dumps({
    "splits": list(whole),
    "images": images,
    "streamed": streamed,
    "texts": sorted(texts["train"].column_names),
    "opened": whole["train"][0]["image"].size,
    "modality": whole["train"].features["modality"].names,
    "figures": load_dataset(folder, "metadata", split="figures").num_rows,
}))
"""


@pytest.mark.slow
def test_datasets_loads_every_image_with_its_bytes(finished_demo: Path, tmp_path: Path) -> None:
    pytest.importorskip("datasets", reason="the library `datasets` is missing: pip install '.[dev,dev-neural]'")
    exported = export(finished_demo / "run" / "release", "hf", tmp_path / "hf").folder
    environment = os.environ | {"HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-c", _READ, str(exported)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.stdout, done.stderr
    read = json.loads(done.stdout)
    expected = figures(finished_demo / "run" / "release")
    assert read["images"] == {row["id"]: row["sha256"] for row in expected}
    assert read["splits"] == ["train", "validation", "test"]
    assert read["streamed"] == [row["id"] for row in expected if row["split"] == "train"]
    assert read["texts"] == ["caption", "cui", "image_id"]
    assert read["opened"] == [expected[0]["width"], expected[0]["height"]]
    assert (read["modality"], read["figures"]) == (list(MODALITIES), len(expected))
