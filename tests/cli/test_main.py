"""The command line: exit codes, what goes to stdout and what to stderr, and that a user's mistake is told in words."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from PIL import Image

import roco
import roco.base.files
import roco.cli.main
import roco.recipes.load
from tests.waits import PATIENCE, wait_until

DONE, DATA, USAGE, STOPPED = 0, 1, 2, 130


class Said(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Gives a command to roco in this process."""
    before = signal.getsignal(signal.SIGTERM)

    def command(*words: str | Path) -> Said:
        monkeypatch.setattr(sys, "argv", ["roco", *map(str, words)])
        monkeypatch.setenv("ROCO_DEBUG", "")
        with pytest.raises(SystemExit) as ended:
            roco.cli.main.main()
        signal.signal(signal.SIGTERM, before)
        return Said(int(ended.value.code or 0), *capfd.readouterr())

    return command


Say = Callable[..., Said]


def process(*words: str | Path, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "roco", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo corpus, written by the command itself."""
    folder = tmp_path_factory.mktemp("written") / "demo"
    with process("init", folder) as init:
        out, err = init.communicate()
    assert (init.returncode, out.count("\n")) == (DONE, 1)
    assert err.endswith(f"next: roco run {folder / 'demo.toml'}\n")
    return folder


@pytest.fixture(scope="module")
def finished(written: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished") / "demo"
    shutil.copytree(written, folder)
    roco.load_recipe(folder / "demo.toml").run(workers=0)
    return folder


@pytest.fixture
def demo(written: Path, tmp_path: Path) -> Path:
    """A demo folder to change; nothing has been run in it."""
    shutil.copytree(written, tmp_path / "demo")
    return tmp_path / "demo"


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A finished demo run to change."""
    shutil.copytree(finished, tmp_path / "demo")
    return tmp_path / "demo"


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


# --- what is said where ---------------------------------------------------------------------------------------------


def test_help_of_every_verb_opens_with_an_example(say: Say) -> None:
    for verb in ("init", "run", "status", "show", "stages", "verify"):
        said = say(verb, "--help")
        assert said.code == DONE
        assert f"Example: roco {verb}" in said.out


def test_a_run_prints_its_funnel_on_stdout_and_the_next_verb_on_stderr(say: Say, demo: Path) -> None:
    said = say("run", demo / "demo.toml", "--workers", "0")
    assert said.code == DONE
    assert "measured: extract 35" in said.out
    assert "3 license, 1 retracted" in said.out
    assert said.err == f"next: roco verify {demo / 'run' / 'release'}\n"


def test_a_second_run_says_that_all_was_there(say: Say, run: Path) -> None:
    assert "nothing, all measurements are cached" in say("run", run / "demo.toml", "--workers", "0").out


def test_status_names_the_next_verb_as_it_stands(say: Say, demo: Path, finished: Path) -> None:
    fresh = say("status", demo / "demo.toml")
    assert "not started" in fresh.out
    assert fresh.err == f"next: roco run {demo / 'demo.toml'}\n"
    done = say("status", finished / "demo.toml")
    assert "complete · 35 articles in 1 part" in done.out
    assert done.err == f"next: roco show {finished / 'demo.toml'} FIGURE\n"


def test_status_says_what_is_stale_and_why(say: Say, run: Path) -> None:
    recipe = run / "demo.toml"
    recipe.write_text(recipe.read_text().replace("at_least = 0.45", "at_least = 0.5"))
    said = say("status", recipe)
    assert "stale: language (at_least: 0.45 → 0.5)" in said.out
    assert "stale: merge (comes after 'language', which changed)" in said.out
    assert "stale: mentions" not in said.out


def test_show_finds_a_figure_by_id_file_article_and_number_in_the_release(say: Say, finished: Path) -> None:
    recipe = finished / "demo.toml"
    rows = roco.load(finished / "run" / "release").select(["id", "figure_id"]).to_pylist()
    (id,) = [row["id"] for row in rows if row["figure_id"] == "PMC99000001/f2/0"]
    for name in ("PMC99000001/f2/0", "demo-1-g002.jpg", "PMC99000001", id):
        said = say("show", recipe, name)
        assert said.code == DONE
        assert "PMC99000001/f2/0" in said.out


def test_show_tells_where_a_figure_left_and_why(say: Say, finished: Path) -> None:
    assert "dropped: unreadable (truncated JPEG)" in say("show", finished / "demo.toml", "PMC99000028/f2/0").out


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
def test_json_is_all_that_stands_on_stdout(say: Say, run: Path, words: tuple[str, ...]) -> None:
    said = say(*(word.format(demo=run) for word in words))
    assert said.code == DONE
    assert isinstance(json.loads(said.out), dict | list)


def test_json_tells_what_the_tables_tell(say: Say, finished: Path) -> None:
    status = json.loads(say("status", finished / "demo.toml", "--json").out)
    assert status["state"] == "complete"
    assert status["stages"][-1]["kept"] == 47
    (life,) = json.loads(say("show", finished / "demo.toml", "PMC99000028/f2/0", "--json").out)
    assert life["dropped_at"] == "image"
    assert json.loads(say("verify", finished / "run" / "release", "--json").out) == []


# --- exit codes -----------------------------------------------------------------------------------------------------


def test_a_release_with_problems_gives_one_line_for_each_and_exit_1(say: Say, run: Path) -> None:
    release = run / "run" / "release"
    assert say("verify", release) == Said(DONE, "OK: 47 images, all checks passed\n", "")
    (release / "valid_captions.csv").unlink()
    said = say("verify", release)
    assert said.code == DATA
    assert "valid_captions.csv: missing file\n" in said.out
    assert json.loads(say("verify", release, "--json").out)[0]["where"] == "valid_captions.csv"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("run", "{demo}/nothing.toml"), USAGE, "roco init"),
        (("run", "{demo}"), USAGE, "name the .toml file in it"),
        (("run", "{demo}/demo.toml", "--until", "imagge"), USAGE, "did you mean 'image'?"),
        (("run", "{demo}/demo.toml", "--parts", "3/2"), USAGE, "1/4"),
        (("run", "{demo}/demo.toml", "--parts", "all"), USAGE, "1/4"),
        (("run", "{demo}/demo.toml", "--workers", "0", "--retry", "unreadabel"), USAGE, "did you mean 'unreadable'?"),
        (("run", "{demo}/demo.toml", "--workers", "0", "--retry", "license"), USAGE, "decisions are made again anyway"),
        (("show", "{demo}/demo.toml", "PMC99000099/f1/0"), DATA, "did you mean"),
        (("verify", "{demo}/run"), DATA, "use {demo}/run/release"),
        (("verify", "{demo}/nothing"), DATA, "figures.parquet"),
        (("init", "{demo}/corpus"), DATA, ""),
    ],
    ids=lambda value: " ".join(w.partition("/")[2] or w for w in value) if isinstance(value, tuple) else None,
)
def test_a_mistake_is_told_in_one_line_with_what_to_do(
    say: Say, finished: Path, words: tuple[str, ...], code: int, told: str
) -> None:
    said = say(*(word.format(demo=finished) for word in words))
    assert (said.code, said.out) == (code, "")
    error, hint = said.err.splitlines()
    assert error.startswith("error: ")
    assert hint.startswith("  ")
    assert told.format(demo=finished) in hint


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('use = "caption"', 'use = "captoin"', "did you mean 'caption'?"),
        ("at_least = 0.45", "at_leest = 0.45", "did you mean 'at_least'?"),
        ("[source]", "[sauce]", "did you mean 'source'?"),
        ('kind = "package"', 'kind = "packages"', "did you mean 'package'?"),
        ('use = "merge"', 'use = "merge"\nname = "../merge"', "letters"),
    ],
)
def test_a_typo_in_a_recipe_is_answered_with_the_nearest_name(
    say: Say, demo: Path, old: str, new: str, told: str
) -> None:
    recipe = demo / "demo.toml"
    recipe.write_text(recipe.read_text().replace(old, new))
    for verb in ("run", "status"):
        said = say(verb, recipe)
        error, hint = said.err.splitlines()
        assert (said.code, said.out) == (USAGE, "")
        assert error.startswith("error: ")
        assert told in hint


