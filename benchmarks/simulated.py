"""A made-up corpus of any number of articles, for `benchmarks.simulate`: a source, and stages that invent their values.

All values are computed from the number of the article and of the image, so that no run depends on another. The run, its
files and its table stages are real.
"""

from __future__ import annotations

import binascii
import dataclasses
import functools
import hashlib
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from roco.base.labels import MODALITIES
from roco.base.schema import LISTING, types
from roco.core import reading
from roco.core.contract import Reason
from roco.core.stage import Decision, Extraction, Measure, drop, put
from roco.models.text.shipped_names import shipped_names
from roco.sources import SOURCES

FIRST = 1_000_000
"""Number of the first article; all numbers have seven digits, so that they sort as text."""

FAST = "ROCO_SIMULATE_FAST"
"""Environment variable with which workers take all packages of a part at once, and write without syncing."""

if os.environ.get(FAST):
    reading.PACKAGES_OPEN = 1000
    os.fsync = lambda fd: None

IMAGES = (0, 0, 1, 2, 3, 3, 4, 5, 6, 10)
"""Images of an article, each as likely as the others: 3.4 on average."""

Numbers = NDArray[np.uint64]


def uniform(numbers: Numbers, salt: int) -> NDArray[np.float64]:
    """Returns a number from 0 to 1 for each number, always the same one (SplitMix64)."""
    return (mixed(numbers, salt) >> np.uint64(11)) / float(1 << 53)


def mixed(numbers: Numbers, salt: int) -> Numbers:
    """Returns 64 random bits for each number, always the same ones."""
    with np.errstate(over="ignore"):
        z = numbers + np.uint64(salt + 1) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def hexadecimal(words: NDArray[np.uint64]) -> pa.Array:
    """Returns the bits of each row of words as text."""
    digits = binascii.hexlify(np.ascontiguousarray(words, ">u8").tobytes())
    width = 16 * (words.shape[1] if words.ndim > 1 else 1)
    ends = pa.py_buffer(np.arange(0, len(digits) + 1, width, dtype=np.int32))
    return pa.StringArray.from_buffers(len(words), ends, pa.py_buffer(digits))


def random_texts(numbers: Numbers, salt: int, words: int) -> pa.Array:
    return hexadecimal(np.column_stack([mixed(numbers, salt + at) for at in range(words)]))


@dataclasses.dataclass(frozen=True, kw_only=True)
class MadeUp:
    """A source that lists as many articles as wanted, in packages that contain next to nothing."""

    path: Path
    articles: int
    kind: ClassVar[str] = "made-up"

    def listing(self, known: pa.Table | None) -> pa.Table:
        numbers = np.arange(FIRST, FIRST + self.articles, dtype=np.uint64)
        text = pa.array(numbers).cast(pa.string())
        joined = pc.binary_join_element_wise
        columns = {
            "article": joined("PMC", text, ""),
            "digest": random_texts(numbers, 1, 4),
            "place": joined("oa_package/", pc.utf8_slice_codeunits(text, 4, 7), "/PMC", text, ".tar.gz", ""),
            "stamp": joined("4580000 2024-05-17 ", text, ""),
            "facts": joined('{"license":"CC BY","pmid":"', text, '"}', ""),
        }
        return pa.table(columns, schema=LISTING)

    def open(self, place: str) -> MadeUpPackage:
        return MadeUpPackage(place)


class MadeUpPackage:
    """A package whose images are one small JPEG, each with its name at the end."""

    def __init__(self, place: str) -> None:
        self.place = place

    @property
    def xmls(self) -> Sequence[str]:
        return ["article.nxml"]

    @property
    def files(self) -> Sequence[tuple[str, int]]:
        return [("article.nxml", 0)]

    def read(self, name: str) -> bytes:
        return image_bytes(self.place, name) if name.endswith(".jpg") else b""

    def close(self) -> None: ...


def image_bytes(place: str, name: str) -> bytes:
    return _jpeg() + f"{place}/{name}".encode()


