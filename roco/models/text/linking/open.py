"""Opens a linker by name: `dictionary`, `learned`, `medcat`, or `module:function` of a user."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from roco.base.errors import UsageError, nearest
from roco.models.text.linking.checked import Checked, with_checks

OPTIONS = {"dictionary": ("vocabulary",), "learned": ("model",), "medcat": ("model", "table")}
"""The linkers of roco and the options that each accepts."""

_MODELS = {
    "learned": "give the file that `roco vocab build --learn` wrote",
    "medcat": "give the folder or the zip of a model pack",
}


def open_linker(
    linker: str,
    *,
    vocabulary: Path | None = None,
    model: Path | None = None,
    table: Path | None = None,
    rare: bool = True,
) -> Checked:
    """Opens a linker whose results are checked.

    linker: `dictionary`, `learned`, `medcat`, or `module:function` of a user. vocabulary: of the dictionary, by default
    the shipped one. model: a learned model, or a model pack of MedCAT, which can run code when it is loaded. table: of
    the CUIs of a model pack's concepts. rare: whether a learned model mentions rare concepts, or only suggests them.
    Raises UsageError for an unknown linker and for options that it does not have,
    and DataError for an invalid file.
    """
    check_options(linker, vocabulary=vocabulary, model=model, table=table)
    if not rare and linker != "learned":
        raise UsageError(f"linker '{linker}' has no option 'rare'", "it is an option of learned")
    return with_checks(_opened(linker, vocabulary, model, table, rare), linker)


def check_options(linker: str, **options: Path | None) -> None:
    """Raises UsageError if a linker is unknown, has no such option, or needs a model."""
    if ":" not in linker and linker not in OPTIONS:
        hint = f"{nearest(linker, OPTIONS)}; a linker of your own is written module:function"
        raise UsageError(f"unknown linker '{linker}'", hint)
    accepted = OPTIONS.get(linker, ())
    for name, value in options.items():
        if value is not None and name not in accepted:
            others = [other for other, names in OPTIONS.items() if name in names]
            raise UsageError(f"linker '{linker}' has no option '{name}'", f"it is an option of {' and '.join(others)}")
    if linker in _MODELS and options.get("model") is None:
        raise UsageError(f"linker '{linker}' needs the option 'model'", _MODELS[linker])


def _opened(linker: str, vocabulary: Path | None, model: Path | None, table: Path | None, rare: bool) -> Any:
    # Each linker is imported when it is opened: they need different packages.
    if linker == "dictionary":
        from roco.models.text.linking.dictionary import Dictionary
        from roco.models.text.vocabulary.table import load

        return Dictionary(load(vocabulary))
    if linker == "learned" and model is not None:
        from roco.models.text.learned.linker import LearnedLinker

        return LearnedLinker.load(model, rare=rare)
    if linker == "medcat" and model is not None:
        from roco.models.text.linking.medcat import MedCat

        return MedCat.load(model, table)
    from roco.models.text.linking import own

    return own.load(linker)
