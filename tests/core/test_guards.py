"""What the engine guards against: columns of a wrong type, an outdated manifest, too many bytes or packages at once."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from roco.base.errors import StageFailed
from roco.core.pipeline import Pipeline
from roco.core.stage import put
from tests.core import fakes
from tests.core.conftest import everything, run, write_article

Make = Callable[..., Pipeline]
MEGABYTE = 1 << 20


@dataclasses.dataclass(frozen=True, kw_only=True)
class WideWords(fakes.Words):
    """Declares int32, as the fake does, and writes int64."""

    def __call__(self, batch: pa.Table) -> pa.Table:
        return put(batch, "n_words", pa.array([1] * len(batch), pa.int64()))


@dataclasses.dataclass(frozen=True, kw_only=True)
class NumberedHalves(fakes.Halves):
    """Declares a string, as the fake does, and writes numbers."""

    def __call__(self, batch: pa.Table) -> pa.Table:
        return put(batch, "split", pa.array([1] * len(batch), pa.int8()))


@pytest.mark.parametrize("stages", [{"words": WideWords()}, {"halves": NumberedHalves()}], ids=["measure", "decision"])
def test_a_column_of_another_type_than_declared_stops_the_run(
    make: Make, tmp_path: Path, stages: dict[str, Any]
) -> None:
    [name] = stages
    with pytest.raises(StageFailed, match=rf"'{name}' .*int(64|8)"):
        run(make(**stages), tmp_path / "run", workers=0, part_size=7)
    assert not (tmp_path / "run" / "release").exists()


@dataclasses.dataclass(frozen=True, kw_only=True)
class HealingLook(fakes.Look):
    """Can read bad images once ROCO_TEST_MENDED is set."""

    def __call__(self, batch: pa.Table, *more: Any) -> pa.Table:
        if "ROCO_TEST_MENDED" in os.environ:
            mended = pc.replace_substring_regex(batch["bytes"], pattern=b"^bad", replacement=b"now good")
            batch = put(batch, "bytes", mended)
        return super().__call__(batch, *more)


def test_a_manifest_older_than_its_parts_is_not_trusted(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A retry rewrites parts whose input is the same, and may be killed before the manifest is saved."""
    pipeline = make(look=HealingLook())
    manifest = tmp_path / "run" / "manifest.json"
    before = run(pipeline, tmp_path / "run", workers=0, part_size=7).funnel
    outdated = manifest.read_bytes()
    monkeypatch.setenv("ROCO_TEST_MENDED", "1")
    retried = run(pipeline, tmp_path / "run", workers=0, part_size=7, retry="unreadable").funnel
    assert retried != before
    manifest.write_bytes(outdated)
    outcome = run(pipeline, tmp_path / "run", workers=0, part_size=7)
    assert (outcome.funnel, dict(outcome.measured)) == (retried, {})


SIZES: list[int] = []
"""Bytes of the images in each batch that `Weighing` received."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Weighing(fakes.Look):
    """Records how many bytes it receives at once, and drops all figures, so that no pack is written."""

    def __call__(self, batch: pa.Table, *more: Any) -> pa.Table:
        SIZES.append(sum(len(data) for data in batch["bytes"].to_pylist() if data is not None))
        return super().__call__(batch, *more)


class HeavyNote(fakes.Note):
    """A package whose images are 12 MB each."""

    SIZE: ClassVar[int] = 12 * MEGABYTE

    @property
    def files(self) -> list[tuple[str, int]]:
        return [(name, self.SIZE) for name, _ in super().files]

    def read(self, name: str) -> bytes:
        data = super().read(name)
        return data if name == "article.xml" else b"bad".ljust(self.SIZE, b".")


@dataclasses.dataclass(frozen=True, kw_only=True)
class HeavyNotes(fakes.Notes):
    def open(self, place: str) -> HeavyNote:
        return HeavyNote(self.path / place)


def test_the_image_bytes_in_memory_are_bounded_whatever_the_part_contains(make: Make, tmp_path: Path) -> None:
    """Two images of 15 articles are 360 MB, and a stage receives at most 192 MB of them at once."""
    for i in range(15):
        write_article(tmp_path / "heavy", i, figures=[
            {"caption": "a CT", "license": "CC-BY", "file": file} for file in ("a.jpg", "b.jpg")
        ])  # fmt: skip
    like = make(look=Weighing())
    pipeline = dataclasses.replace(like, source=HeavyNotes(path=tmp_path / "heavy"))
    SIZES.clear()
    run(pipeline, tmp_path / "run", workers=0)
    assert sum(SIZES) == 30 * HeavyNote.SIZE
    assert max(SIZES) <= 192 * MEGABYTE


OPEN: Counter[str] = Counter()
MOST_OPEN: list[int] = []


class CountedNote(fakes.Note):
    """Counts itself while it is open."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.name = path.name
        OPEN[self.name] += 1
        MOST_OPEN.append(OPEN.total())

    def close(self) -> None:
        OPEN[self.name] -= 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class CountedNotes(fakes.Notes):
    def open(self, place: str) -> CountedNote:
        return CountedNote(self.path / place)


def test_no_more_than_32_packages_are_open_at_once_and_all_are_closed_in_the_end(make: Make, tmp_path: Path) -> None:
    for i in range(50):
        write_article(tmp_path / "many", i)
    pipeline = dataclasses.replace(make(), source=CountedNotes(path=tmp_path / "many"))
    run(pipeline, tmp_path / "run", workers=0, part_size=50)
    before = everything(tmp_path / "run")
    # Without the packs, the release reads all images from the packages, in one pass over all of them.
    for pack in (tmp_path / "run" / "images").glob("*.pack"):
        pack.unlink()
    (tmp_path / "run" / "release" / "checksums.sha256").unlink()
    MOST_OPEN.clear()
    run(pipeline, tmp_path / "run", workers=0, part_size=50)
    assert everything(tmp_path / "run") == before
    assert 1 < max(MOST_OPEN) <= 32
    assert OPEN.total() == 0