@pytest.mark.parametrize(
    "words", [("walk",), ("run",), ("run", "--fast"), ("run", "x.toml", "--workers", "-1"), ("show", "x.toml")]
)
def test_a_command_that_there_is_not_is_told_with_the_usage(say: Say, words: tuple[str, ...]) -> None:
    said = say(*words)
    assert (said.code, said.out) == (USAGE, "")
    error, hint = said.err.splitlines()
    assert error.startswith("error: ") and hint.startswith("  ")
    assert "Traceback" not in said.err


def test_a_source_that_is_not_there_is_an_error_of_the_data(say: Say, demo: Path) -> None:
    shutil.rmtree(demo / "corpus")
    said = say("run", demo / "demo.toml", "--workers", "0")
    assert said.code == DATA
    assert "is not there" in said.err.splitlines()[0]


def test_debug_shows_where_an_error_comes_from(tmp_path: Path) -> None:
    with process("--debug", "run", tmp_path / "none.toml") as run:
        _, err = run.communicate()
    assert run.returncode != DONE
    assert "Traceback" in err
    assert "RecipeError" in err


# --- options of run -------------------------------------------------------------------------------------------------


def test_a_dry_run_writes_nothing(say: Say, demo: Path) -> None:
    before = everything(demo)
    said = say("run", demo / "demo.toml", "--dry")
    assert said.code == DONE
    assert "35 articles: 35 new, 0 changed, 0 removed" in said.out
    assert "to process: 1 of 1 part\n" in said.out
    assert everything(demo) == before


