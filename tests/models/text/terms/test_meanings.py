"""Names of imaging with another meaning, and all the names that authors use for imaging."""

from __future__ import annotations

import pytest

from roco.base.labels import NUCLEAR
from roco.models.text import caption_rules
from roco.models.text.terms.expansions import long_forms
from roco.models.text.terms.matcher import TermMatcher
from roco.models.text.terms.table import Term, Terms, load
from tests.waits import cpu_limit

VOCABULARY = load()
LINKER = TermMatcher(VOCABULARY)


def names_of_imaging(text: str) -> list[str]:
    kinds = {mention.text: VOCABULARY.by_cui[mention.cui] for mention in LINKER.link(text)}
    return [name for name, concept in kinds.items() if concept.kind == "modality" or concept.cui == NUCLEAR]


def label(text: str) -> str | None:
    words = caption_rules.words((mention._asdict() for mention in LINKER.link(text)), VOCABULARY)
    return caption_rules.modality(text, words).of_paper


OTHER_MEANINGS = [
    # what the caption itself says
    "Relative expression in controls (CT) and treated samples (TX).",
    "Grafts of connective tissue (CT) in the rat.",
    "The C-terminal (CT) domain of the protein.",
    "CT, control; TX, treatment.",
    "CT = control group.",
    "Survival of mice. CT: chemotherapy; RT: radiotherapy; CT + RT: both.",
    "CTs (controls) by age.",
    "Film of PET (polyethylene terephthalate) with a gold layer.",
    "PET, polyethylene terephthalate.",
    "Serum levels of OPG (osteoprotegerin) in both groups.",
    "Score at 90 days on the modified Rankin scale (MRS).",
    "MR = mitral regurgitation; AR = aortic regurgitation.",
    "TEE, total energy expenditure by group.",
    "TTE: time to event.",
    "KUB stands for Kubota medium.",
    "DSA: donor-specific antibodies over time.",
    "In the United States (US), cases rose.",
    "US, unstimulated; S, stimulated cells.",
    # words around an abbreviation
    "Ct values against the log of the copies in the PCR.",
    "CT values of the qPCR for three genes.",
    "ΔCT of the gene in both groups.",
    "CT-26 tumors and CT26 cells.",
    "Calf thymus DNA (CT-DNA) binding.",
    "Survival of patients with severe MR and without.",
    "Strain BR/07-MR in the tree; MR-1 of Shewanella.",
    "Growth on MRS agar.",
    "PET bottles and PET fibres in the river.",
    "OPG mRNA expression; anti-MR antibody.",
    "US prevalence of the disease by state.",
    "Map of the US with the number of cases; US$ 30; U.S. counties.",
    "USS Enterprise at sea.",
    "Courtesy of C.T. Chen and M.R. Smith. Vitamin C. T cells.",
    # techniques that are no imaging
    "X-ray crystal structure of the enzyme.",
    "Energy-dispersive X-ray spectrum of the coating.",
    "Small-angle X-ray scattering curve, X-ray powder diffraction and X-ray photoelectron spectroscopy.",
    "Cells after X-rays of 5 Gy; mice exposed to X-rays; X-ray irradiation (4 Gy).",
    "Synchrotron X-ray data; X-ray absorption at the K-edge; solar X-ray flux.",
    "Blots were exposed to X-ray film.",
    "Nuclear magnetic resonance spectrum of the compound.",
    "Ultrasonic vocalizations, low-intensity pulsed ultrasound, ultrasound-assisted extraction.",
    "Laser Doppler flowmetry of the skin.",
    "Optical coherence tomography; optic coherence tomographic image; electron tomogram of a cell.",
    "Fluorescein angiography of the fundus.",
    "Thin film of the polymer.",
    "8-color flow cytometry; fast scan cyclic voltammetry; measurements in an anechoic chamber.",
    "Echo state network; Doppler lidar; ultrasonic testing of concrete; gadolinium oxide nanoparticles.",
    "Panoramic view of the coast.",
    "DEXA-treated cells; DEXA, dexamethasone.",
    "The SWI/SNF complex.",
    "Potential evapotranspiration (PET) by month.",
    "Magnetoresistance (MR) of the film at 5 K.",
    "Mean residual index (MRI) of each model.",
    "The Cherenkov Telescope Array (CTA).",
    "Patients were treated with chemotherapy (CT) or surgery (S).",
    "Blots were developed on X-ray film.",
    "X-ray film of the gel.",
    "Photon echo of the sample.",
    # states
    "Map of New Haven, CT.",
    "Cases by year (Example Town, CT 06510).",
    "Initial US cases by county.",
]  # fmt: skip


