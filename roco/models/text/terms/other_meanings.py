"""Other meanings of the names in the vocabulary: phrases that contain a name, and words around it that show them."""

from __future__ import annotations

import re
from typing import NamedTuple

from roco.base.patterns import later

# Phrases that contain a name of the vocabulary but mean something else. As the longer match they hide the name.
DECOYS = (
    *("cystic duct", "cystic artery", "cystic fibrosis", "renal pelvis", "heart rate", "heart failure"),
    *("chest pain", "abdominal pain", "pelvic pain", "C-arm", "study arm", "treatment arm", "control arm"),
    *("echo time", "echo planar", "echo train", "echo sounder", "echo chamber", "cardiac arrest"),
    *("echo cancellation", "photon echo"),
    *("fluorescein angiography", "fluorescein angiogram", "fundus fluorescein angiography", "OCT angiography"),
    *("fluorescein angiographic", "fluorescence angiography", "fundus angiography", "OCT angiogram"),
    *("indocyanine green angiography", "indocyanine green angiogram", "ICG angiography", "ICG angiogram"),
    *("optical coherence tomography angiography", "optical coherence tomography angiogram"),
    *(
        f"{kind} {word}"
        for kind in (
            *("optical coherence", "optic coherence", "ocular coherence", "OCT", "electron", "electron cryo", "cryo"),
            *("impedance", "diffuse optical", "photoacoustic", "optoacoustic", "atom probe", "seismic", "corneal"),
            *("Scheimpflug", "retinal", "neutron", "ultrasound", "emission"),
        )
        for word in ("tomography", "tomographic", "tomogram")
    ),
    *("laser Doppler", "laser-Doppler", "Doppler shift", "Doppler effect", "Doppler broadening", "Doppler radar"),
    *(
        "laser Doppler flowmetry",
        "laser Doppler imaging",
        "laser Doppler perfusion imaging",
        "laser Doppler velocimetry",
    ),
    *(
        "nuclear magnetic resonance spectroscopy",
        "nuclear magnetic resonance spectrum",
        "nuclear magnetic resonance spectra",
    ),
    *("nuclear magnetic resonance structure", "magnetic resonance force microscopy", "ferromagnetic resonance"),
    *(
        "CT number",
        "CT DNA",
        "PA catheter",
        "PA pressure",
        "AP diameter",
        "AP dimension",
        "cancer antigen",
        "duplex kidney",
    ),
    *(
        "electron spin echo",
        "photon echo",
        "neutron radiography",
        "proton radiography",
        "Rankin scale",
        "PET bottle",
        "PET vector",
    ),
)


class Meaning(NamedTuple):
    """Words that show another meaning: directly before the name, directly after it, or anywhere in the caption.

    needs_before, needs_after: for a name that usually means something else, the words of which one must be there;
    needs_anywhere: the same for words anywhere in the caption.
    """

    before: re.Pattern[str] | None = None
    after: re.Pattern[str] | None = None
    anywhere: re.Pattern[str] | None = None
    needs_before: re.Pattern[str] | None = None
    needs_after: re.Pattern[str] | None = None
    needs_anywhere: re.Pattern[str] | None = None


def _before(words: str) -> re.Pattern[str]:
    return later(rf"(?:^|[^\w])(?:{words})[\s\-\u2010-\u2015]*$", re.I)


def _after(words: str) -> re.Pattern[str]:
    return later(rf"[\s\-\u2010-\u2015]*(?:{words})", re.I)


