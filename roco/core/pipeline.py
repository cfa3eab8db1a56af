"""The stages of a recipe in the order they run, measures put in by need, all columns checked before the first row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from roco.base.errors import RecipeError, nearest
from roco.base.files import digest
from roco.base.schema import COLUMNS, DROP
from roco.core.source import Source
from roco.core.spec import build, reference
from roco.core.stage import Decision, Measure, Publication, Stage

MEMORY = ("bytes",)
"""In-memory columns that the engine itself fills."""

_GIVEN = ("figure_id", *DROP)
_NAME = re.compile(r"\w[\w-]{0,63}", re.ASCII)


@dataclass(frozen=True)
class Step:
    """A stage at its place in the run."""

    name: str
    stage: Stage
    digest: str  # of the stage and of the measures it reads
    reads_from: Mapping[str, str]  # column -> name of the step that wrote it last

    @property
    def is_measure(self) -> bool:
        return isinstance(self.stage, Measure)

    @property
    def kind(self) -> str:
        return "measure" if self.is_measure else "decision"

    @property
    def key(self) -> str:
        return f"{self.name}-{self.digest[:8]}"

    @property
    def writes(self) -> tuple[str, ...]:
        return tuple(name for name in self.stage.writes if name not in DROP and name != "figure_id")

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns it is handed: those it reads, and the optional ones that there are."""
        return (*self.stage.reads, *(c for c in self.stage.optional if c in self.reads_from))

    def describe(self) -> dict[str, Any]:
        """What a manifest says of it."""
        return {
            "name": self.name,
            "use": reference(type(self.stage)),
            "kind": self.kind,
            "scope": self.stage.scope,
            "version": self.stage.version,
            "options": self.stage.options,
            "digest": self.digest,
        }


@dataclass(frozen=True)
class Pipeline:
    """A source and the steps its articles go through.

    stages: stages, or (name, stage) pairs. measures: the catalogue from which measures that are needed but not named
    are taken.
    """

    source: Source
    stages: Sequence[Stage | tuple[str, Stage]]
    measures: Mapping[str, type[Stage]]

    def __post_init__(self) -> None:
        _ = self.steps  # a wrong pipeline is told when it is made

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        return tuple(_Resolver(self.measures).resolve(self.stages))

    @cached_property
    def row_steps(self) -> tuple[Step, ...]:
        """The steps of the one pass over each part: all before the first that needs the whole table."""
        return self.steps[: self._first_table]

    @cached_property
    def table_steps(self) -> tuple[Step, ...]:
        """The first step that needs the whole table, and all behind it."""
        return self.steps[self._first_table :]

    @cached_property
    def rows_digest(self) -> str:
        return digest([[s.name, s.digest] for s in self.row_steps])

    @cached_property
    def _first_table(self) -> int:
        return next((i for i, s in enumerate(self.steps) if s.stage.scope == "table"), len(self.steps))

    def until(self, name: str) -> Pipeline:
        """The same pipeline, ending with the named step."""
        names = [s.name for s in self.steps]
        if name not in names:
            raise RecipeError(f"there is no stage '{name}' in this recipe", nearest(name, names))
        kept = self.steps[: names.index(name) + 1]
        return Pipeline(self.source, [(s.name, s.stage) for s in kept], self.measures)

    def step(self, name: str) -> Step:
        return next(s for s in self.steps if s.name == name)


