"""The pip command that installs optional packages: roco is not on PyPI, so its extras are installed from a clone."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlparse

from roco.base.json_text import parse_json

DISTRIBUTION = "roco-radiology"


def pip_line(*extras: str) -> str:
    """Returns how to install extras, with the clone that this roco was installed from, if it is still there."""
    clone = _clone()
    return f"pip install '.[{','.join(extras)}]' in {clone or 'a clone of roco'}"


def _clone() -> Path | None:
    """Returns the folder with pyproject.toml that roco runs from, or that pip recorded when it installed roco."""
    for folder in (Path(__file__).parents[2], _recorded()):
        if folder is not None and (folder / "pyproject.toml").is_file():
            return folder
    return None


def _recorded() -> Path | None:
    """Returns the folder that pip recorded in direct_url.json; None if roco comes from elsewhere, such as a wheel."""
    from importlib import metadata  # takes longer to import than `roco --help` may take

    try:
        text = metadata.distribution(DISTRIBUTION).read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return None
    address = urlparse(parse_json(text)["url"]) if text else None
    return Path(unquote(address.path)) if address is not None and address.scheme == "file" else None
