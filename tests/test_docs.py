"""Tests of the pages: their commands and their code run, and their links lead to files."""

from __future__ import annotations

import contextlib
import doctest
import functools
import io
import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer

import roco.cli.main
from tests.conftest import once

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
DATA_FORMAT = ROOT / "docs" / "data-format.md"


class Block(NamedTuple):
    """Fenced text of a page, with the line before it."""

    language: str
    text: str
    before: str


def blocks(page: Path, language: str | None = None) -> list[Block]:
    found = re.finditer(r"^([^\n]*)\n```(\w*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)
    every = [Block(m[2], m[3], m[1]) for m in found]
    return [block for block in every if language in (None, block.language)]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def simple(words: list[str]) -> list[str]:
    """Returns the words of a command before a redirection or a pipe."""
    return list(itertools.takewhile(lambda word: word not in (">", "|"), words))


def commands() -> Iterator[tuple[str, list[str]]]:
    """Yields each command of roco in a block of a page, split into words."""
    for page in PAGES:
        for block in blocks(page):
            for line in block.text.splitlines():
                if block.language == "shell" or line.startswith("$ "):
                    words = simple(shlex.split(line.removeprefix("$ "), comments=True))
                    if words[:1] == ["roco"]:
                        yield name(page), words[1:]


def mentions() -> Iterator[tuple[str, list[str]]]:
    """Yields each command of roco in the running text of a page, split into words."""
    for page in PAGES:
        for code in re.findall(r"`roco ([a-z][^`\n]*)`", page.read_text(encoding="utf-8")):
            yield name(page), simple(shlex.split(code))


@functools.cache
def verbs() -> dict[str, Any]:
    """The commands of roco by name, `fetch plan` for one in a group; built once, which takes a tenth of a second."""
    command: Any = typer.main.get_command(roco.cli.main.app)
    inner = {
        f"{name} {n}": c for name, group in command.commands.items() for n, c in getattr(group, "commands", {}).items()
    }
    return dict(command.commands) | inner


def spelled(verb: str, words: list[str]) -> tuple[str, list[str]]:
    """Returns a command with its group, such as `fetch plan`, and the remaining words."""
    return (f"{verb} {words[0]}", words[1:]) if words and f"{verb} {words[0]}" in verbs() else (verb, words)


def do(words: list[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """Runs a command of a page and returns what it prints; `roco` and `python -c` run in this process."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        if words[0] == "roco":
            monkeypatch.setattr(sys, "argv", words)
            with pytest.raises(SystemExit) as ended:
                roco.cli.main.main()
            assert not ended.value.code, words
        elif words[:2] == ["python", "-c"]:
            exec(words[2], {})
        else:
            # A reader's shell has the environment with roco first on its path; the tests may run without that.
            path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
            done = subprocess.run(words, check=True, capture_output=True, text=True, env=os.environ | {"PATH": path})
            print(done.stdout, end="")
    return out.getvalue()


def run_readme(folder: Path) -> None:
    """Runs the block of the README between a demo marker and its end in a new folder."""
    folder.mkdir()
    (block,) = [b for b in blocks(ROOT / "README.md", "shell") if b.before == "<!-- demo -->"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        lines = [shlex.split(line, comments=True) for line in block.text.splitlines()]
        printed = {words[1]: do(words, patch) for words in lines if words}
    (folder / "printed").write_text(printed["run"], encoding="utf-8")
    assert list(printed) == ["init", "run", "status", "show", "verify"]
    assert re.match(r"OK: [1-9]\d images", printed["verify"])


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the demo of the README has been run; the commands of other pages write into it."""
    return shutil.copytree(once(tmp_path_factory, "readme", run_readme), tmp_path_factory.mktemp("readme") / "folder")


# --- commands -------------------------------------------------------------------------------------------------------


def test_every_command_in_a_block_of_a_page_exists() -> None:
    known = verbs()
    found = list(commands())
    assert len(found) >= 8
    for page, (verb, *words) in found:
        verb, words = spelled(verb, words)
        assert verb in known, f"{page}: unknown command roco {verb}"
        known[verb].make_context(verb, words)  # raises if an option is unknown or an argument is missing


def test_every_command_in_running_text_exists() -> None:
    known = verbs()
    for page, (verb, *words) in mentions():
        verb, words = spelled(verb, words)
        assert verb in known, f"{page}: unknown command roco {verb}"
        options = {opt for param in known[verb].params for opt in param.opts} | {"--help"}
        for word in words:
            assert not word.startswith("--") or word in options, f"{page}: unknown option {word} of roco {verb}"


def test_every_make_target_named_on_a_page_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    for page in PAGES:
        named = set(re.findall(r"(?:^|`)make ([a-z-]+)(?:`|$)", page.read_text(encoding="utf-8"), re.M))
        assert named <= targets, name(page)


def test_the_funnel_in_the_readme_is_the_one_that_its_commands_print(demo: Path) -> None:
    printed = (demo / "printed").read_text(encoding="utf-8")
    (block,) = [b for b in blocks(ROOT / "README.md") if b.text.startswith("measured:")]
    assert table(block.text) == table(printed)
    assert len(table(printed)) > 18


def table(text: str) -> list[str]:
    """Returns the lines of a funnel with single spaces."""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    return [line for line in lines if re.match(r"stage in|\w+ \d+ \d+", line)]


def test_the_python_of_the_readme_runs(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(demo)
    (block,) = [b for b in blocks(ROOT / "README.md", "python") if b.before != "<!-- libraries -->"]
    scope: dict[str, Any] = {}
    exec(block.text, scope)
    assert len(scope["train"]) > len(scope["chest"]) > 2
    assert scope["pixels"].ndim == 2
    assert scope["problems"] == []


@pytest.mark.neural
def test_the_lines_of_the_readme_for_other_libraries_run(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(demo)
    (block,) = [b for b in blocks(ROOT / "README.md", "python") if b.before == "<!-- libraries -->"]
    scope: dict[str, Any] = {}
    exec(block.text, scope)
    assert len({len(scope[name]) for name in ("train", "items", "rows", "frame", "figures")}) == 1


def test_the_recipes_of_the_readme_load(tmp_path: Path) -> None:
    for block in blocks(ROOT / "README.md", "toml"):
        (tmp_path / "recipe.toml").write_text(block.text, encoding="utf-8")
        assert roco.load_recipe(tmp_path / "recipe.toml").pipeline.steps


# --- rows on the data format page ---------------------------------------------------------------------------

PRINTED = [
    (words, output)
    for block in blocks(DATA_FORMAT, "console")
    for line, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block.text, re.M)
    if (words := shlex.split(line))
]


def test_the_data_format_page_prints_a_row_of_every_kind_of_file() -> None:
    read = " ".join(word for words, _ in PRINTED for word in words)
    files = ("parts.parquet", "measures/", "decisions/rows-", "decisions/*-split-")
    tables = ("captions", "concepts", "concepts_manual", "cui_mapping", "license_information")
    kinds = [*files, "figures.parquet", "removed.parquet", *(f"{table}.csv" for table in tables)]
    assert [kind for kind in kinds if kind not in read] == []


@pytest.mark.parametrize(("words", "output"), PRINTED, ids=[" ".join(words)[-50:] for words, _ in PRINTED])
def test_a_command_of_the_data_format_page_prints_the_output_below_it(
    demo: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], output: str
) -> None:
    monkeypatch.chdir(demo)
    assert steady(do(words, monkeypatch)) == steady(output)


@pytest.mark.parametrize(
    ("page", "outputs"),
    [
        ("baselines.md", 5),
        ("evaluate.md", 4),
        ("audit.md", 3),
        ("concepts.md", 1),
        ("vocabulary.md", 4),
        ("labels.md", 5),
        ("curate.md", 3),
        ("select.md", 12),
        ("publishing.md", 2),
        ("export.md", 8),
        ("report.md", 4),
        ("fetch.md", 3),
    ],
)
def test_the_commands_and_the_code_of_a_page_print_what_it_shows(
    demo: Path, monkeypatch: pytest.MonkeyPatch, page: str, outputs: int
) -> None:
    monkeypatch.chdir(demo)
    shown = 0
    for block in blocks(ROOT / "docs" / page):
        if block.language == "python":
            exec(block.text, {})
        if block.language != "console":
            continue
        for command, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block.text, re.M):
            words = shlex.split(command)
            printed = steady(do(words if words[0] == "roco" else ["sh", "-c", command], monkeypatch))
            expected = steady(re.split(r"^ *…$", output, flags=re.M)[0])
            assert printed[: len(expected)] == expected, command
            shown += bool(expected)
    assert shown == outputs


def test_the_examples_of_the_load_page_print_what_it_shows(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(demo)
    text = "".join(block.text for block in blocks(ROOT / "docs" / "load.md", "pycon"))
    examples = doctest.DocTestParser().get_doctest(text, {}, "load.md", None, 0)
    printed: list[str] = []
    results = doctest.DocTestRunner().run(examples, out=printed.append)
    assert results.attempted > 20
    assert not results.failed, "".join(printed)


@pytest.mark.neural
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_the_code_of_the_load_page_for_other_libraries_runs(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(demo)
    pages = blocks(ROOT / "docs" / "load.md", "python")
    assert len(pages) == 3
    for block in pages:
        exec(block.text, {})


def steady(text: str) -> list[str]:
    """Returns lines without digests, times and sizes, which depend on the installed libraries."""
    return [re.sub(r"[0-9a-f]{8,}|\d{5,}", "#", line.rstrip()) for line in text.splitlines()]


# --- a stage of a user -------------------------------------------------------------------------------------------


@pytest.fixture
def blur(demo: Path, tmp_path: Path) -> Path:
    """A folder with the stage of docs/add-a-stage.md, its test, and a recipe over the demo corpus that names it."""
    page = ROOT / "docs" / "add-a-stage.md"
    stage, test = (block.text for block in blocks(page, "python"))
    (entry,) = (block.text for block in blocks(page, "toml"))
    assert stage.startswith("# blur.py")
    (tmp_path / "blur.py").write_text(stage, encoding="utf-8")
    (tmp_path / "test_blur.py").write_text(test, encoding="utf-8")
    recipe = (demo / "demo" / "demo.toml").read_text(encoding="utf-8")
    recipe = recipe.replace("corpus/package", str(demo / "demo" / "corpus" / "package"))
    recipe = recipe.replace('[[stage]]\nuse = "merge"', f'{entry}\n[[stage]]\nuse = "merge"')
    (tmp_path / "recipe.toml").write_text(recipe, encoding="utf-8")
    return tmp_path


def test_the_test_on_the_add_a_stage_page_passes(blur: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", ".", "test_blur.py"]
    done = subprocess.run(command, cwd=blur, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_the_stage_on_the_add_a_stage_page_runs_in_a_recipe(blur: Path) -> None:
    command = [sys.executable, "-m", "roco", "run", "recipe.toml", "--workers", "1"]
    done = subprocess.run(command, cwd=blur, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    funnel = (line for line in done.stdout.splitlines() if line.startswith("small "))
    assert re.fullmatch(r"small +[1-9]\d +\d+ +\d+ +\d+ small", next(funnel).rstrip())
    release = blur / "run" / "release"
    assert roco.verify(release) == []
    sides = [min(row["width"], row["height"]) for row in roco.load(release).to_arrow().to_pylist()]
    assert min(sides) >= 256
    assert all(0 < row["brightness"] < 255 for row in roco.load(release).to_arrow().to_pylist())


# --- links and generated pages ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    prose = re.sub(r"^```.*?^```$|`[^`\n]+`", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for link in re.findall(r"\]\(([^)\s]+)\)", prose):
        if not re.match(r"[a-z]+:", link):
            target, _, anchor = link.partition("#")
            linked = (page.parent / target).resolve() if target else page
            assert linked.exists(), f"{name(page)} links to {link}"
            assert linked.is_relative_to(ROOT)
            assert not anchor or anchor in anchors(linked), f"{name(page)} links to {link}"


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


def test_the_generated_pages_are_up_to_date() -> None:
    made = subprocess.run([sys.executable, "docs/make.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, ahead = set(), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page not in reached and page.suffix == ".md" and page.exists():
            reached.add(page)
            links = re.findall(r"\]\(([^)\s#]+)", page.read_text(encoding="utf-8"))
            ahead += [(page.parent / link).resolve() for link in links if not re.match(r"[a-z]+:", link)]
    assert set(PAGES) <= reached


def test_the_table_of_attacks_matches_the_corpus() -> None:
    from tests.attacks.__main__ import table

    assert table() in (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
