"""The folder of a model: complete, of this format, unchanged; or an error that says what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from roco.base.errors import DataError
from roco.baselines.training.folder import FILE, open_model, writing


def model(folder: Path) -> Path:
    out = folder / "model"
    with writing(out, "concepts", {"size": 64}) as part:
        (part / "model.safetensors").write_bytes(b"weights")
        (part / "tokenizer").mkdir()
        (part / "tokenizer" / "a.json").write_text("{}")
    return out


def test_a_model_is_read_as_it_was_written(tmp_path: Path) -> None:
    found = open_model(model(tmp_path), "concepts", "captions")
    assert (found.kind, found.values) == ("concepts", {"size": 64})


def test_nothing_is_left_of_a_model_that_could_not_be_written(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), writing(tmp_path / "model", "concepts", {}) as part:
        (part / "model.safetensors").write_bytes(b"half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_files_that_only_their_owner_could_read_are_as_readable_as_others(tmp_path: Path) -> None:
    out = tmp_path / "model"
    with writing(out, "concepts", {}) as part:
        (part / "model.safetensors").write_bytes(b"weights")
        (part / "model.safetensors").chmod(0o600)  # as safetensors writes it
        (part / "README.md").write_text("card")
    modes = {path.name: path.stat().st_mode for path in out.iterdir()}
    assert modes["model.safetensors"] == modes["README.md"] == modes[FILE]


def test_a_folder_that_exists_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "mine").write_text("mine")
    with pytest.raises(DataError), writing(tmp_path / "model", "concepts", {}):
        pass
    assert (tmp_path / "model" / "mine").read_text() == "mine"


def edit(**changes: object) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        entry = json.loads((path / FILE).read_text())
        (path / FILE).write_text(json.dumps(entry | changes))

    return change


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (edit(format=2, roco="0.9.0"), r"has format 2 \(roco 0\.9\.0\); this roco reads 1"),
        (edit(kind="concept"), "unknown kind of model 'concept'"),
        (edit(files=None), "is incomplete"),
        (edit(files={"../other": "0"}), "lists a file outside the folder"),
        (lambda path: (path / FILE).write_text("{"), "cannot be read"),
        (lambda path: (path / FILE).write_text("[]"), "is not an object"),
        (lambda path: (path / FILE).unlink(), "not the folder of a model"),
        (lambda path: (path / "model.safetensors").unlink(), "missing file"),
        (lambda path: (path / "model.safetensors").write_bytes(b"other"), "has changed since the model was written"),
    ],
)
def test_what_is_wrong_with_a_folder_is_one_line(tmp_path: Path, spoil: Callable[[Path], object], message: str) -> None:
    path = model(tmp_path)
    spoil(path)
    with pytest.raises(DataError, match=message) as err:
        open_model(path)
    assert err.value.hint


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a model of `roco train concepts`"):
        open_model(model(tmp_path), "captions")


def test_a_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        open_model(tmp_path / "model")
