"""The card of a model of neighbours, in Markdown."""

from __future__ import annotations

from roco.baselines.neighbours.trained import TrainedNeighbours
from roco.baselines.neighbours.valid import MEANINGS, difference
from roco.baselines.training.trained import table_cell
from roco.models.images.backbone import SHIPPED


def card(trained: TrainedNeighbours) -> str:
    """Returns the card: what the model is, its scores, its data, its settings with their origin."""
    return "\n".join([*_summary(trained), *_scores(trained), *_data(trained), *_settings(trained)]) + "\n"


def _summary(trained: TrainedNeighbours) -> list[str]:
    n = sum(trained.images.values())
    splits = ", ".join(f"{split} {count:,}" for split, count in trained.images.items())
    network = trained.backbone
    origin = "shipped with roco" if network.path == SHIPPED else f"`{network.path}`"
    voters = "the most similar image" if trained.k == 1 else f"the {trained.k:,} most similar images"
    return [
        "# Nearest neighbours", "",
        f"Predicts concepts by the vote of {voters} of {n:,} ({splits}), each with its similarity to the power of",
        f"{trained.power:g}: concepts with at least {trained.threshold:g} of the votes are predicted.",
        "The caption is a copy of that of the most similar image. No weights were trained.", "",
        f"Similarity is the cosine of embeddings by `{network.name}` ({origin}), SHA-256 `{network.sha256}`.", "",
        "The folder contains embeddings and captions of the images. Not for clinical use.", "",
    ]  # fmt: skip


def _scores(trained: TrainedNeighbours) -> list[str]:
    if not trained.scores:
        return ["## Scores", "", "None: the dataset has no validation images.", ""]
    lines = ["## Scores on valid", "", "With 95 % bootstrap intervals over articles.", ""]
    lines += ["| score | value | images | |", "|---|---|---|---|"]
    for name, score in trained.scores.items():
        lines.append(f"| {name} | {score} | {score.images:,} | {MEANINGS[name]} |")
    lines += ["", f"The constant floor predicts {', '.join(trained.constant) or 'nothing'}.", ""]
    lines += ["| floor | f1 minus the floor |", "|---|---|"]
    lines += [f"| {name} | {difference(name, trained.against)} |" for name in trained.against]
    lines += [""]
    return lines


def _data(trained: TrainedNeighbours) -> list[str]:
    rows = ", ".join(f"{split} {n:,}" for split, n in trained.data.rows.items())
    lines = ["## Data", "", f"`{trained.data.path}`: {rows} images; SHA-256 `{trained.data.digest}`.", ""]
    lines += [f"- {problem}" for problem in trained.data.problems()]
    if trained.unreadable:
        lines += [f"- {len(trained.unreadable):,} unreadable images, skipped: {', '.join(trained.unreadable[:10])}"]
    return [*lines, ""] if lines[-1] else lines


def _settings(trained: TrainedNeighbours) -> list[str]:
    lines = ["## Settings", "", f"Preset `{trained.preset}`.", "", "| option | value | from |", "|---|---|---|"]
    for name, entry in trained.settings.items():
        lines.append(f"| {name} | {table_cell(entry['value'])} | {table_cell(entry.get('note', ''))} |")
    return lines
