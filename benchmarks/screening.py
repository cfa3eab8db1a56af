"""`python -m benchmarks.screening`: what the stage `screen` flags on 200 real images, compared with labels made by eye.

The labels (screening_labels.csv) contain no text: words is none, few (at most two words or numbers, or single letters)
or many; panels, the panel letters; identity, kinds of text that may identify a person. Thresholds and patterns were
chosen on the images of one half of the groups (articles, patients, videos); the tables are those of the other half.
Captions and headers are drawn into radiology images of that half, since few real ones have any.

`--write` puts the tables into docs/screening.md; `--half developed` prints those of the half for development.
"""

from __future__ import annotations

import argparse
import csv
import functools
import gzip
import hashlib
import json
import random
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks.corpora import SHARED
from roco.base.intervals import wilson
from roco.base.schema import PIXELS
from roco.models.images import pixels
from roco.models.images.decode import decode
from roco.models.images.text_edges import has_text_edges
from roco.models.images.text_in_image import TextReader
from roco.stages.ocr import Ocr
from roco.stages.screen import Screen

LABELS = Path(__file__).with_name("screening_labels.csv")
PAGE = Path(__file__).parents[1] / "docs" / "screening.md"
BEGIN, END = "<!-- screening: written by benchmarks.screening -->\n", "<!-- end of screening -->\n"

DRAWN = 40
"""Images into which captions and headers are drawn."""

OTHERS = 200
"""Captions of other images that are compared with the text of each image."""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Labelled:
    """An image with its labels."""

    path: str
    group: str
    words: str
    panels: str
    identity: str

    @property
    def measured(self) -> bool:
        """Returns whether its group is in the half that was not used for development."""
        return hashlib.sha256(self.group.encode()).digest()[0] % 2 == 1

    @property
    def is_radiology(self) -> bool:
        return self.path.startswith(("radiology/", "images/radiology/"))

    @functools.cached_property
    def pixels(self) -> Pixels:
        return decode((SHARED / "data" / self.path).read_bytes()).pixels


class Counts(NamedTuple):
    """The right and wrong flags of a check."""

    right: int
    wrong: int
    missed: int

    def row(self, name: str) -> str:
        precision = percent(self.right, self.right + self.wrong)
        return (
            f"| {name} | {self.right + self.missed} | {precision} | {percent(self.right, self.right + self.missed)} |"
        )


def labelled() -> list[Labelled]:
    """Returns the labelled images; ends the program if one is missing or another file."""
    images = []
    with LABELS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            path = SHARED / "data" / row["path"]
            if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != row["sha256"]:
                sys.exit(f"missing or changed: {path}; set ROCO_SHARED to a folder with data/ and tools/")
            images.append(Labelled(row["path"], row["group"], row["words"], row["panels"], row["identity"]))
    return images


# --- what the stages say ----------------------------------------------------------------------------------------------


@functools.cache
def _stages() -> tuple[Ocr, Ocr, Screen]:
    reader = TextReader()
    reader.load()
    gated, full = Ocr(), Ocr(gate=False)
    for stage in (gated, full):
        stage.__dict__["_reader"] = reader
    return gated, full, Screen()


def read(image: Pixels, gate: bool = True) -> dict[str, Any]:
    """Returns the columns of the measure for one image."""
    stage = _stages()[0 if gate else 1]
    table = pa.table({"figure_id": ["0"], "pixels": pa.array([pixels.to_value(image)], PIXELS)})
    row: dict[str, Any] = stage(table).to_pylist()[0]
    return row


def screened(row: Mapping[str, Any], caption: str = "") -> dict[str, Any]:
    """Returns the columns of the decision for one image."""
    table = pa.table(
        {
            "figure_id": ["0"],
            "caption": pa.array([caption]),
            "text_read": [row["text_read"]],
            "text_share": pa.array([row["text_share"]], pa.float32()),
            "text_words": pa.array([row["text_words"]], pa.int32()),
            "text_lines": pa.array([row["text_lines"]], pa.binary()),
            **dict.fromkeys(("drop", "drop_detail"), pa.nulls(1, pa.string())),
        }
    )
    flags: dict[str, Any] = _stages()[2](table).to_pylist()[0]
    return flags


# --- tables -----------------------------------------------------------------------------------------------------------


def percent(hits: int, of: int) -> str:
    """Returns a share with its 95 % interval."""
    if not of:
        return "none"
    low, high = wilson(hits, of)
    return f"{hits}/{of} = {100 * hits / of:.0f} % ({100 * low:.0f} to {100 * high:.0f})"


def checks(images: Sequence[Labelled], rows: Sequence[Mapping[str, Any]], title: str) -> Iterator[str]:
    """Yields precision and recall of the checks whose labels were made by eye."""
    flags = [screened(row) for row in rows]
    truths: dict[str, Callable[[Labelled], bool]] = {
        "text": lambda one: one.words == "many",
        "panels": lambda one: bool(one.panels),
        "identity": lambda one: bool(one.identity),
    }
    for check, truth in truths.items():
        pairs = [(truth(one), check in flag["screening"]) for one, flag in zip(images, flags, strict=True)]
        counts = Counts(pairs.count((True, True)), pairs.count((False, True)), pairs.count((True, False)))
        yield counts.row(f"`{check}`, {title}")


