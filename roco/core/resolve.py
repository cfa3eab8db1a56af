"""Resolves the stages of a recipe into steps: inserts needed measures, and checks every column.

Everything that can be wrong with a recipe is found here, before the first row is read.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from roco.base.errors import RecipeError, nearest
from roco.base.files import digest
from roco.base.schema import DROP
from roco.core.contract import Contract, Need
from roco.core.origins import missing_before
from roco.core.spec import build, reference
from roco.core.stage import Decision, Measure, Publication, Stage
from roco.core.step import Step

IN_MEMORY = ("bytes",)
"""In-memory columns that the engine itself provides."""

_ALWAYS_GIVEN = ("figure_id", *DROP)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,59}")


class Resolver:
    """Inserts needed measures before the steps that need them, and records which step writes which column.

    listed: the stages of the recipe by name. writer: the step that wrote a column last. lender: the step that lends
    an in-memory column. pending: the steps whose needs are being resolved, to detect a cycle.
    """

    def __init__(self, catalogue: Mapping[str, type[Stage]]) -> None:
        self.catalogue = catalogue
        self.steps: list[Step] = []
        self.listed: dict[str, Stage] = {}
        self.writer: dict[str, Step] = {}
        self.lender: dict[str, Step] = {}
        self.pending: list[str] = []

    def resolve(self, stages: Iterable[Stage]) -> list[Step]:
        for stage in stages:
            named = self._named(stage)
            if named.name in self.listed:
                raise RecipeError(f"duplicate stage name '{named.name}'", 'give one of the two its own: name = "…"')
            self.listed[named.name] = named
        for named in self.listed.values():
            self._add(named)
        self._check_ends()
        return self.steps

    def _named(self, stage: Stage) -> Stage:
        """Returns the stage with a name: its own, that of its class in the catalogue, or its class in snake case."""
        if not isinstance(stage, Measure | Decision):
            raise RecipeError(f"{type(stage).__name__} is not a stage", "derive it from roco.Measure or roco.Decision")
        name = stage.name
        if not name:
            in_catalogue = [known for known, cls in self.catalogue.items() if type(stage) is cls]
            snake_case = re.sub(r"(?<!^)(?=[A-Z])", "_", type(stage).__name__).lower()
            name = in_catalogue[0] if in_catalogue else snake_case
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            hint = "use letters, digits, '_' and '-': the name is part of file names"
            raise RecipeError(f"invalid stage name {name!r}", hint)
        if name == "source":
            # Figures of articles that the source no longer lists are dropped under this name.
            raise RecipeError("the stage name 'source' is reserved", "choose another name")
        return stage if stage.name == name else dataclasses.replace(stage, name=name)

    def _add(self, stage: Stage) -> Step:
        """Adds a stage after the measures it needs; returns its step, which may have been added before."""
        added = [step for step in self.steps if step.name == stage.name]
        if added:
            return added[0]
        if stage.name in self.pending:
            cycle = " → ".join([*self.pending[self.pending.index(stage.name) :], stage.name])
            raise RecipeError(f"stages need each other: {cycle}", "a measure cannot need what is computed from it")
        self.pending.append(stage.name)
        contract = stage.contract
        contract.check(stage.name)
        _check_scope(stage, contract)
        needed = [self._need(stage.name, need) for need in contract.needs]
        self.pending.remove(stage.name)
        step = self._step(stage, contract, needed)
        self.steps.append(step)
        for column in step.writes:
            self.writer[column] = step
        for column in contract.lends:
            self.lender[column] = step
        return step

    # --- needs ------------------------------------------------------------------------------------------------------

    def _need(self, name: str, need: Need) -> Step:
        """Returns the step of a needed measure: an existing one of the same class and options, else a new one."""
        wanted, options = (need, {}) if isinstance(need, str) else need
        listed = self.listed.get(wanted)
        if listed is not None and not options:
            return self._add(_measure(listed, name, wanted))  # named in the recipe, with options of its own
        if wanted not in self.catalogue:
            if listed is None:
                known = [*self.catalogue, *self.listed]
                raise RecipeError(f"unknown measure '{wanted}' (needed by '{name}')", nearest(wanted, known))
            # A custom measure of the recipe: it serves the need if it has the options asked for.
            same = build(type(listed), {**_given_options(listed), **options}, wanted)
            if same.options != listed.options:
                message = f"'{name}' needs '{wanted}' with other options than the recipe gives it"
                raise RecipeError(message, "use the same options in both places")
            return self._add(_measure(listed, name, wanted))
        built = build(self.catalogue[wanted], options, wanted)
        stage = _measure(self._named(built), name, wanted)
        candidates = [*self.listed.values(), *(step.stage for step in self.steps)]
        for candidate in candidates:
            if _is_same_measure(candidate, stage, by_name=bool(built.name)):
                return self._add(candidate)
        if any(candidate.name == stage.name for candidate in candidates):
            # Another measure already has this name: a digest of the options makes the name unique.
            stage = dataclasses.replace(stage, name=f"{stage.name}-{digest(stage.options)[:6]}")
        return self._add(stage)

    # --- columns ----------------------------------------------------------------------------------------------------

    def _step(self, stage: Stage, contract: Contract, needed: Sequence[Step]) -> Step:
        name = stage.name
        if contract.scope == "article":
            if self.steps:
                raise RecipeError(f"'{name}' reads articles, so it must be the first stage", "move it to the top")
            return Step(name, stage, contract, stage.digest({}), {})
        reads_from = {column: self._source_of(column, stage) for column in (*contract.reads, *contract.dropped)}
        for column in contract.optional:
            if column in self.writer or column in self.lender:
                reads_from[column] = self._source_of(column, stage)
        self._check_memory(stage, contract)
        self._check_clashes(stage, contract)
        # Only measures enter the digest: decisions are re-evaluated anyway if a decision before them changes.
        measures = {step.name: step.digest for step in needed}
        columns = {}
        for column, step in reads_from.items():
            if step is None:
                continue
            columns[column] = step.name
            if step.is_measure:
                measures[step.name] = step.digest
        return Step(name, stage, contract, stage.digest(measures), columns)

    def _source_of(self, column: str, stage: Stage) -> Step | None:
        """Returns the step that provides a column; None for columns that every stage receives."""
        if column in (*_ALWAYS_GIVEN, *IN_MEMORY):
            return None
        source = self.lender.get(column) or self.writer.get(column)
        if source is None:
            known = [*self.writer, *self.lender, *_ALWAYS_GIVEN, *IN_MEMORY]
            hint = missing_before(column, stage, self.listed.values(), self.catalogue) or nearest(column, known)
            raise RecipeError(f"'{stage.name}' reads the column '{column}', which no stage before it writes", hint)
        if isinstance(stage, Measure) and not source.is_measure:
            raise RecipeError(
                f"the measure '{stage.name}' reads '{column}', which is decided by '{source.name}'",
                "a measure may read only measured columns: read one of those, or make it a Decision",
            )
        return source

    def _check_memory(self, stage: Stage, contract: Contract) -> None:
        optional = [column for column in contract.optional if column in IN_MEMORY or column in self.lender]
        if optional:
            hint = "put it into `reads`"
            raise RecipeError(f"'{stage.name}' has the in-memory column '{optional[0]}' in `optional`", hint)
        in_memory = [column for column in contract.reads if column in IN_MEMORY or column in self.lender]
        if in_memory and not isinstance(stage, Measure):
            raise RecipeError(
                f"the decision '{stage.name}' reads '{in_memory[0]}', which exists only while images are measured",
                "make it a Measure, and decide on the columns it writes",
            )

    def _check_clashes(self, stage: Stage, contract: Contract) -> None:
        """Raises RecipeError if two stages write a measured column; decisions may overwrite each other's columns."""
        for column in contract.columns:
            if column in self.lender:
                raise _clash(stage, self.lender[column], column)
            other = self.writer.get(column)
            if other is not None and (isinstance(stage, Measure) or other.is_measure):
                raise _clash(stage, other, column)
        for column in contract.lends:
            other = self.lender.get(column) or self.writer.get(column)
            if other is not None:
                raise _clash(stage, other, column)

    def _check_ends(self) -> None:
        if not self.steps or self.steps[0].contract.scope != "article":
            raise RecipeError("no stage reads the articles", "start with 'extract', or with a stage that needs it")
        for step in self.steps[:-1]:
            if isinstance(step.stage, Publication):
                raise RecipeError(f"'{step.name}' publishes, so it must be the last stage", "move it to the end")


