"""A few dozen made-up articles and a pipeline over them."""

from __future__ import annotations

import dataclasses
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from roco.core.pipeline import Pipeline
from roco.core.run import Outcome, Run
from tests.core import fakes


def write_article(folder: Path, i: int, **changed: Any) -> None:
    """Writes article i: two figures, one of which is dropped for most i."""
    licence = "CC-BY-ND" if i % 7 == 3 else "CC-BY"
    figures = [
        {"caption": f"a radiograph of case {i}", "license": licence, "file": "a.jpg"},
        {"caption": "short" if i % 3 == 0 else f"a CT of case {i}", "license": licence, "file": "b.jpg"},
    ]
    images = {"a.jpg": f"image a of {i}", "b.jpg": "bad image" if i % 5 == 1 else f"image b of {i}"}
    content = {"figures": figures, "images": images} | changed
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"A{i:03d}.json").write_text(json.dumps(content))


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    for i in range(30):
        write_article(tmp_path / "articles", i)
    return tmp_path / "articles"


@pytest.fixture
def make(articles: Path) -> Callable[..., Pipeline]:
    """Returns a function that builds a pipeline over the articles; stages passed by name replace the default ones."""

    def made(**changed: Any) -> Pipeline:
        stages = {"free": fakes.Free(), "long": fakes.Long(), "look": fakes.Look(), "halves": fakes.Halves(),
                  "printed": fakes.Printed()} | changed  # fmt: skip
        named = [dataclasses.replace(stage, name=name) for name, stage in stages.items() if stage is not None]
        named.sort(key=lambda stage: stage.name == "printed")
        return Pipeline(fakes.Notes(path=articles), named, fakes.CATALOGUE)

    return made


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Counter[str]]]:
    """Returns a function that counts what all processes did since its last call."""
    path = tmp_path / "log"
    monkeypatch.setenv("ROCO_TEST_LOG", str(path))

    def since() -> Counter[str]:
        found: Counter[str] = Counter()
        for line in path.read_text().splitlines() if path.exists() else []:
            what, n = line.split()
            found[what] += int(n)
        path.unlink(missing_ok=True)
        return found

    yield since
    os.environ.pop("ROCO_TEST_LOG", None)


def run(pipeline: Pipeline, folder: Path, **options: Any) -> Outcome:
    """Runs a pipeline in a folder; options as for `Run.do`."""
    return Run(pipeline, folder).do(**options)


def everything(folder: Path) -> str:
    return (folder / "release" / "all.json").read_text()
