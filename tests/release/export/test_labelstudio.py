"""Tasks for Label Studio: the modality is a prediction that the interface knows, the address is the one asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from roco.base.errors import UsageError
from roco.release.export.formats import export
from roco.release.export.options import ExportOptions
from tests.readers import read_with
from tests.release.export.conftest import figures


def tasks(folder: Path) -> dict[str, dict[str, Any]]:
    found = [task for path in folder.glob("tasks_*.json") for task in json.loads(path.read_text())]
    return {task["data"]["id"]: task for task in found}


def test_the_prediction_is_the_modality_as_a_choice_of_the_interface(small: Path, tmp_path: Path) -> None:
    folder = export(small, "labelstudio", tmp_path / "out").folder
    config = ElementTree.parse(folder / "config.xml")
    choices = config.find("Choices")
    assert choices is not None
    known = {choice.get("value") for choice in choices}
    data_names = {element.get("value", "")[1:] for element in config.getroot() if element.tag in ("Image", "Text")}
    found = tasks(folder)
    assert len(found) == len(figures(small))
    for row in figures(small):
        task = found[row["id"]]
        assert data_names <= task["data"].keys() and task["data"]["caption"] == row["caption"]
        if row["modality"] is None:
            assert task["predictions"] == []
            continue
        (result,) = task["predictions"][0]["result"]
        assert (result["from_name"], result["to_name"]) == (choices.get("name"), choices.get("toName"))
        assert result["value"]["choices"] == [row["modality"]] and row["modality"] in known
    assert {row["modality"] is None for row in figures(small)} == {True, False}


@pytest.mark.parametrize("address", ["", "https://images.example.org/{path}?size=full"])
def test_the_address_of_an_image_follows_the_template(small: Path, tmp_path: Path, address: str) -> None:
    folder = export(small, "labelstudio", tmp_path / "out", ExportOptions(image_url=address)).folder
    before, _, after = (address or "/data/local-files/?d={path}").partition("{path}")
    for task in tasks(folder).values():
        image = task["data"]["image"]
        assert image.startswith(before) and image.endswith(after)
        assert (folder / image.removeprefix(before).removesuffix(after)).is_file()


def test_an_address_without_a_place_for_the_path_is_refused() -> None:
    with pytest.raises(UsageError, match=r"invalid address of images: 'https://images\.example\.org'"):
        ExportOptions(image_url="https://images.example.org")


_CHECK = """
import json, sys
from pathlib import Path
from label_studio_sdk.label_interface import LabelInterface
folder = Path(sys.argv[1])
interface = LabelInterface((folder / "config.xml").read_text())
interface.validate()
tasks = [task for path in folder.glob("tasks_*.json") for task in json.loads(path.read_text())]
errors = []
for task in tasks:
    # With predictions, validate_task of 2.1.2 ends with a TypeError: they are checked one by one.
    errors += [] if interface.validate_task({"data": task["data"]}) else [task["data"]["id"]]
    for prediction in task["predictions"]:
        errors += interface.validate_prediction(prediction, return_errors=True)
wrong = next(task for task in tasks if task["predictions"])["predictions"][0]
wrong["result"][0]["value"]["choices"] = ["no such modality"]
print(json.dumps([len(tasks), errors, interface.validate_prediction(wrong, return_errors=True) != []]))
"""


@pytest.mark.slow
def test_label_studio_accepts_interface_tasks_and_predictions(small: Path, tmp_path: Path) -> None:
    folder = export(small, "labelstudio", tmp_path / "out").folder
    n_tasks, errors, is_wrong_found = json.loads(read_with("label_studio_sdk", _CHECK, folder))
    assert (n_tasks, errors, is_wrong_found) == (len(figures(small)), [], True)
