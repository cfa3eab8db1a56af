"""A hit of a search: an image with all that is needed to show it, to cite it and to reuse it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from roco.base.licenses import COMMERCIAL_LICENSES

COLUMNS = (
    "id", "split", "caption", "concepts", "modality", "region", "license", "attribution", "link", "pmcid",
    "article_key", "year",
)  # fmt: skip
"""The columns of the table of an index that a hit is made of."""


@dataclass(frozen=True, kw_only=True)
class Hit:
    """An image that a search found.

    rank: from 1. score: of the search; comparable within one search only. concepts: CUIs; names: their names, in the
    same order, the CUI itself where the name is unknown. commercial: whether the licence allows commercial use of the
    unchanged image. attribution: what has to be stated with the image. link: the address of the article; empty if
    unknown. article: its key. matched: rank of the image in each method that found it: words, image, concepts.
    """

    rank: int
    score: float
    id: str
    split: str
    caption: str
    concepts: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    modality: str | None = None
    region: str | None = None
    license: str | None = None
    commercial: bool = False
    attribution: str = ""
    link: str = ""
    pmcid: str | None = None
    article: str
    year: int | None = None
    matched: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls, row: Mapping[str, Any], rank: int, score: float, names: Mapping[str, str], matched: Mapping[str, int]
    ) -> Hit:
        """Returns the hit of a row of the table of an index. names: of concepts, by CUI."""
        concepts = tuple(row["concepts"] or ())
        return cls(
            rank=rank, score=score, id=row["id"], split=row["split"], caption=row["caption"] or "", concepts=concepts,
            names=tuple(names.get(cui, cui) for cui in concepts), modality=row["modality"], region=row["region"],
            license=row["license"], commercial=row["license"] in COMMERCIAL_LICENSES,
            attribution=row["attribution"] or "", link=row["link"] or "", pmcid=row["pmcid"],
            article=row["article_key"] or row["id"], year=row["year"], matched=dict(matched),
        )  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """Returns the hit as plain values."""
        return asdict(self) | {"concepts": list(self.concepts), "names": list(self.names)}
