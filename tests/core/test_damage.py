"""The next run recreates a damaged file of the run folder, or its error states what to do."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roco.base.errors import DataError
from roco.core import manifest, pack, parts
from tests.core.conftest import everything
from tests.faults.drive import drive, kept, read, write_articles

N = 9  # parts of seven articles and of two

Damage = Callable[[Path], None]


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def delete(path: Path) -> None:
    path.unlink()


def flip(path: Path, at: float, bit: int = 4) -> None:
    """Flips one bit, as an ageing disk does: size and modification time do not change."""
    stat, data = path.stat(), bytearray(path.read_bytes())
    data[int(at * (len(data) - 1))] ^= 1 << bit
    path.write_bytes(data)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


DAMAGES: dict[str, Damage] = {
    "cut": cut,
    "emptied": empty,
    "deleted": delete,
    **{f"flipped at {at}": lambda path, at=at: flip(path, at) for at in (0.1, 0.5, 0.99)},  # type: ignore[misc]
}
FILES = ("measures/read-*/*", "measures/words-*/*", "measures/look-*/*", "decisions/rows-*/*", "decisions/06-*",
         "decisions/07-*", "decisions/kept*", "images/*", "manifest.json", "records/*/*", "funnel.json", "recipe.toml",
         "parts.parquet")  # fmt: skip


@pytest.fixture(scope="module")
def articles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_articles(tmp_path_factory.mktemp("damaged") / "articles", N)


@pytest.fixture(scope="module")
def undisturbed(articles: Path) -> dict[int, Path]:
    """Returns finished runs by threshold."""
    for at_least in (2, 3):
        drive(articles, articles.with_name(f"finished-{at_least}"), at_least=at_least)
    return {at_least: articles.with_name(f"finished-{at_least}") for at_least in (2, 3)}


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ROCO_TEST_LOG", str(tmp_path / "log"))
    return tmp_path / "log"


def again(articles: Path, folder: Path, **options: Any) -> None:
    """Runs again; deletes parts.parquet if it is damaged, as the hint of the error states."""
    try:
        drive(articles, folder, **options)
    except DataError as err:
        assert err.message == f"corrupt file: {folder / 'parts.parquet'}"
        assert err.hint.startswith("delete it and run again")
        (folder / "parts.parquet").unlink()
        drive(articles, folder, **options)


@pytest.mark.parametrize("pattern", FILES)
def test_a_damaged_file_is_recreated_and_the_release_is_unchanged(
    articles: Path, undisturbed: dict[int, Path], tmp_path: Path, log: Path, pattern: str
) -> None:
    for name, damage in DAMAGES.items():
        folder = tmp_path / name
        shutil.copytree(undisturbed[2], folder)
        damage(min(folder.glob(pattern)))
        for at_least in (2, 3):  # the second recipe reads files that the first one did not
            again(articles, folder, at_least=at_least)
            assert everything(folder) == everything(undisturbed[at_least]), name
        assert read(log)["read"] <= (7 if "read" in pattern else 0), name
        log.unlink(missing_ok=True)


@pytest.mark.parametrize("name", ["all.json", "checksums.sha256"])
@pytest.mark.parametrize("damage", [cut, empty, delete])
def test_a_modified_release_is_published_again(
    articles: Path, undisturbed: dict[int, Path], tmp_path: Path, name: str, damage: Damage
) -> None:
    shutil.copytree(undisturbed[2], tmp_path / "run")
    path = tmp_path / "run" / "release" / name
    damage(path)
    damaged = path.read_bytes() if path.exists() else None
    assert drive(articles, tmp_path / "run").measured == {}
    edited = path.with_name(f"{path.stem}.edited{path.suffix}")  # somebody may have edited it on purpose
    assert (edited.read_bytes() if edited.exists() else None) == damaged
    edited.unlink(missing_ok=True)
    assert kept(tmp_path / "run") == kept(undisturbed[2])


def test_an_unmodified_release_is_not_published_again(
    articles: Path, undisturbed: dict[int, Path], tmp_path: Path, log: Path
) -> None:
    shutil.copytree(undisturbed[2], tmp_path / "run")
    (tmp_path / "run" / "release" / "notes.txt").write_text("a file of the user")
    drive(articles, tmp_path / "run")
    assert not log.exists()
    assert (tmp_path / "run" / "release" / "notes.txt").exists()


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_all_files_damaged_at_once_are_recreated(
    articles: Path, undisturbed: dict[int, Path], tmp_path: Path, workers: int
) -> None:
    shutil.copytree(undisturbed[2], tmp_path / "run")
    for path in tmp_path.glob("run/[midf]*/**/*"):
        if path.is_file():
            flip(path, 0.5)
    drive(articles, tmp_path / "run", at_least=3, workers=workers)
    assert everything(tmp_path / "run") == everything(undisturbed[3])


def test_flipped_bits_in_the_decisions_of_many_parts_are_repaired_by_one_run(
    articles: Path, undisturbed: dict[int, Path], tmp_path: Path
) -> None:
    drive(articles, tmp_path / "run", part_size=2)
    for path in tmp_path.glob("run/decisions/*/*"):
        flip(path, 0.5)
    shutil.rmtree(tmp_path / "run" / "release")
    assert drive(articles, tmp_path / "run").measured == {}
    assert everything(tmp_path / "run") == everything(undisturbed[2])


def test_a_folder_that_contains_only_measures_measures_nothing_again(
    articles: Path, undisturbed: dict[int, Path], tmp_path: Path
) -> None:
    shutil.copytree(undisturbed[2] / "measures", tmp_path / "run" / "measures")
    assert drive(articles, tmp_path / "run").measured == {}
    assert everything(tmp_path / "run") == everything(undisturbed[2])


def test_a_part_that_is_found_again_after_others_does_not_change_the_release(
    articles: Path, undisturbed: dict[int, Path], tmp_path: Path
) -> None:
    def published(folder: Path) -> Any:
        return manifest.load(folder / "ledger" / "published.json")["records"]

    shutil.copytree(undisturbed[2], tmp_path / "run")
    first, second = parts.read(tmp_path / "run" / "parts.parquet").names
    (tmp_path / "run" / "parts.parquet").unlink()
    [measures] = tmp_path.glob(f"run/measures/read-*/{first}.parquet")
    cut(measures)
    drive(articles, tmp_path / "run")
    assert parts.read(tmp_path / "run" / "parts.parquet").names == (second, first)
    assert everything(tmp_path / "run") == everything(undisturbed[2])
    assert published(tmp_path / "run") == published(undisturbed[2])


def test_a_pack_with_any_bit_flipped_returns_the_image_or_nothing(tmp_path: Path) -> None:
    writer = pack.PackWriter(tmp_path / "a.pack")
    writer.add("A/f0/0", b"the image", b"its thumbnail")
    writer.commit()
    whole = (tmp_path / "a.pack").read_bytes()
    for bit in range(0, 8 * len(whole), 3):  # 3 and 8 are coprime, so every bit position of a byte is flipped
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        (tmp_path / "a.pack").write_bytes(data)
        reader = pack.PackReader(tmp_path / "a.pack")
        assert reader.image("A/f0/0") in (b"the image", None), bit
        assert reader.thumbnail("A/f0/0") in (b"its thumbnail", None), bit
        reader.close()


def test_a_damaged_pack_is_rewritten_as_a_whole(tmp_path: Path) -> None:
    for data in (b"", b"PK\x03\x04 and no more"):
        (tmp_path / "a.pack").write_bytes(data)
        writer = pack.PackWriter(tmp_path / "a.pack")
        writer.add("A/f0/0", b"the image", None)
        writer.commit()
        assert pack.PackReader(tmp_path / "a.pack").image("A/f0/0") == b"the image"


def test_a_manifest_with_a_flipped_bit_is_ignored(undisturbed: dict[int, Path], tmp_path: Path) -> None:
    whole = (undisturbed[2] / "manifest.json").read_bytes()
    saved = manifest.load(undisturbed[2] / "manifest.json")
    assert saved["complete"]
    for at in range(0, len(whole), 3):
        data = bytearray(whole)
        data[at] ^= 1
        (tmp_path / "manifest.json").write_bytes(data)
        assert manifest.load(tmp_path / "manifest.json") in (saved, {}), at


@pytest.mark.parametrize("content", ["null", "[]", "3", "{}", '{"parts": {}}', '{"seal": 1, "parts": 2}'])
def test_a_manifest_with_other_content_is_ignored(
    articles: Path, undisturbed: dict[int, Path], tmp_path: Path, content: str
) -> None:
    json.loads(content)
    shutil.copytree(undisturbed[2], tmp_path / "run")
    (tmp_path / "run" / "manifest.json").write_text(content)
    assert drive(articles, tmp_path / "run").measured == {}
    assert everything(tmp_path / "run") == everything(undisturbed[2])
