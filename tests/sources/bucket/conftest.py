"""The bucket of the tests of `fetch`, and a source that reads it without waiting between tries."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roco.sources.bucket import reader
from roco.sources.bucket.source import BucketSource
from tests.bucket import Proxy
from tests.sources.fetch.conftest import QUICK, bucket, proxy, server

__all__ = ["bucket", "proxy", "server"]

MakeSource = Callable[..., BucketSource]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow each other at once, as often as `roco fetch` tries."""
    monkeypatch.setattr(reader, "POLICY", QUICK)


@pytest.fixture
def source(proxy: Proxy, tmp_path: Path) -> MakeSource:
    """Returns a function that makes a source behind the proxy, with options."""

    def make(**options: Any) -> BucketSource:
        given = {"path": "s3://pmc-oa-opendata", "endpoint": proxy.endpoint, "contact": "me@example.org",
                 "state": tmp_path / "state", "connections": 4} | options  # fmt: skip
        return BucketSource(**given)

    return make
