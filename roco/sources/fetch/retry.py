"""Decides when a request is repeated, how long to wait before it, and when to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from roco.sources.fetch.errors import BucketUnreachable


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """Limits and pauses of retries; times in seconds.

    max_throttled: tries of one object to which the server answered "slow down".
    max_failed: tries of one object that failed for any other reason.
    max_changed: tries of one object that arrives intact, by its ETag, but with another MD5 than expected.
    base_pause, max_pause: the pause before try n is drawn from 0 to `base_pause * 2 ** n`, at most `max_pause`.
    max_unreachable: consecutive failures to reach the server, over all connections, after which the work stops.
    max_unreachable_at_start: the same before the first object has been downloaded.
    idle_timeout: seconds without a byte after which a connection is closed.
    min_speed: bytes per second, averaged over `idle_timeout`, below which a connection is closed.
    """

    max_throttled: int = 20
    max_failed: int = 6
    max_changed: int = 6
    base_pause: float = 0.5
    max_pause: float = 60.0
    max_unreachable: int = 24
    max_unreachable_at_start: int = 4
    idle_timeout: float = 30.0
    min_speed: float = 200.0


class RetryableError(Exception):
    """A request failed in a way that may not recur.

    throttled: the server answered "slow down"; retry_after: seconds that it asked to wait.
    reached_server: false where no server, or something in front of it such as a proxy, answered.
    is_intact: the bytes have another MD5 than expected, but that in their ETag; is_unproved: their ETag has no MD5.
    """

    def __init__(
        self,
        reason: str,
        *,
        throttled: bool = False,
        retry_after: float = 0.0,
        reached_server: bool = True,
        is_intact: bool = False,
        is_unproved: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.throttled = throttled
        self.retry_after = retry_after
        self.reached_server = reached_server
        self.is_intact = is_intact
        self.is_unproved = is_unproved


class Backoff:
    """Pauses between tries, shared by all connections, and the count of consecutive unreachable requests.

    host: name of the server for messages; now, sleep, draw: clock, sleep and random number from 0 to 1.
    """

    def __init__(
        self,
        policy: RetryPolicy,
        host: str,
        now: Callable[[], float],
        sleep: Callable[[float], object],
        draw: Callable[[], float],
    ) -> None:
        self._policy = policy
        self._host = host
        self._now = now
        self._sleep = sleep
        self._draw = draw
        self._lock = threading.Lock()
        self._consecutive_unreachable = 0
        self._ever_succeeded = False
        self._not_before = 0.0

    def wait_until_allowed(self) -> None:
        """Waits as long as the server asked any of the connections to wait."""
        remaining = self._not_before - self._now()
        if remaining > 0:
            self._sleep(remaining)

    def pause(self, tries: int, error: RetryableError) -> None:
        """Sleeps before the next try; a throttled request holds back all other connections, too."""
        longest = min(self._policy.max_pause, self._policy.base_pause * 2 ** min(tries, 30))
        seconds = max(error.retry_after, self._draw() * longest)
        if error.throttled:
            with self._lock:
                self._not_before = max(self._not_before, self._now() + error.retry_after)
        self._sleep(seconds)

    def succeeded(self) -> None:
        with self._lock:
            self._consecutive_unreachable = 0
            self._ever_succeeded = True

    def failed(self, error: RetryableError) -> None:
        """Counts a failed try; raises BucketUnreachable after too many consecutive ones that reached no server."""
        if error.reached_server:
            return
        with self._lock:
            self._consecutive_unreachable += 1
            policy = self._policy
            most = policy.max_unreachable if self._ever_succeeded else policy.max_unreachable_at_start
            if self._consecutive_unreachable < most:
                return
        raise BucketUnreachable(
            f"cannot reach {self._host}: {error.reason}",
            "check the network and --endpoint, then repeat the command: it resumes where it stopped",
        )
