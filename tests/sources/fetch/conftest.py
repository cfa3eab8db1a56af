"""One bucket for all tests of a file, each with articles of its own; and patience that does not wait."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from roco.sources.fetch.wire import Patience
from tests.bucket import Bucket, serving

QUICK = Patience(base=0.001, cap=0.01, idle=60.0)


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
