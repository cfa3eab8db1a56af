from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

import pytest

from roco.base.errors import DataError
from roco.models.text.vocabulary import mesh, obo, table, umls
from roco.models.text.vocabulary.build import Options, build, of_csv
from roco.models.text.vocabulary.records import Read
from roco.models.text.vocabulary.report import Report
from roco.models.text.vocabulary.table import Concept, Vocabulary
from tests.models.text.vocabulary import sources
from tests.models.text.vocabulary.sources import ASCII, GRAPH, OBO, write

HEADER = "cui,name,synonyms,tui,source,license\n"
MINE = HEADER + "C0018787,Heart,cardiac|heart structure,T023,mine,CC0 1.0\nC0032227,PE sign,,T033,mine,CC0 1.0\n"


def files(folder: Path) -> list[Read]:
    """Returns one source of each kind."""
    return [
        obo.read(write(folder, "hp.obo", OBO)),
        obo.read(write(folder, "mondo.json", json.dumps(GRAPH))),
        mesh.read(write(folder, "d.bin", ASCII)),
        umls.read(sources.umls(folder / "umls")),
        of_csv(write(folder, "mine.csv", MINE)),
    ]


def built(sources: list[Read], options: Options | None = None) -> tuple[Vocabulary, Report]:
    return build(sources, options)


def test_sources_are_merged_by_cui_and_keep_their_names_and_licenses(tmp_path: Path) -> None:
    vocabulary, _ = built(files(tmp_path))
    assert [concept.cui for concept in vocabulary.concepts] == ["C0000001", "C0018787", "C0027651", "C0032227"]
    effusion = vocabulary.by_cui["C0032227"]
    assert effusion.name == "PE sign"
    assert effusion.synonyms == (
        "Pleural effusion", 'Fluid around the "lung"', "pleural effusion disorder", "effusion of pleura",
        "Effusions, Pleural",
    )  # fmt: skip
    assert effusion.source == "mine|UMLS:MSH|HPO|Mondo|MeSH"
    assert effusion.license == (
        "CC0 1.0|UMLS license, category 0|HPO license (free with attribution)|CC BY 4.0|public domain (NLM)"
    )


def test_name_and_types_are_those_of_the_most_trusted_source(tmp_path: Path) -> None:
    everything = files(tmp_path)
    assert built(everything)[0].by_cui["C0032227"].tuis == ("T033",)
    without_own = built(everything[:-1])[0].by_cui["C0032227"]
    assert (without_own.name, without_own.tuis) == ("Pleural effusion", ("T046", "T047"))
    ontologies = built(everything[:2])[0].by_cui["C0032227"]
    assert (ontologies.name, ontologies.tuis) == ("Pleural effusion", ("T047",))


def test_the_order_of_sources_decides_nothing(tmp_path: Path) -> None:
    results = [built(list(order)) for order in list(permutations(files(tmp_path)))[::17]]
    assert all(vocabulary == results[0][0] for vocabulary, _ in results)
    assert all(report.origins == results[0][1].origins for _, report in results)


def test_mesh_gets_its_cuis_by_cross_references_of_an_ontology(tmp_path: Path) -> None:
    read = mesh.read(write(tmp_path, "d.bin", ASCII))
    vocabulary, report = built([obo.read(write(tmp_path, "hp.obo", OBO)), read])
    assert "Effusions, Pleural" in vocabulary.by_cui["C0032227"].synonyms
    assert report.sources[1].left_out == {"narrow synonym": 1, "no CUI": 1, "permuted synonym": 1}
    with pytest.raises(DataError, match=r"no concept is left \(no CUI: 2"):
        built([mesh.read(write(tmp_path, "d.bin", ASCII))])


def test_a_cross_reference_to_several_concepts_is_not_followed(tmp_path: Path) -> None:
    text = OBO.replace("xref: UMLS:C0027651\n", "xref: UMLS:C0027651\nxref: MESH:D010996\n")
    read = mesh.read(write(tmp_path, "d.bin", ASCII))
    renamed = text.replace("name: Pleural effusion", "name: Effusion of pleura")
    _, report = built([obo.read(write(tmp_path, "hp.obo", renamed)), read])
    assert report.sources[1].left_out["several CUIs by cross-reference"] == 1
    same_name, _ = built([obo.read(write(tmp_path, "hp.obo", text)), mesh.read(tmp_path / "d.bin")])
    assert "MeSH" in same_name.by_cui["C0032227"].source and "MeSH" not in same_name.by_cui["C0027651"].source


