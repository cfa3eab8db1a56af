"""The caption of a set that is nearest to another in words, and the one that is nearest to all."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from roco.evaluate.metrics import text

SAMPLE = 300  # captions among which the most central one is looked for
COMMON = 0.05  # share of captions; a word that more of them have tells little, and is not looked up


def central(cleaned: Sequence[str], captions: Sequence[str]) -> str:
    """The caption whose words overlap most with those of the others, of a sample: the best to say of any image."""
    rng = np.random.default_rng(0)
    some = sorted(rng.choice(len(captions), min(SAMPLE, len(captions)), replace=False).tolist())
    bags = [frozenset(cleaned[i].split()) for i in some]
    means = [sum(2 * len(a & b) / max(1, len(a) + len(b)) for b in bags) for a in bags]
    best: str = captions[some[int(np.argmax(means))]]
    return best


def nearest_captions(
    truth: Sequence[str], articles: Sequence[str], captions: Sequence[str], theirs: Sequence[str]
) -> list[str]:
    """For each pre-processed caption of the truth the nearest of another article, by cosine of tf-idf.

    Where none shares a word, the first. articles, theirs: the article of each caption.
    """
    bags = [Counter(text.preprocess(caption).split()) for caption in captions]
    postings: defaultdict[str, list[int]] = defaultdict(list)
    for i, bag in enumerate(bags):
        for word in bag:
            postings[word].append(i)
    n = len(captions)
    idf = {word: math.log((n + 1) / (len(at) + 1)) for word, at in postings.items()}
    norms = np.array([math.sqrt(sum((c * idf[w]) ** 2 for w, c in bag.items())) or 1.0 for bag in bags])
    weights = {w: np.array([bags[i][w] * idf[w] for i in at]) / norms[at] for w, at in postings.items()}
    rows = {word: np.array(at) for word, at in postings.items()}
    own: defaultdict[str, list[int]] = defaultdict(list)
    for i, article in enumerate(theirs):
        own[article].append(i)
    most = max(10, int(COMMON * n))
    found = []
    for caption, article in zip(truth, articles, strict=True):
        scores = np.zeros(n)
        bag = Counter(caption.split())
        words = [w for w in bag if w in rows]
        for w in [w for w in words if len(rows[w]) <= most] or words:
            scores[rows[w]] += weights[w] * bag[w] * idf[w]
        scores[own.get(article, [])] = -1.0
        found.append(captions[int(np.argmax(scores))])
    return found
