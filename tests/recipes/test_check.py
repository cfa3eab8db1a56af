"""`roco check` reports what would stop a run before its first row."""

from __future__ import annotations

from pathlib import Path

import pytest

from roco.recipes.load import load_recipe

HEAD = '[run]\nfolder = "run"\n[source]\nkind = "folder"\npath = "corpus"\n'
STAGE = '[[stage]]\nuse = "license"\n'


def check(folder: Path, text: str) -> list[tuple[str, str, str]]:
    path = folder / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return [tuple(problem) for problem in load_recipe(path).check()]


def test_a_recipe_whose_folders_exist_has_no_problems(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    assert check(tmp_path, HEAD + STAGE) == []
    assert not (tmp_path / "run").exists()


def test_each_missing_source_is_a_problem(tmp_path: Path) -> None:
    sources = '[[source]]\nkind = "folder"\npath = "a"\n[[source]]\nkind = "package"\npath = "b"\n'
    found = check(tmp_path, '[run]\nfolder = "run"\n' + sources + STAGE)
    assert [where for where, _, _ in found] == ["[source] folder", "[source] package"]
    assert all("does not exist" in message and hint for _, message, hint in found)


def test_a_source_that_is_a_file_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "corpus").touch()
    ((where, message, _),) = check(tmp_path, HEAD + STAGE)
    assert (where, "is not a folder" in message) == ("[source] folder", True)


def test_a_run_folder_below_a_file_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "notes").touch()
    ((where, message, _),) = check(tmp_path, HEAD.replace('"run"', '"notes/run"') + STAGE)
    assert where == "[run]"
    assert "notes is a file" in message


BROKEN = """
from dataclasses import dataclass
from roco import Decision, DataError
@dataclass(frozen=True, kw_only=True)
class NoModel(Decision):
    needs = ("extract",)
    def prepare(self): raise {error}
    def __call__(self, batch): return batch
"""


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ("DataError('cannot read model.onnx', 'restore it')", "cannot read model.onnx"),
        ("ValueError('x')", "ValueError: x"),
    ],
)
def test_a_model_that_cannot_be_loaded_is_a_problem(tmp_path: Path, error: str, message: str) -> None:
    (tmp_path / "corpus").mkdir()
    module = f"broken_{abs(hash(error))}"
    (tmp_path / f"{module}.py").write_text(BROKEN.format(error=error), encoding="utf-8")
    found = check(tmp_path, HEAD + f'[[stage]]\nuse = "{module}:NoModel"\n')
    assert [(where, text) for where, text, _ in found] == [("stage 'nomodel'", message)]


def test_an_invalid_vocabulary_is_a_problem_of_the_stage_that_reads_it(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "mine.csv").write_text("cui,nam\nC0040405,CT\n", encoding="utf-8")
    text = HEAD + '[[stage]]\nuse = "mentions"\nvocabulary = "mine.csv"\n'
    ((where, message, _),) = check(tmp_path, text)
    assert where == "stage 'mentions'"
    assert "mine.csv" in message


@pytest.mark.parametrize("stage", ["merge", "cutoff"])
def test_invalid_rules_for_concepts_are_a_problem_of_every_stage_that_reads_them(tmp_path: Path, stage: str) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "mine.toml").write_text('base = "shipped"\nnegatd = "keep"\n', encoding="utf-8")
    text = '[run]\nfolder = "run"\nbase = "rocov2"\n[source]\nkind = "folder"\npath = "corpus"\n'
    ((where, message, hint),) = check(tmp_path, f'{text}[[override]]\nstage = "{stage}"\nrules = "mine.toml"\n')
    assert where == f"stage '{stage}'"
    assert "mine.toml" in message and "negated" in hint


def test_an_invalid_list_of_retracted_papers_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "list.csv").write_bytes(b"\xff\xfe\x00")
    ((where, message, _),) = check(tmp_path, HEAD + '[[stage]]\nuse = "retraction"\nlists = ["list.csv"]\n')
    assert where == "stage 'retraction'"
    assert "list.csv" in message
