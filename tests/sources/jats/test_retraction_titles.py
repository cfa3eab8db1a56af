"""Titles of retracted papers and of notices, and titles of papers about retraction."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.sources.jats.retraction_titles import Mark, mark_in
from tests.waits import cpu_limit


@pytest.mark.parametrize(
    "title",
    [
        "RETRACTED: CT of the chest",
        "Retracted: CT of the chest",
        "[Retracted] CT of the chest",
        "(Retracted) CT of the chest",
        "Retracted Article: CT of the chest",
        "RETRACTED ARTICLE: CT of the chest",
        "[Retracted Article] CT of the chest",
        "Article retracted: CT of the chest",
        "RETRACTED CT of the chest",
        "RETRACTED ARTICLE CT of the chest",
        "Retracted—CT of the chest",
        "Retracted - CT of the chest",
        "Retracted. CT of the chest",
        "WITHDRAWN: CT of the chest",
        "[Withdrawn] CT of the chest",
        "Withdrawn article: CT of the chest",
        "REMOVED: CT of the chest",
        "[ARTIGO RETRATADO]: TC do tórax",
        "ARTÍCULO RETRACTADO: TC del tórax",
        "“RETRACTED: CT of the chest”",
        "CT of the chest [Retracted]",
        "CT of the chest [RETRACTED].",
        "CT of the chest (Retracted)",
        "CT of the chest (retracted article)",
        "CT of the chest (Retracted article. See vol. 23, pg. 1, 2014)",
        "CT of the chest [Retracted in: Eur J Imaging. 2014;3:5]",
        "CT of the chest (Retracted on 3 May 2019)",
        "CT of the chest [withdrawn]",
        "CT of the chest – RETRACTED",
        "CT of the chest: Retracted",
        "CT of the chest - Retracted article",
        "CT of the chest. RETRACTED",
        "CT of the chest. Retracted",
        "CT of the chest / RETRACTED",
        "CT of the chest *RETRACTED*",
        "*Retracted* CT of the chest",
        "This article has been retracted: CT of the chest",
        "CT of the chest [This paper was withdrawn]",
        "Is CT useful? Retracted article",
        "Retracted (3 May 2021): CT of the chest",
        "CT of the chest. This article has been retracted.",
        "Retracted",
        "Retracted article",
    ],
)
def test_a_mark_set_off_at_the_start_or_the_end_means_a_retracted_paper(title: str) -> None:
    assert mark_in(title) is Mark.RETRACTED


@pytest.mark.parametrize(
    "title",
    [
        "Retraction: CT of the chest",
        "Retraction: A phase of the cardiac cycle in CT",
        "RETRACTION: a sign of pneumonia in CT",
        "[Retraction] a sign of pneumonia in CT",
        "Retraction: mRNA of p53 in the lung",
        "Retraction: The imaging of the causes of dyspnoea",
        "CT of the chest – RETRACTION",
        "CT of the chest [Retraction: Eur J Imaging. 2014;3:5]",
        "Retraction: A new sign of pneumonia in CT",
        "CT of the chest: RETRACTION",
        "RETRACTION: CT of the chest",
        "[Retraction] CT of the chest",
        "CT of the chest [Retraction]",
        "CT of the chest (Retraction)",
        "Retraction",
        "Retraction – CT of the chest",
        "Retraction notice: CT of the chest",
        "Retraction notice to “CT of the chest” [J Imag 3 (2019) 5]",
        "Retraction Note to: CT of the chest",
        "Retraction note",
        "Editorial: Notice of retraction of “CT of the chest”",
        "CT of the chest [Retraction in: Eur J Imaging. 2014;3:5]",
        "Notice of retraction: CT of the chest",
        "Notice of Retraction and Replacement. Doe et al. CT of the chest",
        "Statement of retraction: CT of the chest",
        "Retraction of “CT of the chest”",
        "Retraction of: CT of the chest",
        "Retraction to: CT of the chest",
        "Retraction for Doe et al., CT of the chest",
        "Retraction and replacement: CT of the chest",
        "WITHDRAWAL: CT of the chest",
        "Notice of withdrawal: CT of the chest",
        "Retratação: TC do tórax",
        "Rétractation : scanner du thorax",
    ],
)
def test_the_noun_marks_a_retracted_paper_or_its_notice(title: str) -> None:
    assert mark_in(title) is Mark.RETRACTION


@pytest.mark.parametrize(
    "title", ["Partial retraction: CT", "(Partial) retraction: CT", "Notice of Partial Retraction. CT"]
)
def test_a_partial_retraction_is_told_apart(title: str) -> None:
    assert mark_in(title) is Mark.PARTIAL


@pytest.mark.parametrize(
    "title",
    [
        "Retraction of the brain during surgery of the skull base",
        "Retraction pockets of the tympanic membrane: CT findings",
        "Retraction and replacement of the flap after craniotomy",
        "Retraction–extension injuries of the neck",
        "Retractions: a growing problem",
        "Retraction: a sign of chronic disease of the tympanic membrane",
        "Retraction: the forgotten sign of scirrhous carcinoma",
        "Retraction – sign of mitral disease",
        "Retraction: A Late Sign of Breast Cancer",
        "Retraction: causes and imaging of the nipple",
        "Retraction: what the radiologist should know",
        "Retraction: is it a sign of cancer?",
        "Retraction injury: MRI of the frontal lobe",
        "Muscle retraction after rotator cuff tears: an MRI study",
        "Tendon tears with muscle retraction",
        "Nipple inversion and retraction",
        "Findings of the nipple (retraction)",
        "Retracted eardrums in children",
        "Retracted nipples: ultrasound",
        "Retracted tendons (rotator cuff)",
        "Retracted publications in radiology",
        "Retracted Science and the Retraction Index",
        "RETRACTED ARTICLES IN RADIOLOGY",
        "RETRACTED PAPERS in radiology: a review",
        "Retracted-publication rates in imaging",
        "Why articles are retracted",
        "Retraction notices in radiology journals: a review",
        "Retraction of articles and trust in science",
        "Is the eardrum perforated or retracted?",
        "Withdrawn patients in a trial of contrast agents",
        "A contrast agent (withdrawn from the market)",
        "Withdrawal: clinical effects of opioids",
        "Withdrawal of treatment in intensive care",
        "Removed: the fate of surgical specimens",
        "Expression of concern: CT of the chest",
        "CT of the chest (Publication with Expression of Concern)",
        "Erratum: CT of the chest",
        "Correction to: CT of the chest",
        "Subtracted: CT angiography of the chest",
        "",
    ],
)
def test_findings_papers_about_retractions_and_other_notices_are_not_marked(title: str) -> None:
    assert mark_in(title) is None


@given(st.text(alphabet="RETRACTEDretracted[]():.-–— Aa", max_size=60))
def test_any_title_is_read(title: str) -> None:
    mark_in(title)


@pytest.mark.parametrize(
    "hostile", ["[retracted ", "(retracted in ", "RETRACTED - ", "retraction of a ", ": ", "\u2013"]
)
def test_titles_without_end_are_read_in_time(hostile: str) -> None:
    with cpu_limit():
        mark_in(hostile * 20_000)