class _Resolver:
    """Puts measures before the steps that need them and notes who writes what."""

    def __init__(self, catalogue: Mapping[str, type[Stage]]) -> None:
        self.catalogue = catalogue
        self.steps: list[Step] = []
        self.owner: dict[str, Step] = {}
        self.lent: dict[str, Step] = {}
        self.named: dict[str, Stage] = {}
        self.waiting: set[str] = set()

    def resolve(self, stages: Iterable[Stage | tuple[str, Stage]]) -> list[Step]:
        pairs = [s if isinstance(s, tuple) else (self._default_name(s), s) for s in stages]
        for name, stage in pairs:
            if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,60}", name):
                raise RecipeError(f"a stage cannot be named {name!r}", "letters, digits, _ and -: it names files too")
            for contract in ("reads", "needs", "reasons", "left", "optional"):
                if isinstance(getattr(stage, contract, ()), str):
                    raise RecipeError(f"'{name}': {contract} is a string", f'write a tuple: {contract} = ("…",)')
            if name in self.named:
                raise RecipeError(f"two stages are named '{name}'", 'give one of them a name of its own: name = "…"')
            if not _NAME.fullmatch(name):
                raise RecipeError(
                    f"a stage cannot be named {name!r}", "its files bear the name: letters, digits, - and _"
                )
            if not isinstance(stage, Measure | Decision):
                raise RecipeError(f"'{name}' is neither a Measure nor a Decision", "derive it from one of the two")
            self.named[name] = stage
        for name, stage in pairs:
            self._add(name, stage)
        self._check_ends()
        return self.steps

    def _default_name(self, stage: Stage) -> str:
        for name, cls in self.catalogue.items():
            if type(stage) is cls:
                return name
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(stage).__name__).lower()

    def _add(self, name: str, stage: Stage) -> None:
        if any(s.name == name for s in self.steps):
            return
        if name in self.waiting:
            raise RecipeError(f"'{name}' needs itself", "a measure cannot stand before the measures it needs")
        self.waiting.add(name)
        wanted = [self._need(name, need) for need in stage.needs]
        step = self._check(name, stage, wanted)
        self.waiting.discard(name)
        self.steps.append(step)
        for column in step.writes:
            self.owner[column] = step
        if isinstance(stage, Measure):
            self.lent.update(dict.fromkeys(stage.lends, step))

    def _need(self, name: str, need: Any) -> Step:
        wanted, options = (need, None) if isinstance(need, str) else need
        stage = self.named.get(wanted)
        if stage is None:
            if wanted not in self.catalogue:
                known = [*self.catalogue, *self.named]
                raise RecipeError(f"'{name}' needs '{wanted}', which there is not", nearest(wanted, known))
            stage = build(self.catalogue[wanted], options or {}, wanted)
        if not isinstance(stage, Measure):
            raise RecipeError(f"'{name}' needs '{wanted}', which is no measure", "only measures come by need")
        self._add(wanted, stage)
        return next(s for s in self.steps if s.name == wanted)

    def _check(self, name: str, stage: Stage, wanted: list[Step]) -> Step:
        if stage.scope == "article":
            if self.steps:
                raise RecipeError(f"'{name}' reads articles, and so it must stand first", "put it at the top")
            return Step(name, stage, stage.digest({}), {})
        reads_from: dict[str, str] = {}
        if stage.left and stage.scope != "table":
            raise RecipeError(f"'{name}' asks for the figures that left", 'only a stage of scope "table" gets them')
        if unknown := [c for c in stage.optional if c not in COLUMNS]:
            raise RecipeError(f"'{name}' asks for '{unknown[0]}', which no schema has", "put it into `reads`")
        reads_from |= {c: self.owner[c].name for c in stage.optional if c in self.owner}
        for column in dict.fromkeys((*stage.reads, *stage.left)):
            if column in _GIVEN or column in MEMORY:
                continue
            source = self.lent.get(column) or self.owner.get(column)
            if source is None:
                known = [*self.owner, *self.lent, *_GIVEN, *MEMORY]
                raise RecipeError(
                    f"'{name}' reads the column '{column}', which no stage before it writes",
                    nearest(column, known),
                )
            if isinstance(stage, Measure) and not source.is_measure:
                raise RecipeError(
                    f"the measure '{name}' reads '{column}', which '{source.name}' decides",
                    "a measure looks at the figure alone: read a measured column, or make it a Decision",
                )
            reads_from[column] = source.name
        self._check_writes(name, stage)
        measured = {s.name: s.digest for s in self.steps if s.is_measure and s.name in reads_from.values()}
        measured |= {s.name: s.digest for s in wanted}
        return Step(name, stage, stage.digest(measured), reads_from)

    def _check_writes(self, name: str, stage: Stage) -> None:
        memory = [c for c in stage.reads if c in MEMORY or c in self.lent]
        if memory and not isinstance(stage, Measure):
            raise RecipeError(
                f"the decision '{name}' reads '{memory[0]}', which is only there while an image is read",
                "make it a Measure, and decide on what it writes",
            )
        for column in stage.writes:
            if column in self.owner and (isinstance(stage, Measure) or self.owner[column].is_measure):
                raise RecipeError(
                    f"'{name}' writes '{column}', which '{self.owner[column].name}' measures already",
                    "give the column another name",
                )

    def _check_ends(self) -> None:
        if not self.steps or self.steps[0].stage.scope != "article":
            raise RecipeError("no stage reads the articles", "start with 'extract', or with a stage that needs it")
        for step in self.steps[:-1]:
            if isinstance(step.stage, Publication):
                raise RecipeError(f"'{step.name}' publishes, and so it must stand last", "move it to the end")
