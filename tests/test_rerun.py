"""A run whose folder contains a release already: it grows from it, replaces it as a whole, and deletes nothing else."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

import roco
from roco.base.files import file_digest
from roco.core.run import Outcome
from tests.test_growth import STAGES, corpus, images


def run(root: Path, name: str = "run", stages: tuple[str, ...] = STAGES, more: str = "", **options: Any) -> Outcome:
    """Runs a recipe over the folder `articles` of the root."""
    recipe = root / f"{name}.toml"
    listed = "".join(f'[[stage]]\nuse = "{use}"\n' for use in stages)
    recipe.write_text(f'[run]\nfolder = "{name}"\n{more}[source]\nkind = "folder"\npath = "articles"\n{listed}')
    outcome = roco.load_recipe(recipe).run(workers=0, **options)
    if outcome.release is not None:
        problems = {problem.what for problem in roco.verify(outcome.release)}
        assert problems <= {"unexpected file (not in checksums.sha256)", "not a regular file"}  # those of others
    return outcome


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "release").iterdir() if path.is_file()}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run over 30 articles."""
    root = tmp_path_factory.mktemp("rerun")
    corpus(root / "articles", range(11, 41))
    run(root)
    return root


@pytest.fixture
def root(first: Path, tmp_path: Path) -> Path:
    """A copy of the finished run."""
    return Path(shutil.copytree(first, tmp_path / "copy"))


