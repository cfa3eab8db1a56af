"""A chat endpoint is asked under limits, its failures are one line, and the key goes nowhere else."""

from __future__ import annotations

import itertools
import math
import socket
from typing import Any

import httpx
import pytest

from roco.base.errors import RocoError, UsageError
from roco.baselines.retrieve.grounding.endpoint import Endpoint, EndpointFailed, checked_key, checked_url
from roco.baselines.retrieve.grounding.model import Reply
from tests.baselines.retrieve.grounding.fake_endpoint import (
    Behaviour,
    FakeEndpoint,
    cut,
    drip_headers,
    endless,
    hang,
    message,
    serving,
    status,
)

KEY = "key-of-the-tests-0123456789"
MESSAGES = [{"role": "system", "content": "Rules."}, {"role": "user", "content": "What? é"}]


def ask(fake: FakeEndpoint, pauses: list[float] | None = None, **how: Any) -> Reply:
    sleep = [].append if pauses is None else pauses.append
    return Endpoint(fake.url, "a-model", how.pop("key", KEY), sleep=sleep, **how).ask(MESSAGES)


def failure(*behaviours: Behaviour, tries: int = 1, pauses: list[float] | None = None, **how: Any) -> RocoError:
    """Returns the error that a failing endpoint leads to; it is one line, and it does not contain the key."""
    with serving(*behaviours) as fake:
        with pytest.raises(EndpointFailed) as caught:
            ask(fake, pauses, **how)
        assert len(fake.requests) == tries
    error = caught.value
    assert "\n" not in error.message and error.hint and error.exit_code == 1
    assert KEY not in str(error) and str(error).replace("\n", "").isprintable()
    return error


def test_a_prompt_is_sent_in_the_format_of_openai() -> None:
    with serving(message("It is big [1].", model="a-model-2")) as fake:
        assert ask(fake) == Reply("It is big [1].", "a-model-2", False)
    ((path, headers, body),) = fake.requests
    assert path == "/v1/chat/completions"
    assert body == {"model": "a-model", "messages": MESSAGES, "stream": False}
    assert headers["Authorization"] == f"Bearer {KEY}"


def test_without_a_key_none_is_sent() -> None:
    with serving(message("Yes.")) as fake:
        assert ask(fake, key="", temperature=0.0).model == "a-model"
    ((_, headers, body),) = fake.requests
    assert "Authorization" not in headers and body["temperature"] == 0.0


def test_the_reasoning_of_a_model_is_no_part_of_its_answer() -> None:
    with serving(message("<think>\nIs it [9]?\n</think>\n\nIt is big [1].")) as fake:
        assert ask(fake).text == "It is big [1]."


def test_an_answer_that_was_cut_by_its_length_says_so() -> None:
    with serving(message("It is", finish="length")) as fake:
        assert ask(fake).is_truncated


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_a_failing_endpoint_is_asked_again_a_few_times(code: int) -> None:
    pauses: list[float] = []
    error = failure(status(code, {"error": {"message": KEY}}), tries=4, pauses=pauses)
    assert f"4 tries; the last: status {code}" in error.message
    assert pauses == [1.0, 2.0, 4.0]


def test_an_endpoint_that_recovers_gives_its_answer() -> None:
    pauses: list[float] = []
    with serving(status(429, Retry_After="7"), status(500), cut, message("Yes [1].")) as fake:
        assert ask(fake, pauses).text == "Yes [1]."
    assert pauses == [7.0, 2.0, 4.0]


def test_a_long_pause_that_the_endpoint_asks_for_is_bounded() -> None:
    pauses: list[float] = []
    failure(status(429, Retry_After="999999"), tries=4, pauses=pauses)
    assert pauses == [60.0] * 3


def test_a_connection_that_is_cut_every_time_is_a_failure() -> None:
    assert "4 tries" in failure(cut, tries=4).message


def test_an_endpoint_that_does_not_exist_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    pauses: list[float] = []
    with pytest.raises(EndpointFailed, match="does not answer"):
        Endpoint(f"http://127.0.0.1:{port}", "m", sleep=pauses.append).ask(MESSAGES)
    assert len(pauses) == 3


def test_an_endpoint_that_hangs_is_a_failure_and_not_asked_again() -> None:
    error = failure(hang, timeout=httpx.Timeout(30.0, read=0.05))
    assert error.message == "the endpoint does not answer in time" and "--save-prompt" in error.hint


def test_an_answer_that_drips_ends_at_the_time_limit() -> None:
    """The clock of the test goes on by a second each time it is read."""
    ticks = itertools.count()
    error = failure(endless(b" "), seconds=5.0, clock=lambda: float(next(ticks)))
    assert "takes longer than 5 s" in error.message


def test_headers_that_drip_end_at_the_time_limit() -> None:
    assert "takes longer than 0.05 s" in failure(drip_headers, seconds=0.05, timeout=httpx.Timeout(30.0)).message


def test_an_answer_that_is_too_large_is_not_read_to_its_end() -> None:
    assert "exceeds 100,000 bytes" in failure(endless(b"x" * 10_000), largest=100_000).message


