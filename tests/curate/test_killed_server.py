"""A server that is killed again and again while annotators label over HTTP loses no act that it has confirmed."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import httpx
import pytest

from roco.curate.log import Log
from tests.curate.figures import row
from tests.curate.killed_server import FIGURES, WRITE
from tests.curate.logs import TASKS
from tests.waits import wait_until

KILLS = 200
PER_ACT = 3
LABELS = ("DRCT", "DRXR", "DRMR", "DRUS")


class Annotator(threading.Thread):
    """Labels three figures with each act, as the page does: an act without an answer is sent again."""

    def __init__(self, name: str, address: str, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.annotator, self.address, self.stop = name, address, stop
        self.sent: dict[str, list[tuple[str, str]]] = {}
        self.confirmed: list[str] = []
        self.repeated = 0
        self.refused: list[str] = []

    def run(self) -> None:
        rng = random.Random(self.annotator)
        with httpx.Client(base_url=self.address, headers={"x-roco-write": WRITE}, timeout=60, trust_env=False) as http:
            while not self.stop.is_set():
                batch = f"{self.annotator}-{len(self.sent)}"
                keys = [row(number)["image_key"] for number in rng.sample(range(FIGURES), PER_ACT)]
                self.sent[batch] = [(key, rng.choice(LABELS)) for key in keys]
                self.send(http, batch)

    def send(self, http: httpx.Client, batch: str) -> None:
        entries = [{"key": key, "label": label} for key, label in self.sent[batch]]
        act = {"batch": batch, "task": "modality", "annotator": self.annotator, "entries": entries}
        while not self.stop.is_set():
            with contextlib.suppress(httpx.TransportError):
                answer = http.post("/api/labels", json=act)
                if answer.status_code == 200:
                    self.confirmed.append(batch)
                elif answer.status_code != 503:
                    self.refused.append(answer.text)
                if answer.status_code != 503:
                    return
            self.repeated += 1
            time.sleep(0.002)


@pytest.mark.slow
def test_no_confirmed_label_is_lost_in_200_kills_of_the_server(killable: Any, tmp_path: Path) -> None:
    process, address = killable
    stop = threading.Event()
    annotators = [Annotator(f"a{number}", address, stop) for number in range(3)]
    for annotator in annotators:
        annotator.start()
    rng = random.Random(17)

    def confirmed() -> int:
        return sum(len(one.confirmed) for one in annotators)

    for kill in range(KILLS):
        process.stdin.write("start\n")
        process.stdin.flush()
        server = int(process.stdout.readline())
        if kill % 5:  # each fifth server may be killed before it has answered
            before = confirmed()
            wait_until(lambda before=before: confirmed() > before, "an act was confirmed")
        time.sleep(rng.uniform(0, 0.03))
        if kill == KILLS - 1:
            stop.set()
            for annotator in annotators:
                annotator.join()
        os.kill(server, signal.SIGKILL)
        assert process.stdout.readline() == "ended\n"

    with Log.open(tmp_path / "labels.db", TASKS) as log:  # opening checks the log
        stored: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for event in log.events():
            if event.kind == "label":
                stored[event.batch].append((event.image_key, event.label))
    sent = {batch: act for one in annotators for batch, act in one.sent.items()}
    assert all(not one.refused for one in annotators)
    assert confirmed() >= KILLS * 4 // 5 and sum(one.repeated for one in annotators) > 0
    assert {batch for one in annotators for batch in one.confirmed} <= stored.keys()
    assert all(act == sent[batch] for batch, act in stored.items())  # whole, and once although sent again
