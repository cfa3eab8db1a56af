"""The headers of a release's CSV files, as in the published ROCOv2."""

from __future__ import annotations

CAPTION_COLUMNS = ("ID", "Caption")
CONCEPT_COLUMNS = ("ID", "CUIs")

SPLIT_TABLES: dict[str, tuple[str, ...]] = {
    "captions": CAPTION_COLUMNS,
    "concepts": CONCEPT_COLUMNS,
    "concepts_manual": CONCEPT_COLUMNS,
}
"""Table -> header; every split has one of each: `train_captions.csv`, `test_concepts.csv` …"""

CUI_MAPPING_COLUMNS = ("CUI", "Canonical name")
"""cui_mapping.csv: one row for each concept of the release."""

LICENSE_COLUMNS = ("ID", "PMCID", "Attribution", "Link")
"""license_information.csv: one row for each image."""

ATTRIBUTION_COLUMNS = (
    *("ID", "Title", "Authors", "Journal", "Year", "DOI", "License", "License URL", "Copyright", "Source", "Changes"),
)
"""attribution.csv: one row for each image."""

TOMBSTONE_COLUMNS = ("ID", "Split", "Image key", "Article", "File", "Figure", "Reason", "Detail")
"""tombstones.csv: one row for each image that a previous release contains and this one does not."""
