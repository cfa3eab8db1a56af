from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.base.errors import DataError
from roco.models.text import semantic_types
from roco.models.text.vocabulary import mesh
from tests.models.text.vocabulary.sources import ASCII, XML, write

TABLE = (
    "D000003\tAbattoirs\tAbattoir|House, Slaughter|Slaughter House\tJ01.576|J03.540\nD001921\tBrain\t\tA08.186.211\n"
)


def test_xml_gives_the_terms_of_the_preferred_concept(tmp_path: Path) -> None:
    (term,) = mesh.read(write(tmp_path, "desc.xml", XML)).terms
    assert (term.id, term.name) == ("MESH:D010996", "Pleural Effusion")
    assert term.synonyms == ("Pleural fluid & water",)
    assert (term.tuis, term.source, term.license) == (("T047",), "MeSH", "public domain (NLM)")


def test_narrower_concepts_are_taken_if_asked_for(tmp_path: Path) -> None:
    for name, text in (("desc.xml", XML), ("d.bin", ASCII)):
        path = write(tmp_path, name, text)
        assert mesh.read(path).left_out["narrow synonym"] == 1
        synonyms = [synonym.lower() for synonym in mesh.read(path, ("exact", "narrow")).terms[0].synonyms]
        assert "malignant effusion" in synonyms


def test_ascii_gives_entry_terms_and_types(tmp_path: Path) -> None:
    effusion, heart = mesh.read(write(tmp_path, "d2024.bin", ASCII)).terms
    assert (effusion.id, effusion.name, effusion.tuis) == ("MESH:D010996", "Pleural Effusion", ("T047",))
    assert effusion.synonyms == ("Effusions, Pleural",)
    assert heart.tuis == ("T023",)


def test_a_permuted_term_of_a_table_is_left_out(tmp_path: Path) -> None:
    read = mesh.read(write(tmp_path, "mesh.tsv", TABLE))
    assert read.terms[0].synonyms == ("Abattoir", "Slaughter House")
    assert read.left_out["permuted synonym"] == 1
    assert [term.tuis for term in read.terms] == [(), ("T023",)]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.txt", "", "is not a file of MeSH"),
        ("a.bin", "", "contains no descriptors"),
        ("a.bin", "MH = Heart\n", "line 1: not MeSH in ASCII"),
        ("a.bin", ASCII + "*NEWRECORD\nMH = Lu", "line 16: record without UI"),
        ("a.bin", ASCII + "*NEWREC", "line 16: not a line 'KEY = value': '*NEWREC'"),
        ("a.tsv", "D1\tHeart\n", "line 1: 2 cells"),
        ("a.tsv", "X1\tHeart\t\t\n", "invalid descriptor id 'X1'"),
        ("a.xml", XML[:700], "invalid XML"),
        ("a.xml", "", "invalid XML (no element found)"),
        ("a.xml", "<html/>", "line 1: not descriptors of MeSH: its root is 'html'"),
        ("a.xml", "<DescriptorRecordSet/>", "contains no descriptors"),
        ("a.xml", XML.replace("<DescriptorUI>D010996</DescriptorUI>", ""), "descriptor without id or name"),
        ("a.xml", '<?xml version="1.0" encoding="nonsense"?><a/>', "unknown encoding"),
        ("a.xml", "<DescriptorRecordSet>" + "<a>" * 100, "elements nested deeper than 50"),
    ],
)
def test_a_file_that_is_not_mesh_is_an_error(tmp_path: Path, name: str, text: str, says: str) -> None:
    with pytest.raises(DataError) as caught:
        mesh.read(write(tmp_path, name, text))
    assert says in caught.value.message and "\n" not in caught.value.message and caught.value.hint


BOMB = '<!DOCTYPE DescriptorRecordSet [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
SECRETS = '<!DOCTYPE DescriptorRecordSet [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
PARAMETER = '<!DOCTYPE DescriptorRecordSet [<!ENTITY % a SYSTEM "http://localhost/x.dtd"> %a;]>'


@pytest.mark.parametrize("doctype", [BOMB, SECRETS, PARAMETER])
def test_xml_that_declares_entities_is_refused(tmp_path: Path, doctype: str) -> None:
    text = XML[XML.index("<DescriptorRecordSet") :].replace("Pleural Effusion", "&a;")
    with pytest.raises(DataError, match="line 1: the XML declares entities"):
        mesh.read(write(tmp_path, "bomb.xml", doctype + text))


@given(st.binary(max_size=200), st.integers(0, len(XML)))
def test_any_damage_is_read_or_one_error(tmp_path: Path, junk: bytes, at: int) -> None:
    for name, text in (("x.xml", XML), ("x.bin", ASCII), ("x.tsv", TABLE)):
        data = text.encode()
        try:
            mesh.read(write(tmp_path, name, data[:at] + junk + data[at:]))
        except DataError as err:
            assert "\n" not in err.message and err.hint


def test_the_type_is_that_of_the_first_row_of_the_table() -> None:
    assert mesh.type_of(["C08.381.540", "C04.588.894"]) == ("T191",)
    assert mesh.type_of(["C041.5"]) == ("T047",)
    assert mesh.type_of(["Z01.1"]) == ()
    assert {tui for _, tui in mesh._trees()} <= set(semantic_types.load())


@pytest.mark.shared
def test_the_real_descriptors_are_read(shared: Path) -> None:
    folder = shared / "data" / "terminology" / "mesh"
    terms = {term.id: term for term in mesh.read(folder / "mesh_descriptors_labels_synonyms_trees.tsv.gz").terms}
    assert terms["MESH:D010996"].name == "Pleural Effusion"
    assert terms["MESH:D006321"].tuis == ("T023",)