_DOSE = r"[(,]?\s*(?:of|at|with|dose|doses|a|single|total|to|the|in|\W)*\s*[\d.]+\s*(?:-\s*[\d.]+\s*)?[mcµ]?Gy\b"
_X_RAY = Meaning(
    _before(
        r"(?:small|wide|grazing|large|low|high)[\s-]angle(?:[\s-]incidence)?|(?:energy|wavelength)[\s-]dispersive"
        r"|synchrotron|soft|hard|monochromatic|polychromatic|powder|single[\s-]crystal|resonant|extended"
        r"|total reflection|grazing[\s-]incidence|[\d.]*\s*[mcµ]?Gy(?:\s+of|\s+doses? of)?|dos(?:es?|ages?) of"
        r"|irradiat\w+(?:\s+(?:with|by|using|to|under))?|expos(?:ed|ure)\s+(?:to|on|onto)|induced by|energy of"
        r"|emission of|Chandra|solar|cosmic|stellar|flux of|K-edge|photons? of"
        r"|(?:cells|mice|embryos|seeds)\s+(?:after|with)"
    ),
    _after(
        r"(?:powder|single|micro|nano|ray|grade|K-edge|near[\s-]edge|fine)?[\s-]*(?:crystal|diffract|scatter|spectr"
        r"|fluorescen|absorption\b|absorptive near|photoelectron|photo-electron|photoemission|microanaly|analyser"
        r"|topograph|reflect(?:ivity|ometry)|irradiat|induced|treated|exposed|expos|dose|beam|source|tube\b|generator|photon"
        r"|energ|emission|edge|repair|lithograph|laser|free[\s-]electron|microscop|nanoscop|microprobe|ptychograph|pulse|flux"
        r"|sensitiv|resist|binar|burst|flare|luminos|dispersive|elemental|map\b|mapping|patterns?\b|peaks?\b|line\s?width"
        r"|structures?\b|structural|data\b(?=.{0,40}(?:crystal|resolution|refine))|inactivat|hybrid|cross[\s-]complement)"
        rf"|{_DOSE}"
    ),
)
_ULTRASOUND = Meaning(
    _before(r"low[\s-]intensity(?:[\s-]pulsed)?|focus(?:s)?ed|therapeutic|pulsed|power(?:ed)?|high[\s-]power|kHz"),
    _after(
        r"(?:-?\s?(?:assisted|treated|induced|mediated|stimulated|responsive|triggered|activated)\b|bath|cleaner|cleaning"
        r"|treatment|irradiat|homogeni[sz]|extraction|stimulation|neuromodulation|ablation|therapy|wave|vibrat|vocali[sz]"
        r"|call|scaler|scaling|scalpel|knife|dissect|aspirator|nebuli[sz]|weld|exposure|pulse|pretreat|process(?:or|ing)"
        r"|absorption|attenuation|velocity|source|microphone|measurement|disperser|dispersion|bone\s+density|sensor|emulsif|tip\b|instrument|testing|flaw|motor|actuator|humidif|cutting|machining|spray|levitat|transmi)"
    ),
)
_PLACES = (
    r"(?:chest|thora\w*|abdom\w*|pelvi\w*|crani\w*|skull|brain|cerebral|head|neck|lungs?|pulmonary|spin(?:e|al)|lumbar"
    r"|cervical|dorsal|lumbosacral|hips?|knees?|hands?|foot|feet|ankles?|wrists?|shoulders?|elbows?|legs?|femur|tibia"
    r"|sinus(?:es)?|facial|temporal bones?|orbits?|mandible|maxilla|jaws?|cardiac|heart|coronary|renal|kidneys?|hepatic"
    r"|liver|pancreas|breasts?)"
)
_VIEWS = (
    r"(?:plain|AP|PA|A/P|P/A|antero-?posterior|postero-?anterior|lateral|oblique|erect|supine|upright|standing|decubitus"
    r"|scout|KUB|cross-table|panoramic|periapical|bite-?wing|occlusal|intra-?oral|roentgen|portable|weight-bearing"
    r"|flexion|extension|cephalometric|mammographic|radiographic)"
)
_FILM = Meaning(
    needs_before=later(rf"\b(?:{_PLACES}|{_VIEWS})[\s\-\u2010-\u2015]+$", re.I),
    needs_after=later(rf"\s+of\s+(?:(?:the|his|her|a|both|right|left)\s+)*{_PLACES}\b", re.I),
)
_TOMOGRAPHY = Meaning(
    needs_before=later(
        rf"\b(?:{_PLACES}|axial|coronal|sagittal|transverse|computed|computeri[sz]ed|spiral|helical|multi\w+"
        r"|(?:contrast[\s-])?enhanced)[\s\-\u2010-\u2015]+$",
        re.I,
    ),
    needs_after=later(
        rf"\s+(?:of\s+(?:(?:the|his|her|a|both|right|left)\s+)*{_PLACES}\b|scan|image|section|slice|cut\b|cuts\b|view"
        r"|appearance|finding|exam)",
        re.I,
    ),
)
_MOLECULE = (
    r"expression|express|mRNA|protein|gene\b|genes\b|transcript|promoter|concentration|knock|deficien|antagonist|agonist"
    r"|inhibitor|receptor|antibod|antigen|vaccin|toxin|null\b|mutant|mutation|[−–-]/[−–-]|\+/\+|alleles?\b|locus"
    r"|positive cells|secretion|pathway|signal(?:l)?ing|cell lines?\b"
)
ANY_ABBREVIATION = Meaning(
    _before(
        r"(?:serum|plasma|urinary|recombinant|anti|soluble|levels? of|expression of|mRNA of|concentrations? of|strains?"
        r"|isolates?|clones?|plasmids?|mutants?)"
    ),
    _after(_MOLECULE),
)
"""For all names of up to four capitals: the names of molecules, genes and strains look the same."""

PCR = later(r"\bq?(?:RT-?q?)?PCR\b|cycle threshold|threshold cycle|\bprimers?\b|\bcopies\b|\bhousekeeping", re.I)
# States of the USA in addresses: "Stamford, CT", "Agfa, Malvern, PA, USA".
_CITIES = {
    "CT": "Hartford|New Haven|Stamford|Bridgeport|Danbury|Norwalk|Farmington|Storrs|Shelton|Wallingford|Groton",
    "PA": "Philadelphia|Pittsburgh|Malvern|Hershey|Exton|Allentown|Horsham",
    "LA": "New Orleans|Baton Rouge|Shreveport|Lafayette",
}
CITY_OF_STATE = {name: later(rf"\b(?:{cities}),\s*$") for name, cities in _CITIES.items()}
ANY_CITY = later(r"[A-Z][\w.'’-]+,\s*$")
AFTER_STATE = later(r",?\s*(?:U\.?S\.?A\b|US\b|United States\b|\d{5}\b)")

