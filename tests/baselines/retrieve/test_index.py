"""An index of a release and its searches."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

import roco
from roco.base.errors import DataError, UsageError
from roco.baselines.neighbours import embed
from roco.baselines.retrieve.index import fused
from roco.baselines.retrieve.words import Words
from tests.baselines import drawn


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawn.write(tmp_path_factory.mktemp("drawn") / "dataset")


@pytest.fixture(scope="module")
def path(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("indexes") / "index"
    assert roco.index(dataset, out).embedded == 24
    assert not out.with_name("index.indexing").exists()
    return out


def contents(index: Path) -> dict[str, object]:
    """Returns the bytes of each file of an index, and its manifest without the path of the release."""
    manifest = json.loads((index / "manifest.json").read_text())
    del manifest["release"]["path"]
    return {"manifest": manifest} | {f.name: f.read_bytes() for f in index.iterdir() if f.name != "manifest.json"}


def test_bm25_is_as_computed_by_hand() -> None:
    """Of 2 documents one has the word, once among 2 words; the mean length is 3: tf / (tf + 1.2 (0.25 + 0.75 2/3))."""
    scores = Words.of(["chest nodules", "a cyst in liver"]).scores("nodule NODULE")
    assert scores[0] == pytest.approx(math.log(1 + 1.5 / 1.5) / (1 + 1.2 * 0.75)) and scores[1] == 0


def test_reciprocal_ranks_are_fused_as_by_hand_and_ties_are_in_the_order_of_the_rows() -> None:
    assert fused([[(2, 9.0), (1, 8.0)], [(1, 0.5), (2, 0.4)], [(3, 1.0)]]) == [
        (1, 1 / 61 + 1 / 62),
        (2, 1 / 61 + 1 / 62),
        (3, 1 / 61),
    ]


def test_an_altered_copy_of_an_image_finds_it_first(path: Path, dataset: Path, tmp_path: Path) -> None:
    with Image.open(drawn.image_file(dataset, "drawn_train_000005")) as picture:
        picture.convert("RGB").resize((96, 72)).save(tmp_path / "copy.jpg", quality=80)
    hits = roco.Index.open(path).search(image=tmp_path / "copy.jpg", n=3)
    assert hits[0].id == "drawn_train_000005" and [hit.rank for hit in hits] == [1, 2, 3]


def test_words_and_image_are_fused_and_each_hit_says_how_it_matched(path: Path, dataset: Path) -> None:
    hits = roco.Index.open(path).search("rings", image=drawn.image_file(dataset, "drawn_test_000001"), n=24)
    assert hits[0].matched.keys() == {"words", "image"} and "rings" in hits[0].caption
    assert len(hits) == 24 and len({hit.id for hit in hits}) == 24


@pytest.mark.parametrize("filters", [{"split": "test"}, {"modality": "DRCT"}, {"where": "split <> 'train'"}])
def test_filters_are_exact(path: Path, filters: dict[str, str]) -> None:
    pytest.importorskip("duckdb", reason="pip install '.[select]'")
    hits = roco.Index.open(path).search("number", n=100, filters=roco.SelectOptions(**filters))  # type: ignore[arg-type]
    rows = pq.read_table(path / "figures.parquet").to_pylist()
    right = {
        "split": lambda row: row["split"] == "test", "modality": lambda row: row["modality"] == "DRCT",
        "where": lambda row: row["split"] != "train",
    }[next(iter(filters))]  # fmt: skip
    assert {hit.id for hit in hits} == {row["id"] for row in rows if right(row)} != set()


@pytest.mark.parametrize("query", ["", " \n", "!!! --"])
def test_a_query_without_words_is_refused(path: Path, query: str) -> None:
    with pytest.raises(DataError, match="no word in the query"):
        roco.Index.open(path).search(query)


def test_a_query_of_unknown_or_hostile_words_finds_nothing(path: Path) -> None:
    assert roco.Index.open(path).search("xyzzy'; DROP TABLE figures; \x1b[31m" + "x" * 10_000) == []


def test_a_file_that_is_no_image_is_refused_in_one_line(path: Path, tmp_path: Path) -> None:
    (tmp_path / "image.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    with pytest.raises(DataError, match=r"image\.png cannot be decoded"):
        roco.Index.open(path).search(image=tmp_path / "image.png")


def test_a_pipe_and_a_device_are_refused_as_images_without_reading_them(path: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "endless.png").symlink_to("/dev/zero")
    for name in ("pipe.png", "endless.png"):
        with pytest.raises(DataError, match="not a regular file"):
            roco.Index.open(path).search(image=tmp_path / name)


def test_a_changed_file_and_another_format_are_refused(path: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(path, tmp_path / "index")
    manifest = copy / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format": 2', '"format": 9'))
    with pytest.raises(DataError, match="has format 9; this roco reads 2"):
        roco.Index.open(copy)
    shutil.copy(path / "manifest.json", manifest)
    (copy / "vectors.npy").write_bytes(b"no")
    with pytest.raises(DataError, match=r"vectors\.npy has changed"):
        roco.Index.open(copy)


def test_the_same_release_gives_the_same_bytes(path: Path, dataset: Path, tmp_path: Path) -> None:
    roco.index(dataset, tmp_path / "again")
    assert contents(path) == contents(tmp_path / "again")


def test_another_encoder_is_refused(path: Path, dataset: Path) -> None:
    opened = roco.Index.open(path)
    opened.manifest["encoder"]["sha256"] = "0" * 64
    with pytest.raises(DataError, match="vectors of another encoder"):
        opened.search(image=drawn.image_file(dataset, "drawn_test_000001"))


def test_an_image_that_is_missing_is_found_by_words_only(dataset: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(dataset, tmp_path / "dataset")
    drawn.image_file(copy, "drawn_test_000001").unlink()
    assert roco.index(copy, tmp_path / "index").missing == ("drawn_test_000001",)
    opened = roco.Index.open(tmp_path / "index")
    assert "drawn_test_000001" in {hit.id for hit in opened.search("rings", n=24)}
    found = opened.search(image=drawn.image_file(dataset, "drawn_test_000001"), n=24)
    assert len(found) == 23 and np.isfinite([hit.score for hit in found]).all()


# --- images of the index --------------------------------------------------------------------------------------------


def test_an_image_of_the_index_is_not_its_own_hit_and_its_article_can_be_excluded(path: Path) -> None:
    opened = roco.Index.open(path)
    rows = pq.read_table(path / "figures.parquet").to_pylist()
    for row in rows:
        hits = opened.search(like=row["id"], n=24)
        assert len(hits) == 23 and row["id"] not in {hit.id for hit in hits}
        others = opened.search(like=row["id"], n=24, not_same_article=True)
        assert {hit.id for hit in others} == {
            other["id"] for other in rows if other["article_key"] != row["article_key"]
        }


def test_an_unknown_id_two_images_and_an_unknown_article_are_refused(path: Path) -> None:
    opened = roco.Index.open(path)
    with pytest.raises(UsageError, match="no image 'x'"):
        opened.search(like="x")
    with pytest.raises(UsageError, match="two images"):
        opened.search(image="a.png", like="x")
    with pytest.raises(UsageError, match="article of the query is unknown"):
        opened.search("rings", not_same_article=True)


KILLED = """
import os, signal, sys
from roco.baselines.neighbours import embed
import roco