def test_an_answer_at_the_limit_of_bytes_is_read() -> None:
    with serving(status(200, b'{"choices": [{"message": {"content": "Yes"}}]}')) as fake:
        assert ask(fake, largest=46).text == "Yes"
        with pytest.raises(EndpointFailed, match="exceeds 45 bytes"):
            ask(fake, largest=45)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>502</html>", b'{"choices": [', b"\xff\xfe\x00", b"[" * 100_000, b'{"a": ' + b"9" * 5000 + b"}"],
)
def test_garbage_is_one_line(body: bytes) -> None:
    assert failure(status(200, body)).message == "the endpoint answers something other than JSON"


@pytest.mark.parametrize(
    "body",
    [[], {}, 1, None, "x", {"choices": []}, {"choices": {}}, {"choices": [1]}, {"choices": [{"message": None}]},
     {"error": {"message": f"no such model\n\x1b[2J {KEY}"}}],
)  # fmt: skip
def test_json_without_a_message_is_one_line(body: Any) -> None:
    assert failure(status(200, body)).message.startswith("the endpoint answers without a message")


@pytest.mark.parametrize("text", [None, "", " \n", 7, ["x"], "<think>only this</think>"])
def test_an_empty_message_is_one_line(text: object) -> None:
    assert failure(message(text)).message == "the endpoint answers with an empty message"


def test_a_compressed_answer_is_refused_because_it_could_grow_beyond_the_limit() -> None:
    assert "compressed" in failure(status(200, b"\x1f\x8b", Content_Encoding="gzip")).message


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_so_that_the_key_stays_here(code: int) -> None:
    with serving(message("Stolen.")) as other:
        error = failure(status(code, Location=f"{other.url}/chat/completions"))
        assert other.requests == []
    assert f"redirects to 127.0.0.1 (status {code})" in error.message


def test_a_redirect_to_an_invalid_address_is_one_line() -> None:
    assert "redirects to nowhere (status 302)" in failure(status(302, Location="http://[")).message


@pytest.mark.parametrize("code", [401, 403])
def test_a_refused_key_names_the_environment_variable(code: int) -> None:
    error = failure(status(code, {"error": {"message": f"Incorrect API key provided: {KEY}"}}))
    assert "Incorrect API key provided: …" in error.message and "ROCO_API_KEY" in error.hint
    assert "export ROCO_API_KEY" in failure(status(code), key="").hint


@pytest.mark.parametrize("body", [{"error": "model not found"}, {"error": {"message": "model not found"}}])
def test_a_refused_prompt_states_what_the_endpoint_states(body: Any) -> None:
    assert failure(status(404, body)).message == "the endpoint refuses the prompt (status 404): model not found"


def test_an_answer_that_repeats_the_key_is_shown_without_it() -> None:
    with serving(message(f"Your key is {KEY}.", model=KEY)) as fake:
        assert ask(fake) == Reply("Your key is ….", "…", False)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/chat/completions"),
        ("https://example.org/v1/", "https://example.org/v1/chat/completions"),
        ("https://example.org/v1/chat/completions", "https://example.org/v1/chat/completions"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1/chat/completions"),
    ],
)
def test_the_address_may_be_the_base_or_complete(url: str, expected: str) -> None:
    assert checked_url(url, has_key=True) == expected


@pytest.mark.parametrize(
    "url",
    ["", "example.org", "ftp://example.org", "https://", "https://u:secret@example.org", "https://example.org/?a=1",
     "https://example.org/#a", "http://x:99999", "http://[", "https://example.org/\n", "file:///etc/passwd"],
)  # fmt: skip
def test_an_invalid_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(UsageError, match="invalid address") as caught:
        Endpoint(url, "m")
    assert "secret" not in str(caught.value)


def test_a_key_is_not_sent_without_encryption_to_another_machine() -> None:
    with pytest.raises(UsageError, match="not encrypted"):
        Endpoint("http://192.0.2.1/v1", "m", KEY)
    assert checked_url("http://192.0.2.1/v1", has_key=False)


@pytest.mark.parametrize("seconds", [math.inf, math.nan, 1e9, 0.0, -1.0])
def test_a_time_limit_that_no_clock_has_is_refused(seconds: float) -> None:
    with pytest.raises(UsageError, match="a timeout of"):
        Endpoint("http://127.0.0.1:1/v1", "a-model", seconds=seconds)


def test_a_model_must_be_named() -> None:
    with pytest.raises(UsageError, match="--model"):
        Endpoint("http://127.0.0.1", " ")


def test_the_key_is_read_from_its_environment_variable_only() -> None:
    assert checked_key({"ROCO_API_KEY": f" {KEY}\n", "OPENAI_API_KEY": "other"}) == KEY
    assert checked_key({"OPENAI_API_KEY": "other"}) == ""
    with pytest.raises(UsageError, match="invalid key in ROCO_API_KEY") as caught:
        checked_key({"ROCO_API_KEY": "two words"})
    assert "two words" not in str(caught.value)
