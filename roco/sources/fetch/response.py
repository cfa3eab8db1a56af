"""Checks of one HTTP response: its status and headers before the body is read, its content after it."""

from __future__ import annotations

import contextlib
import email.utils
import re
from urllib.parse import urlsplit

import httpx

from roco.base.text import whole_number
from roco.sources.fetch.errors import TOO_LARGE, UNAVAILABLE, ObjectUnavailable
from roco.sources.fetch.partial_download import PartialDownload
from roco.sources.fetch.retry import RetryableError

THROTTLED = (429, 503)
"""Status codes by which a server asks to send fewer requests."""
MAX_RETRY_AFTER = 300.0
"""Seconds: a longer Retry-After is shortened to this."""

_HTML_PAGE = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype\s+html|html)", re.IGNORECASE)
_MD5 = re.compile(r"[0-9a-f]{32}")
_CONTENT_RANGE = re.compile(r"bytes ([0-9]+)-([0-9]+)/([0-9]+|\*)")


def accept_headers(
    response: httpx.Response, partial: PartialDownload, key: str, limit: int, md5: str | None, time: float
) -> None:
    """Prepares a partial download for the body of a response.

    time: seconds since the epoch, for a Retry-After that is a date. Raises ObjectUnavailable, and RetryableError
    for a response from which the object cannot be read.
    """
    response.headers.encoding = "latin-1"  # otherwise httpx guesses the encoding at every access
    _reject_status(response, key, time)
    if response.status_code == 416:
        partial.discard()
        raise RetryableError("the partial download cannot be resumed")
    if response.status_code == 206 and partial.size:
        _check_range(response, partial)
    elif response.status_code == 200:
        partial.start(etag_of(response))
    else:
        raise RetryableError(f"status {response.status_code}")
    _check_length(response, partial, key, limit, md5)


def _reject_status(response: httpx.Response, key: str, time: float) -> None:
    """Raises an error for a status that is an answer of its own: missing, throttled, redirected."""
    status = response.status_code
    if status in UNAVAILABLE:
        # PMC's bucket answers with XML; an HTML page comes from a proxy and proves nothing about the object.
        if _is_html(response):
            raise RetryableError(f"received an HTML page (status {status}): is there a proxy?", reached_server=False)
        raise ObjectUnavailable(key, status)
    if status in THROTTLED:
        seconds = retry_after_seconds(response.headers.get("Retry-After", ""), time)
        raise RetryableError(f"the server is throttling (status {status})", throttled=True, retry_after=seconds)
    if response.is_redirect:
        host = urlsplit(response.headers.get("Location", "")).netloc or "another address"
        raise RetryableError(f"redirected to {host} (status {status}): is there a proxy?", reached_server=False)


def _check_range(response: httpx.Response, partial: PartialDownload) -> None:
    """Raises RetryableError where the response continues another object, or at another byte."""
    content_range = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    continues = content_range is not None and int(content_range[1]) == partial.size
    if not continues or etag_of(response) != partial.etag:
        partial.discard()
        raise RetryableError("received another byte range than requested")


def _check_length(response: httpx.Response, partial: PartialDownload, key: str, limit: int, md5: str | None) -> None:
    length = whole_number(response.headers.get("Content-Length", ""))
    if length is not None:
        if partial.size + length > limit:
            raise ObjectUnavailable(key, TOO_LARGE)
        return
    # Without length, chunks or MD5 a body that was cut looks complete.
    chunked = "chunked" in response.headers.get("Transfer-Encoding", "")
    if md5 is None and not chunked:
        raise RetryableError("the response has no Content-Length")


def check_content(partial: PartialDownload, key: str, md5: str | None) -> None:
    """Checks a body that was received in full; raises RetryableError and discards it where it is not the object.

    md5: the expected MD5, null where none is known.
    """
    actual = partial.md5
    if actual == md5 or (md5 is None and actual == partial.etag):
        return
    is_page = not key.lower().endswith((".html", ".htm")) and _HTML_PAGE.match(partial.beginning)
    if is_page:
        partial.discard()
        raise RetryableError("received an HTML page: is there a proxy?", reached_server=False)
    if not partial.size:
        partial.discard()
        raise RetryableError("the response is empty")
    if md5 is not None:
        is_intact = actual == partial.etag
        is_unproved = _MD5.fullmatch(partial.etag) is None
        partial.discard()
        raise RetryableError(f"MD5 is {actual}, expected {md5}", is_intact=is_intact, is_unproved=is_unproved)


def retry_after_seconds(header: str, time: float) -> float:
    """Returns the seconds of a Retry-After header, a number or a date; 0 where it is missing or invalid."""
    text = header.strip()
    if text.isascii() and text.isdecimal():
        return min(MAX_RETRY_AFTER, float(text[:9]))
    with contextlib.suppress(ValueError, TypeError):
        seconds = email.utils.parsedate_to_datetime(header).timestamp() - time
        return max(0.0, min(MAX_RETRY_AFTER, seconds))
    return 0.0


def etag_of(response: httpx.Response) -> str:
    """Returns the ETag without quotes and without the mark of a weak one."""
    return str(response.headers.get("ETag", "")).removeprefix("W/").strip('"')


def _is_html(response: httpx.Response) -> bool:
    return str(response.headers.get("Content-Type", "")).lower().startswith("text/html")
