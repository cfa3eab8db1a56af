"""Words that credit others, and words that only look like it."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from roco.models.text.credits import credit_by_name, credited
from roco.models.text.credits.kinds import KINDS
from roco.models.text.credits.things import names_thing
from roco.sources.jats.article import parse

AUTHORS = ("Roe, Ann", "Smith, John, Jr", "Müller, Eva")


def kind_of(text: str) -> str | None:
    credit = credited(text, AUTHORS)
    return credit.kind if credit else None


# --- "(C) 2015": a panel or a copyright notice


@pytest.mark.parametrize(
    "caption",
    [
        "CT in (A) 2010, (B) 2013 and (C) 2015: slow growth.",
        "MRI in (C) 2018 shows less edema than in (A) 2016 and (B) 2017.",
        "CT in (a) 2010, (b) 2013 and (c) 2015.",
        "CT (A, B) in 2010 and (C) 2015.",
        "CT before (A–B) and (C) 2015 after therapy.",
        "Chest films: (a: left) 2001; (c) 2002.",
        "[A] 2010, [B] 2013 and (C) 2015.",
        "A) 2010; B) 2013; (C) 2015 follow-up.",
        "A, axial 2010; B, coronal 2012; (C) 2015 sagittal.",
        "Panels A and B show 2010, (C) 2015.",
        "(A) 2010 CT. (B) 2013 CT. (C) 2015 CT.",
        "Radiographs of patients A (2010), B (2013) and (C) 2015.",
        "Curve at (c) 2000 ms.",
        "Density of (c) 1950 HU.",
    ],
)
def test_the_letter_of_a_panel_before_a_year_is_no_copyright_sign(caption: str) -> None:
    assert kind_of(caption) is None


@pytest.mark.parametrize(
    "caption",
    [
        "CT. (C) 2015 Example Press.",
        "CT. (c) 2015, Example Press",
        "(A) axial, (B) coronal. (C) 2015 Example Press.",
        "(a) axial and (b) coronal view. (c) 2018 Elsevier.",
        "(A) CT; (B) MRI; (C) PET. (C) 2015 by Example Press.",
        "(C) Elsevier 2012.",
        "CT of the knee © Jane Doe.",
    ],
)
def test_a_copyright_sign_before_a_holder_is_one_even_among_panels(caption: str) -> None:
    assert kind_of(caption) == "copyright"


@pytest.mark.parametrize(
    "caption",
    ["Reconstruction with OsiriX © software.", "MRI after Gadovist © (Acme).", "Made with Photoshop © Extended."],
)
def test_the_sign_after_a_product_is_no_copyright_notice(caption: str) -> None:
    assert kind_of(caption) is None


# --- citations as the source


@pytest.mark.parametrize(
    "words",
    [
        "Adapted from12.",
        "Adapted from12,13 with changes.",
        "Adapted from 12.",
        "Adapted from 12 and 13.",
        "Adapted from(12)",
        "Adapted from¹².",
        "Adapted from: Doe 2010.",
        "Adapted\u00a0from Doe12.",
        "Adapted\nfrom Doe et al.12",
        "Adapted from.",
        "Modified from12",
        "Modified and adapted from [12].",
        "Redrawn after12.",
        "Re-drawn from Doe [3].",
        "Image taken from12.",
        "Image from Jones12.",
        "Taken from Ref12.",
        "From12.",
        "A model of the duct (after Doe and Other, 1999).",
        "Modified after Doe (2010).",
        "Image obtained from a catalogue(9).",
        "Photos from the Sunday paper Example.",
        "Images extracted from the book.",
        "CT. Extracted from the literature.",
    ],
)
def test_a_citation_as_the_source_is_a_credit_however_its_number_arrives(words: str) -> None:
    assert kind_of(words) == "copied"


def test_a_superscript_citation_in_the_xml_arrives_as_a_source() -> None:
    xml = """<article xmlns:xlink="http://www.w3.org/1999/xlink"><body>
    <fig id="a"><caption><p>CT. Adapted from<sup>12</sup>.</p></caption><graphic xlink:href="a"/></fig>
    <fig id="b"><caption><p>CT. Adapted from<xref ref-type="bibr"><sup>12</sup></xref>.</p></caption>
    <graphic xlink:href="b"/></fig>
    <fig id="c"><caption><p>CT. Modified from [<xref ref-type="bibr">12</xref>].</p></caption>
    <graphic xlink:href="c"/></fig>
    <fig id="d"><caption><p>CT. Adapted from<xref ref-type="fn"><sup>a</sup></xref>.</p></caption>
    <graphic xlink:href="d"/></fig>
    </body></article>"""
    captions = [figure.caption_raw for figure in parse(xml.encode()).figures]
    assert [kind_of(caption or "") for caption in captions] == ["copied"] * 4


@pytest.mark.parametrize(
    "caption",
    [
        "CT images taken from 12 patients.",
        "Images taken from 3, 6 and 12 months.",
        "Images from (12) to (14).",
        "The dose was adapted from 2 to 4 mGy.",
        "Images obtained from Patient 3.",
        "Slices were taken from T12 to L5.",
        "Modified from Figure 1.",
        "Reproduced from Fig. 3A.",
        "Cases published in 2010 by year.",
        "As illustrated by Figure 2, the artery is patent.",
        "Modified after treatment with contrast.",
    ],
)
def test_numbers_and_figures_of_the_article_itself_are_no_source(caption: str) -> None:
    assert kind_of(caption) is None


def test_a_figure_of_a_cited_work_is_a_source() -> None:
    assert kind_of("Adapted from Figure 3 of [12].") == "copied"
    assert kind_of("Modified from Figure 2 [12].") == "copied"


# --- the authors' own work


@pytest.mark.parametrize(
    "source",
    """
    own calculations
    Own elaboration based on registry data
    WHO data, own calculations
    authors' elaboration
    Author's own photograph
    the author
    our study data
    our hospital's PACS archive
    prepared by the authors
    prepared by us
    this study
    data of the study
    field survey, 2018
    fieldwork
    primary data
    survey data 2019
    patient's medical record
    medical records
    The researchers (2020)
    developed by the researchers
    personal collection
    self-made
    research team
    elaboración propia
    los autores
    archivo personal
    datos del estudio
    historia clínica del paciente
    nuestra institución
    autoria própria
    elaborado pelos autores
    acervo pessoal
    dados da pesquisa
    pesquisadores
    dados do estudo
    elaborazione propria
    nostra elaborazione
    archivio degli autori
    eigene Darstellung
    Eigene Berechnungen
    die Autoren
    les auteurs
    élaboration propre
    données de l'étude
    nos données
    collection personnelle
    """.strip().splitlines(),
)
def test_the_authors_own_work_is_no_credit_to_others(source: str) -> None:
    assert kind_of(f"CT of the liver. Source: {source.strip()}.") is None
    assert kind_of(f"Fonte: {source.strip()}") is None


@pytest.mark.parametrize(
    "source",
    """
    authors of [3]
    the authors [12]
    the original authors
    our previous study [12]
    personal collection of Jane Doe
    Medical Research Council
    researchers at Example University
    University of Notre Dame
    Hospital Nossa Senhora
    Example Research Team
    personal communication of Dr. Doe
    """.strip().splitlines(),
)
def test_words_that_only_resemble_the_authors_own_work_credit_others(source: str) -> None:
    assert kind_of(f"CT of the liver. Source: {source.strip()}.") == "source"


@pytest.mark.parametrize(
    "words", ["Adapted from our own database.", "Reproduced from our PACS archive.", "Adapted from this study's data."]
)
def test_what_the_authors_copy_from_their_own_files_is_no_reprint(words: str) -> None:
    assert kind_of(words) is None
    assert kind_of("Adapted from our previous work [12].") == "copied"


# --- devices, methods, vessels


@pytest.mark.parametrize(
    "caption",
    [
        "MRI images provided by the 3T scanner show the tumor.",
        "Image provided by an Acme 3.0 T scanner.",
        "Images provided by the manufacturer's software.",
        "Images provided by the new MR sequence were sharper.",
        "Image provided by ultrasonography.",
        "Pictures supplied by the intraoral camera.",
        "Cases supplied by the left gastric artery.",
        "Image by Spectral Doppler.",
        "Images made by Cone Beam CT.",
        "Figure made by Adobe Illustrator.",
        "Photograph: Left Hand.",
        "Drawing: Lateral View.",
        "Source: left gastric artery, on CT angiography.",
        "Source: Left Gastric Artery.",
        "Source: branch of the superior mesenteric artery.",
        "Source: urinary tract infection",
        "Source: osteomyelitis.",
        "Source: SMA.",
        "Source: 99mTc-MDP.",
        "Source: X-ray tube with tungsten anode.",
        "X-ray source: Acme Instruments.",
        "Light Source: LED.",
        "Data source: the registry.",
        "Image source: 3T MRI scanner.",
        "The needle was adapted from a standard 18 gauge needle.",
        "A stent adapted from a coronary stent.",
        "The probe holder, adapted from a microphone stand, is shown.",
        "Measured with a technique adapted from Doe et al. [6].",
        "The protocol was adapted from the hospital's routine.",
        "The bolus was adapted from a surgical mask.",
        "The angle was measured as adapted from Doe [3].",
        "Values taken from Doe et al. [3].",
        "Network extracted from the book.",
        "3D model reproduced from CT data.",
        "Image reproduced from the patient's CT scan.",
        "Image reproduced from a 45-year-old woman.",
        "Reproduced the pain from palpation.",
        "Blood supply courtesy of the left hepatic artery.",
        "A courtesy visit of the radiologist.",
        "The scan was repeated as a courtesy.",
        "Injection given by Dr. Doe.",
        "Image from the collection of fluid.",
        "The visible body of the uterus.",
        "Treated with trimetazidine (Servier).",
        "Created with BioRender.com.",
        "Created from BioRender.com.",
        "The phantom was kindly provided by Dr. Doe.",
        "CT. The stent, kindly provided by Example Medical, is visible.",
        "Cells were generously provided by Dr. Doe.",
        "Image provided by the Example robot.",
        "Source: Philips Ingenia 3T.",
        "Source: odontogenic.",
        "Source: unknown.",
        "After Doe et al. [12], the angle was measured.",
        "After Surgery (2015). Before: see above.",
        "Image: Lateral View.",
        "Images from the Hospital Database.",
    ],
)
def test_a_device_a_method_or_a_vessel_is_nobody_to_credit(caption: str) -> None:
    assert kind_of(caption) is None


@pytest.mark.parametrize(
    ("caption", "kind"),
    [
        ("Images provided by Dr. Doe.", "credit"),
        ("CT of the phantom, kindly provided by Dr. Doe.", "credit"),
        ("Thanks to Dr. Doe for this image.", "credit"),
        ("After Doe (1999).", "copied"),
        ("MRI. After Doe et al.", "copied"),
        ("Images provided by Professor Doe using a 3T scanner.", "credit"),
        ("Images provided by the CT department of Example Hospital.", "credit"),
        ("Images supplied by Example Scanner Company.", "credit"),
        ("Radiograph of the hand provided by Dr. Doe.", "credit"),
        ("Photograph by Jane Stone.", "credit"),
        ("Image courtesy of Jane Bone, MD.", "courtesy"),
        ("Courtesy Acme Healthineers.", "courtesy"),
        ("Source: Example Vein Clinic.", "source"),
        ("Source: Ultrasound Atlas, 2010.", "source"),
        ("Source: Journal of Vascular Surgery.", "source"),
        ("Growth of the population in Brazil Source: Example Office.", "source"),
        ("Adapted from the brochure of the needle manufacturer.", "copied"),
        ("Figure showing that the needle was adapted from Doe [3].", "copied"),
        ("Photograph of the needle adapted from Doe [3].", "copied"),
        ("Technique adapted from [6].", "copied"),
        ("The sonogram was adapted from Doe [3].", "copied"),
        ("Adapted from an old engraving.", "copied"),
        ("Reprinted from Bone.", "copied"),
        ("Adapted from a YouTube video.", "copied"),
    ],
)
def test_people_institutions_and_works_that_have_to_do_with_devices_are_credited(caption: str, kind: str) -> None:
    assert kind_of(caption) == kind


@pytest.mark.parametrize(
    ("phrase", "thing"),
    [
        ("the 3T scanner", True),
        ("a ruptured aneurysm of the aorta", True),
        ("one of the arteries", True),
        ("the CT department", False),
        ("Ultrasound Atlas", False),
        ("the method of Other et al", False),
        ("Jane Bone", False),
        ("a museum", False),
        ("radiographs of Example Museum", False),
        ("the scanner of the unit", True),
    ],
)
def test_a_noun_phrase_is_a_thing_unless_it_names_a_person_or_a_work(phrase: str, thing: bool) -> None:
    assert names_thing(phrase) is thing


# --- credits that were missed


@pytest.mark.parametrize(
    "words",
    [
        "Image used under license from Example Stock.",
        "Images used under licence from Example Stock.",
        "Used under a license from Example Agency.",
        "Image used with license from Example Stock.",
        "Reproduced under licence of the Example Museum.",
        "Example Stock, used under license.",
        "Licensed from Example Images.",
        "License obtained from Example Press.",
        "Illustration licensed under Example Stock terms.",
        "Photo licensed by Example Ltd.",
        "Reproduced under license number 4567890123456.",
        "Image of the device used under license from Example Corp.",
        "Stock photo, Example Agency.",
        "Reproduced by arrangement with Example Press.",
        "Published with the authorization of the publisher.",
        "Reproduced with the consent of Elsevier.",
        "With permission12.",
        "With permission from Elsevier, and written informed consent was obtained.",
        "Photograph of the catheter with permission from Example Medical.",
        "Avec l'autorisation de l'éditeur.",
        "Sob licença de Example.",
    ],
)
def test_words_of_an_agreement_with_the_holder_of_the_rights_are_a_permission(words: str) -> None:
    assert kind_of(words) == "permission"


@pytest.mark.parametrize(
    "words",
    [
        "Experiments under licence from the Home Office.",
        "Segmented with software used under license from Example.",
        "Segmentation (MATLAB, used under license)",
        "MATLAB (used under license from Example).",
        "Drug used under license from Example.",
        "The drug is licensed by the FDA.",
        "A licensed radiologist read the CT.",
        "Published with permission and consent of the patient.",
        "Com permissão do paciente.",
        "Photo taken with permission from her parents.",
    ],
)
def test_licences_of_software_and_drugs_and_permissions_of_patients_are_no_credits(words: str) -> None:
    assert kind_of(words) is None


@pytest.mark.parametrize(
    "words",
    [
        "Image credit: NASA.",
        "Illustration: NASA.",
        "(Illustration: Jane Doe, Example Library).",
        "Photographed by Jane Doe, 1972.",
        "Photographer: Jane Doe",
        "Photo: personal collection of Jane Doe.",
        "We thank Dr. Doe for providing the image.",
        "Getty Images.",
        "Photo: Shutterstock",
        "Wellcome Images.",
        "Parts were drawn with Servier Medical Art.",
        "From Netter's Atlas.",
        "Icons from BioRender.",
        "From the collection of Dr. Doe.",
        "Photo from the archives of Example Hospital.",
        "(‘Example’ Archives).",
        "Image: Dr. Doe.",
        "CT. Image: National Library of Medicine.",
        "Radiograph: J. Doe.",
        "The radiographs were a gift of Dr. Doe.",
        "Images downloaded from the Example Imaging Archive (EIA).",
        "Image from the EX-AMPLE database.",
    ],
)
def test_agencies_collections_and_makers_of_pictures_are_credited(words: str) -> None:
    assert kind_of(words) == "credit"


@pytest.mark.parametrize(
    "line",
    [
        "Jane Doe", "Photo: Jane Doe", "Doe J, 2019", "J. Doe and P. Other", "Doe et al., 2010", "Dr. Doe", "Getty",
        "Elsevier", "Example Museum, London",
    ],
)  # fmt: skip
def test_a_credit_line_that_is_only_a_name_credits_its_bearer(line: str) -> None:
    assert credit_by_name(line, AUTHORS) == ("credit", line)


@pytest.mark.parametrize(
    "line",
    [
        "Ann Roe", "A. Roe and J. Smith", "Roe et al.", "The authors", "Arrows show the mass.",
        "CT, computed tomography.",
        "Normal Control", "Left Gastric Artery", "* p < 0.05", "", "Drawing by the first author", "Axial CT",
    ],
)  # fmt: skip
def test_a_credit_line_with_the_authors_or_a_note_on_the_picture_is_no_credit(line: str) -> None:
    assert credit_by_name(line, AUTHORS) is None


def test_a_template_of_a_drawing_tool_is_copied() -> None:
    assert kind_of("Adapted from “Brain”, by BioRender.com (2021).") == "copied"


@pytest.mark.parametrize(
    "words", ["Figure originally appeared in Example Weekly.", "Image already published in [3].", "Image from NASA."]
)
def test_a_picture_that_appeared_elsewhere_is_copied(words: str) -> None:
    assert kind_of(words) == "copied"


# --- hints


@pytest.mark.parametrize("space", [" ", "\n", "\u00a0", "\u2009"])
@pytest.mark.parametrize(
    "words",
    [
        "Adapted with changes from Doe et al. (2010).",
        "Image used under license from Example Stock.",
        "Getty Images.",
        "Images kindly provided by Dr. Doe.",
        "Image from the collection of Dr. Doe.",
        "Image by Jane Doe.",
        "Modified after Doe (2010).",
        "Photographed by Jane Doe.",
        "Image from the World Health Organization.",
    ],
)
def test_hints_match_with_every_kind_of_space(words: str, space: str) -> None:
    text = words.replace(" ", space)
    credit = credited(text)
    assert credit
    (kind,) = [kind for kind in KINDS if kind.name == credit.kind]
    assert pc.match_substring_regex(pa.array([text]), kind.hint, ignore_case=True).to_pylist() == [True]
