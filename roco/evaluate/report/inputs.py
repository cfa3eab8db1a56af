"""What the sections of a report read: one release, and whatever else is known of it; each column is read once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any

import pyarrow as pa

from roco.base.errors import DataError
from roco.base.json_text import parse_json
from roco.base.labels import KINDS
from roco.base.readers import UNREADABLE, read_text
from roco.base.schema import SPLITS, types
from roco.evaluate.rater_agreement import TaskAgreement
from roco.evaluate.report.concept_tables import Images, published_images, read_images
from roco.evaluate.report.content import Example, NotAvailable
from roco.evaluate.report.cost import Cost
from roco.evaluate.report.decoded import SAMPLE, Decoded, decoded
from roco.evaluate.report.rows import PrecisionRow
from roco.evaluate.report.score_files import ScoreFile
from roco.release.diff import Difference, diff
from roco.release.format import CUI_MAPPING, DROPPED, FUNNEL, LICENSES
from roco.release.leakage import Ties, ties
from roco.release.published import PublishedTables, as_figures, read_tables
from roco.release.read import Release
from roco.release.relations import RELATION_COLUMNS
from roco.release.verify_counts import FunnelStage, read_funnel

_ROWS_AT_ONCE = 10_000

_YEAR = re.compile(r"\((\d{4})\)\s*$")

ARTICLES = types("article_key", "journal", "year", "license")
"""The columns of `Inputs.articles`, one row for each article that was read."""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """The inputs of a report; only the release is needed.

    dropped_examples: dropped figures to look at, which only a run has. other: the release to compare with. pubmed: the
    table of `roco fetch pubmed`. scores: the files of `roco evaluate --out`. agreement: of two raters of a label log,
    by task. types: CUI -> semantic types. articles: every article that the run read (ARTICLES), which only a run knows.
    cost: what the run took. precision: of the automatic concepts by semantic type, from labels.
    """

    release: Release
    dropped_examples: Sequence[Example] = ()
    other: Release | None = None
    pubmed: pa.Table | None = None
    scores: Sequence[ScoreFile] = ()
    agreement: Sequence[TaskAgreement] = ()
    types: Mapping[str, Sequence[str]] = field(default_factory=dict)
    articles: pa.Table | None = None
    cost: Cost | None = None
    precision: Sequence[PrecisionRow] = ()
    _columns: dict[str, pa.ChunkedArray] = field(default_factory=dict, repr=False)
    _values: dict[str, list[Any]] = field(default_factory=dict, repr=False)

    @cached_property
    def available(self) -> frozenset[str]:
        """Returns the names of the columns that the release has."""
        return frozenset(self.release.columns)

    def column(self, name: str) -> pa.ChunkedArray:
        """Returns a column of the release, in the order of its ids; raises NotAvailable if there is none."""
        if name not in self.available:
            raise NotAvailable(f"the release has no column '{name}'")
        if self.release.published:
            return self._published[name]
        if name not in self._columns:
            self._columns[name] = self.release.table(None, [name])[name]
        return self._columns[name]

    @cached_property
    def _published(self) -> pa.Table:
        """Returns the images of the published layout; a report is also made of some of its tables."""
        return as_figures(self._tables, self.release.path)

    @cached_property
    def _tables(self) -> PublishedTables:
        return read_tables(self.release.path)

    def values(self, name: str) -> list[Any]:
        """Returns a column as Python values, not to be changed; raises NotAvailable if the release lacks it."""
        if name not in self._values:
            self._values[name] = self.column(name).to_pylist()
        return self._values[name]

    def table(self, *names: str) -> pa.Table:
        """Returns several columns; raises NotAvailable for one that the release lacks."""
        return pa.table({name: self.column(name) for name in names})

    @cached_property
    def size(self) -> int:
        return len(self.column("id"))

    def sample(self, places: Sequence[int], most: int) -> list[int]:
        """Returns at most so many of the places, by the hash of the id: every time the same ones."""
        ids = self.values("id")
        return sorted(places, key=lambda place: hashlib.sha256(ids[place].encode()).digest())[:most]

    @cached_property
    def splits(self) -> list[str]:
        """Returns the splits that have images, in the order train, valid, test; splits of another name are last."""
        present = set(self.column("split").unique().to_pylist()) - {None}
        return [*(split for split in SPLITS if split in present), *sorted(present - set(SPLITS))]

    @cached_property
    def years(self) -> list[int | None]:
        """Returns the year of each image's article: in the published layout, the year in its attribution."""
        if not self.release.published:
            return self.values("year")
        found = []
        for id in self.values("id"):
            match = _YEAR.search(self._tables.images[id].attribution or "")
            found.append(int(match[1]) if match else None)
        if self.size and not any(found):
            raise NotAvailable(f"no attribution in {LICENSES} ends with a year")
        return found

    @cached_property
    def before(self) -> Inputs:
        """Returns the release to compare with as inputs; raises NotAvailable without one."""
        if self.other is None:
            raise NotAvailable("no other release was given to compare with (--compare)")
        return Inputs(release=self.other, types=self.types)

    @cached_property
    def difference(self) -> Difference:
        """Returns the differences between the release to compare with, which is the old one, and this one.

        Raises NotAvailable if a table of one of them cannot be read.
        """
        try:
            return diff(self.before.release.path, self.release.path)
        except DataError as err:
            raise NotAvailable(err.message) from err

    @cached_property
    def ties(self) -> dict[str, Ties]:
        """Returns by kind what relates images, and which of it crosses the splits: see `release.leakage`."""
        return ties(self.table("split", *(name for name in RELATION_COLUMNS if name in self.available)))

    @cached_property
    def decoded(self) -> Decoded:
        """Returns a fixed random sample of the images, decoded; raises NotAvailable without image files."""
        ids, files = self.values("id"), self.release.image_index.files
        places = [place for place, id in enumerate(ids) if id in files]
        drawn = self.sample(places, SAMPLE)
        return decoded(self.release, {place: ids[place] for place in sorted(drawn)}, len(places))

    @cached_property
    def images(self) -> Images:
        """Returns concepts, manual concepts and modality of each image, in the order of the ids.

        Raises NotAvailable if there are no images, or if their concepts are invalid.
        """
        if not self.size:
            raise NotAvailable("the dataset has no images")
        try:
            if not self.release.published:
                return read_images(self.release)
            # An image may have a caption and no row of concepts: here it is an image all the same.
            concepts, manual = self.values("concepts"), self.values("concepts_manual")
            has_names = (self.release.path / CUI_MAPPING).is_file()
            return published_images(concepts, manual, self.release.concept_names() if has_names else {})
        except DataError as err:
            raise NotAvailable(err.message) from err

    @cached_property
    def concept_names(self) -> dict[str, str]:
        """Returns the name of each concept: as the release maps it, else as the paper names it."""
        names = {term.cui: term.name for terms in KINDS.values() for term in terms.values() if term.cui}
        return names | dict(self.images.names)

    @cached_property
    def funnel(self) -> Mapping[str, Any]:
        """Returns funnel.json; raises NotAvailable for a dataset without one, such as the published ROCOv2."""
        path = self.release.path / FUNNEL
        if not path.is_file():
            raise NotAvailable(f"the dataset has no {FUNNEL}: how it was built is unknown")
        try:
            return dict(parse_json(read_text(path)))
        except (*UNREADABLE, TypeError) as err:
            raise NotAvailable(f"{FUNNEL} is unreadable: {err}") from err

    @cached_property
    def stages(self) -> list[FunnelStage]:
        """Returns the stages of the funnel; raises NotAvailable if it is missing or invalid."""
        if not self.funnel:
            raise NotAvailable(f"{FUNNEL} is empty")
        try:
            return read_funnel(self.release.path / FUNNEL)[0]
        except UNREADABLE as err:
            raise NotAvailable(f"{FUNNEL} is invalid: {err}") from err

    @cached_property
    def dropped(self) -> pa.Table:
        """Returns stage, reason, detail and article of every dropped figure.

        Raises NotAvailable without removed.parquet, or if it cannot be read.
        """
        if not (self.release.path / DROPPED).is_file():
            raise NotAvailable(f"the dataset has no {DROPPED}: dropped figures are unknown")
        columns = {"stage": pa.string(), **types("drop", "drop_detail", "pmcid", "article_key")}
        schema = pa.schema(columns.items())
        rows = self.release.dropped_rows(columns)
        batches = []
        try:
            # Rows as Python objects take twenty times the memory: never all of them at once.
            while batch := list(islice(rows, _ROWS_AT_ONCE)):
                batches.append(pa.RecordBatch.from_pylist(batch, schema=schema))
        except DataError as err:
            raise NotAvailable(err.message) from err
        return pa.Table.from_batches(batches, schema=schema)

    @cached_property
    def article_of(self) -> list[str]:
        """Returns the article of each image; raises NotAvailable if articles are unknown."""
        if self.release.published and self.column("pmcid").null_count == self.size:
            raise NotAvailable(f"the dataset has no {LICENSES}: the articles of its images are unknown")
        return [article or "" for article in self.values("article_key")]