@pytest.mark.parametrize("text", OTHER_MEANINGS)
def test_a_name_with_another_meaning_is_not_linked(text: str) -> None:
    assert names_of_imaging(text) == []


IMAGING = {
    "DRCT": [
        "Computed tomography (CT) of the chest.", "CT = computed tomography. Axial CT.", "CT, coronal reconstruction.",
        "Hepatic cyst (CT).", "Tumour of the chest (CT).", "CT: cystic lesion of the pancreas.", "CT (contrast phase).",
        "C.T. scan.", "C.T of the brain.", "ＣＴ of the chest.", "CT‑scan", "CTs of the chest", "MSCT", "NECT", "CECT",
        "HRCT", "CBCT of the mandible", "CTA of the neck", "LDCT", "µCT of the femur", "micro-CT", "CAT scan",
        "Axial computed tomograms.", "Computerised tomogram.", "Computertomographic scan.", "Chest tomography scan.",
        "Tomography of the chest.", "Tomographic section of the liver.",
        "X-ray microtomography.",
    ],
    "DRMR": [
        "M.R.I. of the knee.", "M.R.C.P. shows a stone.", "MRCP", "MR of the knee.",
        "Lesion in the right lobe (MR).",
        "Magnetic resonance imaging (MRI).", "T2WI", "T2 hyperintense lesion.",
        "SSFP image.", "NMR imaging of the brain.",
        "T1-w image", "DW image", "fat-suppressed T2 image", "magnetic resonance tomogram",
    ],
    "DRUS": [
        "USS of the abdomen.", "U/S of the abdomen.", "US of the liver.", "US: mass in the liver.",
        "Gravid uterus (US).",
        "Follow-up US after 3 months.",
        "Initial US.",
        "Transabdominal US of the liver.", "U.S. scan of the kidney.", "Sonograms.", "Ultrasonographical image.",
        "Transoesophageal echocardiogram.", "Colour Doppler.",
        "Hypoechoic mass in the breast.", "Anechoic cyst.", "3D US of the uterus.", "US-FNA of a node.",
        "U.S.G.", "FAST view",
    ],
    "DRXR": [
        "Chest film.", "Plain films of the pelvis.", "AP film.", "Film of the chest.", "Roentgenographs.",
        "X‐rays.",
        "Röntgenogram", "Digital breast tomosynthesis.", "Mammograms.", "Esophagram.",
        "Oesophagogram.", "Barium swallow.",
        "IVP", "HSG", "ERCP", "KUB", "OPG shows impacted teeth.", "Orthopantomogram (OPG).", "Panorex.",
        "DEXA scan", "DXA",
        "Fluoroscopy.", "Radioscopy.", "MCUG", "Nephrostogram.", "Urethrocystography.", "Discography.",
        "Panoramic tomogram.",
        "Teleradiograph.", "Upper GI contrast study.", "Enteroclysis.", "Defaecography.",
    ],
    "DRAN": [
        "DSA of the carotid.", "Digital subtraction angiography (DSA).", "Cineangiographic frame.", "Cine-angiogram.",
        "Coronariography.", "Arteriograms.", "Phlebography.",
    ],
    "DRPE": ["PET scan.", "FDG-PET image.", "Positron emission tomogram.", "FDG-avid node."],
    "DRCO": ["PET-CT", "PET/CT", "SPECT/CT of the thyroid.", "PET-MRI"],
    None: [
        "HIDA scan", "scintigraphy", "Scintiscan.", "bone scans", "MUGA", "DMSA scan", "MIBG scintigraphy", "Renogram.",
        "SPECT", "sestamibi scan", "V/Q scan", "Cholescintigraphy.", "Lymphoscintigram.",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in IMAGING.items() for text in texts])
