"""Links captions by a model pack of MedCAT (extra `medcat`)."""

from __future__ import annotations

import logging
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from roco.base.errors import DataError
from roco.base.ids import is_cui
from roco.base.terminal import excerpt
from roco.models.text.linking import cui_table
from roco.models.text.linking.asserted import Asserted
from roco.models.text.linking.checked import call
from roco.models.text.linking.cui_table import Target
from roco.models.text.linking.linker import Described, Mention
from roco.models.text.linking.medcat_pack import load_pack, quiet

NEGATED = {
    "negation": {"yes", "true", "negated", "negative"},
    "presence": {"false", "absent", "negated"},
    "status": {"negated"},
}
"""Tasks of MetaCAT and the values that mean that a mention is negated, in lower case."""

UNCERTAIN = {
    "presence": {"hypothetical", "hypothetical (n/a)", "possible"},
    "certainty": {"suspected", "uncertain", "possible"},
    "status": {"other", "suspected", "hypothetical"},
}
"""Tasks of MetaCAT and the values that mean that a mention is uncertain."""

LONGEST = 2_000
"""Characters that are given to MedCAT at once: its time grows with their square."""

_TUI = re.compile(r"T[0-9]{3}")
_LOG = logging.getLogger(__name__)


class MedCat:
    """Links captions by a model pack; concepts of SNOMED CT become CUIs by a user's table.

    left_out: mentions of concepts without CUI that were left out, by id.
    """

    name = "medcat"
    heavy = True  # packs of SNOMED CT or UMLS need several gigabytes

    def __init__(self, pack: Any, cuis: Mapping[str, Target]) -> None:
        """Takes a `CAT` of MedCAT, and the CUIs of ids that are not CUIs themselves."""
        self._pack = pack
        self._targets = cuis
        self.left_out: Counter[str] = Counter()
        self._asserted = Asserted()

    @classmethod
    def load(cls, model: Path, table: Path | None = None) -> MedCat:
        """Loads a model pack, which can run code, and a table of CUIs. Raises UsageError or DataError."""
        targets = {} if table is None else cui_table.load(table)  # first, because it takes less time
        linker = cls(load_pack(model), targets)
        linker._check_ids(model, table)
        return linker

    def link(self, captions: Sequence[str]) -> list[list[Mention]]:
        """Returns the mentions of each caption. Raises DataError with the caption for which MedCAT fails."""
        with quiet():
            found = call(lambda some: [self._entities(caption) for caption in some], captions, self.name)
        return [self._mentions(caption, entities) for caption, entities in zip(captions, found, strict=True)]

    def describe(self, cui: str) -> Described | None:
        """Returns the name in the model pack, and the semantic types of the pack or of the table."""
        id = self._id_of.get(cui, cui)
        info = self._pack.cdb.cui2info.get(id)
        if info is None:
            return None
        types = self._targets[id].tuis if id in self._targets else ()
        known = tuple(sorted(tui for tui in info["type_ids"] if _TUI.fullmatch(str(tui))))
        return Described(str(self._pack.cdb.get_name(id)), types or known)

    def _entities(self, caption: str) -> list[Mapping[str, Any]]:
        """Returns the entities of a caption with offsets in the caption."""
        entities: list[Mapping[str, Any]] = []
        for begin, part in _parts(caption):
            for entity in self._pack.get_entities(part)["entities"].values() if part.strip() else ():
                entities.append({**entity, "start": entity["start"] + begin, "end": entity["end"] + begin})
        return entities

    def _mentions(self, caption: str, entities: Sequence[Mapping[str, Any]]) -> list[Mention]:
        mentions, annotations = [], []
        for entity in entities:
            id = str(entity["cui"])
            cui = id if is_cui(id) else self._targets[id].cui if id in self._targets else None
            if cui is None:
                self.left_out[id] += 1
                continue
            start, end = int(entity["start"]), int(entity["end"])
            mentions.append(Mention(start, end, caption[start:end], cui, _score(entity["acc"]), linker=self.name))
            annotations.append({task.casefold(): one for task, one in (entity.get("meta_anns") or {}).items()})
        by_cues = self._asserted.assertions(caption, [(mention.start, mention.end) for mention in mentions])
        return [
            mention._replace(negated=negated, uncertain=uncertain)
            for mention, given, cues in zip(mentions, annotations, by_cues, strict=True)
            for negated, uncertain in [_by_metacat(given) or cues]
        ]

    @cached_property
    def _id_of(self) -> dict[str, str]:
        """Returns the id in the pack of each CUI of the table; the first one if several have the same CUI."""
        ids: dict[str, str] = {}
        for id, target in self._targets.items():
            if id in self._pack.cdb.cui2info:
                ids.setdefault(target.cui, id)
        return ids

    def _check_ids(self, model: Path, table: Path | None) -> None:
        """Raises DataError if no concept of the pack has a CUI, and warns if some have none."""
        ids = self._pack.cdb.cui2info
        without = [id for id in ids if not is_cui(id) and id not in self._targets]
        if len(without) == len(ids):
            if not ids:
                raise DataError(f"model pack {model} has no concepts", "check the path")
            where = f"'{excerpt(without[0], 40)}'"
            if table is None:
                message = f"model pack {model} links ids such as {where}, which are not CUIs"
                raise DataError(message, "give a table of CUIs: a CSV with the columns snomed,cui")
            raise DataError(
                f"{table} has no CUI for any concept of model pack {model}, such as {where}", "check the table"
            )
        if without:
            source = "the pack" if table is None else str(table)
            _LOG.warning(
                "%s has no CUI for %s of %s concepts of the model pack, such as '%s'; their mentions are left out",
                source, f"{len(without):,}", f"{len(ids):,}", excerpt(without[0], 40),
            )  # fmt: skip


def _parts(caption: str) -> Iterator[tuple[int, str]]:
    """Yields a caption in parts of at most LONGEST characters, cut at a space if there is one, with their offsets."""
    begin = 0
    while len(caption) - begin > LONGEST:
        at = max(caption.rfind(space, begin, begin + LONGEST) for space in " \n\t") + 1
        end = at if at > begin else begin + LONGEST
        yield begin, caption[begin:end]
        begin = end
    yield begin, caption[begin:]


def _score(similarity: Any) -> float:
    """Returns a similarity, which may be negative or undefined, as a score between 0 and 1."""
    value = float(similarity)
    return 0.0 if math.isnan(value) else round(min(max(value, 0.0), 1.0), 4)


def _by_metacat(annotations: Mapping[str, Mapping[str, Any]]) -> tuple[bool, bool] | None:
    """Returns whether MetaCAT calls a mention negated and uncertain; None if the pack has no model that decides it."""
    if annotations.keys().isdisjoint(NEGATED.keys() | UNCERTAIN.keys()):
        return None
    values = {task: str(annotation.get("value", "")).casefold() for task, annotation in annotations.items()}
    negated = any(values.get(task) in NEGATED[task] for task in NEGATED)
    return negated, any(values.get(task) in UNCERTAIN[task] for task in UNCERTAIN)
