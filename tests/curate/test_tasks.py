"""Tasks: the shipped ones, those of one's own, and what is wrong with their files."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.base.errors import RecipeError, RejectedInput
from roco.base.labels import KINDS
from roco.base.schema import COLUMNS
from roco.curate.task_files import FOLDER, load, load_all, shipped
from roco.curate.tasks import RESERVED
from tests.curate.logs import TASKS

PAGES = FOLDER.with_name("pages")
OWN = """title = "Contrast"
question = "Was contrast medium given?"
guideline = "contrast.md"

[[label]]
name = "yes"
title = "Yes"
key = "y"
cui = "C0009924"

[[label]]
name = "no"
title = "No"
key = "x"
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "contrast.md").write_text("# Contrast\n\nBright vessels.\n")
    (tmp_path / "contrast.toml").write_text(OWN)
    return tmp_path / "contrast.toml"


# --- shipped ----------------------------------------------------------------------------------------------------------


def test_the_shipped_tasks_have_the_labels_of_the_paper() -> None:
    assert shipped() == ["direction", "modality", "region", "visible"]
    for kind, labels in KINDS.items():
        task = TASKS[kind]
        assert {label.name for label in task.labels if label.then == "value"} == set(labels)
        assert {label.name for label in task.labels if label.then != "value"} == {"OTHER", "UNKNOWN"}
        assert all(label.cui == labels[label.name].cui for label in task.labels if label.then == "value")
    assert {label.then for label in TASKS["modality"].labels} == {"value", "drop"}
    assert {label.then for label in TASKS["region"].labels} == {"value", "none"}
    assert TASKS["visible"].names == ("yes", "no", "unsure")


def test_the_keys_of_modality_region_and_direction_differ() -> None:
    keys = [label.key for name in KINDS for label in TASKS[name].labels]
    assert len(keys) == len(set(keys)) and not set(keys) & set(RESERVED) and all(keys)


def test_every_key_of_a_page_is_reserved() -> None:
    used = set()
    for path in sorted({*PAGES.glob("*.js")} - {PAGES / "search.js"}):  # where nothing is labelled
        for table in re.findall(
            r"(?:const ACTIONS = |Object.assign\(ACTIONS, )\{(.*?)\}\)?;\n", path.read_text(), re.DOTALL
        ):
            used |= set(re.findall(r"""(?:^|[\s,{])"?([a-z]|[^\w\s"])"?: ?[(\w]""", table))
    assert {"u", "f", "n", "?", "/", "]", "i", "."} <= used <= set(RESERVED)


def test_guesses_come_from_columns_of_the_schema() -> None:
    for task in TASKS.values():
        names = [task.item] if task.guess is None else vars(task.guess).values()
        assert all(name in COLUMNS for name in names if name)


def test_every_label_is_in_its_guideline() -> None:
    for task in TASKS.values():
        missing = [label.name for label in task.labels if f"| {label.name}" not in task.guideline]
        assert missing == [], task.name


def test_region_and_direction_are_asked_for_x_rays_only() -> None:
    for name in ("region", "direction"):
        asked = TASKS[name].asked
        assert asked is not None and asked.task == "modality"
        assert asked.holds("DRXR") and asked.holds("DRCT+DRXR")
        assert not asked.holds("DRCT") and not asked.holds(None)
    assert TASKS["modality"].asked is None


# --- answers ----------------------------------------------------------------------------------------------------------


def test_several_regions_are_stored_in_one_order() -> None:
    region = load("region", several=True)
    assert region.canonical("pelvis+abdomen") == region.canonical("abdomen+pelvis+abdomen") == "abdomen+pelvis"
    with pytest.raises(RejectedInput, match="'OTHER' together with another label"):
        region.canonical("chest+OTHER")
    with pytest.raises(RejectedInput, match="several labels"):
        TASKS["region"].canonical("abdomen+pelvis")


@given(st.sets(st.sampled_from(sorted(KINDS["region"])), min_size=1), st.randoms())
def test_the_order_of_several_labels_does_not_matter(names: set[str], random: object) -> None:
    region = replace(TASKS["region"], several=True)
    answers = {region.canonical("+".join(order)) for order in itertools.islice(itertools.permutations(names), 24)}
    assert len(answers) == 1
    assert set(answers.pop().split("+")) == names


