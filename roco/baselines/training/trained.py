"""What came out of a training: its numbers, its manifest and its card."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from roco.base.version import __version__
from roco.baselines.training.data import DataFacts

PACKAGES = (
    "torch",
    "torchvision",
    "timm",
    "transformers",
    "accelerate",
    "open-clip-torch",
    "onnxruntime",
    "numpy",
    "pyarrow",
)
"""Packages whose versions a manifest states, if they are installed."""


@dataclass(frozen=True)
class Trained:
    """The numbers of a training that is done.

    settings: each option with its value and origin. step, epochs: that were trained. best_step: whose weights were
    written. scores: on valid, of these weights. seconds: of all sessions, `sessions` of them; items: that were trained
    on in that time. parameters: that were trained, and all. unreadable: images that were skipped.
    """

    kind: str
    preset: str
    settings: Mapping[str, Mapping[str, Any]]
    data: DataFacts
    step: int
    epochs: int
    best_step: int
    scores: Mapping[str, float]
    seconds: float
    sessions: int
    items: int
    parameters: tuple[int, int]
    processes: int
    device: str
    unreadable: Sequence[str]

    def manifest(self) -> dict[str, Any]:
        """Returns the manifest: data, settings, versions, hardware, time."""
        return {
            "kind": self.kind,
            "preset": self.preset,
            "settings": {name: dict(entry) for name, entry in self.settings.items()},
            "data": self.data.to_json(),
            "unreadable_images": list(self.unreadable),
            "steps": self.step,
            "epochs": self.epochs,
            "best_step": self.best_step,
            "scores": dict(self.scores),
            "parameters": {"trained": self.parameters[0], "all": self.parameters[1]},
            "versions": versions(),
            "hardware": hardware(self.device) | {"processes": self.processes},
            "time": {
                "seconds": round(self.seconds, 1), "sessions": self.sessions,
                "images_per_second": round(self.items / self.seconds, 1) if self.seconds else None,
            },
        }  # fmt: skip


def versions() -> dict[str, str]:
    """Returns the versions of roco, Python and the packages that decide a result."""
    found = {"roco": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def hardware(device: str) -> dict[str, Any]:
    """Returns the machine: device, cores, memory in GB."""
    found: dict[str, Any] = {"device": device, "cores": os.cpu_count(), "machine": platform.machine()}
    if sys.platform == "linux":
        found["memory_gb"] = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    if device.startswith("cuda"):
        import torch

        found["gpu"] = torch.cuda.get_device_name(0)
        found["gpu_memory_gb"] = round(torch.cuda.get_device_properties(0).total_memory / 1e9, 1)
    return found


def card(title: str, summary: str, trained: Trained, sections: Mapping[str, str]) -> str:
    """Returns the card of a model in Markdown: what it is, its scores, its data, its settings with their origin.

    sections: further ones by heading, before the settings.
    """
    manifest = trained.manifest()
    rows = ", ".join(f"{split} {n:,}" for split, n in trained.data.rows.items())
    lines = [f"# {title}", "", summary, "", "Not for clinical use.", ""]
    if trained.scores:
        lines += ["## Scores on valid", "", "| score | value |", "|---|---|"]
        lines += [f"| {name} | {value:.4f} |" for name, value in trained.scores.items()]
        lines += [""]
    lines += ["## Data", "", f"`{trained.data.path}`: {rows} images; SHA-256 `{trained.data.digest}`.", ""]
    lines += [f"- {problem}" for problem in trained.data.problems()]
    if trained.unreadable:
        lines += [f"- {len(trained.unreadable):,} unreadable images, skipped: {', '.join(trained.unreadable[:10])}"]
    lines += [""] if lines[-1] else []
    for heading, text in sections.items():
        lines += [f"## {heading}", "", text, ""]
    lines += ["## Training", ""]
    packages = ", ".join(f"{name} {version}" for name, version in manifest["versions"].items())
    lines += [
        f"{trained.step:,} steps in {trained.epochs} epochs: {trained.items:,} images in {trained.seconds:,.0f} s"
    ]
    lines += [f"on {_device(manifest['hardware'])}. The weights are those of step {trained.best_step:,}."]
    lines += [
        f"{trained.parameters[0]:,} of {trained.parameters[1]:,} parameters were trained.",
        f"Packages: {packages}.",
    ]
    lines += [""]
    lines += ["## Settings", "", f"Preset `{trained.preset}`.", "", "| option | value | from |", "|---|---|---|"]
    for name, entry in trained.settings.items():
        origin = f"the paper, {entry['paper']}" if "paper" in entry else entry.get("note", "")
        lines.append(f"| {name} | {table_cell(entry['value'])} | {table_cell(origin)} |")
    return "\n".join(lines) + "\n"


def _device(found: Mapping[str, Any]) -> str:
    name = found.get("gpu") or f"{found['cores']} CPU cores"
    return f"{found['processes']} x {name}" if found["processes"] > 1 else str(name)


def table_cell(value: Any) -> str:
    """Returns a value as a cell of a table in Markdown."""
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")
