"""Measures an image file: format, size, frames, hashes and thumbnail, from one decode."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from roco.base.errors import RejectedInput
from roco.base.formats import declared_format
from roco.base.schema import types
from roco.core.contract import Reason
from roco.core.stage import Measure, drop, put
from roco.models.images import hashes, pixels
from roco.models.images.decode import Decoded, decode, thumbnail


@dataclass(frozen=True, kw_only=True)
class Image(Measure):
    """Measures format, size, mode and hashes of the image; lends thumbnail and decoded pixels to other measures.

    The image is decoded once in a pass, however many measures read `small` or `pixels` (`models.images.pixels.arrays`).
    """

    needs = ("extract",)
    reads = ("article_key", "file", "bytes")
    writes = types(
        *("format", "declared", "width", "height", "mode", "n_frames", "n_bytes", "identifying_fields"),
        *("sha256", "image_key", "phash", "phash_fine"),
    )
    lends = types("thumbnail", "small", "pixels")
    reasons = {"unreadable": Reason("the image cannot be decoded completely")}
    version = 10

    def __call__(self, batch: pa.Table, lend: Collection[str] = ("thumbnail",)) -> pa.Table:
        decoded: dict[str, dict[str, Any]] = {}  # by SHA-256, so that the same file twice in a batch is decoded once
        rows: list[dict[str, Any]] = []
        for reason, key, file, data in zip(*(batch[name] for name in ("drop", *self.reads)), strict=True):
            if reason.is_valid or not data.is_valid:
                rows.append({})
            else:
                rows.append(_facts(key.as_py(), file.as_py(), data.as_py(), lend, decoded))
        for name, kind in {**self.writes, **{c: self.lends[c] for c in lend}}.items():
            batch = put(batch, name, pa.array([row.get(name) for row in rows], kind))
        details = pa.array([row.get("unreadable") for row in rows], pa.string())
        return drop(batch, pa.array(["unreadable" in row for row in rows], pa.bool_()), "unreadable", details)


def _facts(
    key: str | None, file: str | None, data: bytes, lend: Collection[str], decoded: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    sha256 = hashlib.sha256(data).hexdigest()
    if sha256 not in decoded:
        decoded[sha256] = {"n_bytes": len(data), "sha256": sha256, **_decoded_facts(data, lend)}
    of_this_figure = {"declared": declared_format(file), "image_key": None if key is None else f"{key}-{sha256}"}
    return {**decoded[sha256], **of_this_figure}


def _decoded_facts(data: bytes, lend: Collection[str]) -> dict[str, Any]:
    try:
        decoded = decode(data)
        return {
            "format": decoded.format,
            "width": decoded.width,
            "height": decoded.height,
            "mode": decoded.mode,
            "n_frames": decoded.n_frames,
            "identifying_fields": list(decoded.identifying_fields),
            "thumbnail": thumbnail(decoded) if "thumbnail" in lend else None,
            "small": pixels.to_value(decoded.small) if "small" in lend else None,
            "pixels": pixels.to_value(decoded.pixels) if "pixels" in lend else None,
            **_hashes(decoded),
        }
    except RejectedInput as err:
        return {"unreadable": err.message}
    except MemoryError:
        return {"unreadable": "not enough memory"}


def _hashes(decoded: Decoded) -> dict[str, str | None]:
    return dict(zip(("phash", "phash_fine"), hashes.hashes(decoded.image), strict=True))
