"""embeddings.parquet: written where the recipe asks for it, verified, carried into subsets, read instead of images."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import roco
from roco.base.errors import DataError
from roco.baselines.neighbours.embed import embed
from roco.models.images.backbone import Backbone
from roco.release.embeddings import METADATA, read_embeddings
from roco.release.retract import retract
from roco.stages.publish.release import Release
from tests.stages.publish.finished import Run, publish

WIDTH = Backbone.load().width


def released(folder: Path) -> Path:
    """Publishes twelve figures; the embedding of figure k consists of k, and the last figure has none."""
    run = Run(release=Release(embeddings=True))
    for k, figure in enumerate(run.figures[:-1]):
        figure["embedding"] = np.full(WIDTH, k, "<f2").tobytes()
    return publish(folder, run)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return released(tmp_path_factory.mktemp("embedded") / "release")


def by_id(release: Path) -> dict[str, float]:
    found = read_embeddings(release)
    assert found is not None
    return {id: float(vector[0]) for id, vector in zip(found.ids, found.vectors, strict=True)}


def test_a_release_has_the_embeddings_of_its_images_and_states_the_network(release: Path) -> None:
    found = read_embeddings(release)
    assert found is not None and found.vectors.shape == (11, WIDTH) and found.vectors.dtype == np.float16
    assert found.backbone == {"name": Backbone.load().name, "width": WIDTH} | Backbone.load().preparation
    captions = roco.Release.open(release).table(columns=["id", "file"]).to_pylist()
    assert by_id(release) == {row["id"]: float(row["file"][1:-4]) for row in captions if row["file"] != "g11.jpg"}
    assert roco.verify(release) == []
    assert "| `embeddings.parquet` |" in (release / "README.md").read_text()


def test_a_release_without_the_option_has_none(tmp_path: Path) -> None:
    release = publish(tmp_path / "release")
    assert read_embeddings(release) is None and not (release / "embeddings.parquet").exists()
    assert "embeddings.parquet" not in (release / "README.md").read_text()


def test_subsets_and_retractions_keep_the_embeddings_of_their_images(release: Path, tmp_path: Path) -> None:
    every = by_id(release)
    train = tmp_path / "train"
    roco.select(release, train, roco.SelectOptions(where="split = 'train'"))
    assert by_id(train) == {id: value for id, value in every.items() if "_train_" in id}
    first = next(iter(every))
    retract(release, tmp_path / "next", [first], "consent withdrawn", "2026-11-30")
    assert by_id(tmp_path / "next") == {id: value for id, value in every.items() if id != first}
    assert roco.verify(train) == [] and roco.verify(tmp_path / "next") == []


def changed(path: Path, change: Callable[[pa.Table], pa.Table], stated: Any = None) -> None:
    """Writes the file again, with another table or other metadata."""
    with pq.ParquetFile(path) as file:
        table, metadata = file.read(), file.metadata.metadata
    metadata = {METADATA: json.dumps(stated).encode()} if stated is not None else metadata
    with pq.ParquetWriter(path, table.schema, store_schema=False) as writer:
        writer.write_table(change(table))
        writer.add_key_value_metadata(metadata)


@pytest.mark.parametrize(
    ("change", "stated", "message"),
    [
        (lambda table: pa.concat_tables([table, table.slice(0, 1)]), None, "duplicate id roco_"),
        (lambda table: table.set_column(0, "id", pa.array(["other"] * len(table))), None, "unknown id other"),
        (lambda table: table, {"width": 3}, "invalid: rows of another width"),
        (lambda table: table, [], "invalid: rows of another width"),
        (lambda table: table, {}, "invalid: rows of another width"),
        (lambda table: table.slice(0, 0), None, "invalid: embeddings of the widths"),
    ],
)
def test_verify_reports_embeddings_that_do_not_belong_to_the_images(
    release: Path, tmp_path: Path, change: Callable[[pa.Table], pa.Table], stated: Any, message: str
) -> None:
    copy = shutil.copytree(release, tmp_path / "release")
    changed(copy / "embeddings.parquet", change, stated)
    problems = [problem for problem in roco.verify(copy) if problem.where == "embeddings.parquet"]
    assert any(problem.what.startswith(message) for problem in problems), problems


def test_a_file_that_is_no_table_is_an_error_with_what_to_do(release: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(release, tmp_path / "release")
    (copy / "embeddings.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"embeddings\.parquet is invalid") as error:
        read_embeddings(copy)
    assert "or remove the file" in error.value.hint
    assert any(problem.where == "embeddings.parquet" for problem in roco.verify(copy))


# --- readers --------------------------------------------------------------------------------------------------------


class Refusing(Backbone):
    """A backbone that computes nothing."""

    def embed(self, images: Any) -> Any:
        raise AssertionError("an image was embedded")


def refusing(**changes: Any) -> Backbone:
    return Refusing(**(vars(Backbone.load()) | changes))


def test_embeddings_of_the_release_are_read_instead_of_its_images(release: Path, tmp_path: Path) -> None:
    subset = tmp_path / "subset"
    roco.select(release, subset, roco.SelectOptions(where="file <> 'g11.jpg'"))
    data = roco.load(subset)
    found = embed(data, refusing())
    assert found.has.all()
    assert {id: float(v[0]) for id, v in zip(data.column("id").to_pylist(), found.vectors, strict=True)} == by_id(
        subset
    )


def test_embeddings_of_another_network_or_of_some_images_only_are_not_read(release: Path, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="an image was embedded"):
        embed(roco.load(release), refusing())  # the last image has no embedding: its part is computed
    subset = tmp_path / "subset"
    roco.select(release, subset, roco.SelectOptions(where="file <> 'g11.jpg'"))
    with pytest.raises(AssertionError, match="an image was embedded"):
        embed(roco.load(subset), refusing(mean=(0.0, 0.0, 0.0)))


def test_an_index_of_stored_embeddings_is_that_of_the_vectors(release: Path, tmp_path: Path) -> None:
    subset = tmp_path / "subset"
    roco.select(release, subset, roco.SelectOptions(where="file <> 'g11.jpg'"))
    assert roco.index(subset, tmp_path / "index").embedded == 11
    vectors = np.load(tmp_path / "index" / "vectors.npy")
    assert sorted(vectors[:, 0].tolist()) == [float(k) for k in range(11)]
