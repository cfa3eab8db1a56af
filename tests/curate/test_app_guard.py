"""Who may read and write: hosts, tokens, other sites, headers, sizes."""

from __future__ import annotations

from pathlib import Path

import pytest

from roco.base.errors import UsageError
from roco.curate.serve import address_of, listen
from tests.curate.servers import HOST, Browser, entry, server


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    return Browser(server(tmp_path))


@pytest.mark.parametrize("address", ["/", "/one", "/agree", "/static/grid.js", "/api/session", "/nowhere"])
def test_every_answer_has_the_headers_that_protect_a_page(browser: Browser, address: str) -> None:
    headers = browser.http.get(address).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://example.org"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "null"},
        {"x-roco-write": ""},
        {"x-roco-write": "guessed"},
    ],
)
def test_a_page_of_another_site_cannot_write(browser: Browser, headers: dict[str, str]) -> None:
    body = {"batch": "b", "task": "modality", "annotator": "a1", "entries": [entry(1)]}
    assert browser.post("/api/labels", body, **headers).status_code == 403
    assert browser.events() == 1
    assert browser.post("/api/labels", body, origin=f"http://{HOST}").status_code == 200


def test_a_refusal_names_a_missing_token_an_old_one_and_a_body_that_is_no_json(browser: Browser) -> None:
    plain = {"content-type": "application/json"}
    missing = browser.http.post("/api/labels", content=b"{}", headers=plain)
    assert (missing.status_code, missing.json()["error"]) == (403, "missing write token")
    assert "x-roco-write" in missing.json()["hint"]
    old = browser.http.post("/api/labels", content=b"{}", headers={**plain, "x-roco-write": "old"})
    assert (old.status_code, old.json()["hint"]) == (403, "reload the page")
    for body in (b'{"batch": ', b"\xff{}"):
        answer = browser.http.post("/api/labels", content=body, headers={**plain, "x-roco-write": "w"})
        assert answer.status_code in (400, 422)
        assert answer.json()["hint"] == "send valid JSON in UTF-8"


def test_a_form_of_another_site_cannot_write(browser: Browser) -> None:
    answer = browser.http.post("/api/labels", data={"batch": "b"}, headers={"x-roco-write": "w"})
    assert answer.status_code == 415
    answer = browser.http.put("/api/labels", headers={"x-roco-write": "w"})
    assert answer.status_code == 405
    assert browser.http.options("/api/labels").status_code == 405


def test_a_name_that_is_bound_to_this_machine_by_others_is_refused(browser: Browser) -> None:
    assert browser.http.get("/api/session", headers={"host": "evil.example:8765"}).status_code == 421


def test_a_body_that_is_too_large_is_refused(browser: Browser) -> None:
    body = {"batch": "b", "task": "modality", "annotator": "a1", "entries": [entry(1, "x" * 3_000_000)]}
    assert browser.post("/api/labels", body).status_code == 413


def test_with_a_token_nothing_is_answered_without_it(tmp_path: Path) -> None:
    browser = Browser(server(tmp_path, token="a-long-secret", hosts=frozenset()))
    for address in ("/", "/static/grid.js", "/api/session", "/api/image?key=x"):
        assert browser.http.get(address).status_code == 401
        assert browser.http.get(address, params={"token": "another"}).status_code == 401
    answer = browser.http.get("/", params={"token": "a-long-secret"})
    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert browser.http.get("/api/session").status_code == 200  # by the cookie
    browser.http.cookies.clear()
    assert browser.http.get("/api/session", headers={"authorization": "Bearer a-long-secret"}).status_code == 200
    assert browser.http.get("/api/session", headers={"cookie": "roco-token=wrong"}).status_code == 401


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static//etc/passwd", "/static/grid.html"]
)
def test_no_address_names_a_path(browser: Browser, path: str) -> None:
    assert browser.http.get(path).status_code == 404


def test_other_machines_are_served_with_a_token_only() -> None:
    with pytest.raises(UsageError, match=r"--host 0\.0\.0\.0 without a token"):
        listen("0.0.0.0", 0, "")
    with pytest.raises(UsageError, match="without a token"):
        listen("example.org", 0, "")
    with listen("127.0.0.1", 0, "") as listening:
        port = listening.getsockname()[1]
    assert address_of("127.0.0.1", port, "s", "/one") == f"http://127.0.0.1:{port}/one?token=s"


def test_pages_load_nothing_from_elsewhere_and_have_no_code_of_their_own() -> None:
    from roco.curate.app_shell import PAGES

    for path in PAGES.iterdir():
        text = path.read_text(encoding="utf-8")
        assert "innerHTML" not in text and "insertAdjacentHTML" not in text and "eval(" not in text, path
        if path.suffix == ".html":
            assert "<style" not in text and " style=" not in text and "onclick=" not in text, path
            assert 'src="http' not in text and 'href="http' not in text, path
