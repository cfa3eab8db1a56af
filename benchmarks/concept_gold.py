"""`python -m benchmarks.concept_gold`: concepts that a reader finds in 217 captions of the first ROCO.

With `--score`, the mentions of the linker `dictionary` with the shipped vocabulary are scored against them.

docs/concept-labels.md has the guidelines. The table contains no text: a row is one mention with its offsets in code
points, its concept and how it is meant. stratum: what the caption was chosen for. half: dev or held-out, by a hash of
the article. source: where the CUI comes from; empty, like the CUI, where no CUI is known. inner: yes for a part of a
longer mention. instead: the CUI of the modality or direction that a linker may return for an examination or a view.
A caption without concepts has one row without offsets.
"""

from __future__ import annotations

import csv
import hashlib
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from benchmarks.concept_sample import STRATA
from benchmarks.rights import captions
from roco.base.ids import is_cui
from roco.evaluate.concept_mentions import Caption, Gold, by_type, score
from roco.evaluate.metrics.rates import Estimate
from roco.models.text.linking.dictionary import Dictionary
from roco.models.text.linking.linker import Linker, Mention
from roco.models.text.vocabulary import table

GOLD = Path(__file__).with_name("concept_gold.csv")
SECOND = Path(__file__).with_name("concept_gold_second.csv")
MENTION = ("start", "end", "name", "cui", "instead", "tui", "source", "negated", "uncertain", "inner")
"""Columns that describe a mention; all are empty for a caption without concepts."""
SOURCES = ("paper", "ontology", "roco", "reader")
_NUMBER = re.compile(r"0|[1-9]\d*")
_TUI = re.compile(r"T\d{3}")


@dataclass(frozen=True, kw_only=True)
class Label:
    """One labelled mention: half-open offsets in code points; cui, tui and source are empty where unknown."""

    roco_id: str
    stratum: str
    half: str
    start: int
    end: int
    name: str
    cui: str
    instead: str
    tui: str
    source: str
    negated: bool
    uncertain: bool
    inner: bool


def half_of(article: str) -> str:
    """Returns the half to which all captions of an article belong."""
    return "held-out" if hashlib.sha256(article.encode()).digest()[0] % 2 else "dev"


def rows(path: Path = GOLD) -> list[dict[str, str]]:
    """Returns the cells of a table of labels, with the rows of captions without concepts."""
    with path.open(encoding="utf-8", newline="") as fh:
        return list(csv.DictReader(fh))


def labels(cells: Sequence[Mapping[str, str]]) -> dict[str, list[Label]]:
    """Returns the mentions of each caption, in the order of the table; none for a caption without concepts."""
    found: dict[str, list[Label]] = {}
    for row in cells:
        mentions = found.setdefault(row["roco_id"], [])
        if row["start"]:
            flags = {name: row[name] == "yes" for name in ("negated", "uncertain", "inner")}
            texts = {
                name: row[name] for name in ("roco_id", "stratum", "half", "name", "cui", "instead", "tui", "source")
            }
            mentions.append(Label(**texts, **flags, start=int(row["start"]), end=int(row["end"])))
    return found


def problems(
    cells: Sequence[Mapping[str, str]], texts: Mapping[str, str], articles: Mapping[str, str]
) -> Iterator[str]:
    """Returns what is wrong with a table of labels, a line each; texts and articles are those of the captions."""
    names: dict[str, tuple[str, str]] = {}
    for number, row in enumerate(cells, start=2):
        where = f"line {number} ({row['roco_id']})"
        if row["roco_id"] not in texts:
            yield f"{where}: unknown caption"
            continue
        if row["half"] != half_of(articles[row["roco_id"]]):
            yield f"{where}: half {row['half']!r} is not that of the article"
        if row["stratum"] not in STRATA:
            yield f"{where}: unknown stratum {row['stratum']!r}"
        if not row["start"]:
            if any(row[name] for name in MENTION):
                yield f"{where}: a concept without offsets"
            continue
        yield from (f"{where}: {problem}" for problem in _of_mention(row, texts[row["roco_id"]]))
        if names.setdefault(row["name"], (row["cui"], row["tui"])) != (row["cui"], row["tui"]):
            yield f"{where}: {row['name']!r} has another CUI or semantic type elsewhere"
    by_caption = defaultdict(list)
    for row in cells:
        if _NUMBER.fullmatch(row["start"]) and _NUMBER.fullmatch(row["end"]):
            by_caption[row["roco_id"]].append((int(row["start"]), int(row["end"]), row["inner"] == "yes"))
    for roco_id, spans in by_caption.items():
        yield from (f"{roco_id}: {problem}" for problem in _of_spans(spans))


