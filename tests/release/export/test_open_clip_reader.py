"""The exports for open_clip and WebDataset, read by the training code of open_clip: every image, every caption."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from roco.models.images.decode import decode
from roco.release.export.formats import export
from roco.release.read import Release
from tests.open_clip import python_path
from tests.release.export.conftest import figures

_READ = """
import hashlib, json, os, sys
from argparse import Namespace
from open_clip_train.data import CsvDataset, get_wds_dataset

shards, tables = sys.argv[1:]

def pixels(image):
    return image.size, hashlib.sha256(image.convert("RGB").tobytes()).hexdigest()

def text(captions):
    return [captions] if isinstance(captions, str) else captions

def samples(options, is_train):
    loader = get_wds_dataset(options, pixels, is_train, tokenizer=text).dataloader
    return [pair for images, texts in loader for pair in zip(images, texts)]

found = {}
for split in ("train", "valid", "test"):
    shard = f"{shards}/{split}-000000.tar"
    options = Namespace(
        train_data=shard, val_data=shard, train_num_samples=None, val_num_samples=None, batch_size=1, workers=0,
        world_size=1, seed=0, dataset_resampled=False, train_data_upsampling_factors=None,
    )
    found[split] = samples(options, False)
    found[f"{split}, training"] = samples(options, True)
os.chdir(tables)
for split in ("train", "valid", "test"):
    table = CsvDataset(f"{split}.tsv", pixels, "filepath", "title", tokenizer=text)
    found[f"{split}, table"] = [table[i] for i in range(len(table))]
print(json.dumps(found))
"""


@pytest.mark.slow
@pytest.mark.neural
def test_open_clip_reads_every_image_and_caption_of_both_exports(finished_demo: Path, tmp_path: Path) -> None:
    release = finished_demo / "run" / "release"
    for format in ("webdataset", "openclip"):
        export(release, format, tmp_path / format)
    environment = os.environ | {"PYTHONPATH": python_path()}
    command = [sys.executable, "-c", _READ, str(tmp_path / "webdataset"), str(tmp_path / "openclip")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.stdout, done.stderr
    read = json.loads(done.stdout)
    for split in ("train", "valid", "test"):
        rows = [row for row in figures(release) if row["split"] == split]
        expected = [pixels_of(release, row["id"]) for row in rows]
        assert [image for image, _ in read[split]] == expected
        assert [image for image, _ in read[f"{split}, table"]] == expected
        captions = [row["caption"] for row in rows]
        assert [text for _, text in read[split]] == [text for _, text in read[f"{split}, table"]] == captions
        assert sorted(read[f"{split}, training"]) == sorted(read[split])  # shuffled


def pixels_of(release: Path, id: str) -> list[object]:
    """Size and digest of the pixels, as the script computes them."""
    with Release.open(release) as opened:
        image = decode(opened.image(id)).image.convert("RGB")
    return [list(image.size), hashlib.sha256(image.tobytes()).hexdigest()]
