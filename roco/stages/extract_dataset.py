"""Builds the rows of a previous dataset: one per image that its tables list or that it contains."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from roco.base.errors import RejectedInput
from roco.base.ids import clean_pmcid
from roco.base.json_text import parse_json
from roco.base.text import whole_number
from roco.models.text.licenses import normalise
from roco.stages.extract_rows import BLANK, COLUMNS, Row, Unit

_LICENSE = re.compile(r"(CC[ -]BY(?:[ -](?:NC|ND|SA))*|CC ?0)\b\s*", re.IGNORECASE)
_AUTHOR_YEAR = re.compile(r"(?P<who>.{1,300}?)\s*\((?P<year>(?:19|20)\d\d|n\.d\.)\)\s*")


def dataset_rows(unit: Unit) -> tuple[list[Row], dict[str, int]]:
    """Returns the rows of one article of a dataset, and the counts of `extract`.

    figure_id is `PMC123/ID/0` with the id of the image in the dataset, `PMC123/ID~1/0` if the dataset is the second
    source. A release made by roco provides all columns of an image; the published layout provides only the caption,
    the licence and whom to credit. Raises RejectedInput if the article cannot be read.
    """
    if unit.error is not None or unit.xml is None:
        raise RejectedInput(unit.error or "no figures")
    rows = [_row(unit, image) for image in parse_json(unit.xml)]
    n_images = sum(row["file"] is not None for row in rows)
    for row in rows:
        row["n_images_in_package"] = n_images
    counts = {
        "articles": 1,
        "articles_unreadable": 0,
        "articles_without_figures": 0,
        "renditions": 0,
        "images_in_packages": n_images,
        "images_unread": 0,
    }
    return rows, counts


def _row(unit: Unit, image: Mapping[str, Any]) -> Row:
    key = image["article"]
    # With several sources, the articles of all but the first are numbered: two releases may contain the same image.
    number = unit.article.removesuffix(key).rstrip("/")
    id = f"{image['id']}~{number}" if number else image["id"]
    place = {
        "figure_id": f"{quote(key, safe='!')}/{id}/0",
        "article_key": key,
        "origin": unit.origin,
        "archive": unit.place,
        "file": image["file"],
        "mentions_in_text": [],
    }
    if image.get("unlisted"):
        return BLANK | place | {"drop": "scope", "drop_detail": "not listed in any table"}

    raw = image["caption"] or None
    pmcid, _ = clean_pmcid(image["pmcid"] or "")
    published = {
        "pmcid": pmcid,
        "caption_raw": raw,
        "caption": " ".join((raw or "").split()) or None,
        "caption_from": "dataset",
        "fig_id": image["id"],
        **_terms(image["attribution"]),
    }
    known = {name: value for name, value in image["known"].items() if name in COLUMNS}
    given = {
        "given_id": image["id"],
        "given_split": image["split"],
        "given_concepts": image["concepts"],
        "given_manual": image["manual"],
        "given_names": [{"cui": cui, "name": name} for cui, name in sorted(image["names"].items())],
    }
    missing = {} if image["file"] else {"drop": "missing", "drop_detail": f"no image file for {image['id']}"}
    # Columns of a release made by roco take precedence over what can be read from the published tables.
    return BLANK | published | known | place | given | missing


def _terms(attribution: str | None) -> Row:
    """Returns licence, author and year of an attribution such as `CC BY-NC Al Mulhim et al. (2022)`."""
    text = " ".join((attribution or "").split())
    code = _LICENSE.match(text)
    license = normalise(code[1].upper() if code else None)
    author = _AUTHOR_YEAR.fullmatch(text[code.end() if code else 0 :])
    year = author["year"] if author else ""
    return {
        "license": license.id,
        "license_url": license.url,
        "license_version": license.version,
        "license_port": license.port,
        "license_evidence": license.evidence.replace("index", "attribution"),
        "license_trust": license.trust,
        "authors": [author["who"]] if author else [],
        "year": whole_number(year),
        "year_from": "attribution" if whole_number(year) is not None else None,
        "retracts": [],
        "keywords": [],
        "related": [],
        "dates": [],
    }
