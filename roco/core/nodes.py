"""Checks that a worker on another machine has the same run folder, versions and stages as the driver."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from roco.base.errors import DataError, UsageError
from roco.core.folder import RunFolder
from roco.core.pipeline import Pipeline
from roco.core.provenance import versions


@contextmanager
def token_file(folder: Path) -> Iterator[Path]:
    """Yields a file in the run folder with random content, which a worker must be able to read; removes it afterwards.

    A driver that is killed leaves it. The next run removes it: it is named like an unfinished file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f".node-check.{secrets.token_hex(8)}.part"
    path.write_text(secrets.token_hex(16), encoding="ascii")
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def expected(folder: RunFolder, token: Path) -> dict[str, Any]:
    """Returns what a worker compares with what it has: token, versions, and the digests of the stages it runs."""
    return {"token": [token.name, token.read_text()], "versions": versions(), "stages": _stages(folder.pipeline)}


def check_versions(expected: Mapping[str, Any], node: str) -> None:
    """Raises UsageError if the versions of roco, Python or a package differ from those of the driver."""
    here, there = (_flat(facts) for facts in (versions(), expected["versions"]))
    for name, version in there.items():
        if here.get(name) != version:
            raise UsageError(
                f"{name} differs: {here.get(name)} on node {node}, {version} where the run was started",
                "install the same versions on all nodes; scores and bytes may differ otherwise",
            )


def check_folder(expected: Mapping[str, Any], folder: Path, node: str) -> None:
    """Raises DataError if the run folder of this machine is not that of the driver."""
    name, content = expected["token"]
    path = folder / name
    if not path.is_file() or path.read_text(encoding="ascii", errors="replace") != content:
        raise DataError(
            f"the run folder {folder} is not shared with node {node}",
            "put it on a file system that all nodes mount at the same path",
        )


def check_stages(expected: Mapping[str, Any], pipeline: Pipeline, node: str) -> None:
    """Raises UsageError if a stage, its options or the files it reads differ from those of the driver."""
    here = _stages(pipeline)
    for name, digest in expected["stages"].items():
        if here.get(name) != digest:
            raise UsageError(
                f"stage '{name}' differs on node {node}: its code, or a file that it reads",
                "install the same code on all nodes, and share the files that the recipe names",
            )


def _stages(pipeline: Pipeline) -> dict[str, str]:
    """Returns the digests of the stages that workers run: those before the first table stage, and measures after it.

    What only table stages read, such as the labels, may change while workers start.
    """
    after = [step for step in pipeline.table_steps if step.is_measure]
    return {step.name: step.digest for step in (*pipeline.row_steps, *after)}


def _flat(versions: Mapping[str, Any]) -> dict[str, str]:
    return {"roco": versions["roco"], "Python": versions["python"], **versions["packages"]}
