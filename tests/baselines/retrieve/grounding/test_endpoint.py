"""A chat endpoint: what it may answer, and that a key goes nowhere else."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import httpx
import pytest

from roco.base.errors import UsageError
from roco.baselines.retrieve.grounding.endpoint import KEY, Endpoint, EndpointFailed, checked_key, checked_url
from roco.baselines.retrieve.grounding.prompt import Prompt, build_prompt
from tests.baselines.retrieve.grounding.material import hit

SECRET = "sk-secret-1"


class Answer(NamedTuple):
    status: int
    body: bytes
    headers: dict[str, str] = {}


def message(text: str | None, **more: Any) -> Answer:
    choice = {"message": {"content": text}, "finish_reason": "stop"} | more
    return Answer(200, json.dumps({"model": "fake-1", "choices": [choice]}).encode())


class Fake:
    """An endpoint that gives its answers in turn, the last one again and again, and keeps what it was sent."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[tuple[dict[str, str], dict[str, Any]]] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                fake.requests.append((dict(self.headers), body))
                answer = fake.answers.pop(0) if len(fake.answers) > 1 else fake.answers[0]
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, format: str, *arguments: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def serve() -> Iterator[Callable[..., Fake]]:
    running: list[Fake] = []

    def start(*answers: Answer) -> Fake:
        running.append(Fake(*answers))
        return running[-1]

    yield start
    for fake in running:
        fake.server.shutdown()
        fake.server.server_close()


def ask(fake: Fake, waits: list[float] | None = None, **options: Any) -> Any:
    sleep = (lambda seconds: waits.append(seconds)) if waits is not None else (lambda seconds: None)
    endpoint = Endpoint(fake.url, "fake", SECRET, sleep=sleep, **options)
    return endpoint.ask(prompt().messages())


def prompt() -> Prompt:
    return build_prompt("What does the CT show?", [hit("Axial CT with a mass.")])


def test_the_prompt_is_sent_and_the_answer_returned(serve: Callable[..., Fake]) -> None:
    fake = serve(message("<think>hm</think> A mass [1]."))
    reply = ask(fake)
    assert (reply.text, reply.model, reply.is_truncated) == ("A mass [1].", "fake-1", False)
    ((headers, body),) = fake.requests
    assert headers["Authorization"] == f"Bearer {SECRET}"
    assert body["model"] == "fake" and "What does the CT show?" in body["messages"][-1]["content"]


def test_a_busy_endpoint_is_asked_again_a_few_times(serve: Callable[..., Fake]) -> None:
    fake, waits = serve(Answer(429, b"{}", {"Retry-After": "7"}), Answer(503, b"{}"), message("Yes [1].")), []
    assert ask(fake, waits).text == "Yes [1]."
    assert len(fake.requests) == 3 and waits[0] >= 7


def test_an_endpoint_that_stays_busy_is_one_line(serve: Callable[..., Fake]) -> None:
    fake = serve(Answer(500, b"oops"))
    with pytest.raises(EndpointFailed, match=r"does not answer \(4 tries; the last: status 500\)") as err:
        ask(fake)
    assert len(fake.requests) == 4 and "--prompt prints it" in err.value.hint


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (Answer(200, b"<html>"), "something other than JSON"),
        (Answer(200, b"[" * 3_900), "something other than JSON"),
        (Answer(200, b"{}"), "without a message"),
        (Answer(200, b'{"error": {"message": "no such model"}}'), "without a message: no such model"),
        (message(None), "an empty message"),
        (message(" <think>endless</think> "), "an empty message"),
        (Answer(200, b"x" * 5000), "exceeds 4,000 bytes"),
        (Answer(200, b"{}", {"Content-Encoding": "gzip"}), "in a compressed form"),
        (Answer(401, b"{}"), "refuses the key"),
        (Answer(400, b'{"error": "too long"}'), r"refuses the prompt \(status 400\): too long"),
        (Answer(302, b"", {"Location": "https://elsewhere.example/v1"}), "redirects to elsewhere.example"),
    ],
)
def test_every_other_answer_is_one_line(serve: Callable[..., Fake], answer: Answer, what: str) -> None:
    fake = serve(answer)
    with pytest.raises(EndpointFailed, match=what) as err:
        ask(fake, largest=4000)
    assert err.value.hint and "\n" not in err.value.message and len(fake.requests) == 1


def test_the_key_is_in_no_message_even_if_the_endpoint_repeats_it(serve: Callable[..., Fake]) -> None:
    fake = serve(Answer(400, json.dumps({"error": f"bad key {SECRET}"}).encode()))
    with pytest.raises(EndpointFailed) as err:
        ask(fake)
    assert SECRET not in str(err.value) and "bad key …" in str(err.value)


def test_an_endpoint_that_hangs_is_not_asked_again() -> None:
    calls = []

    def hang(self: Any, client: Any, body: bytes) -> Any:
        calls.append(body)
        raise httpx.ReadTimeout("timed out")

    endpoint = Endpoint("http://127.0.0.1:9/v1", "fake", sleep=lambda seconds: None)
    endpoint._once = hang.__get__(endpoint)  # type: ignore[method-assign]
    with pytest.raises(EndpointFailed, match="does not answer in time"):
        endpoint.ask(prompt().messages())
    assert len(calls) == 1


def test_an_answer_that_drips_slowly_ends_at_the_limit_of_time(serve: Callable[..., Fake]) -> None:
    ticks = iter([0.0, 700.0])
    with pytest.raises(EndpointFailed, match="takes longer than 600 s"):
        ask(serve(message("slow")), clock=lambda: next(ticks))


@pytest.mark.parametrize("url", ["ftp://host/v1", "http://user:pw@host/v1", "http://host/v1?key=1", "host", "http://"])
def test_other_addresses_are_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(UsageError) as err:
        checked_url(url, has_key=False)
    assert "pw" not in str(err.value)


def test_a_key_is_sent_encrypted_or_to_this_machine_only() -> None:
    with pytest.raises(UsageError, match="is not encrypted"):
        checked_url("http://models.example/v1", has_key=True)
    assert checked_url("http://localhost:8080/v1/", has_key=True) == "http://localhost:8080/v1/chat/completions"
    assert checked_url("http://models.example/v1", has_key=False).endswith("/v1/chat/completions")


def test_a_key_with_a_line_break_is_refused() -> None:
    assert checked_key({KEY: f" {SECRET}\n"}) == SECRET
    with pytest.raises(UsageError):
        checked_key({KEY: "a\nHost: elsewhere"})
