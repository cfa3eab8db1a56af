"""The caption score by which checkpoints are chosen: ROUGE-1 of generated captions, as ImageCLEF computes it."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence

from roco.base.errors import MissingExtra

_DIGITS = re.compile(r"\d+")
_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)


def preprocess(caption: str) -> str:
    """Returns a caption as ImageCLEF scores it: lower case, digits as `number`, no ASCII punctuation."""
    return _DIGITS.sub("number", caption.lower()).translate(_WITHOUT_PUNCTUATION)


def rouge1(references: Sequence[str], candidates: Sequence[str]) -> float:
    """Returns the mean ROUGE-1 F1 of captions, by rouge-score without a stemmer."""
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError as err:
        raise MissingExtra("rouge-score", "train") from err
    scorer = RougeScorer(["rouge1"], use_stemmer=False)
    scores: list[float] = [
        scorer.score(preprocess(reference), preprocess(candidate))["rouge1"].fmeasure
        for reference, candidate in zip(references, candidates, strict=True)
    ]
    return sum(scores) / len(scores)
