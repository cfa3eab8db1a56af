"""Runs on made-up articles in processes that may be killed: forked, or started as a script.

As a script: `python -m tests.faults.drive ARTICLES FOLDER '{"workers": 2}'` prints one line of JSON.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import traceback
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from roco.base.errors import RocoError
from roco.core.pipeline import Pipeline
from roco.core.run import Outcome
from tests.core import fakes
from tests.core.conftest import run, write_article
from tests.faults import sitecustomize
from tests.waits import PATIENCE

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

KILLED = -signal.SIGKILL


def write_articles(folder: Path, n: int) -> Path:
    """Writes articles with `write_article`; some captions have two words."""
    for i in range(n):
        write_article(folder, i)
        if i % 4 == 2:
            figure = {"caption": "two words", "license": "CC-BY", "file": "a.jpg"}
            write_article(folder, i, figures=[figure, {**figure, "caption": f"a scan of case {i}", "file": "b.jpg"}])
    return folder


def pipeline(articles: Path, at_least: int = 2, slow: float = 0.0, **other: Any) -> Pipeline:
    """Returns a pipeline with all kinds of stages; other: stages that replace some of them, by name."""
    stages = {"read": fakes.Read(), "free": fakes.Free(), "words": fakes.Words(slow=slow),
              "long": fakes.Long(at_least=at_least), "look": fakes.Look(), "halves": fakes.Halves(),
              "printed": fakes.Printed()} | other  # fmt: skip
    return Pipeline(
        fakes.Notes(path=articles),
        [dataclasses.replace(stage, name=name) for name, stage in stages.items()],
        fakes.CATALOGUE,
    )


def drive(
    articles: Path, folder: Path, *, at_least: int = 2, slow: float = 0.0, numbered: bool = False, **options: Any
) -> Outcome:
    """Runs in parts of seven articles, by default in this process; numbered: published ids must not change."""
    other = {"printed": fakes.Numbered()} if numbered else {}
    return run(pipeline(articles, at_least, slow, **other), folder, **{"workers": 0, "part_size": 7, **options})


def forked(articles: Path, folder: Path, faults: Mapping[str, str], **options: Any) -> int:
    """Runs in a forked child with faults; returns its exit code, negative if a signal killed it."""
    child = os.fork()
    if not child:
        try:
            os.environ.update(faults, PYTHONPATH=_search_path())
            sitecustomize.install()
            drive(articles, folder, **options)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def faults(count: Path, at: int, where: str = "") -> dict[str, str]:
    """Returns the environment in which the call `at` kills the process; count: the file that counts calls."""
    return {"ROCO_FAULT_COUNT": str(count), "ROCO_FAULT_AT": str(at), "ROCO_FAULT_IN": where}


@contextlib.contextmanager
def started(
    articles: Path, folder: Path, env: Mapping[str, str] | None = None, **options: Any
) -> Iterator[subprocess.Popen[str]]:
    """Starts a run in its own process group, and kills the group at the end of the block."""
    command = [sys.executable, "-m", "tests.faults.drive", str(articles), str(folder), json.dumps(options)]
    environment = {**os.environ, **(env or {}), "PYTHONPATH": _search_path()}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            kill_group(process)


def kill_group(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def script(articles: Path, folder: Path, env: Mapping[str, str] | None = None, **options: Any) -> dict[str, Any]:
    """Runs in its own process; returns its output, exit code and stderr."""
    with started(articles, folder, env, **options) as process:
        out, err = process.communicate(timeout=PATIENCE)
        result: dict[str, Any] = json.loads(out or "{}")
        return {**result, "code": process.returncode, "stderr": err}


def read(log: Path) -> Counter[str]:
    """Counts what the fakes logged in all processes."""
    counts: Counter[str] = Counter()
    for line in log.read_text().splitlines() if log.exists() else []:
        what, n = line.split()
        counts[what] += int(n)
    return counts


def kept(folder: Path) -> dict[str, bytes]:
    """Returns the files that must not depend on previous kills: release, measures, decisions, parts, funnel."""
    names = ("release", "measures", "decisions", "parts.parquet", "funnel.json")
    files = [path for name in names for path in [folder / name, *(folder / name).rglob("*")] if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def packed(folder: Path) -> dict[str, bytes]:
    """Returns the entries of all packs."""
    entries = {}
    for path in sorted((folder / "images").glob("*.pack")):
        with zipfile.ZipFile(path) as pack:
            entries.update({f"{path.name}/{name}": pack.read(name) for name in pack.namelist()})
    return entries


def leftovers(folder: Path) -> list[str]:
    """Returns the temporary files and folders that were never renamed."""
    return sorted(str(p.relative_to(folder)) for p in folder.rglob(".*") if p.name.endswith((".part", ".old")))


def _search_path() -> str:
    return os.pathsep.join([str(HERE), str(ROOT)])


def main(articles: str, folder: str, options: str) -> int:
    arguments = json.loads(options)
    if "only" in arguments:
        arguments["only"] = tuple(arguments["only"])
    try:
        outcome = drive(Path(articles), Path(folder), **arguments)
    except RocoError as err:
        print(json.dumps({"error": type(err).__name__, "message": err.message, "hint": err.hint}))
        return err.exit_code
    print(json.dumps({"measured": outcome.measured, "parts_elsewhere": outcome.parts_elsewhere}))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
