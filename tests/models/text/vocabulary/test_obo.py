from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.base.errors import DataError, UsageError
from roco.models.text import semantic_types
from roco.models.text.vocabulary import obo, obo_types
from tests.models.text.vocabulary.sources import GRAPH, OBO, write


def test_an_obo_file_gives_names_synonyms_cuis_and_types(tmp_path: Path) -> None:
    read = obo.read(write(tmp_path, "hp.obo", OBO))
    _, effusion, neoplasm, without = read.terms
    assert (effusion.id, effusion.name, effusion.cuis) == ("HP:0002202", "Pleural effusion", ("C0032227",))
    assert effusion.synonyms == ('Fluid around the "lung"',)
    assert effusion.xrefs == ("MESH:D010996",)
    assert (effusion.tuis, neoplasm.tuis) == (("T033",), ("T191",))
    assert (effusion.source, effusion.license) == ("HPO", "HPO license (free with attribution)")
    assert without.cuis == ()
    assert (read.rows, read.left_out["obsolete term"], read.left_out["related synonym"]) == (5, 1, 1)


def test_synonyms_of_other_scopes_are_taken_if_asked_for(tmp_path: Path) -> None:
    read = obo.read(write(tmp_path, "hp.obo", OBO), ("exact", "related"))
    assert read.terms[1].synonyms == ('Fluid around the "lung"', "Chest fluid")
    with pytest.raises(UsageError, match="unknown scope of synonyms 'exakt'"):
        obo.read(tmp_path / "hp.obo", ("exakt",))


def test_a_cross_reference_to_another_concept_of_mondo_is_not_taken(tmp_path: Path) -> None:
    text = OBO.replace("UMLS:C0032227", 'UMLS:C0032227 {source="MONDO:relatedTo"}')
    assert obo.read(write(tmp_path, "hp.obo", text)).terms[1].cuis == ()
    text = OBO.replace("UMLS:C0032227", 'UMLS:C0032227 {source="MONDO:equivalentTo"}')
    assert obo.read(write(tmp_path, "hp.obo", text)).terms[1].cuis == ("C0032227",)


def zstd(text: str) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(text.encode())
    return bytes(sink.getvalue())


def test_an_obo_graph_gives_the_same_as_text(tmp_path: Path) -> None:
    for path in (
        write(tmp_path, "mondo.json", json.dumps(GRAPH)),
        write(tmp_path, "mondo.json.gz", gzip.compress(json.dumps(GRAPH).encode())),
        write(tmp_path, "mondo.json.zst", zstd(json.dumps(GRAPH))),
    ):
        effusion, neoplasm = obo.read(path).terms
        assert (effusion.id, effusion.cuis, effusion.xrefs) == ("MONDO:0001222", ("C0032227",), ("DOID:1",))
        assert effusion.synonyms == ("effusion of pleura",)
        assert (effusion.tuis, neoplasm.tuis) == (("T047",), ("T191",))
        assert effusion.source == "Mondo"


