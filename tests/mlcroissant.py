"""Reads a croissant.json with mlcroissant, in a process with a cache of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

_READ = """
import hashlib, json, sys
import mlcroissant
path, changed, folder = sys.argv[1:]
described = json.load(open(path))
files = [one["@id"] for one in described["distribution"] if one["@type"] == "cr:FileObject"]
mapping = {name: f"{folder}/{name}" for name in files} if folder else None
dataset = mlcroissant.Dataset(path, mapping=mapping)
issues = [*dataset.metadata.ctx.issues.errors, *dataset.metadata.ctx.issues.warnings]
for name in ("splits", "images", "figures"):  # as the checker of mlcommons does: one object, in this order
    assert isinstance(next(iter(dataset.records(name))), dict), name
first = next(iter(mlcroissant.Dataset(path, mapping=mapping).records("images")))
assert min(first["images/image"].size) > 0
for field in described["recordSet"][1]["field"]:
    if field["@id"] == "images/image":
        field["dataType"] = "sc:Text"  # the bytes, not the decoded image
with open(changed, "w") as fh:
    json.dump(described, fh)
images = {
    row["images/id"].decode(): [
        hashlib.sha256(row["images/image"]).hexdigest(), row["images/split"].decode(), row["images/caption"].decode()
    ]
    for row in mlcroissant.Dataset(changed, mapping=mapping).records("images")
}
print(json.dumps([issues, images]))
"""


def read_croissant(path: Path, home: Path, folder: Path | None = None) -> tuple[list[str], dict[str, list[str]]]:
    """Returns the errors and warnings, and of each image the SHA-256 of its bytes, its split and its caption.

    home: a folder for the cache; folder: of the files, if they are not where their addresses lead. Skips the test
    without mlcroissant.
    """
    pytest.importorskip("mlcroissant", reason="the library is missing: pip install '.[dev,dev-neural]'")
    home.mkdir(exist_ok=True)
    environment = os.environ | {"HOME": str(home), "CROISSANT_CACHE": str(home / "cache")}
    # Addresses are relative to the file: the changed copy is written beside it.
    command = [sys.executable, "-c", _READ, str(path), str(path.with_name("bytes.json")), str(folder or "")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.stdout, done.stderr
    issues, images = json.loads(done.stdout)
    return issues, images
