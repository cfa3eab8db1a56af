"""A tree is checked against its receipts, without the network."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from roco.base.errors import DataError
from roco.sources.fetch import verbs
from tests.bucket import Bucket
from tests.sources.fetch.articles import OLD, options, put
from tests.sources.fetch.conftest import QUICK


@pytest.fixture(params=[False, True], ids=["folders", "packs"])
def fetched(request: pytest.FixtureRequest, bucket: Bucket, tmp_path: Path) -> Path:
    put(bucket, "PMC1.1")
    put(bucket, "PMC2.1")
    bucket.inventory(OLD)
    verbs.plan(tmp_path, options(bucket.endpoint, packs=request.param), patience=QUICK)
    verbs.run(tmp_path, patience=QUICK)
    return tmp_path


def problems(folder: Path) -> list[tuple[str, str]]:
    return [tuple(problem) for problem in verbs.verify(folder)]  # type: ignore[misc]


def test_what_was_fetched_is_as_it_was(fetched: Path) -> None:
    assert problems(fetched) == []


def test_a_flipped_bit_is_found(fetched: Path) -> None:
    path = next(fetched.glob("packs/*.tar"), fetched / "PMC2.1" / "f1.jpg")
    data = bytearray(path.read_bytes())
    at = data.rindex(b"\xff\xd8\xff") + 30
    data[at] ^= 1
    path.write_bytes(data)
    ((where, what),) = problems(fetched)
    assert where.startswith("PMC2.1/f")
    assert "is not what" in what


def test_a_copy_can_be_checked_on_another_machine(fetched: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other") / "copy"
    shutil.copytree(fetched, other, ignore=shutil.ignore_patterns("metadata", "plan*"))
    assert problems(other) == []


def test_what_is_missing_or_came_from_elsewhere_is_found(fetched: Path) -> None:
    if (fetched / "packs").is_dir():  # in a pack no file can be added or taken, so the pack is
        next(fetched.glob("packs/*.tar")).unlink()
        assert all("cannot be read" in what for _, what in problems(fetched))
        return
    (fetched / "PMC1.1" / "f1.jpg").unlink()
    (fetched / "PMC1.1" / "f9.jpg").write_bytes(b"x")
    shutil.copytree(fetched / "PMC2.1", fetched / "PMC7.1")
    found = dict(problems(fetched))
    assert found["PMC1.1/f1.jpg"] == "is gone, and was fetched"
    assert found["PMC1.1/f9.jpg"] == "was never fetched: there is no receipt"
    assert "PMC7.1/PMC2.1.xml" in found


def test_a_receipt_that_was_cut_counts_for_nothing_and_spoils_none(fetched: Path) -> None:
    path = fetched / "fetch" / "receipts.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    assert len(problems(fetched)) == 1
    with path.open("ab") as fh:
        fh.write(b"\xff\x00 nonsense\n[]\n")
    assert len(problems(fetched)) == 1


def test_without_receipts_there_is_nothing_to_check_by(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no receipts"):
        verbs.verify(tmp_path)
