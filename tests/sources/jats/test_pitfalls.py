"""Each known pitfall of reading figures, and what else real articles hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from lxml import etree

from roco.base.schema import ARTICLES
from roco.models.images.decode import decode
from roco.sources.jats.article import parse
from roco.stages.caption import Caption
from roco.stages.extract import Extract
from tests.sources.jats.pitfalls import PICTURES, PITFALLS, SAME_NAME, Cited, Picture, Pitfall


def named(pitfall: Pitfall) -> str:
    return f"{pitfall.number or 'beyond'}: {pitfall.name}"


def extracted(pitfall: Pitfall) -> pa.Table:
    files = [{"name": name, "size": 1} for name in ("article.nxml", *pitfall.files)]
    package = {
        "article": "case",
        "place": "case.tar.gz",
        "origin": "package",
        "facts": pitfall.facts,
        "xml_name": "article.nxml",
        "xml": pitfall.xml,
        "files": files,
    }
    return Extract()(pa.Table.from_pylist([package], schema=ARTICLES)).figures


def rows(pitfall: Pitfall) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = extracted(pitfall).to_pylist()
    return found


def test_every_number_has_a_fixture() -> None:
    assert {p.number for p in PITFALLS if p.number} == set(range(1, 52))  # 52 are pixels: PICTURES
    assert len({p.name for p in PITFALLS}) == len(PITFALLS)


@pytest.mark.parametrize("pitfall", [p for p in PITFALLS if p.number != 37], ids=named)
def test_a_fixture_is_xml_that_contains_an_article(pitfall: Pitfall) -> None:
    root = etree.fromstring(pitfall.xml)
    assert next(root.iter("{*}article")).find("{*}body") is not None


@pytest.mark.parametrize("pitfall", PITFALLS, ids=named)
def test_every_image_has_its_file_and_caption_or_a_reason(pitfall: Pitfall) -> None:
    found = rows(pitfall)
    assert [(r["file"], r["drop"]) for r in found] == [(t.file, t.drop) for t in pitfall.truth]
    for row, told in zip(found, pitfall.truth, strict=True):
        if told.drop is None:
            assert (row["caption"], row["label"]) == (told.caption, told.label)
            assert {name: row[name] for name in told.columns} == told.columns
        else:
            assert row["drop_detail"]
    assert len({r["figure_id"] for r in found}) == len(found)


@pytest.mark.parametrize("pitfall", [p for p in PITFALLS if p.article], ids=named)
def test_the_fields_of_an_article_are_read(pitfall: Pitfall) -> None:
    found = parse(pitfall.xml)
    assert {name: getattr(found, name) for name in pitfall.article} == pitfall.article


@pytest.mark.parametrize("pitfall", [p for p in PITFALLS if any(i.mentions is not None for i in p.truth)], ids=named)
def test_every_mention_has_its_place_and_kind(pitfall: Pitfall) -> None:
    for row, told in zip(rows(pitfall), pitfall.truth, strict=True):
        if told.mentions is None:
            continue
        found = row["mentions_in_text"]
        assert [(m["text"], m["kind"]) for m in found] == [(c.text, c.kind) for c in told.mentions]
        for mention, cited in zip(found, told.mentions, strict=True):
            check_place(mention, cited)


def check_place(mention: dict[str, Any], cited: Cited) -> None:
    words = mention["text"][mention["start"] : mention["end"]]
    assert cited.words in words and len(words) <= len(cited.words) + 12
    assert cited.section is None or mention["section"] == cited.section


def test_images_with_the_same_name_in_two_articles_are_two_images() -> None:
    one, other = (rows(pitfall)[0] for pitfall in SAME_NAME)
    assert one["file"] == other["file"] == "gr1.jpg"
    assert one["article_key"] != other["article_key"] and one["figure_id"] != other["figure_id"]


def test_a_figure_without_caption_is_dropped_for_that_reason() -> None:
    silent = next(p for p in PITFALLS if p.name == "no caption")
    assert Caption()(extracted(silent))["drop"].to_pylist() == ["caption", None]


@pytest.mark.parametrize("picture", PICTURES, ids=lambda p: p.name)
def test_sample_values_are_converted_to_what_viewers_show(picture: Picture) -> None:
    decoded = decode(picture.data)
    grey = decoded.pixels if decoded.pixels.ndim == 2 else decoded.pixels.mean(axis=2)
    assert decoded.mode == picture.mode
    assert abs(grey[:, 0].mean() - picture.left) < 8 and abs(grey[:, -1].mean() - picture.right) < 8
    assert len(np.unique(np.rint(grey))) >= picture.least
