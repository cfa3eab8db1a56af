from __future__ import annotations

from roco.base import labels as vocab
from roco.base.ids import is_cui
from roco.models.text.semantic_types import kept
from roco.models.text.terms.table import load


def test_the_table_contains_every_label_of_the_paper_that_has_a_cui() -> None:
    shipped = load().by_cui
    for kind, terms in vocab.KINDS.items():
        for term in terms.values():
            if term.cui:
                found = shipped[term.cui]
                assert (found.kind, found.label, found.name, found.tui) == (kind, term.label, term.name, term.tui)


def test_the_table_gives_no_name_to_two_concepts() -> None:
    owners: dict[str, str] = {}
    for concept in load().concepts:
        for name in concept.names:
            assert owners.setdefault(name.casefold(), concept.cui) == concept.cui, name


def test_the_frequent_concepts_of_the_paper_are_in_the_table() -> None:
    shipped = load().by_cui
    table_5 = "C0444611 C0027651 C0205207 C0018787 C0023884 C0012359 C1266909 C0006104 C0032227 C0028259"
    assert all(cui in shipped for cui in table_5.split())


def test_every_term_is_well_formed() -> None:
    terms = load().concepts
    assert len({term.cui for term in terms}) == len(terms)
    for term in terms:
        assert is_cui(term.cui)
        assert term.tui is None or term.tui in kept()
        assert term.label in vocab.KINDS[term.kind] if term.kind in vocab.KINDS else term.label is None
        assert all(any(char.isalnum() for char in name) for name in term.names)