def test_lists_and_dictionaries_of_terms_are_read(tmp_path: Path) -> None:
    listed = [
        {"id": "0005070", "namespace": "mondo", "name": "neoplasm", "xrefs": [{"namespace": "UMLS", "id": "C0027651"}]}
    ]
    (term,) = obo.read(write(tmp_path, "mondo.json", json.dumps(listed))).terms
    assert (term.id, term.cuis, term.tuis) == ("MONDO:0005070", ("C0027651",), ("T191",))
    keyed = {"UBERON:0000948": {"label": "heart", "synonyms": ["cor"], "ancestors": {"UBERON:0000062": 1}}}
    (term,) = obo.read(write(tmp_path, "uberon.json", json.dumps(keyed))).terms
    assert (term.id, term.name, term.synonyms, term.tuis) == ("UBERON:0000948", "heart", ("cor",), ("T023",))


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.obo", "", "is not an OBO file"),
        ("a.obo", "<html>no</html>\n", "line 1: not an OBO file"),
        ("a.obo", "cui,name\n", "line 1: not an OBO file"),
        ("a.obo", OBO[: OBO.index("EXACT layperson")], "line 11: invalid synonym"),
        ("a.obo", OBO[: OBO.index(": HP:0002202")], "line 9: not a line 'tag: value': 'id'"),
        ("a.obo", "format-version: 1.2\n\n[Term]\nid: HP:1\nname: A\nis_a: ", "line 6: 'is_a:' without a value"),
        ("a.obo", "format-version: 1.2\n\n[Term]\nid: HP:1\nname: A\ncomment:", "line 6: 'comment:' without a value"),
        ("a.obo", "format-version: 1.2\n\n[Term]\nid: HP:1\nname:\n\n[Term]\n", "line 5: 'name:' without a value"),
        ("a.obo", OBO.replace("id: HP:0002202\n", ""), "line 8: term without an id"),
        ("a.obo", "format-version: 1.2\n", "contains no terms"),
        ("a.obo", OBO.encode("utf-16"), "is not UTF-8"),
        ("a.json", "{", "line 1: invalid JSON"),
        ("a.json", "[" * 200_000, "is not an ontology (JSON)"),
        ("a.json", "[1, 2]", "is not an ontology (JSON)"),
        ("a.json", '{"a": 1}', "is not an ontology (JSON)"),
        ("a.json", '{"graphs": 3}', "is not an ontology (JSON)"),
        ("a.json", "\xff".encode("latin-1"), "is not UTF-8"),
        ("a.json.gz", b"no gzip", "corrupt file"),
    ],
)
def test_a_file_that_is_no_ontology_is_an_error(tmp_path: Path, name: str, text: str | bytes, says: str) -> None:
    with pytest.raises(DataError) as caught:
        obo.read(write(tmp_path, name, text))
    assert says in caught.value.message and "\n" not in caught.value.message and caught.value.hint


@given(st.binary(max_size=200), st.integers(0, len(OBO)))
def test_any_damage_of_an_ontology_is_read_or_one_error(tmp_path: Path, junk: bytes, at: int) -> None:
    data = OBO.encode()
    for path in (write(tmp_path, "x.obo", data[:at] + junk + data[at:]), write(tmp_path, "x.json", junk)):
        try:
            obo.read(path)
        except DataError as err:
            assert "\n" not in err.message and err.hint


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["graphs", "nodes", "edges", "id", "lbl", "meta", "xrefs", "val", "name", "label", "ancestors"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(JSON)
def test_any_json_is_an_ontology_or_one_error(tmp_path: Path, value: object) -> None:
    try:
        obo.read(write(tmp_path, "x.json", json.dumps(value)))
    except DataError as err:
        assert "\n" not in err.message


def test_terms_that_are_kinds_of_each_other_have_the_type_of_their_ontology() -> None:
    parents = {"HP:1": ["HP:2"], "HP:2": ["HP:1"]}
    assert obo_types.types_of("HP:1", parents) == ("T033",)
    assert obo_types.types_of("XX:1", {}) == ()


def test_the_listed_types_are_types_of_umls() -> None:
    assert set(obo_types.roots().values()) <= set(semantic_types.load())


@pytest.mark.slow
@pytest.mark.shared
def test_real_ontologies_are_read(shared: Path) -> None:
    folder = shared / "data" / "terminology" / "obo"
    hpo = {term.id: term for term in obo.read(folder / "hp.obo.gz").terms}
    assert hpo["HP:0002202"].cuis == ("C0032227",)
    mondo = {term.id: term for term in obo.read(folder / "mondo.json.gz").terms}
    assert mondo["MONDO:0005070"].tuis == ("T191",)
    uberon = {term.id: term for term in obo.read(folder / "UBERON-ontology-v2026-04-01.json.zst").terms}
    assert uberon["UBERON:0000948"].name == "heart" and uberon["UBERON:0000948"].tuis == ("T023",)
    doid = {term.id: term for term in obo.read(folder / "doid.json.gz").terms}
    assert doid["DOID:255"].cuis == ("C0018916",)
