"""A takedown: the next release lacks the images, their ids are retired for good, the old release is unchanged."""

from __future__ import annotations

import datetime
import json
import shutil
from pathlib import Path

import pytest

import roco
from roco.base.errors import DataError, UsageError
from roco.base.files import file_digest
from roco.release.diff import diff
from roco.release.read import Release
from roco.release.retract import read_ids, retract
from roco.release.select.flags import SelectOptions
from roco.release.select.subset import SELECT, select
from tests.cli.command import contents
from tests.stages.publish.finished import Run, publish
from tests.tombstones import tombstones

ID, ARTICLE = "roco_train_000001", "PMC99000001"
DAY = "2026-11-30"


@pytest.fixture(scope="module")
def parent(finished_demo: Path) -> Path:
    return finished_demo / "run" / "release"


@pytest.fixture(scope="module")
def taken(parent: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release after one image and one article were taken down."""
    out = tmp_path_factory.mktemp("taken") / "next"
    retract(parent, out, [ID, ARTICLE], "consent withdrawn", DAY, "1.1")
    return out


def images_of(folder: Path, article: str) -> set[str]:
    table = roco.Release.open(folder).table(columns=["id", "article_key"])
    return {row["id"] for row in table.to_pylist() if row["article_key"] == article}


def test_the_next_release_verifies_and_lacks_the_images(parent: Path, taken: Path) -> None:
    assert roco.verify(taken) == []
    gone = {ID, *images_of(parent, ARTICLE)}
    kept = [row for row in roco.Release.open(parent).table().to_pylist() if row["id"] not in gone]
    assert roco.Release.open(taken).table().to_pylist() == kept and len(gone) > 2
    with Release.open(parent) as old, Release.open(taken) as new:
        assert dict(new.images()) == {row["id"]: old.image(row["id"]) for row in kept}


def test_the_old_release_is_unchanged(parent: Path, tmp_path: Path) -> None:
    before = contents(parent)
    retract(parent, tmp_path / "next", [ID], "x", DAY)
    assert contents(parent) == before


def test_tombstones_state_date_and_reason_and_no_file_contains_anything_of_the_image(parent: Path, taken: Path) -> None:
    gone = {ID, *images_of(parent, ARTICLE)}
    stones = tombstones(taken)
    assert {id for id, stone in stones.items() if stone.reason == "takedown"} == gone
    assert {stones[id].detail for id in gone} == {f"{DAY}: consent withdrawn"}
    captions = [row["caption"] for row in roco.Release.open(parent).table().to_pylist() if row["id"] in gone]
    every = b"".join(contents(taken).values())
    assert captions and not [caption for caption in captions if caption.encode() in every]
    for split in ("train", "valid", "test"):
        assert not gone & {line.partition(",")[0] for line in (taken / f"{split}_captions.csv").read_text().split("\n")}


def test_funnel_and_removed_figures_continue_those_of_the_parent(parent: Path, taken: Path) -> None:
    before, after = (json.loads((folder / "funnel.json").read_text()) for folder in (parent, taken))
    gone = len({ID, *images_of(parent, ARTICLE)})
    assert after["stages"][:-1] == before["stages"]
    assert after["stages"][-1]["dropped"] == {"takedown": gone}
    assert after["grown_from"] == file_digest(parent / "checksums.sha256")
    assert {one.reason for one in diff(parent, taken).removed} == {"takedown"}
    card = (taken / "README.md").read_text()
    assert f"On {DAY}, {gone} images were taken down" in card and "| retract | decision |" in card
    assert Release.open(taken).metadata.version == "1.1"


def test_several_takedowns_follow_each_other_and_a_list_may_repeat_what_is_gone(taken: Path, tmp_path: Path) -> None:
    retraction = retract(taken, tmp_path / "third", [ID, "roco_train_000004"], "again", DAY)
    assert retraction.ids == ["roco_train_000004"]
    assert roco.verify(tmp_path / "third") == []
    stones = tombstones(tmp_path / "third")
    assert stones[ID].detail == f"{DAY}: consent withdrawn"
    assert stones["roco_train_000004"].detail == f"{DAY}: again"
    with pytest.raises(UsageError, match="all of these images have been taken down before"):
        retract(taken, tmp_path / "fourth", [ID], "again", DAY)


def test_a_subset_takes_down_what_it_does_not_contain_as_well(parent: Path, tmp_path: Path) -> None:
    select(parent, tmp_path / "subset", SelectOptions(split=("test", "valid")))
    retraction = retract(tmp_path / "subset", tmp_path / "next", [ID, ARTICLE], "x", DAY)
    assert set(retraction.ids) == images_of(tmp_path / "subset", ARTICLE)
    stones = tombstones(tmp_path / "next")
    assert stones[ID].reason == "takedown" and stones["roco_train_000004"].reason == "not_selected"
    assert (tmp_path / "next" / SELECT).read_bytes() == (tmp_path / "subset" / SELECT).read_bytes()
    assert roco.verify(tmp_path / "next") == []


@pytest.mark.parametrize(
    "id", ["PMC99000001", "pmc99000001", "10.5555/roco-demo.1", "https://doi.org/10.5555/ROCO-demo.1"]
)
def test_an_article_is_named_by_pmcid_or_doi_in_any_form(parent: Path, tmp_path: Path, id: str) -> None:
    assert set(retract(parent, tmp_path / "next", [id], "x", DAY).ids) == images_of(parent, ARTICLE)


def test_images_that_resemble_one_that_was_taken_down_are_named(tmp_path: Path) -> None:
    run = Run()
    for figure in run.figures[:2]:
        figure["similar_group"] = "PMC9-a"
    release = publish(tmp_path / "release", run)
    one, other = sorted(images_of(release, "PMC9"))
    assert retract(release, tmp_path / "next", [one], "x", DAY).similar == [other]
    assert roco.verify(tmp_path / "next") == []


def test_the_date_is_today_unless_it_is_given(parent: Path, tmp_path: Path) -> None:
    days = [datetime.datetime.now(datetime.UTC).date().isoformat()]
    retract(parent, tmp_path / "next", [ID], "x")
    days.append(datetime.datetime.now(datetime.UTC).date().isoformat())  # midnight may have passed
    assert tombstones(tmp_path / "next")[ID].detail in [f"{day}: x" for day in days]


# --- errors --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ids", "message", "hint"),
    [
        (
            ["roco_train_00001"],
            "no image or article has the id 'roco_train_00001' (--ids)",
            "did you mean 'roco_train_",
        ),
        ([ID, "PMC9900001", "y"], "has the id 'PMC9900001', and 1 more (--ids)", "did you mean 'PMC9900"),
    ],
)
def test_an_unknown_id_is_refused_with_the_nearest(
    parent: Path, tmp_path: Path, ids: list[str], message: str, hint: str
) -> None:
    with pytest.raises(UsageError) as error:
        retract(parent, tmp_path / "next", ids, "x", DAY)
    assert message in error.value.message and error.value.hint.startswith(hint)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("reason", "date", "message"),
    [
        (" ", DAY, "empty reason"),
        ("x" * 501, DAY, "invalid reason"),
        ("\x1b[31m", DAY, "invalid reason"),
        ("x", "30.11.2026", "invalid date"),
        ("x", "2026-13-01", "invalid date"),
        ("x", "20261130", "invalid date"),
    ],
)
def test_an_invalid_reason_or_date_is_an_error(
    parent: Path, tmp_path: Path, reason: str, date: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        retract(parent, tmp_path / "next", [ID], reason, date)


def test_not_every_image_can_be_taken_down(parent: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="every image would be taken down"):
        retract(parent, tmp_path / "next", roco.Release.open(parent).table()["id"].to_pylist(), "x", DAY)


def test_an_invalid_release_and_an_existing_folder_are_refused(parent: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(parent, tmp_path / "copy"))
    with pytest.raises(UsageError, match="already exists"):
        retract(parent, copy, [ID], "x", DAY)
    (copy / "test_concepts.csv").unlink()
    with pytest.raises(DataError, match="invalid release"):
        retract(copy, tmp_path / "next", [ID], "x", DAY)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("a\nb\n", ["a", "b"]),
        ("ID,why\na,x\n\n# comment\n b \na\n", ["a", "b"]),
        ("\ufeffpmcid\r\nPMC1\r\n", ["PMC1"]),
        ('"10.1/x","y"\n', ["10.1/x"]),
    ],
)
def test_ids_are_the_first_cells_of_a_file(tmp_path: Path, text: str, ids: list[str]) -> None:
    file = tmp_path / "ids.txt"
    file.write_text(text, encoding="utf-8")
    assert read_ids(file) == ids


def test_a_file_without_ids_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text("# none\n")
    with pytest.raises(DataError, match="no ids in"):
        read_ids(tmp_path / "ids.txt")


def test_ids_are_a_list_one_text_or_the_path_of_a_file(parent: Path, tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text(f"{ID}\n")
    for number, ids in enumerate(([ID], ID, tmp_path / "ids.txt")):
        assert retract(parent, tmp_path / str(number), ids, "why").ids == [ID]


# --- concepts that train loses ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained_once(parent: Path) -> tuple[str, str]:
    """An image of train, and a concept of valid or test that no other image of train has."""
    rows = roco.Release.open(parent).table(columns=["id", "split", "concepts"]).to_pylist()
    held_out = {cui for row in rows if row["split"] != "train" for cui in row["concepts"]}
    for row in rows:
        for cui in row["concepts"] if row["split"] == "train" else ():
            others = [one for one in rows if one["split"] == "train" and one is not row and cui in one["concepts"]]
            if cui in held_out and not others:
                return row["id"], cui
    raise AssertionError("the demo has no such concept")


def test_concepts_that_train_no_longer_has_are_reported(
    parent: Path, tmp_path: Path, trained_once: tuple[str, str]
) -> None:
    id, cui = trained_once
    done = retract(parent, tmp_path / "next", [id], "x", DAY)
    rows = roco.Release.open(tmp_path / "next").table().to_pylist()
    assert {one[0]: one[2] for one in done.lost}[cui] == sum(cui in row["concepts"] for row in rows) > 0
    assert done.pruned == [] and all(stage["stage"] != "prune" for stage in _stages(tmp_path / "next")[-1:])


def test_prune_removes_them_and_nothing_else(parent: Path, tmp_path: Path, trained_once: tuple[str, str]) -> None:
    id, _ = trained_once
    lost = {cui for cui, _, _ in retract(parent, tmp_path / "whole", [id], "x", DAY).lost}
    done = retract(parent, tmp_path / "next", [id], "x", DAY, prune=True)
    assert done.lost == [] and roco.verify(tmp_path / "next") == []
    assert [stage["stage"] for stage in _stages(tmp_path / "next")[-2:]] == ["retract", "prune"]
    before, after = (roco.Release.open(tmp_path / name).table().to_pylist() for name in ("whole", "next"))
    expected = {row["id"]: [cui for cui in row["concepts"] if cui not in lost] for row in before}
    assert {row["id"]: row["concepts"] for row in after} == {k: v for k, v in expected.items() if k not in done.pruned}
    assert all(expected[id] == [] for id in done.pruned)


def test_an_image_without_any_other_concept_is_dropped_and_its_id_is_not_given_again(tmp_path: Path) -> None:
    run = Run()
    parent = publish(tmp_path / "parent", run)
    table = roco.Release.open(parent).table().to_pylist()
    held_out = next(row for row in table if row["split"] != "train")
    only = "C0032285"
    for figure in run.figures:
        is_held_out = figure["figure_id"] == held_out["figure_id"]
        figure["concepts"] = [only] if is_held_out else [only, "C0040405"] if figure is run.figures[0] else ["C0040405"]
    first = next(row["id"] for row in table if row["figure_id"] == run.figures[0]["figure_id"])
    release = publish(tmp_path / "release", run)
    assert first.split("_")[1] == "train"
    done = retract(release, tmp_path / "next", [first], "x", DAY, prune=True)
    assert done.pruned == [held_out["id"]] and roco.verify(tmp_path / "next") == []
    stone = tombstones(tmp_path / "next")[held_out["id"]]
    assert (stone.reason, stone.detail) == ("concepts", "no concept that occurs in train")


def _stages(folder: Path) -> list[dict[str, object]]:
    stages: list[dict[str, object]] = json.loads((folder / "funnel.json").read_text())["stages"]
    return stages


def test_no_ids_and_an_id_in_place_of_the_file_are_explained(parent: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no ids"):
        retract(parent, tmp_path / "next", [], "why")
    with pytest.raises(DataError) as error:
        retract(parent, tmp_path / "next", Path("roco_train_000001"), "why")
    assert error.value.hint == "check the path; the file has one id per line"
