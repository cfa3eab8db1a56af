"""Real images to look at: of every modality, and of every reason for which figures were dropped."""

from __future__ import annotations

from roco.base.errors import DataError
from roco.base.labels import MODALITIES
from roco.evaluate.report.content import Content, Example, NotAvailable
from roco.evaluate.report.inputs import Inputs
from roco.models.images.decode import decode, thumbnail
from roco.release.attribution import attribution, source_address

PER_MODALITY = 4
TRIED = 12
"""Images of a modality that are tried, until enough of them can be read."""


def by_modality(inputs: Inputs) -> Content:
    """Four images of each modality with caption, concepts, licence and link to the article; they are the first in the
    order of the hash of their id, so that the same release always shows the same ones."""
    modalities = [image.modality for image in inputs.images.images]
    if not any(modalities):
        raise NotAvailable("no image has a modality")
    examples: list[Example] = []
    problems = 0
    for label in MODALITIES:
        places = inputs.sample([place for place, modality in enumerate(modalities) if modality == label], TRIED)
        chosen: list[Example] = []
        for place in places:
            if len(chosen) == PER_MODALITY:
                break
            try:
                chosen.append(_example(inputs, place, f"{label} {MODALITIES[label].name}"))
            except DataError:
                problems += 1
        examples += chosen
    if not examples:
        raise NotAvailable("no image of the dataset can be read")
    notes = (f"{problems:,} images could not be read: run roco verify.",) if problems else ()
    return Content(examples=tuple(examples), notes=notes)


def by_reason(inputs: Inputs) -> Content:
    """Up to three dropped figures for each stage and reason, with the caption, and with the image where the licence of
    its article allows a copy; elsewhere there is only the link to the article."""
    if not inputs.dropped_examples:
        raise NotAvailable("dropped figures are in the run, not in the release: give the recipe instead of the release")
    return Content(examples=tuple(inputs.dropped_examples))


def _example(inputs: Inputs, place: int, group: str) -> Example:
    row = {name: inputs.column(name)[place].as_py() for name in ("id", "pmcid", "caption", "license")}
    for name in ("authors", "year", "article_key", "doi"):
        row[name] = inputs.column(name)[place].as_py() if name in inputs.available else None
    names = [inputs.concept_names.get(cui, cui) for cui in sorted(inputs.images.images[place].concepts)]
    otherwise = row["pmcid"] or row["article_key"] or row["id"]
    credit = attribution(row["license"] or "NONE", row["authors"] or (), row["year"], otherwise)
    return Example(
        group=group,
        title=row["id"],
        caption=row["caption"] or "",
        credit=". ".join(text for text in ("; ".join(names), credit) if text),
        link=source_address(row),
        thumbnail=thumbnail(decode(inputs.release.image(row["id"]))),
    )
