"""What `roco predict` wrote, and the record of model, data and settings beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roco.base.files import file_digest
from roco.base.version import __version__
from roco.baselines.training.data import digest_of
from roco.baselines.training.folder import Model
from roco.release.load.dataset import Dataset


@dataclass(frozen=True)
class Predictions:
    """What was written. path: the submission, or vectors. rows: in it. without_image, unreadable: ids of empty rows."""

    path: Path
    scores: Path | None
    record: Path
    task: str
    rows: int
    without_image: tuple[str, ...]
    unreadable: tuple[str, ...]


def record_of(
    model: Model,
    data: Dataset,
    split: str,
    task: str,
    settings: Mapping[str, Any],
    without_image: Sequence[str],
    unreadable: Sequence[str],
    digests: Mapping[str, str],
) -> dict[str, Any]:
    """Returns the record of predictions. digests: SHA-256 of the files by name."""
    return {
        "roco": __version__,
        "task": task,
        "model": {"path": str(model.path), "kind": model.kind, "sha256": file_digest(model.path / model.file)},
        "settings": dict(settings),
        "data": {"path": str(data.figures.path), "split": split, "rows": len(data), "sha256": digest_of(data)},
        "rows_without_image": list(without_image),
        "unreadable_images": list(unreadable),
        "files": dict(digests),
    }