@functools.cache
def _jpeg() -> bytes:
    from PIL import Image as Images

    out = io.BytesIO()
    Images.new("L", (16, 16), 128).save(out, "JPEG")
    return out.getvalue()


def register() -> None:
    """Makes the source available to recipes as `kind = "made-up"`."""
    SOURCES[MadeUp.kind] = MadeUp


# --- stages -----------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, kw_only=True)
class Extract(Measure):
    """Invents 3.4 figures for each article."""

    scope = "article"
    reads = ("article", "place")
    writes = types(
        "figure_id", "article_key", "origin", "archive", "pmcid", "pmid", "doi", "title", "journal", "year", "authors",
        "retracted", "retracts", "open_access", "license", "license_trust", "fig_id", "label", "caption", "file",
        "drop", "drop_detail",
    )  # fmt: skip
    reasons = {"article": Reason("it cannot be read")}

    def __call__(self, batch: pa.Table) -> Extraction:
        articles = batch["article"].combine_chunks()
        of_articles = _numbers(articles)
        sizes = np.array(IMAGES)[(uniform(of_articles, 0) * len(IMAGES)).astype(int)]
        at = np.repeat(np.arange(len(batch)), sizes)
        place = np.arange(len(at)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        numbers = of_articles[at] * np.uint64(16) + place.astype(np.uint64)
        article = articles.take(pa.array(at))
        joined = pc.binary_join_element_wise
        order = pa.array(place).cast(pa.string())
        file = joined("fig-", order, ".jpg", "")
        licences = pa.array(["CC-BY", "CC-BY-NC", "CC-BY-NC-ND", "CC0"])
        chosen = np.searchsorted([0.5, 0.7, 0.95], uniform(of_articles, 5))[at]
        n = len(at)
        values = {
            "figure_id": joined(article, pc.binary_join_element_wise("f", order, ""), "0", "/"),
            "article_key": article,
            "origin": pa.array(["package"] * n),
            "archive": batch["place"].combine_chunks().take(pa.array(at)),
            "pmcid": article,
            "doi": joined("10.1000/", article, ""),
            "title": joined("A made-up article with the number ", article, ""),
            "journal": pa.array(["Journal of Simulation"] * n),
            "year": pa.array(2000 + (uniform(of_articles, 6)[at] * 25).astype(np.int32)),
            "authors": pa.array([["Surname, Given", "Other, Name"]] * n, pa.list_(pa.string())),
            "retracted": pa.array([False] * n),
            "open_access": pa.array([True] * n),
            "license": licences.take(pa.array(chosen)),
            "license_trust": pa.array(["stated"] * n),
            "fig_id": joined("f", order, ""),
            "label": joined("Figure ", order, ""),
            "caption": joined("Axial computed tomography shows a lesion, case ", pa.array(numbers).cast("string"), ""),
            "file": file,
        }
        columns = {
            name: pa.array(values[name]).cast(kind) if name in values else pa.nulls(n, kind)
            for name, kind in self.writes.items()
        }
        found = dict(zip(batch["place"].to_pylist(), sizes.tolist(), strict=True))
        counts = {place: {"articles": 1, "figures": size} for place, size in found.items()}
        return Extraction(pa.table(columns), counts)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measured(Measure):
    """Invents a number from 0 to 1 for each figure; stands for a network or a language model."""

    needs = ("extract",)
    reads = ("article_key", "file")

    @property
    def contract(self) -> Any:
        return dataclasses.replace(super().contract, writes={f"{self.name}_p": pa.float32()})

    def __call__(self, batch: pa.Table) -> pa.Table:
        values = uniform(_figures(batch), sum(self.name.encode()))
        return put(batch, f"{self.name}_p", pa.array(values.astype(np.float32)))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Gate(Decision):
    """Keeps a share of the figures."""

    by: str = ""
    keep: float = 0.5

    @property
    def contract(self) -> Any:
        reasons = {self.name: Reason("the invented number is too large")}
        return dataclasses.replace(super().contract, needs=(self.by,), reads=(f"{self.by}_p",), reasons=reasons)

    def __call__(self, batch: pa.Table) -> pa.Table:
        values = batch[f"{self.by}_p"]
        detail = pc.binary_join_element_wise("p = ", pc.round(values, 4).cast(pa.string()), "")
        return drop(batch, pc.greater(values, pa.scalar(self.keep, pa.float32())), self.name, detail)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Image(Measure):
    """Invents the hashes of each image: a third are copies of one of 50,000 images with up to twelve bits flipped."""

    needs = ("extract",)
    reads = ("article_key", "archive", "file")
    writes = types("format", "width", "height", "n_frames", "sha256", "image_key", "phash", "phash_fine")

    def __call__(self, batch: pa.Table) -> pa.Table:
        numbers = _figures(batch)
        base = np.where(uniform(numbers, 20) < 1 / 3, mixed(numbers, 21) % np.uint64(50_000), numbers)
        words = np.column_stack([mixed(base, 30 + at) for at in range(10)])
        flips = np.where(base == numbers, 0, mixed(numbers, 22) % np.uint64(13))
        for at in range(12):
            bit = np.uint64(1) << (mixed(numbers, 40 + at) % np.uint64(64))
            word = (mixed(numbers, 60 + at) % np.uint64(10)).astype(int)
            words[np.arange(len(words)), word] ^= np.where(at < flips, bit, np.uint64(0))
        places = zip(batch["archive"].to_pylist(), batch["file"].to_pylist(), strict=True)
        digests = pa.array([hashlib.sha256(image_bytes(*one)).hexdigest() for one in places], pa.string())
        columns = {
            "format": pa.array(["JPEG"] * len(batch), pa.string()),
            "width": pa.array((400 + uniform(numbers, 23) * 800).astype(np.int32)),
            "height": pa.array((400 + uniform(numbers, 24) * 800).astype(np.int32)),
            "n_frames": pa.array([1] * len(batch), self.writes["n_frames"]),
            "sha256": digests,
            "image_key": pc.binary_join_element_wise(batch["article_key"], digests, "-"),
            "phash": hexadecimal(words[:, 0]),
            "phash_fine": hexadecimal(words[:, 1:]),
        }
        for name, values in columns.items():
            batch = put(batch, name, values)
        return batch


@dataclasses.dataclass(frozen=True, kw_only=True)
class Concepts(Decision):
    """Invents a modality and two to five concepts, some of them rare."""

    needs = ("extract",)
    reads = ("article_key", "file")
    writes = types("modality", "concepts", "concepts_auto", "concepts_manual")

    def __call__(self, batch: pa.Table) -> pa.Table:
        numbers = _figures(batch)
        cuis = _cuis()
        kinds = sorted(MODALITIES)
        kind = (uniform(numbers, 80) ** 2 * len(kinds)).astype(int)
        sizes = 2 + (mixed(numbers, 81) % np.uint64(4)).astype(int)
        ranks = np.column_stack([uniform(numbers, 82 + at) ** 3 * len(cuis) for at in range(5)]).astype(int)
        auto = [sorted({cuis[rank] for rank in row[:n]}) for row, n in zip(ranks.tolist(), sizes.tolist(), strict=True)]
        batch = put(batch, "modality", pa.array([kinds[at] for at in kind.tolist()], pa.string()))
        batch = put(batch, "concepts", pa.array(auto, self.writes["concepts"]))
        batch = put(batch, "concepts_auto", pa.array(auto, self.writes["concepts_auto"]))
        return put(batch, "concepts_manual", pa.array([[]] * len(batch), self.writes["concepts_manual"]))


@functools.cache
def _cuis() -> list[str]:
    return sorted(shipped_names())


def _figures(batch: pa.Table) -> Numbers:
    """Returns a number for each figure: that of its article, and its place in the article."""
    places = pc.utf8_slice_codeunits(batch["file"], 4, 5).cast(pa.uint64())
    return _numbers(batch["article_key"]) * np.uint64(16) + np.asarray(places, np.uint64)


def _numbers(articles: Any) -> Numbers:
    return np.asarray(pc.utf8_slice_codeunits(articles, 3).cast(pa.uint64()), np.uint64)
