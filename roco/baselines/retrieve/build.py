"""Makes the index of a release: embeddings of its images, the words of its texts, and a row for each image."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from roco.base.errors import DataError
from roco.base.files import file_digest
from roco.base.progress import Progress
from roco.baselines import scores
from roco.baselines.neighbours.embed import embed
from roco.baselines.retrieve.encoders.captions import embed_texts
from roco.baselines.retrieve.encoders.encoder import ImageEncoder, Stated, TextEncoder, check_runs
from roco.baselines.retrieve.encoders.open import check_same, image_encoder, is_same
from roco.baselines.retrieve.encoders.open import text_encoder as open_text_encoder
from roco.baselines.retrieve.folder import AGAIN, FILES, MANIFEST, check_no_index, read_manifest, write_manifest
from roco.baselines.retrieve.hits import COLUMNS
from roco.baselines.retrieve.store import files, stores
from roco.baselines.retrieve.store.store import IMAGE, TEXT
from roco.baselines.retrieve.store.vector_file import read_vectors
from roco.baselines.training.data import digest_of
from roco.baselines.training.state import State
from roco.release.attribution import source_address
from roco.release.format import CHECKSUMS, CUI_MAPPING
from roco.release.load.dataset import Dataset, load
from roco.release.new_folder import check_new, new_folder
from roco.release.read import Release

EMBEDDED, MISSING, UNREADABLE = "embedded", "missing", "unreadable"
INDEXED = "indexed_image"
"""The column that states whether the image of a row is embedded, missing or unreadable."""

_NO_COLUMNS = {"embedding", "layout"}
_OF_IMAGE = ("sha256", "phash", "phash_fine")
_KINDS = {"concepts": pa.list_(pa.string()), "year": pa.int32()}


@dataclass(frozen=True)
class Indexed:
    """What `roco index` did. images: rows. embedded: those with a vector of their image, reused of them as they were in
    the previous index. missing, unreadable: ids of rows without one, which only words and concepts find. captions: with
    a vector of an encoder of texts."""

    images: int
    embedded: int
    reused: int
    missing: tuple[str, ...]
    unreadable: tuple[str, ...]
    captions: int = 0

    def counts(self) -> dict[str, int]:
        """Returns the numbers that the manifest states."""
        return {
            "images": self.images, "embedded": self.embedded, "missing": len(self.missing),
            "unreadable": len(self.unreadable), "captions": self.captions,
        }  # fmt: skip


def index(
    release: str | Path,
    out: str | Path,
    *,
    encoder: str | Path | None = None,
    weights: str | Path | None = None,
    text_encoder: str | Path | None = None,
    previous: str | Path | None = None,
    store: str = FILES,
    progress: Progress | None = None,
) -> Indexed:
    """Writes the index of a release to a new folder.

    encoder: an ONNX file with a card, a folder of `roco train clip` or open_clip, or with `weights` the name of a
    network of open_clip or timm; by default the shipped backbone. text_encoder: the folder of a sentence encoder, for
    captions. previous: the index of an earlier release, whose embeddings are reused for images with the same bytes and
    for equal captions. store: `files`, or `lance` for large collections. Embeddings are stored in OUT.indexing until
    the index is complete: an interrupted indexing goes on from there. Raises UsageError if `out` exists, for an index
    as release, and for an unknown encoder or store; DataError if the previous index is of another encoder.
    """
    out = Path(out)
    check_new(out, Path(release))
    stores.check(store)
    check_no_index(Path(release))
    data = load(release)
    network = image_encoder(encoder, None if weights is None else Path(weights))
    reader = None if text_encoder is None else open_text_encoder(text_encoder)
    if reader is not None and "caption" not in data.columns:
        raise DataError(f"{data.figures.path} has no captions (--text-encoder)", "leave --text-encoder out")
    before = _Previous.open(None if previous is None else Path(previous), network.stated, reader)
    digest = digest_of(data)
    check_runs(network, reader)
    settings = {"data": digest, "previous": before.digest} | _encoders(network, reader)
    with State.opened(out, settings, "indexing") as state:
        table = table_of(data)
        hashes: list[str | None] = table["sha256"].to_pylist()
        has_file = np.isin(np.array(data.column("id").to_pylist(), object), list(data.figures.image_files()))
        reused = np.array([hash in before.rows for hash in hashes], bool) & has_file
        # Rows whose image file is missing are among the new ones: they have no embedding.
        new = np.flatnonzero(~reused)
        embedded = embed(data[new], network, state.folder, skip_unreadable=True, progress=progress)
        vectors = embedded.vectors
        if reused.any():  # otherwise they are all new, and need no copy
            vectors = np.zeros((len(data), network.width), np.float16)
            vectors[new] = embedded.vectors
            vectors[reused] = before.vectors[[before.rows[hash] for hash in np.array(hashes, object)[reused]]]
        found = {IMAGE: vectors}
        if reader is not None:
            found[TEXT] = _of_captions(data, reader, before, state.folder, progress)
        has = reused.copy()
        has[new] = embedded.has
        unreadable = {one.id for one in embedded.unreadable}
        ids = data.column("id").to_pylist()
        states = [
            EMBEDDED if has[row] else UNREADABLE if ids[row] in unreadable else MISSING for row in range(len(data))
        ]
        done = Indexed(
            images=len(data), embedded=int(has.sum()), reused=int(reused.sum()), unreadable=tuple(sorted(unreadable)),
            missing=tuple(id for id, one in zip(ids, states, strict=True) if one == MISSING),
            captions=int(found[TEXT].any(axis=1).sum()) if TEXT in found else 0,
        )  # fmt: skip
        names = _names(data)
        with new_folder(out) as folder:
            table = table.append_column(INDEXED, pa.array(states, pa.string()))
            encoders = _encoders(network, reader)
            centred = encoders["encoder"]["centred"]
            written = stores.write(store, folder, table, names, texts_of(data, names), found, centred)
            manifest = {
                "store": store, "release": stated_release(data, out, digest), "counts": done.counts(),
            } | encoders  # fmt: skip
            write_manifest(folder, manifest, written)
        state.remove()
    return done


def _encoders(network: ImageEncoder, reader: TextEncoder | None) -> dict[str, Any]:
    """Returns what the manifest states of the encoders.

    centred: the vectors from which their mean is subtracted before they are compared; those that are compared with
    vectors of texts are not.
    """
    centred = [] if network.stated.texts else [IMAGE]
    of_texts = None if reader is None else reader.stated.to_json()
    return {"encoder": network.stated.to_json() | {"centred": centred}, "text_encoder": of_texts}


def _of_captions(
    data: Dataset, reader: TextEncoder, before: _Previous, store: Path, progress: Progress | None
) -> NDArray[np.float16]:
    """Returns a vector for each caption; those of the previous index are reused."""
    captions = [str(caption or "").strip() for caption in data.column("caption").to_pylist()]
    new = [row for row, caption in enumerate(captions) if caption not in before.captions]
    vectors = np.zeros((len(captions), reader.stated.width), np.float16)
    vectors[new] = embed_texts([captions[row] for row in new], reader, store, progress).vectors
    reused = sorted(set(range(len(captions))) - set(new))
    vectors[reused] = before.texts[[before.captions[captions[row]] for row in reused]]
    return vectors


@dataclass(frozen=True)
class _Previous:
    """The index of an earlier release. rows: by the SHA-256 of the image; captions: by the text, of the same encoder
    only. digest: of its manifest, empty if none."""

    rows: dict[str, int]
    vectors: NDArray[np.float16]
    captions: dict[str, int]
    texts: NDArray[np.float16]
    digest: str

    @classmethod
    def open(cls, path: Path | None, network: Stated, reader: TextEncoder | None) -> _Previous:
        no_texts = np.zeros((0, reader.stated.width if reader else 0), np.float16)
        if path is None:
            return cls({}, np.zeros((0, network.width), np.float16), {}, no_texts, "")
        manifest = read_manifest(path)
        if manifest.get("store") != FILES:
            raise DataError(f"{path} is an index of another store (--previous)", "give one of the store 'files'")
        check_same(path, manifest["encoder"], network)
        table = Release(path, published=False).table(columns=["sha256", INDEXED, "caption"])
        hashes, states, texts = (column.to_pylist() for column in table.columns)
        rows = {
            hash: row
            for row, (hash, state) in enumerate(zip(hashes, states, strict=True))
            if state == EMBEDDED and hash is not None
        }
        captions: dict[str, int] = {}
        of_texts = no_texts
        try:
            vectors = read_vectors(path / files.VECTORS[IMAGE], len(table))
            if reader is not None and is_same(path, manifest.get("text_encoder"), reader.stated):
                of_texts = read_vectors(path / files.VECTORS[TEXT], len(table))
                captions = {str(text).strip(): row for row, text in enumerate(texts) if of_texts[row].any()}
        except ValueError as err:
            raise DataError(f"{path}: its files do not belong together", AGAIN) from err
        return cls(rows, vectors, captions, of_texts, file_digest(path / MANIFEST))


# --- the table --------------------------------------------------------------------------------------------------------


def table_of(data: Dataset) -> pa.Table:
    """Returns the table of an index: the columns of the release that filters can read, attribution, link and hashes."""
    table = data.to_arrow([name for name in data.columns if name not in _NO_COLUMNS])
    nested = [field.name for field in table.schema if _is_nested(field.type)]
    table = table.drop_columns(nested)
    own = {
        "article_key": pa.array(scores.article_keys(data), pa.string()),
        "attribution": pa.array(data.attributions(), pa.string()),
        "link": pa.array(_links(data), pa.string()),
    }
    if "sha256" not in table.column_names:
        own["sha256"] = pa.array(_hashes(data), pa.string())
    for name in (*COLUMNS, *_OF_IMAGE):
        if name in own:
            table = table.drop_columns([name]) if name in table.column_names else table
            table = table.append_column(name, own[name])
        elif name not in table.column_names:
            table = table.append_column(name, pa.nulls(len(table), _KINDS.get(name, pa.string())))
    return table


def _is_nested(kind: pa.DataType) -> bool:
    if pa.types.is_list(kind):
        return bool(kind.value_type != pa.string())
    return bool(pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _links(data: Dataset) -> list[str]:
    known = [name for name in ("pmcid", "doi") if name in data.columns]
    if not known:
        return [""] * len(data)
    return [source_address({"pmcid": None, "doi": None} | row) for row in data.to_arrow(known).to_pylist()]


def _hashes(data: Dataset) -> list[str | None]:
    """Returns the SHA-256 of each image file; None for one that is missing or cannot be read."""
    known = data.figures.image_files()

    def hash_of(id: str) -> str | None:
        if id not in known:
            return None
        try:
            return hashlib.sha256(data.figures.image(id).bytes()).hexdigest()
        except DataError:
            return None

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(hash_of, data.column("id").to_pylist()))


def texts_of(data: Dataset, names: dict[str, str]) -> list[str]:
    """Returns the text of each image: caption, names of concepts, title, and the passages that cite the figure."""
    columns = [name for name in ("caption", "concepts", "title", "mentions_in_text") if name in data.columns]
    texts = []
    for row in data.to_arrow(columns).to_pylist():
        concepts = [names.get(cui, cui) for cui in row.get("concepts") or ()]
        passages = [one["text"] or "" for one in row.get("mentions_in_text") or ()]
        texts.append("\n".join([row.get("caption") or "", *concepts, row.get("title") or "", *passages]))
    return texts


def _names(data: Dataset) -> dict[str, str]:
    """Returns the names of concepts; a dataset without the table has none."""
    path = data.figures.path
    return Release(path, published=False).concept_names() if (path / CUI_MAPPING).is_file() else {}


# --- the release ------------------------------------------------------------------------------------------------------


def stated_release(data: Dataset, out: Path, digest: str) -> dict[str, Any]:
    """Returns what the manifest states of the release: its path as seen from the index, and its digests.

    sha256: of captions, concepts, labels and image files. checksums: of the file of checksums, None if it lacks one.
    """
    checksums = data.figures.path / CHECKSUMS
    return {
        "path": os.path.relpath(data.figures.path.resolve(), out.resolve()),
        "sha256": digest,
        "checksums": file_digest(checksums) if checksums.is_file() else None,
    }


def open_release(folder: Path, stated: dict[str, Any], given: Path | None) -> Dataset:
    """Opens the release of an index: the given folder, else the one that the index states; another one is refused."""
    path = given or folder / str(stated.get("path"))
    if given is None and not path.is_dir():
        raise DataError(f"the release of {folder} is not where it was: {path}", "say where it is: --release FOLDER")
    data = load(path)
    found = stated_release(data, folder, digest_of(data))
    if any(found[name] != stated.get(name) for name in ("sha256", "checksums")):
        hint = "give the one it was made of: --release FOLDER; or index this one: roco index RELEASE OUT"
        raise DataError(f"{path} is not the release of {folder}, or has changed since", hint)
    return data
