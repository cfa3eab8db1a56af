"""A GGUF file is read by llama-cpp-python; these tests use a stand-in for that package."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from roco.base.errors import DataError, MissingExtra, UsageError
from roco.baselines.retrieve.grounding.local import local_model
from roco.baselines.retrieve.grounding.model import Reply

MESSAGES = [{"role": "system", "content": "Rules."}, {"role": "user", "content": "What?"}]


class Llama:
    """Keeps how it was opened and asked, and gives a prepared answer or raises a prepared error."""

    opened: list[dict[str, Any]] = []
    asked: list[dict[str, Any]] = []
    answer: Any = None

    def __init__(self, **options: Any) -> None:
        Llama.opened.append(options)
        if isinstance(Llama.answer, OSError):
            raise Llama.answer

    def create_chat_completion(self, **options: Any) -> Any:
        Llama.asked.append(options)
        if isinstance(Llama.answer, Exception):
            raise Llama.answer
        return Llama.answer


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(sys.modules, "llama_cpp", SimpleNamespace(Llama=Llama))
    Llama.opened, Llama.asked, Llama.answer = [], [], None
    (tmp_path / "model.gguf").write_bytes(b"GGUF\x03\x00\x00\x00")
    return tmp_path / "model.gguf"


def choice(text: str | None, reason: str = "stop") -> dict[str, Any]:
    return {"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": reason}]}


def test_the_messages_are_asked_and_the_model_is_loaded_once(file: Path) -> None:
    model = local_model(file, temperature=0.5)
    assert Llama.opened == []
    Llama.answer = choice("<think>hm</think> It is big [1].", "length")
    assert model.ask(MESSAGES) == Reply("It is big [1].", "model.gguf", True)
    assert model.ask(MESSAGES).text == "It is big [1]."
    ((opened,), asked) = Llama.opened, Llama.asked
    assert opened["model_path"] == str(file) and opened["verbose"] is False
    assert asked[0]["messages"] == MESSAGES and asked[0]["temperature"] == 0.5


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (ValueError("Requested tokens (9000) exceed context window\n\x1b[2J"), "does not answer: Requested tokens"),
        (OSError("bad magic"), "cannot load the model"),
        ({}, "does not answer"),
        (choice(None), "an empty message"),
        (choice("<think>only this</think>"), "an empty message"),
    ],
)  # fmt: skip
def test_a_model_that_fails_is_one_line(file: Path, answer: Any, what: str) -> None:
    Llama.answer = answer
    with pytest.raises(DataError, match=what) as caught:
        local_model(file).ask(MESSAGES)
    assert caught.value.message.isprintable() and caught.value.hint


def test_a_chat_template_without_a_system_role_gets_the_rules_with_the_question(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class TemplateError(Exception):
        """That of jinja2."""

    def refuse(self: Llama, **options: Any) -> Any:
        Llama.asked.append(options)
        if options["messages"][0]["role"] == "system":
            raise TemplateError("System role not supported")
        return choice("Yes [1].")

    monkeypatch.setattr(Llama, "create_chat_completion", refuse)
    assert local_model(file).ask(MESSAGES).text == "Yes [1]."
    assert Llama.asked[1]["messages"] == [{"role": "user", "content": "Rules.\n\nWhat?"}]


def test_a_missing_package_is_an_error_with_its_pip_line(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llama_cpp", None)
    with pytest.raises(MissingExtra, match="llama-cpp-python is not installed") as caught:
        local_model(file)
    assert caught.value.hint.startswith("pip install '.[gguf]'")


def test_other_files_and_temperatures_are_refused(file: Path) -> None:
    file.write_bytes(b"PK\x03\x04")
    with pytest.raises(DataError, match="is not a GGUF file"):
        local_model(file)
    os.mkfifo(file.with_name("pipe"))
    with pytest.raises(DataError, match="is not a GGUF file"):
        local_model(file.with_name("pipe"))
    with pytest.raises(DataError, match="no such model"):
        local_model(file.with_name("none"))
    with pytest.raises(UsageError, match="temperature -1"):
        local_model(file, temperature=-1)
