"""A finished run of twelve synthetic figures, as a publishing stage receives it."""

from __future__ import annotations

import dataclasses
import hashlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from roco.base.schema import COLUMNS, DROP, types
from roco.core.contract import ENGINE_REASONS, Contract, Reason
from roco.core.ledger import Ledger
from roco.core.stage import Decision, Measure
from roco.stages.publish.release import Release
from roco.stages.split import Split

CAPTIONS = (
    "CT of the chest.",
    "Axial CT, arrow, and arrowhead",
    'The so-called "string of pearls" sign',
    "First line\nsecond line",
    '=HYPERLINK("https://example.org","look")',
    "Größe 3 µm — “Zyste” (矢印)",
    "- Panoramic radiograph",
    "a lone carriage\rreturn",
    " space around ",
    "x",
    "normal < 30 mm | T2",
    'ends with a quote"',
)
"""Captions with characters that tables must escape."""

AUTHORS = (
    ["Smith, Ann"],
    ["Smith, Ann", "Lee, Bo"],
    ["Al Mulhim, C.", "Lee, Bo", "Roy, D"],
    ["WHO Study Group"],
    [],
    ["Roy, D"],
)
REMOVED = (
    ("license", "license", "CC-BY-NC-ND"),
    ("license", "license", "CONFLICT"),
    ("license", "retracted", "index"),
    ("rights", "rights", "courtesy: Image courtesy of Jane Doe, Anytown"),
    ("rights", "rights", "Reproduced with permission from Jane Doe"),
    ("language", "language", "fr 0.93"),
    ("caption", "caption", 'only a label: "Figure 7 by Jane Doe"'),
    ("own", "elsewhere", "Jane Doe and her lung"),
    ("image", "unreadable", "truncated JPEG"),
)
MADE_OF = types(
    *(n for n in COLUMNS if n not in ("split", "id", "bytes", "thumbnail", "figure_id", "drop", "drop_detail"))
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Everything(Measure):
    """Replaces all stages that write the columns of the synthetic figures."""

    writes = MADE_OF
    table: Path | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImageFilter(Decision):
    """Replaces a filter of images: it keeps everything, and guarantees what its option `keep` says."""

    keep: tuple[str, ...] = ("single", "radiology")

    @property
    def contract(self) -> Contract:
        return dataclasses.replace(super().contract, ensures=self.keep)

    def __call__(self, batch: pa.Table) -> pa.Table:
        return batch


def picture(k: int, format: str) -> bytes:
    pixels = np.full((8, 8), 16 * k % 256, np.uint8)
    pixels[k % 8] = 255
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format)
    return out.getvalue()


