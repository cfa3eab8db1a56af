"""Builds radiology datasets from open-access articles, and reads, checks and scores them.

The public names of roco. Each is imported when it is first used, so that `import roco` is fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from roco.base.version import __version__

if TYPE_CHECKING:
    from roco.base.errors import DataError, RecipeError, RocoError, UsageError
    from roco.baselines.captioner.train import train_captions
    from roco.baselines.contrastive.train import train_clip
    from roco.baselines.export_backbone import export_backbone
    from roco.baselines.neighbours.train import train_neighbours
    from roco.baselines.predict import predict
    from roco.baselines.predictor import PredictOptions
    from roco.baselines.retrieve.answer import AnswerOptions, answer, answer_prompt
    from roco.baselines.retrieve.build import index
    from roco.baselines.retrieve.evaluation.rankers import rankers
    from roco.baselines.retrieve.grounding.check import CheckedAnswer
    from roco.baselines.retrieve.grounding.endpoint import Endpoint
    from roco.baselines.retrieve.grounding.local import local_model
    from roco.baselines.retrieve.grounding.model import Reply
    from roco.baselines.retrieve.grounding.prompt import Prompt
    from roco.baselines.retrieve.hits import Hit
    from roco.baselines.retrieve.index import Index
    from roco.baselines.vision.train import train_concepts
    from roco.core.contract import Reason
    from roco.core.run import Outcome, Run
    from roco.core.stage import Decision, Measure, Publication, Stage, drop, put
    from roco.curate.audit import Audit, draw_audit, read_audit
    from roco.evaluate.agreement import evaluate_agreement
    from roco.evaluate.captions import evaluate_captions
    from roco.evaluate.concepts import evaluate_concepts
    from roco.evaluate.report.scores import Report
    from roco.evaluate.retrieval import evaluate_retrieval
    from roco.recipes.load import Pipeline, Recipe, load_recipe
    from roco.release.diff import diff
    from roco.release.export.formats import export
    from roco.release.export.options import ExportOptions
    from roco.release.load.dataset import Dataset, load
    from roco.release.load.row import Row
    from roco.release.load.targets import Targets
    from roco.release.load.vocabulary import Vocabulary
    from roco.release.read import Release, verify
    from roco.release.retract import retract
    from roco.release.select.flags import SelectOptions
    from roco.release.select.subset import select
    from roco.stages.dedup_groups import duplicates
    from roco.stages.extract_summary import articles

_HOME = {
    "roco.core.contract": ("Reason",),
    "roco.stages.extract_summary": ("articles",),
    "roco.stages.dedup_groups": ("duplicates",),
    "roco.core.run": ("Outcome", "Run"),
    "roco.core.stage": ("Decision", "Measure", "Publication", "Stage", "drop", "put"),
    "roco.curate.audit": ("Audit", "draw_audit", "read_audit"),
    "roco.release.load.dataset": ("Dataset", "load"),
    "roco.release.load.row": ("Row",),
    "roco.release.load.targets": ("Targets",),
    "roco.release.load.vocabulary": ("Vocabulary",),
    "roco.release.read": ("Release", "verify"),
    "roco.release.diff": ("diff",),
    "roco.release.select.flags": ("SelectOptions",),
    "roco.release.select.subset": ("select",),
    "roco.release.retract": ("retract",),
    "roco.release.export.formats": ("export",),
    "roco.release.export.options": ("ExportOptions",),
    "roco.base.errors": ("DataError", "RecipeError", "RocoError", "UsageError"),
    "roco.recipes.load": ("Pipeline", "Recipe", "load_recipe"),
    "roco.baselines.captioner.train": ("train_captions",),
    "roco.baselines.contrastive.train": ("train_clip",),
    "roco.baselines.export_backbone": ("export_backbone",),
    "roco.baselines.neighbours.train": ("train_neighbours",),
    "roco.baselines.predict": ("predict",),
    "roco.baselines.predictor": ("PredictOptions",),
    "roco.baselines.retrieve.answer": ("AnswerOptions", "answer", "answer_prompt"),
    "roco.baselines.retrieve.build": ("index",),
    "roco.baselines.retrieve.evaluation.rankers": ("rankers",),
    "roco.baselines.retrieve.grounding.check": ("CheckedAnswer",),
    "roco.baselines.retrieve.grounding.endpoint": ("Endpoint",),
    "roco.baselines.retrieve.grounding.local": ("local_model",),
    "roco.baselines.retrieve.grounding.model": ("Reply",),
    "roco.baselines.retrieve.grounding.prompt": ("Prompt",),
    "roco.baselines.retrieve.hits": ("Hit",),
    "roco.baselines.retrieve.index": ("Index",),
    "roco.baselines.vision.train": ("train_concepts",),
    "roco.evaluate.captions": ("evaluate_captions",),
    "roco.evaluate.concepts": ("evaluate_concepts",),
    "roco.evaluate.agreement": ("evaluate_agreement",),
    "roco.evaluate.report.scores": ("Report",),
    "roco.evaluate.retrieval": ("evaluate_retrieval",),
}

__all__ = [
    "AnswerOptions",
    "Audit",
    "CheckedAnswer",
    "DataError",
    "Dataset",
    "Decision",
    "Endpoint",
    "ExportOptions",
    "Hit",
    "Index",
    "Measure",
    "Outcome",
    "Pipeline",
    "PredictOptions",
    "Prompt",
    "Publication",
    "Reason",
    "Recipe",
    "RecipeError",
    "Release",
    "Reply",
    "Report",
    "RocoError",
    "Row",
    "Run",
    "SelectOptions",
    "Stage",
    "Targets",
    "UsageError",
    "Vocabulary",
    "__version__",
    "answer",
    "answer_prompt",
    "articles",
    "diff",
    "draw_audit",
    "drop",
    "duplicates",
    "evaluate_agreement",
    "evaluate_captions",
    "evaluate_concepts",
    "evaluate_retrieval",
    "export",
    "export_backbone",
    "index",
    "load",
    "load_recipe",
    "local_model",
    "predict",
    "put",
    "rankers",
    "read_audit",
    "retract",
    "select",
    "train_captions",
    "train_clip",
    "train_concepts",
    "train_neighbours",
    "verify",
]


def __getattr__(name: str) -> Any:
    for module, names in _HOME.items():
        if name in names:
            return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module 'roco' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
