"""A model that answers: an endpoint, a local model, or any object with the method `ask`."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from roco.base.errors import UsageError

MOST_TOKENS = 1024
"""Tokens of the longest answer of a local model."""


class Reply(NamedTuple):
    """What a model answered, its name, and whether it stopped at a limit of length."""

    text: str
    model: str = ""
    is_truncated: bool = False


class ChatModel(Protocol):
    """A model that answers the messages of a chat, each with `role` and `content`."""

    def ask(self, messages: list[dict[str, str]]) -> Reply:
        """Returns the reply; raises DataError if there is none."""
        ...


def as_one(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """Returns messages as a single one of the user, for models whose chat template refuses the role `system`."""
    return [{"role": "user", "content": "\n\n".join(message["content"] for message in messages)}]


def checked_temperature(temperature: float | None) -> float | None:
    """Returns a temperature; raises UsageError unless it is 0 to 2."""
    if temperature is not None and not 0 <= temperature <= 2:
        raise UsageError(f"temperature {temperature:g} (--temperature)", "give a number from 0 to 2")
    return temperature
