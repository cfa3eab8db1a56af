"""A duplicate that was planted in the articles, and that a release therefore lacks, finds the image that was kept."""

from __future__ import annotations

import csv
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import roco
from roco.recipes.load import load_recipe

RECIPE = """
[run]
folder = "run"
base = "rocov2"

[source]
kind = "package"
path = '{corpus}/package/oa_package'
"""


def test_the_duplicate_of_the_demo_finds_its_original_first_and_not_within_its_article(
    finished_demo: Path, tmp_path: Path
) -> None:
    release = finished_demo / "run" / "release"
    groups = pq.read_table(release / "duplicates.parquet").to_pylist()
    dropped = [row for row in groups if row["drop"] == "duplicate"]
    assert dropped
    roco.index(release, tmp_path / "index")
    index = roco.Index.open(tmp_path / "index")
    run = load_recipe(finished_demo / "demo.toml").open()
    figures = {row["figure_id"]: row for row in run.figures(["file"]).to_pylist()}
    for row in dropped:
        (kept,) = [one for one in groups if one["id"] and one["duplicate_group"] == row["duplicate_group"]]
        image = run.image(figures[row["figure_id"]])
        assert index.search(image=image, n=1)[0].id == kept["id"]
        others = index.search(image=image, n=len(index), not_same_article=True)
        assert others and kept["article_key"] not in {hit.article for hit in others}


def planted(corpus: Path) -> Iterator[tuple[str, bytes]]:
    """Yields each planted duplicate whose original is kept: the file that it is a copy of, and its bytes."""
    archives = {path.name.partition(".")[0]: path for path in (corpus / "package").rglob("*.tar.gz")}
    for row in truth(corpus):
        if row["kind"] in ("near duplicate", "exact duplicate") and row["why"] == "duplicate":
            with tarfile.open(archives[row["pmcid"]]) as archive:
                member = next(one for one in archive if one.name.endswith(f"/{row['file']}"))
                file = archive.extractfile(member)
                assert file
                yield row["origin"], file.read()


def truth(corpus: Path) -> list[dict[str, str]]:
    with (corpus / "truth.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.shared
@pytest.mark.slow
def test_each_planted_duplicate_of_composed_articles_finds_its_original_first(composed: Path, tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(RECIPE.format(corpus=composed), encoding="utf-8")
    load_recipe(tmp_path / "run.toml").run(workers=0)
    release = tmp_path / "run" / "release"
    roco.index(release, tmp_path / "index")
    index = roco.Index.open(tmp_path / "index")
    origins = {(row["pmcid"], row["file"]): row["origin"] for row in truth(composed)}
    figures = pq.read_table(release / "figures.parquet", columns=["id", "pmcid", "file"]).to_pylist()
    origin_of = {row["id"]: origins[row["pmcid"], row["file"]] for row in figures}
    found = 0
    for origin, image in planted(composed):
        if origin not in origin_of.values():
            continue  # a filter dropped the original, too
        best = index.search(image=image, n=1)[0]
        assert origin_of[best.id] == origin
        others = index.search(image=image, n=len(index), not_same_article=True)
        assert best.article not in {hit.article for hit in others}
        found += 1
    assert found >= 5
