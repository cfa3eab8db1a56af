"""The log of a training: a CSV file that a kill cannot spoil, curves, and the trackers that follow it."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest

from roco.base.errors import MissingExtra, UsageError
from roco.baselines.training.log import Log, curves, read


def test_lines_after_the_last_checkpoint_are_written_again(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    log = Log(path, 0)
    for step in range(1, 5):
        log.add(step, 1, {"loss": step / 8})
    with path.open("a") as file:
        file.write("5,1,lo")  # the process was killed while it wrote
    log = Log(path, 2)
    log.add(3, 1, {"loss": 0.5})
    assert path.read_text() == "step,epoch,name,value\n1,1,loss,0.125\n2,1,loss,0.25\n3,1,loss,0.5\n"
    assert read(path)[-1] == ("3", "1", "loss", "0.5")


def test_the_curves_show_losses_and_scores_and_are_the_same_bytes_each_time(tmp_path: Path) -> None:
    log = Log(tmp_path / "log.csv", 0)
    for step in range(1, 1000):
        log.add(step, 1, {"loss": 1 / step, "loss.concepts": 1 / step})
    log.add(999, 1, {"valid.f1": 0.5})
    curves(tmp_path / "log.csv", tmp_path / "a.svg")
    curves(tmp_path / "log.csv", tmp_path / "b.svg")
    text = (tmp_path / "a.svg").read_text()
    assert text == (tmp_path / "b.svg").read_text()
    assert all(name in text for name in ("loss.concepts", "valid.f1", "Scores on valid"))


def test_the_curves_of_a_training_without_scores_are_drawn_too(tmp_path: Path) -> None:
    Log(tmp_path / "log.csv", 0)
    curves(tmp_path / "log.csv", tmp_path / "a.svg")
    assert "<svg" in (tmp_path / "a.svg").read_text()


def test_wandb_receives_the_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[int, dict[str, float]]] = []
    run = types.SimpleNamespace(log=lambda values, step: sent.append((step, values)))
    begun: list[dict[str, Any]] = []
    fake = types.SimpleNamespace(init=lambda **words: begun.append(words) or run)
    monkeypatch.setitem(sys.modules, "wandb", fake)
    Log(tmp_path / "log.csv", 0, "wandb", "b0").add(7, 1, {"loss": 0.5})
    assert sent == [(7, {"loss": 0.5})]
    assert begun[0]["name"] == "b0"


def test_a_missing_tracker_is_answered_with_its_pip_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(MissingExtra) as err:
        Log(tmp_path / "log.csv", 0, "wandb")
    assert "trackers" in err.value.hint and isinstance(err.value, UsageError)


@pytest.mark.neural
def test_tensorboard_receives_the_values(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="pip install '.[dev,dev-neural]'")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    Log(tmp_path / "log.csv", 0, "tensorboard").add(7, 1, {"loss": 0.5})
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("loss")] == [(7, 0.5)]
