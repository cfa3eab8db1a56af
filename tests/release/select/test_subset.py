"""A subset is a release: it verifies, keeps ids, splits and bytes, and states what it was selected from."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

import roco
from roco.base.errors import DataError, UsageError
from roco.base.files import file_digest
from roco.base.schema import SPLITS
from roco.base.tables import SPLIT_TABLES
from roco.curate.corpus import of_release
from roco.release.diff import diff
from roco.release.previous import read_release
from roco.release.read import Release
from roco.release.select.flags import SelectOptions
from roco.release.select.selection import choose
from roco.release.select.subset import SELECT, select
from tests.cli.command import contents
from tests.recorder import Recorder
from tests.tombstones import tombstones

CT_AND_MR = SelectOptions(modality=("DRCT", "DRMR"))


@pytest.fixture(scope="module")
def parent(release: Release) -> Path:
    return release.path


@pytest.fixture(scope="module")
def subset(parent: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("subset") / "subset"
    select(parent, out, CT_AND_MR)
    return out


@pytest.fixture
def copy(parent: Path, tmp_path: Path) -> Path:
    """A release that a test may damage."""
    return Path(shutil.copytree(parent, tmp_path / "release"))


def rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as fh:
        return list(csv.reader(fh, strict=True))


# --- a release in every sense --------------------------------------------------------------------------------


def test_it_verifies(subset: Path) -> None:
    assert roco.verify(subset) == []


def test_images_have_the_same_ids_splits_bytes_and_columns_in_the_same_order(parent: Path, subset: Path) -> None:
    before, after = roco.Release.open(parent).table(), roco.Release.open(subset).table()
    kept = [row for row in before.to_pylist() if row["modality"] in ("DRCT", "DRMR")]
    assert after.to_pylist() == kept and after.schema == before.schema
    assert 0 < len(kept) < len(before)
    with Release.open(parent) as old, Release.open(subset) as new:
        assert dict(new.images()) == {row["id"]: old.image(row["id"]) for row in kept}


def test_every_table_is_restricted_in_the_same_order(parent: Path, subset: Path) -> None:
    ids = set(roco.Release.open(subset).table()["id"].to_pylist())
    tables = [f"{split}_{table}.csv" for split in SPLITS for table in SPLIT_TABLES]
    for name in (*tables, "license_information.csv", "attribution.csv"):
        header, *lines = rows(parent / name)
        assert rows(subset / name) == [header, *(line for line in lines if line[0] in ids)]
    cuis = {cui for cuis in roco.Release.open(subset).table()["concepts"].to_pylist() for cui in cuis}
    header, *names = rows(parent / "cui_mapping.csv")
    assert rows(subset / "cui_mapping.csv") == [header, *(line for line in names if line[0] in cuis)]


def test_a_subset_of_splits_without_leakage_has_none(parent: Path, subset: Path) -> None:
    for folder in (parent, subset):
        assert set(json.loads((folder / "leakage.json").read_text()).values()) == {0}


def test_diff_reports_the_other_images_as_not_selected_and_no_other_change(parent: Path, subset: Path) -> None:
    difference = diff(parent, subset)
    before, after = len(roco.Release.open(parent).table()), len(roco.Release.open(subset).table())
    assert difference.images == {"old": before, "new": after, "both": after}
    assert {one.reason for one in difference.removed} == {"not_selected"}
    assert not (difference.moved_splits or difference.renamed or difference.reused or difference.changed)


def test_the_next_release_gives_no_id_of_the_parent_to_another_image(parent: Path, subset: Path) -> None:
    known = read_release(subset)
    every = read_release(parent)
    assert known.ledger["id"].equals(every.ledger["id"])
    assert known.highest == every.highest


def test_a_subset_of_a_subset_is_a_release_that_records_both(parent: Path, subset: Path, tmp_path: Path) -> None:
    select(subset, tmp_path / "second", SelectOptions(commercial=True))
    direct = select(parent, tmp_path / "direct", SelectOptions(modality=CT_AND_MR.modality, commercial=True))[0]
    assert roco.verify(tmp_path / "second") == []
    assert roco.Release.open(tmp_path / "second").table()["id"].to_pylist() == direct.ids
    record = json.loads((tmp_path / "second" / SELECT).read_text())
    assert record["parent"]["select"] == json.loads((subset / SELECT).read_text())
    assert {*tombstones(tmp_path / "second")} == {*tombstones(tmp_path / "direct")}


def test_the_pages_show_its_images_and_those_that_were_not_selected(parent: Path, subset: Path) -> None:
    with Release.open(subset) as opened:
        figures = of_release(opened, "the subset")
        assert len(figures) == len(roco.load(parent))
        first = opened.table(columns=["id", "image_key"]).slice(0, 1).to_pylist()[0]
        assert figures.image(figures.row(first["image_key"])).data == opened.image(first["id"])


def test_the_same_selection_has_the_same_bytes(parent: Path, subset: Path, tmp_path: Path) -> None:
    select(parent, tmp_path / "again", CT_AND_MR)
    assert contents(tmp_path / "again") == contents(subset)


# --- what it states ------------------------------------------------------------------------------------------


def test_select_json_contains_query_flags_parent_and_numbers(parent: Path, subset: Path) -> None:
    record = json.loads((subset / SELECT).read_text())
    assert record["sql"] == "SELECT id FROM figures\nWHERE modality IN ('DRCT', 'DRMR')"
    assert record["flags"] == {"modality": ["DRCT", "DRMR"]}
    assert record["parent"]["checksums_sha256"] == file_digest(parent / "checksums.sha256")
    before, after = roco.Release.open(parent).table(), roco.Release.open(subset).table()
    for numbers, table in ((record["before"], before), (record["after"], after)):
        for column in ("split", "modality", "license"):
            values = [value or "unknown" for value in table[column].to_pylist()]
            expected = {value: values.count(value) for value in {*values, *(SPLITS if column == "split" else ())}}
            assert numbers[column] == expected
    assert f"{file_digest(subset / SELECT)}  {SELECT}" in (subset / "checksums.sha256").read_text()


def test_card_datasheet_and_citation_state_that_it_is_a_subset(parent: Path, subset: Path) -> None:
    images, of = len(roco.Release.open(subset).table()), len(roco.Release.open(parent).table())
    card = (subset / "README.md").read_text()
    assert f"This release contains {images} of the {of} images of another one" in card
    assert "    WHERE modality IN ('DRCT', 'DRMR')\n" in card
    assert f"| all | {', '.join(str(n) for n in _sizes(subset)).replace(', ', ' | ')} | {images} |" in card
    assert "| select | decision |" in card and "| pins | decision |" in card  # the funnels of both
    assert yaml.safe_load(card[4:].partition("\n---\n")[0])["language"] == ["en"]
    assert f"contains {images} of the {of} images" in (subset / "DATASHEET.md").read_text()
    citation = yaml.safe_load((subset / "CITATION.cff").read_text())
    assert citation["title"].endswith(" (subset)")
    assert citation["abstract"].startswith(f"Subset with {images} of the {of} images of the release ")


def _sizes(folder: Path) -> list[int]:
    splits = roco.Release.open(folder).table()["split"].to_pylist()
    return [splits.count(split) for split in SPLITS]


def test_the_creators_of_the_parent_are_cited_but_neither_its_version_nor_its_doi_is_taken(
    copy: Path, tmp_path: Path
) -> None:
    about = {
        "title": "My images",
        "version": "2.0",
        "doi": "10.5281/zenodo.1",
        "date": "2026-01-01",
        "creators": [{"name": "Doe, Jane"}],
        "contact": "a@example.org",
    }
    (copy / "metadata.json").write_text(json.dumps(about))
    sealed(copy)
    select(copy, tmp_path / "out", CT_AND_MR)
    written = Release.open(tmp_path / "out").metadata
    assert (written.title, written.version, written.doi, written.date) == ("My images (subset)", None, None, None)
    assert [creator.name for creator in written.creators] == ["Doe, Jane"]
    assert "'My images' (version 2.0, https://doi.org/10.5281/zenodo.1)" in (written.description or "")


def sealed(folder: Path) -> None:
    names = sorted(path.name for path in folder.iterdir() if path.name != "checksums.sha256")
    (folder / "checksums.sha256").write_text("".join(f"{file_digest(folder / name)}  {name}\n" for name in names))


def test_concepts_that_train_of_the_parent_lacked_already_are_not_lost_again(subset: Path) -> None:
    assert json.loads((subset / SELECT).read_text())["concepts_lost_by_train"]
    assert choose(Release.open(subset), SelectOptions(where="true")).lost == {}


# --- prune ---------------------------------------------------------------------------------------------------


def test_prune_removes_concepts_that_train_lacks_from_valid_and_test_alone(parent: Path, tmp_path: Path) -> None:
    selection, record = select(parent, tmp_path / "out", CT_AND_MR, prune=True)
    assert selection.lost and record["concepts_lost_by_train"] == {}
    assert roco.verify(tmp_path / "out") == []
    before = {row["id"]: row for row in roco.Release.open(parent).table().to_pylist()}
    after = roco.Release.open(tmp_path / "out").table().to_pylist()
    trained = {cui for row in after if row["split"] == "train" for cui in row["concepts"]}
    changed = 0
    for row in after:
        for column in ("concepts", "concepts_auto", "concepts_manual"):
            old = before[row["id"]][column] or []
            expected = old if row["split"] == "train" else [cui for cui in old if cui in trained]
            assert (row[column] or []) == expected
            changed += expected != old
    assert changed
    named = {line[0] for line in rows(tmp_path / "out" / "cui_mapping.csv")[1:]}
    assert not named & (selection.lost.keys() - trained)


def test_prune_drops_images_that_keep_no_concept_and_says_why(parent: Path, tmp_path: Path) -> None:
    # One image of train has CT alone: images of test without CT keep nothing.
    where = "split = 'test' OR id = (SELECT min(id) FROM figures WHERE split = 'train' AND modality = 'DRCT')"
    selection, record = select(parent, tmp_path / "out", SelectOptions(where=where), prune=True)
    kept = set(roco.Release.open(tmp_path / "out").table()["id"].to_pylist())
    gone = set(selection.ids) - kept
    assert gone and sum(record["after"]["split"].values()) == len(kept)
    assert roco.verify(tmp_path / "out") == []
    reasons = {id: stone.reason for id, stone in tombstones(tmp_path / "out").items()}
    assert {reasons[id] for id in gone} == {"concepts"}
    stages = json.loads((tmp_path / "out" / "funnel.json").read_text())["stages"]
    assert [(stage["stage"], sum(stage["dropped"].values())) for stage in stages][1] == ("prune", len(gone))


def test_prune_without_an_image_of_train_is_an_error(parent: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--prune would remove every concept"):
        select(parent, tmp_path / "out", SelectOptions(split=("test",)), prune=True)
    assert list(tmp_path.iterdir()) == []


# --- errors, after which nothing is written ------------------------------------------------------------------


def test_an_existing_folder_is_not_touched(parent: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(UsageError, match="out already exists"):
        select(parent, tmp_path / "out", CT_AND_MR)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_subset_is_not_written_into_its_parent(copy: Path) -> None:
    with pytest.raises(UsageError, match="is inside the release"):
        select(copy, copy / "subset", CT_AND_MR)
    assert roco.verify(copy) == []


def test_without_a_condition_nothing_is_selected(parent: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to select by"):
        select(parent, tmp_path / "out", SelectOptions())
    with pytest.raises(UsageError, match="no image is selected"):
        select(parent, tmp_path / "out", SelectOptions(year=("1900",)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["figures.parquet", "train_captions.csv", "attribution.csv", "README.md", "checksums.sha256"]
)
def test_a_release_that_does_not_verify_is_refused(copy: Path, tmp_path: Path, name: str) -> None:
    data = (copy / name).read_bytes()
    (copy / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match=r"invalid release .*release: |figures.parquet: unreadable") as error:
        select(copy, tmp_path / "out", CT_AND_MR)
    assert error.value.hint.startswith(f"run roco verify {copy} for details")
    assert [path.name for path in tmp_path.iterdir()] == ["release"]


def test_an_image_that_is_corrupt_ends_the_selection_and_leaves_nothing(copy: Path, tmp_path: Path) -> None:
    data = bytearray((copy / "train_images.zip").read_bytes())
    data[len(data) // 2] ^= 255
    (copy / "train_images.zip").write_bytes(data)
    with pytest.raises(DataError):
        select(copy, tmp_path / "out", SelectOptions(split=("train",)))
    assert [path.name for path in tmp_path.iterdir()] == ["release"]


def test_an_image_with_other_bytes_than_figures_parquet_says_is_refused(copy: Path, tmp_path: Path) -> None:
    # The zips of two releases exchanged: each is intact, and the checksums were renewed.
    table = pq.read_table(copy / "figures.parquet")
    digests = table["sha256"].to_pylist()
    place = table.column_names.index("sha256")
    changed = table.set_column(place, "sha256", [[digests[0], *digests[:-1]]])
    pq.write_table(changed, copy / "figures.parquet", store_schema=False)
    sealed(copy)
    with pytest.raises(DataError, match=r"differs from figures.parquet \(SHA-256\)"):
        select(copy, tmp_path / "out", CT_AND_MR)
    assert [path.name for path in tmp_path.iterdir()] == ["release"]


def test_the_published_dataset_is_refused_with_what_to_do(tmp_path: Path) -> None:
    published = tmp_path / "ROCOv2"
    published.mkdir()
    (published / "train_captions.csv").write_text("ID,Caption\na,b\n")
    with pytest.raises(DataError, match=r"not a release of roco: .* has no figures\.parquet") as error:
        select(published, tmp_path / "out", SelectOptions(split=("train",)))
    assert 'kind = "release"' in error.value.hint


def test_progress_counts_the_images(parent: Path, tmp_path: Path) -> None:
    progress = Recorder()
    selection, _ = select(parent, tmp_path / "out", CT_AND_MR, progress=progress)
    assert progress.totals["images"] == progress.done["images"] == len(selection.ids)
