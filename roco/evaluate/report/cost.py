"""What a run took: seconds by stage from its log, and an estimate of electricity and carbon dioxide."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from roco.base.json_text import parse_json

LOG = Path("log", "run.jsonl")
WHOLE_PART = "all"  # the seconds of a part from its first to its last stage, in one worker process
REST = "loading of models, and the rest"

WATTS = 15.0
"""Watts of one busy core with its share of memory, disks and cooling: a server of 64 cores and 700 W, PUE 1.4."""
GRAMS = 480.0
"""Grams of CO2 for a kilowatt-hour: about the mean of the world's electricity in 2023."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a run took.

    seconds: of one core by stage, over all passes that the log records. folder_bytes: size of the run folder without
    the release. watts: of one core. grams: CO2 of a kWh.
    """

    seconds: Mapping[str, float] = field(default_factory=dict)
    folder_bytes: int = 0
    watts: float = WATTS
    grams: float = GRAMS

    @property
    def core_hours(self) -> float:
        return sum(self.seconds.values()) / 3600

    @property
    def kwh(self) -> float:
        return self.core_hours * self.watts / 1000

    @property
    def co2(self) -> float:
        """Returns grams of carbon dioxide."""
        return self.kwh * self.grams


def read_cost(run: Path, watts: float = WATTS, grams: float = GRAMS) -> Cost | None:
    """Reads what a run took from its folder; None if its log is missing or records no seconds.

    Lines that are not records of a part are ignored: a run that was killed may have cut the last one short.
    """
    seconds: defaultdict[str, float] = defaultdict(float)
    try:
        with (run / LOG).open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                for stage, value in _seconds(line).items():
                    seconds[stage] += value
    except OSError:
        return None
    if not seconds:
        return None
    files = (path for path in run.rglob("*") if path.is_file() and path.relative_to(run).parts[0] != "release")
    return Cost(
        seconds=dict(sorted(seconds.items(), key=lambda item: (-item[1], item[0]))),
        folder_bytes=sum(path.stat().st_size for path in files),
        watts=watts,
        grams=grams,
    )


def _seconds(line: str) -> dict[str, float]:
    """Returns the seconds of each stage of a part; what no stage accounts for is under REST."""
    try:
        recorded = parse_json(line)["seconds"]
        stages = {str(name): float(value) for name, value in recorded.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
    whole = stages.pop(WHOLE_PART, None)
    if whole is not None:
        stages[REST] = max(whole - sum(stages.values()), 0.0)
    return stages