def test_a_table_gives_terms_their_cuis(tmp_path: Path) -> None:
    cuis = write(tmp_path, "cuis.csv", "id,cui\nMESH:D006321,C0018787\n")
    vocabulary, _ = built([mesh.read(write(tmp_path, "d.bin", ASCII))], Options(cuis=(cuis,)))
    assert [concept.cui for concept in vocabulary.concepts] == ["C0018787"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("cui\n", "line 1: missing column 'id'"),
        ("id,cui\na,C1\n", "line 2: invalid CUI 'C1'"),
        ("id,cui\na\n", "line 2: 1 cells, but 2 columns"),
        ("id,cui\n,C0000001\n", "line 2: incomplete row"),
        ('id,cui\n"a', "line 2: unexpected end of data"),
    ],
)
def test_a_damaged_table_of_cuis_is_an_error(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        built([mesh.read(write(tmp_path, "d.bin", ASCII))], Options(cuis=(write(tmp_path, "cuis.csv", text),)))


def test_terms_get_cuis_by_name_only_if_asked_for(tmp_path: Path) -> None:
    def heart(by_name: bool, kept: slice) -> Concept:
        return built(files(tmp_path)[kept], Options(by_name=by_name))[0].by_cui["C0018787"]

    assert "MeSH" not in heart(False, slice(2, 5)).source
    assert "MeSH" in heart(True, slice(2, 5)).source
    assert "MeSH" in heart(True, slice(2, 4)).source  # by a name of UMLS


def test_a_name_of_several_concepts_gives_no_cui(tmp_path: Path) -> None:
    own = of_csv(write(tmp_path, "mine.csv", HEADER + "C0000007,Heart,,,,\nC0000008,heart,,,,\n"))
    _, report = built([own, mesh.read(write(tmp_path, "d.bin", ASCII))], Options(by_name=True))
    assert report.sources[1].left_out["no CUI"] == 2
    assert (report.shared_names, report.examples_of_shared_names[0].cuis) == (1, ("C0000007", "C0000008"))


def test_a_term_of_several_cuis_keeps_those_that_another_source_confirms(tmp_path: Path) -> None:
    text = OBO.replace("xref: UMLS:C0032227\n", "".join(f"xref: UMLS:C003222{n}\n" for n in range(6, 10)))
    alone = obo.read(write(tmp_path, "hp.obo", text))
    _, report = built([alone])
    assert report.sources[0].left_out["more than 3 CUIs"] == 1
    graph = json.dumps(GRAPH).replace("DOID:1", "HP:0002202")
    both = built([obo.read(tmp_path / "hp.obo"), obo.read(write(tmp_path, "mondo.json", graph))])[0]
    assert [concept.cui for concept in both.concepts] == ["C0027651", "C0032227"]


def test_concepts_of_other_types_are_left_out(tmp_path: Path) -> None:
    vocabulary, report = built(files(tmp_path), Options(types=frozenset({"T023"})))
    assert [concept.cui for concept in vocabulary.concepts] == ["C0018787"]
    assert report.other_types == 3


def test_the_report_counts_overlaps_and_conflicts(tmp_path: Path) -> None:
    _, report = built(files(tmp_path))
    assert report.origins == {"UMLS": 3, "HPO": 2, "mine.csv": 2, "MeSH": 1, "Mondo": 1}
    assert ("HPO", "Mondo", 1) in report.overlaps and ("UMLS", "mine.csv", 2) in report.overlaps
    (types,) = report.examples_of_type_conflicts
    assert types.cui == "C0032227"
    assert types.given == {"MeSH": "T047", "Mondo": "T047", "UMLS": "T046|T047", "mine.csv": "T033"}
    (names,) = report.examples_of_name_conflicts
    assert names.given["mine.csv"] == "PE sign"
    assert (report.type_conflicts, report.name_conflicts, report.shared_names) == (1, 1, 0)
    assert report.licenses["CC BY 4.0"] == 1
    json.dumps(report.as_json())


def test_abbreviations_keep_their_case_and_other_names_are_taken_once(tmp_path: Path) -> None:
    text = HEADER + "C0000001,Cardiac,cardiac|CARDIAC|CT|ct|Ct|CTs,,,\n"
    vocabulary, _ = built([of_csv(write(tmp_path, "mine.csv", text))])
    assert vocabulary.concepts[0].synonyms == ("CT", "ct", "CTs")


def test_sources_and_licenses_of_a_built_vocabulary_survive_building_again(tmp_path: Path) -> None:
    vocabulary, _ = built(files(tmp_path))
    table.save(vocabulary, tmp_path / "first.csv")
    again, _ = built([of_csv(tmp_path / "first.csv")])
    assert again == vocabulary


def test_nothing_to_build_from_is_an_error() -> None:
    with pytest.raises(DataError, match="no source"):
        built([])


@pytest.mark.shared
@pytest.mark.slow
def test_real_ontologies_and_mesh_give_tens_of_thousands_of_concepts(shared: Path) -> None:
    folder = shared / "data" / "terminology"
    reads = [
        obo.read(folder / "obo" / "hp.obo.gz"),
        obo.read(folder / "obo" / "doid.json.gz"),
        obo.read(folder / "obo" / "mondo.json.gz"),
        mesh.read(folder / "mesh" / "mesh_descriptors_labels_synonyms_trees.tsv.gz"),
    ]
    vocabulary, report = built(reads)
    assert 20_000 < report.concepts < 30_000
    assert {"HPO", "DOID", "Mondo", "MeSH"} == set(report.origins)
    assert "Hemangiomas" in vocabulary.by_cui["C0018916"].synonyms
    assert vocabulary.by_cui["C0027651"].tuis == ("T191",)
