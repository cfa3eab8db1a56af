"""Loaded images on the disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from roco.base.errors import UsageError
from roco.baselines.vision.cache import Cache
from roco.baselines.vision.transform import Loading, Pixels

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 20), dtype=np.uint8)
LOADING = Loading(20, "squash")


def fail() -> Pixels:
    raise AssertionError("loaded again")


def test_a_loaded_image_is_not_loaded_again(tmp_path: Path) -> None:
    cache = Cache.open(tmp_path / "cache")
    assert np.array_equal(cache.get("stamp", LOADING, lambda: PIXELS), PIXELS)
    assert np.array_equal(Cache.open(tmp_path / "cache").get("stamp", LOADING, fail), PIXELS)


def test_another_file_another_size_and_another_shape_are_loaded(tmp_path: Path) -> None:
    cache = Cache.open(tmp_path)
    cache.get("stamp", LOADING, lambda: PIXELS)
    for stamp, loading in (("other", LOADING), ("stamp", Loading(24, "squash")), ("stamp", Loading(20, "short-side"))):
        with pytest.raises(AssertionError, match="again"):
            cache.get(stamp, loading, fail)


@pytest.mark.parametrize("damage", ["truncated", "changed", "empty", "other"])
def test_a_corrupt_file_is_made_again(tmp_path: Path, damage: str) -> None:
    cache = Cache.open(tmp_path)
    cache.get("stamp", LOADING, lambda: PIXELS)
    path = cache.path("stamp", LOADING)
    data = path.read_bytes()
    changed = data[:200] + bytes([data[200] ^ 1]) + data[201:]
    path.write_bytes({"truncated": data[:-50], "changed": changed, "empty": b"", "other": b"hello, world"}[damage])
    assert np.array_equal(cache.get("stamp", LOADING, lambda: PIXELS), PIXELS)
    assert path.read_bytes() == data


def test_numpy_reads_the_files_and_nothing_else_is_left(tmp_path: Path) -> None:
    cache = Cache.open(tmp_path)
    cache.get("stamp", LOADING, lambda: PIXELS)
    (path,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert np.array_equal(np.load(path, allow_pickle=False), PIXELS)


def test_an_image_that_cannot_be_stored_is_loaded_each_time(tmp_path: Path) -> None:
    cache = Cache.open(tmp_path)
    path = cache.path("stamp", LOADING)
    path.parent.write_bytes(b"")  # a file in the place of the folder
    assert np.array_equal(cache.get("stamp", LOADING, lambda: PIXELS), PIXELS)


def test_a_file_is_no_folder_for_a_cache(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match="not a folder"):
        Cache.open(tmp_path / "file")