def test_a_dry_run_says_what_a_changed_recipe_makes_stale(say: Say, run: Path) -> None:
    recipe = run / "demo.toml"
    recipe.write_text(recipe.read_text().replace('allow = ["CC-BY", "CC-BY-NC"]', 'allow = ["CC-BY"]'))
    before = everything(run)
    said = say("run", recipe, "--dry")
    assert "stale: license" in said.out
    assert everything(run) == before


def test_slices_do_their_parts_and_a_run_without_slices_ends_the_work(say: Say, demo: Path, finished: Path) -> None:
    recipe = demo / "demo.toml"
    first = say("run", recipe, "--workers", "0", "--parts", "1/2")
    assert "measured: extract 35" in first.out
    assert first.err == f"next: roco status {recipe}\n"
    assert not (demo / "run" / "release").exists()
    assert "nothing" in say("run", recipe, "--workers", "0", "--parts", "2/2").out
    assert "measured: mentions 48 " in say("run", recipe, "--workers", "0").out  # behind dedup, which sees all parts
    assert everything(demo / "run" / "release") == everything(finished / "run" / "release")


def test_until_stops_behind_a_stage_and_the_next_run_goes_on(say: Say, demo: Path, finished: Path) -> None:
    recipe = demo / "demo.toml"
    first = say("run", recipe, "--workers", "0", "--until", "language")
    assert "measured: extract 35, language_id 57 " in first.out
    assert first.out.splitlines()[-1].startswith("language ")
    assert not (demo / "run" / "release").exists()
    assert "measured: image 51, mentions 48 " in say("run", recipe, "--workers", "0").out
    assert everything(demo / "run" / "release") == everything(finished / "run" / "release")


def test_retry_takes_up_what_left_for_a_reason(say: Say, run: Path) -> None:
    before = everything(run / "run" / "release")
    assert "measured: image 2 " in say("run", run / "demo.toml", "--workers", "0", "--retry", "unreadable").out
    assert everything(run / "run" / "release") == before


def test_every_image_of_the_demo_is_a_row_or_a_rendition_or_of_an_unreadable_article(say: Say, finished: Path) -> None:
    counts = json.loads(say("status", finished / "demo.toml", "--json").out)["counts"]
    (folder,) = (finished / "run" / "measures").glob("extract-*")
    (part,) = folder.glob("*.parquet")
    rows = roco.base.files.read_table(part, ["archive", "file"])[0].to_pylist()
    named = {(row["archive"], row["file"]) for row in rows if row["file"]}
    assert counts["images_in_packages"] == counts["renditions"] + len(named)
    assert counts["articles_unreadable"] == 2


# --- interruption ---------------------------------------------------------------------------------------------------

