"""Vocabulary files of users: UMLS, OBO, MeSH, CSV, tables of CUIs, and the cards of vocabularies."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

from roco.base.errors import DataError
from roco.base.ids import is_cui
from roco.models.text.linking import cui_table
from roco.models.text.linking.unpacked import unpacked
from roco.models.text.vocabulary import build, mapping, mesh, obo, umls
from roco.models.text.vocabulary.records import Read
from roco.models.text.vocabulary.table import load
from roco.release.retraction_lists import read_list
from tests.attacks.packing import zipped
from tests.fuzz import binary, mutations
from tests.fuzz.target import Format, Target, Violation, require

_CSV = b"""cui,name,synonyms,tui,source,license
C0040405,X-Ray Computed Tomography,CT|CAT scan,T060,SNOMEDCT_US|MSH,
C0817096,Chest,Thorax,T029,MSH,a
"""
_CONSO = (
    b"C0040405|ENG|P|L1|PF|S1|Y|A1||M1|D1|MSH|MH|D014057|Tomography, X-Ray Computed|0|N|256|\n"
    b"C0817096|ENG|S|L2|PF|S2|Y|A2|||D2|SNOMEDCT_US|PT|51185008|Thorax|9|N||\n"
)
_STY = b"C0040405|T060|B1.3.1.1|Diagnostic Procedure|AT1|256|\nC0817096|T029|A1|Body Location or Region|AT2||\n"
_OBO = b"""format-version: 1.2
data-version: releases/2024
ontology: doid

[Term]
id: DOID:1
name: pneumonia
synonym: "lung inflammation" EXACT []
synonym: "x\\"y" BROAD [A:1, B:2]
xref: UMLS_CUI:C0032285
is_a: DOID:4 ! disease

[Term]
id: DOID:4
name: disease
is_obsolete: true

[Typedef]
id: part_of
"""
_GRAPH = json.dumps({"graphs": [{"id": "x", "meta": {"version": "1"}, "nodes": [
    {"id": "http://purl.obolibrary.org/obo/HP_1", "lbl": "Pneumonia", "type": "CLASS",
     "meta": {"xrefs": [{"val": "UMLS:C0032285"}], "synonyms": [{"pred": "hasExactSynonym", "val": "x"}]}},
    {"id": "http://purl.obolibrary.org/obo/HP_2", "lbl": "Old", "type": "CLASS", "meta": {"deprecated": True}},
], "edges": [{"sub": "a", "pred": "is_a", "obj": "b"}]}]}).encode()  # fmt: skip
_MESH = b"""*NEWRECORD
RECTYPE = D
MH = Calcimycin
ENTRY = A-23187|T109|T195|LAB|NRW|NLM (1991)|900308|abbcdef
PRINT ENTRY = Calc
MN = D03.633.100.221.173
UI = D000001

