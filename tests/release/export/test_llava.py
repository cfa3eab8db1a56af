"""Instruction data: one image token in each record, a question that the id decides, the caption as the answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from roco.release.export import llava
from roco.release.export.formats import export
from tests.readers import read_with
from tests.release.export.conftest import figures
from tests.stages.publish.finished import Run, publish


@pytest.fixture(scope="module")
def exported(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(small, "llava", tmp_path_factory.mktemp("llava") / "out").folder


def records(folder: Path, program: str) -> list[dict[str, object]]:
    return [one for path in sorted(folder.glob(f"{program}_*.json")) for one in json.loads(path.read_text())]


def test_a_record_of_llava_has_the_image_once_and_the_caption_as_the_answer(exported: Path, small: Path) -> None:
    found = {one["id"]: one for one in records(exported, "llava")}
    for row in figures(small):
        one = found.pop(row["id"])
        human, gpt = one["conversations"]  # type: ignore[misc]
        assert (human["from"], gpt) == ("human", {"from": "gpt", "value": row["caption"]})
        assert human["value"] == f"<image>\n{llava.prompt(row['id'])}"
        assert (exported / str(one["image"])).stem == row["id"] and (exported / str(one["image"])).is_file()
        assert one["license"] == row["license"] and one["attribution"]
    assert found == {}


def test_llamafactory_gets_a_list_of_images_and_the_names_of_its_files(exported: Path) -> None:
    for one, other in zip(records(exported, "llamafactory"), records(exported, "llava"), strict=True):
        user, assistant = one["messages"]  # type: ignore[misc]
        assert one["images"] == [other["image"]]
        assert [user["content"], assistant["content"]] == [turn["value"] for turn in other["conversations"]]  # type: ignore[attr-defined]
    info = json.loads((exported / "dataset_info.json").read_text())
    assert {one["file_name"] for one in info.values()} == {path.name for path in exported.glob("llamafactory_*")}


def test_the_question_depends_on_the_id_alone_and_is_one_of_those_listed(exported: Path) -> None:
    prompts = json.loads((exported / "prompts.json").read_text())
    assert {llava.prompt(str(number)) for number in range(100)} == set(prompts)
    assert llava.prompt("roco_train_000001") == "Describe the findings in this image."


def test_a_caption_with_the_token_of_an_image_does_not_count_as_a_second_image(tmp_path: Path) -> None:
    run = Run()
    run.figures[0]["caption"] = "The <image> of the chest."
    folder = export(publish(tmp_path / "release", run), "llava", tmp_path / "out").folder
    texts = [json.dumps(one) for name in ("llava", "llamafactory") for one in records(folder, name)]
    assert [text.count("<image>") for text in texts] == [1] * len(texts)
    assert sum("The < image > of the chest." in text for text in texts) == 2


_CONVERT = """
import importlib.machinery, json, os, sys, types
os.environ["DISABLE_VERSION_CHECK"] = "1"
# Imported for the templates of audio models only; its binary needs the torch of one version.
stand_in = types.ModuleType("torchaudio")
stand_in.__spec__ = importlib.machinery.ModuleSpec("torchaudio", None)
sys.modules["torchaudio"] = stand_in
from llamafactory.data.converter import get_dataset_converter
from llamafactory.data.parser import get_dataset_list
folder = sys.argv[1]
options = types.SimpleNamespace(media_dir=folder)
found = []
for known in get_dataset_list(list(json.load(open(f"{folder}/dataset_info.json"))), folder):
    convert = get_dataset_converter(known.formatting, known, options)
    for row in json.load(open(f"{folder}/{known.dataset_name}")):
        one = convert(row)
        (image,), (question,), (answer,) = one["_images"], one["_prompt"], one["_response"]
        assert os.path.isfile(image) and question["content"].count("<image>") == 1
        found.append([row["id"], os.path.relpath(image, folder), answer["content"]])
print(json.dumps(found))
"""


@pytest.mark.slow
def test_llamafactory_converts_every_record(exported: Path, small: Path) -> None:
    found = {id: (image, answer) for id, image, answer in json.loads(read_with("llamafactory", _CONVERT, exported))}
    assert found.keys() == {row["id"] for row in figures(small)}
    for row in figures(small):
        image, answer = found[row["id"]]
        assert Path(image).stem == row["id"] and answer == row["caption"]
