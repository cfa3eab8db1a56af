"""No reader of roco unpickles an object or runs code of a file: hostile ones are one error and do nothing."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import roco
from roco.base.errors import RocoError
from roco.base.files import file_digest
from roco.baselines.neighbours.index import Index as Neighbours
from roco.curate.exchange import read_labels
from roco.curate.log import Log
from roco.evaluate.predictions import read_captions, read_concepts
from roco.evaluate.profiles import PROFILES
from roco.evaluate.rankings import read_ranking
from roco.evaluate.truth import read_truth
from roco.models import arrays
from roco.models.heads import head
from roco.models.images import backbone
from roco.models.images.backbone import Backbone
from roco.models.images.decode import decode
from roco.models.text.concepts.checked import load_checked
from roco.models.text.learned import file as learned_file
from roco.models.text.linking import cui_table
from roco.models.text.vocabulary import build, mapping, mesh, obo, table
from roco.recipes.load import load_recipe
from roco.release.embeddings import read_embeddings
from roco.release.load.vocabulary import Vocabulary
from roco.release.previous import read_release
from roco.release.pubmed import read_file
from roco.release.read import Release
from roco.release.retraction_lists import read_list
from roco.sources.oa_file_list import read_index
from tests.attacks.pickles import PAYLOADS, with_pickled_type
from tests.baselines import drawn
from tests.learned import learned

IDS = ("one", "two")
RowsOf = Callable[[Path], Any]


@pytest.fixture
def unpickled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Records each call that unpickles; a test compares the list with an empty one."""
    calls: list[str] = []

    def recorded(name: str) -> Callable[..., Any]:
        real = getattr(pickle, name)

        def call(*args: Any, **options: Any) -> Any:
            calls.append(name)
            return real(*args, **options)

        return call

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, recorded(name))
    return calls