def _of_mention(row: Mapping[str, str], text: str) -> Iterator[str]:
    if not (_NUMBER.fullmatch(row["start"]) and _NUMBER.fullmatch(row["end"])):
        yield "offsets are not whole numbers"
        return
    start, end = int(row["start"]), int(row["end"])
    if not start < end <= len(text):
        yield f"{start} to {end} is not in the caption of {len(text)} characters"
        return
    # A full stop may end an abbreviation: a.p.
    if not (text[start].isalnum() and (text[end - 1].isalnum() or text[end - 1] == ".")):
        yield f"{start} to {end} begins or ends with a space or a mark"
    before, after = text[max(0, start - 1) : start], text[end : end + 1]
    if before.isalnum() or (text[end - 1].isalnum() and after.isalnum()):
        yield f"{start} to {end} cuts a word"
    for cui in (row["cui"], row["instead"]):
        if cui and not is_cui(cui):
            yield f"invalid CUI {cui!r}"
    if row["tui"] and not _TUI.fullmatch(row["tui"]):
        yield f"invalid semantic type {row['tui']!r}"
    if not row["name"]:
        yield "no name"
    if row["source"] not in (SOURCES if row["cui"] else ("",)):
        yield f"source {row['source']!r} for the CUI {row['cui']!r}"
    if not {row["negated"], row["uncertain"], row["inner"]} <= {"", "yes"}:
        yield "a flag is neither empty nor yes"


def _of_spans(spans: Sequence[tuple[int, int, bool]]) -> Iterator[str]:
    outer = sorted((start, end) for start, end, inner in spans if not inner)
    for (_, end), (start, _) in pairwise(outer):
        if start < end:
            yield f"mentions overlap at {start}"
    for start, end, inner in spans:
        if inner and not any(a <= start and end <= b and (a, b) != (start, end) for a, b in outer):
            yield f"the inner mention at {start} is in no other"


def agreement(first: Mapping[str, Sequence[Label]], second: Mapping[str, Sequence[Label]]) -> dict[str, float]:
    """Returns the F1 between two readings of the captions of the second, without inner mentions.

    spans: the same offsets; mentions: also the same name and flags; overlaps: any shared character, whatever the name;
    CUIs: the known CUIs of each caption.
    """
    one = [label for roco_id in second for label in first[roco_id] if not label.inner]
    two = [label for mentions in second.values() for label in mentions if not label.inner]

    def f1(key: str) -> float:
        a, b = ({_KEYS[key](label) for label in side} - {None} for side in (one, two))
        return 2 * len(a & b) / (len(a) + len(b))

    touched = sum(any(_overlap(x, y) for y in two) for x in one) + sum(any(_overlap(x, y) for y in one) for x in two)
    return {key: f1(key) for key in _KEYS} | {"overlaps": touched / (len(one) + len(two))}


_KEYS = {
    "spans": lambda label: (label.roco_id, label.start, label.end),
    "mentions": lambda label: (label.roco_id, label.start, label.end, label.name, label.negated, label.uncertain),
    "CUIs": lambda label: (label.roco_id, label.cui) if label.cui else None,
}


def _overlap(a: Label, b: Label) -> bool:
    return a.roco_id == b.roco_id and a.start < b.end and b.start < a.end


