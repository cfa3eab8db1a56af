"""A server for each test, and no pause between requests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from roco.sources.fetch.pubmed import client
from tests.sources.fetch.pubmed.ncbi import Ncbi


@pytest.fixture
def ncbi() -> Iterator[Ncbi]:
    server = Ncbi()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "REQUESTS_PER_SECOND", 1_000_000)
    monkeypatch.setattr(client, "WITH_KEY", 1_000_000)
