"""The export for WebDataset: samples whose parts follow each other, with the original bytes, read by its readers."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

from roco.base.errors import DataError
from roco.release.export import options
from roco.release.export.formats import export
from roco.release.export.rows import FIELDS
from roco.stages.publish.release import Release
from tests.release.export.conftest import figures
from tests.stages.publish.finished import Run, publish


@pytest.fixture(scope="module")
def exported(finished_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(finished_demo / "run" / "release", "webdataset", tmp_path_factory.mktemp("wds") / "out").folder


def members(folder: Path) -> dict[str, list[tuple[tarfile.TarInfo, bytes]]]:
    """The members of each shard with their bytes, in order."""
    found = {}
    for path in sorted(folder.glob("*.tar")):
        with tarfile.open(path) as archive:
            found[path.name] = [(one, archive.extractfile(one).read()) for one in archive]  # type: ignore[union-attr]
    return found


def test_the_parts_of_a_sample_follow_each_other_and_are_those_of_the_figure(
    exported: Path, finished_demo: Path
) -> None:
    shards = members(exported)
    for split in ("train", "valid", "test"):
        rows = [row for row in figures(finished_demo / "run" / "release") if row["split"] == split]
        parts = [member for name, found in shards.items() if name.startswith(split) for member in found]
        assert len(parts) == 3 * len(rows)
        for number, row in enumerate(rows):
            (image, data), (text, caption), (fields, described) = parts[3 * number : 3 * number + 3]
            assert image.name in (f"{row['id']}.jpg", f"{row['id']}.png")
            assert [text.name, fields.name] == [f"{row['id']}.txt", f"{row['id']}.json"]
            assert hashlib.sha256(data).hexdigest() == row["sha256"] == json.loads(described)["sha256"]
            assert caption.decode() == row["caption"]
            assert json.loads(described)["license"] and json.loads(described)["attribution"]


def test_members_have_no_date_and_no_owner(exported: Path) -> None:
    for found in members(exported).values():
        for member, _ in found:
            assert (member.mtime, member.uid, member.gid, member.uname, member.gname) == (0, 0, 0, "", "")
            assert member.mode == 0o644
    header = (exported / "train-000000.tar").read_bytes()[257:265]
    assert header == b"ustar\x0000"  # USTAR, not the format of GNU or pax


def test_sizes_are_those_of_the_shards(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "MB", 1)  # one image per shard
    export(small, "webdataset", tmp_path / "out", options.ExportOptions(shard_mb=1))
    sizes = {name: len(found) // 3 for name, found in members(tmp_path / "out").items()}
    assert len(sizes) == len(figures(small))
    assert json.loads((tmp_path / "out" / "sizes.json").read_text()) == sizes
    info = json.loads((tmp_path / "out" / "_info.json").read_text())["splits"]["train"]
    assert dict(zip(info["filenames"], info["shard_lengths"], strict=True)).items() <= sizes.items()
    assert info["num_samples"] == sum(info["shard_lengths"])
    assert "train-{000000.." in (tmp_path / "out" / "README.md").read_text()


def test_the_card_declares_every_part(exported: Path) -> None:
    front = yaml.safe_load((exported / "README.md").read_text().split("---\n")[1])
    features = {one["name"]: one for one in front["dataset_info"][0]["features"]}
    suffixes = {member.name.rpartition(".")[2] for found in members(exported).values() for member, _ in found}
    assert suffixes | {"__key__", "__url__"} == set(features)
    assert {one["name"] for one in features["json"]["struct"]} == set(FIELDS)


@pytest.mark.parametrize(
    ("prefix", "message"),
    [("v1.0", "id with a dot: 'v1.0_t"), ("x" * 99, "id of more than 90 characters: 'xxx")],
)
def test_an_id_that_readers_would_cut_off_is_refused(tmp_path: Path, prefix: str, message: str) -> None:
    release = publish(tmp_path / "release", Run(release=Release(prefix=prefix)))
    with pytest.raises(DataError, match=message):
        export(release, "webdataset", tmp_path / "out")
    assert not (tmp_path / "out").exists()


_READ = """
import hashlib, json, sys
from pathlib import Path
import webdataset
from datasets import Image, load_dataset
folder = sys.argv[1]
images, loaded = {}, {}
for shard in sorted(Path(folder).glob("*.tar")):
    for key, image, text, fields in webdataset.WebDataset(str(shard), shardshuffle=False).to_tuple(
        "__key__", "jpg;png", "txt", "json"
    ):
        images[key] = [hashlib.sha256(image).hexdigest(), text.decode(), json.loads(fields)["image_id"]]
for split in load_dataset(folder).values():
    for suffix in ("jpg", "png"):
        split = split.cast_column(suffix, Image(decode=False))
    for row in split:
        image = row["jpg"] or row["png"]
        loaded[row["__key__"]] = [hashlib.sha256(image["bytes"]).hexdigest(), row["txt"], row["json"]["image_id"]]
print(json.dumps([images, loaded]))
"""


@pytest.mark.slow
def test_webdataset_and_datasets_read_every_image_with_its_bytes(
    exported: Path, finished_demo: Path, tmp_path: Path
) -> None:
    for name in ("webdataset", "datasets"):
        pytest.importorskip(name, reason=f"the library `{name}` is missing: pip install '.[dev,dev-neural]'")
    environment = os.environ | {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", _READ, str(exported)], capture_output=True, text=True, env=environment)
    assert done.stdout, done.stderr
    rows = figures(finished_demo / "run" / "release")
    expected = {row["id"]: [row["sha256"], row["caption"], row["id"]] for row in rows}
    assert json.loads(done.stdout) == [expected, expected]