def gate(images: Sequence[Labelled], full: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yields what the gate lets through, by what OCR reads in the images and by the labels."""
    passes = [has_text_edges(one.pixels) for one in images]

    def row(name: str, which: Callable[[Labelled, Mapping[str, Any]], bool]) -> str:
        chosen = [p for p, one, found in zip(passes, images, full, strict=True) if which(one, found)]
        return f"| {name} | {len(chosen)} | {percent(sum(chosen), len(chosen))} |"

    yield row("OCR reads words in them", lambda _, found: found["text_words"] > 0)
    yield row("OCR reads only single letters", lambda _, found: not found["text_words"] and found["text_share"] > 0)
    yield row("OCR reads nothing", lambda _, found: not found["text_share"])
    yield row("labelled `many`", lambda one, _: one.words == "many")
    yield row("labelled `few`", lambda one, _: one.words == "few")
    yield row("labelled `none`, radiology", lambda one, _: one.words == "none" and one.is_radiology)


def captions() -> list[str]:
    """Returns the captions of radiology images in the first ROCO that have at least eight words."""
    path = SHARED / "data" / "captions" / "roco_v1_open_validation_radiology.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        found = [json.loads(line)["caption"] for line in lines]
    return [text for text in found if len(text.split()) >= 8]


HEADERS = (
    *("Name: MUSTER, ERIKA", "DOE^JANE  045Y F", "Patient ID: 4471-02", "MRN 00412877", "DOB 12/03/1961", "Age: 67"),
    *("24-MAY-2012 11:24", "2016-08-30 09:12:55", "03.11.2018", "ST. ANNA HOSPITAL", "Dr. Miller", "Acc No: 881203"),
)


def drawn(images: Sequence[Labelled]) -> Iterator[str]:
    """Yields the recall for captions drawn below images, and for headers drawn into them, and the false alarms."""
    chance = random.Random(1)
    texts = captions()
    plain = [one for one in images if one.is_radiology and one.words == "none" and min(one.pixels.shape[:2]) >= 250]
    plain = plain[:DRAWN]
    right = 0
    for one in plain:
        caption = chance.choice(texts)
        row = read(_with_caption(one.pixels, caption, chance))
        right += "caption" in screened(row, caption)["screening"]
    yield f"| `caption`, drawn below | {len(plain)} | {percent(right, len(plain))} |"
    right = 0
    for at, one in enumerate(plain):
        row = read(_with_header(one.pixels, HEADERS[at % len(HEADERS)], chance))
        right += "identity" in screened(row)["screening"]
    yield f"| `identity`, drawn header | {len(plain)} | {percent(right, len(plain))} |"


def false_captions(images: Sequence[Labelled], rows: Sequence[Mapping[str, Any]]) -> str:
    """Returns how often images are flagged when they are given captions of other images."""
    texts = random.Random(2).sample(captions(), OTHERS)
    with_words = [row for row in rows if row["text_words"]]
    wrong = sum("caption" in screened(row, text)["screening"] for row in with_words for text in texts)
    pairs = len(with_words) * len(texts)
    return (
        f"The {len(with_words)} images with words, each with {OTHERS} captions of other images: "
        f"{wrong} of {pairs:,} are flagged as `caption`."
    )


def _with_caption(image: Pixels, caption: str, chance: random.Random) -> Pixels:
    picture = Image.fromarray(image).convert("RGB")
    picture.thumbnail((900, 900))
    size = chance.choice((13, 16, 20))
    font = ImageFont.load_default(size)
    lines = textwrap.wrap(caption, max(20, int(picture.width / (0.52 * size))))
    page = Image.new("RGB", (picture.width, picture.height + (len(lines) + 1) * (size + 5)), "white")
    page.paste(picture)
    for at, line in enumerate(lines):
        ImageDraw.Draw(page).text((5, picture.height + 5 + at * (size + 5)), line, "black", font)
    return np.asarray(page)


def _with_header(image: Pixels, text: str, chance: random.Random) -> Pixels:
    picture = Image.fromarray(image).convert("L")
    picture.thumbnail((900, 900))
    place = (chance.randint(5, 40), chance.randint(5, 40))
    draw = ImageDraw.Draw(picture)
    draw.text(place, text, 255, ImageFont.load_default(chance.choice((12, 14, 18))), stroke_width=1, stroke_fill=0)
    return np.asarray(picture)


# --- the page ---------------------------------------------------------------------------------------------------------


def report(images: Sequence[Labelled]) -> Iterator[str]:
    """Yields the lines of all tables."""
    full = [read(one.pixels, gate=False) for one in images]
    gated = [
        row if has_text_edges(one.pixels) else {**row, "text_share": 0.0, "text_words": 0, "text_lines": b"[]"}
        for one, row in zip(images, full, strict=True)
    ]
    yield "| check | images that have it | precision (95 %) | recall (95 %) |"
    yield "|---|---|---|---|"
    yield from checks(images, gated, "all images")
    at = [i for i, one in enumerate(images) if one.is_radiology]
    yield from checks([images[i] for i in at], [gated[i] for i in at], "radiology")
    yield ""
    yield "| drawn into radiology images | images | recall (95 %) |"
    yield "|---|---|---|"
    yield from drawn(images)
    yield ""
    yield false_captions(images, gated)
    yield ""
    yield "| images | number | pass the gate (95 %) |"
    yield "|---|---|---|"
    yield from gate(images, full)


def main() -> None:
    arguments = argparse.ArgumentParser(description="Compares the stage `screen` with labels made by eye.")
    arguments.add_argument("--half", choices=("measured", "developed"), default="measured")
    arguments.add_argument("--write", action="store_true", help="put the tables into docs/screening.md")
    given = arguments.parse_args()
    images = [one for one in labelled() if one.measured == (given.half == "measured")]
    lines = list(report(images))
    print("\n".join(lines))
    if given.write:
        before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
        after = rest.split(END)[1]
        PAGE.write_text(before + BEGIN + "\n".join(lines) + "\n" + END + after, encoding="utf-8")


if __name__ == "__main__":
    main()
