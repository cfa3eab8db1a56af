"""What `roco vocab` prints: the report of a vocabulary, and concepts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from roco.cli.output import count, safe
from roco.cli.tables import console, print_table, table

if TYPE_CHECKING:
    from roco.models.text.vocabulary.table import Concept, Vocabulary

MOST = 5
"""Examples of each conflict; --json prints more."""


def print_report(card: Mapping[str, Any]) -> None:
    """Prints sizes, sources, what was left out, overlaps, licenses, conflicts."""
    print(f"{count('concept', card['concepts'])}, {count('name', card['names'])}")
    if card["other_types"]:
        print(f"{count('concept', card['other_types'])} of other semantic types left out")
    if card["without_type"]:
        print(f"{count('concept', card['without_type'])} without a semantic type")
    sources = [
        {"source": " + ".join(source["files"]), "rows": source["rows"], "left out": _reasons(source["left_out"])}
        for source in card["sources"]
    ]
    _section("Sources", sources, {"source": "source", "rows": "rows", "left out": "left out"})
    origins = [{"source": origin, "concepts": n} for origin, n in _descending(card["origins"])]
    _section("Concepts by source", origins, {"source": "source", "concepts": "concepts"})
    overlaps = [{"sources": f"{one}, {other}", "concepts": n} for one, other, n in card["overlaps"]]
    _section("Overlaps", overlaps, {"sources": "sources", "concepts": "concepts in both"})
    licenses = [{"license": license, "concepts": n} for license, n in _descending(card["licenses"])]
    _section("Licenses", licenses, {"license": "license", "concepts": "concepts"})
    _conflicts("with different types by source", card["type_conflicts"], card["examples_of_type_conflicts"])
    _conflicts("whose sources share no name", card["name_conflicts"], card["examples_of_name_conflicts"])
    if card["shared_names"]:
        print(f"\n{count('name', card['shared_names'])} of several concepts:")
        for shared in card["examples_of_shared_names"][:MOST]:
            cuis = shared["cuis"]
            more = f" … {len(cuis) - MOST} more" if len(cuis) > MOST else ""
            print(safe(f"  {shared['name']}: {', '.join(cuis[:MOST])}{more}"))


def _section(title: str, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> None:
    if rows:
        print(f"\n{title}")
        print_table(console(), table(rows, columns))


def _descending(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _reasons(left_out: Mapping[str, int]) -> str:
    return ", ".join(f"{reason}: {n:,}" for reason, n in _descending(left_out))


def _conflicts(what: str, n: int, examples: Sequence[Mapping[str, Any]]) -> None:
    if not n:
        return
    print(f"\n{count('concept', n)} {what}:")
    for example in examples[:MOST]:
        given = ", ".join(f"{origin}: {value}" for origin, value in example["given"].items())
        print(safe(f"  {example['cui']} {example['name']} ({given})"))


def print_concepts(concepts: Sequence[Concept]) -> None:
    """Prints concepts, one line for each fact."""
    from roco.models.text import semantic_types

    known = semantic_types.load()
    for at, concept in enumerate(concepts):
        print(safe(("\n" if at else "") + f"{concept.cui} {concept.name}"))
        types = ", ".join(f"{tui} {known[tui].name}" for tui in concept.tuis)
        facts = {
            "types": types or "none",
            "synonyms": ", ".join(concept.synonyms) or "none",
            "source": concept.source.replace("|", ", ") or "not stated",
            "license": concept.license.replace("|", ", ") or "not stated",
        }
        for fact, value in facts.items():
            print(safe(f"  {fact}: {value}"))


def summary(vocabulary: Vocabulary) -> dict[str, Any]:
    """Returns the numbers of concepts and names, and concepts by semantic type and source."""
    types = Counter(tui for concept in vocabulary.concepts for tui in concept.tuis or ("",))
    sources = Counter(source for concept in vocabulary.concepts for source in concept.source.split("|"))
    return {
        "concepts": len(vocabulary.concepts),
        "names": sum(len(concept.names) for concept in vocabulary.concepts),
        "types": dict(sorted(types.items(), key=lambda item: (-item[1], item[0]))),
        "sources": dict(sorted(sources.items(), key=lambda item: (-item[1], item[0]))),
    }


def print_summary(counted: Mapping[str, Any]) -> None:
    """Prints what `summary` returns."""
    from roco.models.text import semantic_types

    known = semantic_types.load()
    print(f"{count('concept', counted['concepts'])}, {count('name', counted['names'])}")
    types = [
        {"tui": tui or "none", "name": known[tui].name if tui else "", "concepts": n}
        for tui, n in counted["types"].items()
    ]
    _section("Concepts by semantic type", types, {"tui": "type", "name": "name", "concepts": "concepts"})
    sources = [{"source": source or "not stated", "concepts": n} for source, n in counted["sources"].items()]
    _section("Concepts by source", sources, {"source": "source", "concepts": "concepts"})


def print_learned(card: Mapping[str, Any]) -> None:
    """Prints what a model was learned from, and its scores on articles left out."""
    rows, articles = count("caption", card["rows"]), count("article", card["articles"])
    print(f"{count('concept', card['concepts'])} learned from {rows} of {articles}")
    print("\nF1 on articles left out, averaged over captions")
    parts = [
        {"part": part, "f1": f"{score['f1']:.3f}", "interval": f"{score['low']:.3f} to {score['high']:.3f}"}
        for part, score in card["held_out"].items()
    ]
    print_table(console(), table(parts, {"part": "concepts", "f1": "F1", "interval": "95 % interval"}))
