"""Embeddings of the images of a dataset, stored in parts, so that an interrupted computation goes on."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError, RejectedInput
from roco.base.progress import NullProgress, Progress
from roco.base.terminal import excerpt
from roco.baselines.training.learner import SKIP, Unreadable
from roco.models import arrays
from roco.models.images.decode import Decoded, decode
from roco.release.embeddings import read_embeddings
from roco.release.load.dataset import Dataset
from roco.release.load.image import LazyImage

PART = 256
"""Images of one file of the store."""

BATCH, BATCH_OF_CPU = 16, 4
"""Images that the network reads together, as in the stage `embed`."""

MOST_BYTES = 1 << 30


class Embedder(Protocol):
    """Turns images into vectors, as a backbone does."""

    @property
    def width(self) -> int:
        """Returns the numbers of a vector."""

    @property
    def reads_small(self) -> bool:
        """Returns whether it reads the image reduced to 400 px."""

    @property
    def provider(self) -> str:
        """Returns what runs the network, such as CPUExecutionProvider."""

    @property
    def preparation(self) -> Mapping[str, Any]:
        """Returns what determines a vector besides the image, as plain values."""

    def embed(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float16]:
        """Returns one vector for each image; images are grey (height x width) or RGB (height x width x 3)."""


@dataclass(frozen=True)
class Embedded:
    """The embeddings of the rows of a dataset: rows x width, 0 where there is none.

    has: whether a row has an embedding. unreadable: rows whose image cannot be read.
    """

    vectors: NDArray[np.float16]
    has: NDArray[np.bool_]
    unreadable: tuple[Unreadable, ...]


def embed(
    data: Dataset,
    encoder: Embedder,
    store: Path | None = None,
    *,
    skip_unreadable: bool = False,
    progress: Progress | None = None,
) -> Embedded:
    """Returns the embedding of each row; rows without an image file have none.

    Embeddings of the same backbone that the release has (embeddings.parquet) are read instead of the images. store: a
    folder for parts that are done; equal inputs give equal bytes, however often it was interrupted. Raises DataError
    for the first image that cannot be read, unless it is to be skipped.
    """
    shown = progress or NullProgress()
    files = data.figures.image_files()
    vectors = np.zeros((len(data), encoder.width), np.float16)
    has = np.zeros(len(data), bool)
    unreadable: list[Unreadable] = []
    parts = [range(start, min(start + PART, len(data))) for start in range(0, len(data), PART)]
    stored = {
        part: read for part in parts if store and (read := _stored(_file(store, part), part, encoder)) is not None
    }
    ids = data.column("id").to_pylist()
    of_release = _of_release(data.figures.path, encoder)
    shown.start("images", len(data), sum(len(part) for part in stored))
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for part in parts:
            done = stored.get(part)
            if done is None and (done := _read(part, ids, of_release, files)) is not None:
                shown.advance(len(part))
            if done is None:
                images = [(row, data.figures.image(ids[row])) for row in part if ids[row] in files]
                done = _embedded(images, part, encoder, skip_unreadable, pool, shown.advance)
                shown.advance(len(part) - len(images))
                if store is not None:
                    _write(_file(store, part), done)
            if done.unreadable and not skip_unreadable:  # stored by a command with --skip-unreadable
                raise _refused(done.unreadable[0])
            vectors[part.start : part.stop] = done.vectors
            has[part.start : part.stop] = done.has
            unreadable += done.unreadable
    return Embedded(vectors, has, tuple(unreadable))


def _of_release(release: Path, encoder: Embedder) -> Mapping[str, NDArray[np.float16]]:
    """Returns the embeddings that a release has by id; none of another encoder."""
    found = read_embeddings(release)
    if found is None or any(found.backbone.get(name) != value for name, value in encoder.preparation.items()):
        return {}
    return dict(zip(found.ids, found.vectors, strict=True))


def _read(
    part: range, ids: Sequence[str], of_release: Mapping[str, NDArray[np.float16]], files: Mapping[str, Any]
) -> Embedded | None:
    """Returns a part whose images with a file all have an embedding in the release; None for any other part."""
    rows = [row for row in part if ids[row] in files]
    if not rows or not all(ids[row] in of_release for row in rows):
        return None
    width = len(of_release[ids[rows[0]]])
    vectors, has = np.zeros((len(part), width), np.float16), np.zeros(len(part), bool)
    for row in rows:
        vectors[row - part.start], has[row - part.start] = of_release[ids[row]], True
    return Embedded(vectors, has, ())


def _embedded(
    images: Sequence[tuple[int, LazyImage]],
    part: range,
    encoder: Embedder,
    skip_unreadable: bool,
    pool: ThreadPoolExecutor,
    advance: Callable[[int], None],
) -> Embedded:
    """Embeds the images of one part in threads: decoder and network leave the interpreter to others meanwhile."""
    vectors = np.zeros((len(part), encoder.width), np.float16)
    has = np.zeros(len(part), bool)
    unreadable = []
    size = BATCH_OF_CPU if encoder.provider == "CPUExecutionProvider" else BATCH

    def work(batch: Sequence[tuple[int, LazyImage]]) -> list[tuple[int, Unreadable | NDArray[np.float16]]]:
        read = [(row, pixels(image, encoder)) for row, image in batch]
        good = [(row, one) for row, one in read if not isinstance(one, Unreadable)]
        embedded = encoder.embed([one for _, one in good])
        bad = [(row, one) for row, one in read if isinstance(one, Unreadable)]
        return [*zip((row for row, _ in good), embedded, strict=True), *bad]

    batches = [images[start : start + size] for start in range(0, len(images), size)]
    with contextlib.closing(pool.map(work, batches)) as results:  # type: ignore[type-var]  # it is a generator
        for found in results:
            for row, one in found:
                if not isinstance(one, Unreadable):
                    vectors[row - part.start], has[row - part.start] = one, True
                elif skip_unreadable:
                    unreadable.append(one)
                else:
                    raise _refused(one)
            advance(len(found))
    return Embedded(vectors, has, tuple(unreadable))


def pixels(image: LazyImage, encoder: Embedder) -> NDArray[np.uint8] | Unreadable:
    """Returns the pixels that an encoder reads, or what is wrong with the image."""
    try:
        decoded = decode(image.bytes())
    except RejectedInput as err:
        what = f"{err.message} ({image.where})"
    except DataError as err:
        what = err.message
    else:
        return samples(decoded, encoder)
    return Unreadable(image.id, what, SKIP)


def samples(decoded: Decoded, encoder: Embedder) -> NDArray[np.uint8]:
    """Returns the pixels of a decoded image that an encoder reads."""
    return decoded.small if encoder.reads_small else decoded.pixels


def _refused(image: Unreadable) -> DataError:
    what = f"image '{excerpt(image.id)}' cannot be read: {image.what}"
    return DataError(what, f"{image.hint}; then run the same command again")


# --- the store ----------------------------------------------------------------------------------------------------


def _file(store: Path, part: range) -> Path:
    return store / f"embeddings-{part.start:08}.npz"


def _write(path: Path, done: Embedded) -> None:
    texts = np.array([list(one) for one in done.unreadable], np.str_).reshape(-1, 3)
    arrays.write(path, {"vectors": done.vectors, "has": done.has, "unreadable": texts})


def _stored(path: Path, part: range, encoder: Embedder) -> Embedded | None:
    """Returns a part that is stored; None if it is missing, or damaged, as by a crash of the machine."""
    if not path.is_file():
        return None
    try:
        found: dict[str, Any] = arrays.read(path, MOST_BYTES, "a part of the embeddings", "")
        done = Embedded(found["vectors"], found["has"], tuple(_texts(found["unreadable"])))
    except (DataError, KeyError, TypeError, ValueError):
        return None
    is_right = done.vectors.shape == (len(part), encoder.width) and done.has.shape == (len(part),)
    return done if is_right and done.vectors.dtype == np.float16 else None


def _texts(found: NDArray[Any]) -> Iterator[Unreadable]:
    for id, what, hint in found.tolist():
        yield Unreadable(str(id), str(what), str(hint))
