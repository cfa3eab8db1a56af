"""The shipped recipes, and the text with which a recipe of one's own begins."""

from __future__ import annotations

from pathlib import Path

from roco.base.errors import RecipeError, nearest

_HEAD = """\
# A copy of the shipped recipe '{name}'. Set folder and path, then run it: roco run THIS_FILE
# Relative paths refer to the folder of this file.

[run]
folder = "runs/first"            # measurements, decisions, and the release in runs/first/release
# previous = "releases/2025"     # a release elsewhere to grow from; one in the run folder is grown from anyway

[source]
kind = "package"                 # or "cloud" (PMC's bucket), "folder" (JATS files, archives), "release"
path = "/data/pmc"

# [release]                      # title, creators and contact in the card, CITATION.cff and every export
# title = "My radiology dataset"
# creators = [{{ name = "Doe, Jane", orcid = "0000-0002-1825-0097" }}]

"""


def shipped() -> dict[str, Path]:
    """Returns the recipes that are shipped with roco, by name."""
    return {path.stem: path for path in sorted(Path(__file__).parent.glob("*.toml"))}


def shipped_path(name: object) -> Path:
    """Returns the file of a shipped recipe; raises RecipeError for an unknown name."""
    if not isinstance(name, str) or name not in shipped():
        raise RecipeError(f"unknown shipped recipe {name!r}", nearest(str(name), shipped()))
    return shipped()[name]


def starter(name: str) -> str:
    """Returns a shipped recipe as a complete recipe: with [run] and [source], which most of them leave to the user."""
    text = shipped_path(name).read_text(encoding="utf-8")
    return text if "\n[run]" in text else _HEAD.format(name=name) + text


def summary(name: str) -> str:
    """Returns the first comment of a shipped recipe, which describes it in one sentence."""
    first = shipped_path(name).read_text(encoding="utf-8").partition("\n")[0]
    return first.removeprefix("#").strip()
