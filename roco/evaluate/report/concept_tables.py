"""The paper's tables of the most frequent concepts, computed from a release: Tables 5, 6, and S6 to S12."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from roco.base import labels
from roco.base.errors import UsageError, nearest
from roco.base.terminal import excerpt
from roco.evaluate.concept_scores import COMBINED, single_modality
from roco.evaluate.report.render import ReportTable
from roco.models.text import semantic_types
from roco.release import captioned
from roco.release.read import Release

ROWS = 10
"""Rows of each table of the paper."""

MODALITY_OF = {
    "S6": "DRAN", "S7": COMBINED, "S8": "DRCT", "S9": "DRMR", "S10": "DRPE", "S11": "DRUS", "S12": "DRXR"
}  # fmt: skip
"""Table of the supplement -> the modality of its images."""

Types = Mapping[str, Sequence[str]]
"""CUI -> its semantic types (TUIs)."""


class Frequent(NamedTuple):
    """A concept or a semantic type. id: CUI or TUI. n: images that have it, or occurrences of the type."""

    id: str
    name: str
    n: int


@dataclass(frozen=True, kw_only=True)
class ConceptTable:
    """One table, the most frequent rows first; equal counts are ordered by id.

    images: the images that were counted. counts: the count of every concept or type, also of those without a row.
    unknown: occurrences of concepts whose semantic type is unknown (Table 6).
    """

    number: str
    title: str
    images: int
    rows: tuple[Frequent, ...]
    counts: Mapping[str, int]
    unknown: int = 0

    def as_report(self) -> ReportTable:
        """Returns the table as the reports render it."""
        columns = ("TUI", "definition", "frequency") if self.number == "6" else ("CUI", "UMLS term", "images")
        return ReportTable(f"Table {self.number}. {self.title}", columns, [tuple(row) for row in self.rows])


class Image(NamedTuple):
    """What the tables count of one image: concepts, manual concepts, and modality, None where it is unknown."""

    concepts: frozenset[str]
    manual: frozenset[str]
    modality: str | None


@dataclass(frozen=True)
class Images:
    """The images of a release, and the names of its concepts."""

    images: list[Image]
    names: Mapping[str, str]


def table_5(release: Release, rows: int = ROWS) -> ConceptTable:
    """Returns the concepts that most images have, without those that people assign.

    Left out are the concepts of modalities, regions and directions, and every manual concept of the release.
    """
    return _table_5(read_images(release), rows)


def table_6(release: Release, types: Types, rows: int = ROWS) -> ConceptTable:
    """Returns the semantic types whose concepts occur most often; an image counts once for each of its concepts.

    types: of each concept. A concept of several types counts in each.
    """
    return _table_6(read_images(release), types, rows)


def table_of_modality(release: Release, modality: str, rows: int = ROWS) -> ConceptTable:
    """Returns the concepts that most images of a modality have (Tables S6 to S12); modality: DRAN to DRXR."""
    if modality not in labels.MODALITIES:
        raise UsageError(f"unknown modality '{excerpt(modality)}'", nearest(modality, labels.MODALITIES))
    return _table_of_modality(read_images(release), modality, rows)


def tables(release: Release, types: Types, numbers: Iterable[str] = (), rows: int = ROWS) -> list[ConceptTable]:
    """Returns several tables, all by default, by their numbers in the paper: 5, 6, S6 to S12."""
    images = read_images(release)
    known = ("5", "6", *MODALITY_OF)
    chosen = [number.upper() for number in numbers] or known
    for number in chosen:
        if number not in known:
            raise UsageError(f"unknown table '{excerpt(number)}'", nearest(number, known))
    return [of_images(images, number, types, rows) for number in dict.fromkeys(chosen)]


def of_images(images: Images, number: str, types: Types | None = None, rows: int = ROWS) -> ConceptTable:
    """Returns one table of images that were read before; types: of each concept, for Table 6."""
    if number == "5":
        return _table_5(images, rows)
    if number == "6":
        return _table_6(images, types or {}, rows)
    return _table_of_modality(images, MODALITY_OF[number], rows)


def read_images(release: Release) -> Images:
    """Reads what the tables count.

    The modality of an image is the column of a release of roco, else that of its manual concepts: an image without
    exactly one modality among them shows combined modalities. Without any manual concepts, it is the only modality
    among the concepts.
    """
    known = captioned.read(release.path)
    if release.published:
        return published_images([row.cuis for row in known.rows], [row.manual for row in known.rows], known.names)
    columns = release.columns
    modalities: list[str | None] = [None] * len(known.rows)
    if "modality" in columns:
        table = release.table(None, ["id", "modality"])
        of_image = dict(zip(table["id"].to_pylist(), table["modality"].to_pylist(), strict=True))
        modalities = [of_image.get(row.id) for row in known.rows]
    rows = zip(known.rows, modalities, strict=True)
    return Images([Image(frozenset(row.cuis), frozenset(row.manual), one) for row, one in rows], known.names)


def published_images(
    concepts: Sequence[Sequence[str]], manual: Sequence[Sequence[str]], names: Mapping[str, str]
) -> Images:
    """Returns images of the published layout by their concepts, with the modality that these state."""
    has_manual = any(manual)
    images = []
    for row, of_people in zip(map(frozenset, concepts), map(frozenset, manual), strict=True):
        modality = single_modality(of_people) or COMBINED if has_manual else single_modality(row)
        images.append(Image(row, of_people, modality or None))
    return Images(images, names)


def _table_5(images: Images, rows: int) -> ConceptTable:
    manual = {cui for kind in labels.KINDS for cui in labels.cuis(kind)}
    for image in images.images:
        manual |= image.manual
    counts = Counter(cui for image in images.images for cui in image.concepts if cui not in manual)
    title = "The most common UMLS concepts"
    return _concepts("5", title, images.names, counts, len(images.images), rows)


def _table_of_modality(images: Images, modality: str, rows: int) -> ConceptTable:
    counts = Counter[str]()
    n = 0
    for image in images.images:
        if image.modality == modality:
            n += 1
            counts.update(image.concepts)
    number = next(number for number, label in MODALITY_OF.items() if label == modality)
    name = labels.MODALITIES[modality].name
    return _concepts(number, f"Most frequent CUIs: {name} ({modality})", images.names, counts, n, rows)


def _table_6(images: Images, types: Types, rows: int) -> ConceptTable:
    occurrences = Counter(cui for image in images.images for cui in image.concepts)
    counts = Counter[str]()
    unknown = 0
    for cui, n in occurrences.items():
        tuis = types.get(cui, ())
        unknown += 0 if tuis else n
        for tui in tuis:
            counts[tui] += n
    names = {tui: one.name for tui, one in semantic_types.load().items()}
    return ConceptTable(
        number="6",
        title="The most common semantic types (TUIs)",
        images=len(images.images),
        rows=_most(counts, names, rows),
        counts=counts,
        unknown=unknown,
    )


def _concepts(
    number: str, title: str, known: Mapping[str, str], counts: Mapping[str, int], n: int, rows: int
) -> ConceptTable:
    names = {term.cui: term.name for terms in labels.KINDS.values() for term in terms.values() if term.cui}
    names |= known
    return ConceptTable(number=number, title=title, images=n, rows=_most(counts, names, rows), counts=counts)


def _most(counts: Mapping[str, int], names: Mapping[str, str], rows: int) -> tuple[Frequent, ...]:
    order = sorted(counts, key=lambda id: (-counts[id], id))
    return tuple(Frequent(id, names.get(id, ""), counts[id]) for id in order[:rows])
