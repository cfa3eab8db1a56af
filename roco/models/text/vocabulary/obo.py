"""Reads OBO ontologies such as HPO, Mondo, DOID and UBERON: names, synonyms, and UMLS concepts by cross-reference."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from roco.base.errors import DataError, UsageError, nearest
from roco.base.files import file_digest
from roco.base.ids import is_cui
from roco.base.progress import NullProgress, Progress
from roco.models.text.vocabulary import obo_json, obo_nodes
from roco.models.text.vocabulary.names import usable
from roco.models.text.vocabulary.obo_nodes import Node
from roco.models.text.vocabulary.obo_types import ONTOLOGIES, types_of
from roco.models.text.vocabulary.records import Read, Term

SCOPES = ("exact", "related", "broad", "narrow")
"""How a synonym relates to its term; by default the exact ones are taken."""

_PREFIXES = {"MSH": "MESH", "MESH": "MESH", "UMLS_CUI": "UMLS", "NCI": "NCIT"}


def read(path: Path, scopes: tuple[str, ...] = ("exact",), progress: Progress | None = None) -> Read:
    """Reads an ontology: .obo, or .json as an OBO graph, also with .gz or .zst at the end of the name.

    scopes: of the synonyms that are taken. A file without scopes has exact synonyms only. Terms without a UMLS
    cross-reference are read as well: another source may know their CUI. Raises DataError with the line.
    """
    for scope in scopes:
        if scope not in SCOPES:
            raise UsageError(f"unknown scope of synonyms {scope!r}", nearest(scope, SCOPES))
    (progress or NullProgress()).start(f"reading {path.name}", None)
    plain = path.with_suffix("") if path.suffix.lower() in (".gz", ".zst") else path
    found = list(obo_json.nodes(path) if plain.suffix.lower() == ".json" else obo_nodes.nodes(path))
    if not found:
        raise DataError(f"{path} contains no terms", "give an ontology such as hp.obo")
    parents = {node.id: node.parents for node in found}
    left_out = Counter[str]()
    terms = []
    for node in found:
        if node.is_obsolete or node.name.startswith("obsolete "):
            left_out["obsolete term"] += 1
            continue
        term = _term(node, scopes, left_out)
        if term is not None:
            terms.append(term._replace(tuis=types_of(node.id, parents)))
    return Read("obo", {path.name: file_digest(path)}, {"scopes": scopes}, len(found), left_out, terms)


def _term(node: Node, scopes: tuple[str, ...], left_out: Counter[str]) -> Term | None:
    """Returns a term with the names that a vocabulary can contain; None without any."""
    given = [node.name]
    for name, scope in node.synonyms:
        if scope.lower() in scopes:
            given.append(name)
        else:
            left_out[f"{scope.lower()} synonym"] += 1
    names = usable(given, left_out)
    if not names:
        left_out["term without a usable name"] += 1
        return None
    xrefs = dict.fromkeys(_normal(xref) for xref in node.xrefs)
    cuis = [xref.removeprefix("UMLS:") for xref in xrefs if xref.startswith("UMLS:")]
    left_out["invalid CUI"] += sum(not is_cui(cui) for cui in cuis)
    prefix = node.id.partition(":")[0]
    ontology = ONTOLOGIES.get(prefix)
    return Term(
        node.id, names[0], names[1:], tuple(filter(is_cui, cuis)),
        tuple(xref for xref in xrefs if not xref.startswith("UMLS:")), (),
        ontology.source if ontology else prefix, ontology.license if ontology else "",
    )  # fmt: skip


def _normal(xref: str) -> str:
    """Returns a cross-reference with the prefix that is used for its source here."""
    prefix, colon, id = xref.partition(":")
    return f"{_PREFIXES.get(prefix.upper(), prefix)}{colon}{id}"
