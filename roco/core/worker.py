"""A worker: a process that receives a pipeline once, and then one job after the other.

It reads and writes JSON lines. It builds the stages from their class and options, so models are never transferred. It
ends when its driver ends.
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
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roco.base.errors import RocoError, StageFailed, UsageError
from roco.base.files import full_disk
from roco.base.json_text import parse_json
from roco.core import nodes, part
from roco.core.folder import RunFolder
from roco.core.job import Job
from roco.core.outside import forbid_core_dumps, temporary_files_in
from roco.core.pipeline import Pipeline
from roco.core.run_log import warning_text
from roco.core.spec import find, from_spec, reference, to_spec

READY = b'{"ready": true}'
"""The first line of a worker on a node, when it has what the driver has."""

MEMORY_LIMIT = 8 << 30
"""Bytes of address space, beside what a heavy stage needs, of a worker that looks for what another one died on."""


def hello(folder: RunFolder) -> dict[str, Any]:
    """Returns the first message to a worker: the run folder and the pipeline."""
    pipeline = folder.pipeline
    return {
        "folder": str(folder.root.resolve()),
        "source": to_spec(pipeline.source),
        "stages": [to_spec(step.stage) for step in pipeline.steps],
        "catalogue": {name: reference(cls) for name, cls in pipeline.catalogue.items()},
        "path": [entry for entry in sys.path if entry],
    }


def check_importable(folder: RunFolder) -> None:
    """Raises UsageError if a worker cannot import the class of a stage."""
    for step in folder.pipeline.steps:
        if type(step.stage).__module__ == "__main__":
            raise UsageError(
                f"workers cannot import stage '{step.name}': it is defined in the script itself",
                "move it to a module of its own, or run with workers=0",
            )


def folder_of(message: Mapping[str, Any]) -> RunFolder:
    """Builds the run folder and pipeline from the result of `hello`."""
    stages = [from_spec(spec) for spec in message["stages"]]
    catalogue = {name: find(use) for name, use in message["catalogue"].items()}
    return RunFolder(Path(message["folder"]), Pipeline(from_spec(message["source"]), stages, catalogue))


def _checked_folder(message: Mapping[str, Any]) -> RunFolder:
    """Builds the run folder and pipeline on a node; raises RocoError, with its name, if something differs there."""
    node, expected = os.environ["ROCO_NODE"], message["expected"]
    nodes.check_versions(expected, node)
    nodes.check_folder(expected, Path(message["folder"]), node)
    try:
        folder = folder_of(message)
    except RocoError as err:
        raise type(err)(f"{err.message} (node {node})", err.hint) from err
    nodes.check_stages(expected, folder.pipeline, node)
    return folder


def main() -> None:
    _end_with_the_driver(int(sys.argv[1]))
    forbid_core_dumps()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # what it starts must not inherit the mask
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # libraries that print to stdout must not corrupt the messages

    def send(message: Mapping[str, Any]) -> None:
        with contextlib.suppress(BrokenPipeError):
            answers.write(json.dumps(message) + "\n")
            answers.flush()

    def warn(*facts: Any, **more: Any) -> None:
        send({"warning": warning_text(*facts[:4])})

    warnings.showwarning = warn

    def beat(what: str, stage: str) -> None:
        send({"at": [what, stage]})

    def advanced(articles: int) -> None:
        send({"articles": articles})

    message = parse_json(sys.stdin.readline() or "null")
    if message is None:
        return
    sys.path[:] = list(dict.fromkeys([*message["path"], *sys.path]))  # modules are found where the driver finds them
    try:
        folder = _checked_folder(message) if "expected" in message else folder_of(message)
    except RocoError as err:
        send(_error(err))
        return
    if "expected" in message:
        send(parse_json(READY))
    with temporary_files_in(folder.root):
        for line in sys.stdin:
            job = Job.of_json(parse_json(line))
            if job.one_by_one:
                limit_memory(MEMORY_LIMIT + max(step.contract.heavy for step in folder.pipeline.steps))
            try:
                send({"done": part.do(folder, job, beat, advanced).to_json()})
            except MemoryError:
                os.kill(os.getpid(), signal.SIGKILL)  # handled like a crash: the job is repeated one by one
            except Exception as err:
                send(_error(_of_the_run(err, folder, job)))


def limit_memory(size: int) -> None:
    """Limits the address space of this process to some bytes, or to what its system allows, if that is less."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        size = min(size, hard)
    resource.setrlimit(resource.RLIMIT_AS, (size, hard))


def _of_the_run(err: Exception, folder: RunFolder, job: Job) -> RocoError:
    """Returns the error that stops the run; unlike after a crash, no figure is dropped because of an exception."""
    if isinstance(err, OSError):
        err = full_disk(err, Path(err.filename or folder.root / job.part))
    if isinstance(err, RocoError):
        return err
    failure = StageFailed(
        f"part {job.part} failed: {type(err).__name__}: {err}",
        "this is an error in roco, not in the data: please report it with log/run.log of the run folder",
    )
    failure.__cause__ = err
    return failure


def _error(err: RocoError) -> dict[str, Any]:
    trace = "".join(traceback.format_exception(err))
    return {"error": [type(err).__name__, err.message, err.hint, getattr(err, "path", "")], "trace": trace}


def _end_with_the_driver(driver: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != driver:  # the driver died while this process started; the pipe may still contain jobs
        sys.exit(0)


if __name__ == "__main__":
    main()
