"""Small vocabularies for tests of linkers."""

from __future__ import annotations

from roco.models.text.linking.dictionary import Dictionary
from roco.models.text.linking.linker import Mention
from roco.models.text.vocabulary.table import Concept, Vocabulary


def vocabulary(*names: str) -> Vocabulary:
    """Returns a vocabulary of concepts, each given by its names, separated by `|`; the CUIs count up from C0000001."""
    concepts = []
    for number, cell in enumerate(names, start=1):
        name, *synonyms = cell.split("|")
        concepts.append(Concept(f"C{number:07}", name, tuple(synonyms), ("T047",)))
    return Vocabulary(tuple(concepts))


def linked(text: str, *names: str) -> list[Mention]:
    """Returns the mentions in a text with a vocabulary of these names."""
    return Dictionary(vocabulary(*names)).link([text])[0]


def pairs(text: str, *names: str) -> list[tuple[str, str]]:
    """Returns text and preferred name of the mentions in a text."""
    known = vocabulary(*names)
    return [(mention.text, known.by_cui[mention.cui].name) for mention in Dictionary(known).link([text])[0]]