def _check_scope(stage: Stage, contract: Contract) -> None:
    if contract.scope == "article" and not isinstance(stage, Measure):
        raise RecipeError(f"the decision '{stage.name}' has the scope 'article'", "only a Measure can read articles")
    if contract.scope == "table" and isinstance(stage, Measure):
        hint = "a measure is computed from one figure alone: make it a Decision"
        raise RecipeError(f"the measure '{stage.name}' has the scope 'table'", hint)


def _measure(stage: Stage, name: str, wanted: str) -> Stage:
    if not isinstance(stage, Measure):
        raise RecipeError(f"'{name}' needs '{wanted}', which is not a measure", "only measures can be needed")
    return stage


def _given_options(stage: Stage) -> dict[str, Any]:
    """Returns the options of a stage as its constructor takes them."""
    return {field.name: getattr(stage, field.name) for field in dataclasses.fields(stage) if field.init}


def _is_same_measure(candidate: Stage, stage: Stage, by_name: bool) -> bool:
    """Returns whether two measures have the same class and options, and the same name if the need names one."""
    if type(candidate) is not type(stage) or candidate.options != stage.options:
        return False
    return candidate.name == stage.name or (not by_name and candidate.contract.columns == stage.contract.columns)


def _clash(stage: Stage, other: Step, column: str) -> RecipeError:
    if type(stage) is not type(other.stage):
        hint = "give the column of one of them another name"
        return RecipeError(f"'{stage.name}' and '{other.name}' both write the column '{column}'", hint)
    theirs = other.stage.options
    differing = [option for option, value in stage.options.items() if value != theirs[option]]
    message = f"two '{reference(type(stage)).rpartition(':')[2]}' measures both write the column '{column}'"
    if differing:
        values = f"{stage.options[differing[0]]!r} and {theirs[differing[0]]!r}"
        message += f": '{stage.name}' and '{other.name}' differ in '{differing[0]}' ({values})"
    return RecipeError(message, "use the same options, or a measure whose column names contain its own name")
