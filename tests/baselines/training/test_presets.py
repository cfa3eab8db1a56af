"""Presets: values with their origin, and one-line errors for what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from roco.base.errors import UsageError
from roco.baselines.training.options import LoopOptions, checked
from roco.baselines.training.presets import Preset, Setting, load, provenance, resolve

GOOD = """
kind = "concepts"
summary = "A preset of a test."
[settings]
lr = { value = 1e-3, paper = "Concept detection: Adam with 1e-3 was best" }
epochs = { value = 3, note = "few" }
batch = 4
[ablations]
no_averaging = { averaging = 0 }
"""


def preset(folder: Path, text: str) -> Preset:
    path = folder / "mine.toml"
    path.write_text(text)
    return load(str(path), "concepts", LoopOptions)


def test_a_preset_says_where_each_value_is_from(tmp_path: Path) -> None:
    mine = preset(tmp_path, GOOD)
    options = resolve(LoopOptions, mine, {"batch": "16"})
    assert (options.lr, options.epochs, options.batch) == (1e-3, 3, 16)
    origin = provenance(options, mine)
    assert origin["lr"] == {"value": 1e-3, "paper": "Concept detection: Adam with 1e-3 was best"}
    assert origin["epochs"] == {"value": 3, "note": "few"}
    assert origin["batch"] == {"value": 16, "note": "changed; the preset mine has 4"}
    assert origin["seed"] == {"value": 0}
    assert mine.ablations == {"no_averaging": {"averaging": 0.0}}


@pytest.mark.parametrize(
    ("old", "new", "message", "hint"),
    [
        ("epochs", "epoch", "unknown option 'epoch' (mine.toml)", "did you mean 'epochs'?"),
        ("[settings]", "[setings]", "unknown key 'setings' (mine.toml)", "did you mean 'settings'?"),
        ("note =", "nota =", "unknown key 'epochs.nota' (mine.toml)", "write value, paper and note"),
        ("value = 3", "walue = 3", "unknown key 'epochs.walue' (mine.toml)", "write value, paper and note"),
        ("value = 3, ", "", "epochs has no value (mine.toml)", 'write epochs = { value = … , note = "…" }'),
        ("batch = 4", "batch = 'four'", "batch = 'four' (mine.toml)", "write a whole number"),
        ("batch = 4", "batch = true", "batch = True (mine.toml)", "write a whole number"),
        ("averaging = 0", "averagin = 0", "unknown option 'averagin' (mine.toml)", "did you mean 'averaging'?"),
        ("{ averaging = 0 }", "1", "ablations.no_averaging is no table (mine.toml)", "write { option = value }"),
        ('kind = "concepts"', 'kind = "clip"', "mine.toml is a preset of `roco train clip`", None),
        ("[settings]", "[settings", None, "correct it"),
    ],
)
def test_what_is_wrong_with_a_preset_is_one_line(
    tmp_path: Path, old: str, new: str, message: str | None, hint: str | None
) -> None:
    assert old in GOOD
    with pytest.raises(UsageError) as err:
        preset(tmp_path, GOOD.replace(old, new, 1))
    assert message in (err.value.message, None)
    assert hint in (err.value.hint, None)
    assert "\n" not in err.value.message


def test_an_unknown_preset_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="unknown preset 'paper-b1'") as err:
        load("paper-b1", "concepts", LoopOptions)
    assert err.value.hint == "did you mean 'paper-b0'?"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [("batch", "8", 8), ("batch", 8.0, 8), ("lr", "1e-4", 1e-4), ("optimizer", "sgd", "sgd"), ("lr", 1, 1.0)],
)
def test_values_of_the_command_line_become_those_of_the_option(name: str, value: Any, expected: Any) -> None:
    found = checked(LoopOptions, name, value, "--set")
    assert found == expected and type(found) is type(expected)


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("batch", "8.5", "write a whole number"),
        ("lr", "fast", "write a number"),
        ("optimizer", "adma", "did you mean 'adam'?"),
        ("lrs", "1", "did you mean 'lr'?"),
    ],
)
def test_other_values_are_refused(name: str, value: Any, hint: str) -> None:
    with pytest.raises(UsageError) as err:
        checked(LoopOptions, name, value, "--set")
    assert err.value.hint == hint


@pytest.mark.parametrize("change", [{"epochs": 0}, {"averaging": 1.0}, {"warmup": -0.1}, {"lr": -1.0}, {"workers": -1}])
def test_values_out_of_range_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        resolve(LoopOptions, Preset("mine", "concepts", "", {"lr": Setting(0.1)}), change)


def test_a_preset_file_that_is_not_there_is_called_missing() -> None:
    with pytest.raises(UsageError, match=r"missing preset: mine\.toml"):
        load("mine.toml", "concepts", LoopOptions)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", float("nan")])
def test_a_number_that_is_not_finite_is_no_value_of_an_option(value: object) -> None:
    with pytest.raises(UsageError, match="lr = ") as err:
        checked(LoopOptions, "lr", value, "--set")
    assert err.value.hint == "write a number"


@pytest.mark.parametrize(("name", "most"), [("seed", 2**63 - 1), ("workers", 256)])
def test_seeds_and_workers_have_a_greatest_value(name: str, most: int) -> None:
    assert getattr(LoopOptions(**{name: most}), name) == most
    with pytest.raises(UsageError, match=f"{name} = {most + 1}") as err:
        LoopOptions(**{name: most + 1})
    assert err.value.hint == f"write at most {most}"
