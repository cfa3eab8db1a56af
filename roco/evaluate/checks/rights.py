"""Checks of licences, links and retractions."""

from __future__ import annotations

from roco.base.ids import clean_pmcid
from roco.base.licenses import DEFAULT_LICENSES
from roco.evaluate.checks.check import Measured, Row
from roco.evaluate.report.content import NotAvailable
from roco.evaluate.report.inputs import Inputs


def other_licenses(inputs: Inputs) -> Measured:
    """Images whose licence is not CC BY or CC BY-NC, the licences of the paper, or whose attribution names none."""
    pairs = zip(inputs.values("id"), inputs.values("license"), strict=True)
    rows = [Row(id, license or "none") for id, license in pairs if license not in DEFAULT_LICENSES]
    return Measured(len(rows), inputs.size, rows)


def without_article(inputs: Inputs) -> Measured:
    """Images without a PMCID, whose article cannot be found."""
    pairs = zip(inputs.values("id"), inputs.values("pmcid"), strict=True)
    rows = [Row(id, pmcid or "no PMCID") for id, pmcid in pairs if clean_pmcid(pmcid)[0] is None]
    return Measured(len(rows), inputs.size, rows)


def retracted(inputs: Inputs) -> Measured:
    """Images of retracted articles, by the index, the metadata or the XML, and by PubMed's publication types where they
    were fetched; the paper's dataset has 38 retracted articles."""
    ids, pmcids = inputs.values("id"), inputs.values("pmcid")
    by_pubmed = _retracted_by_pubmed(inputs)
    if "retracted" not in inputs.available and inputs.pubmed is None:
        raise NotAvailable("retractions are unknown: fetch them with roco fetch pubmed")
    flags = inputs.values("retracted") if "retracted" in inputs.available else [False] * len(ids)
    rows = []
    for id, pmcid, flag in zip(ids, pmcids, flags, strict=True):
        if flag or pmcid in by_pubmed:
            rows.append(Row(id, f"{pmcid} is retracted" + (", by PubMed" if pmcid in by_pubmed else "")))
    return Measured(len(rows), len(ids), rows)


def _retracted_by_pubmed(inputs: Inputs) -> set[str]:
    """Returns the PMCIDs of articles that MEDLINE marks as retracted."""
    if inputs.pubmed is None:
        return set()
    found = set()
    for row in inputs.pubmed.select(["pmcid", "publication_types"]).to_pylist():
        names = [one["name"] for one in row["publication_types"] or ()]
        if "Retracted Publication" in names:
            found.add(row["pmcid"])
    return found
