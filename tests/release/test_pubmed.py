"""The PubMed sidecar: beside the release, not in it; found again, carried to subsets, and refused if it is corrupt."""

from __future__ import annotations

import errno
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import roco
from roco.base.errors import DataError, UsageError
from roco.base.sealed_tables import write_table
from roco.release.pubmed import FOUND, MISSING, NO_RECORD, SCHEMA, image_columns, read_pubmed, sidecar_path, write_file
from roco.release.read import Release
from roco.release.retract import retract
from roco.release.select.flags import SelectOptions
from roco.release.select.selection import choose
from roco.release.select.subset import select


def term(name: str, *, major: bool = False, qualifiers: tuple[dict[str, Any], ...] | None = None) -> dict[str, Any]:
    more = {} if qualifiers is None else {"qualifiers": list(qualifiers)}
    return {"ui": f"D{len(name):06}", "name": name, "major": major, **more}


def found(key: str, types: tuple[str, ...], *headings: dict[str, Any]) -> dict[str, Any]:
    listed = [{"ui": f"D{len(name):06}", "name": name} for name in types]
    return {"article_key": key, "pmcid": key, "publication_types": listed, "mesh": list(headings), "status": FOUND}


def missing(key: str) -> dict[str, Any]:
    return {"article_key": key, "pmcid": key, "status": MISSING, "reason": NO_RECORD}


def table(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), SCHEMA)


@pytest.fixture
def release(finished_demo: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished_demo / "run" / "release", tmp_path / "release"))


@pytest.fixture
def articles(release: Path) -> list[str]:
    return sorted(Release.open(release).articles())


@pytest.fixture
def sidecar(release: Path, articles: list[str]) -> list[str]:
    """A sidecar with a review, a record without headings, and no record of the third article; the rest are reports."""
    lungs = term("Lung", qualifiers=(term("pathology", major=True),))
    humans = term("Humans", qualifiers=())
    rows = [found(articles[0], ("Journal Article", "Review"), lungs, humans), found(articles[1], ("Letter",))]
    rows.append(missing(articles[2]))
    rows += [found(key, ("Journal Article", "Case Reports"), humans) for key in articles[3:]]
    write_file(sidecar_path(release), table(*rows), {})
    return articles


def test_the_sidecar_is_beside_the_release_whose_checksums_stay_valid(
    release: Path, sidecar: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = read_pubmed(release)
    assert read is not None and read.schema == SCHEMA and read["article_key"].to_pylist() == sidecar
    assert sidecar_path(release) == release.parent / "release.pubmed.parquet"
    assert roco.verify(release) == []
    monkeypatch.chdir(release)
    assert read_pubmed(".") is not None


def test_a_release_without_a_sidecar_has_none(release: Path) -> None:
    assert read_pubmed(release) is None


def test_a_changed_byte_and_another_table_are_refused(release: Path, sidecar: list[str]) -> None:
    path = sidecar_path(release)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match="corrupt file"):
        read_pubmed(release)
    write_table(path, pa.table({"article_key": ["PMC1"]}), {})
    with pytest.raises(DataError, match="not a file of roco fetch pubmed"):
        read_pubmed(release)


def test_a_file_of_another_kind_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "mine.parquet"
    write_table(path, pa.table({"a": [1]}), {})
    before = path.read_bytes()
    with pytest.raises(UsageError, match="another file"):
        write_file(path, table(missing("PMC1")), {})
    assert path.read_bytes() == before


def test_a_heading_is_major_if_one_of_its_qualifiers_is() -> None:
    pubmed = table(
        found("PMC1", ("Review",), term("Lung", qualifiers=(term("pathology", major=True),)), term("Humans")),
        found("PMC2", ()),
        missing("PMC3"),
    )  # fmt: skip
    rows = image_columns(pubmed, pa.chunked_array([["PMC2", "PMC1", "PMC3", "PMC9", "PMC1"]])).to_pylist()
    first = {"publication_types": ["Review"], "mesh": ["Lung", "Humans"], "mesh_major": ["Lung"]}
    nothing = dict.fromkeys(first)
    assert rows == [{name: [] for name in first}, first, nothing, nothing, first]


# --- select and retract ---------------------------------------------------------------------------------------