@pytest.fixture(scope="module")
def second(first: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run after ten articles were added, the first of which precede all others."""
    root = Path(shutil.copytree(first, tmp_path_factory.mktemp("grown") / "root"))
    corpus(root / "articles", [*range(1, 6), *range(41, 46)])  # type: ignore[arg-type]
    run(root)
    return root


def test_a_plain_rerun_changes_no_byte_and_no_time(root: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (root / "run" / "release").iterdir()}
    content = files(root / "run")
    outcome = run(root)
    assert (outcome.changes, dict(outcome.carried)) == (None, {})
    assert files(root / "run") == content
    assert {path: path.stat().st_mtime_ns for path in (root / "run" / "release").iterdir()} == before


def test_a_run_with_more_articles_grows_from_the_release_in_its_folder(first: Path, second: Path) -> None:
    old, new = images(first / "run" / "release"), images(second / "run" / "release")
    assert len(new) == len(old) + 10
    assert {key: new[key] for key in old} == old
    fresh = [row for key, row in new.items() if key not in old]
    for row in fresh:
        assert row["id"] > max(one["id"] for one in old.values() if one["split"] == row["split"])


def test_growing_in_the_folder_gives_the_bytes_of_growing_from_that_release_elsewhere(
    first: Path, second: Path, tmp_path: Path
) -> None:
    shutil.copytree(first / "run" / "release", tmp_path / "old")
    shutil.copytree(second / "articles", tmp_path / "articles")
    run(tmp_path, more='previous = "old"\n')
    here, there = files(second / "run"), files(tmp_path / "run")
    assert {name for name in here if here[name] != there[name]} == {"README.md", "checksums.sha256"}  # an option


def test_a_run_that_grew_records_the_release_that_it_grew_from(first: Path, second: Path) -> None:
    checksums = file_digest(first / "run" / "release" / "checksums.sha256")
    assert json.loads((second / "run" / "release" / "funnel.json").read_text())["grown_from"] == checksums
    recipe = tomllib.loads((second / "run" / "recipe.toml").read_text())
    assert recipe["grown_from"] == {"checksums": checksums, "ids": 30}
    assert "grown_from" not in tomllib.loads((first / "run" / "recipe.toml").read_text())
    run(second)  # nothing to do, and nothing forgotten
    assert tomllib.loads((second / "run" / "recipe.toml").read_text()) == recipe


@pytest.mark.parametrize("loss", ["release", "release/figures.parquet", "manifest.json", "decisions", "release/*.zip"])
def test_whatever_of_a_grown_release_is_lost_comes_back_with_the_same_bytes(
    second: Path, tmp_path: Path, loss: str
) -> None:
    root = Path(shutil.copytree(second, tmp_path / "copy"))
    for path in (root / "run").glob(loss):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    run(root)
    assert files(root / "run") == files(second / "run")


def test_a_corrupt_file_of_a_grown_release_is_written_again_and_kept_beside_it(second: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(second, tmp_path / "copy"))
    damaged = root / "run" / "release" / "figures.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-9])
    assert dict(run(root).carried) == {"figures.parquet": "figures.edited.parquet"}
    expected = files(second / "run")
    assert {name: data for name, data in files(root / "run").items() if name in expected} == expected


def test_the_changes_are_reported_in_numbers(root: Path) -> None:
    corpus(root / "articles", range(1, 5))
    (root / "articles" / "PMC20.tar.gz").unlink()
    changes = run(root).changes
    assert changes is not None and changes._asdict() == {
        "kept": 29, "added": 4, "retired": 1, "changed": 0, "renumbered": 0, "moved": 0,
    }  # fmt: skip
    assert "superseded" in (root / "run" / "release" / "tombstones.csv").read_text()


def test_new_ids_are_assigned_only_on_request_and_are_those_of_a_fresh_run(second: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(second, tmp_path / "copy"))
    changes = run(root, new_ids=True).changes
    assert changes is not None and changes.renumbered > 20 and changes.n_before == 40
    shutil.copytree(root / "articles", tmp_path / "fresh" / "articles")
    run(tmp_path / "fresh")
    assert files(root / "run") == files(tmp_path / "fresh" / "run")
    assert run(root).changes is None and run(root, new_ids=True).changes is None  # both have nothing to do
    assert files(root / "run") == files(tmp_path / "fresh" / "run")


def test_an_image_that_an_edited_recipe_drops_is_retired_and_returns_with_its_id_and_split(root: Path) -> None:
    before = images(root / "run" / "release")
    corpus(root / "articles", range(15, 17), license="by-nd")
    changes = run(root).changes
    assert changes is not None and changes.retired == 2
    assert set(images(root / "run" / "release")) == before.keys() - {"PMC15", "PMC16"}
    tombstones = (root / "run" / "release" / "tombstones.csv").read_text()
    assert tombstones.count(",license,") == 2
    corpus(root / "articles", range(15, 17))
    corpus(root / "articles", range(1, 3))
    run(root)
    after = images(root / "run" / "release")
    assert {key: after[key] for key in before} == before
    assert (root / "run" / "release" / "tombstones.csv").read_text().count("\n") == 1


def test_a_retired_id_is_not_given_to_another_image_after_several_releases(root: Path) -> None:
    last = max(row["id"] for row in images(root / "run" / "release").values() if row["split"] == "train")
    article = next(key for key, row in images(root / "run" / "release").items() if row["id"] == last)
    (root / "articles" / f"{article}.tar.gz").unlink()
    used = {row["id"] for row in images(root / "run" / "release").values()}
    for numbers in (range(50, 60), range(60, 70)):
        run(root)
        corpus(root / "articles", numbers)
    run(root)
    new = images(root / "run" / "release")
    assert last not in {row["id"] for row in new.values()}
    assert len({row["id"] for row in new.values()} - used) == 20


def test_a_recipe_whose_stages_would_change_ids_is_refused_and_the_release_is_unchanged(root: Path) -> None:
    corpus(root / "articles", range(1, 6))
    before = files(root / "run")
    without_pins = tuple(stage for stage in STAGES if stage != "pins")
    with pytest.raises(roco.DataError, match=r"would change: 3\d would have another id") as caught:
        run(root, stages=without_pins)
    assert "--new-ids" in caught.value.hint and "add the stage 'pins'" in caught.value.hint
    assert files(root / "run") == before
    run(root, stages=without_pins, new_ids=True)
    assert len(images(root / "run" / "release")) == 35


def test_another_previous_release_takes_precedence_but_changes_ids_on_request_only(
    root: Path, second: Path, tmp_path: Path
) -> None:
    """The release `b` has the same images as the one in the run folder, with other ids."""
    shutil.copytree(second / "articles", tmp_path / "other" / "articles")
    run(tmp_path / "other")
    shutil.copytree(tmp_path / "other" / "run" / "release", root / "b")
    with pytest.raises(roco.DataError, match=r"would change: [0-9]+ would have another id") as caught:
        run(root, more='previous = "b"\n')
    assert "--new-ids" in caught.value.hint
    run(root, more='previous = "b"\n', new_ids=True)
    named, after = images(root / "b"), images(root / "run" / "release")
    assert after == {key: named[key] for key in after}


def test_a_previous_release_that_has_grown_itself_is_grown_from_together_with_the_one_in_the_folder(
    first: Path, second: Path, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(first / "articles", tmp_path / "articles")).parent
    shutil.copytree(first / "run" / "release", root / "old")
    corpus(root / "articles", range(60, 61))
    run(root, more='previous = "old"\n')
    before = images(root / "run" / "release")
    corpus(root / "articles", range(61, 63))
    changes = run(root, more='previous = "old"\n').changes
    assert changes is not None and (changes.kept, changes.added, changes.changed) == (31, 2, 0)
    after = images(root / "run" / "release")
    assert {key: after[key] for key in before} == before


def test_another_split_is_assigned_to_new_images_only(root: Path) -> None:
    before = images(root / "run" / "release")
    recipe = root / "run.toml"
    recipe.write_text(recipe.read_text().replace('use = "split"\n', 'use = "split"\nfractions = [0.0, 0.0, 1.0]\n'))
    corpus(root / "articles", range(50, 60))
    roco.load_recipe(recipe).run(workers=0)
    after = images(root / "run" / "release")
    assert {key: after[key] for key in before} == before
    assert {row["split"] for key, row in after.items() if key not in before} == {"test"}


# --- the folder -----------------------------------------------------------------------------------------------------


def test_a_release_that_was_moved_away_is_grown_from_nevertheless(root: Path) -> None:
    before = images(root / "run" / "release")
    (root / "run" / "release").rename(root / "releases-2026")
    corpus(root / "articles", range(1, 6))
    changes = run(root).changes
    assert changes is not None and (changes.kept, changes.added) == (30, 5)
    after = images(root / "run" / "release")
    assert {key: after[key] for key in before} == before


def test_an_older_release_that_was_put_back_is_the_one_to_grow_from(first: Path, second: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(second, tmp_path / "copy"))
    shutil.rmtree(root / "run" / "release")
    shutil.copytree(first / "run" / "release", root / "run" / "release")
    corpus(root / "articles", range(50, 51))
    changes = run(root).changes
    assert changes is not None and (changes.kept, changes.added) == (30, 11)


def test_a_release_of_another_run_is_grown_from_where_it_is_copied_to_a_new_run_folder(
    first: Path, tmp_path: Path
) -> None:
    shutil.copytree(first / "run" / "release", tmp_path / "run" / "release")
    corpus(tmp_path / "articles", range(1, 41))
    changes = run(tmp_path).changes
    assert changes is not None and (changes.kept, changes.added) == (30, 10)


@pytest.mark.parametrize("lost", ["ledger", "ledger/published.json", "ledger/*.parquet"])
def test_without_its_ledger_a_run_grows_from_the_release_itself(root: Path, lost: str) -> None:
    before = images(root / "run" / "release")
    for path in (root / "run").glob(lost):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    corpus(root / "articles", range(1, 6))
    run(root)
    after = images(root / "run" / "release")
    assert {key: after[key] for key in before} == before


def test_without_the_record_of_what_it_wrote_a_run_keeps_no_second_copy_of_equal_files(root: Path) -> None:
    release = root / "run" / "release"
    before = {path.name for path in release.iterdir()}
    (release / "README.md").write_text("mine")
    shutil.rmtree(root / "run" / "ledger")
    run(root)
    assert {path.name for path in release.iterdir()} == before | {"README.edited.md"}
    assert (release / "README.edited.md").read_text() == "mine"


def test_a_run_without_ledger_and_release_stops_rather_than_assign_ids_anew(root: Path) -> None:
    for path in (root / "run" / "ledger").glob("*.parquet"):
        path.write_bytes(b"corrupt")
    shutil.rmtree(root / "run" / "release")
    corpus(root / "articles", range(1, 6))
    with pytest.raises(roco.DataError, match="the ids of the last release are lost") as caught:
        run(root)
    assert "--new-ids" in caught.value.hint
    assert run(root, new_ids=True).release is not None


def test_files_of_others_are_carried_over_and_reported(root: Path) -> None:
    release = root / "run" / "release"
    (release / "NOTES.md").write_text("mine")
    (release / "mine" / "deep").mkdir(parents=True)
    (release / "mine" / "deep" / "a.txt").write_text("also mine")
    (release / "README.md").write_text("edited")
    (release / ".hidden").write_text("hidden")
    corpus(root / "articles", range(1, 3))
    outcome = run(root)
    assert dict(outcome.carried) == {
        ".hidden": ".hidden", "NOTES.md": "NOTES.md", "mine": "mine", "README.md": "README.edited.md",
    }  # fmt: skip
    assert (release / "NOTES.md").read_text() == "mine"
    assert (release / "mine" / "deep" / "a.txt").read_text() == "also mine"
    assert (release / "README.edited.md").read_text() == "edited"
    assert (release / "README.md").read_text() != "edited"
    assert run(root).carried == {}
    assert (release / "NOTES.md").read_text() == "mine"


def test_an_edited_file_is_not_taken_for_one_of_the_run_although_its_checksum_was_updated(root: Path) -> None:
    release = root / "run" / "release"
    before = file_digest(release / "README.md")
    (release / "README.md").write_text("edited")
    checksums = (release / "checksums.sha256").read_text()
    (release / "checksums.sha256").write_text(checksums.replace(before, file_digest(release / "README.md")))
    corpus(root / "articles", range(1, 3))
    carried = run(root).carried
    assert carried["README.md"] == "README.edited.md" and carried["checksums.sha256"] == "checksums.edited.sha256"
    assert (release / "README.edited.md").read_text() == "edited"


def test_a_file_that_is_edited_again_does_not_replace_the_first_edit(root: Path) -> None:
    release = root / "run" / "release"
    for number, text in ((1, "first edit"), (2, "second edit")):
        (release / "README.md").write_text(text)
        corpus(root / "articles", range(number, number + 1))
        run(root)
    assert (release / "README.edited.md").read_text() == "first edit"
    assert (release / "README.edited-2.md").read_text() == "second edit"


def test_a_folder_that_is_no_release_stops_the_run_before_any_article_is_read(tmp_path: Path) -> None:
    corpus(tmp_path / "articles", range(1, 3))
    (tmp_path / "run" / "release").mkdir(parents=True)
    (tmp_path / "run" / "release" / "thesis.tex").write_text("mine")
    with pytest.raises(roco.DataError, match=r"not a release that this run can replace: .*has no checksums") as caught:
        run(tmp_path)
    assert "move it out of" in caught.value.hint
    assert not (tmp_path / "run" / "measures").exists()
    assert (tmp_path / "run" / "release" / "thesis.tex").read_text() == "mine"


def test_the_published_layout_in_the_place_of_the_release_stops_the_run(tmp_path: Path) -> None:
    corpus(tmp_path / "articles", range(1, 3))
    (tmp_path / "run" / "release").mkdir(parents=True)
    (tmp_path / "run" / "release" / "license_information.csv").write_text("ID,PMCID,Attribution,Link\n")
    with pytest.raises(roco.DataError, match="not a release that this run can replace"):
        run(tmp_path)


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_file_or_link_in_the_place_of_the_release_stops_the_run(root: Path, tmp_path: Path, kind: str) -> None:
    release = root / "run" / "release"
    release.rename(tmp_path / "elsewhere")
    if kind == "file":
        release.write_text("mine")
    else:
        release.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(roco.DataError, match="not a folder"):
        run(root)
    assert (tmp_path / "elsewhere" / "figures.parquet").exists()


def test_a_copied_run_folder_has_nothing_to_do(root: Path) -> None:
    for path in (root / "run" / "release").iterdir():
        path.touch()
    inodes = {path.name: path.stat().st_ino for path in (root / "run" / "release").iterdir()}
    assert run(root).changes is None
    assert {path.name: path.stat().st_ino for path in (root / "run" / "release").iterdir()} == inodes


# --- nothing to release ---------------------------------------------------------------------------------------------


def test_a_run_that_keeps_no_figure_leaves_the_previous_release_as_it_is(root: Path) -> None:
    before = files(root / "run")
    corpus(root / "articles", range(11, 41), license="by-nd")
    outcome = run(root)
    assert (outcome.release, outcome.complete) == (None, True)
    assert files(root / "run") == before
    corpus(root / "articles", range(11, 41))
    released = images(root / "run" / "release")
    assert run(root).release is not None
    assert images(root / "run" / "release") == released


def test_an_empty_release_is_replaced_by_the_first_one_with_images(tmp_path: Path) -> None:
    corpus(tmp_path / "articles", range(1, 3), license="by-nd")
    assert run(tmp_path).release is not None
    assert images(tmp_path / "run" / "release") == {}
    corpus(tmp_path / "articles", range(3, 5), license="by-nd")
    assert run(tmp_path).release is not None
    corpus(tmp_path / "articles", range(1, 5))
    assert run(tmp_path).release is not None
    assert len(images(tmp_path / "run" / "release")) == 4
