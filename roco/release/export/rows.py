"""The images of a release as every export has them: described by the same fields, with their original bytes."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from roco.base.errors import DataError
from roco.base.files import file_digest
from roco.base.formats import SUFFIX_OF_FORMAT
from roco.base.labels import KINDS
from roco.base.licenses import COMMERCIAL_LICENSES
from roco.base.readers import UNREADABLE, parquet_rows, read_text
from roco.base.schema import SPLITS, STRINGS, types
from roco.base.terminal import excerpt
from roco.release.attribution import credit, license_address
from roco.release.folders import ID
from roco.release.format import CHECKSUMS, FIGURES, FILES, license_words
from roco.release.metadata import Metadata
from roco.release.read import Release

REQUIRED = types("id", "split", "format", "sha256", "caption", "license")
OPTIONAL = types(
    *("figure_id", "article_key", "pmcid", "doi", "title", "journal", "year", "authors", "copyright"),
    *("license_url", "license_version", "license_port", "language", "width", "height"),
    *("modality", "modality_from", "region", "direction", "concepts", "concepts_manual"),
)
"""Columns of figures.parquet that exports read; those of OPTIONAL are null where a release lacks them."""


class Field(NamedTuple):
    """One field of the description of an image: its type, and its meaning for the people who load an export."""

    type: pa.DataType
    meaning: str


FIELDS: dict[str, Field] = {
    "image_id": Field(pa.string(), "id of the image in the release; identifies it in every table and every format"),
    "caption": Field(pa.string(), "caption, without addresses and invisible characters"),
    "cui": Field(STRINGS, "UMLS concepts: modality, body region, direction, then the others"),
    "cui_names": Field(STRINGS, "canonical names of `cui`, in the same order"),
    "cui_manual": Field(STRINGS, "the concepts of `cui` that people assigned; empty where nobody did"),
    "modality": Field(pa.string(), "modality; null where it is unknown"),
    "modality_from": Field(pa.string(), "origin of the modality: label (assigned by people) or guess"),
    "region": Field(pa.string(), "body region of an X-ray; null for others, and where it is unknown"),
    "direction": Field(pa.string(), "direction of an X-ray; null for others, and where it is unknown"),
    "license": Field(pa.string(), "licence of the image, such as `CC-BY` or `CC-BY-NC`"),
    "license_url": Field(pa.string(), "address of the licence; null where the article states none"),
    "commercial_ok": Field(pa.bool_(), "whether the licence allows commercial use"),
    "attribution": Field(pa.string(), "title, authors, journal, source and licence, as the licence requires"),
    "pmcid": Field(pa.string(), "article in PubMed Central; null where it has no number there"),
    "doi": Field(pa.string(), "DOI of the article; null where it has none"),
    "year": Field(pa.int64(), "year of publication; null where it is unknown"),
    "sha256": Field(pa.string(), "SHA-256 of the image's bytes, which are those that the publisher distributes"),
}
"""Fields of an image in every format, in order; the image itself comes first where a format contains it."""


class Shard(NamedTuple):
    """A range of images of one split, in the order of the ids.

    number, of: which one of how many shards of the split. start, stop: positions in figures.parquet.
    """

    split: str
    number: int
    of: int
    start: int
    stop: int

    @property
    def n_images(self) -> int:
        return self.stop - self.start


class LicenseCount(NamedTuple):
    """A licence as articles state it: normalised name, the words for people, and its address."""

    license: str
    words: str
    address: str


@dataclass
class Totals:
    """What is counted over all images of a release; `sizes` has the bytes of each image, in order, by split."""

    images: Counter[str] = field(default_factory=Counter)
    sizes: dict[str, list[int]] = field(default_factory=lambda: {split: [] for split in SPLITS})
    licenses: Counter[tuple[LicenseCount, str]] = field(default_factory=Counter)
    labels: dict[str, Counter[str]] = field(default_factory=lambda: {kind: Counter() for kind in KINDS})
    formats: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    articles: set[str] = field(default_factory=set)
    years: list[int] = field(default_factory=list)
    has_pmcid: bool = False
    dotted_id: str = ""  # the first id with a dot
    longest_id: str = ""

    @property
    def n_images(self) -> int:
        return self.images.total()

    @property
    def n_bytes(self) -> int:
        return sum(map(sum, self.sizes.values()))


class ReleaseRows:
    """The images of a release for an export. Every file is compared with the checksums of the release.

    Raises DataError where the release is not one of roco, a file differs from its checksum, or an image from
    figures.parquet.
    """

    def __init__(self, path: Path) -> None:
        self._release = Release.open(path)
        self.path = path
        self._hint = f"run roco verify {path} for details"
        if self._release.published:
            raise DataError(
                f"the published ROCOv2 has no checksums and no attribution by image: {path}",
                'build a release of it with a recipe whose source has kind = "release", and export that',
            )
        self._checksums = _checksums(path / CHECKSUMS, self._hint)
        self._check_files()
        self._columns = self._known_columns()

    @cached_property
    def digest(self) -> str:
        """Returns the SHA-256 of the checksums of the release, which identifies all of its bytes."""
        return file_digest(self.path / CHECKSUMS)

    @property
    def columns(self) -> list[str]:
        """Returns the columns of figures.parquet that exports read and this release has."""
        return list(self._columns)

    @property
    def suffixes(self) -> list[str]:
        """Returns the suffixes of the image files, each once and sorted."""
        return sorted(SUFFIX_OF_FORMAT[format] for format in self.totals.formats)

    @property
    def metadata(self) -> Metadata:
        return self._release.metadata

    @cached_property
    def names(self) -> dict[str, str]:
        """Returns the canonical name of each concept."""
        self.file("cui_mapping.csv")
        return self._release.concept_names()

    def sha256(self, name: str) -> str | None:
        """Returns the checksum of a file as the release states it; None for a file that it does not list."""
        return self._checksums.get(name)

    def file(self, name: str) -> Path:
        """Returns the path of a file whose bytes are those of the checksums."""
        path = self.path / name
        try:
            is_equal = file_digest(path) == self._checksums.get(name)
        except FileNotFoundError as err:
            raise DataError(f"the release is incomplete: missing file {path}", self._hint) from err
        if not is_equal:
            raise DataError(f"the release was changed: checksum of {path} differs from {CHECKSUMS}", self._hint)
        return path

    @cached_property
    def totals(self) -> Totals:
        """Counts images, licences and labels; checks the ids."""
        totals = Totals()
        previous = (-1, "")
        for row in self._rows(0, None):
            split, id = row["split"], row["id"] or ""
            if split not in SPLITS or not ID.fullmatch(id) or row["format"] not in SUFFIX_OF_FORMAT:
                raise DataError(f"invalid row of {FIGURES}: {excerpt(id)}", self._hint)
            place = (SPLITS.index(split), id)
            if place <= previous:
                raise DataError(f"duplicate or unsorted id in {FIGURES}: {excerpt(id)}", self._hint)
            previous = place
            totals.sizes[split].append(self._size(row))
            _count(totals, row)
        return totals

    def shards(self, most_bytes: int) -> list[Shard]:
        """Divides each split into shards of at most most_bytes of images, or of one larger image."""
        shards: list[Shard] = []
        at = 0
        for split in SPLITS:
            starts, total = [at], 0
            for size in self.totals.sizes[split]:
                if total and total + size > most_bytes:
                    starts.append(at)
                    total = 0
                total += size
                at += 1
            ends = [*starts[1:], at]
            ranges = [(start, stop) for start, stop in zip(starts, ends, strict=True) if stop > start]
            shards += [Shard(split, number, len(ranges), *ends) for number, ends in enumerate(ranges)]
        return shards

    def rows(self, shard: Shard) -> Iterator[dict[str, Any]]:
        """Yields the columns of figures.parquet for each image of a shard."""
        return self._rows(shard.start, shard.stop)

    def image(self, row: Mapping[str, Any]) -> bytes:
        """Returns the original bytes of an image; raises DataError if they are not those of figures.parquet."""
        data = self._release.image(row["id"])
        if hashlib.sha256(data).hexdigest() != row["sha256"]:
            raise DataError(f"image differs from {FIGURES}: {image_name(row)}", self._hint)
        return data

    def description(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the values of FIELDS for one row."""
        cuis = list(row["concepts"] or ())
        return {
            "image_id": row["id"],
            "caption": row["caption"] or "",
            "cui": cuis,
            "cui_names": [self.names.get(cui, "") for cui in cuis],
            "cui_manual": list(row["concepts_manual"] or ()),
            "modality": row["modality"],
            "modality_from": row["modality_from"],
            "region": row["region"],
            "direction": row["direction"],
            "license": row["license"],
            "license_url": license_address(row) or None,
            "commercial_ok": row["license"] in COMMERCIAL_LICENSES,
            "attribution": credit(row),
            "pmcid": row["pmcid"],
            "doi": row["doi"],
            "year": row["year"],
            "sha256": row["sha256"],
        }

    def close(self) -> None:
        self._release.close()

    def _size(self, row: Mapping[str, Any]) -> int:
        """Returns the size of an image file; raises DataError if the release lacks it."""
        file = self._release.image_index.files.get(row["id"])
        if file is None or file.split != row["split"]:
            raise DataError(f"the release is incomplete: missing image {image_name(row)}", self._hint)
        return file.size

    def _check_files(self) -> None:
        """Compares all files but the zips with their checksums: of these, each image is compared when it is read."""
        for name in sorted({*FILES, *self._checksums} - {CHECKSUMS}):
            if name.endswith("_images.zip"):
                continue
            if name not in self._checksums:
                raise DataError(f"the release is incomplete: {CHECKSUMS} does not list {name}", self._hint)
            self.file(name)

    def _known_columns(self) -> dict[str, pa.DataType]:
        known = self._release.columns
        return REQUIRED | {name: type for name, type in OPTIONAL.items() if name in known}

    def _rows(self, start: int, stop: int | None) -> Iterator[dict[str, Any]]:
        missing = dict.fromkeys(OPTIONAL.keys() - self._columns.keys())
        try:
            for row in parquet_rows(self.path / FIGURES, self._columns, start, stop):
                yield {**missing, **row}
        except UNREADABLE as err:
            raise DataError(f"{self.path / FIGURES}: {excerpt(err)}", self._hint) from err


