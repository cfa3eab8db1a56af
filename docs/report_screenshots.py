"""Makes the pictures of the report: `PYTHONPATH=. python docs/report_screenshots.py`.

Runs the demo, writes its report, opens the page in Debian's chromium, and takes pictures of five places in it. The
images of the demo are drawn or from pydicom's test data, so the pictures may be shown.
"""

from __future__ import annotations

import io
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.write import write_report
from roco.models.text.vocabulary.table import load
from roco.recipes.demo import write as write_demo
from roco.recipes.load import load_recipe, shipped
from roco.release.read import Release
from roco.stages.dropped_examples import dropped_examples
from tests.curate.browsers import chromium

DOCS = Path(__file__).resolve().parent
WIDTH = 1000
PLACES = {
    "report-top": ("body", 900),
    "report-images": ("#examples-modalities", 1500),
    "report-dropped": ("#examples-dropped", 1500),
    "report-concepts": ("#table-s8", 900),
    "report-checks": ("#checks", 1000),
}
"""Name of the picture -> what it shows, and its largest height in pixels."""


def report(folder: Path) -> Path:
    """Runs the demo in a folder and returns the page of its report."""
    write_demo(folder / "demo", shipped()["demo"].read_text(encoding="utf-8"))
    with closing(load_recipe(folder / "demo" / "demo.toml").open()) as run:
        run.do(workers=0)
        examples = dropped_examples(run)
    types = {concept.cui: concept.tuis for concept in load(None).concepts}
    with Release.open(folder / "demo" / "run" / "release") as release:
        write_report(Inputs(release=release, types=types, dropped_examples=examples), folder / "report")
    return folder / "report" / "report.html"


def pictures(address: Path) -> None:
    """Writes a picture of each place, with 128 colours."""
    with chromium() as browser:
        page = browser.new_page(viewport={"width": WIDTH, "height": 900})
        page.goto(address.as_uri())
        for name, (place, height) in PLACES.items():
            box: Any = page.locator(place).first.bounding_box()
            clip = {"x": 0, "y": box["y"], "width": WIDTH, "height": min(box["height"], height)}
            png = page.screenshot(clip=clip, full_page=True)
            image = Image.open(io.BytesIO(png)).convert("RGB").quantize(128, dither=Image.Dither.NONE)
            image.save(DOCS / f"{name}.png", optimize=True)
            print(f"wrote docs/{name}.png: {(DOCS / f'{name}.png').stat().st_size:,} bytes")


if __name__ == "__main__":
    with TemporaryDirectory() as temporary:
        pictures(report(Path(temporary)))
