"""METEOR 1.5 by the Java program in pycocoevalcap (extra `text`; Denkowski and Lavie 2014)."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import UsageError
from roco.evaluate.metrics.libraries import PYCOCOEVALCAP, load

Floats = NDArray[np.float64]

# The parameters of METEOR 1.5 for English, and the weights of exact matches, stems, synonyms and paraphrases.
_ALPHA, _BETA, _GAMMA, _DELTA = 0.85, 0.2, 0.6, 0.75
_STAGE_WEIGHTS = np.array([1.0, 0.6, 0.8, 0.6])

# The program prints 23 counts for a pair of texts: lengths and numbers of function words of the candidate and the
# reference, two sums of matches, the matches of each of four stages, then the chunks and the matched words.
_STAGES = slice(4, 20)
_CHUNKS, _CANDIDATE_WORDS, _REFERENCE_WORDS = 20, 21, 22


class Meteor(NamedTuple):
    """METEOR of all captions together, of each caption, whose mean is another number, and the counts of each caption.

    counts: shape (captions, 23); `meteor_of_sums` computes the score of any captions from the sums of their counts.
    """

    corpus: float
    each: Floats
    counts: Floats


def meteor(references: Sequence[str], candidates: Sequence[str]) -> Meteor:
    """Returns METEOR 1.5; the METEOR of NLTK has other values."""
    if shutil.which("java") is None:
        raise UsageError("METEOR 1.5 needs Java, which is not installed", "install a Java runtime, such as Java 17")
    program = load(PYCOCOEVALCAP, "pycocoevalcap.meteor.meteor").Meteor
    if not candidates:
        return Meteor(float("nan"), np.empty(0), np.empty((0, _REFERENCE_WORDS + 1)))
    reference_lines = [_one_line(text) for text in references]
    candidate_lines = [_one_line(text) for text in candidates]
    scorer: Any = program()
    counts = _recorded(scorer)
    try:
        corpus, each = scorer.compute_score(
            {i: [line] for i, line in enumerate(reference_lines)}, {i: [line] for i, line in enumerate(candidate_lines)}
        )
    except ValueError as err:
        raise UsageError("METEOR's Java program returned no score", "check the Java runtime: java -version") from err
    finally:
        # The destructor of the scorer takes the lock, and would wait forever if an error had left it locked.
        if scorer.lock.locked():
            scorer.lock.release()
        process = scorer.meteor_p
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()
    return Meteor(float(corpus), np.array(each, float), _without_single_chunks(np.array(counts, float)))


def meteor_of_sums(sums: Floats) -> Floats:
    """Returns the score of captions together, as the program computes it, from summed counts of shape (resamples, 23).

    0 where nothing matches.
    """
    stages = sums[:, _STAGES].reshape(-1, 4, 4)
    # Of each stage: content words of the candidate and the reference, then their function words.
    matches = _DELTA * stages[:, :, :2] + (1 - _DELTA) * stages[:, :, 2:]
    weighted = (_STAGE_WEIGHTS[:, None] * matches).sum(1)
    lengths, function_words = sums[:, 0:2], sums[:, 2:4]
    weighted_lengths = _DELTA * (lengths - function_words) + (1 - _DELTA) * function_words
    with np.errstate(invalid="ignore", divide="ignore"):
        precision, recall = (weighted / weighted_lengths).T
        mean = 1 / ((1 - _ALPHA) / precision + _ALPHA / recall)
        fragmentation = sums[:, _CHUNKS] / ((sums[:, _CANDIDATE_WORDS] + sums[:, _REFERENCE_WORDS]) / 2)
        score: Floats = mean * (1 - _GAMMA * fragmentation**_BETA)
    return np.where((weighted > 0).all(1), score, 0.0)


def _recorded(scorer: Any) -> list[list[float]]:
    """Returns a list to which the scorer appends the counts of each pair that it scores."""
    counts: list[list[float]] = []
    count = scorer._stat

    def recording(candidate: str, references: list[str]) -> str:
        line: str = count(candidate, references)
        counts.append([float(number) for number in line.split()])
        return line

    scorer._stat = recording
    return counts


def _without_single_chunks(counts: Floats) -> Floats:
    """Returns the counts as the program sums them: texts that are equal have no chunk instead of one."""
    equal = (counts[:, _CANDIDATE_WORDS] == counts[:, 0]) & (counts[:, _REFERENCE_WORDS] == counts[:, 1])
    summed = counts.copy()
    summed[equal & (counts[:, _CHUNKS] == 1), _CHUNKS] = 0
    return summed


def _one_line(text: str) -> str:
    """Returns text as one line of the program's protocol, whose fields are separated by three bars.

    The program would wait for more input after an empty text, so it gets a word that no caption contains.
    """
    return " ".join(text.replace("|||", " ").split()) or "nothingsaid"
