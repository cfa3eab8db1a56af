"""Responsible AI in croissant.json: limitations, biases, personal information, uses and origin of a release.

http://mlcommons.org/croissant/RAI/1.0; the fields are those that conferences ask for. Every number is counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from roco.base.json_text import parse_json
from roco.base.labels import MODALITIES
from roco.base.readers import UNREADABLE, read_text
from roco.release.export.rows import ReleaseRows
from roco.release.format import FUNNEL

_LIMITATIONS = (
    "Captions are as published. They may name the wrong modality, or describe more than the image shows.",
    "Concepts that no annotator assigned were extracted from captions automatically.",
    "A caption may mention what its image does not show.",
    "Published figures may have a lower quality than clinical images; their grey values are not those of the scanner.",
    "The dataset is intended for research and teaching, not for diagnosis.",
)

_BIAS = (
    "Articles reflect what gets published, not clinical practice: rare findings and some modalities are "
    "over-represented. The dataset does not show how common a disease is."
)

_PERSONAL = (
    "The images show patients, as published in the articles.",
    "They were not screened for burned-in text, unless figures.parquet has the column `screening`.",
    "No demographic data were collected.",
)

_USES = (
    "Captioning of radiology images.",
    "Detection of UMLS concepts, modality, body region and direction in radiology images.",
    "Retrieval of images and texts, and pre-training of models of both.",
)

_IMPACT = (
    "The dataset makes openly licensed radiology images available for research with their attribution. Models trained "
    "on it must not be used for diagnosis, and inherit its biases."
)

_PMC = "https://pmc.ncbi.nlm.nih.gov/tools/openftlist/"


def responsible_ai(rows: ReleaseRows) -> dict[str, Any]:
    """Returns the fields of the vocabulary, and the origin of the dataset in that of PROV."""
    return {
        "rai:dataLimitations": list(_LIMITATIONS),
        "rai:dataBiases": [_BIAS, *_counts(rows)],
        "rai:personalSensitiveInformation": list(_PERSONAL),
        "rai:dataUseCases": list(_USES),
        "rai:dataSocialImpact": _IMPACT,
        "rai:hasSyntheticData": False,
        "rai:dataCollection": "Figures of open-access articles, with their captions and licences.",
        "rai:dataReleaseMaintenancePlan": (
            "New releases extend this one: images keep their ids and splits. The ids of images that were withdrawn "
            "are retired, and listed with the reason in tombstones.csv."
        ),
        "rai:dataPreprocessingProtocol": [
            "Images are unmodified.",
            "White space of captions is normalised; addresses and invisible characters are removed.",
            *_funnel(rows),
        ],
        "prov:wasDerivedFrom": [{"@id": _PMC}] if rows.totals.has_pmcid else [],
        "prov:wasGeneratedBy": {
            "@type": "prov:Activity",
            "sc:name": "roco",
            "sc:description": "Read, filtered, labelled and split the figures; funnel.json counts them at each stage.",
        },
    }


def _counts(rows: ReleaseRows) -> list[str]:
    """Returns the distribution of modalities and years."""
    totals = rows.totals
    known = totals.labels["modality"]
    sentences = []
    if known:
        names = [f"{MODALITIES[one].name if one in MODALITIES else one} {n:,}" for one, n in known.most_common()]
        unknown = totals.n_images - known.total()
        sentences.append(f"Images by modality: {', '.join(names)}, unknown {unknown:,}.")
    if totals.years:
        sentences.append(f"Years of publication: {min(totals.years)} to {max(totals.years)}.")
    languages = [f"{language} {n:,}" for language, n in totals.languages.most_common()]
    if languages:
        sentences.append(f"Captions by language: {', '.join(languages)}.")
    return sentences


def _funnel(rows: ReleaseRows) -> Sequence[str]:
    """Returns how many figures each stage dropped, as funnel.json counts them."""
    try:
        stages = parse_json(read_text(rows.file(FUNNEL)))["stages"]
        dropped = [f"{one['stage']} {sum(one['dropped'].values()):,}" for one in stages if one["dropped"]]
    except (*UNREADABLE, AttributeError, KeyError, TypeError):
        return ()
    return (f"Figures dropped by stage: {', '.join(dropped)}.",) if dropped else ()
