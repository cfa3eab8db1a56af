"""Things: scanners, needles, methods, vessels. They provide something, or are its source, but hold no rights."""

from __future__ import annotations

import re

from roco.base.patterns import later
from roco.models.text.credits.holders import HOLDER
from roco.models.text.credits.tables import any_of, nouns

_DEVICES = """
accelerator anode antenna apparatus apron arm balloon beam bed brace bulb cage camera cannula cast catheter cathode
chair clamp coil collimator computer console cup cushion cyclotron detector device display drill electrode endoscope
equipment fiducial filter fluoroscope forceps frame gantry generator graft guidewire helmet holder implant instrument
jig lamp laparoscope laser lens light linac machine magnet marker mask microscope mobile monitor nail needle
operating_table pacemaker paddle phantom phone pin pipette plate probe program prosthesis pump retractor robot rod
scanner
screw sensor sheath smartphone software splint stand stem stent stimulator synchrotron syringe system tablet tool
transducer treatment_table trocar tube tubing ventilator wire workstation
"""
_SOFTWARE = """
3D_Slicer Adobe Amira ArcGIS AutoCAD Avizo Blender Canva ChatGPT CorelDRAW DALL-E Excel FreeSurfer GIMP GraphPad Horos
Illustrator ImageJ Inkscape InVesalius ITK-SNAP Materialise MATLAB Matplotlib Microsoft Midjourney Mimics OsiriX
Photoshop PowerPoint Python QGIS RadiAnt SolidWorks SPSS
"""
_SCANNERS = """
Achieva Aera Aquilion Avanto Brilliance Ingenia LightSpeed LOGIQ Magnetom Signa Skyra Somatom Verio
"""
_IMAGING = """
angiography arthrography cholangiography computed_tomography computer_tomography cone_beam_CT contrast doppler
echocardiography elastography electron_microscopy endoscopy fluoroscopy light_microscopy magnetic_resonance
magnetic_resonance_imaging mammography microscopy myelography radiography radiology_system scintigraphy sonography
tomography tomosynthesis ultrasonography ultrasound urography venography x-ray xray
"""
_VESSEL_ACRONYMS = "AVM DVT GDA ICA IMA IVC LAD LCX MCA PFO RCA SMA SVC"
_IMAGING_ACRONYMS = "CBCT CT CTA DICOM DR DSA LED MDCT MR MRA MRCP MRI OCT PACS PET RIS SPECT US"
_DESCRIPTIONS = """
anterior axial coronal follow-up initial intraoperative lateral left medial posterior postoperative preoperative right
sagittal specimen surgical
"""
_METHODS = """
acquisition approach criteria criterion definition equation formula incision method position procedure projection
protocol questionnaire routine scale score scoring sequence setting technique test view
"""
_RECORDINGS = """
angiogram echocardiogram exam examination film footage mammogram radiograph reconstruction recording rendering
segmentation sonogram video
"""
_ANATOMY = """
abscess adenoma adrenal adventitia amygdala anastomosis aneurysm aorta aortic appendage appendicitis appendix arteria
arterial arterie arteries arteriole artery artère artéria atrium bile biopsy bladder bleeding blood bone bowel brain
branch branches bronchial bronchus caecum cancer capillary carcinoma cardiac carotid cecum celiac cerebellum cervix
circumflex clot coeliac collateral colon colonic coronary cortex cyst dental disc diverticulitis diverticulum duct
duodenal duodenum emboli embolism embolus endocarditis epigastric erosion esophageal esophagus femoral fistula fluid
foramen gallbladder gastric gastroduodenal graft_vessel haemorrhage haemorrhoid heart hemangioma hematoma hemorrhage
hemorrhoid hepatic ileum iliac infection inflammation intercostal intestinal intestine jejunum joint kidney leak
lesion ligament liver lobe lumbar lung lymph malformation marrow mass mesenteric metastases metastasis mucosa muscle
neoplasm nerve node oesophagus ovary pancreas pancreatic parathyroid perforation peritoneal pituitary placenta plaque
plasma pleura pneumonia prostate pseudoaneurysm pulmonary pus rectal rectum renal sepsis serum shunt sinus sinusitis
skin skull spine spleen splenic stomach stroke subclavian tendon testis thrombi thrombosis thrombus thymus thyroid
tissue tooth tumor tumour ulcer umbilical ureter urethra urinary uterine uterus vagina valve variceal varices varix
vascular vegetation vein vena venous ventricle vertebra vertebral vessel
"""
_RADIATION = """
agent carbon_ion cell cesium cobalt drug electron energy gamma iridium isotope neutron photon proton radiation
radionuclide radium technetium tracer
"""
_PROGRAMS = "algorithm classifier model network pipeline"
_MEASUREMENTS = "coordinate data dose number parameter setting statistic threshold value"
_MATERIALS = "cell compound line mouse peptide plasmid rat reagent sample specimen strain tissue tracer virus"
_DISEASE = (
    r"[a-z]{2,}(?:itis|osis|oses|plasia|ectasia|pathy|rrhage|a?emia|uria|genic)|(?-i:[a-z]{3,}oma(?:s|ta)?)"
    r"|trauma|unclear|unknown"
)
_OF_THE_PATIENT = r"(?:raw|original|imaging|image|scan|volume|volumetric|patient|DICOM)\s+(?:data|images?|scans?)"

