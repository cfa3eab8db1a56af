"""Several sources in one recipe: new articles together with an earlier dataset."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import roco
from roco.base.errors import RejectedInput
from roco.sources.dataset import ReleaseSource
from roco.sources.listing import Row
from roco.sources.package import PackageSource
from roco.sources.several import Several, _numbered
from tests.sources.test_dataset import IDS, published

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
    rows = roco.load(release).to_arrow().to_pylist()
    origins = {row["origin"] for row in rows}
    assert origins == {"package", "release"}
    assert {row["given_id"] for row in rows if row["origin"] == "release"} == {id for ids in IDS.values() for id in ids}
    text = (tmp_path / "run" / "recipe.toml").read_text()
    assert text.count("[[source]]") == 2


def test_an_article_in_both_sources_keeps_one_copy_of_each_image_in_one_split(
    finished_demo: Path, tmp_path: Path
) -> None:
    packages, first = finished_demo / "corpus" / "package", finished_demo / "run" / "release"
    release = roco.load_recipe(recipe(tmp_path, ("package", packages), ("release", first))).run(workers=0).release
    assert release is not None and roco.verify(release) == []
    rows = roco.load(release).to_arrow().to_pylist()
    assert len({row["sha256"] for row in rows}) == len(rows)
    removed = pq.read_table(release / "removed.parquet").to_pylist()
    assert sum(row["drop"] == "duplicate" for row in removed) >= 47
    assert not any(row["drop"] == "superseded" for row in removed)


def test_unchanged_packages_of_each_source_are_not_opened_again(finished_demo: Path, tmp_path: Path) -> None:
    packages, dataset = finished_demo / "corpus" / "package", published(tmp_path / "rocov2")
    source = Several.of(PackageSource(path=packages), ReleaseSource(path=dataset), PackageSource(path=packages))
    table = source.listing(None)
    assert table.equals(source.listing(table))
    assert len(set(table["article"].to_pylist())) == len(table)
    places = table["place"].to_pylist()
    assert {place[0] for place in places} == {"0", "1", "2"}
    assert {source.origin(place) for place in places if place[0] == "1"} == {"release"}


def test_facts_that_name_another_article_are_kept() -> None:
    row = Row("PMC1", "digest", "PMC1.tar.gz", "stamp", '{"pmcid": "PMC2"}')
    assert json.loads(_numbered(row, "1/", is_first=False).facts) == {"pmcid": "PMC2"}
    named_by_article = row._replace(facts="{}")
    assert json.loads(_numbered(named_by_article, "1/", is_first=False).facts) == {"pmcid": "PMC1"}
    assert _numbered(named_by_article, "0/", is_first=True).facts == "{}"


def test_the_third_of_eleven_sources_precedes_the_last(tmp_path: Path) -> None:
    """The stage `identity` keeps the package whose place is first."""
    source = Several.of(*(ReleaseSource(path=published(tmp_path / str(number))) for number in range(11)))
    table = source.listing(None)
    assert table.equals(source.listing(table))
    numbers = [place.partition("/")[0] for place in table["place"].to_pylist()]
    assert sorted(set(numbers)) == [f"{number:02d}" for number in range(11)]
    assert source.open("02/PMC11").files == ReleaseSource(path=tmp_path / "2").open("PMC11").files


def test_a_place_outside_all_sources_is_rejected(tmp_path: Path) -> None:
    source = Several.of(ReleaseSource(path=published(tmp_path / "rocov2")))
    for place in ("7/PMC11", "PMC11", "x/y", "-1/PMC11"):
        with pytest.raises(RejectedInput):
            source.open(place)


def test_a_run_folder_in_any_of_the_sources_is_rejected(finished_demo: Path, tmp_path: Path) -> None:
    dataset = published(tmp_path / "rocov2")
    path = recipe(dataset, ("package", finished_demo / "corpus" / "package"), ("release", dataset))
    with pytest.raises(roco.RecipeError, match="is inside the source"):
        roco.load_recipe(path)


def test_an_empty_list_of_sources_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text('source = []\n[run]\nfolder = "run"\nbase = "rocov2"\n')
    with pytest.raises(roco.RecipeError, match="source"):
        roco.load_recipe(path)


def test_images_of_one_article_in_two_datasets_are_all_read(tmp_path: Path) -> None:
    one, two = published(tmp_path / "one"), published(tmp_path / "two")
    (two / "valid_images.zip").write_bytes((one / "test_images.zip").read_bytes().replace(b"test", b"vali"))
    release = roco.load_recipe(recipe(tmp_path, ("release", one), ("release", two))).run(workers=0).release
    assert release is not None and roco.verify(release) == []
    removed = pq.read_table(release / "removed.parquet").to_pylist()
    assert not any(row["drop"] == "superseded" for row in removed)
    assert {row["figure_id"].split("/")[1].partition("~")[2] for row in removed} == {"1"}
    assert len(roco.load(release)) == 4


def test_an_article_identified_by_its_doi_keeps_its_key(tmp_path: Path) -> None:
    first = published(tmp_path / "first")
    run = tmp_path / "a"
    run.mkdir()
    release = roco.load_recipe(recipe(run, ("release", first))).run(workers=0).release
    assert release is not None
    table = pq.read_table(release / "figures.parquet")
    keys = pa.array([f"10.1000/{i}" for i in range(len(table))])
    at = table.column_names.index("article_key")
    pq.write_table(table.set_column(at, "article_key", keys), release / "figures.parquet")
    source = Several.of(ReleaseSource(path=first), ReleaseSource(path=release))
    path = recipe(tmp_path, ("release", first), ("release", release), stages=("image", "merge", "split", "release"))
    again = roco.load_recipe(path).run(workers=0).release
    assert again is not None and len(source.listing(None)) == 3 + len(table)
    assert {*keys.to_pylist()} <= {*roco.load(again).column("article_key").to_pylist()}
