"""Packages of the extra `train`, which trained baselines import when they are used."""

from __future__ import annotations

import importlib

from roco.base.errors import MissingExtra


def require(*names: str) -> None:
    """Raises MissingExtra for the first package that is not installed. names: as they are imported."""
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError as err:
            raise MissingExtra(name, "train") from err
