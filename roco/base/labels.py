"""The label sets of the paper with their CUIs: modalities, body regions and directions."""

from __future__ import annotations

from typing import NamedTuple


class Term(NamedTuple):
    """One label and its UMLS concept: CUI, name and semantic type; CUI and type are None for combined modalities."""

    label: str
    cui: str | None
    name: str
    tui: str | None


MODALITIES: dict[str, Term] = {
    term.label: term
    for term in (
        Term("DRAN", "C0002978", "Angiogram", "T060"),
        Term("DRCO", None, "Combined modalities", None),  # PET/CT and similar have no CUI of their own
        Term("DRCT", "C0040405", "X-Ray Computed Tomography", "T060"),
        Term("DRMR", "C0024485", "Magnetic Resonance Imaging", "T060"),
        Term("DRPE", "C0032743", "Positron-Emission Tomography", "T060"),
        Term("DRUS", "C0041618", "Ultrasonography", "T060"),
        Term("DRXR", "C1306645", "Plain X-Ray", "T060"),
    )
}
"""The seven modalities (Tables S2, S6 to S12, S14)."""

REGIONS: dict[str, Term] = {
    term.label: term
    for term in (
        Term("abdomen", "C0000726", "Abdomen", "T029"),
        Term("breast", "C0006141", "Breast", "T023"),
        Term("chest", "C0817096", "Chest", "T029"),
        Term("cranium", "C0037303", "Bone Structure Of Cranium", "T023"),
        Term("lower_extremity", "C0023216", "Lower Extremity", "T023"),
        Term("pelvis", "C0030797", "Pelvis", "T023"),
        Term("spine", "C0037949", "Vertebral Column", "T023"),
        Term("upper_extremity", "C1140618", "Upper Extremity", "T023"),
    )
}
"""The eight body regions of the IRMA code, for X-rays only (Tables S3, S15)."""

DIRECTIONS: dict[str, Term] = {
    term.label: term
    for term in (
        Term("coronal_ap", "C1999039", "Anterior-Posterior", "T082"),
        Term("coronal_pa", "C1996865", "Postero-Anterior", "T082"),
        Term("sagittal", "C0205129", "Sagittal", "T082"),
        # The paper gives no CUI for this one; it is the UMLS concept of "Transverse" in DICOM PS3.16, context group 2.
        Term("transversal", "C0205106", "Transverse", "T082"),
    )
}
"""The four directions, for X-rays only (Tables S4, S12, S16)."""

NUCLEAR = "C0034606"
"""Radionuclide imaging (scintigraphy, SPECT): not a modality itself (Table S14); with CT or MR a combined one."""

KINDS: dict[str, dict[str, Term]] = {"modality": MODALITIES, "region": REGIONS, "direction": DIRECTIONS}
"""Name of a label set -> label -> term."""


def cuis(kind: str) -> frozenset[str]:
    """Returns the CUIs of one label set; kind: modality, region or direction."""
    return frozenset(term.cui for term in KINDS[kind].values() if term.cui)
