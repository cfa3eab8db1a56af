"""An audit of a run: the contact sheet and the CSV file that it writes, and the estimates from their labels."""

from __future__ import annotations

import base64
import csv
import html
import io
import re
from contextlib import closing
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import roco
from roco.curate.audit import draw_audit, read_audit
from roco.curate.audit_sheet import sheet
from roco.curate.cells import Cell
from roco.curate.strata import judged
from tests.cli.command import contents


class Page(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as fh:
        return list(csv.DictReader(fh))


def fill(path: Path, labels: list[str]) -> None:
    table = rows(path)
    with path.open("w", encoding="utf-8", newline="") as fh:
        writer = csv.DictWriter(fh, table[0].keys())
        writer.writeheader()
        writer.writerows({**row, "label": label} for row, label in zip(table, labels, strict=True))


# --- drawing ----------------------------------------------------------------------------------------------------------


def test_the_sheet_and_the_csv_have_the_same_figures_under_the_same_numbers(run: roco.Run, tmp_path: Path) -> None:
    sample = draw_audit(run, "dark", tmp_path, n=12)
    text = sample.sheet.read_text(encoding="utf-8")
    table = rows(sample.labels)
    assert [row["number"] for row in table] == [str(number) for number in range(1, 25)]
    assert re.findall(r"<h3><b>(\d+)</b> <span>(\S+)</span>", text) == [
        (row["number"], row["figure_id"]) for row in table
    ]
    assert {row["decision"] for row in table[:12]} == {"kept"} and {row["decision"] for row in table[12:]} == {
        "dropped"
    }
    by_id = {row["figure_id"]: row for row in run.figures(["brightness_score"]).to_pylist()}
    for row in table:
        figure = by_id[row["figure_id"]]
        assert row["reason"] == (figure["drop"] if row["decision"] == "dropped" else "")
        assert float(row["score"]) == pytest.approx(figure["brightness_score"], abs=1e-6)
    assert sum(one.drawn for one in sample.strata) == 24 and sample.without_image == 0


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_figures(run: roco.Run, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        draw_audit(run, "dark", tmp_path / name, n=10, seed=seed)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    ids = [{row["figure_id"] for row in rows(tmp_path / name / "labels.csv")} for name in ("a", "c")]
    assert ids[0] != ids[1]


def test_the_sheet_shows_reason_score_detail_evidence_and_caption(run: roco.Run, tmp_path: Path) -> None:
    text = draw_audit(run, "dark", tmp_path, n=50).sheet.read_text(encoding="utf-8")
    (white,) = [cell for cell in text.split("<article")[1:] if "PMC99000015/f1/0" in cell]
    assert "<b>dropped: white</b> · brightness_score <b>0.9" in white
    assert "<p>&lt;b&gt;white&lt;/b&gt;</p>" in white  # the detail, in which the stage wrote markup
    assert re.search(r"<dt>width</dt><dd>\d+</dd>", white)
    assert "Whole-body PET of a drawn phantom" in white
    assert "profile" not in text  # a list of numbers is no evidence that people can read
    words = Page(text).words
    assert "dropped, white, score 0.9 to 0.99 3 of 3 figures" in words
    assert "at_least = 0.3" in words


def test_images_are_small_jpegs_made_by_roco_inside_the_file(run: roco.Run, tmp_path: Path) -> None:
    page = Page(draw_audit(run, "license", tmp_path, n=10).sheet.read_text(encoding="utf-8"))
    sources = [attributes["src"] or "" for tag, attributes in page.tags if tag == "img"]
    assert len(sources) == 14
    for source in sources:
        kind, _, data = source.partition(",")
        assert kind == "data:image/jpeg;base64"
        with Image.open(io.BytesIO(base64.b64decode(data, validate=True))) as image:
            assert image.format == "JPEG" and max(image.size) <= 280 and not image.getexif()


def test_a_figure_that_was_dropped_before_its_image_was_stored_is_drawn_from_the_source(
    run: roco.Run, tmp_path: Path
) -> None:
    stored = {row["figure_id"]: run.thumbnail(row) for row in run.figures().to_pylist()}
    text = draw_audit(run, "language", tmp_path, n=50).sheet.read_text(encoding="utf-8")
    dropped = [cell for cell in text.split("<article")[1:] if cell.startswith(' class="dropped"')]
    assert len(dropped) == 6
    for cell in dropped:
        (figure,) = re.findall(r"<span>(PMC\S+)</span>", cell)
        assert stored[figure] is None and "<img" in cell


def test_an_image_that_cannot_be_read_is_a_cell_with_its_reason(run: roco.Run, tmp_path: Path) -> None:
    sample = draw_audit(run, "image", tmp_path, n=50)
    text = sample.sheet.read_text(encoding="utf-8")
    assert sample.without_image == 2
    assert "sha256" not in text and "phash" not in text  # hashes tell a person nothing
    assert "<p>no image: HTML, not an image</p>" in text and "<p>no image: truncated JPEG</p>" in text
    assert len(rows(sample.labels)) == 51


def test_without_the_source_images_of_the_run_are_still_drawn(demo_corpus: Path, tmp_path: Path) -> None:
    (demo_corpus / "corpus" / "package").rename(demo_corpus / "elsewhere")
    with closing(roco.load_recipe(demo_corpus / "demo.toml").open()) as run:
        text = draw_audit(run, "language", tmp_path / "audit", n=60).sheet.read_text(encoding="utf-8")
        stored = sum(run.thumbnail(row) is not None for row in run.figures().to_pylist())
    assert text.count("<img") == stored == 49
    assert len(re.findall(r"no image: the source \S+ does not exist<", text)) == 8


# --- a hostile page ---------------------------------------------------------------------------------------------------

HOSTILE = '</p><script>alert(1)</script><img src=x onerror="alert(2)">\'&\x1b[31m\u202e'


def test_text_from_outside_is_text_on_the_page(run: roco.Run) -> None:
    figures = judged(run, "dark")
    stratum = figures.strata[-1]._replace(reason=HOSTILE)
    cell = Cell(
        number=1,
        figure_id=HOSTILE,
        archive=HOSTILE,
        stratum=stratum,
        score=0.5,
        detail=HOSTILE,
        evidence=[(HOSTILE, HOSTILE)],
        caption=HOSTILE,
        jpeg=None,
        problem=HOSTILE,
    )
    step = replace(figures.step, name=HOSTILE)
    text = sheet(replace(figures, step=step, score=HOSTILE), [cell], 1, HOSTILE)
    assert {tag for tag, _ in Page(text).tags} & {"script", "img", "iframe", "object", "link"} == set()
    assert all(not name.startswith("on") for _, attributes in Page(text).tags for name in attributes)
    assert "\x1b" not in text and "\u202e" not in text
    assert html.escape(r"'&\x1b[31m\u202e") in text


def test_the_page_loads_and_runs_nothing(run: roco.Run, tmp_path: Path) -> None:
    page = Page(draw_audit(run, "dark", tmp_path, n=5).sheet.read_text(encoding="utf-8"))
    policy = [attributes["content"] for tag, attributes in page.tags if "http-equiv" in attributes]
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]
    addresses = [value for _, attributes in page.tags for name, value in attributes.items() if name in ("src", "href")]
    assert all(value and value.startswith(("#", "data:image/jpeg")) for value in addresses)
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "form"}