embed.PART = 8
write = embed._write

def write_and_die(path, done):
    write(path, done)
    os.kill(os.getpid(), signal.SIGKILL)

embed._write = write_and_die
roco.index(sys.argv[1], sys.argv[2])
"""


def test_a_killed_indexing_resumes_to_the_same_bytes(
    path: Path, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "index"
    done = subprocess.run([sys.executable, "-c", KILLED, dataset, out], capture_output=True)
    assert done.returncode == -signal.SIGKILL and not out.exists()
    assert len(list((tmp_path / "index.indexing").glob("*.npz"))) == 1
    monkeypatch.setattr(embed, "PART", 8)
    roco.index(dataset, out)
    assert contents(path) == contents(out)


def test_a_folder_of_somebody_else_in_the_place_of_the_state_is_refused_and_kept(dataset: Path, tmp_path: Path) -> None:
    notes = tmp_path / "index.indexing" / "notes.txt"
    notes.parent.mkdir()
    notes.write_text("mine")
    with pytest.raises(UsageError, match="contains other files"):
        roco.index(dataset, tmp_path / "index")
    assert notes.read_text() == "mine" and list(notes.parent.iterdir()) == [notes]


def test_a_state_that_ended_before_its_settings_were_written_goes_on(dataset: Path, tmp_path: Path) -> None:
    state = tmp_path / "index.indexing"
    state.mkdir()
    (state / "lock").write_text("")
    (state / ".settings.json.123.part").write_text("{")
    roco.index(dataset, tmp_path / "index")
    assert not state.exists()


def test_an_index_of_an_index_is_refused(path: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is an index, not a release"):
        roco.index(path, tmp_path / "index")


# --- concepts, diverse hits, articles of files ------------------------------------------------------------------------


def test_hits_of_concepts_fulfil_the_condition_and_are_ranked_by_jaccard(path: Path) -> None:
    opened = roco.Index.open(path)
    hits = opened.search(concepts=f"{drawn.CT} OR {drawn.CHEST}", n=24)
    assert {hit.id for hit in hits} == {
        row["id"] for row in pq.read_table(path / "figures.parquet").to_pylist()
        if {drawn.CT, drawn.CHEST} & set(row["concepts"])
    }  # fmt: skip
    assert all(hit.score == 1 / 3 and hit.matched["concepts"] == hit.rank for hit in hits)
    assert opened.search("rings", concepts=drawn.XR) == []
    both = opened.search("number", concepts=drawn.CT, n=1)[0]
    assert both.matched.keys() == {"words", "concepts"} and drawn.CT in both.concepts


def test_a_file_of_the_index_excludes_its_article_and_an_unknown_one_none(
    path: Path, dataset: Path, tmp_path: Path
) -> None:
    opened = roco.Index.open(path)
    file = drawn.image_file(dataset, "drawn_valid_000003")
    articles = {row["id"]: row["article_key"] for row in pq.read_table(path / "figures.parquet").to_pylist()}
    own = articles["drawn_valid_000003"]
    hits = opened.search(image=file, n=24, not_same_article=True)
    assert {hit.id for hit in hits} == {id for id, article in articles.items() if article != own}
    assert opened.known_articles(file.read_bytes()) == {own}
    Image.fromarray(drawn.picture("rings", [1, 2, 3])).save(tmp_path / "new.png")
    assert opened.known_articles(tmp_path / "new.png") == frozenset()
    assert len(opened.search(image=tmp_path / "new.png", n=24, not_same_article=True)) == 24
    excluded = opened.search(image=tmp_path / "new.png", n=24, not_articles=[own.lower()])
    assert {hit.id for hit in excluded} == {hit.id for hit in hits}


def test_an_image_as_bytes_gives_the_hits_of_its_file(path: Path, dataset: Path) -> None:
    file = drawn.image_file(dataset, "drawn_test_000002")
    opened = roco.Index.open(path)
    assert opened.search(image=file) == opened.search(image=file.read_bytes())
    with pytest.raises(DataError, match="the image cannot be decoded"):
        opened.search(image=b"GIF89a")


def test_diverse_hits_begin_with_the_best_one_and_show_more_kinds_of_pictures(path: Path) -> None:
    opened = roco.Index.open(path)
    plain = opened.search(like="drawn_train_000001", n=4)
    different = opened.search(like="drawn_train_000001", n=4, diverse=True)
    assert different[0].id == plain[0].id and [hit.rank for hit in different] == [1, 2, 3, 4]
    assert len({hit.caption.split()[0] for hit in plain}) < len({hit.caption.split()[0] for hit in different})


# --- the release and the previous index -------------------------------------------------------------------------------


def test_the_release_of_an_index_is_opened_and_another_one_refused(path: Path, dataset: Path, tmp_path: Path) -> None:
    opened = roco.Index.open(path)
    assert len(opened.dataset()) == 24
    copy = shutil.copytree(dataset, tmp_path / "copy")
    assert len(opened.dataset(copy)) == 24
    captions = copy / "test_captions.csv"
    captions.write_text(captions.read_text().replace("rings", "wings"))
    with pytest.raises(DataError, match="is not the release of"):
        opened.dataset(copy)
    opened.manifest["release"]["path"] = "gone"  # type: ignore[index]
    with pytest.raises(DataError, match="is not where it was"):
        opened.dataset()


def test_a_grown_release_reuses_the_previous_index_and_gives_the_same_bytes(tmp_path: Path) -> None:
    before = drawn.write(tmp_path / "before", {"train": 9, "valid": 6, "test": 6})
    after = drawn.write(tmp_path / "after")
    roco.index(before, tmp_path / "old")
    grown = roco.index(after, tmp_path / "new", previous=tmp_path / "old")
    assert grown.embedded == 24 and grown.reused == 21
    roco.index(after, tmp_path / "scratch")
    assert contents(tmp_path / "new") == contents(tmp_path / "scratch")


def test_a_previous_index_of_another_encoder_is_refused(path: Path, dataset: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(path, tmp_path / "index")
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["encoder"]["sha256"] = "0" * 64
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(DataError, match="vectors of another encoder"):
        roco.index(dataset, tmp_path / "new", previous=copy)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["../x.npy", "/etc/passwd", "figures.pkl", "a/b.csv"])
def test_a_manifest_that_names_other_files_is_refused(path: Path, tmp_path: Path, name: str) -> None:
    copy = shutil.copytree(path, tmp_path / "index")
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["files"][name] = "0" * 64
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(DataError, match="names an unknown file"):
        roco.Index.open(copy)


@pytest.mark.parametrize("query", [{"words": "number"}, {"like": "drawn_test_000001"}, {"concepts": "C0040405"}])
def test_fewer_hits_are_the_first_of_many(path: Path, query: dict[str, str]) -> None:
    index = roco.Index.open(path)
    many = [hit.id for hit in index.search(**query, n=24)]  # type: ignore[arg-type]
    assert [hit.id for hit in index.search(**query, n=3)] == many[:3]  # type: ignore[arg-type]
    diverse = [hit.id for hit in index.search(**query, n=2, diverse=True)]  # type: ignore[arg-type]
    assert diverse[0] == many[0] and len(diverse) == 2


@pytest.mark.parametrize(
    "entry", [{"text_encoder": "x"}, {"encoder": {"centred": 3}}, {"encoder": {"centred": [{}]}}, {"release": []}]
)
def test_a_manifest_with_entries_of_another_kind_is_refused(path: Path, tmp_path: Path, entry: dict[str, Any]) -> None:
    copy = shutil.copytree(path, tmp_path / "index")
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps(manifest | entry))
    with pytest.raises(DataError, match="is incomplete"):
        roco.Index.open(copy)
