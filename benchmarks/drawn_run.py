"""A finished run of 100,000 figures, for what depends on their number: real thumbnails in packs, a guess for each."""

from __future__ import annotations

import hashlib
import io
import random
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image

from benchmarks.corpora import BENCH, real_images
from roco import Measure, load_recipe, put

PER_ARTICLE = 50
LABELS = ("DRCT", "DRXR", "DRMR", "DRUS", "DRAN", "DRPE", "DRCO")

RECIPE = """[run]
folder = "run"

[source]
kind = "package"
path = "packages"

[[stage]]
use = "image"

[[stage]]
use = "benchmarks.drawn_run:DrawnGuess"
"""

XML = """<?xml version="1.0" encoding="UTF-8"?>
<article xmlns:xlink="http://www.w3.org/1999/xlink" article-type="case-report" xml:lang="en"><front><article-meta>
<article-id pub-id-type="pmc">{number}</article-id>
<title-group><article-title>Drawn case {number}</article-title></title-group>
<permissions><license xlink:href="https://creativecommons.org/licenses/by/4.0/"><license-p>CC BY</license-p></license>
</permissions></article-meta></front><body><sec><title>Case</title>{text}{figures}</sec></body></article>"""
TEXT = '<p>The finding of patient {at} is shown in <xref ref-type="fig" rid="f{at}">Figure {at}</xref>.</p>'
FIGURE = (
    '<fig id="f{at}"><label>Figure {at}</label><caption><p>Axial view of patient {at} of article {number} shows a '
    'lesion (arrow) of {size} mm.</p></caption><graphic xlink:href="f{at}.jpg"/></fig>'
)


@dataclass(frozen=True, kw_only=True)
class DrawnGuess(Measure):
    """Guesses a modality by chance."""

    needs = ("image",)
    reads = ("figure_id",)
    writes = {"modality_guess": pa.string(), "modality_p": pa.float32()}

    def __call__(self, batch: pa.Table) -> pa.Table:
        digests = [hashlib.sha256(figure.encode()).digest() for figure in batch["figure_id"].to_pylist()]
        batch = put(batch, "modality_guess", pa.array([LABELS[one[0] % len(LABELS)] for one in digests]))
        return put(batch, "modality_p", pa.array([0.3 + 0.7 * one[1] / 255 for one in digests], pa.float32()))


def drawn_run(figures: int) -> Path:
    """Returns the recipe of a finished run; it is made once and stored in .bench.

    The images are real ones of at most 320 px a side, shifted in brightness, so that their thumbnails have the size of
    real thumbnails; each article contains 50.
    """
    folder = BENCH / f"drawn-{figures}"
    recipe = folder / "drawn.toml"
    if not recipe.exists():
        images = _images()
        rng = random.Random(1)
        for number in range(1, figures // PER_ARTICLE + 1):
            path = folder / "packages" / f"{number % 100:02}" / f"PMC{number}.tar.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_package(number, rng.sample(images, PER_ARTICLE), rng))
        recipe.with_suffix(".new").write_text(RECIPE, encoding="utf-8")
        load_recipe(recipe.with_suffix(".new").rename(recipe))
    load_recipe(recipe).run(workers=2)
    return recipe


def _images() -> list[bytes]:
    """Returns several hundred different JPEGs of real images."""
    found = []
    for path in real_images():
        with Image.open(path) as image:
            small = image.convert("L")
        small.thumbnail((320, 320))
        for shift in (-20, 0, 20):
            shifted = Image.fromarray(np.clip(np.asarray(small, np.int16) + shift, 0, 255).astype(np.uint8))
            out = io.BytesIO()
            shifted.save(out, "JPEG", quality=85)
            found.append(out.getvalue())
    return sorted(set(found))


def _package(number: int, images: list[bytes], rng: random.Random) -> bytes:
    each = range(1, len(images) + 1)
    text = "".join(TEXT.format(at=at) for at in each)
    drawn = "".join(FIGURE.format(at=at, number=number, size=rng.randint(3, 90)) for at in each)
    xml = XML.format(number=number, text=text, figures=drawn).encode()
    members = [("article.nxml", xml), *((f"f{at}.jpg", image) for at, image in enumerate(images, start=1))]
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.GNU_FORMAT, compresslevel=1) as package:
        for name, data in members:
            info = tarfile.TarInfo(f"PMC{number}/{name}")
            info.size = len(data)
            package.addfile(info, io.BytesIO(data))
    return out.getvalue()


if __name__ == "__main__":
    print(drawn_run(100_000))