@pytest.mark.parametrize("name", PAYLOADS)
def test_each_payload_creates_its_folder_if_it_is_read_as_a_pickle(name: str, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    payload = PAYLOADS[name]
    with suppress(Exception):  # what comes after the harm
        payload.run(payload.make(trace))
    assert trace.exists()


# --- single files -----------------------------------------------------------------------------------------------------


def _head(path: Path) -> object:
    return head.Head.load(_with_card(path, head.FOLDER / "gate.json"))


def _backbone(path: Path) -> object:
    return Backbone.load(_with_card(path, backbone.SHIPPED.with_suffix(".json"))).provider


def _with_card(path: Path, card: Path) -> Path:
    """Writes a card beside a file that describes it, as whoever sends both would."""
    values = json.loads(card.read_text()) | {"sha256": file_digest(path)}
    path.with_suffix(".json").write_text(json.dumps(values))
    return path


def _linker(path: Path) -> object:
    model = path.with_name("shipped.npz")
    learned().save(model)
    return learned_file.load(_with_card(path, model.with_suffix(".json")))


def _log(path: Path) -> object:
    with Log.open(path, write=False) as log:
        return log.rounds()


PROFILE = PROFILES["imageclef2023"]
READERS: dict[str, tuple[str, RowsOf]] = {
    "a head": ("head.npz", _head),
    "a backbone": ("network.onnx", _backbone),
    "a learned linker": ("linker.npz", _linker),
    "arrays": ("arrays.npz", lambda path: arrays.read(path, 1 << 20, "a model", "make it again")),
    "a vocabulary": ("names.csv", table.load),
    "a compressed vocabulary": ("names.csv.gz", table.load),
    "a source of a vocabulary": ("names.csv", build.of_csv),
    "a table of CUIs": ("cuis.csv", mapping.read_table),
    "a table of a terminology": ("cuis.csv", cui_table.load),
    "MeSH in XML": ("desc.xml", mesh.read),
    "MeSH in ASCII": ("d.bin", mesh.read),
    "an ontology": ("terms.obo", obo.read),
    "an ontology in JSON": ("terms.json", obo.read),
    "rules for concepts": ("rules.toml", load_checked),
    "a recipe": ("recipe.toml", load_recipe),
    "a label log": ("labels.db", _log),
    "labels in CSV": ("labels.csv", read_labels),
    "labels in Parquet": ("labels.parquet", read_labels),
    "labels of Label Studio": ("labels.json", read_labels),
    "vectors of predictions": ("vectors.npz", lambda path: read_ranking(path, IDS, IDS, "image-to-text")),
    "scores of predictions": ("scores.csv", lambda path: read_ranking(path, IDS, IDS, "image-to-text")),
    "ground truth": ("truth.csv", lambda path: read_truth(path, "concepts", PROFILE)),
    "predicted concepts": ("run.csv", lambda path: read_concepts(path, PROFILE, _truth("concepts"))),
    "a submission": ("run.zip", lambda path: read_captions(path, PROFILE, _truth("captions"))),
    "a list of retracted papers": ("retracted.csv", lambda path: list(read_list(path))),
    "a file list of PMC": ("oa_file_list.csv", lambda path: list(read_index(path))),
    "metadata of PubMed": ("pubmed.parquet", read_file),
    "an image": ("image.png", lambda path: decode(path.read_bytes())),
}


def _truth(kind: str) -> Any:
    return read_truth({"one": "C0040405" if kind == "concepts" else "a caption"}, kind, PROFILE)


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("reader", READERS)
def test_a_file_that_is_a_pickle_is_one_error_and_creates_nothing(
    reader: str, payload: str, tmp_path: Path, unpickled: list[str]
) -> None:
    name, read = READERS[reader]
    trace, path = tmp_path / "trace", tmp_path / "input" / name
    path.parent.mkdir()
    path.write_bytes(PAYLOADS[payload].make(trace))
    with pytest.raises(RocoError):
        read(path)
    assert not trace.exists()
    assert unpickled == []


# --- folders ----------------------------------------------------------------------------------------------------------


def _each_file_replaced(folder: Path, trace: Path) -> Iterator[tuple[str, str]]:
    """Replaces each file of a folder by each payload, and tables by ones with a pickled type; yields both names."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        original = path.read_bytes()
        for name, payload in PAYLOADS.items():
            path.write_bytes(payload.make(trace))
            yield path.name, name
        if path.suffix == ".parquet":
            path.write_bytes(original)
            pq.write_table(with_pickled_type(pq.read_table(path), trace), path)
            yield path.name, "its own table with a pickled type"
        path.write_bytes(original)


def _attempted(*uses: Callable[[], object]) -> int:
    """Returns how many of these functions raise an error of roco; any other exception is passed on."""
    refused = 0
    for use in uses:
        try:
            use()
        except RocoError:
            refused += 1
    return refused


@pytest.mark.slow
def test_no_file_of_a_release_is_unpickled(finished_demo: Path, tmp_path: Path, unpickled: list[str]) -> None:
    release = finished_demo / "run" / "release"
    trace = tmp_path / "trace"
    for file, payload in _each_file_replaced(release, trace):
        _attempted(
            lambda: roco.load(release).to_arrow(), lambda: read_embeddings(release), lambda: read_release(release)
        )
        with Release.open(release) as opened:
            assert opened.verify() != [], (file, payload)
        assert not trace.exists(), (file, payload)
    assert unpickled == []


def test_no_file_of_an_index_is_unpickled(tmp_path: Path, unpickled: list[str]) -> None:
    index, trace = tmp_path / "index", tmp_path / "trace"
    roco.index(drawn.write(tmp_path / "dataset"), index)
    manifest = json.loads((index / "manifest.json").read_text())
    for file, payload in _each_file_replaced(index, trace):
        if file in manifest["files"]:  # whoever replaces a file corrects its digest, too
            files = {**manifest["files"], file: file_digest(index / file)}
            (index / "manifest.json").write_text(json.dumps({**manifest, "files": files}))
        refused = _attempted(lambda: roco.Index.open(index).search("rings"))
        assert refused or payload == "its own table with a pickled type", (file, payload)
        assert not trace.exists(), (file, payload)
        if file in manifest["files"]:
            (index / "manifest.json").write_text(json.dumps(manifest))
    assert unpickled == []


def test_no_file_of_a_model_of_neighbours_is_unpickled(tmp_path: Path, unpickled: list[str]) -> None:
    folder, trace = tmp_path / "model", tmp_path / "trace"
    folder.mkdir()
    data = roco.load(drawn.write(tmp_path / "dataset"))
    vectors = np.ones((len(data), 4), np.float16)
    vocabulary = Vocabulary.of(data.column("concepts").to_pylist())
    Neighbours.of(data, vectors, vocabulary, True, np.ones(len(data), np.bool_)).write(folder)
    assert len(Neighbours.read(folder)) == len(data)
    for file, payload in _each_file_replaced(folder, trace):
        refused = _attempted(lambda: Neighbours.read(folder))
        assert refused or payload == "its own table with a pickled type", (file, payload)
        assert not trace.exists(), (file, payload)
    assert unpickled == []


@pytest.mark.slow
@pytest.mark.parametrize("payload", ["a pickle", "a Parquet file with a pickled type", "arrays of objects"])
def test_no_file_of_a_run_folder_is_unpickled(payload: str, finished_demo: Path, tmp_path: Path) -> None:
    run, trace = finished_demo / "run", tmp_path / "trace"
    for path in [*run.glob("measures/*/*"), *run.glob("decisions/**/*.parquet"), *run.glob("images/*")]:
        path.write_bytes(PAYLOADS[payload].make(trace))
    load_recipe(finished_demo / "demo.toml").run(workers=0)
    assert roco.verify(run / "release") == []
    assert not trace.exists()


@pytest.mark.slow
@pytest.mark.parametrize("format", ["hf", "webdataset"])
def test_no_file_of_an_export_is_unpickled(
    format: str, finished_demo: Path, tmp_path: Path, unpickled: list[str]
) -> None:
    export, trace = tmp_path / "export", tmp_path / "trace"
    roco.export(finished_demo / "run" / "release", format, export)
    assert len(roco.load(export)) > 20
    for file, payload in _each_file_replaced(export, trace):
        _attempted(lambda: [row.image.bytes() for row in roco.load(export)])
        assert not trace.exists(), (file, payload)
    assert unpickled == []


@pytest.mark.slow
def test_no_file_of_a_lance_index_is_unpickled(tmp_path: Path, unpickled: list[str]) -> None:
    pytest.importorskip("lancedb", reason="pip install '.[search]'")
    index, trace = tmp_path / "index", tmp_path / "trace"
    roco.index(drawn.write(tmp_path / "dataset"), index, store="lance")
    for file, payload in _each_file_replaced(index, trace):
        _attempted(lambda: roco.Index.open(index).search("rings"))
        assert not trace.exists(), (file, payload)
    assert unpickled == []
