"""The code of docs/export.md that reads exports runs with the libraries that it names."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from roco.release.export.formats import export

PAGE = Path(__file__).parents[3] / "docs" / "export.md"
FOLDERS = {
    "datasets": ("hf", "hf"),
    "webdataset": ("webdataset", "shards"),
    "mlcroissant": ("croissant", "croissant"),
    "pycocotools": ("coco", "coco"),
}
"""Library -> format and folder of the export that the page reads with it."""


@pytest.mark.slow
@pytest.mark.parametrize("library", FOLDERS)
def test_the_code_of_the_page_reads_the_export(finished_demo: Path, tmp_path: Path, library: str) -> None:
    pytest.importorskip(library, reason="the library is missing: pip install '.[dev,dev-neural]'")
    (code,) = (one for one in re.findall(r"```py\n(.*?)```", PAGE.read_text(), re.S) if library in one)
    shutil.copytree(finished_demo / "run" / "release", tmp_path / "demo" / "run" / "release")
    format, folder = FOLDERS[library]
    export(tmp_path / "demo" / "run" / "release", format, tmp_path / "demo" / folder)
    home = {"HOME": str(tmp_path), "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    # os._exit: threads of `datasets` that still read abort the interpreter at its end.
    script = f"{code}\nimport os, sys\nprint('read')\nsys.stdout.flush()\nos._exit(0)\n"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, env=os.environ | home
    )
    assert done.stdout.endswith("read\n"), done.stderr
