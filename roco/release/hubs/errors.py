"""The errors of a hub: a refusal, and a connection that failed after all tries."""

from __future__ import annotations

from roco.base.errors import DataError


class HubRefused(DataError):
    """The hub refused a request; sending it again would not help. status: the status code of the answer."""

    def __init__(self, message: str, hint: str = "", status: int = 0) -> None:
        super().__init__(message, hint)
        self.status = status

    def __reduce__(self) -> tuple[type[HubRefused], tuple[str, str, int]]:  # type: ignore[override]
        return type(self), (self.message, self.hint, self.status)


class HubUnreachable(DataError):
    """The hub did not answer, or answered that it is overloaded, in every one of several tries."""
