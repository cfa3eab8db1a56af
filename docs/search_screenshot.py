"""Makes the picture of the search page: `PYTHONPATH=. python docs/search_screenshot.py`.

Runs the demo, makes its index, opens the search page in Debian's chromium, and uploads a smaller copy of one of the
images. The images of the demo are drawn or from pydicom's test data, so the picture may be shown.
"""

from __future__ import annotations

import io
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from roco.baselines.retrieve.build import index
from roco.baselines.retrieve.index import Index
from roco.cli.search_page import IndexFinder
from roco.curate.finder import SearchServer
from roco.recipes.demo import write as write_demo
from roco.recipes.load import load_recipe, shipped
from tests.curate.browsers import Running, chromium

DOCS = Path(__file__).resolve().parent
QUERY = "/?commercial=1&n=8"
UPLOADED = "roco_train_000012"


def searched(folder: Path) -> Index:
    """Runs the demo in a folder and returns its index."""
    write_demo(folder / "demo", shipped()["demo"].read_text(encoding="utf-8"))
    with closing(load_recipe(folder / "demo" / "demo.toml").open()) as run:
        run.do(workers=0)
    index(folder / "demo" / "run" / "release", folder / "demo" / "index")
    return Index.open(folder / "demo" / "index")


def picture(opened: Index) -> None:
    """Writes a picture of the page with 256 colours."""
    data = opened.dataset()
    running = Running(SearchServer(finder=IndexFinder(opened, data)))
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 840})
        page.goto(running.address + QUERY)
        page.wait_for_selector("#empty")
        copy = io.BytesIO()
        data.figures.image(UPLOADED).pil("RGB").resize((300, 240)).save(copy, "JPEG", quality=60)
        scan = {"name": "scan.jpg", "mimeType": "image/jpeg", "buffer": copy.getvalue()}
        with page.expect_response("**/api/search*"):
            page.set_input_files("#file", scan)
        page.wait_for_selector("#asked canvas:not([hidden])")
        page.evaluate("() => { document.querySelector('#who').textContent = '39 images, demo/index'; }")
        page.wait_for_load_state("networkidle")
        png = page.screenshot()
    running.stop()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(
        DOCS / "search-page.png", optimize=True
    )


if __name__ == "__main__":
    with TemporaryDirectory() as temporary:
        picture(searched(Path(temporary)))