def counts(cells: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """Returns tables of the labels by half, by stratum, by source of the CUI and by semantic type."""
    found = labels(cells)
    half = {row["roco_id"]: row["half"] for row in cells}
    stratum = {row["roco_id"]: row["stratum"] for row in cells}
    yield "| captions | n | mentions | inner | negated | uncertain | without CUI | names |"
    yield "|---|---|---|---|---|---|---|---|"
    groups: list[tuple[str, list[str]]] = [("all", list(found))]
    groups += [(name, [i for i in found if half[i] == name]) for name in ("dev", "held-out")]
    groups += [(name, [i for i in found if stratum[i] == name]) for name in STRATA]
    for name, ids in groups:
        mentions = [label for i in ids for label in found[i] if not label.inner]
        flags = [sum(getattr(label, flag) for label in mentions) for flag in ("negated", "uncertain")]
        inner = sum(label.inner for i in ids for label in found[i])
        blank = sum(not label.cui for label in mentions)
        unlike = len({label.name for label in mentions})
        yield f"| {name} | {len(ids)} | {len(mentions)} | {inner} | {flags[0]} | {flags[1]} | {blank} | {unlike} |"
    every = [label for mentions in found.values() for label in mentions if not label.inner]
    yield "\n| source of the CUI | mentions | names |\n|---|---|---|"
    for source in (*SOURCES, ""):
        of = [label for label in every if label.source == source]
        yield f"| {source or 'no CUI'} | {len(of)} | {len({label.name for label in of})} |"
    yield "\n| semantic type | mentions |\n|---|---|"
    for tui, n in Counter(label.tui or "none" for label in every).most_common():
        yield f"| {tui} | {n} |"


class Flag(NamedTuple):
    """How often labels and the mentions that touch them have a flag: both, only the mention, only the label."""

    right: int
    false: int
    missed: int

    @property
    def cells(self) -> str:
        shares = [self.right / max(1, self.right + other) for other in (self.false, self.missed)]
        return f"{shares[0]:.3f} | {shares[1]:.3f} | {self.right} | {self.false} | {self.missed}"


def flags(captions: Iterable[tuple[Sequence[Label], Sequence[Mention]]], flag: str) -> Flag:
    """Returns the counts of a flag over labelled and linked mentions of captions; inner mentions do not count."""
    counts = Counter[tuple[bool, bool]]()
    for labelled, found in captions:
        for label in labelled:
            touching = [mention for mention in found if mention.start < label.end and label.start < mention.end]
            if touching and not label.inner:
                counts[getattr(label, flag), any(getattr(mention, flag) for mention in touching)] += 1
    return Flag(counts[True, True], counts[False, True], counts[True, False])


def linked(
    linker: Linker,
    texts: Mapping[str, str],
    articles: Mapping[str, str],
    half: str | None = None,
    *,
    confirmed: bool = False,
) -> list[Caption]:
    """Returns the labelled captions with the mentions of a linker; None means both halves.

    confirmed: whether CUIs that only the reader knows count as unknown.
    """
    found = []
    for roco_id, mentions in labels(rows()).items():
        if half in (None, half_of(articles[roco_id])):
            gold = []
            for label in mentions:
                cui = "" if confirmed and label.source == "reader" else label.cui
                part = {"instead": label.instead, "tui": label.tui, "inner": label.inner}
                gold.append(Gold(start=label.start, end=label.end, cui=cui, **part))
            found.append(Caption(articles[roco_id], gold, linker.link([texts[roco_id]])[0]))
    return found


def scores(texts: Mapping[str, str], articles: Mapping[str, str]) -> Iterator[str]:
    """Returns tables of the scores of the dictionary with the shipped vocabulary, by half and by semantic type."""
    vocabulary = table.load()
    linker = Dictionary(vocabulary)
    yield "| captions | what | precision (95 %) | recall (95 %) | F1 (95 %) | labelled | linked |"
    yield "|---|---|---|---|---|---|---|"
    for half in ("dev", "held-out", None):
        named = list(score(linked(linker, texts, articles, half)).items())
        confirmed = score(linked(linker, texts, articles, half, confirmed=True))
        named.append(("CUIs with a source", confirmed["CUIs"]))
        for name, rates in named:
            cells = " | ".join(_cell(one) for one in (rates.precision, rates.recall, rates.f1))
            yield f"| {half or 'all'} | {name} | {cells} | {rates.gold} | {rates.found} |"
    yield "\n| captions | flag | precision | recall | right | false | missed |\n|---|---|---|---|---|---|---|"
    known = labels(rows())
    for half in ("dev", "held-out", None):
        of = [(known[i], linker.link([texts[i]])[0]) for i in known if half in (None, half_of(articles[i]))]
        for flag in ("negated", "uncertain"):
            yield f"| {half or 'all'} | {flag} | {flags(of, flag).cells} |"
    yield "\n| semantic type | labelled | touched | CUIs right | false | missed |\n|---|---|---|---|---|---|"
    types = {concept.cui: concept.tuis[0] if concept.tuis else "" for concept in vocabulary.concepts}
    for tui, counts in by_type(linked(linker, texts, articles), types).items():
        cuis = " | ".join(map(str, counts.cuis))
        yield f"| {tui or 'none'} | {counts.gold} | {counts.touched} | {cuis} |"


def _cell(estimate: Estimate) -> str:
    low, high = estimate.interval or (float("nan"), float("nan"))
    return f"{estimate.value:.3f} ({low:.2f} to {high:.2f})"


def main() -> None:
    known = list(captions())
    texts, articles = {c.id: c.text for c in known}, {c.id: c.article for c in known}
    for path in (GOLD, SECOND):
        wrong = list(problems(rows(path), texts, articles))
        print(f"{path.name}: {'OK' if not wrong else ''}")
        print("\n".join(wrong))
    print("\n".join(counts(rows())))
    if "--score" in sys.argv:
        print("\n" + "\n".join(scores(texts, articles)))
    second = agreement(labels(rows()), labels(rows(SECOND)))
    print("\nsecond reading, F1: " + ", ".join(f"{key} {value:.3f}" for key, value in second.items()))


if __name__ == "__main__":
    main()
