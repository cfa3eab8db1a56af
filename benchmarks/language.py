"""`python -m benchmarks.language`: what each language rule drops and keeps, compared with manual labels.

The labels contain no text: id, language (`zxx`: only names, no language) and the start of the caption's SHA-256. A
caption without a label is English: all rules, a second detector and the language of the article agreed on it.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import importlib.util
import json
import math
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from benchmarks.corpora import SHARED
from roco.sources.jats.text import caption_text_of, plain_caption
from roco.sources.jats.tree import name_of, read_xml
from roco.stages.language import RULES, Language
from roco.stages.language_id import LanguageId

LABELS = Path(__file__).with_name("language_labels.csv")
REPEATS = 5


class Caption(NamedTuple):
    """A caption, its article and its language."""

    id: str
    article: str
    text: str
    language: str = "en"

    @property
    def half(self) -> str:
        """Returns the half of the article, by its name: the rule was developed on one and evaluated on the other."""
        return "evaluated" if int(hashlib.sha256(self.article.encode()).hexdigest()[:8], 16) % 2 else "developed"

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()[:8]


def captions() -> Iterator[Caption]:
    """Returns the captions of the first ROCO, then all captions of the articles' figures in all their languages."""
    for path in sorted((SHARED / "data" / "captions").glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                yield Caption(row["roco_id"], row["pmcid"], plain_caption(row["caption"]))
    for line in (SHARED / "data" / "articles.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        root, _ = read_xml((SHARED / "data" / entry["path"] / entry["xml"]).read_bytes())
        doi = (entry["ids"].get("doi") or entry["id"]).lower()
        met: Counter[str] = Counter()
        for element in root.iter("{*}caption"):
            owner = element.getparent()
            if owner is None or name_of(owner) not in ("fig", "fig-group"):
                continue
            key = owner.get("id") or "fig"
            met[key] += 1
            yield Caption(f"{doi}#{key}/{met[key]}", doi, plain_caption(caption_text_of(element)))


def labelled() -> list[Caption]:
    """Returns all captions with their languages; prints captions that have changed since they were labelled."""
    with LABELS.open(encoding="utf-8", newline="") as file:
        labels = {row["id"]: row for row in csv.DictReader(file)}
    out = []
    for caption in captions():
        label = labels.pop(caption.id, None)
        if label and label["digest"] != caption.digest:
            print(f"the caption of {caption.id} has changed since it was labelled {label['language']}")
        out.append(caption._replace(language=label["language"]) if label else caption)
    if labels:
        print(f"{len(labels)} labels without a caption: {', '.join(sorted(labels)[:5])} …")
    return out


def table(found: list[Caption]) -> pa.Table:
    blank = pa.nulls(len(found), pa.string())
    return pa.table(
        {
            "figure_id": [c.id for c in found],
            "caption": pa.array([c.text for c in found], pa.string()),
            "drop": blank,
            "drop_detail": blank,
        }
    )


def by_rule(rule: str, found: list[Caption]) -> tuple[list[bool], float]:
    """Returns which captions a rule drops, and captions per second including the model."""
    stages = LanguageId(), Language(rule=rule)
    dropped = stages[1](stages[0](table(found)))["drop"]
    radiology = table([c for c in found if "#" not in c.id])
    seconds = math.inf
    for _ in range(REPEATS):  # CPU time: other processes do not count
        started = time.process_time()
        stages[1](stages[0](radiology))
        seconds = min(seconds, time.process_time() - started)
    return dropped.is_valid().to_pylist(), radiology.num_rows / seconds


def by_lingua(found: list[Caption]) -> tuple[list[bool], float]:
    """Returns the same for lingua with six languages, which drops every caption that it does not detect as English."""
    from lingua import Language as Known
    from lingua import LanguageDetectorBuilder

    six = (Known.ENGLISH, Known.FRENCH, Known.PORTUGUESE, Known.SPANISH, Known.GERMAN, Known.ITALIAN)
    detector = LanguageDetectorBuilder.from_languages(*six).build()
    detector.detect_language_of("a warm start")
    started = time.process_time()
    dropped = [detector.detect_language_of(c.text) not in (Known.ENGLISH, None) for c in found]
    return dropped, len(found) / (time.process_time() - started)


def wilson(k: int, n: int) -> str:
    """Returns a share with its 95 % interval (Wilson), in per cent."""
    if not n:
        return "-"
    z = 1.96
    p, d = k / n, 1 + z * z / n
    middle, reach = (p + z * z / 2 / n) / d, z * math.sqrt(p * (1 - p) / n + z * z / 4 / n / n) / d
    return f"{100 * p:.2f} % ({100 * max(0, middle - reach):.2f}-{100 * (middle + reach):.2f})"


def row(rule: str, part: str, found: list[Caption], dropped: list[bool]) -> str:
    english = [out for c, out in zip(found, dropped, strict=True) if c.language == "en"]
    other = [(c.language, out) for c, out in zip(found, dropped, strict=True) if c.language not in ("en", "zxx")]
    kept = Counter(language for language, out in other if not out)
    by = ", ".join(
        f"{language} {kept[language]} of {n}" for language, n in sorted(Counter(o[0] for o in other).items())
    )
    lost = sum(english)
    cells = (rule, part, f"{lost} of {len(english)}", wilson(lost, len(english)), f"{kept.total()} of {len(other)}", by)
    return f"| {' | '.join(cells)} |"


def main() -> None:
    found = labelled()
    rates = []
    print("| rule | half | English dropped | 95 % interval | others kept | by language |")
    print("|---|---|---|---|---|---|")
    for rule in (*RULES, "lingua"):
        if rule == "lingua" and importlib.util.find_spec("lingua") is None:
            continue
        dropped, rate = by_lingua(found) if rule == "lingua" else by_rule(rule, found)
        rates.append(f"{rule} {rate:,.0f}")
        for part in ("developed", "evaluated"):
            chosen = [i for i, c in enumerate(found) if c.half == part]
            print(row(rule, part, [found[i] for i in chosen], [dropped[i] for i in chosen]))
    print(f"\nCaptions per second on one core, including the model: {'; '.join(rates)}.")


if __name__ == "__main__":
    main()