# --- estimating -------------------------------------------------------------------------------------------------------


def test_labels_of_all_figures_give_exact_precision_and_recall(run: roco.Run, tmp_path: Path) -> None:
    sample = draw_audit(run, "dark", tmp_path, n=50)
    # Of 19 kept figures the first is wrong, of 30 dropped ones the last five are.
    fill(sample.labels, ["drop", *["keep"] * 18, *["drop"] * 25, *["keep"] * 5])
    audit = read_audit(run, "dark", sample.labels)
    assert audit.precision == pytest.approx((18 / 19,) * 3)
    assert audit.recall == pytest.approx((18 / 23,) * 3)
    assert audit.lost == pytest.approx((5, 5, 5))
    assert audit.widest is None and audit.unlabelled == []


def test_labels_of_a_sample_are_weighted_by_the_sizes_of_the_strata(run: roco.Run, tmp_path: Path) -> None:
    sample = draw_audit(run, "dark", tmp_path, n=12)
    sizes = {one.stratum.name: (one.stratum.size, one.drawn) for one in sample.strata}
    table = rows(sample.labels)
    fill(sample.labels, ["keep" if row["decision"] == "kept" or row["reason"] == "white" else "drop" for row in table])
    audit = read_audit(run, "dark", sample.labels)
    assert sizes["dropped, white, score 0.9 to 0.99"] == (3, 3)
    assert audit.recall is not None and audit.lost is not None and audit.widest is not None
    assert audit.lost.value == 3  # not 3 of 12 dropped figures times 30
    assert audit.recall.value == pytest.approx(19 / 22)
    # Some of the 17 dark figures without a label may be wanted; of the kept figures none can be more than kept.
    assert audit.recall.low < 0.8 and audit.recall.high == audit.recall.value
    assert audit.widest.stratum.name == "dropped, dark, score 0.1 to 0.5"


def test_labels_of_a_part_of_the_sample_are_enough(run: roco.Run, tmp_path: Path) -> None:
    sample = draw_audit(run, "dark", tmp_path, n=12)
    table = rows(sample.labels)
    labels = ["keep" if row["decision"] == "kept" else "drop" for row in table]
    fill(sample.labels, labels)
    everything = read_audit(run, "dark", sample.labels)
    labels[2:5] = ["", "unsure", "?"]
    is_white = [row["reason"] == "white" for row in table]
    fill(sample.labels, ["" if white else label for label, white in zip(labels, is_white, strict=True)])
    part = read_audit(run, "dark", sample.labels)
    assert sum(one.drawn for one in part.strata) == 24
    assert sum(one.labelled for one in part.strata) == 18 and sum(one.unsure for one in part.strata) == 2
    assert [one.stratum.reason for one in part.unlabelled] == ["white"]
    assert part.recall and everything.recall
    assert part.recall.value == everything.recall.value == 1
    assert part.recall.low < everything.recall.low - 0.02
    fill(sample.labels, [label if row["decision"] == "kept" else "" for label, row in zip(labels, table, strict=True)])
    kept = read_audit(run, "dark", sample.labels)
    assert kept.precision is not None and kept.recall is None and kept.lost is None


def test_a_larger_sample_continues_a_smaller_one(run: roco.Run, tmp_path: Path) -> None:
    small, large = (draw_audit(run, "dark", tmp_path / str(n), n=n) for n in (8, 14))
    answer: dict[str, Any] = {"kept": "keep", "dropped": "drop"}
    fill(small.labels, [answer[row["decision"]] for row in rows(small.labels)])
    known = {row["figure_id"] for row in rows(small.labels)}
    fill(large.labels, ["" if r["figure_id"] in known else answer[r["decision"]] for r in rows(large.labels)])
    both = read_audit(run, "dark", small.labels, large.labels)
    assert sum(one.labelled for one in both.strata) == sum(one.drawn for one in both.strata) == 28
