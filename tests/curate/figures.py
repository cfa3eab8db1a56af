"""A corpus of drawn figures for the tests of the pages; no run is needed."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from roco.base.schema import COLUMNS
from roco.curate.corpus import Corpus, _complete

LABELS = ("DRCT", "DRXR", "DRMR")


def row(number: int, **facts: Any) -> dict[str, Any]:
    """A figure: every third one is a CT, an X-ray, an MRI by its guess."""
    return {
        "figure_id": f"PMC{number}/f1/0",
        "image_key": f"PMC{number}-{number:064x}",
        "pmcid": f"PMC{number}",
        "license": "CC-BY" if number % 2 else "CC-BY-NC",
        "caption": f"Caption {number} <img src=x onerror=alert(1)>",
        "concepts": ["C0040405"] if number % 3 == 0 else [],
        "modality_guess": LABELS[number % 3],
        "modality_p": 0.5 + 0.49 * ((number * 7) % 100) / 100,
        "modality_guess_from": "both",
        "modality_disagrees": False,
        "stage": None,
        "drop": None,
        "drop_detail": None,
    } | facts


def jpeg(shade: int) -> bytes:
    out = io.BytesIO()
    Image.new("L", (64, 48), shade % 256).save(out, "JPEG")
    return out.getvalue()


def corpus(rows: list[dict[str, Any]], images: dict[str, bytes] | None = None) -> Corpus:
    fields = {name: COLUMNS[name].type if name in COLUMNS else pa.string() for name in rows[0]}
    table = _complete(pa.Table.from_pylist(rows, schema=pa.schema(fields.items())))

    def read(place: dict[str, Any]) -> bytes:
        known = images or {}
        return known.get(place["figure_id"]) or jpeg(int(place["figure_id"][3:].partition("/")[0]) * 9)

    return Corpus("the test", table, np.array([row["stage"] is None for row in rows]), read)
