"""Scores of captions that need no model: pre-processing of ImageCLEF, ROUGE, BLEU, CIDEr, METEOR.

Each is computed by the library that defines it (extra `text`); here is only how it is called, so that numbers can be
compared. All take texts as they are to be scored: pre-processed ones, for ImageCLEF.
"""

from __future__ import annotations

import re
import shutil
import string
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import MissingExtra, UsageError

Floats = NDArray[np.float64]
_DIGITS = re.compile(r"\d+")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
ORDERS = 4  # of n-grams, for BLEU
_TINY, _SMALL = 1e-15, 1e-9  # what pycocoevalcap adds so as not to divide by 0


def preprocess(caption: str) -> str:
    """A caption as ImageCLEF 2023 to 2026 scores it: lower case, digits as the word `number`, no ASCII punctuation.

    In this order, and nothing else: 3.5 becomes numbernumber, white space and signs beyond ASCII stay as they are.
    """
    return _DIGITS.sub("number", caption.lower()).translate(_PUNCTUATION)


def rouge(references: Sequence[str], candidates: Sequence[str], kind: str = "rouge1") -> Floats:
    """ROUGE F of each pair, by rouge-score without a stemmer; kind: rouge1, rouge2, rougeL."""
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError as err:
        raise MissingExtra("rouge-score", "text") from err
    scorer = RougeScorer([kind], use_stemmer=False)
    pairs = zip(references, candidates, strict=True)
    return np.array([scorer.score(reference, candidate)[kind].fmeasure for reference, candidate in pairs], float)


class Bleu(NamedTuple):
    """BLEU as pycocoevalcap has it.

    corpus: BLEU-1 to 4 of all captions. each: of each caption alone, (captions, 4); their mean is not that of the
    corpus. counts: (captions, 10): length, length of the reference, right and all n-grams of order 1 to 4; their sums
    give the score of any part of the corpus by `bleu_of_sums`.
    """

    corpus: tuple[float, ...]
    each: Floats
    counts: Floats


def bleu(references: Sequence[str], candidates: Sequence[str]) -> Bleu:
    """BLEU-1 to 4 by pycocoevalcap, words parted at white space."""
    try:
        from pycocoevalcap.bleu.bleu_scorer import BleuScorer
    except ImportError as err:
        raise MissingExtra("pycocoevalcap", "text") from err
    scorer = BleuScorer(n=ORDERS)
    for reference, candidate in zip(references, candidates, strict=True):
        scorer += (candidate, [reference])
    if not scorer.ctest:
        return Bleu((float("nan"),) * ORDERS, np.empty((0, ORDERS)), np.empty((0, 2 + 2 * ORDERS)))
    corpus, each = scorer.compute_score(option="closest", verbose=0)
    counts = [
        (one["testlen"], *np.atleast_1d(one["reflen"])[:1], *one["correct"], *one["guess"]) for one in scorer.ctest
    ]
    return Bleu(tuple(map(float, corpus)), np.array(each, float).T, np.array(counts, float))


def bleu_of_sums(sums: Floats, order: int) -> Floats:
    """Corpus BLEU of one order from summed counts; sums: (resamples, 10), as in `Bleu.counts`."""
    length, reference = sums[:, 0], sums[:, 1]
    right, all_ = sums[:, 2 : 2 + order], sums[:, 2 + ORDERS : 2 + ORDERS + order]
    value = np.prod((right + _TINY) / (all_ + _SMALL), axis=1) ** (1.0 / order)
    ratio = (length + _TINY) / (reference + _SMALL)
    with np.errstate(over="ignore"):
        short: Floats = np.where(ratio < 1, np.exp(1 - 1 / ratio), 1.0)
    whole: Floats = value * short
    return whole


def sacrebleu(references: Sequence[str], candidates: Sequence[str]) -> tuple[float, str]:
    """Corpus BLEU-4 by sacrebleu in shares of 1, words parted at white space, and its signature.

    It smooths and counts otherwise than pycocoevalcap: the two are not to be compared.
    """
    try:
        from sacrebleu.metrics.bleu import BLEU
    except ImportError as err:
        raise MissingExtra("sacrebleu", "text") from err
    scorer = BLEU(tokenize="none", force=True)
    score = scorer.corpus_score(list(candidates), [list(references)])
    return score.score / 100, str(scorer.get_signature())


def cider(references: Sequence[str], candidates: Sequence[str]) -> Floats:
    """CIDEr of each pair by pycocoevalcap; its idf comes from all references together, so a part scores otherwise."""
    try:
        from pycocoevalcap.cider.cider_scorer import CiderScorer
    except ImportError as err:
        raise MissingExtra("pycocoevalcap", "text") from err
    scorer = CiderScorer()
    for reference, candidate in zip(references, candidates, strict=True):
        scorer += (candidate, [reference])
    if not scorer.ctest:
        return np.empty(0)
    return np.asarray(scorer.compute_score()[1], float)


def coco_rouge_l(references: Sequence[str], candidates: Sequence[str]) -> Floats:
    """ROUGE-L of each pair as pycocoevalcap has it (beta 1.2, words parted at blanks): not that of rouge-score."""
    try:
        from pycocoevalcap.rouge.rouge import Rouge
    except ImportError as err:
        raise MissingExtra("pycocoevalcap", "text") from err
    scorer = Rouge()
    pairs = zip(references, candidates, strict=True)
    # An empty reference has no length to divide by.
    return np.array([float(scorer.calc_score([c], [r])) if r and c else 0.0 for r, c in pairs], float)


class Meteor(NamedTuple):
    """METEOR 1.5 of all captions together, from summed counts, and of each alone, whose mean is another number."""

    corpus: float
    each: Floats


def meteor(references: Sequence[str], candidates: Sequence[str]) -> Meteor:
    """METEOR 1.5 by the Java program that pycocoevalcap carries; NLTK's has other values."""
    if shutil.which("java") is None:
        raise UsageError(
            "METEOR 1.5 is a Java program, and there is no java", "install a Java runtime, such as Java 17"
        )
    try:
        from pycocoevalcap.meteor.meteor import Meteor as Program
    except ImportError as err:
        raise MissingExtra("pycocoevalcap", "text") from err
    if not candidates:
        return Meteor(float("nan"), np.empty(0))
    told, said = [_one_line(text) for text in references], [_one_line(text) for text in candidates]
    scorer: Any = Program()
    try:
        corpus, each = scorer.compute_score({i: [t] for i, t in enumerate(told)}, {i: [t] for i, t in enumerate(said)})
    except ValueError as err:
        raise UsageError("the Java program of METEOR gave no number", "try: java -version") from err
    finally:
        if scorer.lock.locked():  # its destructor takes the lock, and would wait for ever
            scorer.lock.release()
        process = scorer.meteor_p
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()
    empty = [not t or not s for t, s in zip(told, said, strict=True)]
    return Meteor(float(corpus), np.where(empty, 0.0, np.array(each, float)))


def _one_line(text: str) -> str:
    """The program reads one line a caption, fields parted by three bars; of an empty one it would wait for words."""
    return " ".join(text.replace("|||", " ").split()) or "nothingsaid"