SLOW = """
import time
from dataclasses import dataclass
from pathlib import Path
from roco import Decision

HERE = Path(__file__).parent

@dataclass(frozen=True, kw_only=True)
class Slow(Decision):
    needs = ("extract",)
    reads = ("caption",)

    def __call__(self, batch):
        (HERE / "reached").touch()
        while (HERE / "wait").exists():
            time.sleep(0.02)
        return batch
"""


@pytest.fixture
def slow(demo: Path) -> Iterator[Path]:
    """A demo whose first stage takes as long as the file `wait` is there."""
    (demo / "sleeper.py").write_text(SLOW)
    (demo / "wait").touch()
    recipe = demo / "demo.toml"
    recipe.write_text(recipe.read_text().replace("[[stage]]", '[[stage]]\nuse = "sleeper:Slow"\n\n[[stage]]', 1))
    yield demo
    (demo / "wait").unlink(missing_ok=True)


def reached(folder: Path) -> None:
    wait_until((folder / "reached").exists, "the slow stage")


@pytest.mark.parametrize(("how", "workers"), [(signal.SIGINT, "0"), (signal.SIGINT, "2"), (signal.SIGTERM, "1")])
def test_a_run_that_is_stopped_says_how_it_goes_on_and_does(
    say: Say, slow: Path, workers: str, how: signal.Signals
) -> None:
    recipe = slow / "demo.toml"
    with process("run", recipe, "--workers", workers, start_new_session=True) as run:
        reached(slow)
        os.killpg(run.pid, how)  # as a terminal does it: to the driver and its workers
        out, err = run.communicate(timeout=PATIENCE)
    assert (run.returncode, out) == (STOPPED, "")
    assert err == "interrupted; run the same command again to resume\n"
    (slow / "wait").unlink()
    assert say("run", recipe, "--workers", "0").code == DONE
    assert say("verify", slow / "run" / "release").code == DONE


def test_a_run_folder_in_use_is_told_with_what_to_do(say: Say, slow: Path) -> None:
    with process("run", slow / "demo.toml", "--workers", "0") as run:
        reached(slow)
        said = say("run", slow / "demo.toml", "--workers", "0")
        assert said.code == DATA
        assert f"is in use by process {run.pid}" in said.err
        assert "--parts 1/2" in said.err
        (slow / "wait").unlink()
        assert run.wait(timeout=PATIENCE) == DONE
        run.communicate()