_MITRAL = later("mitral", re.I)

_DEXAMETHASONE = later("dexamethasone", re.I)
_PANORAMIC = Meaning(
    needs_anywhere=later(
        r"teeth|tooth|dent(?:al|ition)|jaw|mandib|maxill|molar|incisor|canine|orthopan|radiogra|x-?ray|impacted|radiolucen"
        r"|radio-?opa|implant|condyl|alveolar|odontogenic|ramus|film"
        r"|patient|(?:pre|post)-?operative|follow-?up",
        re.I,
    )
)

MEANINGS: dict[str, Meaning] = {
    "x ray": _X_RAY,
    "xray": _X_RAY,
    "x ray film": Meaning(
        _before(r"expos\w+\s+(?:to|on|onto)|autoradiograph\w*(?:\s+on)?"),
        None,
        later(r"\b(?:immuno)?blot|\bgels?\b|electrophores|chemiluminescen|autoradiogra", re.I),
    ),
    "anechoic": Meaning(None, _after("chamber|room|tank|box")),
    "echogenic": Meaning(None, _after("liposom|bubble|particle|polymer|coating|needle")),
    "color flow": Meaning(None, _after("cytomet")),
    "colour flow": Meaning(None, _after("cytomet")),
    "echo": Meaning(None, _after("state|network|location|virus|request|server|delay|hiding|sounding")),
    "doppler": Meaning(None, _after(r"lidar|cool|velocimet|profil|current|shifted|width|line|log\b")),
    "gadolinium": Meaning(None, _after(r"oxide|ions?\b|nano|complex|chloride|doped|atoms?\b|salt|\(III\)")),
    "panoramic view": _PANORAMIC,
    "panoramic image": _PANORAMIC,
    "panoramic film": _PANORAMIC,
    "FAST": Meaning(
        needs_before=later(r"\b(?:abdominal|suprapubic|bedside|extended|positive|negative)\s+$", re.I),
        needs_after=_after(r"(?:views?|scans?|exam|ultraso|sonogra|protocol)\b"),
    ),
    "DEXA": Meaning(_before("with|of|and"), _after(r"treat|group|[\d.]+\s?[µmn]?[Mg]\b"), _DEXAMETHASONE),
    "SWI": Meaning(None, _after("/?SNF")),
    "colon study": Meaning(None, later(r"\s+(?:of|in|cohort|group|participants|population)\b", re.I)),
    "b scan": Meaning(None, None, later(r"\bOCT\b|coherence", re.I)),
    "film": _FILM,
    "tomography": _TOMOGRAPHY,
    "tomographic": _TOMOGRAPHY,
    "tomogram": _TOMOGRAPHY,
    "ultrasound": _ULTRASOUND,
    "ultrasonic": _ULTRASOUND,
    "magnetic resonance": Meaning(
        _before(r"electron\s+para|solution|solid[\s-]state|paramagnetic|ferro|[123]\d?\s?[HCPN]"),
        _after(r"(?:spectr(?!oscopic imag)|structure|shift|relaxometry|\(NMR\)\s*(?:spectr|structure|data))"),
    ),
    "CT": Meaning(
        _before(r"delta|Δ|ΔΔ|calf thymus|cycle threshold"),
        _after(r"(?:26\b|DNA\b|cycles?\b|threshold)"),
    ),
    "MR": Meaning(
        _before(r"mild|moderate|severe|trace|functional|ischa?emic|residual|significant|eccentric|secondary|grade \w+"),
        _after(r"(?:jet|severity|grade|volume|regurg|1\b)"),
        _MITRAL,
    ),
    "MRS": Meaning(None, _after(r"(?:agar|broth|medium|media|plates?|scores?|\d)"), later("Rankin", re.I)),
    "PET": Meaning(
        _before(r"recycled|made (?:of|from)|amorphous|PVC|PP|PE|PS|coated|films? of|bottles? of"),
        _after(
            r"(?:RAFT|bottle|films?\b|fib(?:er|re)|plastic|membrane|sheet|substrate|foil|vector|plasmid|preform|flake|resin"
            r"|polymer|granul|mesh|hydrolase|ase\b|degrad|surface|layer|\(?poly|textile|yarn|support|micropl|particle)"
        ),
        later(r"polyethylene|terephthalate|polyester", re.I),
    ),
    "OPG": Meaning(None, None, later(r"\bRANK|osteoprotegerin|osteoclast", re.I)),
    "DSA": Meaning(None, None, later(r"donor[\s-]specific", re.I)),
    "RA": Meaning(None, None, later("arthritis", re.I)),
}
"""Names, capitals as in the vocabulary, other names in lower case without plural and hyphens -> other meanings."""
