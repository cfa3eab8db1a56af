"""One process of libFuzzer: runs a target until its time or its number of executions is reached; writes a report.

`tests.fuzz.campaign` starts it. A violation does not end it: each kind of violation is stored once, with its input.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import logging
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

import atheris

CPU_SECONDS = 60.0  # of one input
MEGABYTES = 3000  # by which one input may raise the peak of the process
WALL_SECONDS = 600  # of one input, for native code that never returns: libFuzzer then ends the process
REPORT_EVERY = 10.0  # seconds


class Slow(BaseException):
    """An input takes too long; no `except Exception` of roco catches it."""


class Fuzzer:
    """Gives inputs to a target, and counts what happens."""

    def __init__(self, target: Any, options: dict[str, Any]) -> None:
        self.target = target
        self.options = options
        self.findings: dict[str, dict[str, Any]] = {}
        self.executions = 0
        self.started = time.monotonic()
        self.reported = self.started
        self.folder = Path(tempfile.mkdtemp(dir=options["scratch"]))
        self.peak = _peak()

    def run(self, data: bytes) -> None:
        """Runs one input; the process ends here when the work is done, because libFuzzer never returns."""
        if data:
            self._run(data)
        self.executions += 1
        now = time.monotonic()
        is_done = self.executions >= self.options["executions"] or now - self.started >= self.options["seconds"]
        if is_done or now - self.reported >= REPORT_EVERY:
            self.reported = now
            self.report(is_done)
        if is_done:
            os._exit(0)

    def _run(self, data: bytes) -> None:
        signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS)
        try:
            self.target.read(data, self.folder)
        except Exception as err:
            self._found(data, err)
        except (Slow, SystemExit, KeyboardInterrupt) as err:
            self._found(data, err)
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        if any(self.folder.iterdir()):
            shutil.rmtree(self.folder)
            self.folder.mkdir()
        peak = _peak()
        if peak - self.peak > MEGABYTES:
            self._found(data, MemoryError(f"{peak - self.peak:.0f} MB for one input"))
        self.peak = max(self.peak, peak)

    def _found(self, data: bytes, err: BaseException) -> None:
        where = _place(err)
        kind = f"{self.target.format_of(data).name}: {type(err).__name__} in {where}"
        if type(err).__name__ == "Violation":
            kind = f"{self.target.format_of(data).name}: {str(err)[:150]}"
        found = self.findings.setdefault(kind, {"kind": kind, "times": 0})
        found["times"] += 1
        if "input" in found and found["bytes"] <= len(data):
            return
        name = f"{self.target.name}-{hashlib.sha256(kind.encode()).hexdigest()[:10]}"
        path = Path(self.options["findings"]) / name
        path.write_bytes(data)
        text = "".join(traceback.format_exception(err))
        path.with_suffix(".txt").write_text(f"{kind}\n\n{text[-6000:]}", "utf-8", "replace")
        found |= {"input": str(path), "bytes": len(data)}

    def report(self, is_done: bool) -> None:
        content = {
            "target": self.target.name, "executions": self.executions, "done": is_done,
            "seconds": round(time.monotonic() - self.started, 1), "findings": list(self.findings.values()),
        }  # fmt: skip
        path = Path(self.options["report"])
        part = path.with_suffix(".part")
        part.write_text(json.dumps(content, indent=1))
        part.replace(path)

    def mutate(self, data: bytes, largest: int, seed: int) -> bytes:
        """Changes an input: in most cases so that it keeps its structure, if its format has such a change."""
        random = Random(seed)
        formats = self.target.formats
        first = data[0] % len(formats) if data else 0
        if random.random() < 0.02:
            first = random.randrange(len(formats))
        rest, mutate = data[1:], formats[first].mutate
        changed = None
        if mutate is not None and random.random() < 0.6:
            with contextlib.suppress(Exception):  # an input without the structure of its format
                changed = mutate(rest, random)
        if changed is None or len(changed) >= largest:
            changed = atheris.Mutate(rest or b"0", largest - 1)
        return bytes([first]) + changed[: largest - 1]


def _place(err: BaseException) -> str:
    """Returns the innermost function of roco in a traceback, else the innermost one of all."""
    frames = traceback.extract_tb(err.__traceback__)
    own = [frame for frame in frames if "/roco/" in frame.filename and "/tests/" not in frame.filename]
    if not frames:
        return "no function"
    frame = (own or list(frames))[-1]
    return f"{Path(frame.filename).name}:{frame.name}"


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _too_slow(_: int, __: FrameType | None) -> None:
    raise Slow(f"one input took more than {CPU_SECONDS:.0f} s of CPU time")


def main(options: dict[str, Any]) -> None:
    """Runs the target of the options: see `campaign.Campaign`."""
    warnings.simplefilter("ignore")
    logging.disable()
    importlib.import_module("lxml.etree")
    # Until the process ends: modules of roco that are imported later are instrumented, too.
    atheris.instrument_imports(include=["roco"]).__enter__()
    from tests.fuzz.targets import TARGETS

    fuzzer = Fuzzer(TARGETS[options["target"]](), options)
    signal.signal(signal.SIGVTALRM, _too_slow)
    corpus = Path(options["corpus"])
    largest = 4096
    for seed in fuzzer.target.seeds():
        largest = max(largest, len(seed) * 5 // 4)
        path = corpus / hashlib.sha1(seed).hexdigest()  # libFuzzer names its own like that
        if not path.exists():
            path.write_bytes(seed)
    arguments = [
        "fuzz", f"-seed={options['seed']}", f"-max_len={largest}", f"-timeout={WALL_SECONDS}", "-rss_limit_mb=0",
        "-detect_leaks=0", f"-artifact_prefix={options['findings']}/{fuzzer.target.name}-", "-verbosity=0",
        "-handle_segv=1", "-max_total_time=0", str(corpus),
    ]  # fmt: skip
    atheris.Setup(arguments, fuzzer.run, custom_mutator=fuzzer.mutate, internal_libfuzzer=True)
    atheris.Fuzz()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
