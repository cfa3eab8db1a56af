"""The index of an earlier release, whose vectors are reused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError
from roco.base.files import file_digest
from roco.baselines.retrieve.encoders.encoder import Stated, TextEncoder
from roco.baselines.retrieve.encoders.open import check_same, is_same
from roco.baselines.retrieve.folder import AGAIN, FILES, MANIFEST, read_manifest
from roco.baselines.retrieve.rows import EMBEDDED, INDEXED
from roco.baselines.retrieve.store import files
from roco.baselines.retrieve.store.store import IMAGE, TEXT
from roco.baselines.retrieve.store.vector_file import read_vectors
from roco.release.read import Release


@dataclass(frozen=True)
class Previous:
    """The index of an earlier release. rows: by the SHA-256 of the image; captions: by the text, of the same encoder
    only. digest: of its manifest, empty if none."""

    rows: dict[str, int]
    vectors: NDArray[np.float16]
    captions: dict[str, int]
    texts: NDArray[np.float16]
    digest: str

    @classmethod
    def open(cls, path: Path | None, network: Stated, reader: TextEncoder | None) -> Previous:
        """Opens an index; without one, nothing is reused. Raises DataError for one of another encoder or store."""
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
