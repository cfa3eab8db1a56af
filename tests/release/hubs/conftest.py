"""An export to send, written by hand, and the fakes of hubs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from roco.base.tables import ATTRIBUTION_COLUMNS
from tests.release.hubs.fake_hub import FakeHuggingFace, FakeStorage
from tests.release.hubs.fakes import FakeZenodo, running

CREATORS = [
    {"name": "Doe, Jane, Jr.", "orcid": "0000-0002-1825-0097", "affiliation": "A University"},
    {"name": "The Group"},
]

CARD = "---\nlicense: other\n---\n\n# Title of the card\n\nText.\n"
CITATION = 'cff-version: 1.2.0\ntitle: "A"\nauthors:\n  - name: "B"\nreferences:\n  - type: article\n    doi: 10.1/x\n'


def write_export(folder: Path, files: dict[str, bytes] | None = None, **metadata: object) -> Path:
    """Writes a folder as `roco export` does; files: others than the texts that every export has."""
    by = "https://creativecommons.org/licenses/by/4.0/"
    nc = "https://creativecommons.org/licenses/by-nc/4.0/"
    rows = [[f"i{n}", "T", "A", "J", "2020", "10.1/a", *license, "c", "s", ""] for n, license in
            enumerate([("CC-BY", by), ("CC-BY", by), ("CC-BY-NC", nc)])]  # fmt: skip
    attribution = "\n".join([",".join(ATTRIBUTION_COLUMNS), *(",".join(row) for row in rows)]) + "\n"
    about = {"title": "A <dataset>", "description": "Of <b>.", "version": "1.0.0", "creators": CREATORS, **metadata}
    texts = {
        "README.md": CARD,
        "CITATION.cff": CITATION,
        "attribution.csv": attribution,
        "metadata.json": json.dumps({name: value for name, value in about.items() if value}),
    }
    written = {name: text.encode() for name, text in texts.items()}
    written |= files if files is not None else {f"train-00000{n}.tar": bytes([n]) * 70_000 for n in range(3)}
    entry = {
        "@type": "cr:FileObject",
        "contentUrl": "CITATION.cff",
        "sha256": hashlib.sha256(CITATION.encode()).hexdigest(),
    }
    written["croissant.json"] = json.dumps({"name": "x", "distribution": [entry]}).encode()
    folder.mkdir(parents=True)
    for name, data in written.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    listed = {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(), "images": 0}
        for name, data in written.items()
    }
    record = {"format": "webdataset", "options": {}, "release": "0" * 64, "complete": True, "files": listed}
    (folder / "export.json").write_text(json.dumps(record))
    return folder


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return write_export(tmp_path / "export")


@pytest.fixture
def zenodo() -> Iterator[FakeZenodo]:
    with running(FakeZenodo()) as hub:
        yield hub


@pytest.fixture
def hub() -> Iterator[FakeHuggingFace]:
    with running(FakeStorage()) as storage, running(FakeHuggingFace(storage)) as one:
        yield one