*NEWRECORD
RECTYPE = D
MH = Temefos
MN = D02.705
UI = D000002
"""
_MESH_XML = b"""<?xml version="1.0"?><DescriptorRecordSet LanguageCode="eng">
<DescriptorRecord DescriptorClass="1">
<DescriptorUI>D000001</DescriptorUI>
<DescriptorName><String>Calcimycin</String></DescriptorName><TreeNumberList><TreeNumber>D03.6</TreeNumber></TreeNumberList><ConceptList>
<Concept PreferredConceptYN="Y"><ConceptUI>M1</ConceptUI>
<TermList><Term RecordPreferredTermYN="Y" LexicalTag="NON"><TermUI>T1</TermUI>
<String>Calcimycin</String></Term></TermList></Concept></ConceptList></DescriptorRecord></DescriptorRecordSet>"""
_MESH_TSV = b"id\tname\tsynonyms\ttrees\nD000001\tCalcimycin\tA-23187|x\tD03.633\nD000002\tTemefos\t\tD02\n"
WORDS = ("C0040405", "C0000000", "C123", "T060", "T999", "ENG", "MSH", "UMLS:C0032285", "EXACT", "|", "||", "|\n",
         "\r\n", "[Term]", "id: ", "name: ", "xref: UMLS:", "is_obsolete: true", "MH = ", "UI = ", "D000001",
         "cui,name")  # fmt: skip


def make() -> Target:
    promise = (
        "any file: concepts with valid CUIs and printable names, and the vocabulary that is built of them can be "
        "saved and "
        "loaded again, or an error with file and place"
    )
    change = mutations.text(WORDS)
    graph = mutations.json_text(("nodes", "graphs", "lbl", "meta", "xrefs", "UMLS:C0032285"))
    records = mutations.xml(("DescriptorRecord", "Concept", "Term", "String", "TreeNumber"), ("D000001", "D03.6"))
    return Target("vocabularies", promise, (
        Format("CSV", lambda: [_CSV], _source("v.csv", build.of_csv), change),
        Format("gzipped CSV", lambda: [gzip.compress(_CSV)], _source("v.csv.gz", build.of_csv),
            binary.gzipped(change)),
        Format("MRCONSO.RRF", lambda: [_CONSO], _umls("MRCONSO.RRF"), change),
        Format("MRSTY.RRF", lambda: [_STY], _umls("MRSTY.RRF"), change),
        Format("gzipped MRCONSO.RRF", lambda: [gzip.compress(_CONSO)], _umls("MRCONSO.RRF.gz"),
            binary.gzipped(change)),
        Format("OBO", lambda: [_OBO], _source("x.obo", obo.read), change),
        Format("OBO graph", lambda: [_GRAPH], _source("x.json", obo.read), graph),
        Format("MeSH", lambda: [_MESH], _source("d2026.bin", mesh.read), change),
        Format("MeSH as XML", lambda: [_MESH_XML], _source("desc2026.xml", mesh.read), records),
        Format("MeSH as a table", lambda: [_MESH_TSV], _source("mesh.tsv", mesh.read), change),
        Format("table of CUIs", lambda: [b"id,cui\nUBERON:1,C0817096\nHP:2,C0032285\n"], _mapping, change),
        Format("table of SNOMED CT", lambda: [b"snomed,cui,name\n51185008,C0817096,Thorax\n"], _snomed, change),
        Format("card", lambda: [b'{"sha256": "a", "file": "v.csv"}'], _card, mutations.json_text(("sha256", "file"))),
        Format("list of retracted papers", lambda: [b"DOI,PMID,PMCID\n10.1/x,1,PMC1\n", b"10.1/x\nPMC1\n"],
            _retractions, change),
        Format("model pack", lambda: [zipped({"pack/cdb.dat": b"x", "pack/vocab.dat": b"y"})], _zip,
            binary.zip_members),
    ))  # fmt: skip


def _source(name: str, read: Callable[[Path], Read]) -> Callable[[bytes, Path], None]:
    def write_and_read(data: bytes, folder: Path) -> None:
        path = folder / name
        path.write_bytes(data)
        _build(read(path), folder)

    return write_and_read


def _build(read: Read, folder: Path) -> None:
    """Builds a vocabulary of a source with one of the sources' own, saves it and loads it again."""
    try:
        vocabulary, _ = build.build([read])
    except DataError:
        return
    require(all(is_cui(concept.cui) for concept in vocabulary.concepts), "CUIs are valid")
    names = [name for concept in vocabulary.concepts for name in (concept.name, *concept.synonyms)]
    require(all(name.strip() and name.isprintable() for name in names), "names are printable")
    saved = folder / "saved.csv"
    build.table.save(vocabulary, saved)
    try:
        loaded = load(saved)
    except DataError as err:
        raise Violation(f"a saved vocabulary can be loaded, but: {err}") from err
    require(loaded.concepts == vocabulary.concepts, "a saved vocabulary is loaded unchanged")


def _umls(name: str) -> Callable[[bytes, Path], None]:
    def read(data: bytes, folder: Path) -> None:
        if not name.startswith("MRCONSO"):
            (folder / "MRCONSO.RRF").write_bytes(_CONSO)
        if not name.startswith("MRSTY"):
            (folder / "MRSTY.RRF").write_bytes(_STY)
        (folder / name).write_bytes(data)
        _build(umls.read(folder), folder)

    return read


def _mapping(data: bytes, folder: Path) -> None:
    path = folder / "cuis.csv"
    path.write_bytes(data)
    found = mapping.read_table(path)
    require(all(is_cui(cui) for cuis in found.values() for cui in cuis), "CUIs are valid")


def _snomed(data: bytes, folder: Path) -> None:
    path = folder / "snomed.csv"
    path.write_bytes(data)
    cui_table.load(path)


def _card(data: bytes, folder: Path) -> None:
    path = folder / "v.csv"
    path.write_bytes(_CSV)
    (folder / "v.json").write_bytes(data)
    load(path)


def _retractions(data: bytes, folder: Path) -> None:
    for name in ("list.csv", "list.txt"):
        path = folder / name
        path.write_bytes(data)
        for id in read_list(path):
            require(id.startswith(("doi:", "pmid:", "pmcid:")), "an id has its kind")


def _zip(data: bytes, folder: Path) -> None:
    path = folder / "pack.zip"
    path.write_bytes(data)
    with unpacked(path) as inside:
        for one in inside.rglob("*"):
            require(one.resolve().is_relative_to(inside.resolve()), "nothing is extracted outside the folder")
    require([one.name for one in folder.iterdir()] == ["pack.zip"], "nothing is left beside the zip")
