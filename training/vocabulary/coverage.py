"""`python -m training.vocabulary.coverage FILE…`: frequent concepts of the first ROCO in the shipped vocabulary.

FILE: captions of the first ROCO, a JSON object with `cuis` and `semtypes` in each line, also with .gz at the end. The
semantic types belong to the caption, not to its concepts; so the type of each concept is estimated from all captions.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from roco.models.text import semantic_types
from roco.models.text.vocabulary.table import load

LEAST = 10
"""A concept is frequent if it belongs to at least this many captions."""

ROUNDS = 60
PRESENT = 0.97  # of the captions of a concept have its type; the rest allows for errors
LIKELY = 0.5  # of the estimate of the likeliest type


class Labelled(NamedTuple):
    """Concepts and semantic types of one caption."""

    cuis: frozenset[str]
    types: frozenset[str]


def read(paths: Sequence[Path]) -> list[Labelled]:
    captions = []
    for path in paths:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8") as fh:
            for line in fh:
                row = json.loads(line)
                captions.append(Labelled(frozenset(row["cuis"]), frozenset(row["semtypes"])))
    return captions


def types_of(captions: Sequence[Labelled]) -> dict[str, frozenset[str]]:
    """Returns the likely semantic types of each concept.

    Each type of a caption is shared out among the concepts that may have it, in proportion to what they have so far;
    what a concept gets per caption is the next estimate (as in expectation maximization).
    """
    total = Counter(cui for caption in captions for cui in caption.cuis)
    together: dict[str, Counter[str]] = {cui: Counter() for cui in total}
    for caption in captions:
        for cui in caption.cuis:
            together[cui].update(caption.types)
    share = {}
    for cui, types in together.items():
        candidates = [tui for tui, n in types.items() if n >= PRESENT * total[cui]]
        share[cui] = {tui: 1 / len(candidates) for tui in candidates}
    for _ in range(ROUNDS):
        got: dict[str, Counter[str]] = {cui: Counter() for cui in share}
        for caption in captions:
            for tui in caption.types:
                claims = [(cui, share[cui][tui]) for cui in caption.cuis if tui in share[cui]]
                claimed = sum(claim for _, claim in claims)
                for cui, claim in claims:
                    got[cui][tui] += claim / claimed
        # No estimate becomes 0: nothing could raise it again.
        share = {cui: {tui: got[cui][tui] / total[cui] + 1e-6 for tui in types} for cui, types in share.items()}
    return {
        cui: frozenset(tui for tui, n in types.items() if n > LIKELY * max(types.values()))
        for cui, types in share.items()
    }


def frequent(captions: Sequence[Labelled]) -> list[str]:
    """Returns the frequent concepts with a likely type that may be in a release, the most frequent first."""
    kept = semantic_types.kept()
    types = types_of(captions)
    total = Counter(cui for caption in captions for cui in caption.cuis)
    return [cui for cui, n in total.most_common() if n >= LEAST and types[cui] & kept]


def main() -> None:
    wanted = frequent(read([Path(name) for name in sys.argv[1:]]))
    vocabulary = load().by_cui
    names = {cui: vocabulary[cui] for cui in wanted if cui in vocabulary}
    print(f"{len(names)} of {len(wanted)} frequent concepts ({len(names) / len(wanted):.1%})")
    behind = sum(concept.name.endswith(f"({cui})") for cui, concept in names.items())
    print(f"{behind} of them leave their name to another concept")


if __name__ == "__main__":
    main()
