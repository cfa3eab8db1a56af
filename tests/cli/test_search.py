"""roco index and roco search: what they print, their JSON, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.baselines import drawn
from tests.baselines.retrieve.encoders import fake
from tests.cli.command import DATA, DONE, USAGE, Command


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawn.write(tmp_path_factory.mktemp("drawn") / "dataset")


@pytest.fixture(scope="module")
def index(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import roco

    out = tmp_path_factory.mktemp("indexes") / "index"
    roco.index(dataset, out)
    return out


def ids(command: Command, *words: str | Path) -> list[str]:
    result = command("search", *words, "--json")
    assert result.code == DONE, result.err
    return [hit["id"] for hit in json.loads(result.out)["hits"]]


def test_index_reports_images_and_names_the_search(command: Command, dataset: Path, tmp_path: Path) -> None:
    drawn.image_file(dataset, "drawn_valid_000001")
    result = command("index", dataset, tmp_path / "index")
    assert result.code == DONE and result.out == f"wrote {tmp_path / 'index'}: 24 images, 24 with an embedding\n"
    assert result.err.endswith(f"next: roco search {tmp_path / 'index'} fracture\n")
    again = command("index", dataset, tmp_path / "index")
    assert again.code == USAGE and "already exists" in again.err
    grown = command("index", dataset, tmp_path / "more", "--previous", tmp_path / "index")
    assert "24 with an embedding (24 of the previous index)" in grown.out


def test_a_hit_has_caption_concepts_licence_attribution_and_link(command: Command, index: Path) -> None:
    result = command("search", index, "rings", "-n", "1")
    assert result.code == DONE
    for part in (
        "1. drawn_",
        "score ",
        "(words 1)",
        "rings number",
        "Drawn et al.",
        "pmc.ncbi.nlm.nih.gov/articles/PMC",
    ):
        assert part in result.out
    assert result.out.endswith("1 hit\n")
    hit = json.loads(command("search", index, "rings", "-n", "1", "--json").out)["hits"][0]
    assert hit["names"] and hit["attribution"] and hit["link"] and hit["license"] and hit["matched"] == {"words": 1}


def test_queries_of_the_command_are_those_of_the_library(command: Command, index: Path, dataset: Path) -> None:
    file = drawn.image_file(dataset, "drawn_train_000004")
    assert ids(command, index, "--image", file)[0] == "drawn_train_000004"
    assert "drawn_train_000004" not in ids(command, index, "--like", "drawn_train_000004", "-n", "24")
    own = ids(command, index, "--image", file, "--not-same-article", "-n", "24")
    assert len(own) == 20 and not {"drawn_train_000003", "drawn_train_000004"} & set(own)
    assert len(ids(command, index, "--concepts", f"NOT {drawn.CT}", "-n", "24")) == 16
    assert len(ids(command, index, "--image", file, "--diverse", "-n", "3")) == 3
    assert len(ids(command, index, "number", "--not-article", "PMC50001", "-n", "24")) == 20


def test_a_file_that_is_not_of_the_index_is_a_warning_with_not_same_article(
    command: Command, index: Path, tmp_path: Path
) -> None:
    from PIL import Image

    Image.fromarray(drawn.picture("rings", [9, 9])).save(tmp_path / "new.png")
    result = command("search", index, "--image", tmp_path / "new.png", "--not-same-article")
    assert result.code == DONE and "24 hits" not in result.err
    assert "its article is unknown; exclude it by --not-article PMCID" in result.err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], USAGE, "nothing to search for"),
        ([""], DATA, "no word in the query"),
        (["--image", "none.png"], DATA, "cannot read the image none.png: No such file or directory"),
        (["--like", "drawn"], USAGE, "no image 'drawn'"),
        (["--concepts", "knee"], USAGE, "unknown concept 'knee' (--concepts)"),
        (["rings", "--modality", "DRCTT"], USAGE, "unknown modality 'DRCTT' (--modality)"),
        (["rings", "--where", "x = 1"], USAGE, "--where"),
        (["rings", "--not-same-article"], USAGE, "the article of the query is unknown"),
        (["rings", "--encoder", "none.onnx", "--image", "none.png"], DATA, "none.png"),
    ],
)
def test_a_mistake_is_an_error_of_two_lines(
    command: Command, index: Path, words: list[str], code: int, message: str
) -> None:
    result = command("search", index, *words)
    assert result.code == code and message in result.err and "Traceback" not in result.err
    assert result.out == "" and len(result.err.splitlines()) <= 3


def test_a_folder_that_is_no_index_is_refused(command: Command, dataset: Path, tmp_path: Path) -> None:
    assert "not an index" in command("search", dataset, "rings").err
    assert command("search", tmp_path / "none", "rings").code == DATA


# --- encoders ---------------------------------------------------------------------------------------------------------


def test_a_search_by_vectors_states_the_encoders_that_compared(
    command: Command, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.use(monkeypatch)
    model, index = fake.folder(tmp_path / "model"), tmp_path / "index"
    done = command("index", dataset, index, "--encoder", model, "--text-encoder", model)
    assert done.out == f"wrote {index}: 24 images, 24 with an embedding, 24 captions with one\n"
    result = command("search", index, "circles", "--by", "dense", "-n", "1")
    assert "(text 1, caption 1)" in result.out
    assert result.out.endswith("1 hit\ntext: compared by model (SHA-256 1)\ncaption: compared by model (SHA-256 1)\n")
    entry = json.loads(command("search", index, "circles", "--json").out)
    assert entry["encoders"] == {name: {"name": "model", "sha256": "1"} for name in ("text", "caption")}
    words = command("search", index, "rings", "--by", "words", "-n", "1", "--json").out
    assert json.loads(words)["encoders"] == {}, "no encoder compared anything"


def test_unknown_encoders_and_ways_to_search_are_usage_errors(
    command: Command, dataset: Path, index: Path, tmp_path: Path
) -> None:
    for options, error in (
        (("--encoder", tmp_path), "contains no encoder"),
        (("--weights", tmp_path / "w.safetensors"), "weights without a network"),
        (("--text-encoder", tmp_path), "contains no sentence encoder"),
    ):
        result = command("index", dataset, tmp_path / "new", *options)
        assert result.code == USAGE and error in result.err and "Traceback" not in result.err
    assert list(tmp_path.iterdir()) == []
    result = command("search", index, "rings", "--by", "dense")
    assert result.code == USAGE and "--text-encoder FOLDER" in result.err
