"""Baseline captions taken from a set: the one most similar to all others, and the nearest one to each caption."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from roco.evaluate.metrics.text import preprocess

SAMPLE = 300  # captions among which the most central one is searched
MAX_SHARE = 0.05  # words in more captions than this share are not looked up: they hardly distinguish captions
MIN_POSTINGS = 10  # words in at most this many captions are always looked up


def central_caption(captions: Sequence[str]) -> str:
    """Returns the caption of a sample whose words overlap most with those of the others (mean Dice coefficient)."""
    rng = np.random.default_rng(0)
    sample = sorted(rng.choice(len(captions), min(SAMPLE, len(captions)), replace=False).tolist())
    words = [frozenset(preprocess(captions[i]).split()) for i in sample]
    similarities = [sum(_dice(own, other) for other in words) for own in words]
    caption: str = captions[sample[int(np.argmax(similarities))]]
    return caption


def nearest_captions(
    queries: Sequence[str], query_articles: Sequence[str], captions: Sequence[str], articles: Sequence[str]
) -> list[str]:
    """Returns, for each preprocessed query, the caption of another article with the highest cosine of TF-IDF.

    The first caption is returned if none shares a word. query_articles, articles: the article of each text.
    """
    n = len(captions)
    counts = [Counter(preprocess(caption).split()) for caption in captions]
    postings: defaultdict[str, list[int]] = defaultdict(list)
    for i, count in enumerate(counts):
        for word in count:
            postings[word].append(i)
    idf = {word: math.log((n + 1) / (len(indices) + 1)) for word, indices in postings.items()}
    norms = np.array([_norm(count, idf) for count in counts])
    indices_of = {word: np.array(indices) for word, indices in postings.items()}
    weights = {}
    for word, indices in postings.items():
        weights[word] = np.array([counts[i][word] * idf[word] for i in indices]) / norms[indices]
    of_article: defaultdict[str, list[int]] = defaultdict(list)
    for i, article in enumerate(articles):
        of_article[article].append(i)

    max_postings = max(MIN_POSTINGS, int(MAX_SHARE * n))
    nearest = []
    for query, article in zip(queries, query_articles, strict=True):
        count = Counter(query.split())
        words = [word for word in count if word in indices_of]
        rare_words = [word for word in words if len(indices_of[word]) <= max_postings]
        cosines = np.zeros(n)
        for word in rare_words or words:
            cosines[indices_of[word]] += weights[word] * count[word] * idf[word]
        # Captions of the query's own article are not available to a system that predicts it.
        cosines[of_article.get(article, [])] = -1.0
        nearest.append(captions[int(np.argmax(cosines))])
    return nearest


def _dice(a: frozenset[str], b: frozenset[str]) -> float:
    return 2 * len(a & b) / max(1, len(a) + len(b))


def _norm(count: Counter[str], idf: dict[str, float]) -> float:
    """Returns the length of a TF-IDF vector, 1 for a vector of zeros."""
    return math.sqrt(sum((n * idf[word]) ** 2 for word, n in count.items())) or 1.0
