"""Makes the index of a release: embeddings of its images, the words of its texts, and a row for each image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from roco.base.errors import DataError
from roco.base.progress import Progress
from roco.baselines.neighbours.embed import embed
from roco.baselines.retrieve.encoders.captions import embed_texts
from roco.baselines.retrieve.encoders.encoder import ImageEncoder, TextEncoder, check_runs
from roco.baselines.retrieve.encoders.open import image_encoder
from roco.baselines.retrieve.encoders.open import text_encoder as open_text_encoder
from roco.baselines.retrieve.folder import FILES, check_no_index, write_manifest
from roco.baselines.retrieve.indexed_release import stated_release
from roco.baselines.retrieve.previous import Previous
from roco.baselines.retrieve.rows import EMBEDDED, INDEXED, MISSING, UNREADABLE, concept_names, table_of, texts_of
from roco.baselines.retrieve.store import stores
from roco.baselines.retrieve.store.store import IMAGE, TEXT
from roco.baselines.training.data import digest_of
from roco.baselines.training.state import State
from roco.release.load.dataset import Dataset, load
from roco.release.new_folder import check_new, new_folder


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
    before = Previous.open(None if previous is None else Path(previous), network.stated, reader)
    digest = digest_of(data)
    check_runs(network, reader)
    settings = {"data": digest, "previous": before.digest} | stated_encoders(network, reader)
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
        names = concept_names(data)
        with new_folder(out) as folder:
            table = table.append_column(INDEXED, pa.array(states, pa.string()))
            encoders = stated_encoders(network, reader)
            centred = encoders["encoder"]["centred"]
            written = stores.write(store, folder, table, names, texts_of(data, names), found, centred)
            manifest = {
                "store": store, "release": stated_release(data, out, digest), "counts": done.counts(),
            } | encoders  # fmt: skip
            write_manifest(folder, manifest, written)
        state.remove()
    return done


def stated_encoders(network: ImageEncoder, reader: TextEncoder | None) -> dict[str, Any]:
    """Returns what the manifest states of the encoders.

    centred: the vectors from which their mean is subtracted before they are compared; those that are compared with
    vectors of texts are not.
    """
    centred = [] if network.stated.texts else [IMAGE]
    of_texts = None if reader is None else reader.stated.to_json()
    return {"encoder": network.stated.to_json() | {"centred": centred}, "text_encoder": of_texts}


def _of_captions(
    data: Dataset, reader: TextEncoder, before: Previous, store: Path, progress: Progress | None
) -> NDArray[np.float16]:
    """Returns a vector for each caption; those of the previous index are reused."""
    captions = [str(caption or "").strip() for caption in data.column("caption").to_pylist()]
    new = [row for row, caption in enumerate(captions) if caption not in before.captions]
    vectors = np.zeros((len(captions), reader.stated.width), np.float16)
    vectors[new] = embed_texts([captions[row] for row in new], reader, store, progress).vectors
    reused = sorted(set(range(len(captions))) - set(new))
    vectors[reused] = before.texts[[before.captions[captions[row]] for row in reused]]
    return vectors
