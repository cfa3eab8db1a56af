"""Where a caption metric says little about these captions: what its library ignores, and when its score is fixed.

Each function returns remarks for the note of a score. Captions are given as the metric receives them, preprocessed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from roco.base.patterns import later

Texts = Sequence[str]

_LETTER = re.compile(r"[^\W\d_]")
_OTHER_LETTER = re.compile(r"[^\W\d_a-z]")
_READ_BY_ROUGE = re.compile(r"[a-z0-9]")
_NOT_LATIN = re.compile(r"[^\W\d_\u0000-\u024f\u1e00-\u1eff]")
_WITHOUT_SPACES = later(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
)
"""Letters of Thai, Lao, Burmese, Khmer, Japanese and Chinese, which put no spaces between words."""

_LONGEST_NGRAM = 4  # of CIDEr


def rouge_limits(truth: Texts, predictions: Texts) -> list[str]:
    """rouge-score reads the letters a to z and digits; all other letters end a word, as `ö` in `größe`."""
    unreadable = _count(truth, predictions, lambda text: bool(_LETTER.search(text) and not _READ_BY_ROUGE.search(text)))
    if unreadable:
        return [f"always 0 for {_pairs(unreadable)}: rouge-score reads only the letters a to z"]
    partly = _count(truth, predictions, lambda text: bool(_OTHER_LETTER.search(text)))
    return [f"rouge-score ignores letters other than a to z (in {_pairs(partly)})"] if partly else []


def word_limits(truth: Texts, predictions: Texts) -> list[str]:
    """BLEU and CIDEr separate words by white space."""
    number = _count(truth, predictions, lambda text: bool(_WITHOUT_SPACES.search(text)))
    return [f"{_pairs(number)} in a script without spaces, whose sentences count as single words"] if number else []


def meteor_limits(truth: Texts, predictions: Texts) -> list[str]:
    """METEOR compares stems, synonyms and paraphrases in English."""
    number = _count(truth, predictions, lambda text: 2 * len(_NOT_LATIN.findall(text)) > len(_LETTER.findall(text)))
    return [f"words of {_pairs(number)} in another script match only if they are equal"] if number else []


def ngram_limits(matching: Iterable[float], total: Iterable[float], library: str) -> list[str]:
    """BLEU multiplies the precisions of several orders; where one is 0, libraries put a constant in its place.

    matching, total: the number of n-grams of the predictions of all captions, by order from 1.
    """
    for order, (n_matching, n_total) in enumerate(zip(matching, total, strict=True), 1):
        words = "word" if order == 1 else f"{order} words in a row"
        if not n_total:
            return [f"no prediction has {words}: the value is a constant of {library}"]
        if not n_matching:
            return [f"no {words} match: the value comes from a constant of {library}"]
    return []


def cider_limits(truth: Texts) -> list[str]:
    """CIDEr weights n-grams by their IDF in the ground truth, which is 0 for those that all captions contain."""
    ngrams = [_ngrams(caption.split()) for caption in truth]
    captions_with = Counter(ngram for of_caption in ngrams for ngram in of_caption)
    weightless = 0
    for of_caption in ngrams:
        weightless += all(captions_with[ngram] == len(truth) for ngram in of_caption)
    if not weightless:
        return []
    if len(truth) == 1:
        return ["always 0 for a single image: the IDF of all its n-grams is 0"]
    return [f"always 0 for {weightless:,} of {len(truth):,} images, whose n-grams are in all true captions: IDF 0"]


def idf_limits(truth: Texts) -> list[str]:
    """BERTScore weights tokens by their IDF in the ground truth, which is 0 if all captions are equal."""
    return ["the IDF of all tokens is 0, because all true captions are equal"] if len(set(truth)) == 1 else []


def _ngrams(words: Sequence[str]) -> set[tuple[str, ...]]:
    ngrams: set[tuple[str, ...]] = set()
    for n in range(1, _LONGEST_NGRAM + 1):
        ngrams.update(zip(*(words[start:] for start in range(n)), strict=False))
    return ngrams


def _count(truth: Texts, predictions: Texts, test: Callable[[str], bool]) -> int:
    """Returns the number of pairs of which one caption, or both, pass a test."""
    return sum(test(true) or test(predicted) for true, predicted in zip(truth, predictions, strict=True))


def _pairs(number: int) -> str:
    return "1 pair" if number == 1 else f"{number:,} pairs"
