"""The articles of the demo corpus: articles.toml, with random authors, dates and images."""

from __future__ import annotations

import dataclasses
import tomllib
import zlib
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from roco.recipes.demo import charts, radiographs, real_images, slices
from roco.recipes.demo.drawing import encode, stamp, trim

FIRST = 99_000_001  # PMCIDs and PMIDs from here on are not in use
SURNAMES = (
    "Arbent", "Brisca", "Corvane", "Delmarsh", "Østvang", "Ferrulo", "Galdén",
    "Hollisk", "Iveron", "Jaskova", "Kellaby", "Lumont", "Méravel", "Nordane",
)  # fmt: skip
GIVEN = ("Ada", "Boris", "Chiara", "Dmitri", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kemal", "Lucía")
JOURNALS = ("Annals of Drawn Radiology", "Phantom Case Reports", "Journal of Imaginary Imaging")
DRAWERS = {
    "chest": radiographs.chest, "limb": radiographs.limb,
    "mammogram": radiographs.mammogram, "angiogram": radiographs.angiogram,
    "ct": slices.ct, "mr": slices.mr, "ultrasound": slices.ultrasound, "pet": slices.pet,
    "chart": charts.chart, "sheet": charts.sheet,
}  # fmt: skip
KINDS = {
    "chest": "DRXR", "limb": "DRXR", "mammogram": "DRXR", "angiogram": "DRAN", "ct": "DRCT", "mr": "DRMR",
    "ultrasound": "DRUS", "pet": "DRPE", "pet:fused": "DRCO", "chart": "chart", "panels": "compound", "video": "video",
    "sheet:table": "table", "sheet:portrait": "portrait", "sheet:formula": "formula",
    "real:chest": "DRXR", "real:leg": "DRXR", "real:shoulder": "DRMR", "real:liver": "DRMR", "real:pancreas": "DRCT",
    "real:vertebra": "DRCT", "real:lymph_node": "DRUS", "real:bladder": "DRUS", "real:echo": "DRUS",
    "real:bone_scan": "scintigraphy",
}  # fmt: skip
"""Image -> its kind: a modality of the paper, or why it is not a radiology image."""


@dataclasses.dataclass(frozen=True)
class Fig:
    """One figure of articles.toml.

    image: names of its images; where: its place in the XML; harm: `truncated`, `html` (a web page in its place) or
    `missing`; expect: `keep`, or the reason for dropping it.
    """

    image: tuple[str, ...]
    id: str
    label: str
    files: tuple[str, ...]
    caption: str = ""
    title: str = ""
    where: str = "body"
    suffix: str = "jpg"
    harm: str = ""
    credit: str = ""
    expect: str = "keep"

    @property
    def kind(self) -> str:
        name = self.image[0].partition("@")[0] if self.image else "text"
        return KINDS.get(name) or KINDS.get(name.partition(":")[0], name)

    @property
    def origin(self) -> str:
        if not self.image or self.harm == "missing":
            return "none"
        return "real" if self.image[0].startswith("real:") else "drawn"


@dataclasses.dataclass(frozen=True)
class Article:
    """One article.

    license: in the index and the metadata; xml_license: in the XML, if it differs; broken: `archive` or `xml`.
    """

    number: int
    title: str
    case: str
    figs: tuple[Fig, ...]
    authors: tuple[tuple[str, str], ...]
    year: int
    month: int
    journal: str
    license: str = "CC BY"
    xml_license: str = ""
    type: str = "case-report"
    version: int = 1
    retracted: bool = False
    broken: str = ""

    @property
    def pmcid(self) -> str:
        return f"PMC{FIRST - 1 + self.number}"

    @property
    def doi(self) -> str:
        return f"10.5555/roco-demo.{self.number}"  # the prefix that is reserved for examples


def articles(seed: int, images: Images) -> list[Article]:
    """Returns all articles with at least one available image; the numbers of the others are not reused."""
    text = resources.files("roco.recipes.demo").joinpath("articles.toml").read_text(encoding="utf-8")
    out = []
    for number, entry in enumerate(tomllib.loads(text)["article"], 1):
        figs = [f for f in entry.pop("fig") if all(images.has(name) for name in _names(f["image"]))]
        if figs:
            out.append(_article(number, entry, figs, np.random.default_rng([seed, number])))
    return out


def _names(image: str | list[str]) -> list[str]:
    return [image] if isinstance(image, str) else image


def _article(number: int, entry: dict[str, Any], figs: list[dict[str, Any]], rng: np.random.Generator) -> Article:
    surnames = rng.permutation(len(SURNAMES))[: int(rng.integers(1, 6))]
    authors = tuple((SURNAMES[k], GIVEN[int(rng.integers(len(GIVEN)))]) for k in surnames)
    figures = tuple(_fig(number, k, fig) for k, fig in enumerate(figs, 1))
    random_facts: dict[str, Any] = {
        "year": int(rng.integers(2015, 2025)),
        "month": int(rng.integers(1, 13)),
        "journal": JOURNALS[number % 3],
    }
    return Article(number=number, authors=authors, figs=figures, **random_facts, **entry)


def _fig(number: int, k: int, entry: dict[str, Any]) -> Fig:
    image = tuple(_names(entry["image"]))
    letters = "abcd" if len(image) > 1 else [""]
    suffix = entry.get("suffix", "jpg")
    kind = "t" if entry.get("where") == "table" else "g"
    files = tuple(f"demo-{number}-{kind}{k:03}{letter}.{suffix}" for letter, _ in zip(letters, image, strict=False))
    named = entry.get("where", "body") not in ("bio", "formula", "nowhere")
    shown = {"id": f"f{k}" if named else "", "label": f"Figure {k}" if named else ""}
    return Fig(**{**shown, **entry, "image": image, "files": files})


@dataclasses.dataclass(frozen=True)
class Images:
    """Creates images by name; the same seed and name give the same bytes, so a repeated name is a duplicate."""

    seed: int

    @cached_property
    def real(self) -> dict[str, Path]:
        return real_images.available()

    @cached_property
    def _cache(self) -> dict[str, Image.Image]:
        return {}

    def has(self, name: str) -> bool:
        kind, _, which = name.partition(":")
        return kind != "real" or which in self.real

    def image(self, name: str) -> Image.Image:
        if name not in self._cache:
            kind, _, variant = name.partition("@")[0].partition(":")
            if kind == "real":
                self._cache[name] = real_images.read(variant, self.real[variant])
            elif kind == "panels":
                self._cache[name] = charts.panels([self.image(part) for part in name.partition(":")[2].split("+")])
            else:
                rng = np.random.default_rng([self.seed, zlib.crc32(name.encode())])
                drawn = DRAWERS[kind](rng, variant)
                self._cache[name] = drawn if kind in ("chart", "sheet") else stamp(trim(drawn, rng))
        return self._cache[name]

    def file(self, name: str, suffix: str, harm: str = "") -> bytes:
        """Returns the image as a file; harm: `truncated` (half of the file) or `html` (a web page in its place)."""
        if suffix == "mp4":
            return b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + b"\x00" * 400
        if harm == "html":
            return b"<!DOCTYPE html>\n<html><head><title>404</title></head><body>Not found</body></html>\n"
        data = encode(self.image(name), suffix)
        return data[: len(data) // 2] if harm == "truncated" else data

    def thumbnail(self, name: str) -> bytes:
        small = self.image(name).convert("L")
        small.thumbnail((90, 90))
        return encode(small, "gif")