def figure(k: int, layout: str) -> dict[str, Any]:
    """Returns the k-th figure; every article has two."""
    pmcid = f"PMC{k // 2 + 9}"
    unit = pmcid if layout == "package" else f"{pmcid}.1"
    format = ("JPEG", "PNG", "TIFF")[k % 3]
    data = picture(k, format)
    return {
        "figure_id": f"{unit}/f{k % 2 + 1}/0", "article_key": pmcid, "pmcid": pmcid, "origin": layout,
        "title": f"A case by Jane Doe, {k // 2}", "year": None if k > 9 else 2015 + k // 2, "authors": AUTHORS[k // 2],
        "license": ("CC-BY", "CC-BY-NC")[k // 2 % 2], "fig_id": f"f{k % 2 + 1}", "caption": CAPTIONS[k],
        "caption_raw": f" {CAPTIONS[k]}", "archive": f"{unit}.tar.gz", "file": f"g{k}.jpg", "format": format,
        "width": 8, "height": 8, "sha256": hashlib.sha256(data).hexdigest(), "modality": ("DRCT", "DRXR", None)[k % 3],
        "concepts_auto": ["C0040405"], "concepts_manual": ["C1306645"] if k % 3 == 1 else [],
        "concepts": [["C0040405"], ["C1306645", "C0817096"], None][k % 3],
    }  # fmt: skip


class Run:
    """`core.stage.Finished`, of figures in any order; `figures` and `pictures` can be changed before publishing."""

    def __init__(self, figures: int = 12, layout: str = "package", release: Release | None = None) -> None:
        self.figures = [figure(k, layout) for k in range(figures)]
        self.pictures = {row["figure_id"]: picture(k, row["format"]) for k, row in enumerate(self.figures)}
        self.release = release or Release()
        self.asked: list[str] = []

    @property
    def table(self) -> pa.Table:
        handed = types(*Split.optional, *Release.optional) | MADE_OF | DROP
        schema = pa.schema([("figure_id", pa.string()), *handed.items()])
        table = self.release(Split()(pa.Table.from_pylist(self.figures, schema=schema)))
        return table.sort_by("figure_id")

    @property
    def columns(self) -> tuple[str, ...]:
        return (*MADE_OF, "split", "id")

    @property
    def funnel(self) -> dict[str, Any]:
        stages: list[dict[str, Any]] = []
        rows = len(self.figures) + len(REMOVED)
        for stage in dict.fromkeys(["extract", *(r[0] for r in REMOVED), "release"]):
            reasons = [reason for name, reason, _ in REMOVED if name == stage]
            dropped = {reason: reasons.count(reason) for reason in sorted(set(reasons))}
            entry = {"stage": stage, "kind": "decision", "in": rows, "kept": rows - len(reasons), "dropped": dropped}
            stages.append(entry)
            rows -= len(reasons)
        return {"source": {"kind": "package", "articles": 7}, "counts": {"articles_unreadable": 0}, "stages": stages}

    @property
    def recipe(self) -> dict[str, Any]:
        stages = [
            ("all", Everything(table=Path("/home/somebody/table.csv"))),
            ("split", Split()),
            ("release", self.release),
        ]
        return {
            "roco": "0.1.0",
            "python": "3.11.0",
            "packages": {"numpy": "2"},
            "source": {"kind": "package"},
            "stages": [
                {"name": name, "use": f"{type(s).__module__}:{type(s).__qualname__}", "kind": "decision",
                 "options": s.options, "ensures": list(s.contract.ensures), "digest": "00", "version": s.version}
                for name, s in stages
            ],
        }  # fmt: skip

    @property
    def reasons(self) -> dict[str, Reason]:
        quoting = ("rights", "elsewhere")
        reasons = {reason: Reason("", quotes=reason in quoting) for _, reason, _ in REMOVED}
        return reasons | ENGINE_REASONS

    @property
    def ledger(self) -> Ledger | None:
        return None

    def kept(self, columns: Sequence[str]) -> pa.Table:
        return self.table.select(["figure_id", *columns])

    def removed(self, columns: Sequence[str], having: Sequence[str] = ()) -> Iterator[pa.Table]:
        self.asked += columns
        for batch in self.dropped(columns).to_batches(max_chunksize=3):
            yield pa.Table.from_batches([batch])

    def dropped(self, columns: Sequence[str]) -> pa.Table:
        """Returns the dropped figures, which `removed` yields in batches."""
        rows = [
            {
                **figure(k % 12, "package"),
                "figure_id": f"PMC{500 + k}/f1/0",
                "stage": stage,
                "drop": reason,
                "drop_detail": text,
            }
            for k, (stage, reason, text) in enumerate(REMOVED)
        ]
        names = ["figure_id", "stage", "drop", "drop_detail", *columns]
        return pa.Table.from_pylist(rows, schema=pa.schema([(n, MADE_OF.get(n, pa.string())) for n in names]))

    def images(self, rows: pa.Table) -> Iterator[bytes]:
        for id in rows["figure_id"].to_pylist():
            yield self.pictures[id]


def publish(folder: Path, run: Run | None = None) -> Path:
    run = run or Run()
    run.release.publish(run, folder)
    return folder


def text(path: Path) -> str:
    return path.read_bytes().decode()


__all__ = ["CAPTIONS", "Run", "figure", "picture", "publish", "text"]
