"""The search page in a real browser: the demo is searched by words, by an image and by its hits."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

import roco
from roco.cli.search_page import IndexFinder
from roco.curate.finder import Answer, SearchServer, Wanted
from tests.curate.browsers import MARKS, PATIENCE, Running, eventually
from tests.curate.searches import IDS, DrawnFinder, jpeg

pytestmark = MARKS


@pytest.fixture(scope="module")
def index(finished_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> roco.Index:
    path = tmp_path_factory.mktemp("indexes") / "index"
    roco.index(finished_demo / "run" / "release", path)
    return roco.Index.open(path)


@pytest.fixture
def running(index: roco.Index) -> Iterator[Running]:
    """The page of an index of the demo."""
    found = Running(SearchServer(finder=IndexFinder(index, index.dataset())))
    yield found
    found.stop()


def shown(page: Any) -> list[str]:
    """The ids of the hits that the page shows, once the search has ended."""
    eventually(lambda: page.locator("#status").inner_text() != "searching …")
    found: list[str] = page.evaluate("() => [...document.querySelectorAll('.hit')].map((one) => one.hit.id)")
    return found


def asked(page: Any) -> str:
    found: str = page.evaluate("() => location.search")
    return found


def test_words_an_image_and_a_hit_find_images(visit: Callable[..., Any], index: roco.Index) -> None:
    page = visit("/")
    assert page.locator("#clinical").inner_text() == "Not for clinical use"
    page.keyboard.type("chest CT")  # the field of the words has the focus
    page.keyboard.press("Enter")
    page.wait_for_selector(".hit")
    by_words = [hit.id for hit in index.search("chest CT")]
    assert shown(page) == by_words and asked(page) == "?words=chest+CT"

    page.fill("#words", "")
    original = index.dataset().figures.image(by_words[3]).bytes()
    smaller = io.BytesIO()
    Image.open(io.BytesIO(original)).convert("RGB").resize((300, 300)).save(smaller, "JPEG")
    page.set_input_files("#file", {"name": "scan.jpg", "mimeType": "image/jpeg", "buffer": smaller.getvalue()})
    page.wait_for_selector("#asked canvas:not([hidden])")
    by_image = [hit.id for hit in index.search(image=smaller.getvalue())]
    eventually(lambda: shown(page) == by_image)
    assert by_words[3] in by_image[:3] and asked(page) == ""

    page.locator(".alike").nth(1).click()
    like = by_image[1]
    alike = [hit.id for hit in index.search(like=like)]
    eventually(lambda: shown(page) == alike)
    assert like not in alike and asked(page) == f"?like={like}"
    page.locator("summary").click()
    page.check("#not_same_article")
    others = [hit.id for hit in index.search(like=like, not_same_article=True)]
    eventually(lambda: shown(page) == others)

    page.go_back()
    eventually(lambda: shown(page) == alike)
    page.go_back()  # to the upload, which the page remembers
    eventually(lambda: shown(page) == by_image)
    page.go_back()
    eventually(lambda: shown(page) == by_words)
    assert page.input_value("#words") == "chest CT"
    page.go_forward()
    eventually(lambda: shown(page) == by_image)
    page.reload()
    page.wait_for_selector("#message:not(:empty)")
    assert page.locator("#message").inner_text() == "the uploaded image is not part of the address: choose it again"


def test_filters_are_part_of_the_address(visit: Callable[..., Any]) -> None:
    pytest.importorskip("duckdb", reason="pip install '.[select]'")
    page = visit("/?words=phantom&modality=DRCT,DRMR&n=50")
    page.wait_for_selector(".hit")
    assert set(page.evaluate("() => [...document.querySelectorAll('.hit')].map((one) => one.hit.modality)")) == {
        "DRCT", "DRMR",
    }  # fmt: skip
    assert page.input_value("#modality") == "DRCT,DRMR" and page.locator("#more").get_attribute("open") is not None
    page.select_option("#modality", "DRXR")
    eventually(lambda: "modality=DRXR" in asked(page))
    page.wait_for_selector(".hit")
    shown(page)
    assert set(page.evaluate("() => [...document.querySelectorAll('.hit')].map((one) => one.hit.modality)")) == {"DRXR"}


DROP = """([bytes, name]) => {
  const files = new DataTransfer();
  files.items.add(new File([new Uint8Array(bytes)], name));
  for (const kind of ["dragenter", "dragover", "drop"]) {
    const facts = { dataTransfer: files, bubbles: true, cancelable: true };
    document.querySelector("main").dispatchEvent(new DragEvent(kind, facts));
  }
}"""


def test_a_file_that_is_dropped_on_the_page_is_the_image_of_the_query(open_drawn: Callable[..., Any]) -> None:
    page = open_drawn("/")
    page.evaluate(DROP, [list(jpeg(90)), "dropped.jpg"])
    page.wait_for_selector(".hit")
    assert "like dropped.jpg" in page.locator("#asked").inner_text()
    assert page.locator("body.dropping").count() == 0
    page.get_by_role("button", name="Remove the image dropped.jpg").click()
    eventually(lambda: page.locator(".hit").count() == 0)


def test_an_error_does_not_name_options_of_the_command(visit: Callable[..., Any]) -> None:
    page = visit("/")
    page.fill("#concepts", "Plain Xray")
    page.keyboard.press("Enter")
    eventually(lambda: page.locator("#message").inner_text().startswith("unknown concept 'Plain Xray' (did you mean"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the image is empty"),
        (b"<svg onload='alert(1)'/>", "the image cannot be decoded: SVG, not an image (give another image)"),
        (jpeg(90, 400)[:300], "the image cannot be decoded"),
    ],
)
def test_a_broken_image_is_a_line_in_the_page(open_drawn: Callable[..., Any], data: bytes, message: str) -> None:
    page = open_drawn("/?words=ct")
    page.set_input_files("#file", {"name": "<img src=x>.jpg", "mimeType": "image/jpeg", "buffer": data})
    eventually(lambda: message in page.locator("#message").inner_text())
    assert page.locator(".hit").count() == 0 and "like <img src=x>.jpg" in page.locator("#asked").inner_text()
    page.get_by_role("button", name="Clear").click()
    page.fill("#words", "again")
    page.keyboard.press("Enter")
    page.wait_for_selector(".hit")
    assert page.locator("#message").inner_text() == ""


def test_texts_are_never_html_and_a_missing_image_has_a_placeholder(open_drawn: Callable[..., Any]) -> None:
    page = open_drawn("/?words=ct")
    page.wait_for_selector(".hit .broken")
    assert page.locator(".broken").inner_text() == "the image cannot be shown"
    assert page.locator(".hit").count() == len(IDS) and page.locator(".hit img").count() == len(IDS) - 1
    assert page.locator("main script, main [onerror]").count() == 0
    assert "<script>alert(2)</script>" in page.locator(".hit .caption").first.inner_text()


@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", ""])
def test_only_addresses_of_the_web_are_links(page: Any, link: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.curate import searches

    hit = searches.hit
    monkeypatch.setattr(searches, "hit", lambda rank, id: hit(rank, id, link=link))
    running = Running(SearchServer(finder=DrawnFinder()))
    page.goto(f"{running.address}/?words=ct")
    page.wait_for_selector(".hit")
    assert page.locator(".hit a").count() == 0
    running.stop()


def test_a_restarted_server_takes_an_upload_and_one_that_is_gone_is_a_line(page: Any, drawn_search: Running) -> None:
    page.goto(drawn_search.address + "/?words=ct")
    page.wait_for_selector(".hit")
    drawn_search.stop()
    page.keyboard.press("/")
    page.keyboard.press("Enter")
    eventually(lambda: "the server cannot be reached" in page.locator("#message").inner_text())
    drawn_search.start()  # with another write token
    page.set_input_files("#file", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": jpeg(90)})
    page.wait_for_selector(".hit")
    assert page.locator("#message").inner_text() == ""


class SlowFinder(DrawnFinder):
    """A finder whose searches by an image wait until the test lets them go."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()

    def find(self, wanted: Wanted) -> Answer:
        answer = super().find(wanted)
        if wanted.image is not None:
            assert self.go_on.wait(PATIENCE)
        return answer


