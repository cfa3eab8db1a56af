"""Sends a prompt to a chat endpoint in the format of OpenAI, which most servers of language models offer.

The key is read from ROCO_API_KEY only. It is sent to the address of the endpoint and nowhere else: redirects are not
followed, and without encryption it is sent to this machine only. Requests are repeated a few times after 429 and 5xx
and after a connection that failed; the answer is limited in bytes and in time.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import httpx

from roco.base.errors import DataError, UsageError
from roco.base.json_text import parse_json
from roco.base.terminal import excerpt
from roco.base.version import __version__
from roco.baselines.retrieve.grounding.deadline import within
from roco.baselines.retrieve.grounding.model import Reply, checked_temperature
from roco.baselines.retrieve.grounding.reasoning import without_reasoning
from roco.release.hubs.client import LOOPBACK, TRY_AGAIN, Retries, retry_after

KEY = "ROCO_API_KEY"
LARGEST_ANSWER = 4 * 2**20  # bytes
SECONDS = 600.0  # for a whole answer
LONGEST = 86_400.0  # seconds that can be chosen

_PATH = "/chat/completions"
_RETRIES = Retries(tries=4, first_pause=1.0, longest_pause=20.0, longest_asked=60.0)
KEEP = "repeat the command later; --save-prompt keeps the prompt, and --prompt prints it"
"""The hint of `roco answer` where the endpoint is to blame."""
_LONGER = "--timeout allows more time"
_OTHER = "check --endpoint and --model"


class EndpointFailed(DataError):
    """A chat endpoint did not answer, refused a prompt, or answered something unreadable."""


class Endpoint:
    """A chat endpoint.

    url: its address, such as http://127.0.0.1:8080/v1; model: the name of a model; key: sent as a bearer token, if not
    empty; temperature: left to the endpoint if None; sleep, clock: replace those of the system in tests. Raises
    UsageError for an address or key that is invalid.
    """

    def __init__(
        self,
        url: str,
        model: str,
        key: str = "",
        *,
        temperature: float | None = None,
        seconds: float = SECONDS,
        largest: int = LARGEST_ANSWER,
        retries: Retries = _RETRIES,
        timeout: httpx.Timeout | None = None,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not model.strip():
            raise UsageError("missing --model, the name of the model", "name one that the endpoint offers")
        if not 0 < seconds <= LONGEST:
            raise UsageError(f"a timeout of {seconds:g} s (--timeout)", f"give at most {LONGEST:,.0f} seconds")
        self.url = checked_url(url, has_key=bool(key))
        self.model = model
        self._key = key
        self._temperature = checked_temperature(temperature)
        self._seconds, self._largest, self._retries = seconds, largest, retries
        self._timeout = timeout or httpx.Timeout(60.0, connect=15.0, read=seconds)  # a model thinks before it answers
        self._sleep, self._clock = sleep, clock

    def ask(self, messages: list[dict[str, str]]) -> Reply:
        """Returns the reply to the messages of a chat. Raises EndpointFailed; a failure costs nothing but the reply."""
        body: dict[str, Any] = {"model": self.model, "messages": messages, "stream": False}
        if self._temperature is not None:
            body["temperature"] = self._temperature
        is_plain = self.url.startswith("http://")
        with httpx.Client(timeout=self._timeout, follow_redirects=False, trust_env=not is_plain) as client:
            return self._reply(self._content(client, json.dumps(body).encode()))

    def _content(self, client: httpx.Client, body: bytes) -> bytes:
        """Returns the body of a successful answer, after several tries if need be."""
        reason = ""
        for failed in range(1, self._retries.tries + 1):
            asked = 0.0
            try:
                # httpx limits the time between two pieces; headers that arrive byte by byte would take for ever.
                status, headers, content = within(self._seconds + 1, lambda: self._once(client, body))
                if 200 <= status < 300:
                    return content
                if status not in TRY_AGAIN:
                    raise self._refusal(status, headers, content)
                reason, asked = f"status {status}", retry_after(headers.get("Retry-After", ""))
            except TimeoutError as err:
                raise self._too_slow() from err
            except httpx.ConnectError as err:
                reason = self._clean(str(err)) or "no connection"
            except httpx.TimeoutException as err:
                # Not repeated: a model that is too slow would only be kept busy by a second request.
                raise EndpointFailed("the endpoint does not answer in time", f"{_LONGER}; {KEEP}") from err
            except (httpx.HTTPError, httpx.InvalidURL) as err:
                reason = self._clean(str(err)) or type(err).__name__
            if failed < self._retries.tries:
                self._sleep(self._retries.pause(failed, asked))
        tries = f"{self._retries.tries} tries; the last: {excerpt(reason)}"
        raise EndpointFailed(f"the endpoint does not answer ({tries})", KEEP)

    def _once(self, client: httpx.Client, body: bytes) -> tuple[int, httpx.Headers, bytes]:
        """Sends one request; returns the status, the headers and the body of the answer, read under limits."""
        headers = {
            "User-Agent": f"roco/{__version__}",
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "identity",  # a compressed answer could grow beyond every limit
        }
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        latest = self._clock() + self._seconds
        with client.stream("POST", self.url, content=body, headers=headers) as response:
            if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                raise EndpointFailed("the endpoint answers in a compressed form", _OTHER)
            content = bytearray()
            for block in response.iter_raw():
                content += block
                if len(content) > self._largest:
                    raise EndpointFailed(f"the answer of the endpoint exceeds {self._largest:,} bytes", _OTHER)
                if self._clock() > latest:
                    raise self._too_slow()
            return response.status_code, response.headers, bytes(content)

    def _too_slow(self) -> EndpointFailed:
        what = f"the answer of the endpoint takes longer than {self._seconds:g} s"
        return EndpointFailed(what, f"{_LONGER}; {KEEP}")

    def _reply(self, content: bytes) -> Reply:
        """Returns the reply in the body of an answer."""
        answer = _parsed(content)
        try:
            choice = answer["choices"][0]
            text = choice["message"]["content"]
        except (KeyError, IndexError, TypeError) as err:
            raise EndpointFailed(f"the endpoint answers without a message{self._said(answer)}", _OTHER) from err
        if not isinstance(text, str) or not without_reasoning(text):
            raise EndpointFailed("the endpoint answers with an empty message", "try again, or use another --model")
        model = answer.get("model")
        return Reply(
            self._clean(without_reasoning(text)),
            self._clean(model) if isinstance(model, str) and model else self.model,
            choice.get("finish_reason") == "length",
        )

    def _refusal(self, status: int, headers: httpx.Headers, content: bytes) -> EndpointFailed:
        """Returns the error for an answer that would be the same again."""
        if 300 <= status < 400:
            host = _parts(self.url, headers.get("Location", "")).hostname or "nowhere"
            return EndpointFailed(
                f"the endpoint redirects to {excerpt(self._clean(host))} (status {status})",
                "nothing was sent there: give the final address with --endpoint",
            )
        try:
            said = self._said(_parsed(content))
        except EndpointFailed:
            said = ""
        if status in (401, 403):
            hint = f"check the key in {KEY}" if self._key else f"export {KEY}=… with a key of the endpoint"
            return EndpointFailed(f"the endpoint refuses the key (status {status}){said}", hint)
        return EndpointFailed(f"the endpoint refuses the prompt (status {status}){said}", _OTHER)

    def _said(self, answer: Any) -> str:
        """Returns what an answer states about an error, in few words."""
        error = answer.get("error") if isinstance(answer, Mapping) else None
        message = error.get("message") if isinstance(error, Mapping) else error
        return f": {excerpt(self._clean(message), 200)}" if isinstance(message, str) and message else ""

    def _clean(self, text: str) -> str:
        """Returns a text of the endpoint without the key, which some servers repeat."""
        return text.replace(self._key, "…") if self._key else text


def checked_key(environment: Mapping[str, str]) -> str:
    """Returns the key from ROCO_API_KEY, empty if it is not set; raises UsageError if it cannot be a key."""
    key = environment.get(KEY, "").strip()
    if key and not re.fullmatch(r"[\x21-\x7e]{1,4096}", key):
        raise UsageError(f"invalid key in {KEY}", "it contains spaces or characters that no key has")
    return key


def checked_url(url: str, has_key: bool) -> str:
    """Returns the address to which prompts are sent; `/chat/completions` is added if it is missing.

    Raises UsageError unless it is http or https without user, password, query or fragment; with a key, http is for
    this machine only.
    """
    parts = _parts(url)
    host = parts.hostname or ""
    is_plain = not (parts.username or parts.password or parts.query or parts.fragment) and url.isprintable()
    # Not repeated in the message: an address with a password in it is not for logs.
    if not (host and is_plain and parts.scheme in ("http", "https")):
        raise UsageError("invalid address (--endpoint)", "give one such as http://127.0.0.1:8080/v1")
    if has_key and parts.scheme == "http" and host not in LOOPBACK:
        raise UsageError(
            f"{KEY} is set, and the address (--endpoint) is not encrypted", f"use https://, or unset {KEY}"
        )
    address = url.rstrip("/")
    return address if address.endswith(_PATH) else address + _PATH


def _parts(url: str, location: str = "") -> SplitResult:
    """Returns the parts of an address, empty ones if it is invalid. location: relative to it."""
    try:
        parts = urlsplit(urljoin(url, location))
        _ = parts.port
    except ValueError:
        return urlsplit("")
    return parts


def _parsed(content: bytes) -> Any:
    """Returns the JSON of an answer; raises EndpointFailed if it is none."""
    try:
        return parse_json(content)
    except ValueError as err:
        raise EndpointFailed("the endpoint answers something other than JSON", _OTHER) from err
