"""Every target reads some hundred mutated inputs as it promises; a longer run: `make fuzz`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from roco.base.errors import DataError, MissingExtra
from tests.fuzz import flipped_images
from tests.fuzz.__main__ import targets_table
from tests.fuzz.campaign import Campaign, Result, add_to_report
from tests.fuzz.target import LONGEST_ERROR, Format, Target, Violation
from tests.fuzz.targets import TARGETS

# About ten seconds of CPU time for each; how many inputs that are differs between readers.
EXECUTIONS = {
    "archives": 2000, "articles": 250, "images": 800, "downloads": 2500, "recipes": 250, "vocabularies": 1500,
    "labels": 1500, "pages": 3000, "queries": 300, "releases": 250,
}  # fmt: skip


def _target(read: object) -> Target:
    return Target("one", "any bytes", (Format("bytes", lambda: [b"seed"], read),))  # type: ignore[arg-type]


def test_a_reader_may_refuse_its_input_with_an_error_of_roco_and_nothing_else(tmp_path: Path) -> None:
    def fail(err: Exception) -> Target:
        def read(data: bytes, folder: Path) -> None:
            raise err

        return _target(read)

    fail(DataError("truncated (line 3)", "download it again")).read(b"\0x", tmp_path)
    with pytest.raises(KeyError):
        fail(KeyError("caption")).read(b"\0x", tmp_path)
    with pytest.raises(MissingExtra):
        fail(MissingExtra("duckdb", "select")).read(b"\0x", tmp_path)
    with pytest.raises(Violation, match="says what is wrong"):
        fail(DataError("")).read(b"\0x", tmp_path)
    with pytest.raises(Violation, match="excerpt"):
        fail(DataError("x" * (LONGEST_ERROR + 1))).read(b"\0x", tmp_path)


def test_the_first_byte_of_an_input_chooses_its_format(tmp_path: Path) -> None:
    found: list[tuple[str, bytes]] = []
    formats = tuple(
        Format(name, lambda: [b"s"], lambda data, _, name=name: found.append((name, data))) for name in "ab"
    )
    target = Target("two", "any bytes", formats)
    assert target.seeds() == [b"\0s", b"\1s"]
    for data in (b"\0x", b"\1y", b"\2z"):
        target.read(data, tmp_path)
    assert found == [("a", b"x"), ("b", b"y"), ("a", b"z")]


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_every_seed_and_its_mutations_keep_the_promise_of_the_target(name: str, tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="pip install '.[dev-neural]'")
    result = Campaign(tmp_path / "corpus", tmp_path / "findings", seconds=1e9, executions=EXECUTIONS[name]).run(name)
    assert [found["kind"] for found in result.findings] == []
    assert result.executions == EXECUTIONS[name]


def test_a_report_adds_up_all_runs_of_a_target(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    add_to_report(Result("images", 1000, 90.0, 7, [{"kind": "a"}, {"kind": "b"}]), 1, report)
    add_to_report(Result("pages", 5, 6.0, 2), 1, report)
    add_to_report(Result("images", 234, 30.0, 9, [{"kind": "b"}]), 2, report)
    assert json.loads(report.read_text()) == {
        "images": {"seeds": [1, 2], "executions": 1234, "minutes": 2.0, "inputs_kept": 9, "findings": ["a", "b"]},
        "pages": {"seeds": [1], "executions": 5, "minutes": 0.1, "inputs_kept": 2, "findings": []},
    }


@pytest.mark.slow
def test_the_page_of_reliability_lists_the_targets() -> None:
    pytest.importorskip("duckdb", reason="pip install '.[select]'")
    page = Path(__file__).parents[2] / "docs" / "reliability.md"
    assert targets_table() in page.read_text(encoding="utf-8")


@pytest.mark.slow
def test_no_damaged_image_is_released_that_a_strict_decoder_refuses(tmp_path: Path) -> None:
    pytest.importorskip("pyvips", reason="pip install '.[dev-neural]'")
    pytest.importorskip("cv2", reason="pip install '.[dev-neural]'")
    report = flipped_images.run(flipped_images.images(600, seed=1), tmp_path)
    assert report.refused == []
    assert report.unexplained == []
    assert report.intact_dropped == []
    dropped = sum(sum(reasons.values()) for reasons in report.dropped.values())
    assert sum(report.released.values()) + dropped == 600
    assert sum(report.released_damaged.values()) > 100  # many a bit changes a pixel, and nothing else
