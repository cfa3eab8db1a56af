"""`roco fetch verify`: articles are checked against their receipts, without the network."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from roco.base.errors import DataError
from roco.sources.fetch import commands
from tests.bucket import Bucket
from tests.sources.fetch.articles import OLD, options, put
from tests.sources.fetch.conftest import QUICK


@pytest.fixture(params=[False, True], ids=["folders", "packs"])
def downloaded(request: pytest.FixtureRequest, bucket: Bucket, tmp_path: Path) -> Path:
    put(bucket, "PMC1.1")
    put(bucket, "PMC2.1")
    bucket.put_inventory(OLD)
    commands.plan(tmp_path, options(bucket.endpoint, packs=request.param), policy=QUICK)
    commands.run(tmp_path, policy=QUICK)
    return tmp_path


def problems(folder: Path) -> list[tuple[str, str]]:
    return [(problem.where, problem.what) for problem in commands.verify(folder)]


def test_a_complete_download_has_no_problems(downloaded: Path) -> None:
    assert problems(downloaded) == []


def test_a_flipped_bit_is_a_corrupt_file(downloaded: Path) -> None:
    path = next(downloaded.glob("packs/*.tar"), downloaded / "PMC2.1" / "f1.jpg")
    data = bytearray(path.read_bytes())
    at = data.rindex(b"\xff\xd8\xff") + 30
    data[at] ^= 1
    path.write_bytes(data)
    ((where, what),) = problems(downloaded)
    assert where.startswith("PMC2.1/f")
    assert what in ("corrupt: SHA-256 differs from the receipt", "unreadable, or different from the index of its pack")


def test_a_copy_on_another_machine_can_be_verified(downloaded: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    copy = tmp_path_factory.mktemp("other") / "copy"
    shutil.copytree(downloaded, copy, ignore=shutil.ignore_patterns("metadata", "plan*"))
    assert problems(copy) == []


def test_missing_and_unexpected_files_are_problems(downloaded: Path) -> None:
    if (downloaded / "packs").is_dir():  # files in a pack cannot be added or removed, so the pack is removed
        next(downloaded.glob("packs/*.tar")).unlink()
        assert problems(downloaded)
        assert {what for _, what in problems(downloaded)} == {"unreadable, or different from the index of its pack"}
        return
    (downloaded / "PMC1.1" / "f1.jpg").unlink()
    (downloaded / "PMC1.1" / "f9.jpg").write_bytes(b"x")
    shutil.copytree(downloaded / "PMC2.1", downloaded / "PMC7.1")
    by_file = dict(problems(downloaded))
    assert by_file["PMC1.1/f1.jpg"] == "missing"
    assert by_file["PMC1.1/f9.jpg"] == "unexpected: no receipt"
    assert "PMC7.1/PMC2.1.xml" in by_file


def test_a_truncated_receipt_is_ignored_and_the_other_receipts_are_read(downloaded: Path) -> None:
    path = downloaded / "fetch" / "receipts.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    assert len(problems(downloaded)) == 1
    with path.open("ab") as file:
        file.write(b"\xff\x00 nonsense\n[]\n")
    assert len(problems(downloaded)) == 1


def test_a_folder_without_receipts_cannot_be_verified(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no receipts in"):
        commands.verify(tmp_path)
