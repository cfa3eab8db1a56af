"""Caption metrics without models: ImageCLEF's preprocessing, ROUGE, BLEU and CIDEr; METEOR has a file of its own.

Each metric is computed by the library that defines it (extra `text`), so that values are comparable with published
ones. Texts are scored as given; for ImageCLEF they are preprocessed first.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from roco.evaluate.metrics.libraries import PYCOCOEVALCAP, ROUGE_SCORE, SACREBLEU, load

Floats = NDArray[np.float64]
_DIGITS = re.compile(r"\d+")
_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)
ORDERS = 4  # of n-grams, for BLEU
_TINY, _SMALL = 1e-15, 1e-9  # added by pycocoevalcap to avoid division by 0


def preprocess(caption: str) -> str:
    """Returns a caption as ImageCLEF 2023 to 2026 scores it: lower case, digits as `number`, no ASCII punctuation.

    The steps run in this order: 3.5 becomes numbernumber. White space and non-ASCII punctuation are kept.
    """
    return _DIGITS.sub("number", caption.lower()).translate(_WITHOUT_PUNCTUATION)


def rouge(references: Sequence[str], candidates: Sequence[str], kind: str = "rouge1") -> Floats:
    """Returns the ROUGE F1 of each pair, by rouge-score without a stemmer; kind: rouge1, rouge2 or rougeL."""
    scorer = ROUGE_SCORE.load().RougeScorer([kind], use_stemmer=False)
    pairs = zip(references, candidates, strict=True)
    return np.array([scorer.score(reference, candidate)[kind].fmeasure for reference, candidate in pairs], float)


class Bleu(NamedTuple):
    """BLEU as computed by pycocoevalcap.

    corpus: BLEU-1 to BLEU-4 of all captions together. each: those of each caption, shape (captions, 4); their mean is
    not the corpus value. counts: shape (captions, 10): candidate length, reference length, and the matching and total
    n-grams of orders 1 to 4; `bleu_of_sums` computes the corpus value of any subset from their sums.
    """

    corpus: tuple[float, ...]
    each: Floats
    counts: Floats


def bleu(references: Sequence[str], candidates: Sequence[str]) -> Bleu:
    """Returns BLEU-1 to BLEU-4 by pycocoevalcap; words are separated by white space."""
    scorer = load(PYCOCOEVALCAP, "pycocoevalcap.bleu.bleu_scorer").BleuScorer(n=ORDERS)
    for reference, candidate in zip(references, candidates, strict=True):
        scorer += (candidate, [reference])
    if not scorer.ctest:
        return Bleu((float("nan"),) * ORDERS, np.empty((0, ORDERS)), np.empty((0, 2 + 2 * ORDERS)))
    corpus, each = scorer.compute_score(option="closest", verbose=0)
    counts = []
    for caption in scorer.ctest:
        reference_length = np.atleast_1d(caption["reflen"])[0]
        counts.append((caption["testlen"], reference_length, *caption["correct"], *caption["guess"]))
    return Bleu(tuple(map(float, corpus)), np.array(each, float).T, np.array(counts, float))


def bleu_of_sums(sums: Floats, order: int) -> Floats:
    """Returns the corpus BLEU of one order from summed counts of shape (resamples, 10), as in `Bleu.counts`."""
    length, reference_length = sums[:, 0], sums[:, 1]
    matching = sums[:, 2 : 2 + order]
    total = sums[:, 2 + ORDERS : 2 + ORDERS + order]
    geometric_mean = np.prod((matching + _TINY) / (total + _SMALL), axis=1) ** (1.0 / order)
    ratio = (length + _TINY) / (reference_length + _SMALL)
    with np.errstate(over="ignore"):
        brevity_penalty: Floats = np.where(ratio < 1, np.exp(1 - 1 / ratio), 1.0)
    value: Floats = geometric_mean * brevity_penalty
    return value


def ngram_counts(sums: Floats) -> tuple[Floats, Floats]:
    """Returns the matching and the total n-grams of orders 1 to 4 from summed counts, as in `Bleu.counts`."""
    return sums[2 : 2 + ORDERS], sums[2 + ORDERS :]


class Sacrebleu(NamedTuple):
    """The corpus BLEU-4 by sacrebleu, from 0 to 1, its signature, and the numbers of n-grams of orders 1 to 4."""

    value: float
    signature: str
    matching: Floats
    total: Floats


def sacrebleu(references: Sequence[str], candidates: Sequence[str]) -> Sacrebleu:
    """Returns the corpus BLEU-4 by sacrebleu; words are separated by white space.

    It smooths and counts differently from pycocoevalcap: the two values are not comparable.
    """
    scorer = SACREBLEU.load().BLEU(tokenize="none", force=True)
    score = scorer.corpus_score(list(candidates), [list(references)])
    matching, total = np.array(score.counts, float), np.array(score.totals, float)
    return Sacrebleu(score.score / 100, str(scorer.get_signature()), matching, total)


def cider(references: Sequence[str], candidates: Sequence[str]) -> Floats:
    """Returns the CIDEr of each pair by pycocoevalcap; its IDF depends on all references given."""
    scorer = load(PYCOCOEVALCAP, "pycocoevalcap.cider.cider_scorer").CiderScorer()
    for reference, candidate in zip(references, candidates, strict=True):
        scorer += (candidate, [reference])
    if not scorer.ctest:
        return np.empty(0)
    return np.asarray(scorer.compute_score()[1], float)


def coco_rouge_l(references: Sequence[str], candidates: Sequence[str]) -> Floats:
    """Returns the ROUGE-L of each pair by pycocoevalcap (beta 1.2), which differs from that of rouge-score."""
    scorer = load(PYCOCOEVALCAP, "pycocoevalcap.rouge.rouge").Rouge()
    scores = []
    for reference, candidate in zip(references, candidates, strict=True):
        # The library would divide by the length of an empty text.
        scores.append(float(scorer.calc_score([candidate], [reference])) if reference and candidate else 0.0)
    return np.array(scores, float)