# --- one's own --------------------------------------------------------------------------------------------------------


def test_a_task_of_ones_own_is_read(own: Path) -> None:
    task = load(own)
    assert (task.name, task.names, task.kind, task.asked) == ("contrast", ("yes", "no"), "", None)
    assert task.label("yes").cui == "C0009924"
    assert list(load_all(["modality", own])) == ["modality", "contrast"]
    with pytest.raises(RecipeError, match="two tasks named 'contrast'"):
        load_all([own, own])


def test_the_version_is_that_of_the_guideline_alone(own: Path) -> None:
    before = load(own).version
    own.write_text(OWN.replace("Was", "Has"))
    assert load(own).version == before
    guideline = own.with_name("contrast.md")
    guideline.write_bytes(guideline.read_bytes().replace(b"\n", b"\r\n"))
    assert load(own).version == before
    guideline.write_text("# Contrast\n\nBright vessels or bowel.\n")
    assert load(own).version != before


@pytest.mark.parametrize(
    ("old", "new", "message", "hint"),
    [
        ("title =", "titel =", "unknown key 'titel'", "did you mean 'title'"),
        ('title = "Yes"', 'titel = "Yes"', "[[label]] 1", "did you mean 'title'"),
        ('name = "no"', 'name = "yes"', "two labels named 'yes'", "rename"),
        ('name = "no"', 'name = "n+o"', "[[label]] 2, key 'name'", "letters"),
        ('key = "x"', 'key = "y"', "key 'y' for two labels", "'yes' has it"),
        ('key = "x"', 'key = "u"', "invalid key 'u'", "'u' is the key to undo"),
        ('key = "x"', 'key = "i"', "invalid key 'i'", "'i' is the key to invert the image"),
        ('key = "x"', 'key = "]"', "invalid key ']'", "']' is the key to show the next page"),
        ('key = "x"', 'key = "X"', "invalid key 'X'", "small letter"),
        ('cui = "C0009924"', 'cui = "C09"', "invalid cui", "seven digits"),
        ('key = "x"', 'then = "dorp"', "unknown outcome 'dorp'", "did you mean 'drop'"),
        ('guideline = "contrast.md"', 'guideline = "missing.md"', "key 'guideline'", "next to it"),
        ('guideline = "contrast.md"', 'kind = "modalty"\nguideline = "contrast.md"', "key 'kind'", "did you mean"),
        ('guideline = "contrast.md"', 'kind = "region"\nguideline = "contrast.md"', "no region 'yes'", "did you mean"),
        ('guideline = "contrast.md"', "several = 1\nguideline = 'contrast.md'", "key 'several'", "true or false"),
        ("[[label]]", "[[label", "invalid TOML", "docs/labels.md"),
        ('question = "Was contrast medium given?"', "question = 7", "key 'question'", "write a text"),
        ('question = "Was contrast medium given?"', 'question = "\\u001b"', "control characters", "at most 200"),
        ("\n[[label]]", '\n[asked]\ntask = "modality"\n\n[[label]]', "[asked], key 'labels'", "DRXR"),
        ("\n[[label]]", '\n[guess]\nlable = "x"\n\n[[label]]', "[guess]", "did you mean 'label'"),
    ],
)
def test_an_invalid_file_names_the_key_and_the_remedy(own: Path, old: str, new: str, message: str, hint: str) -> None:
    assert old in OWN
    own.write_text(OWN.replace(old, new, 1))
    with pytest.raises(RecipeError) as found:
        load(own)
    assert message in found.value.message and str(own) in found.value.message
    assert hint in found.value.hint


def test_an_unknown_task_is_answered_with_the_nearest() -> None:
    with pytest.raises(RecipeError, match="did you mean 'modality'"):
        load("modalities")
    with pytest.raises(RecipeError, match="task not found"):
        load("none.toml")


@given(st.text(max_size=200))
def test_any_text_is_a_task_or_an_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "hostile.toml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    with pytest.raises(RecipeError):
        load(path)
