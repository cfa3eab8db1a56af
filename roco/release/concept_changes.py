"""What another set of rules for concepts would change in a release: concepts gained and lost, images touched."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from roco.base.labels import KINDS
from roco.models.text.concepts.choose import Candidate, Chooser, decided, frequent, modalities, protected
from roco.models.text.concepts.rules import Rules
from roco.release.read import Release

CUTOFF = "too rare"
_COLUMNS = ("id", "caption", "concepts", "concepts_manual")
_OPTIONAL = ("mentions", "suggested", "modality", "region", "direction")


class ConceptChange(NamedTuple):
    """One concept that some images gain or lose.

    images_before, images_after: that have it. rule: what most often drops it, of the rules under which it is dropped;
    empty if it is gained by a remap. examples: ids of up to three images.
    """

    cui: str
    name: str
    images_before: int
    images_after: int
    gained: int
    lost: int
    rule: str
    examples: tuple[str, ...]


class Touched(NamedTuple):
    """One image whose concepts differ."""

    id: str
    gained: tuple[str, ...]
    lost: tuple[str, ...]


class ConceptChanges(NamedTuple):
    """Changes of all images, the most frequent concepts first. emptied: images left without a concept."""

    images: int
    touched: tuple[Touched, ...]
    emptied: int
    concepts_before: int
    concepts_after: int
    changes: tuple[ConceptChange, ...]
    from_mentions: bool


class _Outcome(NamedTuple):
    """The concepts of one image under some rules, and what dropped the others."""

    cuis: set[str]
    dropped: dict[str, str]


def compare(path: Path, before: Rules, after: Rules, more_than: int | None = None) -> ConceptChanges:
    """Applies two sets of rules to the mentions of a release and compares the concepts of its images.

    Modality, region and direction stay as the release has them. A dataset without mentions, such as the published
    ROCOv2, is judged by its automatic concepts alone (from_mentions is false): rules about words, negation and types
    do nothing there. more_than: the cut-off of both; none for those of the rules. Raises DataError for a folder that
    is no release.
    """
    release = Release.open(path)
    known = release.columns
    has_mentions = "mentions" in known
    columns = [name for name in (*_COLUMNS, *_OPTIONAL) if name in known]
    rows = release.table(columns=columns).to_pylist()
    candidates = [_candidates(row, has_mentions) for row in rows]
    old, new = (_outcomes(rows, candidates, rules, more_than) for rules in (before, after))
    names = {cui: name for row in rows for cui, name in _names(row)} | release.concept_names()
    return _changes(rows, old, new, names, has_mentions)


def _candidates(row: Mapping[str, Any], has_mentions: bool) -> list[Candidate]:
    if not has_mentions:
        manual = set(row["concepts_manual"] or ())
        return [Candidate(cui) for cui in row["concepts"] or () if cui not in manual]
    suggested = [Candidate.of(one)._replace(suggested=True) for one in row.get("suggested") or ()]
    return [Candidate.of(one) for one in row["mentions"] or ()] + suggested


def _names(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(one["cui"], one["name"]) for one in row.get("mentions") or () if one.get("name")]


def _outcomes(
    rows: Sequence[Mapping[str, Any]], candidates: Sequence[Sequence[Candidate]], rules: Rules, more_than: int | None
) -> list[_Outcome]:
    chooser, of_combined = Chooser(rules), modalities()
    outcomes = []
    for row, found in zip(rows, candidates, strict=True):
        labels = _labels(row)
        cuis = {*(row["concepts_manual"] or ()), *decided(*labels.values())}
        cuis.update(chooser.automatic(found, labels["modality"]))
        dropped: dict[str, str] = {}
        for one in found:
            rule = chooser.rule(one, labels["modality"])
            if rule and chooser.verdict(one).cui not in cuis:
                dropped.setdefault(chooser.verdict(one).cui, rule)
        outcomes.append(_Outcome(cuis, dropped))
    enough = frequent((list(one.cuis) for one in outcomes), rules.more_than if more_than is None else more_than)
    for row, outcome in zip(rows, outcomes, strict=True):
        safe = protected({"concepts_manual": row["concepts_manual"], **_labels(row)}, of_combined)
        for cui in [cui for cui in outcome.cuis if cui not in enough and cui not in safe]:
            outcome.cuis.remove(cui)
            outcome.dropped[cui] = CUTOFF
    return outcomes


def _labels(row: Mapping[str, Any]) -> dict[str, str | None]:
    """Returns the labels of an image: its columns, or what its manual concepts stand for."""
    labels = {}
    for kind, terms in KINDS.items():
        manual = [label for label, term in terms.items() if term.cui and term.cui in (row["concepts_manual"] or ())]
        labels[kind] = row.get(kind) or (manual[0] if len(manual) == 1 else None)
    return labels


def _changes(
    rows: Sequence[Mapping[str, Any]],
    old: Sequence[_Outcome],
    new: Sequence[_Outcome],
    names: Mapping[str, str],
    has_mentions: bool,
) -> ConceptChanges:
    gained, lost = Counter[str](), Counter[str]()
    rules: dict[str, Counter[str]] = defaultdict(Counter)
    examples: dict[str, list[str]] = defaultdict(list)
    touched = []
    for row, one, two in zip(rows, old, new, strict=True):
        plus, minus = two.cuis - one.cuis, one.cuis - two.cuis
        gained.update(plus)
        lost.update(minus)
        for cui in sorted(plus | minus):
            rule = (one if cui in plus else two).dropped.get(cui, "")
            rules[cui][rule] += 1
            if len(examples[cui]) < 3:
                examples[cui].append(row["id"])
        if plus or minus:
            touched.append(Touched(row["id"], tuple(sorted(plus)), tuple(sorted(minus))))
    before = Counter(cui for outcome in old for cui in outcome.cuis)
    after = Counter(cui for outcome in new for cui in outcome.cuis)
    changes = [
        ConceptChange(
            cui, names.get(cui, ""), before[cui], after[cui], gained[cui], lost[cui],
            min(rules[cui], key=lambda rule: (-rules[cui][rule], rule)), tuple(examples[cui]),
        )
        for cui in sorted({*gained, *lost}, key=lambda cui: (-gained[cui] - lost[cui], cui))
    ]  # fmt: skip
    emptied = sum(bool(one.cuis) and not two.cuis for one, two in zip(old, new, strict=True))
    return ConceptChanges(len(rows), tuple(touched), emptied, len(before), len(after), tuple(changes), has_mentions)
