"""Names and semantic types of concepts: of a release, of the shipped vocabulary, of the linker of a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest

from roco.base.schema import MENTIONS, SUGGESTED
from roco.curate.concept_facts import UNKNOWN_TYPE, ConceptFacts
from roco.curate.corpus import of_release, of_run
from roco.recipes.load import load_recipe
from roco.release.read import Release

LUNG, OWN = "C0024109", "C9999999"


def linked() -> Iterator[pa.ChunkedArray]:
    """What a linker with a vocabulary of its own wrote."""
    own = {"cui": OWN, "name": "Thing of one's own", "tui": "T047|T033"}
    yield pa.chunked_array([pa.array([[own, {"cui": LUNG, "name": "LUNGS"}], None], MENTIONS)])
    yield pa.chunked_array([pa.array([[{**own, "name": "later"}]], SUGGESTED)])


def test_names_are_those_of_the_release_then_the_shipped_ones_then_those_of_the_linker() -> None:
    facts = ConceptFacts(frozenset({LUNG, OWN}), linked=linked)
    assert (facts.names[LUNG], facts.names[OWN]) == ("lung", "Thing of one's own")
    assert ConceptFacts(frozenset({LUNG}), {LUNG: "Right lung"}, linked).names[LUNG] == "Right lung"


def test_types_are_those_of_the_linker_then_the_shipped_ones_and_the_first_of_several_counts() -> None:
    facts = ConceptFacts(linked=linked)
    assert facts.type_of(OWN) == "Disease or Syndrome"
    assert facts.type_of(LUNG) == "Body Part, Organ, or Organ Component"
    assert facts.type_of("C7777777") == UNKNOWN_TYPE


def test_the_mentions_are_not_read_where_the_shipped_names_suffice() -> None:
    def unread() -> Iterator[pa.ChunkedArray]:
        raise AssertionError("read")

    facts = ConceptFacts(frozenset({LUNG}), linked=unread)
    assert facts.names[LUNG] == "lung"
    with pytest.raises(AssertionError, match="read"):
        _ = facts.types


def test_all_concepts_of_a_run_and_a_release_have_names_and_types(finished_demo: Path) -> None:
    with closing(load_recipe(finished_demo / "demo.toml").open()) as run:
        figures = of_run(run)
        used = {cui for cuis in figures.table["concepts_auto"].to_pylist() for cui in cuis or ()}
        assert used and all(figures.names.get(cui) for cui in used)
        types = {cui: figures.concepts.type_of(cui) for cui in used}
        assert UNKNOWN_TYPE not in types.values()
    with Release.open(finished_demo / "run" / "release") as release:
        published = of_release(release, "the release")
        assert {published.names[cui] for cui in used} == {figures.names[cui] for cui in used}
        assert {cui: published.concepts.type_of(cui) for cui in used} == types
