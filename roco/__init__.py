"""roco turns open-access articles into a radiology dataset, and lets people use it.

The face: everything here is imported when it is first used, so that `import roco` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from roco.core.reading import reading
    from roco.core.run import Outcome
    from roco.core.show import show
    from roco.core.stage import Decision, Measure, Publication, Stage, drop, put, those_who_left
    from roco.core.status import status
    from roco.dataset import load, verify
    from roco.difference import diff
    from roco.errors import DataError, RecipeError, RocoError, UsageError
    from roco.recipe import Pipeline, Recipe, load_recipe
    from roco.scoring.captions import evaluate_captions
    from roco.scoring.concepts import evaluate_concepts
    from roco.scoring.raters import evaluate_agreement
    from roco.scoring.report import Report
    from roco.scoring.retrieval import evaluate_retrieval

_HOME = {
    "roco.core.reading": ("reading",),
    "roco.core.run": ("Outcome",),
    "roco.core.show": ("show",),
    "roco.core.stage": ("Decision", "Measure", "Publication", "Stage", "drop", "put", "those_who_left"),
    "roco.core.status": ("status",),
    "roco.dataset": ("load", "verify"),
    "roco.difference": ("diff",),
    "roco.errors": ("DataError", "RecipeError", "RocoError", "UsageError"),
    "roco.recipe": ("Pipeline", "Recipe", "load_recipe"),
    "roco.scoring.captions": ("evaluate_captions",),
    "roco.scoring.concepts": ("evaluate_concepts",),
    "roco.scoring.raters": ("evaluate_agreement",),
    "roco.scoring.report": ("Report",),
    "roco.scoring.retrieval": ("evaluate_retrieval",),
}

__all__ = [
    "DataError",
    "Decision",
    "Measure",
    "Outcome",
    "Pipeline",
    "Publication",
    "Recipe",
    "RecipeError",
    "Report",
    "RocoError",
    "Stage",
    "UsageError",
    "__version__",
    "diff",
    "drop",
    "evaluate_agreement",
    "evaluate_captions",
    "evaluate_concepts",
    "evaluate_retrieval",
    "load",
    "load_recipe",
    "put",
    "reading",
    "show",
    "status",
    "those_who_left",
    "verify",
]


def __getattr__(name: str) -> Any:
    for module, names in _HOME.items():
        if name in names:
            return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module 'roco' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
