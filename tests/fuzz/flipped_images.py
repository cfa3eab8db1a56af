"""Takes damaged images of every format through a whole run: no image is released that a strict decoder refuses.

`python -m tests.fuzz.flipped_images 10000` prints the counts by format and by reason.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pyarrow.parquet as pq

from roco.base.formats import FORMAT_OF_EXTENSION, SUFFIX_OF_FORMAT
from roco.recipes.load import load_recipe
from roco.recipes.shipped import shipped
from roco.release.read import Release
from tests.attacks.packing import packed, tar
from tests.demo import without_filters
from tests.fuzz.pictures import PICTURES_BY_FORMAT
from tests.fuzz.strict import refusal

PER_ARTICLE = 25
DAMAGES = ("one bit", "few bits", "truncated", "none")
_WEIGHTS = (55, 25, 15, 5)  # per cent

_ARTICLE = """<?xml version="1.0" encoding="UTF-8"?>
<article xmlns:xlink="http://www.w3.org/1999/xlink" article-type="case-report" xml:lang="en">
<front><journal-meta><journal-title>Journal of Tests</journal-title></journal-meta>
<article-meta><article-id pub-id-type="pmcid">PMC{number}</article-id>
<title-group><article-title>Cases</article-title></title-group>
<contrib-group><contrib contrib-type="author"><name><surname>Roe</surname><given-names>Ann</given-names></name>
</contrib></contrib-group><pub-date pub-type="epub"><year>2020</year></pub-date>
<permissions><license xlink:href="https://creativecommons.org/licenses/by/4.0/"><license-p>CC BY 4.0</license-p>
</license></permissions></article-meta></front><body>{figures}</body></article>"""
_FIGURE = """<fig id="f{i}"><label>Figure {i}</label><caption><p>Axial CT of the chest of patient {number} shows a
nodule in the left upper lobe, slice {i}.</p></caption><graphic xlink:href="f{i}{suffix}"/></fig>"""


@dataclass(frozen=True)
class Damaged:
    """An image of the test. variant: of its format; damage: one of DAMAGES."""

    format: str
    variant: str
    damage: str
    data: bytes


@dataclass
class Report:
    """What became of the images. refused: of released images, format, variant, damage and the refusing decoder.

    made, released, intact_dropped: by format; dropped: by format and reason; unexplained: ids of figures that are
    neither released nor dropped with a reason.
    """

    images: int
    seconds: float = 0.0
    made: Counter[str] = field(default_factory=Counter)
    released: Counter[str] = field(default_factory=Counter)
    released_damaged: Counter[str] = field(default_factory=Counter)
    dropped: dict[str, Counter[str]] = field(default_factory=dict)
    intact_dropped: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)

    def table(self) -> str:
        """Returns the counts as a table in Markdown."""
        lines = [
            "| format | images | released | of them damaged | dropped, by reason | refused |",
            "|---|--:|--:|--:|---|--:|",
        ]
        for format in sorted(self.made):
            reasons = ", ".join(f"{reason} {n:,}" for reason, n in self.dropped.get(format, Counter()).most_common())
            refused = sum(text.startswith(f"{format} ") for text in self.refused)
            counts = f"{self.made[format]:,} | {self.released[format]:,} | {self.released_damaged[format]:,}"
            lines.append(f"| {format} | {counts} | {reasons} | {refused} |")
        return "\n".join(lines)


def images(count: int, seed: int) -> list[Damaged]:
    """Returns images, drawn and real, each with a damage; of the drawn ones no two show the same picture."""
    random = Random(seed)
    real = _real(random)
    drawn = [(format, variant) for format, variants in PICTURES_BY_FORMAT.items() for variant in variants]
    made = []
    for number in range(count):
        if real and number % 5 == 0:
            path = real.pop()
            format, variant, data = FORMAT_OF_EXTENSION[path.suffix.lower()[1:]], "real", path.read_bytes()
        else:
            format, variant = drawn[number % len(drawn)]
            data = PICTURES_BY_FORMAT[format][variant](seed * 1_000_000 + number)
        (damage,) = random.choices(DAMAGES, _WEIGHTS)
        made.append(Damaged(format, variant, damage, _changed(data, damage, random)))
    return made


def _real(random: Random) -> list[Path]:
    """Returns the files of real images, where there are any, in any order."""
    folder = Path(os.environ.get("ROCO_SHARED", "shared")) / "data"
    extensions = {f".{extension}" for extension in FORMAT_OF_EXTENSION}
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in extensions and path.is_file()]
    small = [path for path in paths if path.stat().st_size < 300_000]
    random.shuffle(small)
    return small


def _changed(data: bytes, damage: str, random: Random) -> bytes:
    if damage == "none":
        return data
    if damage == "truncated":
        return data[: random.randrange(1, len(data))]
    changed = bytearray(data)
    for _ in range(1 if damage == "one bit" else random.randrange(2, 9)):
        # Half of the bits are in the first kilobyte: headers are small, and their fields matter most.
        at = random.randrange(len(data) if random.random() < 0.5 else min(1024, len(data)))
        changed[at] ^= 1 << random.randrange(8)
    return bytes(changed)


def run(made: list[Damaged], folder: Path, workers: int = 1) -> Report:
    """Takes images through a run in the folder, and decodes what is released strictly."""
    started = time.monotonic()
    report = Report(len(made), made=Counter(one.format for one in made))
    by_figure = _write_packages(made, folder / "source")
    recipe = folder / "flipped.toml"
    text = without_filters(shipped()["demo"].read_text(encoding="utf-8"))
    recipe.write_text(text.replace('"corpus/package"', '"source"'), encoding="utf-8")
    load_recipe(recipe).run(workers=workers)
    waiting = dict(by_figure)
    with Release.open(folder / "run" / "release") as release:
        for row in release.table(columns=["id", "figure_id"]).to_pylist():
            one = waiting.pop(row["figure_id"])
            data = release.image(row["id"])
            report.released[one.format] += 1
            report.released_damaged[one.format] += one.damage != "none"
            if data != one.data:
                report.unexplained.append(f"{row['figure_id']}: released with other bytes")
            refused = refusal(data, one.format)
            if refused:
                report.refused.append(f"{one.format} {one.variant}, {one.damage}: {refused}")
    for row in pq.read_table(folder / "run" / "release" / "removed.parquet").to_pylist():
        one = waiting.pop(row["figure_id"])
        report.dropped.setdefault(one.format, Counter())[row["drop"]] += 1
        if one.damage == "none" and row["drop"] == "unreadable":
            report.intact_dropped.append(f"{one.format} {one.variant}")
    report.unexplained += list(waiting)
    report.seconds = round(time.monotonic() - started, 1)
    return report


def _write_packages(made: list[Damaged], source: Path) -> dict[str, Damaged]:
    """Writes packages of some images each; returns the images by the id of their figure."""
    source.mkdir(parents=True)
    by_figure = {}
    for start in range(0, len(made), PER_ARTICLE):
        number = 1 + start // PER_ARTICLE
        files: dict[str, bytes] = {}
        figures = []
        for i, one in enumerate(made[start : start + PER_ARTICLE], 1):
            suffix = SUFFIX_OF_FORMAT[one.format]
            files[f"PMC{number}/f{i}{suffix}"] = one.data
            figures.append(_FIGURE.format(i=i, number=number, suffix=suffix))
            by_figure[f"PMC{number}/f{i}/0"] = one
        xml = _ARTICLE.format(number=number, figures="".join(figures)).encode()
        (source / f"PMC{number}.tar.gz").write_bytes(packed(tar({f"PMC{number}/a.nxml": xml, **files})))
    return by_figure


def main() -> int:
    """Runs the command; returns 1 if a released image is refused, or a figure has no reason."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.flipped_images", description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--report", type=Path, help="JSON file of the counts")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = run(images(options.count, options.seed), Path(folder), options.workers)
    print(report.table())
    for name in ("refused", "unexplained", "intact_dropped"):
        listed = getattr(report, name)
        print(f"{name.replace('_', ' ')}: {len(listed)}")
        print("".join(f"  {text}\n" for text in listed[:20]), end="")
    if options.report:
        options.report.write_text(json.dumps(vars(report), indent=1) + "\n", "utf-8")
    return int(bool(report.refused or report.unexplained or report.intact_dropped))


if __name__ == "__main__":
    raise SystemExit(main())
