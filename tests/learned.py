"""A small table of captions with known concepts, and the linker that is learned from it."""

from __future__ import annotations

import functools
import random

from roco.baselines.concepts.learn import Learned, learn
from roco.baselines.concepts.rows import Row

CT, LUNG, LEFT_LUNG, LIVER, CYST, EFFUSION = (
    "C0040405", "C0024109", "C0225730", "C0023884", "C0010709", "C0032227",
)  # fmt: skip
SCANS = {"CT": CT, "Computed tomography": CT, "Image": None}
ORGANS = {"lung": LUNG, "left lung": LEFT_LUNG, "liver": LIVER, "patient": None}
FINDINGS = {"a cyst": CYST, "no pleural effusion": EFFUSION, "pleural effusions": EFFUSION, "nothing": None}


def examples(n: int = 240, noise: float = 0.05) -> list[Row]:
    """Captions of half as many articles. The name of the left lung is no name of the lung; some labels are missing."""
    chance = random.Random(0)
    rows = []
    for number in range(n):
        scan, organ, finding = (chance.choice(sorted(table)) for table in (SCANS, ORGANS, FINDINGS))
        named = (SCANS[scan], ORGANS[organ], FINDINGS[finding])
        cuis = tuple(cui for cui in named if cui and chance.random() >= noise)
        rows.append(Row(f"r{number:04}", f"a{number // 2}", f"{scan} of the {organ} shows {finding}, {number}.", cuis))
    return rows


@functools.cache
def learned() -> Learned:
    return learn(examples())
