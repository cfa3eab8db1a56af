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


XRAY, CHEST, PA = "C1306645", "C0817096", "C1996865"
MANUAL = (CT, XRAY, CHEST, PA)


def with_manual(n: int = 280) -> list[Row]:
    """Captions with concepts of people beside their own: each is a CT or an X-ray, which half of them do not name."""
    chance = random.Random(1)
    rows = []
    for number in range(n):
        organ, finding = (chance.choice(sorted(table)) for table in (ORGANS, FINDINGS))
        is_ct = chance.random() < 0.3
        scan = chance.choice(["CT" if is_ct else "Radiograph", "Image"])
        manual = [CT] if is_ct else [XRAY, CHEST] if chance.random() < 0.8 else [XRAY, PA]
        cuis = tuple(cui for cui in (*manual, ORGANS[organ], FINDINGS[finding]) if cui)
        rows.append(Row(f"r{number:04}", f"a{number // 2}", f"{scan} of the {organ} shows {finding}.", cuis))
    return rows


@functools.cache
def learned_with_manual() -> Learned:
    return learn(with_manual(), manual=MANUAL, names={CT: ("X-Ray Computed Tomography", "CT")})


@functools.cache
def learned() -> Learned:
    return learn(examples())
