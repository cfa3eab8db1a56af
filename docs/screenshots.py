"""Makes the screenshots of curation with real images: `PYTHONPATH=. python docs/screenshots.py`.

Radiology images of open collections are put into made-up articles with captions of our own. A recipe guesses their
modality with a head that has seen X-rays and ultrasound and little else, so that some guesses are wrong; `roco curate`
shows them in Debian's chromium. Needs ROCO_SHARED, a folder with data/. docs/curate.md names the collections.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from urllib.parse import urlencode

import numpy as np
from PIL import Image

from benchmarks import loop
from benchmarks.browser import curated
from benchmarks.corpora import SHARED
from roco.recipes.demo.articles import FIRST, Article, Fig, Images
from roco.recipes.demo.corpus import _files, _package
from roco.recipes.demo.jats import jats
from roco.recipes.load import load_recipe
from tests.curate.browsers import chromium

DOCS = Path(__file__).resolve().parent
DATA = SHARED / "data"
LARGEST = 400_000  # bytes of a picture
VIEWS = {
    "AP": "Chest X-ray, anteroposterior view.",
    "AP Supine": "Chest X-ray, anteroposterior view, supine.",
    "PA": "Chest X-ray, posteroanterior view.",
}
LARGE = "90986ce4.jpg"  # the image of the page of one figure
LARGE_CAPTION = "Chest X-ray of a standing patient, posteroanterior view."
COLLECTIONS = {
    "github:KomalChaudhari8/BRAIN_TUMOR_APP": ("MRI of the brain, one slice.", "m"),
    "github:mbaisbay/angiography_vqa": ("Coronary angiography.", "a"),
    "github:TongxinWang0405/BMI702_project": ("Ultrasound of the breast.", "s"),
}
"""Collections of data/images whose licence is CC0 1.0 or CC BY 4.0: a caption, and the key of the modality."""
OF_EACH = 24
VAGUE = "The same patient at follow-up."  # every third caption of them: the pixels alone decide about the guess


class Shown(NamedTuple):
    """An image that may be shown, a caption of our own, and the key of its modality."""

    file: Path
    caption: str
    key: str


def taken() -> Iterator[Shown]:
    for row in _rows("radiology/nih_cxr/metadata.csv"):  # no restriction on use
        yield Shown(DATA / "radiology/nih_cxr" / row["filename"], "Frontal chest X-ray.", "x")
    for row in _rows("radiology/covid_cxr_ct/metadata.csv"):
        if row["license"] == "CC BY 3.0" and "ml-workgroup" in row["url"]:
            caption = LARGE_CAPTION if row["filename"] == LARGE else VIEWS[row["view"]]
            yield Shown(DATA / "radiology/covid_cxr_ct" / row["filename"], caption, "x")
    labelled = [row for row in _rows("images/labels.csv") if row["licence"] in ("CC0 1.0", "CC BY 4.0")]
    for source, (caption, key) in COLLECTIONS.items():
        rows = [row for row in labelled if row["source"].startswith(source) and row["class"] == "radiology"]
        for number, row in enumerate(rows[:OF_EACH]):
            yield Shown(DATA / "images" / row["path"], caption if number % 3 else VAGUE, key)


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


class RealImages(Images):
    """Images of the demo corpus that are files: their name is a path."""

    def image(self, name: str) -> Image.Image:
        image = Image.open(name).convert("RGB")
        image.thumbnail((900, 900))
        return image


def made(folder: Path, shown: list[Shown]) -> Path:
    """Writes packages of the images, runs a recipe over them until the guess, and returns it."""
    images = RealImages(1)
    articles = []
    for number, one in enumerate(shown, start=1):
        fig = Fig((str(one.file),), "f1", "Figure 1", (f"demo-{number}-g001.jpg",), one.caption)
        facts: dict[str, Any] = {"title": "A made-up article", "case": "An image is shown.", "journal": "No Journal"}
        articles.append(Article(number, figs=(fig,), authors=(("Demo", "Ada"),), year=2024, month=5, **facts))
    files = [_files(article, images) for article in articles]
    _package(folder / "package", articles, files, [jats(article) for article in articles], images)
    head = loop.base_head(folder / "modality.npz").path
    recipe = folder / "screenshots.toml"
    recipe.write_text(
        f'[run]\nfolder = "{folder}/run"\n[source]\nkind = "package"\npath = "{folder}/package"\n'
        f'[[stage]]\nuse = "image"\n[[stage]]\nuse = "guess"\nhead = "{head}"\n',
        encoding="utf-8",
    )
    load_recipe(recipe).run(workers=0)
    return recipe


def write(name: str, png: bytes) -> None:
    """Writes a screenshot with as many shades of grey as fit into the largest size, and 32 other colours."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    pixels = np.asarray(image)
    is_coloured = np.ptp(pixels, axis=2) > 24
    few = Image.fromarray(pixels[is_coloured][None]).quantize(32)
    coloured = few.getpalette()
    assert coloured is not None
    for shades in (128, 96, 64, 48):
        greys = [value for shade in np.linspace(0, 255, shades) for value in [round(shade)] * 3]
        dark = [20, 23, 26, 31, 36, 41, 58, 66, 74]  # what the pages are drawn on
        palette = Image.new("P", (1, 1))
        palette.putpalette([*greys, *dark, *coloured[:96]])
        out = io.BytesIO()
        image.quantize(palette=palette, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
        if len(out.getvalue()) < LARGEST:
            break
    (DOCS / name).write_bytes(out.getvalue())
    print(f"wrote docs/{name}: {len(out.getvalue()):,} bytes, {shades} shades of grey")


def pictures(recipe: Path, shown: list[Shown]) -> None:
    """Opens the pages in a browser and writes what they show."""
    keys = {f"PMC{FIRST + number}": one.key for number, one in enumerate(shown)}
    with curated(recipe) as address, chromium() as browser:
        page = browser.new_page(viewport={"width": 1600, "height": 960})
        with page.expect_response("**/api/page*") as received:
            page.goto(f"{address}/?task=modality&annotator=a1&guess=DRXR")
        page.wait_for_selector(".cell")
        for figure in received.value.json()["figures"][:3]:  # the most doubtful guesses
            page.keyboard.press(keys[figure["pmcid"]])
        page.wait_for_load_state("networkidle")
        write("curate-grid.png", page.screenshot())
        page.goto(f"{address}/one?{urlencode({'task': 'modality', 'annotator': 'a1', 'text': LARGE_CAPTION})}")
        page.wait_for_selector("#rows button")
        page.keyboard.press("x")
        page.wait_for_load_state("networkidle")
        write("curate-one.png", page.screenshot())


if __name__ == "__main__":
    if not (DATA / "images" / "labels.csv").exists():
        sys.exit("the real material is missing: set ROCO_SHARED to a folder with data/")
    with TemporaryDirectory() as temporary:
        chosen = [one for one in taken() if one.file.exists()]
        pictures(made(Path(temporary), chosen), chosen)
