"""Packages of realistic content and size: real JATS articles, real images for their figures, and other files.

Sizes are those of PMC: 4.58 MB a package (22 TB in 4,798,923 archives; paper, Dataset Creation).
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import re
import tarfile
from pathlib import Path

from benchmarks.corpora import BENCH, REAL_SIZE, SHARED

CLASSES = {"figure": 0.57, "compound_figure": 0.36, "compound_radiology": 0.04, "radiology": 0.03}
"""Class of image -> its share of the figures: about three times as many of radiology as in PMC."""

_GRAPHIC = re.compile(rb"<(?:\w+:)?graphic\b[^>]*?href=[\"']([^\"']+)[\"']")
_FIGURE = re.compile(rb"<fig[ >].*?</fig>", re.S)


def real_packages(copies: int) -> Path:
    """Returns so many copies of the 183 real articles as PMC packages; they are created once and stored in .bench."""
    out = BENCH / f"real-packages-{copies}"
    if not (out / "done").exists():
        out.mkdir(parents=True, exist_ok=True)
        images, rng = _images(), random.Random(1)
        articles = [json.loads(line) for line in (SHARED / "data" / "articles.jsonl").open(encoding="utf-8")]
        for i in range(copies * len(articles)):
            article = articles[i % len(articles)]
            xml = (SHARED / "data" / article["path"] / article["xml"]).read_bytes()
            path = out / f"{i % 100:02x}" / f"PMC{90_000_000 + i}.tar.gz"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(_package(path.name.partition(".")[0], xml, images, rng))
        (out / "done").touch()
    return out


def _images() -> dict[str, list[Path]]:
    """Returns the labelled images by class."""
    with (SHARED / "data" / "images" / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    folder = SHARED / "data" / "images"
    return {name: [folder / row["path"] for row in rows if row["class"] == name] for name in CLASSES}


def _package(name: str, xml: bytes, images: dict[str, list[Path]], rng: random.Random) -> bytes:
    files = {f"{name}.nxml": xml}
    for figure in _FIGURE.findall(xml):
        for href in _GRAPHIC.findall(figure):
            [kind] = rng.choices(list(CLASSES), list(CLASSES.values()))
            image = rng.choice(images[kind])
            file = Path(href.decode("utf-8", "replace")).name
            stem = file if not re.search(r"\.(jpe?g|png|gif|tiff?)$", file, re.I) else file.rpartition(".")[0]
            files.setdefault(f"{stem}{image.suffix}", image.read_bytes())
    missing = max(0, REAL_SIZE - sum(map(len, files.values())))
    files |= {"main.pdf": rng.randbytes(int(missing * 0.4)), "supplement-1.mov": rng.randbytes(int(missing * 0.6))}
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for file, data in files.items():
            info = tarfile.TarInfo(f"{name}/{file}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return gzip.compress(raw.getvalue(), 6, mtime=0)
