"""Runs over real articles and composed packages in every layout, compared with their known truth."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import itertools
import json
import re
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import roco
import roco.sources.package
import roco.stages.image

pytestmark = pytest.mark.shared

Row = dict[str, Any]
IMAGES = (".jpg", ".jpeg", ".png", ".gif", ".tif", ".tiff")

FITTING = {
    "licence": "license",
    "retracted": "retracted",
    "language": "language",
    "caption": "caption",
    "unreadable": "unreadable",
    "missing": "missing",
    "rights": "rights",
    "duplicate": "duplicate",
}
FILTERS = {"gate", "compound", "not_radiology"}
"""Reasons of the filters by images: any of them is right for a compound figure and for what is no radiology image."""


@dataclass(frozen=True)
class Done:
    """One finished run with its tables."""

    outcome: roco.Outcome

    @property
    def release(self) -> Path:
        assert self.outcome.release is not None
        return self.outcome.release

    @property
    def kept(self) -> list[Row]:
        return rows(self.release / "figures.parquet")

    @property
    def removed(self) -> list[Row]:
        return rows(self.release / "removed.parquet")

    @property
    def counts(self) -> dict[str, int]:
        return dict(self.outcome.funnel["counts"])

    def measured(self, stage: str) -> list[Row]:
        return [row for path in self._files(stage) for row in rows(path)]

    def counted(self) -> dict[str, dict[str, int]]:
        """Returns the counts of `extract` for each package."""
        counts: dict[str, dict[str, int]] = {}
        for path in self._files("extract"):
            counts |= json.loads(pq.read_metadata(path).metadata[b"roco"])["articles"]
        return counts

    def checksums(self) -> dict[str, str]:
        lines = (self.release / "checksums.sha256").read_text().splitlines()
        return {name: sha256 for sha256, name in (line.split() for line in lines)}

    def _files(self, stage: str) -> Iterator[Path]:
        (folder,) = (self.outcome.folder / "measures").glob(f"{stage}-*")
        yield from sorted(folder.glob("*.parquet"))


def rows(path: Path) -> list[Row]:
    found: list[Row] = pa.table(pq.read_table(path)).to_pylist()
    return found


def go(folder: Path, kind: str, path: Path, **options: Any) -> Done:
    """Runs the recipe of the paper over a source."""
    folder.mkdir(parents=True, exist_ok=True)
    recipe = folder / "recipe.toml"
    recipe.write_text(f'[run]\nfolder = "run"\nbase = "rocov2"\n[source]\nkind = "{kind}"\npath = "{path}"\n')
    return Done(roco.load_recipe(recipe).run(**{"workers": 0, **options}))


class Touched(NamedTuple):
    """How often each package was inflated, by name, and each image decoded, by sha256."""

    opened: Counter[str]
    decoded: Counter[str]


@contextlib.contextmanager
def touching() -> Iterator[Touched]:
    """Counts the packages opened and the images decoded in this process."""
    touched = Touched(Counter(), Counter())
    with pytest.MonkeyPatch.context() as patch:
        record_calls(patch, roco.sources.package, "open_tar_gz", lambda path: touched.opened.update([path.name]))
        record_calls(
            patch, roco.stages.image, "decode", lambda data: touched.decoded.update([hashlib.sha256(data).hexdigest()])
        )
        yield touched


def record_calls(patch: pytest.MonkeyPatch, module: Any, name: str, record: Callable[[Any], None]) -> None:
    """Passes the first argument of each call of a function to `record`."""
    function = getattr(module, name)

    def recording(first: Any, *rest: Any, **options: Any) -> Any:
        record(first)
        return function(first, *rest, **options)

    patch.setattr(module, name, recording)


@pytest.fixture(scope="module")
def counted(composed: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Done, Touched]:
    with touching() as touched:
        return go(tmp_path_factory.mktemp("package"), "package", composed / "package"), touched


@pytest.fixture(scope="module")
def package(counted: tuple[Done, Touched]) -> Done:
    return counted[0]


@pytest.fixture(scope="module")
def unindexed(composed: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """The packages without their list of files, which is beside this folder."""
    return go(tmp_path_factory.mktemp("unindexed"), "package", composed / "package" / "oa_package")


@pytest.fixture(scope="module")
def cloud(composed: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    return go(tmp_path_factory.mktemp("cloud"), "cloud", composed / "cloud")


@pytest.fixture(scope="module")
def articles(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    return go(tmp_path_factory.mktemp("articles"), "folder", shared / "data" / "articles")


@pytest.fixture(scope="module")
def zips(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    return go(tmp_path_factory.mktemp("zips"), "folder", shared / "data" / "packages_zip")


@pytest.fixture(scope="module")
def truth(composed: Path) -> list[Row]:
    with (composed / "truth.csv").open(encoding="utf-8", newline="") as fh:
        return list(csv.DictReader(fh))


def slow(*layouts: str) -> Sequence[Any]:
    return [pytest.param(layout, marks=pytest.mark.slow) for layout in layouts]


LAYOUTS = pytest.mark.parametrize("layout", ["package", *slow("unindexed", "cloud")])
ALL = pytest.mark.parametrize("layout", ["package", *slow("unindexed", "cloud", "articles", "zips")])


@pytest.fixture
def done(layout: str, request: pytest.FixtureRequest) -> Done:
    found: Done = request.getfixturevalue(layout)
    return found


# --- the truth ------------------------------------------------------------------------------------------------------


def fates(done: Done, truth: list[Row]) -> Iterator[tuple[Row, str]]:
    """Yields each figure of the truth with the reason for which it was dropped, `keep` if it is in the release."""
    found: dict[tuple[str, str], str] = {}
    for row in [*done.kept, *done.removed]:
        key = row["pmcid"], row["fig_id"]
        assert key not in found, f"{key} is there twice"
        found[key] = row.get("drop") or "keep"
    assert found.keys() == {(row["pmcid"], row["fig_id"]) for row in truth}
    for row in truth:
        yield row, found[row["pmcid"], row["fig_id"]]


@LAYOUTS
def test_no_figure_that_must_be_kept_is_dropped(done: Done, truth: list[Row]) -> None:
    lost = [(row["pmcid"], row["fig_id"], fate) for row, fate in fates(done, truth) if row["expect"] == "keep"]
    assert [entry for entry in lost if entry[2] != "keep"] == []


@LAYOUTS
def test_every_figure_that_must_be_dropped_is_dropped_for_the_right_reason(
    done: Done, truth: list[Row], layout: str
) -> None:
    wrong = []
    for row, fate in fates(done, truth):
        if row["why"] not in FITTING:
            continue
        fitting = {FITTING[row["why"]]}
        if row["kind"] == "missing file" or (layout == "cloud" and row["licence"] == "NO-CC CODE"):
            fitting.add("missing")  # the bucket withholds the media of articles without a licence
        if fate not in fitting:
            wrong.append((row["pmcid"], row["fig_id"], row["why"], fate))
    assert wrong == []


@LAYOUTS
def test_compound_figures_and_images_that_are_no_radiology_are_dropped_by_a_filter(
    done: Done, truth: list[Row]
) -> None:
    fate_of = Counter(
        (row["why"], fate) for row, fate in fates(done, truth) if row["why"] in ("compound", "not radiology")
    )
    assert len(fate_of) > 2 and fate_of.total() > 60
    wrong = {key: n for key, n in fate_of.items() if key[1] not in FILTERS}
    assert sum(wrong.values()) <= 0.02 * fate_of.total(), wrong


@LAYOUTS
def test_what_is_kept_must_be_kept(done: Done, truth: list[Row]) -> None:
    kept = Counter(row["why"] for row, fate in fates(done, truth) if fate == "keep")
    assert kept.keys() <= {"", "compound", "not radiology"}
    assert kept[""] == sum(row["expect"] == "keep" for row in truth)


@LAYOUTS
def test_a_dropped_figure_has_the_file_that_its_article_names(done: Done, truth: list[Row]) -> None:
    files = {(row["pmcid"], row["fig_id"]): row["file"] for row in truth}
    for row in [*done.kept, *done.removed]:
        expected = None if row.get("drop") == "missing" else files[row["pmcid"], row["fig_id"]]
        assert row["file"] == expected


# --- layouts and workers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", slow("unindexed", "cloud"))
def test_every_layout_gives_the_same_figures_under_the_same_ids(package: Done, done: Done) -> None:
    def identities(found: Done) -> list[tuple[Any, ...]]:
        return [tuple(row[c] for c in ("id", "split", "pmcid", "fig_id", "file", "sha256")) for row in found.kept]

    assert len(identities(package)) > 100
    assert identities(done) == identities(package)


@pytest.mark.parametrize("layout", slow("unindexed", "cloud"))
def test_every_layout_gives_the_same_bytes_of_the_published_tables(package: Done, done: Done) -> None:
    def published_tables(found: Done) -> dict[str, str]:
        return {name: sha256 for name, sha256 in found.checksums().items() if name.endswith((".zip", ".csv"))}

    assert len(published_tables(package)) == 16
    assert published_tables(done) == published_tables(package)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.slow
def test_one_and_two_workers_give_the_same_release(composed: Path, package: Done, tmp_path: Path, workers: int) -> None:
    other = go(tmp_path, "package", composed / "package", workers=workers, part_size=7)
    assert other.outcome.parts_done > package.outcome.parts_done
    assert other.checksums() == package.checksums()


@ALL
def test_verify_reports_no_problem(done: Done) -> None:
    assert roco.verify(done.release) == []


# --- the funnel -----------------------------------------------------------------------------------------------------


@ALL
def test_the_funnel_adds_up_from_the_first_stage_to_the_release(done: Done) -> None:
    stages = done.outcome.funnel["stages"]
    for before, after in itertools.pairwise(stages):
        assert after["in"] == before["kept"]
    assert all(s["in"] == s["kept"] + sum(s["dropped"].values()) for s in stages)
    assert stages[0]["in"] == len(done.kept) + len(done.removed)
    assert stages[-1]["kept"] == len(done.kept)
    dropped = Counter((row["stage"], row["drop"]) for row in done.removed)
    assert dropped == {(s["stage"], reason): n for s in stages for reason, n in s["dropped"].items()}


@ALL
def test_every_image_of_a_package_is_a_row_or_a_rendition(done: Done) -> None:
    named = {(row["archive"], row["file"]) for row in done.measured("extract") if row["file"]}
    assert done.counts["images_in_packages"] == done.counts["renditions"] + len(named)


def test_every_image_in_the_archives_is_counted(composed: Path, package: Done) -> None:
    names = []
    for path in composed.rglob("*.tar.gz"):
        with tarfile.open(path) as archive:
            names += archive.getnames()
    images = sum(name.endswith(IMAGES) for name in names)
    assert package.counts["images_in_packages"] + package.counts["images_unread"] == images


def test_every_image_in_the_folders_is_counted(shared: Path, articles: Done) -> None:
    images = sum(path.name.endswith(IMAGES) for path in (shared / "data" / "articles").rglob("*"))
    assert articles.counts["images_in_packages"] + articles.counts["images_unread"] == images


# --- once -----------------------------------------------------------------------------------------------------------


def test_every_package_is_inflated_once(counted: tuple[Done, Touched]) -> None:
    _, touched = counted
    assert len(touched.opened) == 120
    assert set(touched.opened.values()) == {1}


def test_an_image_is_decoded_at_most_once_and_never_after_a_cheap_filter_dropped_it(
    counted: tuple[Done, Touched],
) -> None:
    done, touched = counted
    let_through = Counter(row["sha256"] for row in done.measured("image"))
    early = sum(row["stage"] in ("extract", "license", "rights", "caption", "language") for row in done.removed)
    assert let_through.total() == len(done.kept) + len(done.removed) - early
    assert touched.decoded.keys() == let_through.keys()  # nothing that a gate before it dropped is among them
    assert touched.decoded <= let_through


def test_a_second_run_opens_no_package_and_decodes_no_image(package: Done) -> None:
    before = package.checksums()
    with touching() as touched:
        again = Done(roco.load_recipe(package.outcome.folder.parent / "recipe.toml").run(workers=0))
    assert again.outcome.measured == {}
    assert touched == Touched(Counter(), Counter())
    assert again.checksums() == before


# --- 183 articles and two zips as publishers made them --------------------------------------------------------------


def test_every_article_has_a_row_or_is_counted_as_an_article_without_figures(shared: Path, articles: Done) -> None:
    with_rows = {row["archive"] for row in articles.measured("extract")}
    counts = articles.counted()
    listed = list(of_the_articles(shared))
    assert counts.keys() == {place(article) for article in listed}
    assert len(counts) == 183
    without_rows = counts.keys() - with_rows
    assert all(counts[name]["articles_without_figures"] == 1 for name in without_rows)
    assert articles.counts["articles_unreadable"] == 0


def test_the_page_on_the_real_articles_prints_this_funnel(articles: Done) -> None:
    page = (Path(__file__).parents[1] / "docs" / "real-articles.md").read_text(encoding="utf-8")
    printed = re.findall(r"^(\w+) +([\d,]+) +([\d,]+)(?: |$)", page, re.M)
    found = [(s["stage"], f"{s['in']:,}", f"{s['kept']:,}") for s in articles.outcome.funnel["stages"]]
    assert printed == found


def test_every_figure_with_an_id_is_a_row(shared: Path, articles: Done) -> None:
    found = {(row["archive"], row["fig_id"]) for row in articles.measured("extract")}
    named = {(place(article), figure["id"]) for article, figure in figures(shared) if figure["id"]}
    assert len(named) > 700
    assert named <= found


def test_every_available_image_is_a_row(shared: Path, articles: Done) -> None:
    found = {(row["archive"], row["file"]): row["drop"] for row in articles.measured("extract")}
    at_hand = [
        (place(article), figure["image"])
        for article, figure in figures(shared)
        if figure["image"] and (shared / "data" / article["path"] / figure["image"]).exists()
    ]
    assert len(at_hand) == 24
    assert [found.get(entry, "not found") for entry in at_hand] == [None] * 24


def test_every_image_of_a_publishers_zip_is_accounted_for(shared: Path, zips: Done) -> None:
    packed = Counter[str]()
    for path in (shared / "data" / "packages_zip").glob("*.zip"):
        names = zipfile.ZipFile(path).namelist()
        packed[path.name] = sum(name.endswith(IMAGES) and not name.startswith("__MACOSX") for name in names)
    named = {(row["archive"], row["file"]) for row in zips.measured("extract") if row["file"]}
    assert packed == Counter(archive for archive, _ in named)
    assert zips.counts["articles"] == 5  # four in one zip, one in the other


def test_a_zip_of_four_articles_gives_each_its_own_figures(zips: Done) -> None:
    mine = [row for row in zips.measured("extract") if row["archive"] == "scielo_package_with_subdir.zip"]
    assert {row["figure_id"].partition("+")[2]: row["file"] for row in mine} == {
        "2318-0889-tinf-33-e200025/f01/0": "2318-0889-tinf-33-e200025-gf01.tif",
        "2318-0889-tinf-33-e200025/f02/0": "2318-0889-tinf-33-e200025-gf02.tif",
        "2318-0889-tinf-33-e200039/f01/0": "2318-0889-tinf-33-e200039-gf01.tif",
    }
    assert zips.counted()["scielo_package_with_subdir.zip"]["articles_without_figures"] == 2


def test_images_that_no_figure_names_are_dropped_as_scope_and_never_assigned_by_guessing(zips: Done) -> None:
    mine = [row for row in zips.measured("extract") if row["archive"] == "scielo_1414-431X_documentstore.zip"]
    assert Counter(row["drop"] for row in mine) == {"missing": 2, "scope": 4}


def place(article: Row) -> str:
    """Returns the place in the folder source of an article of articles.jsonl."""
    return f"{article['path'].removeprefix('articles/')}/{article['xml']}"


def of_the_articles(shared: Path) -> Iterator[Row]:
    with (shared / "data" / "articles.jsonl").open(encoding="utf-8") as fh:
        yield from map(json.loads, fh)


def figures(shared: Path) -> Iterator[tuple[Row, Row]]:
    for article in of_the_articles(shared):
        yield from ((article, figure) for figure in article["figs"])