def test_slow_searches_by_images_do_not_hold_up_others() -> None:
    finder = SlowFinder()
    running = Running(SearchServer(finder=finder))
    with httpx.Client(base_url=running.address, timeout=PATIENCE) as http, ThreadPoolExecutor(50) as pool:
        headers = {
            "x-roco-write": http.get("/api/session").json()["write"],
            "content-type": "application/octet-stream",
        }
        uploads = [pool.submit(http.post, "/api/search", content=jpeg(90), headers=headers) for _ in range(50)]
        eventually(lambda: len(finder.queries) == 2)  # as many at once
        assert http.get("/api/search", params={"words": "ct"}).status_code == 200
        assert http.get("/api/thumbnail", params={"key": IDS[0]}).status_code == 200
        assert len([one for one in finder.queries if one.image]) == 2
        finder.go_on.set()
        assert {one.result().status_code for one in uploads} == {200}
    running.stop()


def test_the_answer_to_an_earlier_query_never_replaces_a_later_one(page: Any) -> None:
    finder = SlowFinder()
    running = Running(SearchServer(finder=finder))
    page.goto(running.address + "/?n=1")
    page.set_input_files("#file", {"name": "slow.jpg", "mimeType": "image/jpeg", "buffer": jpeg(90)})
    eventually(lambda: len(finder.queries) == 1)
    page.get_by_role("button", name="Clear").click()
    page.keyboard.type("quick")
    page.keyboard.press("Enter")
    eventually(lambda: page.locator(".hit").count() == len(IDS))
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        finder.go_on.set()
    page.wait_for_load_state("networkidle")
    assert page.locator(".hit").count() == len(IDS) and page.locator("#encoders").inner_text() == ""
    running.stop()


def test_a_warning_and_the_encoder_are_shown(page: Any, drawn_search: Running) -> None:
    drawn_search.server.finder.note = "<b>its article is unknown</b>"  # type: ignore[union-attr]
    page.goto(f"{drawn_search.address}/?like={IDS[0]}")
    page.wait_for_selector(".hit")
    assert page.locator("#message").inner_text() == "<b>its article is unknown</b>"
    assert page.locator("#encoders").inner_text() == "image: compared by the drawn encoder"
