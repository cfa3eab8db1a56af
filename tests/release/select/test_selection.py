"""A selection and its numbers: no flag widens it, the numbers add up, samples are stable."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roco.base.errors import UsageError
from roco.base.schema import SPLITS
from roco.release.read import Release
from roco.release.select.flags import SelectOptions
from roco.release.select.selection import choose

FLAGS: dict[str, list[Any]] = {
    "where": ["year > 2016", "caption ILIKE '%ct%'", "year IS NULL OR true"],
    "commercial": [True],
    "modality": [("DRCT",), ("DRCT", "DRXR"), ("DRMR",)],
    "region": [("chest",), ("chest", "abdomen")],
    "direction": [("coronal_pa",)],
    "concept": [("C0040405",), ("C0817096", "C1306645")],
    "year": [("2018",), ("2015-2019", "2021-"), ("-2020",)],
    "license": [("CC-BY",), ("CC-BY", "CC-BY-NC")],
    "split": [("train",), ("valid", "test")],
    "language": [("en",)],
    "one_per_article": [True],
    "sample": [1, 5, 1000],
}
some_flags = st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in FLAGS.items()})


@settings(max_examples=40)
@given(some_flags, st.data())
def test_no_flag_widens_a_selection_and_the_numbers_add_up(
    release: Release, options: dict[str, Any], data: st.DataObject
) -> None:
    selection = choose(release, SelectOptions(**options))
    selected = set(selection.ids)
    assert len(selection.ids) == len(selected)
    for column in ("split", "modality", "license"):
        assert sum(selection.after[column].values()) == len(selected)
        assert sum(selection.before[column].values()) == len(release) == selection.images
        for value, number in selection.after[column].items():
            assert 0 <= number <= selection.before[column][value]
    # Without one of its conditions, a selection contains the same images and perhaps more. Which image stands for its
    # article, or is in a sample, depends on the others.
    conditions = sorted(options.keys() - {"one_per_article", "sample"})
    if conditions:
        wider = {name: value for name, value in options.items() if name in conditions}
        narrower = set(choose(release, SelectOptions(**wider)).ids)
        assert selected <= narrower
        del wider[data.draw(st.sampled_from(conditions))]
        assert narrower <= set(choose(release, SelectOptions(**wider)).ids)


def test_further_values_of_a_flag_are_alternatives(release: Release) -> None:
    both = choose(release, SelectOptions(modality=("DRCT", "DRMR"))).ids
    one, other = (set(choose(release, SelectOptions(modality=(label,))).ids) for label in ("DRCT", "DRMR"))
    assert set(both) == one | other and one and other


def test_one_per_article_selects_the_first_image_of_each(release: Release) -> None:
    rows = release.table(columns=["id", "article_key"]).to_pylist()
    first: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: row["id"]):
        first.setdefault(row["article_key"], row["id"])
    assert set(choose(release, SelectOptions(one_per_article=True)).ids) == set(first.values())


def test_a_larger_sample_contains_the_smaller_one_and_another_seed_gives_another(release: Release) -> None:
    small, large = (set(choose(release, SelectOptions(sample=n, seed=7)).ids) for n in (5, 15))
    assert len(small) == 5 and len(large) == 15 and small < large
    assert set(choose(release, SelectOptions(sample=15, seed=8)).ids) != large


def test_a_sample_of_a_later_release_contains_the_same_images_unless_new_ones_come_before_them(
    release: Release, tmp_path: Any
) -> None:
    """The sample depends on article and bytes of an image, not on how many others there are or what they are called."""
    table = release.table()
    earlier = table.slice(0, 30)
    renamed = earlier.set_column(0, "id", pa.array([f"new_{id}" for id in earlier["id"].to_pylist()]))
    pq.write_table(renamed, tmp_path / "figures.parquet")
    (tmp_path / "cui_mapping.csv").write_text("CUI,Canonical name\n")
    sample = {id.removeprefix("new_") for id in choose(Release.open(tmp_path), SelectOptions(sample=10)).ids}
    of_all = set(choose(release, SelectOptions(sample=10)).ids)
    assert of_all & set(earlier["id"].to_pylist()) <= sample


def test_concepts_that_only_train_of_the_whole_release_has_are_counted(release: Release) -> None:
    selection = choose(release, SelectOptions(modality=("DRCT", "DRMR")))
    rows = {row["id"]: row for row in release.table(columns=["id", "split", "concepts"]).to_pylist()}
    chosen = [rows[id] for id in selection.ids]
    trained = {cui for row in chosen if row["split"] == "train" for cui in row["concepts"]}
    once = {cui for row in rows.values() if row["split"] == "train" for cui in row["concepts"]}
    held_out = [cui for row in chosen if row["split"] != "train" for cui in row["concepts"]]
    lost = {cui: held_out.count(cui) for cui in held_out if cui in once and cui not in trained}
    assert selection.lost == lost and lost
    assert [cui for cui, _, _ in selection.names()] == sorted(lost, key=lambda cui: (-lost[cui], cui))
    assert all(name != "unnamed" for _, name, _ in selection.names())


def test_nothing_is_lost_by_selecting_everything(release: Release) -> None:
    selection = choose(release, SelectOptions(where="true"))
    assert (selection.lost, selection.emptied, selection.before) == ({}, [], selection.after)


def test_splits_without_an_image_are_named(release: Release) -> None:
    selection = choose(release, SelectOptions(split=("valid",)))
    assert selection.emptied == [split for split in SPLITS if split != "valid"]


def test_a_flag_whose_column_the_release_lacks_is_an_error(tmp_path: Any) -> None:
    (tmp_path / "train_captions.csv").write_text("ID,Caption\na,b\n")
    published = Release.open(tmp_path)
    with pytest.raises(UsageError, match="the release has no column 'year'"):
        choose(published, SelectOptions(year=("2018",)))
