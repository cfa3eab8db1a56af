"""The format of a release: the files in its folder, and the columns of removed.parquet."""

from __future__ import annotations

from roco.base.schema import SPLITS
from roco.base.tables import SPLIT_TABLES

# --- files ---------------------------------------------------------------------------------------------------

FIGURES = "figures.parquet"
DROPPED = "removed.parquet"
GROUPS = "duplicates.parquet"
TOMBSTONES = "tombstones.csv"
CUI_MAPPING = "cui_mapping.csv"
LICENSES = "license_information.csv"
ATTRIBUTION = "attribution.csv"
FUNNEL = "funnel.json"
LEAKAGE = "leakage.json"
CARD = "README.md"
DATASHEET = "DATASHEET.md"
CITATION = "CITATION.cff"
METADATA = "metadata.json"
"""Title, creators and contact; releases made before roco wrote this file lack it."""
SELECT = "select.json"
"""How a subset was selected: SQL, flags, parent, numbers of images before and after; other releases lack it."""
CROISSANT = "croissant.json"
"""The description for mlcroissant, of an export or of a deposit; it names the addresses of the files."""
CHECKSUMS = "checksums.sha256"
EMBEDDINGS = "embeddings.parquet"
"""Embeddings of the images; only where the recipe asks for it."""

# --- columns -------------------------------------------------------------------------------------------------

DROPPED_COLUMNS = (
    "figure_id",
    "article_key",
    "image_key",
    "pmcid",
    "fig_id",
    "file",
    "sha256",
    "stage",
    "drop",
    "drop_detail",
)
"""The columns of removed.parquet: where a dropped figure comes from and why it was dropped; no text of the article."""

# --- all files -----------------------------------------------------------------------------------------------

_SPLIT_FILES = ("images.zip", *(f"{table}.csv" for table in SPLIT_TABLES))

FILES = (
    *(f"{split}_{name}" for split in SPLITS for name in _SPLIT_FILES),
    CUI_MAPPING,
    LICENSES,
    ATTRIBUTION,
    FIGURES,
    DROPPED,
    GROUPS,
    TOMBSTONES,
    FUNNEL,
    LEAKAGE,
    CARD,
    DATASHEET,
    CITATION,
)
"""All files of a release except the checksums, metadata.json, and those that only some releases have."""


def license_words(license: str) -> str:
    """Returns a licence as license_information.csv writes it: `CC BY-NC` for `CC-BY-NC`."""
    return license.replace("CC-", "CC ", 1)
