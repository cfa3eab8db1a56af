"""The commands that show what a run did to its figures: dropped, duplicates."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

import roco
from tests.cli.command import DATA, DONE, USAGE, Command

# --- dropped ----------------------------------------------------------------------------------------------------------


def test_dropped_counts_by_stage_and_lists_figure_reason_and_detail(command: Command, finished_demo: Path) -> None:
    recipe = finished_demo / "demo.toml"
    result = command("dropped", recipe)
    assert result.code == DONE
    assert result.out.startswith("29 figures dropped: 10 extract, 4 license, 2 rights, 3 caption, 6 language")
    assert re.search(r"^PMC99000028/f2/0 +image +unreadable +truncated JPEG *$", result.out, re.M)
    assert result.err.startswith(f"next: roco show {recipe} PMC")


@pytest.mark.parametrize(
    ("words", "figures"),
    [
        (("--stage", "license"), {"PMC99000018/f1/0", "PMC99000018/f2/0", "PMC99000019/f1/0", "PMC99000020/f1/0"}),
        (("--stage", "license", "--reason", "retracted"), {"PMC99000020/f1/0"}),
        (("--reason", "duplicate"), {"PMC99000031/f3/0"}),
        (("--stage", "dedup", "--reason", "duplicate"), {"PMC99000031/f3/0"}),
        (("--stage", "split"), set()),
        (("--reason", "superseded"), set()),
    ],
)
def test_dropped_selects_by_stage_and_reason(
    command: Command, finished_demo: Path, words: tuple[str, ...], figures: set[str]
) -> None:
    rows = json.loads(command("dropped", finished_demo / "demo.toml", *words, "--json").out)
    assert {row["figure_id"] for row in rows} == figures
    assert f"{len(figures)} figure" in command("dropped", finished_demo / "demo.toml", *words).out


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (("--stage", "licence"), "unknown stage 'licence' (not in this recipe)", "did you mean 'license'?"),
        (("--reason", "retract"), "unknown reason 'retract' (not in this recipe)", "did you mean 'retracted'?"),
        (
            ("--stage", "license", "--reason", "duplicate"),
            "unknown reason 'duplicate' (not in the stage 'license')",
            "'dedup' drops figures for this reason",
        ),
        (
            ("--stage", "release", "--reason", "x"),
            "unknown reason 'x' (not in the stage 'release')",
            "this stage drops no figures",
        ),
        (
            ("--out", "d.xlsx"),
            "unknown format of a table: 'd.xlsx'",
            "use a name that ends with .csv, .json, .jsonl or",
        ),
        (("--sheet", "d.gif"), "unknown format of a contact sheet: 'd.gif'", "use a name that ends with .png"),
        (("--most", "0"), "invalid value '0' for option --most (roco dropped)", "write a whole number of at least 1"),
    ],
)
def test_dropped_answers_unknown_names_with_the_nearest(
    command: Command, finished_demo: Path, words: tuple[str, ...], error: str, hint: str
) -> None:
    result = command("dropped", finished_demo / "demo.toml", *words)
    assert (result.code, result.out) == (USAGE, "")
    assert result.err.startswith(f"error: {error}\n  {hint}")


def test_dropped_exports_the_same_rows_in_every_format(command: Command, finished_demo: Path, tmp_path: Path) -> None:
    recipe = finished_demo / "demo.toml"
    for suffix in ("csv", "json", "jsonl", "parquet"):
        result = command("dropped", recipe, "--out", tmp_path / f"d.{suffix}", "--most", "1")
        assert result.code == DONE
        assert result.out == command("dropped", recipe).out.partition("\n")[0] + "\n"
        assert f"wrote {tmp_path / f'd.{suffix}'}\n" in result.err
    rows = pq.read_table(tmp_path / "d.parquet").to_pylist()
    assert len(rows) == 29
    assert rows == json.loads((tmp_path / "d.json").read_text(encoding="utf-8"))
    assert rows == [json.loads(line) for line in (tmp_path / "d.jsonl").read_text(encoding="utf-8").splitlines()]
    with (tmp_path / "d.csv").open(encoding="utf-8", newline="") as fh:
        assert list(csv.DictReader(fh)) == [{name: value or "" for name, value in row.items()} for row in rows]
    (spanish,) = [row for row in rows if row["figure_id"] == "PMC99000026/f2/0"]
    assert spanish["caption"].startswith("Ecograf\u00eda abdominal") and spanish["stage"] == "language"
    assert roco.load_recipe(recipe).open().dropped().to_pylist() == rows


def test_dropped_prints_a_part_of_a_long_list(command: Command, finished_demo: Path) -> None:
    result = command("dropped", finished_demo / "demo.toml", "--most", "3")
    assert result.out.endswith("and 26 more: --most 29, or --out FILE\n")
    assert len(re.findall(r"^PMC", result.out, re.M)) == 3


def test_dropped_draws_images_that_were_dropped_before_they_were_stored(
    command: Command, finished_demo: Path, tmp_path: Path
) -> None:
    recipe, sheet = finished_demo / "demo.toml", tmp_path / "dropped.jpg"
    result = command("dropped", recipe, "--stage", "language", "--sheet", sheet, "--most", "4")
    assert result.code == DONE
    assert f"wrote {sheet} (4 of 6; --most 6 draws all)\n" in result.err
    with Image.open(sheet) as image:
        assert image.format == "JPEG"
        dark = image.convert("L").point(lambda value: 255 if value < 40 else 0)
        box = dark.getbbox()
    assert box is not None and box[2] - box[0] > 700  # four phantoms, black on white


def test_dropped_warns_of_stages_that_have_not_been_run_with_this_recipe(command: Command, run: Path) -> None:
    recipe = run / "demo.toml"
    recipe.write_text(recipe.read_text().replace("more_than = 1 ", "more_than = 2 "))
    result = command("dropped", recipe)
    assert result.code == DONE
    assert "warning: 'cutoff' and the stages after it have not been run with this recipe\n" in result.err
    assert "cutoff" not in result.out
    assert "warning" not in command("dropped", recipe, "--stage", "license", "--json").out


def test_dropped_before_a_run_is_an_error_with_the_next_command(command: Command, demo: Path) -> None:
    result = command("dropped", demo / "demo.toml")
    assert (result.code, result.out) == (DATA, "")
    assert "nothing has been run" in result.err and "roco run" in result.err


# --- duplicates -------------------------------------------------------------------------------------------------------


def test_duplicates_prints_the_groups_and_draws_them(command: Command, finished_demo: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "same.png"
    result = command("duplicates", finished_demo / "demo.toml", "--sheet", sheet)
    assert result.out.startswith("1 group of 2 images, 1 kept\n")
    assert re.search(
        r"PMC\S+ +\d+ x \d+, kept, differs in 0 of 64 and 0 of 576 bits\n +PMC\S+ +\d+ x \d+, dropped, ", result.out
    )
    with Image.open(sheet) as image:
        assert image.format == "PNG" and image.width > 1000
    (group,) = json.loads(command("duplicates", finished_demo / "demo.toml", "--json").out)
    assert [image["kept"] for image in group] == [True, False]
    assert command("duplicates", finished_demo / "demo.toml", "--similar").out == "0 groups of 0 images, 0 kept\n"


def test_duplicates_without_the_stage_dedup_is_a_usage_error(command: Command, demo: Path) -> None:
    recipe = demo / "demo.toml"
    recipe.write_text(recipe.read_text().replace('[[stage]]\nuse = "dedup"\n', ""))
    result = command("duplicates", recipe)
    assert result.code == 2 and "add the stage 'dedup'" in result.err


def test_duplicates_before_the_images_are_compared_is_a_data_error(command: Command, demo: Path) -> None:
    command("run", demo / "demo.toml", "--until", "image", "--workers", "0")
    result = command("duplicates", demo / "demo.toml")
    assert result.code == 1 and "have not been compared yet" in result.err


def test_duplicates_refuses_a_format_that_it_cannot_draw(command: Command, finished_demo: Path, tmp_path: Path) -> None:
    result = command("duplicates", finished_demo / "demo.toml", "--sheet", tmp_path / "d.docx")
    assert (result.code, result.out) == (USAGE, "")
    assert ".png" in result.err and ".pdf" in result.err


def test_the_groups_that_the_command_prints_are_those_of_the_function(command: Command, finished_demo: Path) -> None:
    recipe = finished_demo / "demo.toml"
    printed = json.loads(command("duplicates", recipe, "--json").out)
    assert printed == roco.duplicates(roco.load_recipe(recipe).open())