def test_every_usual_name_of_imaging_is_linked(kind: str | None, text: str) -> None:
    assert label(text) == kind and names_of_imaging(text)


def test_the_state_in_the_address_of_a_company_is_no_projection() -> None:
    for caption, names in {
        "CT of the knee (Agfa, Hartford, CT, USA).": ["CT"],
        "Radiograph of the knee (Agfa, Malvern, PA, USA).": ["Radiograph"],
        "Radiograph of the knee, PA.": ["Radiograph", "PA"],
        "Coronal view of the Knee, CT.": ["CT"],
    }.items():
        assert [mention.text for mention in LINKER.link(caption)] == names


def test_words_about_a_finding_count_only_without_the_name_of_a_modality() -> None:
    assert label("Hypoechoic area; contrast study. CT shows a mass with high T2 signal.") == "DRCT"


def test_no_name_of_a_modality_hides_the_body_region_or_direction_in_it() -> None:
    hidden = {}
    for concept in VOCABULARY.concepts:
        others = tuple(other for other in VOCABULARY.concepts if other.kind in ("region", "direction"))
        inner = TermMatcher(Terms(others))
        if concept.kind == "modality":
            hidden |= {name: inner.link(name) for name in concept.names if inner.link(name)}
    # In these the word belongs to the name of the technique or of the device.
    assert [name for name in hidden if not any(word in name for word in ("axial tomogra", "C-arm", "trans-"))] == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("the modified Rankin scale (MRS)", ["modified Rankin scale"]),
        ("MRS (modified Rankin scale)", ["modified Rankin scale"]),
        ("MRS, modified Rankin scale; n, number", ["modified Rankin scale"]),
        ("MRS = modified Rankin scale at 90 days", ["modified Rankin scale"]),
        ("MRS denotes the modified Rankin scale.", ["modified Rankin scale"]),
        ("MRS – modified Rankin scale; TX – treatment", ["modified Rankin scale"]),
        ("MRS of the right side", []),
        ("mass of the right side (MRS, day 2)", ["mass of the right side"]),
        ("mass in the right lobe (MRS)", []),
    ],
)
def test_the_long_forms_in_a_caption_are_found(text: str, words: list[str]) -> None:
    assert [long.words for long in long_forms(text, "MRS")] == words


@pytest.mark.parametrize("names", [("EGFR",), ("EGFR", "epidermal growth factor receptor")])
def test_a_concept_of_another_vocabulary_may_be_a_molecule(names: tuple[str, ...]) -> None:
    linker = TermMatcher(Terms((Term("C0000001", "EGFR", None, "concept", None, names),)))
    text = "EGFR expression; EGFR, epidermal growth factor receptor"
    assert linker.link(text)[0].text == "EGFR"
    other = "EGFR, estimated glomerular filtration rate; n, number"
    assert [mention.text for mention in linker.link(other)] == (["EGFR"] if len(names) == 1 else [])


def test_an_abbreviation_that_the_caption_expands_to_the_concept_is_linked() -> None:
    assert [mention.text for mention in LINKER.link("LA, left atrium; RA = radial artery")] == ["LA", "left atrium"]


@pytest.mark.parametrize(
    "piece", ["CT (CT) ", "US ", "MR = ", "controls (CT) ", "X-ray 5 ", "film of ", "C.T. ", "PET, p "]
)
def test_a_hostile_caption_is_linked_in_bounded_time(piece: str) -> None:
    with cpu_limit():
        LINKER.link(piece * (50_000 // len(piece)))
