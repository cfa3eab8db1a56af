"""Tasks that one server asks together: what they depend on, keys on one page, and columns that nothing has."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from roco.base.errors import RecipeError
from roco.curate.task_files import load
from roco.curate.task_sets import check_together, unknown_columns
from roco.curate.tasks import RESERVED, Asked, GuessColumns, Label, Task
from tests.curate.logs import TASKS

DOCS = Path(__file__).parents[2] / "docs" / "labels.md"
CONTRAST = Task(
    name="contrast",
    title="Contrast",
    question="Was contrast medium given?",
    labels=(Label(name="yes", title="Yes", key="y"), Label(name="no", title="No", key="x")),
    guideline="Bright vessels.",
    version="0" * 12,
    asked=Asked(task="modality", labels=("DRCT",)),
)
FREE = replace(CONTRAST, labels=(CONTRAST.labels[0], Label(name="no", title="No", key="k")))


def together(*tasks: Task) -> list[str]:
    """The names of the tasks that these depend on."""
    return list(check_together({task.name: task for task in tasks}))


def asked(task: str, *labels: str) -> Task:
    return replace(FREE, asked=Asked(task=task, labels=labels))


def test_the_shipped_tasks_go_together() -> None:
    assert together(TASKS["modality"], TASKS["region"], TASKS["direction"], FREE) == []
    assert together(TASKS["modality"], TASKS["visible"]) == []  # they share a key, and no page


def test_a_task_that_others_depend_on_is_returned_if_it_is_not_asked() -> None:
    assert together(TASKS["region"], FREE) == ["modality"]


@pytest.mark.parametrize("order", [1, -1])
def test_two_tasks_of_one_page_with_a_common_key_are_refused(order: int) -> None:
    with pytest.raises(RecipeError) as found:
        together(*(TASKS["modality"], CONTRAST)[::order])
    assert found.value.message.startswith("key 'x' for")
    assert "'DRXR' (task 'modality')" in found.value.message and "'no' (task 'contrast')" in found.value.message
    assert "such as 'd'" in found.value.hint  # a, b and c are taken


def test_tasks_that_are_asked_for_the_same_label_need_keys_of_their_own() -> None:
    other = replace(FREE, name="bowel")
    with pytest.raises(RecipeError, match="key 'y' for 'yes' \\(task 'contrast'\\) and 'yes' \\(task 'bowel'\\)"):
        together(TASKS["modality"], FREE, other)
    mri = replace(other, asked=Asked(task="modality", labels=("DRMR",)))
    assert together(TASKS["modality"], FREE, mri) == []  # no figure is both
    several = replace(TASKS["modality"], several=True)
    with pytest.raises(RecipeError, match="key 'y'"):
        together(several, FREE, mri)
    assert together(FREE, other) == ["modality"]  # each has a page of its own


@pytest.mark.parametrize(
    ("task", "message", "hint"),
    [
        (asked("nix", "DRCT"), "unknown task 'nix' (task 'contrast', [asked], key 'task')", "--task FILE"),
        (asked("modalty", "DRCT"), "unknown task 'modalty'", "did you mean 'modality'"),
        (asked("modality", "DRTC"), "'DRTC' is not a label of the task 'modality'", "did you mean 'DRCT'"),
        (asked("modality", "DRCT", "XX"), "'XX' is not a label of the task 'modality'", "known: DRAN"),
        (asked("contrast", "yes"), "a task depends on itself, 'contrast'", "another task"),
    ],
)
def test_a_task_that_could_never_be_asked_is_refused_with_the_nearest_name(task: Task, message: str, hint: str) -> None:
    with pytest.raises(RecipeError) as found:
        together(TASKS["modality"], task)
    assert message in found.value.message and hint in found.value.hint


def test_tasks_that_depend_on_each_other_are_refused() -> None:
    other = replace(asked("contrast", "yes"), name="bowel")
    with pytest.raises(RecipeError, match="a task depends on itself"):
        together(asked("bowel", "yes"), other)


def test_columns_that_nothing_has_are_reported_with_the_nearest() -> None:
    assert list(unknown_columns(TASKS.values(), [])) == []
    guessed = replace(FREE, guess=GuessColumns(label="nope", margin="modality_margn", source="own"))
    found = list(unknown_columns([guessed, replace(FREE, item="concept_auto")], ["own"]))
    assert [what for what, _ in found] == [
        "unknown column 'nope' (task 'contrast', [guess], key 'label')",
        "unknown column 'modality_margn' (task 'contrast', [guess], key 'margin')",
        "unknown column 'concept_auto' (task 'contrast', key 'item')",
    ]
    assert found[1][1] == "did you mean 'modality_margin'?" and found[2][1] == "did you mean 'concepts_auto'?"


def test_the_example_of_the_documentation_goes_with_the_shipped_tasks(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(title = \"Contrast\"\n.*?)```", DOCS.read_text(), re.DOTALL)
    (tmp_path / "contrast.toml").write_text(example)
    (tmp_path / "contrast.md").write_text("Bright vessels.")
    assert together(TASKS["modality"], TASKS["region"], TASKS["direction"], load(tmp_path / "contrast.toml")) == []


def test_the_documentation_lists_the_keys_of_the_pages() -> None:
    (sentence,) = re.findall(r"The keys (.*?) belong to the pages", DOCS.read_text())
    assert {*re.findall(r"`(.)`", sentence), " "} == set(RESERVED) and "space" in sentence
