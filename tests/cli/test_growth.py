"""What `roco run` prints about the release that it replaces, and about one that has no or hardly any images."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from roco.cli.losses import why_empty, why_nearly_empty
from tests.cli.command import DONE, Command, contents


def edit(recipe: Path, old: str, new: str) -> None:
    text = recipe.read_text()
    assert old in text
    recipe.write_text(text.replace(old, new))


def test_a_run_with_another_recipe_reports_what_grew_and_what_was_carried_over(command: Command, run: Path) -> None:
    release = run / "run" / "release"
    (release / "NOTES.md").write_text("mine")
    (release / "README.md").write_text("edited")
    edit(run / "demo.toml", 'allow = ["CC-BY", "CC-BY-NC"]', 'allow = ["CC-BY"]')
    result = command("run", run / "demo.toml", "--workers", "0")
    assert result.code == DONE
    assert (
        "grown from the previous release: 37 images kept their id and split, 0 added, 10 retired (tombstones.csv)\n"
        "carried over into the new release: NOTES.md\n"
        "README.md had been edited or damaged: that file is README.edited.md now; move it before roco verify\n"
    ) in result.out
    assert (release / "README.edited.md").read_text() == "edited"
    again = command("run", run / "demo.toml", "--workers", "0")
    assert "grown" not in again.out and "carried" not in again.out


def test_new_ids_are_reported_with_how_many_changed(command: Command, run: Path) -> None:
    edit(run / "demo.toml", 'allow = ["CC-BY", "CC-BY-NC"]', 'allow = ["CC-BY"]')
    command("run", run / "demo.toml", "--workers", "0")
    result = command("run", run / "demo.toml", "--workers", "0", "--new-ids", "--json")
    changes = json.loads(result.out)["changes"]
    assert changes["renumbered"] > 0 and changes["kept"] + changes["changed"] == 37
    assert changes["retired"] == changes["added"] == 0
    printed = command("run", run / "demo.toml", "--workers", "0", "--new-ids")
    assert "assigned anew" not in printed.out  # they are new already


def test_changed_options_without_effect_on_released_images_are_reported_once(command: Command, run: Path) -> None:
    recipe, before = run / "demo.toml", contents(run / "run" / "release")
    edit(recipe, "fractions = [0.6, 0.2, 0.2]", "fractions = [0.5, 0.25, 0.25]")
    edit(recipe, 'use = "release"\n', 'use = "release"\nprefix = "mine"\n')
    options = "split.fractions, release.prefix"
    line = f"changed options apply to new images only: {options}; for all images: roco run {recipe} --new-ids\n"
    assert line in command("run", recipe, "--dry").out
    assert line in command("run", recipe, "--workers", "0").out
    assert contents(run / "run" / "release")["train_captions.csv"] == before["train_captions.csv"]
    again = command("run", recipe, "--workers", "0")
    assert (again.code, "changed options" in again.out) == (DONE, False)
    assert "changed options" not in command("run", recipe, "--dry").out


def test_changed_options_that_new_ids_apply_are_not_reported(command: Command, run: Path) -> None:
    edit(run / "demo.toml", 'use = "release"\n', 'use = "release"\nprefix = "mine"\n')
    result = json.loads(command("run", run / "demo.toml", "--workers", "0", "--new-ids", "--json").out)
    assert (result["only_new"], result["changes"]["renumbered"]) == ([], 47)


def test_a_changed_filter_is_not_reported_as_without_effect(command: Command, run: Path) -> None:
    edit(run / "demo.toml", 'allow = ["CC-BY", "CC-BY-NC"]', 'allow = ["CC-BY"]')
    result = json.loads(command("run", run / "demo.toml", "--workers", "0", "--json").out)
    assert (result["only_new"], result["changes"]["retired"]) == ([], 10)


def test_new_ids_and_slices_exclude_each_other(command: Command, demo: Path) -> None:
    result = command("run", demo / "demo.toml", "--new-ids", "--parts", "1/2")
    assert (result.code, result.err.splitlines()[0]) == (2, "error: a slice assigns no ids (--new-ids with --parts)")


def test_a_dry_run_says_that_ids_are_kept(command: Command, run: Path) -> None:
    result = command("run", run / "demo.toml", "--dry")
    assert "release: keeps the 47 ids assigned so far (unless --new-ids)\n" in result.out


def test_a_run_that_releases_nothing_names_the_stage_and_exits_with_1(command: Command, demo: Path) -> None:
    edit(demo / "demo.toml", 'allow = ["CC-BY", "CC-BY-NC"]', 'allow = ["CC0"]')
    result = command("run", demo / "demo.toml", "--workers", "0")
    assert result.code == 1
    assert "license      66     0       66" in result.out
    assert result.err.splitlines()[-2:] == [
        "error: nothing was released: stage 'license' dropped 66 of 66 figures (65 license, 1 retracted)",
        f"  relax that stage, or check its input; roco status {demo / 'demo.toml'} shows all stages",
    ]
    as_json = command("run", demo / "demo.toml", "--workers", "0", "--json")
    assert as_json.code == 1 and json.loads(as_json.out)["stages"][-1]["kept"] == 0


def test_a_run_that_releases_nothing_leaves_the_previous_release(command: Command, run: Path) -> None:
    before = contents(run / "run" / "release")
    edit(run / "demo.toml", 'allow = ["CC-BY", "CC-BY-NC"]', 'allow = ["CC0"]')
    result = command("run", run / "demo.toml", "--workers", "0")
    assert result.code == 1 and "/release is unchanged\n" in result.err
    assert contents(run / "run" / "release") == before


def test_a_run_that_stops_before_the_release_is_a_success(command: Command, demo: Path) -> None:
    edit(demo / "demo.toml", 'allow = ["CC-BY", "CC-BY-NC"]', 'allow = ["CC0"]')
    assert command("run", demo / "demo.toml", "--workers", "0", "--until", "split").code == DONE
    assert command("run", demo / "demo.toml", "--workers", "0", "--parts", "1/1").code == DONE


def test_a_nearly_empty_release_is_a_success_with_a_warning_that_names_the_stage(command: Command, demo: Path) -> None:
    edit(demo / "demo.toml", 'keep = ["en"]', 'keep = ["fr"]')
    result = command("run", demo / "demo.toml", "--workers", "0")
    assert result.code == DONE
    [warning] = [line for line in result.err.splitlines() if line.startswith("warning: ")]
    assert warning.startswith("warning: the release has only ") and "stage 'language' dropped " in warning


def stages(*flows: tuple[str, int, dict[str, int]]) -> list[dict[str, object]]:
    rows = []
    for name, rows_in, dropped in flows:
        rows.append({"stage": name, "in": rows_in, "kept": rows_in - sum(dropped.values()), "dropped": dropped})
    return rows


ALL_MISSING = stages(("extract", 3, {"missing": 3}), ("license", 0, {}))
LAST_ONE = stages(("extract", 9, {}), ("license", 9, {"license": 8}), ("caption", 1, {"caption": 1}), ("split", 0, {}))


@pytest.mark.parametrize(
    ("flows", "reason"),
    [
        (stages(("extract", 0, {}), ("license", 0, {})), "the articles contain no figures"),
        (ALL_MISSING, "stage 'extract' dropped 3 of 3 figures (3 missing)"),
        (
            LAST_ONE,
            (
                "stage 'caption' dropped the last 1 of 1 figure (1 caption); "
                "'license' had dropped 8 of 9 figures (8 license)"
            ),
        ),
        (stages(("extract", 9, {"missing": 8}), ("split", 1, {})), None),
        ([], None),
    ],
)
def test_the_stage_that_emptied_a_release_is_named(flows: list[dict[str, object]], reason: str | None) -> None:
    assert why_empty(flows) == reason


@pytest.mark.parametrize(
    ("figures", "images", "is_nearly_empty"),
    [
        (76, 47, False), (76, 1, True), (12, 5, True), (5, 4, False), (10, 9, False), (200, 21, False), (200, 19, True),
        (7_000_000, 80_000, False), (7_000_000, 900, True), (50, 0, False),
    ],
)  # fmt: skip
def test_a_release_is_nearly_empty_with_few_images_or_a_small_share(
    figures: int, images: int, is_nearly_empty: bool
) -> None:
    flows = stages(("extract", figures, {}), ("cutoff", figures, {"concepts": figures - images}))
    reason = why_nearly_empty(flows)
    assert (reason is not None) == is_nearly_empty
    if reason:
        assert reason.startswith(f"{images:,} of {figures:,} figures; stage 'cutoff' dropped {figures - images:,} of ")
