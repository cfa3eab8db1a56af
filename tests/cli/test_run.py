"""The commands on a recipe and its run: init, run, status, show, articles."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import roco
import roco.base.sealed_tables
from roco.base.guarantees import GUARANTEES
from tests.cli.command import DATA, DONE, Command, contents
from tests.stages.publish.finished import ImageFilter


def test_run_prints_the_funnel_on_stdout_and_the_next_command_on_stderr(command: Command, demo: Path) -> None:
    result = command("run", demo / "demo.toml", "--workers", "0")
    assert result.code == DONE
    assert "measured: extract 35" in result.out
    assert "3 license, 1 retracted" in result.out
    assert result.err.endswith(f"\nnext: roco verify {demo / 'run' / 'release'}\n")


def test_a_run_and_init_print_their_progress_if_stderr_is_no_terminal(command: Command, tmp_path: Path) -> None:
    progress = command("init", tmp_path / "demo").err.splitlines()
    assert progress[0] == "0 of 35 articles"
    assert any(line.startswith("35 of 35 articles, ") for line in progress)
    progress = command("run", tmp_path / "demo" / "demo.toml", "--workers", "0").err.splitlines()
    assert progress[:2] == [f"listing the articles in {tmp_path / 'demo' / 'corpus' / 'package'}", "0 of 35 articles"]
    assert any(re.match(r"35 of 35 articles, .* dropped, ", line) for line in progress[2:])


def test_quiet_prints_no_progress(command: Command, tmp_path: Path) -> None:
    assert command("init", tmp_path / "demo", "-q").err == ""
    assert command("run", tmp_path / "demo" / "demo.toml", "--workers", "0", "-q").err == ""


def test_a_second_run_measures_nothing(command: Command, run: Path) -> None:
    assert "nothing, all measurements are cached" in command("run", run / "demo.toml", "--workers", "0").out


def test_status_names_the_next_command(command: Command, demo: Path, finished_demo: Path) -> None:
    fresh = command("status", demo / "demo.toml")
    assert "not started" in fresh.out
    assert fresh.err == f"next: roco run {demo / 'demo.toml'}\n"
    done = command("status", finished_demo / "demo.toml")
    assert "complete · 35 articles in 3 parts" in done.out
    assert done.err == f"next: roco show {finished_demo / 'demo.toml'} FIGURE\n"


def test_status_and_a_dry_run_count_the_articles_of_an_incomplete_run(command: Command, demo: Path) -> None:
    recipe = demo / "demo.toml"
    command("run", recipe, "--workers", "0", "--parts", "2/2")
    assert "incomplete · 35 articles in 3 parts · 12 of 35 articles done" in command("status", recipe).out
    assert "to process: 23 articles in 2 of 3 parts\n" in command("run", recipe, "--dry").out


def test_status_prints_which_stages_are_stale_and_why(command: Command, run: Path) -> None:
    recipe = run / "demo.toml"
    recipe.write_text(recipe.read_text().replace("at_least = 0.45", "at_least = 0.5"))
    result = command("status", recipe)
    assert "stale: language (at_least: 0.45 → 0.5)" in result.out
    assert "stale: merge (comes after 'language', which changed)" in result.out
    assert "stale: mentions" not in result.out


def test_show_accepts_figure_id_file_name_article_and_id_in_the_release(command: Command, finished_demo: Path) -> None:
    recipe = finished_demo / "demo.toml"
    rows = roco.load(finished_demo / "run" / "release").to_arrow(["id", "figure_id"]).to_pylist()
    (id,) = [row["id"] for row in rows if row["figure_id"] == "PMC99000001/f2/0"]
    for name in ("PMC99000001/f2/0", "demo-1-g002.jpg", "PMC99000001", id):
        result = command("show", recipe, name)
        assert result.code == DONE
        assert "PMC99000001/f2/0" in result.out


def test_show_accepts_the_id_of_a_figure_within_its_article(command: Command, finished_demo: Path) -> None:
    traces = json.loads(command("show", finished_demo / "demo.toml", "f4", "--json").out)
    assert "PMC99000024/f4/0" in [trace["figure_id"] for trace in traces]
    assert {trace["figure_id"].split("/")[1] for trace in traces} == {"f4"}
    of_many = command("show", finished_demo / "demo.toml", "f1")
    assert of_many.code == DATA
    assert re.search(r"'f1' is the name of \d+ figures of \d+ articles", of_many.err)


def test_show_prints_why_its_trace_is_stale_and_how_to_run_again(command: Command, run: Path) -> None:
    recipe = run / "demo.toml"
    assert command("show", recipe, "PMC99000001/f2/0").err == ""
    recipe.write_text(recipe.read_text().replace("at_least = 0.45", "at_least = 0.5"))
    result = command("show", recipe, "PMC99000001/f2/0")
    assert "\n  stale: stage 'language' has changed since the last run (at_least: 0.45 → 0.5)\n" in result.out
    assert result.err == f"next: roco run {recipe}\n"
    assert "stale" not in command("show", recipe, "PMC99000018/f1/0").out  # dropped before the language is judged


def test_show_finds_a_released_file_of_a_release_that_the_last_run_did_not_write(command: Command, run: Path) -> None:
    recipe, release = run / "demo.toml", run / "run" / "release"
    (row,) = [
        row for row in roco.load(release).to_arrow(["id", "figure_id"]).to_pylist() if row["id"][-8:] == "n_000002"
    ]
    command("run", recipe, "--workers", "0", "--until", "language")
    result = command("show", recipe, release / "train_images.zip" / "train" / f"{row['id']}.jpg")
    assert result.code == DONE
    assert result.out.startswith(row["figure_id"])
    (trace,) = json.loads(command("show", recipe, row["id"], "--json").out)
    assert trace["id"] is None  # the last run ended before the release


def test_show_states_that_the_release_has_changed_since_the_run(command: Command, run: Path) -> None:
    recipe, release = run / "demo.toml", run / "run" / "release"
    (id, *_) = roco.load(release).column("id").to_pylist()
    (release / "figures.parquet").unlink()
    assert f"stale: the release in {release} does not contain it as {id}\n" in command("show", recipe, id).out


def test_show_indents_long_values(command: Command, finished_demo: Path) -> None:
    out = command("show", finished_demo / "demo.toml", "PMC99000001").out
    assert [line for line in out.splitlines() if not line.startswith(("PMC", "  "))] == []
    assert "      caption " in out


def test_show_prints_where_a_figure_was_dropped_and_why(command: Command, finished_demo: Path) -> None:
    result = command("show", finished_demo / "demo.toml", "PMC99000028/f2/0")
    assert re.search(r"^  image +dropped: unreadable \(truncated JPEG\)$", result.out, re.M)
    assert re.search(r"^  language +kept$", result.out, re.M)
    assert re.search(r"^  merge +not reached$", result.out, re.M)


def test_show_marks_stages_that_were_not_run(command: Command, demo: Path) -> None:
    command("run", demo / "demo.toml", "--workers", "0", "--until", "language")
    result = command("show", demo / "demo.toml", "PMC99000001/f2/0")
    assert re.search(r"^  extract +kept$", result.out, re.M)
    assert re.search(r"^  image +not run$", result.out, re.M)


@pytest.mark.parametrize(
    "words",
    [
        ("run", "{demo}/demo.toml", "--workers", "0", "--json"),
        ("run", "{demo}/demo.toml", "--dry", "--json"),
        ("status", "{demo}/demo.toml", "--json"),
        ("show", "{demo}/demo.toml", "PMC99000001", "--json"),
        ("stages", "--json"),
        ("verify", "{demo}/run/release", "--json"),
    ],
    ids=lambda words: " ".join(w for w in words if "{" not in w),
)
def test_stdout_contains_only_json_with_the_option_json(command: Command, run: Path, words: tuple[str, ...]) -> None:
    result = command(*(word.format(demo=run) for word in words))
    assert result.code == DONE
    assert isinstance(json.loads(result.out), dict | list)


def test_json_contains_what_the_tables_contain(command: Command, finished_demo: Path) -> None:
    status = json.loads(command("status", finished_demo / "demo.toml", "--json").out)
    assert status["state"] == "complete"
    assert status["stages"][-1]["kept"] == 47
    (trace,) = json.loads(command("show", finished_demo / "demo.toml", "PMC99000028/f2/0", "--json").out)
    assert trace["dropped_at"] == "image"
    assert json.loads(command("verify", finished_demo / "run" / "release", "--json").out) == []


def test_articles_prints_totals_or_one_line_per_article(command: Command, finished_demo: Path) -> None:
    recipe = finished_demo / "demo.toml"
    totals = command("articles", recipe)
    assert totals.out.startswith("35 articles: 33 with figures, 2 unreadable · 103 images in packages\n")
    assert re.search(r"^ +66  with their image", totals.out, re.M)
    assert re.search(r"^ +5  CC-BY-NC +agreed +index \+ link", totals.out, re.M)
    each = command("articles", recipe, "--each").out
    lines = [line.split() for line in each.splitlines()]
    assert lines[1][:5] == ["place", "figures", "with", "image", "dropped"]
    assert len(re.findall(r"^oa_package/", each, re.M)) == 35
    summary = json.loads(command("articles", recipe, "--json").out)
    assert len(summary["articles"]) == 35 and summary["figures"]["with their image"] == 66


def test_a_dry_run_writes_nothing(command: Command, demo: Path) -> None:
    before = contents(demo)
    result = command("run", demo / "demo.toml", "--dry")
    assert result.code == DONE
    assert "35 articles: 35 new, 0 changed, 0 removed" in result.out
    assert "to process: 35 articles in 3 of 3 parts\n" in result.out
    assert contents(demo) == before


def test_a_dry_run_ends_with_the_error_of_the_run_if_a_vocabulary_is_invalid(command: Command, demo: Path) -> None:
    recipe = demo / "demo.toml"
    (demo / "mine.csv").write_text("cui,nam\nC0040405,CT\n", encoding="utf-8")
    stage = '[[stage]]\nuse = "mentions"\nvocabulary = "mine.csv"\n\n[[stage]]\nuse = "merge"'
    recipe.write_text(recipe.read_text().replace('[[stage]]\nuse = "merge"', stage))
    before = contents(demo)
    dry = command("run", recipe, "--dry")
    assert contents(demo) == before
    assert dry.out == "" and "mine.csv" in dry.err
    real = command("run", recipe, "--workers", "0")
    assert dry.code == real.code
    assert real.err.endswith(dry.err)  # after its progress


def test_a_dry_run_prints_the_stages_that_a_changed_recipe_makes_stale(command: Command, run: Path) -> None:
    recipe = run / "demo.toml"
    recipe.write_text(recipe.read_text().replace('allow = ["CC-BY", "CC-BY-NC"]', 'allow = ["CC-BY"]'))
    before = contents(run)
    result = command("run", recipe, "--dry")
    assert "stale: license" in result.out
    assert contents(run) == before


def test_slices_process_their_parts_and_a_run_without_slices_completes_the_release(
    command: Command, demo: Path, finished_demo: Path
) -> None:
    recipe = demo / "demo.toml"
    first = command("run", recipe, "--workers", "0", "--parts", "1/2")
    assert "measured: extract 23" in first.out
    assert first.err.endswith(f"\nnext: roco status {recipe}\n")
    assert not (demo / "run" / "release").exists()
    assert "measured: extract 12" in command("run", recipe, "--workers", "0", "--parts", "2/2").out
    assert (
        "measured: terms 48, mentions 48 " in command("run", recipe, "--workers", "0").out
    )  # after dedup, which needs all parts
    assert contents(demo / "run" / "release") == contents(finished_demo / "run" / "release")


def test_until_stops_after_a_stage_and_the_next_run_continues(
    command: Command, demo: Path, finished_demo: Path
) -> None:
    recipe = demo / "demo.toml"
    first = command("run", recipe, "--workers", "0", "--until", "language")
    assert "measured: extract 35, language_id 57 " in first.out
    assert first.out.splitlines()[-1].startswith("language ")
    assert not (demo / "run" / "release").exists()
    assert "measured: image 51, terms 48, mentions 48 " in command("run", recipe, "--workers", "0").out
    assert contents(demo / "run" / "release") == contents(finished_demo / "run" / "release")


def test_retry_measures_rows_again_that_were_dropped_for_a_reason(command: Command, run: Path) -> None:
    before = contents(run / "run" / "release")
    assert "measured: image 2 " in command("run", run / "demo.toml", "--workers", "0", "--retry", "unreadable").out
    assert contents(run / "run" / "release") == before


def test_every_image_of_the_demo_is_a_row_or_a_rendition_or_in_an_unreadable_article(
    command: Command, finished_demo: Path
) -> None:
    counts = json.loads(command("status", finished_demo / "demo.toml", "--json").out)["counts"]
    (folder,) = (finished_demo / "run" / "measures").glob("extract-*")
    named = set()
    for part in folder.glob("*.parquet"):
        rows = roco.base.sealed_tables.read_table(part, ["archive", "file"])[0].to_pylist()
        named |= {(row["archive"], row["file"]) for row in rows if row["file"]}
    assert counts["images_in_packages"] == counts["renditions"] + len(named)
    assert counts["articles_unreadable"] == 2


# --- what is not filtered ------------------------------------------------------------------------------------


def test_the_last_lines_of_a_run_state_what_is_not_filtered(command: Command, demo: Path) -> None:
    recipe = demo / "demo.toml"
    assert command("run", recipe, "--workers", "0").out.splitlines()[-1] == (
        f"Not filtered, and therefore included: {GUARANTEES['single']} and {GUARANTEES['radiology']}."
    )
    as_json = json.loads(command("run", recipe, "--json").out)
    assert as_json["not_filtered"] == [GUARANTEES["single"], GUARANTEES["radiology"]]
    assert "Not filtered" not in command("run", recipe, "--until", "language").out


def test_a_run_with_image_filters_states_nothing_and_rewrites_card_and_datasheet(command: Command, demo: Path) -> None:
    recipe = demo / "demo.toml"
    command("run", recipe, "--workers", "0")
    entry = f'[[stage]]\nuse = "{ImageFilter.__module__}:ImageFilter"\n\n[[stage]]\nuse = "split"'
    recipe.write_text(re.sub(r'\[\[stage\]\]\nuse = "split"', entry, recipe.read_text()), encoding="utf-8")
    assert "Not filtered" not in command("run", recipe, "--workers", "0").out
    for name in ("README.md", "DATASHEET.md"):
        assert "Not filtered" not in (demo / "run" / "release" / name).read_text(encoding="utf-8")
