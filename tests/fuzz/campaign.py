"""Runs targets one after the other, each in processes of its own, and reports executions, time and findings."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NO_ATHERIS = "atheris is not installed: pip install 'atheris>=3' (Linux), or the extra dev-neural"
CRASHES = ("crash-", "timeout-", "oom-", "leak-")


@dataclass
class Result:
    """The results of one target. findings: each kind once, with the file of its shortest input."""

    target: str
    executions: int = 0
    seconds: float = 0.0
    corpus: int = 0
    findings: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Campaign:
    """How targets are run.

    corpus: a folder of inputs that reached new code, by target; a later run continues from it, whatever its seed.
    findings: a folder for the inputs of findings and their tracebacks.
    """

    corpus: Path
    findings: Path
    seconds: float = 60.0
    executions: int = 1 << 60
    seed: int = 1

    def run(self, target: str) -> Result:
        """Runs a target until its time or its number of executions is reached; starts a new process where one died."""
        if importlib.util.find_spec("atheris") is None:
            raise SystemExit(NO_ATHERIS)
        corpus = self.corpus / target
        corpus.mkdir(parents=True, exist_ok=True)
        self.findings.mkdir(parents=True, exist_ok=True)
        result = Result(target)
        with tempfile.TemporaryDirectory(dir=_memory()) as scratch:
            attempt = 0
            while result.seconds < self.seconds and result.executions < self.executions:
                self._run_once(result, Path(scratch), corpus, self.seed + 1000 * attempt)
                attempt += 1
        result.corpus = sum(1 for _ in corpus.iterdir())
        return result

    def _run_once(self, result: Result, scratch: Path, corpus: Path, seed: int) -> None:
        report = scratch / "report.json"
        report.unlink(missing_ok=True)
        options = {
            "target": result.target, "seed": seed, "corpus": str(corpus), "findings": str(self.findings),
            "seconds": self.seconds - result.seconds, "executions": self.executions - result.executions,
            "report": str(report), "scratch": str(scratch),
        }  # fmt: skip
        before = set(self.findings.iterdir())
        started = time.monotonic()
        command = [sys.executable, "-m", "tests.fuzz.child", json.dumps(options)]
        # The order of sets decides which branches are new, and so which inputs follow.
        env = {**os.environ, "PYTHONHASHSEED": "0"}
        ended = subprocess.run(command, capture_output=True, text=True, errors="replace", env=env)
        content = json.loads(report.read_text()) if report.exists() else {}
        result.executions += content.get("executions", 0)
        result.seconds += time.monotonic() - started
        for found in content.get("findings", ()):
            _add(result, found)
        if content.get("done"):
            return
        # libFuzzer writes the input that ended the process.
        inputs = [path for path in set(self.findings.iterdir()) - before if any(c in path.name for c in CRASHES)]
        last = ended.stderr.strip().splitlines()[-8:]
        if not inputs and not content:
            raise SystemExit(f"the target {result.target} cannot be started:\n" + "\n".join(last))
        name = f"the process ended with status {ended.returncode}: {' | '.join(last)[-400:]}"
        _add(result, {"kind": name, "times": 1, "input": str(inputs[0]) if inputs else "", "bytes": 0})


def _add(result: Result, found: dict[str, Any]) -> None:
    for known in result.findings:
        if known["kind"] == found["kind"]:
            known["times"] += found["times"]
            return
    result.findings.append(found)


def _memory() -> str | None:
    """Returns a folder in memory, where there is one: each input is a file or two."""
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > 1 << 30 else None


def add_to_report(result: Result, seed: int, path: Path) -> None:
    """Adds the counts of one target to those of earlier runs in a JSON file: seeds, executions, minutes, findings."""
    report = json.loads(path.read_text("utf-8")) if path.exists() else {}
    before = report.get(result.target, {"seeds": [], "executions": 0, "minutes": 0.0, "findings": []})
    report[result.target] = {
        "seeds": [*before["seeds"], seed],
        "executions": before["executions"] + result.executions,
        "minutes": round(before["minutes"] + result.seconds / 60, 1),
        "inputs_kept": result.corpus,
        "findings": sorted({*before["findings"], *(found["kind"] for found in result.findings)}),
    }
    path.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
