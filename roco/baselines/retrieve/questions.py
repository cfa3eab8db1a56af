"""Finds the words of a question that are worth searching for.

BM25 weighs a word by its rarity. "what", "does" and "show" are rare in captions, so they would outweigh the words that
the question is about.
"""

from __future__ import annotations

from roco.baselines.retrieve.words import words_of

_QUESTIONS = "what which who whom whose where when why how"
_VERBS = """
am is are was were be been being do does did done has have had having can could may might shall should will would must
let s re ve ll isn aren wasn weren don doesn didn hasn haven hadn can couldn won wouldn t
"""
_SMALL_WORDS = """
a an the this that these those it its they them their he she his her i me my we our you your there here
and or but nor if than then so not no without of in on at by for from to into onto with within about as
any some all both each every either neither other another such same only also too very more most many much few several
"""
# Requests, and words for images, which describe no content of an image.
_REQUESTS = """
please tell give list find state name explain describe compare summarize summarise answer know mean
show shows showed shown showing see seen look looks looked visible depict depicts depicted display displayed displays
demonstrate demonstrated demonstrates appear appears similar resemble resembles like
image images imaging figure figures picture pictures example examples
"""

_PUNCTUATION = ".,;:!?…\"'“”‘’„«»()[]{}<>"

STOP_WORDS = frozenset(words_of(" ".join([_QUESTIONS, _VERBS, _SMALL_WORDS, _REQUESTS])))
"""The words of questions that are not searched for."""


def content_words(question: str) -> str:
    """Returns a question without stop words and punctuation, in the same order; empty if it has nothing else.

    An abbreviation in capitals, such as ALL, is no stop word, unless the whole question is in capitals.
    """
    words = [word.strip(_PUNCTUATION) for word in question.split()]
    has_small = not question.isupper()
    return " ".join(word for word in words if not _is_stop_word(word, has_small))


def _is_stop_word(word: str, has_small: bool) -> bool:
    is_abbreviation = has_small and len(word) > 1 and word.isupper()
    return not is_abbreviation and STOP_WORDS.issuperset(words_of(word))
