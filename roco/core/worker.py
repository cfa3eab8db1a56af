"""A worker: a process that is told a pipeline once and then passes one part after the other.

It speaks JSON lines over its standard streams. Stages are made here from their class and options, so no model is
ever sent. It ends when its driver does.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from roco.base.errors import RocoError, StageFailed
from roco.base.files import full_disk
from roco.core.layout import Layout
from roco.core.measure_job import measure_rows
from roco.core.part import Job, PartPass
from roco.core.pipeline import Pipeline
from roco.core.spec import find, from_spec, to_spec

MEMORY_LIMIT = 8 << 30
"""Bytes of address space for a worker that looks for the article on which another one died."""


def hello(pipeline: Pipeline, folder: Path) -> dict[str, Any]:
    """What a worker must know before its first job."""
    return {
        "folder": str(folder.resolve()),
        "source": to_spec(pipeline.source),
        "stages": [to_spec(s.stage) for s in pipeline.steps],
        "digests": [s.digest for s in pipeline.steps],
        "measures": {name: f"{cls.__module__}:{cls.__qualname__}" for name, cls in pipeline.measures.items()},
        "path": [p for p in sys.path if p],
    }


def greet(message: Mapping[str, Any]) -> tuple[Pipeline, Layout]:
    """The pipeline that `hello` described."""
    stages = [from_spec(spec) for spec in message["stages"]]
    measures = {name: find(use) for name, use in message["measures"].items()}
    return Pipeline(from_spec(message["source"]), stages, measures), Layout(Path(message["folder"]))


def do(pipeline: Pipeline, layout: Layout, job: Mapping[str, Any], beat: Callable[[str, str], None]) -> dict[str, Any]:
    """Does one job: the row pass of a part, or one measure for some of its rows."""
    crashed = job.get("crashed", {})
    if "measure" in job:
        return measure_rows(pipeline, layout, job, beat)
    return PartPass(
        pipeline, layout, Job(job["part"], job["articles"], job.get("one_by_one", False), crashed), beat
    ).run()


def main() -> None:
    _end_with_the_driver(int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print does not get between the answers

    def say(message: Mapping[str, Any]) -> None:
        with contextlib.suppress(BrokenPipeError):
            answers.write(json.dumps(message) + "\n")
            answers.flush()

    def beat(what: str, stage: str) -> None:
        say({"at": [what, stage]})

    message = json.loads(sys.stdin.readline() or "null")
    if message is None:
        return
    sys.path[:] = list(dict.fromkeys([*sys.path, *message["path"]]))
    try:
        pipeline, layout = greet(message)
    except RocoError as err:
        say(_told(err))
        return
    for line in sys.stdin:
        job = json.loads(line)
        if job.get("one_by_one"):
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, resource.getrlimit(resource.RLIMIT_AS)[1]))
        try:
            say({"done": do(pipeline, layout, job, beat)})
        except MemoryError:
            os.kill(os.getpid(), signal.SIGKILL)  # as the system would: it costs an attempt, then the culprit
        except Exception as err:
            say(_told(_in_words(err, layout, job)))


def _in_words(err: Exception, layout: Layout, job: Mapping[str, Any]) -> RocoError:
    """An exception is an error of the run and never a crash: no figure leaves because of it."""
    if isinstance(err, OSError):
        err = full_disk(err, Path(err.filename or layout.root / job["part"]))
    if isinstance(err, RocoError):
        return err
    told = StageFailed(
        f"part {job['part']} cannot be passed: {type(err).__name__}: {err}",
        "this is an error of roco and not of the data: please report it with what --debug shows",
    )
    told.__cause__ = err
    return told


def _told(err: RocoError) -> dict[str, Any]:
    trace = "".join(traceback.format_exception(err))
    return {"error": [type(err).__name__, err.message, err.hint, getattr(err, "path", "")], "trace": trace}


def _end_with_the_driver(driver: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != driver:  # it died while this process started, and its jobs may wait in the pipe
        sys.exit(0)


if __name__ == "__main__":
    main()
