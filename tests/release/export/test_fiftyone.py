"""The table for FiftyOne: a row for every image, empty cells for unknown labels, code that reads it."""

from __future__ import annotations

import csv
import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from roco.release.export.formats import export
from tests.release.export.conftest import figures


def test_the_table_has_the_labels_and_concepts_of_every_image(small: Path, tmp_path: Path) -> None:
    folder = export(small, "fiftyone", tmp_path / "out").folder
    with (folder / "samples.csv").open(encoding="utf-8", newline="") as fh:
        found = list(csv.DictReader(fh))
    for one, row in zip(found, figures(small), strict=True):
        assert (folder / one["filepath"]).stem == one["image_id"] == row["id"] and (folder / one["filepath"]).is_file()
        assert [one["caption"], one["split"]] == [row["caption"], row["split"]]
        assert one["modality"] == (row["modality"] or "")
        assert one["cui"] == ";".join(row["concepts"] or [])


def test_the_code_of_the_readme_reads_the_table(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = export(small, "fiftyone", tmp_path / "out").folder
    (code,) = re.findall(r"```python\n(import csv.*?)```", (folder / "README.md").read_text(), re.S)
    samples: list[dict[str, Any]] = []

    class Sample(dict[str, Any]):
        def __init__(self, filepath: str, **fields: Any) -> None:
            super().__init__(fields, filepath=filepath)

    # FiftyOne starts a database server when it is imported; what the code calls of it is replaced.
    stand_in = types.SimpleNamespace(
        Sample=Sample, Classification=lambda label: label, Classifications=lambda classifications: classifications,
        Dataset=lambda name: types.SimpleNamespace(add_sample=samples.append),
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "fiftyone", stand_in)  # type: ignore[arg-type]
    monkeypatch.chdir(folder)
    exec(code, {})
    for sample, row in zip(samples, figures(small), strict=True):
        assert sample["tags"] == [row["split"]] and sample.get("modality") == row["modality"]
        assert sample["concepts"] == list(row["concepts"] or [])
