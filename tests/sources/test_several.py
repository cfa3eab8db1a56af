"""Several sources in one recipe: new articles together with an earlier dataset."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

import roco
from roco.errors import Refused
from roco.sources.package import PackageSource
from roco.sources.release import ReleaseSource
from roco.sources.several import Several
from tests.sources.test_release import IDS, published

STAGES = ("license", "image", "retraction", "pins", "dedup", "merge", "split", "release")


def recipe(folder: Path, *sources: tuple[str, Path], stages: tuple[str, ...] = STAGES, more: str = "") -> Path:
    path = folder / "merge.toml"
    told = "".join(f'[[source]]\nkind = "{kind}"\npath = "{where}"\n' for kind, where in sources)
    path.write_text(f'[run]\nfolder = "run"\n{more}{told}' + "".join(f'[[stage]]\nuse = "{use}"\n' for use in stages))
    return path


def test_new_articles_and_a_dataset_make_one_release(finished_demo: Path, tmp_path: Path) -> None:
    packages, dataset = finished_demo / "corpus" / "package", published(tmp_path / "rocov2")
    release = roco.load_recipe(recipe(tmp_path, ("package", packages), ("release", dataset))).run(workers=1).release
    assert release is not None and roco.verify(release) == []
    rows = roco.load(release).to_pylist()
    origins = {row["origin"] for row in rows}
    assert origins == {"package", "release"}
    assert {row["given_id"] for row in rows if row["origin"] == "release"} == {id for ids in IDS.values() for id in ids}
    text = (tmp_path / "run" / "recipe.toml").read_text()
    assert text.count("[[source]]") == 2


def test_an_article_in_both_keeps_one_of_each_image_in_one_split(finished_demo: Path, tmp_path: Path) -> None:
    packages, first = finished_demo / "corpus" / "package", finished_demo / "run" / "release"
    release = roco.load_recipe(recipe(tmp_path, ("package", packages), ("release", first))).run(workers=0).release
    assert release is not None and roco.verify(release) == []
    rows = roco.load(release).to_pylist()
    assert len({row["sha256"] for row in rows}) == len(rows)
    removed = pq.read_table(release / "removed.parquet").to_pylist()
    assert sum(row["drop"] == "duplicate" for row in removed) >= 47
    assert not any(row["drop"] == "superseded" for row in removed)


def test_what_is_known_of_each_source_is_not_opened_again(finished_demo: Path, tmp_path: Path) -> None:
    packages, dataset = finished_demo / "corpus" / "package", published(tmp_path / "rocov2")
    source = Several.of(PackageSource(path=packages), ReleaseSource(path=dataset), PackageSource(path=packages))
    table = source.listing(None)
    assert table.equals(source.listing(table))
    assert len(set(table["article"].to_pylist())) == len(table)
    places = table["place"].to_pylist()
    assert {place[0] for place in places} == {"0", "1", "2"}
    assert {source.origin(place) for place in places if place[0] == "1"} == {"release"}


def test_a_place_of_no_source_is_refused(tmp_path: Path) -> None:
    source = Several.of(ReleaseSource(path=published(tmp_path / "rocov2")))
    for place in ("7/PMC11", "PMC11", "x/y", "-1/PMC11"):
        with pytest.raises(Refused):
            source.open(place)


def test_a_run_folder_in_any_of_the_sources_is_refused(finished_demo: Path, tmp_path: Path) -> None:
    dataset = published(tmp_path / "rocov2")
    path = recipe(dataset, ("package", finished_demo / "corpus" / "package"), ("release", dataset))
    with pytest.raises(roco.RecipeError, match="lies in the source"):
        roco.load_recipe(path)


def test_an_empty_list_of_sources_is_told(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text('source = []\n[run]\nfolder = "run"\nbase = "rocov2"\n')
    with pytest.raises(roco.RecipeError, match="source"):
        roco.load_recipe(path)
