"""The errors of downloads: of one object, or of the whole download."""

from __future__ import annotations

from roco.base.errors import DataError, RocoError

UNAVAILABLE = (403, 404, 410)
"""Status codes of objects that the bucket does not serve; they are requested once."""
TOO_LARGE = 413
"""The status recorded for an object that is larger than the limit."""


class ObjectUnavailable(DataError):
    """The object is missing, forbidden or larger than the limit; it is not requested again."""

    def __init__(self, key: str, status: int) -> None:
        super().__init__(f"{key}: {describe_status(status)}")
        self.status = status

    def __reduce__(self) -> tuple[type[RocoError], tuple[str, str]]:
        return DataError, (self.message, self.hint)


def describe_status(status: int) -> str:
    """Describes why an object is unavailable, such as `not in the bucket (status 404)`."""
    reasons = {403: "access denied", TOO_LARGE: "larger than the limit"}
    return f"{reasons.get(status, 'not in the bucket')} (status {status})"


class DownloadFailed(DataError):
    """One object could not be downloaded within the allowed number of tries; others may succeed."""


class ObjectChanged(DownloadFailed):
    """The bucket contains another object than expected: all bytes arrived, with another MD5."""


class BucketUnreachable(DataError):
    """The server cannot be reached, so nothing can be downloaded now."""


class DownloadStopped(DataError):
    """The download was stopped by the user or by an error of another object."""
