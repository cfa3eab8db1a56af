"""The normalised licences of articles and figures, and those that a dataset may contain by default."""

from __future__ import annotations

LICENSES = (
    "CC-BY", "CC-BY-NC", "CC-BY-SA", "CC-BY-ND", "CC-BY-NC-SA", "CC-BY-NC-ND", "CC-NC", "CC-SA", "CC-ND", "CC-NC-SA",
    "CC-NC-ND", "CC0", "PDM", "CC-UNSPECIFIED", "NO-CC", "TDM", "PUBLISHER-OA", "OGL", "PHE", "NONE", "CONFLICT",
    "UNKNOWN",
)  # fmt: skip
"""Normalised licences: the values of the column `license`."""

DEFAULT_LICENSES = ("CC-BY", "CC-BY-NC")
"""The licences of the paper: both allow redistribution of the unchanged image."""

NO_REDISTRIBUTION = ("CC-UNSPECIFIED", "NO-CC", "TDM", "PUBLISHER-OA", "PHE", "NONE", "CONFLICT", "UNKNOWN")
"""Licences that do not allow redistribution, or of which it is not known; all others allow it for the unchanged image.

PHE allows reuse for the duration of a public health emergency only.
"""

COMMERCIAL_LICENSES = ("CC-BY", "CC-BY-SA", "CC-BY-ND", "CC-SA", "CC-ND", "CC0", "PDM", "OGL")
"""Licences that allow commercial use of the unchanged image."""
