"""The server of the search page: queries, uploaded images, images of hits, and who may ask."""

from __future__ import annotations

import asyncio
import io
import struct
import tempfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from roco.curate import app_search
from roco.curate.finder import Wanted
from roco.models.images.decode import open_thumbnail
from tests.curate.searches import IDS, MISSING, SearchBrowser, jpeg
from tests.curate.servers import HOST


@pytest.fixture
def browser() -> SearchBrowser:
    return SearchBrowser()


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [hit["id"] for hit in answer.json()["hits"]]


# --- queries ----------------------------------------------------------------------------------------------------------


def test_an_address_is_the_query(browser: SearchBrowser) -> None:
    browser.search(
        words=" chest CT ", concepts="C0040405 AND NOT lung", by="dense", like=IDS[0], modality="DRCT, DRMR",
        region="chest", year="2018-2020", license="CC-BY", split="train", commercial="1", not_same_article="1",
        diverse="1", n=3,
    )  # fmt: skip
    filters = {
        "modality": ("DRCT", "DRMR"), "region": ("chest",), "year": ("2018-2020",), "license": ("CC-BY",),
        "split": ("train",),
    }  # fmt: skip
    assert browser.finder.queries == [
        Wanted(
            words="chest CT", concepts="C0040405 AND NOT lung", by="dense", like=IDS[0], not_same_article=True,
            diverse=True, n=3, filters=filters, commercial=True,
        )
    ]  # fmt: skip


def test_what_is_not_asked_for_restricts_nothing(browser: SearchBrowser) -> None:
    assert ids(browser.search(words="ct", modality="", year=" , ", commercial="0")) == list(IDS)
    assert browser.finder.queries == [Wanted(words="ct")]


def test_hits_have_what_is_needed_to_cite_them(browser: SearchBrowser) -> None:
    first = browser.search(words="ct").json()["hits"][0]
    assert {"caption", "names", "license", "attribution", "link", "score", "matched"} <= first.keys()


def test_a_warning_and_the_encoders_come_with_the_hits(browser: SearchBrowser) -> None:
    browser.finder.note = "its article is unknown"
    found = browser.search(like=IDS[0]).json()
    assert (found["note"], found["encoders"]) == ("its article is unknown", {"image": "the drawn encoder"})


@pytest.mark.parametrize(
    ("facts", "status", "error"),
    [
        ({}, 422, "nothing to search for"),
        ({"words": "x" * 1001}, 422, "invalid request: query.words"),
        ({"words": "ct", "n": 0}, 422, "invalid request: query.n"),
        ({"words": "ct", "n": 201}, 422, "invalid request: query.n"),
        ({"words": "ct", "n": "ten"}, 422, "invalid request: query.n"),
        ({"words": "ct", "diverse": "perhaps"}, 422, "invalid request: query.diverse"),
        ({"words": "ct", "by": "magic"}, 422, "invalid request: query.by"),
        ({"like": "x" * 201}, 422, "invalid request: query.like"),
        ({"words": "broken"}, 500, "the index is broken"),
    ],
)
def test_an_invalid_query_is_one_line_and_a_hint(
    browser: SearchBrowser, facts: dict[str, Any], status: int, error: str
) -> None:
    answer = browser.search(**facts)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["hint"] and "\n" not in answer.text


def test_the_session_offers_the_values_of_the_index(browser: SearchBrowser) -> None:
    found = browser.http.get("/api/session").json()
    values = {"modality": ["DRCT", "DRMR"], "region": [], "license": ["CC-BY"], "split": ["train"], "by": []}
    assert found["filters"] == values
    assert (found["figures"], found["title"], found["read_only"]) == (5, "the drawn index", True)


# --- uploads ----------------------------------------------------------------------------------------------------------


def test_an_uploaded_image_is_searched_with_the_rest_of_the_query(browser: SearchBrowser) -> None:
    image = jpeg(90)
    assert ids(browser.upload(image, {"words": "ct", "n": 2})) == list(IDS[:2])
    assert browser.finder.queries == [Wanted(words="ct", image=image, n=2)]


