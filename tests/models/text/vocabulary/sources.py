"""Small source files in the formats of UMLS, OBO and MeSH, with invented contents except for identifiers and names."""

from __future__ import annotations

from pathlib import Path


def atom(
    cui: str, name: str, *, language: str = "ENG", ts: str = "P", stt: str = "PF", preferred: str = "Y",
    sab: str = "MSH", tty: str = "PT", suppress: str = "N", srl: str = "0",
) -> str:  # fmt: skip
    """Returns a row of MRCONSO.RRF."""
    cells = (cui, language, ts, "L1", stt, "S1", preferred, "A1", "", "", "", sab, tty, "X1", name, srl, suppress, "")
    return "|".join(cells) + "|\n"


def sty(cui: str, tui: str) -> str:
    """Returns a row of MRSTY.RRF."""
    return f"{cui}|{tui}|A1|Type|AT1||\n"


ATOMS = (
    atom("C0018787", "heart structure", ts="S", sab="SNOMEDCT_US", tty="SY", srl="9")
    + atom("C0018787", "Heart")
    + atom("C0018787", "HEART", ts="S", stt="VO", preferred="N")
    + atom("C0018787", "Cor", ts="S", sab="FMA", tty="SY", suppress="Y")
    + atom("C0018787", "Herz", language="GER", sab="MSHGER")
    + atom("C0032227", "Pleural effusion")
    + atom("C0032227", "Hydrothorax", ts="S", suppress="O")
    + atom("C0000001", "Behavior")
)
TYPES = sty("C0018787", "T023") + sty("C0032227", "T047") + sty("C0032227", "T046") + sty("C0000001", "T054")


def umls(folder: Path, atoms: str | bytes = ATOMS, types: str | bytes = TYPES) -> Path:
    """Writes the two tables into a folder and returns it."""
    folder.mkdir(exist_ok=True)
    for name, text in (("MRCONSO.RRF", atoms), ("MRSTY.RRF", types)):
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


OBO = """format-version: 1.2
ontology: hp.obo

[Term]
id: HP:0000118
name: Phenotypic abnormality

[Term]
id: HP:0002202
name: Pleural effusion
synonym: "Fluid around the \\"lung\\"" EXACT layperson []
synonym: "Old name" EXACT obsolete_synonym []
synonym: "Chest fluid" RELATED [orcid:1]
xref: UMLS:C0032227
xref: MESH:D010996 {source="HP:x"}
is_a: HP:0000118 ! Phenotypic abnormality

[Term]
id: HP:0002664
name: Neoplasm
xref: UMLS:C0027651
is_a: HP:0000118 ! Phenotypic abnormality

[Term]
id: HP:0000002
name: Without CUI

[Term]
id: HP:0000003
name: obsolete Thing
is_obsolete: true
xref: UMLS:C9999999

[Typedef]
id: part_of
name: part of
"""

GRAPH = {
    "graphs": [
        {
            "nodes": [
                {
                    "id": "http://purl.obolibrary.org/obo/MONDO_0001222",
                    "type": "CLASS",
                    "lbl": "pleural effusion disorder",
                    "meta": {
                        "synonyms": [
                            {"pred": "hasExactSynonym", "val": "effusion of pleura"},
                            {"pred": "hasNarrowSynonym", "val": "left effusion"},
                        ],
                        "xrefs": [{"val": "UMLS:C0032227"}, {"val": "DOID:1"}],
                    },
                },
                {"id": "http://purl.obolibrary.org/obo/MONDO_0005070", "type": "CLASS", "lbl": "neoplasm"},
                {
                    "id": "http://purl.obolibrary.org/obo/MONDO_0000002",
                    "type": "CLASS",
                    "lbl": "gone",
                    "meta": {"deprecated": True},
                },
                {"id": "http://purl.obolibrary.org/obo/RO_1", "type": "PROPERTY", "lbl": "part of"},
            ],
            "edges": [
                {
                    "sub": "http://purl.obolibrary.org/obo/MONDO_0001222",
                    "pred": "is_a",
                    "obj": "http://purl.obolibrary.org/obo/MONDO_0000001",
                }
            ],
        }
    ]
}

ASCII = """*NEWRECORD
RECTYPE = D
MH = Pleural Effusion
PRINT ENTRY = Effusion, Pleural|T047|NON|EQV|UNK (19XX)|abcdef
ENTRY = Effusions, Pleural
ENTRY = Malignant Effusion|T191|NRW|abd
MN = C08.528.652
ST = T047
AN =
UI = D010996

*NEWRECORD
MH = Heart
MN = A07.541
UI = D006321
"""

XML = """<?xml version="1.0"?>
<!DOCTYPE DescriptorRecordSet SYSTEM "https://www.nlm.nih.gov/databases/dtd/nlmdescriptorrecordset.dtd">
<DescriptorRecordSet LanguageCode="eng">
<DescriptorRecord DescriptorClass="1">
<DescriptorUI>D010996</DescriptorUI>
<DescriptorName><String>Pleural Effusion</String></DescriptorName>
<PharmacologicalActionList><PharmacologicalAction><DescriptorReferredTo>
<DescriptorUI>D999999</DescriptorUI><DescriptorName><String>Other</String></DescriptorName>
</DescriptorReferredTo></PharmacologicalAction></PharmacologicalActionList>
<TreeNumberList><TreeNumber>C08.528.652</TreeNumber></TreeNumberList>
<ConceptList>
<Concept PreferredConceptYN="Y"><ConceptUI>M1</ConceptUI>
<TermList><Term IsPermutedTermYN="N"><TermUI>T1</TermUI><String>Pleural Effusion</String></Term>
<Term IsPermutedTermYN="Y"><String>Effusion, Pleural</String></Term>
<Term IsPermutedTermYN="N"><String>Pleural fluid &amp; water</String></Term></TermList></Concept>
<Concept PreferredConceptYN="N">
<ConceptRelationList><ConceptRelation RelationName="NRW"/></ConceptRelationList>
<TermList><Term IsPermutedTermYN="N"><String>Malignant effusion</String></Term></TermList></Concept>
</ConceptList>
</DescriptorRecord>
</DescriptorRecordSet>
"""


def write(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path
