"""How fast requests follow each other, by a clock of the test."""

from __future__ import annotations

import httpx
import pytest

from roco.sources.fetch.pubmed import client
from roco.sources.fetch.pubmed.client import NcbiClient, Service


@pytest.mark.parametrize(("key", "per_second"), [(None, 3), ("0123456789abcdef", 10)])
def test_there_are_at_most_3_requests_per_second_and_10_with_a_key(
    key: str | None, per_second: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "REQUESTS_PER_SECOND", 3)
    monkeypatch.setattr(client, "WITH_KEY", 10)
    clock = 100.0
    times: list[float] = []

    def sleep(seconds: float) -> None:
        nonlocal clock
        clock += seconds

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal clock
        times.append(clock)
        clock += 0.01
        return httpx.Response(200, content=client.NO_RECORDS)

    asking = NcbiClient(
        Service("me@example.org", key), now=lambda: clock, sleep=sleep, transport=httpx.MockTransport(answer)
    )
    for _ in range(40):
        asking.efetch("https://example.org", ["1"], bytes)
    asking.close()
    # Of any `per_second` + 1 consecutive requests, the last is at least a second after the first.
    assert min(b - a for a, b in zip(times, times[per_second:], strict=False)) > 0.999
    assert times[-1] - times[0] < 40 / per_second + 0.1
