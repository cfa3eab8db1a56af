"""The most frequent concepts and semantic types: Tables 5, 6 and S6 to S12."""

from __future__ import annotations

from roco.base.labels import MODALITIES
from roco.evaluate.report import concept_tables, paper_concepts
from roco.evaluate.report.concept_tables import MODALITY_OF, ConceptTable
from roco.evaluate.report.content import Compared, Content, NotAvailable
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.plots import Bars
from roco.evaluate.report.section import Part


def table_5(inputs: Inputs) -> Content:
    """The ten concepts (CUIs) that most images have, without the concepts of modalities, regions and directions and
    without every manual concept of the dataset."""
    return _content(concept_tables.of_images(inputs.images, "5"), inputs)


def table_6(inputs: Inputs) -> Content:
    """The ten semantic types (TUIs) whose concepts occur most often; an image counts once for each of its concepts, and
    a concept of several types counts in each."""
    if not inputs.types:
        raise NotAvailable("the semantic types of the concepts are unknown: give a vocabulary (--vocabulary)")
    return _content(concept_tables.of_images(inputs.images, "6", inputs.types), inputs)


def parts_by_modality() -> tuple[Part, ...]:
    """Returns the parts of Tables S6 to S12: the ten most frequent concepts among the images of each modality."""
    return tuple(_part(number, modality) for number, modality in MODALITY_OF.items())


def _part(number: str, modality: str) -> Part:
    def make(inputs: Inputs) -> Content:
        table = concept_tables.of_images(inputs.images, number)
        if not table.images:
            raise NotAvailable(f"the dataset has no images of {modality}")
        return _content(table, inputs)

    name = MODALITIES[modality].name
    make.__doc__ = f"The ten concepts (CUIs) that most images of {name} ({modality}) have, all concepts counted."
    return Part(f"table-{number.lower()}", f"Table {number}", f"Most frequent concepts: {name}", make)


def _content(table: ConceptTable, inputs: Inputs) -> Content:
    if not table.rows:
        raise NotAvailable("no image has a concept")
    known = {row.id: row for row in paper_concepts.expected()[table.number]}
    compared = [Compared(f"{row.id} {row.name}", table.counts.get(row.id, 0), f"{row.n}") for row in known.values()]
    labels = [f"{row.name} ({row.id})" for row in table.rows]
    unit = "occurrences" if table.number == "6" else "images"
    plot = Bars(
        name=f"table-{table.number.lower()}",
        title=table.title,
        alt=f"Bar chart, {table.title}: " + ", ".join(f"{row.name} {row.n:,}" for row in table.rows) + ".",
        labels=labels,
        series={unit: [row.n for row in table.rows]},
        axis=unit,
    )
    note = paper_concepts.NOTES.get(table.number)
    notes = [f"Images that were counted: {table.images:,}."] + ([f"Known of the paper: {note}."] if note else [])
    if table.unknown:
        notes.append(f"{table.unknown:,} occurrences are of concepts whose semantic type is unknown here.")
    return Content(
        tables=(table.as_report()._replace(title=table.title),),
        plots=(plot,),
        compared=tuple(compared),
        notes=tuple(notes),
    )
