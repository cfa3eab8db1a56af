"""What is selected: a condition in SQL, and flags that make conditions; and the SQL that they make together."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from roco.base.errors import UsageError
from roco.base.licenses import COMMERCIAL_LICENSES
from roco.base.terminal import excerpt

_YEARS = re.compile(r"([0-9]{4})(-([0-9]{4})?)?|-([0-9]{4})")

_REPEATED = ("modality", "region", "direction", "concept", "year", "license", "split", "language")
"""Fields with several values."""


@dataclass(frozen=True, kw_only=True)
class SelectOptions:
    """What `roco.select` selects. Several values of one field are alternatives; all fields that are set must hold.

    `SelectOptions(commercial=True, modality="DRCT")`; a list or tuple of texts gives alternatives.

    where: a condition in SQL over the columns of figures.parquet. commercial: licences that allow commercial use.
    concept: CUIs, or names of cui_mapping.csv. year: `2018`, `2018-2022`, `2018-`, `-2018`, or a number.
    one_per_article: the image with the first id of each article. sample: number of images at most, of those that
    everything else selects; which ones depends on seed and images alone: a later release with the same images gives
    the same sample.
    """

    where: str | None = None
    commercial: bool = False
    modality: Sequence[str] = ()
    region: Sequence[str] = ()
    direction: Sequence[str] = ()
    concept: Sequence[str] = ()
    year: Sequence[str | int] | int = ()
    license: Sequence[str] = ()
    split: Sequence[str] = ()
    language: Sequence[str] = ()
    one_per_article: bool = False
    sample: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name in _REPEATED:
            object.__setattr__(self, name, _texts(name, getattr(self, name)))
        for name, kind in (("commercial", bool), ("one_per_article", bool), ("sample", int), ("seed", int)):
            value = getattr(self, name)
            if not isinstance(value, kind) and not (name == "sample" and value is None):
                noun = "True or False" if kind is bool else "a whole number"
                raise UsageError(f"invalid value {excerpt(repr(value))} for {name}", f"give {noun}")
        if self.sample is not None and self.sample < 1:
            raise UsageError(f"a sample of {self.sample} images (--sample)", "give a number of images, 1 or more")
        list(self.ranges())

    def ranges(self) -> Iterator[Years]:
        """Yields the ranges of years; raises UsageError for an invalid one."""
        for written in [self.year] if isinstance(self.year, int) else self.year:
            yield years(str(written))

    def stated(self) -> dict[str, Any]:
        """Returns the flags that are set, as JSON values; the seed only with a sample."""
        values = {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}
        if self.sample is None:
            del values["seed"]
        return {
            name: value for name, value in values.items() if value is not None and value is not False and value != []
        }


def _texts(name: str, given: Any) -> tuple[str, ...]:
    """Returns the values of a field; one value need not be in a list, and years may be numbers."""
    values = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else (given,)
    if name == "year":
        values = tuple(str(value) if isinstance(value, int) else value for value in values)
    for value in values:
        if not isinstance(value, str):
            raise UsageError(f"invalid value {excerpt(repr(value))} for {name}", "give a text, or a list of texts")
    return values


class Years(NamedTuple):
    """A range of years, both included; None where it is open."""

    first: int | None
    last: int | None


def years(written: str) -> Years:
    """Returns the years of `2018`, `2018-2022`, `2018-` or `-2018`; raises UsageError for anything else."""
    match = _YEARS.fullmatch(written.strip())
    if match is None:
        raise UsageError(f"invalid year '{excerpt(written)}' (--year)", "write 2018, 2018-2022, 2018- or -2018")
    first, is_range, last, only_last = match[1], match[2], match[3], match[4]
    if only_last:
        return Years(None, int(only_last))
    if not is_range:
        return Years(int(first), int(first))
    if last and int(last) < int(first):
        raise UsageError(f"no year is in {written} (--year)", f"did you mean '{last}-{first}'?")
    return Years(int(first), int(last) if last else None)


# --- SQL -----------------------------------------------------------------------------------------------------

FEW = 4
"""CUIs up to which a list is searched for each of them; more are joined, which is faster."""


def query(flags: SelectOptions, cuis: Collection[str] | None, key: str = "coalesce(image_key, id)") -> str:
    """Returns the query for the ids of the selected images.

    cuis: the concepts that the field `concept` stands for. key: what identifies an image across
    releases.
    """
    lines = ["SELECT id FROM figures"]
    for number, condition in enumerate(conditions(flags, cuis)):
        lines.append(f"{'AND' if number else 'WHERE'} {condition}")
    if flags.one_per_article:
        lines.append("QUALIFY row_number() OVER (PARTITION BY article_key ORDER BY id) = 1")
    if flags.sample is not None:
        lines.append(f"ORDER BY md5('{flags.seed} ' || {key}), id LIMIT {flags.sample}")
    return "\n".join(lines)


def conditions(flags: SelectOptions, cuis: Collection[str] | None) -> Iterator[str]:
    """Yields the conditions of flags in SQL; all of them must hold. cuis: as of `query`."""
    if flags.where is not None:
        # A comment at the end of the condition must not hide the parenthesis.
        yield f"({flags.where}\n)" if "--" in flags.where else f"({flags.where})"
    if flags.commercial:
        yield _one_of("license", COMMERCIAL_LICENSES)
    for column in ("modality", "region", "direction", "license", "split", "language"):
        values: tuple[str, ...] = getattr(flags, column)
        if values:
            yield _one_of(column, values)
    if flags.year:
        ranges = [_range(one) for one in flags.ranges()]
        yield ranges[0] if len(ranges) == 1 else f"({' OR '.join(ranges)})"
    if cuis is not None:
        yield _concepts(sorted(cuis))


def _one_of(column: str, values: Sequence[str]) -> str:
    written = [literal(value) for value in dict.fromkeys(values)]
    return f"{column} = {written[0]}" if len(written) == 1 else f"{column} IN ({', '.join(written)})"


def _range(range: Years) -> str:
    if range.first == range.last:
        return f"year = {range.first}"
    if range.last is None:
        return f"year >= {range.first}"
    return f"year <= {range.last}" if range.first is None else f"year BETWEEN {range.first} AND {range.last}"


def _concepts(cuis: Sequence[str]) -> str:
    if not cuis:
        return "false"
    written = [literal(cui) for cui in cuis]
    if len(cuis) == 1:
        return f"list_contains(concepts, {written[0]})"
    if len(cuis) <= FEW:
        return f"({' OR '.join(f'list_contains(concepts, {cui})' for cui in written)})"
    return (
        f"id IN (SELECT id FROM (SELECT id, unnest(concepts) AS cui FROM figures) WHERE cui IN ({', '.join(written)}))"
    )


def literal(text: str) -> str:
    """Returns a text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"
