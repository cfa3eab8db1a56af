"""The card of a model of `roco train concepts`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roco.baselines.training.trained import Trained, card
from roco.baselines.vision.data import CONCEPTS
from roco.baselines.vision.learner import ConceptLearner
from roco.baselines.vision.options import ConceptOptions


def card_of(
    trained: Trained,
    learner: ConceptLearner,
    options: ConceptOptions,
    names: Mapping[str, Any],
    tables: Mapping[str, str],
) -> str:
    """Returns the card: tasks, comparisons, how to use it, and the tables of searches by heading."""
    heads = ", ".join(f"{task} ({len(names[task]):,})" for task in options.tasks)
    summary = f"`{options.backbone}` at {options.image_size} px with a head for each task: {heads}."
    if CONCEPTS in options.tasks:
        least = f"{learner.threshold:.4g}{_chosen(learner.valid, options)}"
        use = "`roco predict MODEL RELEASE --out submission.csv` writes the concepts of the test images: those with a "
        use += f"score of at least {least}."
    else:
        use = "`roco predict MODEL RELEASE` writes the classes of the test images."
    sections = {"Comparison on valid": _comparison(learner.valid), **tables, "Use": use}
    if learner.unreadable:
        listed = ", ".join(list(learner.unreadable)[:10])
        sections["Unreadable validation images"] = f"{len(learner.unreadable):,}, scored as empty: {listed}."
    return card(f"{trained.preset}, trained by roco", summary, trained, {k: v for k, v in sections.items() if v})


def _chosen(valid: Mapping[str, Any], options: ConceptOptions) -> str:
    """Returns how the threshold was chosen, if it was, and what that means for the score above."""
    if not options.tune_threshold or "f1" not in valid:
        return ""
    return (
        ", the threshold with the highest F1 on valid. The F1 on valid in this card was not computed at this "
        "threshold: each half of the articles is scored at the threshold that is best for the other half"
    )


def _comparison(valid: Mapping[str, Any]) -> str:
    floors = valid.get("floors")
    if not floors:
        return ""
    rows = {
        "this model": valid["f1"],
        "the same concepts for every image": floors["constant"],
        "the true modality alone": floors["modality"],
    }
    lines = ["| | sample F1 | 95 % interval over articles |", "|---|---|---|"]
    for name, entry in rows.items():
        between = entry["interval"]
        cell = "" if between is None else f"{between[0]:.4f} to {between[1]:.4f}"
        lines.append(f"| {name} | {entry['f1']:.4f} | {cell} |")
    return "\n".join(lines)
