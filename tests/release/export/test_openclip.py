"""Tables for open_clip, read as it reads them: every caption is a text, whatever pandas takes for something else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from roco.release.export.formats import export
from roco.release.export.openclip import MISSING, title
from tests.release.export.conftest import figures
from tests.stages.publish.finished import Run, publish


@pytest.fixture
def pandas() -> Any:
    return pytest.importorskip("pandas")


def read(pandas: Any, folder: Path) -> dict[str, str]:
    """Stem of the path -> caption, as CsvDataset of open_clip reads them."""
    found = {}
    for path in folder.glob("*.tsv"):
        table = pandas.read_csv(path, sep="\t")
        captions = map(str, table["title"].tolist())
        found |= dict(zip([Path(name).stem for name in table["filepath"].tolist()], captions, strict=True))
    return found


def test_pandas_reads_every_caption_as_it_is(pandas: Any, small: Path, tmp_path: Path) -> None:
    folder = export(small, "openclip", tmp_path / "out").folder
    assert read(pandas, folder) == {row["id"]: row["caption"] for row in figures(small)}
    for path in folder.glob("*.tsv"):
        for name in pandas.read_csv(path, sep="\t")["filepath"]:
            assert (folder / name).is_file()


def test_captions_that_pandas_takes_for_missing_survive(pandas: Any, tmp_path: Path) -> None:
    run = Run()
    for row, caption in zip(run.figures, ("NA", "null", "None", "nan", "N/A", "<NA>"), strict=False):
        row["caption"] = caption
    release = publish(tmp_path / "release", run)
    found = read(pandas, export(release, "openclip", tmp_path / "out").folder)
    expected = {row["id"]: row["caption"] for row in figures(release)}
    assert {id: caption.rstrip() for id, caption in found.items()} == {id: c.rstrip() for id, c in expected.items()}
    assert {"NA", "null", "None", "nan", "N/A", "<NA>"} <= {caption.strip() for caption in found.values()}


def test_captions_that_are_all_numbers_or_truth_values_are_read_as_they_are_written(
    pandas: Any, tmp_path: Path
) -> None:
    numbers = ("007", "1.50", "1e3", "-0", "12", ".5", "5.", "+1", "1E-5", "0", "99999999999999999999", "inf")
    for name, captions in (("numbers", numbers), ("truths", ("True", "FALSE") * 6)):
        run = Run()
        for row, caption in zip(run.figures, captions, strict=False):
            row["caption"] = caption
        release = publish(tmp_path / name, run)
        expected = {row["id"]: row["caption"] for row in figures(release)}
        assert set(expected.values()) <= set(captions)
        found = read(pandas, export(release, "openclip", tmp_path / f"{name}-out").folder)
        assert {id: caption.strip() for id, caption in found.items()} == expected


def test_the_values_that_pandas_takes_for_missing_are_all_known(pandas: Any) -> None:
    from pandas._libs.parsers import STR_NA_VALUES

    assert set(STR_NA_VALUES) <= MISSING
    assert [title("NA"), title("NA of the aorta"), title("")] == ["NA\u00a0", "NA of the aorta", "\u00a0"]
