"""One row of a dataset: typed fields, and every other column by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from roco.base.errors import UsageError
from roco.release.load.image import LazyImage

if TYPE_CHECKING:
    from roco.release.load.figures import Figures


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One image with its caption, concepts, labels and origin.

    A field is None, or empty in the case of concepts, where the dataset has no value. `row["journal"]` returns any
    other column of the dataset; docs/data-format.md lists them.

    id: of the image in the release. split: train, valid or test. caption: as the release has it, in NFC.
    concepts: CUIs: modality, region, direction, then the others. concepts_manual: those that people assigned.
    modality: DRAN, DRCO, DRCT, DRMR, DRPE, DRUS or DRXR. region, direction: of X-rays only.
    license: normalised, such as CC-BY-NC. license_url: as written in the article. pmcid, doi, year: of the article.
    """

    id: str
    split: str
    caption: str
    concepts: tuple[str, ...]
    concepts_manual: tuple[str, ...]
    modality: str | None
    region: str | None
    direction: str | None
    license: str | None
    license_url: str | None
    pmcid: str | None
    doi: str | None
    year: int | None
    _figures: Figures = dataclasses.field(repr=False, compare=False)
    _position: int = dataclasses.field(repr=False, compare=False)
    _images: bool = dataclasses.field(repr=False, compare=False)

    @property
    def image(self) -> LazyImage:
        """Returns the image; nothing is read before it is used. Raises DataError if the dataset lacks its file."""
        if not self._images:
            raise UsageError(f"row '{self.id}' was loaded without its image", "load the dataset with images=True")
        return self._figures.image(self.id)

    def __getitem__(self, name: str) -> Any:
        """Returns the value of a column; raises UsageError, with the nearest name, for an unknown one."""
        return self._figures.column(name)[self._position].as_py()


FIELDS = tuple(field.name for field in dataclasses.fields(Row) if not field.name.startswith("_"))
"""The columns that are fields of a row."""


def row_of(values: Mapping[str, Any], figures: Figures, position: int, images: bool) -> Row:
    """Returns a row from its values; those that are missing are None."""
    return Row(
        id=values["id"],
        split=values["split"],
        caption=values.get("caption") or "",
        concepts=tuple(values.get("concepts") or ()),
        concepts_manual=tuple(values.get("concepts_manual") or ()),
        modality=values.get("modality"),
        region=values.get("region"),
        direction=values.get("direction"),
        license=values.get("license"),
        license_url=values.get("license_url"),
        pmcid=values.get("pmcid"),
        doi=values.get("doi"),
        year=values.get("year"),
        _figures=figures,
        _position=position,
        _images=images,
    )
