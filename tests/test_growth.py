"""The next release: kept images keep id and split, dropped images get a tombstone, numbering continues."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import roco
from roco.release.retract import retract
from roco.release.select.flags import SelectOptions
from roco.release.select.subset import select
from tests.attacks.packing import article, image, package
from tests.tombstones import tombstones

STAGES = ("license", "rights", "caption", "language", "image", "retraction", "pins", "dedup", "merge", "cutoff",
          "split", "prune", "release")  # fmt: skip


def corpus(folder: Path, numbers: range, shades: dict[int, int] | None = None, license: str = "by") -> None:
    for n in numbers:
        xml = article(f"Axial CT of the chest of patient number {n} shows a nodule in the lung", number=n)
        xml = xml.replace(b"licenses/by/", f"licenses/{license}/".encode()).replace(b"CC BY ", b"")
        path = folder / f"PMC{n}.tar.gz"
        folder.mkdir(exist_ok=True)
        path.write_bytes(package(xml, f1_jpg=image(size=(96, 80), shade=(shades or {}).get(n, n))))


def released(root: Path, source: Path, name: str, previous: str = "") -> Path:
    recipe = root / f"{name}.toml"
    more = f'previous = "{previous}"\n' if previous else ""
    source_of = f'[source]\nkind = "folder"\npath = "{source.name}"\n'
    stages = "".join(f'[[stage]]\nuse = "{use}"\n' for use in STAGES)
    recipe.write_text(f'[run]\nfolder = "{name}"\n{more}{source_of}{stages}')
    roco.load_recipe(recipe).run(workers=0)
    assert roco.verify(root / name / "release") == []
    return root / name / "release"


def images(release: Path) -> dict[str, dict[str, Any]]:
    rows = pq.read_table(release / "figures.parquet", columns=["id", "split", "article_key", "image_key"]).to_pylist()
    return {row["article_key"]: row for row in rows}


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A release of 30 articles, and the next: 20 new articles, one withdrawn, one relicensed, one renamed, one copy."""
    root = tmp_path_factory.mktemp("grown")
    source = root / "articles"
    corpus(source, range(1, 31))
    first = released(root, source, "first")
    corpus(source, range(31, 51))
    corpus(source, range(5, 6), license="by-nd")
    (source / "PMC7.tar.gz").unlink()
    (source / "PMC8.tar.gz").rename(source / "renamed.tar.gz")
    corpus(source, range(60, 61), shades={60: 9})  # the image of article 9 again
    return first, released(root, source, "second", "first/release")


def test_kept_images_keep_id_and_split(grown: tuple[Path, Path]) -> None:
    old, new = map(images, grown)
    kept = old.keys() - {"PMC5", "PMC7"}
    assert len(kept) == 28
    assert {k: (new[k]["id"], new[k]["split"]) for k in kept} == {k: (old[k]["id"], old[k]["split"]) for k in kept}


def test_new_ids_continue_from_the_highest_and_none_is_reused(grown: tuple[Path, Path]) -> None:
    old, new = map(images, grown)
    before = {row["id"] for row in old.values()}
    fresh = {row["id"]: row["split"] for key, row in new.items() if key not in old}
    assert len(fresh) == 20 and not before & fresh.keys()
    for id, split in fresh.items():
        assert int(id[-6:]) > max(int(r["id"][-6:]) for r in old.values() if r["split"] == split)


def test_a_retired_highest_id_is_not_reused(grown: tuple[Path, Path]) -> None:
    """The image with the highest number of its split is withdrawn, and two articles are added in the next releases."""
    root = grown[0].parent.parent / "retired"
    source = root / "articles"
    root.mkdir()
    corpus(source, range(1, 11))
    first = released(root, source, "first")
    last = max(images(first).values(), key=lambda row: (row["split"] == "train", row["id"]))
    (source / f"{last['article_key']}.tar.gz").unlink()
    second = released(root, source, "second", "first/release")
    assert last["id"] in (second / "tombstones.csv").read_text()
    corpus(source, range(21, 31))
    third = images(released(root, source, "third", "second/release"))
    fresh = [row["id"] for row in third.values() if row["split"] == "train" and row["article_key"] not in images(first)]
    assert fresh and min(fresh) > last["id"]


def test_dropped_images_have_a_tombstone_with_the_reason(grown: tuple[Path, Path]) -> None:
    old = images(grown[0])
    lines = (grown[1] / "tombstones.csv").read_text().splitlines()
    found = {line.split(",")[3]: line.split(",") for line in lines[1:]}
    assert found.keys() == {"PMC5", "PMC7"}
    assert (found["PMC5"][0], found["PMC5"][6]) == (old["PMC5"]["id"], "license")
    assert (found["PMC7"][0], found["PMC7"][6]) == (old["PMC7"]["id"], "superseded")