def image_name(row: Mapping[str, Any]) -> str:
    """Returns the file name of an image, as in the zips of the release: its id, and the extension of its format."""
    return f"{row['id']}{SUFFIX_OF_FORMAT[row['format']]}"


def label_names(kind: str, totals: Totals) -> list[str]:
    """Returns the labels of one kind: those of the paper in its order, then others that the release contains."""
    return [*KINDS[kind], *sorted(totals.labels[kind].keys() - KINDS[kind].keys())]


def license_of(row: Mapping[str, Any]) -> LicenseCount:
    """Returns the licence of an image as its article states it."""
    words = license_words(row["license"] or "NONE")
    version = row["license_version"]
    return LicenseCount(row["license"] or "NONE", f"{words} {version}" if version else words, license_address(row))


def _count(totals: Totals, row: Mapping[str, Any]) -> None:
    split = row["split"]
    totals.images[split] += 1
    totals.formats[row["format"]] += 1
    totals.has_pmcid |= row["pmcid"] is not None
    if "." in row["id"] and not totals.dotted_id:
        totals.dotted_id = row["id"]
    totals.longest_id = max(totals.longest_id, row["id"], key=len)
    totals.articles.add(row["article_key"] or row["id"])
    totals.licenses[license_of(row), split] += 1
    for kind in KINDS:
        if row[kind]:
            totals.labels[kind][row[kind]] += 1
    if row["language"]:
        totals.languages[row["language"]] += 1
    if row["year"]:
        totals.years.append(row["year"])


def _checksums(path: Path, hint: str) -> dict[str, str]:
    """Returns the checksum of each file of a release."""
    try:
        lines = read_text(path).splitlines()
    except FileNotFoundError as err:
        raise DataError(f"the release is incomplete: missing file {path}", hint) from err
    except UNREADABLE as err:
        raise DataError(f"{path} cannot be read: {excerpt(err)}", hint) from err
    digests = {}
    for line in lines:
        digest, _, name = line.partition("  ")
        digests[name] = digest
    return digests
