"""Builds one vocabulary from UMLS, OBO ontologies, MeSH and CSV files, merged by CUI."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from roco.base.errors import DataError
from roco.base.files import file_digest
from roco.base.progress import NullProgress, Progress
from roco.models.text.vocabulary import mapping, table
from roco.models.text.vocabulary.merge import merged
from roco.models.text.vocabulary.records import KINDS, Read, Record, Term
from roco.models.text.vocabulary.report import Report, SourceReport, Tally, shared_names
from roco.models.text.vocabulary.table import Concept, Vocabulary


@dataclass(frozen=True, kw_only=True)
class Options:
    """How sources are merged.

    types: TUIs of which a concept must have one, if it has any; None for all. cuis: CSV files of id and cui, for terms
    whose source has none. by_name: whether a term without a CUI gets that of the only concept with its name.
    """

    types: frozenset[str] | None = None
    cuis: tuple[Path, ...] = ()
    by_name: bool = False


def build(
    sources: Sequence[Read], options: Options | None = None, progress: Progress | None = None
) -> tuple[Vocabulary, Report]:
    """Builds a vocabulary, with a report, from sources that `umls.read`, `obo.read`, `mesh.read` and `of_csv` return.

    The result does not depend on the order of the sources. A CUI has the name and the semantic types of the most
    trusted kind of source (CSV, UMLS, OBO, MeSH), and the names, sources and licenses of all. Raises DataError if no
    concept is left.
    """
    building = Building(sources, options, progress)
    vocabulary = Vocabulary(tuple(building.concepts()))
    return vocabulary, building.report()


def of_csv(path: Path, progress: Progress | None = None) -> Read:
    """Reads a vocabulary as a source of others; raises DataError as `table.load`."""
    (progress or NullProgress()).start(f"reading {path.name}", None)
    concepts = table.load(path).concepts
    terms = [
        Term(each.cui, each.name, each.synonyms, (each.cui,), (), each.tuis, each.source, each.license)
        for each in concepts
    ]
    return Read("csv", {path.name: file_digest(path)}, {}, len(concepts), Counter(), terms)


class Building:
    """Merges sources concept by concept, so that a vocabulary of millions need not fit into memory."""

    def __init__(
        self, sources: Sequence[Read], options: Options | None = None, progress: Progress | None = None
    ) -> None:
        if not sources:
            raise DataError("no source to build a vocabulary from", "give --umls, --obo, --mesh or --csv")
        self.sources = sorted(sources, key=lambda read: (KINDS.index(read.kind), sorted(read.files.items())))
        self.options = options or Options()
        self.progress = progress or NullProgress()
        self.tally = Tally()
        cuis: dict[str, list[str]] = {}
        for path in sorted(self.options.cuis):
            for id, found in mapping.read_table(path).items():
                cuis.setdefault(id, []).extend(found)
        self.progress.start("looking up CUIs", None)
        self._records = mapping.records(
            self.sources, {id: sorted(set(found)) for id, found in cuis.items()}, self.options.by_name
        )

    def concepts(self) -> Iterator[Concept]:
        """Yields the concepts in the order of their CUIs; raises DataError if there is none."""
        self.progress.start("concepts merged", None)
        self.tally = Tally()
        for concept, records in merged(self._streams(None), self.options.types):
            self.tally.add(concept, records)
            if concept is not None:
                yield concept
        others = self.tally.other_types + sum(read.left_out["other semantic type"] for read in self.sources)
        if not self.tally.concepts and others:
            have = f"{others:,} concepts have" if others > 1 else "one concept has"
            raise DataError(
                f"no concept of the types {_listed(self.options.types)} is left: {have} others",
                "choose more types, or omit --types; roco vocab show --vocabulary FILE counts concepts by type",
            )
        if not self.tally.concepts:
            reasons = _positive(sum((read.left_out for read in self.sources), Counter[str]()))
            listed = ", ".join(f"{reason}: {n:,}" for reason, n in list(reasons.items())[:3])
            raise DataError(
                f"no concept is left ({listed})" if listed else "no concept is left",
                "give a source that has CUIs, such as --csv, --umls or hp.obo",
            )

    def report(self) -> Report:
        """Returns the report; call it after all concepts were taken."""
        tally = self.tally
        n_shared, cuis = tally.shared()
        examples = (
            [concept for concept, _ in merged(self._streams(cuis), self.options.types) if concept] if cuis else []
        )
        return Report(
            [
                SourceReport(read.kind, read.files, read.options, read.rows, _positive(read.left_out))
                for read in self.sources
            ],
            tally.concepts, tally.names, tally.other_types, tally.without_type, _descending(tally.origins),
            [(*pair, n) for pair, n in sorted(tally.overlaps.items())], _descending(tally.licenses),
            n_shared, tally.type_conflicts, tally.name_conflicts,
            shared_names(examples), tally.type_examples, tally.name_examples,
        )  # fmt: skip

    def _streams(self, only: Collection[str] | None) -> list[Iterator[Record]]:
        own = (record for record in self._records if only is None or record.cui in only)
        return [own, *(read.records.records(only) for read in self.sources if read.records is not None)]


def _listed(types: Collection[str] | None) -> str:
    some = sorted(types or ())
    return ", ".join(some[:5]) + (f" and {len(some) - 5} more" if len(some) > 5 else "")


def _descending(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _positive(counts: Mapping[str, int]) -> dict[str, int]:
    return _descending(Counter({reason: n for reason, n in counts.items() if n}))