def test_a_new_copy_of_a_released_image_is_dropped_and_the_released_one_kept(grown: tuple[Path, Path]) -> None:
    removed = pq.read_table(grown[1] / "removed.parquet").to_pylist()
    assert [r["article_key"] for r in removed if r["drop"] == "duplicate"] == ["PMC60"]
    groups = pq.read_table(grown[1] / "duplicates.parquet").to_pylist()
    assert {r["article_key"] for r in groups} == {"PMC9", "PMC60"}
    assert {(r["phash_bits"], r["phash_fine_bits"]) for r in groups} <= {(0, 0), (None, None)}


def test_nothing_leaks_between_splits(grown: tuple[Path, Path]) -> None:
    for release in grown:
        assert set(json.loads((release / "leakage.json").read_text()).values()) == {0}


def test_a_next_release_without_changes_has_the_same_images_and_tombstones(grown: tuple[Path, Path]) -> None:
    root = grown[0].parent.parent
    third = released(root, root / "articles", "third", "second/release")
    assert images(third) == images(grown[1])
    assert (third / "tombstones.csv").read_bytes() == (grown[1] / "tombstones.csv").read_bytes()
    shutil.rmtree(third.parent)


def test_an_unreadable_previous_release_is_an_error(grown: tuple[Path, Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(grown[0], broken)
    (broken / "figures.parquet").write_bytes(b"no table")
    source = grown[0].parent.parent / "articles"
    shutil.copytree(source, tmp_path / "articles")
    with pytest.raises(roco.DataError, match=r"figures\.parquet: unreadable"):
        released(tmp_path, tmp_path / "articles", "again", "broken")


def test_valid_and_test_can_exclude_articles_of_a_previous_dataset(grown: tuple[Path, Path]) -> None:
    root = grown[0].parent.parent
    recipe = root / "held.toml"
    stages = "".join(f'[[stage]]\nuse = "{use}"\n' for use in STAGES if use != "split")
    held = 'held_out = { from_year = 2020, not_in = "first/release" }\nfractions = [0.6, 0.2, 0.2]\n'
    stages = stages.replace('[[stage]]\nuse = "prune"', f'[[stage]]\nuse = "split"\n{held}[[stage]]\nuse = "prune"')
    recipe.write_text(f'[run]\nfolder = "held"\n[source]\nkind = "folder"\npath = "articles"\n{stages}')
    roco.load_recipe(recipe).run(workers=1)
    before, now = images(grown[0]), images(root / "held" / "release")
    held_out = {article for article, row in now.items() if row["split"] != "train"}
    assert len(held_out) >= 15 and not held_out & before.keys()


def test_an_unusable_previous_release_is_an_error_with_a_hint(grown: tuple[Path, Path], tmp_path: Path) -> None:
    root = grown[0].parent.parent
    with pytest.raises(roco.RecipeError, match="a run folder"):
        released(root, root / "articles", "wrong", "first")
    with pytest.raises(roco.RecipeError, match="is inside the folder of this run"):
        released(root, root / "articles", "wrong", "wrong/release")
    old = shutil.copytree(grown[0], root / "published")
    for name in ("figures.parquet", "checksums.sha256"):
        (old / name).unlink()
    with pytest.raises(roco.DataError, match="not a release of roco") as caught:
        released(root, root / "articles", "wrong", "published")
    assert "make it a source" in (caught.value.hint or "")


# --- releases that are made from releases ----------------------------------------------------------------------------


def test_an_image_that_was_taken_down_does_not_come_back_and_its_id_is_not_used_again(tmp_path: Path) -> None:
    source = tmp_path / "articles"
    corpus(source, range(1, 9))
    first = released(tmp_path, source, "first")
    before = images(first)
    last = max(before.values(), key=lambda row: (row["split"] == "train", row["id"]))
    retract(first, tmp_path / "taken", [last["id"]], "consent withdrawn", "2026-11-30")
    corpus(source, range(20, 23))
    # Also in the run folder, whose own release still contains the image.
    for name in ("second", "first"):
        after = images(released(tmp_path, source, name, "taken"))
        assert after.keys() == {*before, "PMC20", "PMC21", "PMC22"} - {last["article_key"]}
        assert last["id"] not in {row["id"] for row in after.values()}
        stones = tombstones(tmp_path / name / "release")
        assert stones[last["id"]].detail == "2026-11-30: consent withdrawn"


def test_a_release_that_grows_from_a_subset_gives_each_image_the_id_it_had(tmp_path: Path) -> None:
    source = tmp_path / "articles"
    corpus(source, range(1, 13))
    first = released(tmp_path, source, "first")
    select(first, tmp_path / "subset", SelectOptions(sample=4))
    corpus(source, range(20, 23))
    after = images(released(tmp_path, source, "second", "subset"))
    before = images(first)
    assert {article: after[article] for article in before} == before
    new = {row["id"] for article, row in after.items() if article not in before}
    assert len(new) == 3 and not new & {row["id"] for row in before.values()}
