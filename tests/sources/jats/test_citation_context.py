"""Citations of figures of supplements and of other papers, and citations that look like them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.sources.jats import citation_context
from roco.sources.jats.citations import cited_in, number_of
from tests.waits import cpu_limit

AUTHORS = ("Doe", "Silva")


def cited(text: str) -> list[str]:
    return [one.number for _, figures in cited_in(text, AUTHORS.__contains__) for one in figures]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("see Supplementary Figure 1", ["S1"]),
        ("see supplementary figs 1 and 2", ["S1", "S2"]),
        ("see Supplementary Figures 1–3", ["S1", "S2", "S3"]),
        ("(Supplementary Figure S1)", ["S1"]),
        ("(Suppl. Fig. 1)", ["S1"]),
        ("(Supp. Fig. 1)", ["S1"]),
        ("(Sup. Fig. 1)", ["S1"]),
        ("(SI Fig. 1)", ["S1"]),
        ("(ESM Fig. 1)", ["S1"]),
        ("(ESM_1 Fig. 1)", ["S1"]),
        ("see Supplement 1, Figure 1", ["S1"]),
        ("(App. Figure 1)", ["A1"]),
        ("Extended Figure 1 shows", ["ED1"]),
        ("the fracture extended (Fig. 1)", ["1"]),
        ("Supporting Information, Figure 1", ["S1"]),
        ("Supporting Figure 1", ["S1"]),
        ("(Additional file 1: Figure 2)", ["S2"]),
        ("(Additional file 2, Fig. S4)", ["S4"]),
        ("(Online Resource 1, Fig. 2)", ["S2"]),
        ("(Supplemental Digital Content 1, Figure 2)", ["S2"]),
        ("supplementary material online, Fig. 1", ["S1"]),
        ("the data supplement, Figure 1", ["S1"]),
        ("see supplement Figure 1", ["S1"]),
        ("(File S1, Fig. 2)", ["S2"]),
        ("(S1 Text: Fig. 2)", ["S2"]),
        ("Figure 1 in the supplement", ["S1"]),
        ("Figures 1 and 2 in the Supplementary Material", ["S1", "S2"]),
        ("Figure 1 of the online supplement", ["S1"]),
        ("Fig. 1 in Additional file 1", ["S1"]),
        ("Fig. 1 in S1 Text", ["S1"]),
        ("Fig. S1 in File S1", ["S1"]),
        ("Figure 1 (supplementary material)", ["S1"]),
        ("Figure 1, supplementary material online", ["S1"]),
        ("Material suplementar, Figura 1", ["S1"]),
        ("Figura 1 do material suplementar", ["S1"]),
        ("Figure 1 in the electronic supplementary material", ["S1"]),
        ("Extended Data Figure 1", ["ED1"]),
        ("Extended Data Figs. 1, 2", ["ED1", "ED2"]),
        ("Appendix Figure 1", ["A1"]),
        ("Appendix Figure A1", ["A1"]),
        ("Appendix A, Figure 1", ["A1"]),
        ("Appendix 1—figure 2", ["A2"]),
        ("(Appendix: Fig. 1)", ["A1"]),
        ("the online appendix (Appendix B, Fig. 3)", ["A3"]),
        ("Figure 2 in Appendix B", ["A2"]),
        ("(appendix p 3, Fig. 1)", ["A1"]),
        ("the online appendix, Figure 1", ["A1"]),
        ("Figure 1 in Multimedia Appendix 1", ["A1"]),
        ("(Figure 2 in appendix)", ["A2"]),
        ("Online Figure 1", ["E1"]),
        ("online-only Figure 1", ["E1"]),
        ("Web Figure 1", ["E1"]),
        ("Web extra Figure 1", ["E1"]),
        ("eFigure 1", ["E1"]),
        ("(eFigures 1 and 2)", ["E1", "E2"]),
        ("e-Figure 1", ["E1"]),
        ("Figure 1 (online)", ["E1"]),
        ("Fig. B3, Figure E2, Figure S1", ["B3", "E2", "S1"]),
    ],
)
def test_figures_of_a_supplement_have_numbers_of_their_own(text: str, numbers: list[str]) -> None:
    assert sorted(cited(text)) == numbers


@pytest.mark.parametrize(
    "text",
    [
        "Figure 1 of Doe et al.",
        "Figures 1 and 2 of Doe et al. show it",
        "Fig. 1 of Doe and Roe",
        "Fig. 1 of Doe",
        "Figure 1 from Doe et al. [3]",
        "Figure 2 in Doe (2010)",
        "Fig. 2 in Doe, 2010",
        "Fig. 2 in van der Doe et al.",
        "Fig. 2 by J. Doe et al.",
        "Fig. 2 of Doe12",
        "Fig. 2 of Doe's book",
        "Fig. 2 of O'Doe et al.",
        "Fig. 2 in [12]",
        "Figs 1 and 3 of [7]",
        "Fig. 2 from [12, 13]",
        "Fig. 3 of Ref. 12",
        "Fig. 3 of refs 12 and 13",
        "Fig 5C in reference [20]",
        "(Fig. 2 in 12)",
        "Figure 1 of the reference",
        "Figure 1 of their paper",
        "Figure 2 in the original article",
        "Figure 2 of the companion paper",
        "Figure 2 of an earlier study",
        "Figure 3 in the review by Doe et al.",
        "Fig. 2 of that study",
        "Fig. 2 of our previous study",
        "Fig. 2 in Chapter 3 of Doe",
        "Fig. 2 in Doe & Roe",
        "Fig. 2 of the WHO report",
        "(Doe & Roe, 2010, p. 3, Fig. 2)",
        "(Doe et al 2010 Fig. 2)",
        "Fig. 2 in https://example.org/paper",
        "Figura 1 de Silva et al.",
        "Figura 1 de Silva e Souza",
        "see their Figures 5, 9 and 13",
        "(their Fig. 2)",
        "their Fig. 5 and Fig. 9",
        "his original Figure 1",
        "Doe et al.'s Figure 1",
        "Doe’s Figure 3",
        "the authors' Figure 2",
        "(Doe et al., 2010, Fig. 2)",
        "(Doe and Roe 2010: figs 1–3)",
        "Doe et al. (2010, Fig. 2)",
        "Doe (2010: Fig. 2)",
        "(see Doe 2010, fig. 2 and fig. 3)",
        "[12, Fig. 3]",
        "(see ref. 12, Fig. 3)",
        "(see [12], Fig. 3)",
        "[12; Fig. 3]",
        "[12, 14; 17; Fig. 3]",
        "[see 12; Fig. 3]",
        "[12 (Fig. 3)]",
        "(see ref. 12; Fig. 3)",
        "(Doe 2010: 23–25, fig. 2)",
        "Fig. 1 of Roe and colleagues",
        "Fig. 1 by Roe and co-workers",
        "Fig. 1 in the study of Roe et al.",
        "Fig. 1 in the study of Doe",
        "Fig. 1 from Doe shows",
    ],
)
def test_figures_of_other_papers_are_not_cited(text: str) -> None:
    assert cited(text) == []


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("As in Doe et al. [12], the mass grew (Fig. 2).", ["2"]),
        ("as reported by Doe et al. (Fig. 2)", ["2"]),
        ("as reported by Doe et al. [12] (Fig. 2)", ["2"]),
        ("as in Doe (2010). Figure 2 shows", ["2"]),
        ("reported by Doe et al. Figure 2 shows", ["2"]),
        ("In contrast to Doe et al. [12], Figure 2 shows", ["2"]),
        ("(Doe et al., 2010; Fig. 2)", ["2"]),
        ("(CT of 3 May 2010, Fig. 2)", ["2"]),
        ("(MRI in May 2010: Fig. 2)", ["2"]),
        ("Fig. 2 in Patient 1", ["2"]),
        ("Fig. 2 in May 2010", ["2"]),
        ("Fig. 2 in Parkinson's disease", ["2"]),
        ("Fig. 2 of the MRI study", ["2"]),
        ("supplementary motor area (Fig. 1)", ["1"]),
        ("S1 vertebra, Fig. 1", ["1"]),
        ("SI joint (Fig. 1)", ["1"]),
        ("esophageal web (Fig. 1)", ["1"]),
        ("Figure 2 in CT and MRI", ["2"]),
        ("Figure 2 in Europe and Asia", ["2"]),
        ("Figure 2 in 12 patients", ["2"]),
        ("Figure 2 of this article", ["2"]),
        ("Figure 2 in the present study", ["2"]),
        ("Figure 2 of Section 3", ["2"]),
        ("our Figure 2", ["2"]),
        ("patients and their images (Fig. 2)", ["2"]),
        ("a thickened appendix (Fig. 1)", ["1"]),
        ("The appendix was normal. Figure 1", ["1"]),
        ("a nutritional supplement (Fig. 1)", ["1"]),
        ("This table supplements Figure 1", ["1"]),
        ("evidence supporting Figure 1", ["1"]),
        ("in the Supplementary Material. Figure 1 shows", ["1"]),
        ("Supplementary Table 1 and Fig. 2", ["2"]),
        ("(Figure 1, Supplementary Table 2)", ["1"]),
        ("(Fig. 1; Supplementary Material)", ["1"]),
        ("Figure 1 and Supplementary Figure 2", ["1", "S2"]),
        ("Supplementary Figure 2 and Figure 1", ["1", "S2"]),
        ("the tool is available online (Fig. 1)", ["1"]),
        ("Fig. 1, T2-weighted image", ["1"]),
        ("Fig. 1 and 3 mm below", ["1"]),
        ("Fig. 2, 5 years later", ["2"]),
        ("Figs 1, 3 and 12 patients", ["1", "3"]),
        ("see ref. 12 and Fig. 3", ["3"]),
        ("(reviewed in ref. 12; Fig. 3)", ["3"]),
        ("(12; Fig. 3)", ["3"]),
        ("[n = 12; Fig. 3]", ["3"]),
        ("[95% CI 2, 12; Fig. 3]", ["3"]),
        ("Fig. 2 in Winter 2010", ["2"]),
        ("Fig. 2 of Ki67-positive tumours", ["2"]),
        ("Fig. 2 from the study of Crohn patients", ["2"]),
    ],
)
def test_figures_of_the_article_are_cited_beside_such_words(text: str, numbers: list[str]) -> None:
    assert sorted(number for number in cited(text) if number != "T2") == numbers


@pytest.mark.parametrize(
    "text",
    [
        "Figure 1 of Doppler ultrasound shows the vein.",
        "Figure 1 of Doppler, reversed",
        "Figure 1 of Europe",
        "(Figure 1 of Spain)",
        "Figure 1 from Germany and France",
        "Figure 1 of Gadolinium and Iodine",
        "Figure 1 of Alzheimer and Parkinson patients",
        "Fig. 1 from Siemens.",
    ],
)
def test_a_capitalised_noun_that_no_reference_has_is_no_author(text: str) -> None:
    assert cited(text) == ["1"]


@pytest.mark.parametrize(
    ("label", "number"),
    [
        ("Supplementary Figure 1", "S1"),
        ("Supplementary Fig. S1.", "S1"),
        ("Extended Data Fig. 1 |", "ED1"),
        ("Appendix Figure 1", "A1"),
        ("Online Figure 1", "E1"),
        ("eFigure 1.", "E1"),
        ("Figure A1", "A1"),
        ("Figure 1 (continued)", "1"),
        ("Graph of Figure 1", None),
        ("Prefigure 1", None),
    ],
)
def test_a_label_has_the_number_by_which_the_text_cites_it(label: str, number: str | None) -> None:
    assert number_of(label) == number


WORDS = "Fig. 1 of Doe et al. (2010, [7], their Suppl. appendix A: in the ref. 3"


@given(st.lists(st.sampled_from([*WORDS.split(), "(", ")", "[", "]"]), max_size=25).map(" ".join))
def test_any_words_around_a_citation_are_read(text: str) -> None:
    cited(text)
    for start in range(len(text)):
        citation_context.series_of(text, start, start + 1)
        citation_context.is_of_another_paper(text, start, start + 1)


@given(st.lists(st.sampled_from([*WORDS.split(), "(", "[", "online", "e-"]), max_size=12).map(" ".join))
def test_the_cheap_tests_hide_nothing_that_a_pattern_finds(before: str) -> None:
    series = [pattern for _, pattern in citation_context._BEFORE]
    others = [*citation_context._BY_ANOTHER, *citation_context._BY_ANOTHER_IN_BRACKETS]
    for hint, patterns in (
        (citation_context._MAY_NAME_SERIES, series),
        (citation_context._MAY_NAME_OTHERS, others),
    ):
        if not hint.search(before):
            assert not any(pattern.search(before) for pattern in patterns)


@pytest.mark.parametrize(
    "hostile", ["Fig. 1 of ", "de la ", "(1, 2, ", "supplementary online ", "Doe-Roe ", "Fig. 1, "]
)
def test_words_without_end_are_read_in_time(hostile: str) -> None:
    with cpu_limit():
        cited(hostile * 2_000 + "Fig. 1" + hostile * 2_000)
