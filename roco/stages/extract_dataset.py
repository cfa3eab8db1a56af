"""The rows of an earlier dataset: one for each image that its tables name or that lies in it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from roco.base.errors import RejectedInput
from roco.base.ids import clean_pmcid
from roco.models.text.licenses import normalise
from roco.stages.extract_rows import BLANK, COLUMNS, Row, Unit

_LICENSE = re.compile(r"(CC[ -]BY(?:[ -](?:NC|ND|SA))*|CC ?0)\b\s*", re.IGNORECASE)
_NAMED = re.compile(r"(?P<who>.{1,300}?)\s*\((?P<year>(?:19|20)\d\d|n\.d\.)\)\s*")


def dataset_rows(unit: Unit) -> tuple[list[Row], dict[str, int]]:
    """The rows of one article of a dataset, and its counts as `extract` gives them.

    figure_id is `PMC123/ID/0`, with the id that the image has there, or `PMC123/ID~1/0` where it is the second source.
    What a release of roco knows of an image is taken over; of the published layout only the caption, the licence and
    whom to name are known. Raises RejectedInput where the article cannot be read.
    """
    if unit.error is not None or unit.xml is None:
        raise RejectedInput(unit.error or "no figures")
    rows = [_row(unit, told) for told in json.loads(unit.xml)]
    images = sum(row["file"] is not None for row in rows)
    for row in rows:
        row["n_images_in_package"] = images
    counts = {"articles": 1, "articles_unreadable": 0, "articles_without_figures": 0, "renditions": 0}
    return rows, {**counts, "images_in_packages": images, "images_unread": 0}


def _row(unit: Unit, told: Mapping[str, Any]) -> Row:
    key = told["article"]
    # Of several sources the articles of all but the first are numbered: two releases may have the same image.
    number = unit.article.removesuffix(key).rstrip("/")
    base = {
        "figure_id": f"{quote(key, safe='!')}/{told['id']}{f'~{number}' if number else ''}/0",
        "article_key": key,
        "origin": unit.origin,
        "archive": unit.place,
        "file": told["file"],
        "mentions_in_text": [],
    }
    if told.get("untold"):
        return BLANK | base | {"drop": "scope", "drop_detail": "no table names it"}
    known = {name: value for name, value in told["known"].items() if name in COLUMNS}
    pmcid, _ = clean_pmcid(told["pmcid"] or "")
    missing = {} if told["file"] else {"drop": "missing", "drop_detail": f"no image {told['id']}"}
    given = {
        "given_id": told["id"],
        "given_split": told["split"],
        "given_concepts": told["concepts"],
        "given_manual": told["manual"],
    }
    raw = told["caption"] or None
    caption = " ".join((raw or "").split()) or None
    mine = {"pmcid": pmcid, "caption_raw": raw, "caption": caption, "caption_from": "dataset", "fig_id": told["id"]}
    return BLANK | mine | _terms(told["attribution"]) | known | base | given | missing


def _terms(attribution: str | None) -> Row:
    """Licence, author and year of an attribution: `CC BY-NC Al Mulhim et al. (2022)`."""
    text = " ".join((attribution or "").split())
    start = _LICENSE.match(text)
    license = normalise(start[1].upper() if start else None)
    named = _NAMED.fullmatch(text[start.end() if start else 0 :])
    year = named["year"] if named else ""
    return {
        "license": license.id,
        "license_url": license.url,
        "license_version": license.version,
        "license_port": license.port,
        "license_evidence": license.evidence.replace("index", "attribution"),
        "license_trust": license.trust,
        "authors": [named["who"]] if named else [],
        "year": int(year) if year.isdigit() else None,
        "year_from": "attribution" if year.isdigit() else None,
        "retracts": [],
        "keywords": [],
        "related": [],
        "dates": [],
    }
