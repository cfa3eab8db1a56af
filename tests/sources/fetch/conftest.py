"""One bucket for all tests of a file, emptied after each test; and a retry policy that does not wait."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from roco.sources.fetch.retry import RetryPolicy
from tests.bucket import Bucket, Proxy, serving

QUICK = RetryPolicy(base_pause=0.001, max_pause=0.01, idle_timeout=300.0)
"""Pauses are short; the timeout is long, so that no test fails on a machine under load."""


@pytest.fixture(scope="module")
def server() -> Iterator[Bucket]:
    with serving() as bucket:
        yield bucket


@pytest.fixture
def bucket(server: Bucket) -> Iterator[Bucket]:
    """An empty bucket."""
    yield server
    for key in server.names():
        server.delete(key)


@pytest.fixture
def proxy(bucket: Bucket) -> Iterator[Proxy]:
    """A proxy before the empty bucket."""
    with Proxy(bucket.endpoint) as proxy:
        yield proxy
