"""Image bytes come from the pack of their part, else from the source; images are decoded once in a pass."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from roco.core import measuring, parts, store
from roco.core.folder import RunFolder
from roco.core.pipeline import Pipeline
from roco.core.run import Run
from roco.core.stage import Measure, put
from roco.core.store import ImageStore
from tests.core import fakes
from tests.core.conftest import everything, run

Make = Callable[..., Pipeline]
LATE = {"halves": None, "split": fakes.Halves()}
"""Puts the table stage after the stages of a test, which then belong to the row pass."""
Counted = Callable[[], Counter[str]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Size(Measure):
    """A pixel measure of its own: the number of bytes."""

    needs = ("look",)
    reads = ("bytes",)
    writes = {"n_bytes": pa.int64()}

    def __call__(self, batch: pa.Table) -> pa.Table:
        sizes = [None if data is None else len(data) for data in batch["bytes"].to_pylist()]
        return put(batch, "n_bytes", pa.array(sizes, pa.int64()))


@pytest.mark.parametrize("in_the_row_pass", [True, False])
def test_a_new_pixel_measure_on_a_finished_run_opens_no_package(
    make: Make, tmp_path: Path, counted: Counted, in_the_row_pass: bool
) -> None:
    run(make(), tmp_path / "run", workers=0)
    counted()
    outcome = run(make(size=Size(), **(LATE if in_the_row_pass else {})), tmp_path / "run", workers=0)
    done = counted()
    assert outcome.measured["size"] > 0
    assert (done["open"], done["image"], done["look"]) == (0, 0, 0)


def test_a_new_pixel_measure_loses_no_row_when_the_packages_are_corrupt(
    make: Make, tmp_path: Path, articles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(make(), tmp_path / "run", workers=0)
    before = [row["figure_id"] for row in Run(make(), tmp_path / "run").figures().to_pylist() if row["drop"] is None]

    def corrupt(self: fakes.Notes, place: str) -> fakes.Note:
        raise store.RejectedInput("corrupt archive")

    monkeypatch.setattr(fakes.Notes, "open", corrupt)
    sized = make(size=Size())
    run(sized, tmp_path / "run", workers=0)
    rows = [row for row in Run(sized, tmp_path / "run").figures(["n_bytes"]).to_pylist() if row["drop"] is None]
    assert [row["figure_id"] for row in rows] == before
    assert all(row["n_bytes"] for row in rows)


def test_an_image_that_is_in_no_pack_is_read_from_the_source(make: Make, tmp_path: Path, counted: Counted) -> None:
    run(make(), tmp_path / "run", workers=0)
    for pack in (tmp_path / "run" / "images").glob("*.pack"):
        pack.unlink()
    counted()
    run(make(size=Size()), tmp_path / "run", workers=0)
    assert counted()["image"] > 0


def lending(count: Counter[str], size: int = 1000) -> type[fakes.Look]:
    """A decoder that lends pixels of some size and counts how often it decodes."""

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Decode(fakes.Look):
        lends = {**fakes.Look.lends, "pixels": pa.large_binary()}

        def __call__(self, batch: pa.Table, lend: Collection[str] = ()) -> pa.Table:
            count["decoded"] += len(batch)
            out = super().__call__(batch, lend)
            if "pixels" in lend:
                data = [None if d is None else d[-1:] * size for d in batch["bytes"].to_pylist()]
                out = put(out, "pixels", pa.array(data, pa.large_binary()))
            return out

    return Decode


def pixel_measures(count: Counter[str]) -> dict[str, Measure]:
    made: dict[str, Measure] = {}
    for name in ("one", "two", "three"):

        @dataclasses.dataclass(frozen=True, kw_only=True)
        class Pixel(Measure):
            needs = ("look",)
            reads = ("pixels",)
            writes = {f"first_{name}": pa.int32()}
            column: str = f"first_{name}"

            def __call__(self, batch: pa.Table) -> pa.Table:
                count["at once"] = max(count["at once"], sum(len(p) for p in batch["pixels"].to_pylist() if p))
                values = [None if p is None else p[0] for p in batch["pixels"].to_pylist()]
                return put(batch, self.column, pa.array(values, pa.int32()))

        made[name] = Pixel()
    return made


def test_a_pass_with_three_pixel_measures_decodes_each_image_once(make: Make, tmp_path: Path) -> None:
    count: Counter[str] = Counter()
    made = make(look=lending(count)(), **pixel_measures(count), **LATE)
    measured = run(made, tmp_path / "run", workers=0).measured
    assert count["decoded"] == measured["look"]
    table = Run(made, tmp_path / "run").figures(["first_one", "first_three"]).to_pylist()
    assert {row["first_one"] for row in table if row["drop"] is None} > {ord("0"), ord("1")}
    assert all(row["first_one"] == row["first_three"] for row in table)


def test_three_new_pixel_measures_on_a_finished_run_decode_each_image_once(make: Make, tmp_path: Path) -> None:
    count: Counter[str] = Counter()
    decoder = lending(count)()
    run(make(look=decoder), tmp_path / "run", workers=0)
    count.clear()
    measured = run(make(look=decoder, **pixel_measures(count), **LATE), tmp_path / "run", workers=0).measured
    assert measured["one"] == measured["three"] == count["decoded"] > 0


def test_lent_pixels_count_towards_the_memory_bound(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "SMALL_PART", 30)  # all articles in one part
    monkeypatch.setattr(measuring, "LENT_AT_ONCE", 2500)
    count: Counter[str] = Counter()
    run(make(look=lending(count, 1000)(), **pixel_measures(count), **LATE), tmp_path / "run", workers=0)
    assert count["at once"] <= 8000  # the first guess is eight figures, which is halved until they fit
    small = count["at once"]
    count.clear()
    monkeypatch.setattr(measuring, "LENT_AT_ONCE", 256 << 20)
    run(make(look=lending(count, 1000)(), **pixel_measures(count), **LATE), tmp_path / "other", workers=0)
    assert count["at once"] > small
    assert everything(tmp_path / "run") == everything(tmp_path / "other")


def test_only_columns_that_a_later_stage_reads_are_lent(make: Make, tmp_path: Path) -> None:
    wanted: list[set[str]] = []

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Decode(lending(Counter())):  # type: ignore[misc]
        def __call__(self, batch: pa.Table, lend: Collection[str] = ()) -> pa.Table:
            wanted.append(set(lend))
            return super().__call__(batch, lend)

    run(make(look=Decode()), tmp_path / "run", workers=0)
    assert wanted and all(columns == {"thumbnail"} for columns in wanted)


def finished(make: Make, tmp_path: Path) -> tuple[RunFolder, list[dict[str, Any]]]:
    run(make(), tmp_path / "run", workers=0, part_size=3)
    rows = Run(make(), tmp_path / "run").figures(["file"]).to_pylist()
    return RunFolder(tmp_path / "run", make()), [row for row in rows if row["drop"] is None]


def read(images: ImageStore, row: dict[str, Any]) -> bytes | None:
    return images.image(row["part"], row["figure_id"], row["archive"], row["file"])


def test_few_packs_are_open_and_the_least_recently_used_one_is_closed(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, rows = finished(make, tmp_path)
    opened: list[str] = []

    class Counting(store.PackReader):
        def __init__(self, path: Path) -> None:
            opened.append(path.stem)
            super().__init__(path)

    monkeypatch.setattr(store, "PackReader", Counting)
    monkeypatch.setattr(store, "PACKS_OPEN", 2)
    images = ImageStore(folder)
    a, b, c = list(dict.fromkeys(row["part"] for row in rows))[:3]
    of = {part: next(row for row in rows if row["part"] == part) for part in (a, b, c)}
    for part in (a, b, a, a, c, a, b):
        assert read(images, of[part])
    images.close()
    assert opened == [a, b, c, b]


def test_a_replaced_pack_is_opened_again(make: Make, tmp_path: Path) -> None:
    folder, rows = finished(make, tmp_path)
    images = ImageStore(folder)
    row = rows[0]
    data = read(images, row)
    path = folder.pack(row["part"])
    path.rename(path.with_suffix(".moved"))
    assert read(images, row) == data  # from the source
    assert images.thumbnail(row["part"], row["figure_id"]) is None
    path.with_suffix(".moved").rename(path)
    assert images.thumbnail(row["part"], row["figure_id"]) is not None
    images.close()


def test_a_measure_of_lent_pixels_drops_figures_whose_bytes_cannot_be_read_any_more(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(make(printed=None), tmp_path / "run", workers=0)
    for pack in (tmp_path / "run" / "images").glob("*.pack"):
        pack.unlink()
    read_file = fakes.Note.read

    def read_articles_only(self: fakes.Note, name: str) -> bytes:
        if name != "article.xml":
            raise store.RejectedInput("corrupt archive")
        return read_file(self, name)

    late = make(glance=fakes.Glance(), printed=None)
    with monkeypatch.context() as patch:
        patch.setattr(fakes.Note, "read", read_articles_only)
        funnel = run(late, tmp_path / "run", workers=0).funnel["stages"]
        assert (funnel[-1]["stage"], funnel[-1]["kept"], list(funnel[-1]["dropped"])) == ("glance", 0, ["unreadable"])
    funnel = run(late, tmp_path / "run", workers=0, retry="unreadable").funnel["stages"]
    assert funnel[-1]["kept"] > 0 and not funnel[-1]["dropped"]