def keys(release: Path, where: str) -> set[str]:
    with Release.open(release) as opened:
        ids = set(choose(opened, SelectOptions(where=where)).ids)
        return {row["article_key"] for row in opened.table().to_pylist() if row["id"] in ids}


def test_conditions_read_types_and_headings(release: Path, sidecar: list[str]) -> None:
    assert keys(release, "list_contains(publication_types, 'Review')") == {sidecar[0]}
    assert keys(release, "list_contains(mesh_major, 'Lung')") == {sidecar[0]}
    assert keys(release, "mesh = []") == {sidecar[1]}
    assert keys(release, "publication_types IS NULL") == {sidecar[2]}
    assert keys(release, "list_contains(MESH, 'Humans') AND year > 0 AND article_key > ''") <= set(
        sidecar[3:] + sidecar[:1]
    )


def test_a_selection_states_the_file_and_the_articles_without_a_record(
    release: Path, sidecar: list[str], tmp_path: Path
) -> None:
    _, record = select(
        release, tmp_path / "reports", SelectOptions(where="list_contains(publication_types, 'Case Reports')")
    )
    assert record["pubmed"]["articles_without_record"] == 1 and len(record["pubmed"]["sha256"]) == 64
    _, other = select(release, tmp_path / "all", SelectOptions(where="year > 0"))
    assert "pubmed" not in other


def test_without_a_sidecar_the_error_names_the_command(release: Path) -> None:
    with Release.open(release) as opened, pytest.raises(UsageError) as refused:
        choose(opened, SelectOptions(where="list_contains(publication_types, 'Review')"))
    assert refused.value.message == "the release has no column 'publication_types' (--where)"
    assert "roco fetch pubmed" in refused.value.hint


def test_a_corrupt_sidecar_does_not_disturb_a_selection_that_does_not_read_it(
    release: Path, sidecar: list[str]
) -> None:
    sidecar_path(release).write_bytes(b"PAR1")
    assert keys(release, "year > 0")
    with pytest.raises(DataError, match="corrupt file"):
        keys(release, "mesh = []")


def test_subset_and_next_release_get_the_rows_of_their_articles(
    release: Path, sidecar: list[str], tmp_path: Path
) -> None:
    subset, following = tmp_path / "subset", tmp_path / "next"
    select(release, subset, SelectOptions(where="list_contains(publication_types, 'Case Reports')"))
    retract(release, following, [sidecar[0]], "consent withdrawn")
    for out in (subset, following):
        carried = read_pubmed(out)
        assert carried is not None
        assert carried["article_key"].to_pylist() == sorted(Release.open(out).articles())
        assert roco.verify(out) == []


def test_an_existing_file_beside_the_subset_is_not_replaced(release: Path, sidecar: list[str], tmp_path: Path) -> None:
    (tmp_path / "subset.pubmed.parquet").write_text("mine")
    select(release, tmp_path / "subset", SelectOptions(where="mesh = []"))
    assert (tmp_path / "subset.pubmed.parquet").read_text() == "mine"


_DIE = """
import os, sys
from pathlib import Path
from roco.release.retract import retract
rename = Path.rename
def die(self, target):
    if sys.argv[1] == "after":
        rename(self, target)
    os._exit(9)
Path.rename = die
retract(sys.argv[2], sys.argv[3], [sys.argv[4]], "consent withdrawn")
"""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_leaves_no_release_without_its_sidecar(
    release: Path, sidecar: list[str], tmp_path: Path, moment: str
) -> None:
    out = tmp_path / "next"
    done = subprocess.run([sys.executable, "-c", _DIE, moment, str(release), str(out), sidecar[0]], check=False)
    assert done.returncode == 9
    assert out.exists() == (moment == "after")
    kept = sidecar[1:]
    if moment == "before":  # what was left belongs to no release, and is not taken for that of another one
        assert read_pubmed(out) is not None
        retract(release, out, [sidecar[1]], "consent withdrawn")
        kept = [sidecar[0], *sidecar[2:]]
    carried = read_pubmed(out)
    assert carried is not None and carried["article_key"].to_pylist() == kept


def test_a_release_that_cannot_be_written_leaves_no_sidecar(
    release: Path, sidecar: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, target: Path) -> Path:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(DataError, match="no space left"):
        retract(release, tmp_path / "next", [sidecar[0]], "consent withdrawn")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["release", "release.pubmed.parquet"]