def test_an_interrupt_before_the_work_began_is_no_traceback(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(roco.recipes.load, "load_recipe", interrupted)
    said = say("status", "some.toml")
    assert said.code == STOPPED
    assert "Traceback" not in said.err


# --- the terminal ---------------------------------------------------------------------------------------------------

GONE = "gone\u009b0m"
EVIL = (
    "Chest X-ray \u009b31m with \u202e and [bold]no[/bold] markup [/x] of \x7f the \U000e0041 left lung of a patient."
)


@pytest.fixture(scope="module")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over an article whose names and words would steer a terminal."""
    folder = tmp_path_factory.mktemp("evil")
    article = folder / "articles" / "a\x1b[31mred\x07"
    article.mkdir(parents=True)
    figure = (
        '<fig id="f{0}"><label>\u009b2J{0}</label><caption><p>{1}</p></caption><graphic xlink:href="{2}.png"/></fig>'
    )
    url = "https://creativecommons.org/licenses/by/4.0/"
    (article / "e\x1b]0;title\x07.xml").write_text(
        '<article xmlns:xlink="http://www.w3.org/1999/xlink"><front><article-meta><permissions>'
        f'<license xlink:href="{url}"><license-p/></license></permissions></article-meta></front><body>'
        f"{figure.format(1, EVIL, 'x')}{figure.format(2, EVIL, GONE)}</body></article>",
        encoding="utf-8",
    )
    Image.new("L", (64, 64), 90).save(article / "x.png")
    (folder / "r.toml").write_text(
        '[run]\nfolder = "run"\nbase = "rocov2"\n[source]\nkind = "folder"\npath = "articles"\n'
    )
    roco.load_recipe(folder / "r.toml").run(workers=0)
    return folder


@pytest.mark.parametrize(
    "words",
    [
        ("run", "r.toml", "--workers", "0"),
        ("run", "r.toml", "--dry"),
        ("status", "r.toml"),
        ("status", "r.toml", "--json"),
        ("show", "r.toml", "x.png"),
        ("show", "r.toml", "x.png", "--json"),
        ("show", "r.toml", "a\x1b[31mred\x07/e\x1b]0;title\x07.xml"),
        ("show", "r.toml", "nothing"),
        ("verify", "run/release"),
    ],
)
def test_names_and_words_from_outside_steer_no_terminal(
    say: Say, evil: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(evil)
    said = say(*words)
    text = said.out + said.err
    assert text
    assert [c for c in text if not c.isprintable() and c != "\n"] == []


def test_markup_in_a_caption_is_shown_and_not_obeyed(say: Say, evil: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(evil)
    assert "[bold]no[/bold] markup [/x]" in say("show", "r.toml", "x.png").out
    lives = json.loads(say("show", "r.toml", "x.png", "--json").out)
    assert EVIL in lives[0]["steps"][0]["values"]["caption_raw"]  # JSON keeps every character, escaped


def test_without_a_terminal_no_escape_code_is_written(demo: Path) -> None:
    with process("run", demo / "demo.toml", env={**os.environ, "TERM": "xterm-256color"}) as run:
        out, err = run.communicate()
    assert run.returncode == DONE
    assert "release: " in out
    assert [c for c in out + err if not c.isprintable() and c != "\n"] == []


def test_a_reader_that_ends_early_is_no_error_of_the_command(finished: Path) -> None:
    with process("show", finished / "demo.toml", "PMC99000001", "--json") as show:
        assert show.stdout is not None
        show.stdout.close()
        assert show.stderr is not None
        assert "Traceback" not in show.stderr.read()


def test_diff_shows_what_was_added_removed_and_changed(say: Say, finished: Path) -> None:
    release = finished / "run" / "release"
    said = say("diff", release, release)
    assert said.out == "47 and 47 images: 47 in both, 0 added, 0 removed\nmoved to another split: none\n"
    assert json.loads(say("diff", release, release, "--json").out)["images"] == {"old": 47, "new": 47, "both": 47}


def test_verify_finds_retracted_articles_and_licences_that_should_be_out(
    say: Say, finished: Path, tmp_path: Path
) -> None:
    release = finished / "run" / "release"
    listed = tmp_path / "retracted.txt"
    listed.write_text("PMC99000003\n")
    said = say("verify", release, "--retracted", listed)
    assert said.code == 1 and "retracted article (listed in retracted.txt)" in said.out
    assert "licence not allowed: CC-BY-NC" in say("verify", release, "--license", "CC-BY").out
    assert "did you mean" in say("verify", release, "--license", "CC-BYE").err


def test_duplicates_shows_the_groups_and_draws_them(say: Say, finished: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "same.png"
    said = say("duplicates", finished / "demo.toml", "--sheet", sheet)
    assert said.out.startswith("1 group of 2 images, 1 kept\n")
    assert re.search(
        r"PMC\S+ +\d+ x \d+, kept, differs in 0 of 64 and 0 of 576 bits\n +PMC\S+ +\d+ x \d+, dropped, ", said.out
    )
    with Image.open(sheet) as image:
        assert image.format == "PNG" and image.width > 1000
    (group,) = json.loads(say("duplicates", finished / "demo.toml", "--json").out)
    assert [image["kept"] for image in group] == [True, False]
    assert say("duplicates", finished / "demo.toml", "--similar").out == "0 groups of 0 images, 0 kept\n"


def test_duplicates_of_a_recipe_that_looks_for_none_is_told(say: Say, demo: Path) -> None:
    recipe = demo / "demo.toml"
    recipe.write_text(recipe.read_text().replace('[[stage]]\nuse = "dedup"\n', ""))
    said = say("duplicates", recipe)
    assert said.code == 2 and "add the stage 'dedup'" in said.err


def test_duplicates_before_the_images_were_compared_is_told(say: Say, demo: Path) -> None:
    say("run", demo / "demo.toml", "--until", "image", "--workers", "0")
    said = say("duplicates", demo / "demo.toml")
    assert said.code == 1 and "have not been compared yet" in said.err