def test_an_uploaded_image_is_written_nowhere(
    browser: SearchBrowser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    noise = Image.effect_noise((1500, 1500), 90)
    out = io.BytesIO()
    noise.save(out, "PNG")  # some 2 MB, more than what multipart forms keep in memory
    assert ids(browser.upload(out.getvalue())) == list(IDS)
    assert list(tmp_path.iterdir()) == []


def png_of(width: int, height: int) -> bytes:
    """A PNG whose header states a size, with few bytes of pixels."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)), (b"IDAT", zlib.compress(bytes(64)))]
    parts = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


HOSTILE = {
    "nothing": (b"", "the image is empty"),
    "text": (b"hello", "unknown image format"),
    "a page": (b"<html><script>alert(1)</script>", "HTML, not an image"),
    "a drawing with code": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "SVG, not"),
    "a truncated JPEG": (jpeg(90, 400)[:300], "cannot be decoded"),
    "a PNG of a bomb": (png_of(60_000, 60_000), "more than 50 megapixels"),
    "a PNG with half of its pixels": (png_of(64, 64), "cannot be decoded"),
    "zeros": (bytes(100_000), "unknown image format"),
    "a ZIP": (b"PK\x03\x04" + bytes(64), "ZIP, not an image"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_image_is_one_line(browser: SearchBrowser, name: str) -> None:
    image, error = HOSTILE[name]
    answer = browser.upload(image)
    assert answer.status_code == 422 and error in answer.json()["error"]
    assert set(answer.json()) == {"error", "hint"} and "\n" not in answer.json()["error"]
    assert ids(browser.search(words="ct")) == list(IDS)  # the server goes on


def test_an_upload_that_does_not_end_is_given_up(browser: SearchBrowser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_search, "UPLOAD_SECONDS", 0.0)
    sent = {"host": HOST, "x-roco-write": "w", "content-type": "application/octet-stream", "content-length": "9"}
    headers = [(name.encode(), value.encode()) for name, value in sent.items()]
    scope = {"type": "http", "method": "POST", "path": "/api/search", "query_string": b"", "headers": headers}
    answers: list[Any] = []

    async def receive() -> Any:
        await asyncio.Event().wait()  # the rest of the body never comes

    async def send(message: Any) -> None:
        answers.append(message)

    asyncio.run(browser.app(scope, receive, send))
    assert answers[0]["status"] == 408 and b"the upload took too long" in answers[1]["body"]
    assert browser.finder.queries == []


# --- who may ask ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"origin": "https://example.org"}, 403),
        ({"origin": "null"}, 403),
        ({"x-roco-write": ""}, 403),
        ({"x-roco-write": "guessed"}, 403),
        ({"host": "evil.example"}, 421),
        ({"content-type": "application/json"}, 415),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "multipart/form-data; boundary=x"}, 415),
        ({"content-type": "image/jpeg"}, 415),
        ({"content-length": str(app_search.LARGEST_IMAGE + 1)}, 413),
        ({"content-length": "-1"}, 413),
        ({"content-length": "9" * 5000}, 413),
    ],
)
def test_an_upload_from_elsewhere_or_of_another_kind_is_refused(
    browser: SearchBrowser, headers: dict[str, str], status: int
) -> None:
    sent = {name: value.encode("latin-1") for name, value in headers.items()}
    assert browser.upload(jpeg(9), None, **sent).status_code == status  # type: ignore[arg-type]
    assert browser.finder.queries == []
    assert browser.upload(jpeg(9), None, origin=f"http://{HOST}").status_code == 200


def test_a_body_that_is_longer_than_it_states_is_cut_off(
    browser: SearchBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = browser.upload(bytes(app_search.LARGEST_IMAGE + 1), None, **{"content-length": "5"})
    assert answer.status_code >= 400 and browser.finder.queries == []


def test_only_the_address_of_the_upload_takes_bytes(browser: SearchBrowser) -> None:
    headers = {"x-roco-write": "w", "content-type": "application/octet-stream"}
    for address in ("/api/search/", "/api/session", "/api/image", "/"):
        assert browser.http.post(address, content=b"x", headers=headers).status_code == 415, address
    large = {"x-roco-write": "w", "content-type": "application/json"}
    assert browser.http.post("/api/session", content=bytes(3_000_000), headers=large).status_code == 413


def test_with_a_token_nothing_is_answered_without_it() -> None:
    browser = SearchBrowser(token="a-long-secret", hosts=frozenset())
    for address in ("/", "/static/search.js", "/api/session", "/api/search?words=x", f"/api/image?key={IDS[0]}"):
        assert browser.http.get(address).status_code == 401
    assert browser.upload(jpeg(9)).status_code == 401
    assert browser.http.get("/", params={"token": "a-long-secret", "words": "ct"}).status_code == 200
    assert browser.upload(jpeg(9)).status_code == 200  # by the cookie


@pytest.mark.parametrize("address", ["/", "/static/hits.js", "/static/search.css", "/api/session", "/nowhere"])
def test_every_answer_has_the_headers_that_protect_a_page(browser: SearchBrowser, address: str) -> None:
    headers = browser.http.get(address).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "img-src 'self'" in policy
    assert "unsafe" not in policy and "blob:" not in policy and "data:" not in policy
    assert headers["x-content-type-options"] == "nosniff"


# --- images -----------------------------------------------------------------------------------------------------------


def test_images_are_given_by_id(browser: SearchBrowser) -> None:
    answer = browser.http.get("/api/image", params={"key": IDS[1]})
    assert (answer.headers["content-type"], answer.content) == ("image/jpeg", browser.finder.image(IDS[1]))
    small = browser.http.get("/api/thumbnail", params={"key": IDS[1]})
    assert open_thumbnail(small.content).size == (280, 280)


@pytest.mark.parametrize("key", ["", "nobody", "../../etc/passwd", "/etc/passwd", "%00", "\x00", MISSING])
@pytest.mark.parametrize("address", ["/api/image", "/api/thumbnail"])
def test_an_unknown_id_and_a_missing_image_are_not_found(browser: SearchBrowser, address: str, key: str) -> None:
    answer = browser.http.get(address, params={"key": key})
    assert answer.status_code == 404 and answer.json()["error"]