SOFTWARE = rf"(?-i:{any_of(_SOFTWARE)})"
TOOL = rf"(?:{nouns(_DEVICES)}|{nouns(_METHODS)}|{SOFTWARE}|drugs?|agents?|vaccines?)"
"""What may be adapted from something without being a picture: "the needle was adapted from …"."""
MEASUREMENT = nouns(_MEASUREMENTS)
MATERIAL = rf"(?:{nouns(_MATERIALS)}|antibod(?:y|ies)|mice)"
"""What others give to a laboratory, which takes the picture itself."""

_ISOTOPE = r"(?-i:(?:99m)?(?:Tc|Ir|Co|Cs|Sr|Ra)-?\d{2,3}m?|\d{2,3}m?-?(?:Tc|Ir|Co|Cs|Sr|Ra|I)|I-\d{3})"
_IN_ANY_CASE = later(
    rf"\b(?:{any_of(_IMAGING)}|{any_of(_DESCRIPTIONS)}|{any_of(_SCANNERS)}|{SOFTWARE}|(?-i:{any_of(_IMAGING_ACRONYMS)})"
    rf"|(?-i:{any_of(_VESSEL_ACRONYMS)})|{_DISEASE}|{_OF_THE_PATIENT}|{_ISOTOPE})\b",
    re.I,
)
_OTHER = later(
    rf"\b(?:{nouns(_DEVICES)}|{nouns(_METHODS)}|{nouns(_RECORDINGS)}|{nouns(_PROGRAMS)}|{nouns(_ANATOMY)}|{nouns(_RADIATION)})\b",
    re.I,
)
# "the manufacturer's software" is a thing, "Doe's software" credits Doe.
_POSSESSOR = later(r"^(?:[a-z]+\s+){0,3}[a-z]+(?:['’]s|s['’])\s+")
_STARTS_WITH_SOFTWARE = later(SOFTWARE)
_BEFORE_NOUN = later(
    r"(?:(?:the|an?|this|our|its|left|right|anterior|posterior|superior|inferior|proximal|distal|upper|lower|middle"
    r"|common|deep|internal|external)\s+)*",
    re.I,
)

_CITATION = later(r"\bet\s+al\b|\[\s*\d|\b(?:19|20)\d\d\b|\brefs?\b\.?", re.I)
_END_OF_NOUN = later(
    r"\s(?:after|and\s+then|at|before|by|during|for|from|in|on|reveal\w*|show\w*|demonstrat\w*|that|to|using|via|was"
    r"|were|when|which|who|with)\s",
    re.I,
)


def names_thing(phrase: str) -> bool:
    """Returns whether a noun phrase names a device, method, vessel, lesion or tissue, and no person or work.

    "the 3T scanner", "branch of the left gastric artery", "Tc-99m" do; "the CT department", "Ultrasound Atlas",
    "the method of Other et al." and "Jane Bone" do not.
    """
    if _CITATION.search(phrase):
        return False
    noun = _END_OF_NOUN.split(f"{phrase} ")[0].strip()
    noun = _POSSESSOR.sub("", noun)
    head, _, rest = noun.partition(" of ")
    if _STARTS_WITH_SOFTWARE.match(head):
        return True
    if HOLDER.search(head):
        return False
    if _has_thing(head):
        # "the scanner of the unit", but not "radiographs of Example Museum"
        return rest.islower() or not HOLDER.search(rest)
    # "one of the arteries", but not "Jane Doe of the MRI team"
    return head.islower() and not HOLDER.search(rest) and _has_thing(rest)


def _has_thing(noun: str) -> bool:
    if _IN_ANY_CASE.search(noun):
        return True
    before = _BEFORE_NOUN.match(noun)
    start = before.end() if before else 0
    # A capital letter within the phrase makes it a name: "Jane Bone", but "Left Gastric Artery".
    return any(match[0][0].islower() or match.start() == start for match in _OTHER.finditer(noun))
