"""The contents of a report: every table and figure of the paper in its order, then what the paper does not have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from roco.base.progress import Progress
from roco.evaluate.checks.all import checks_section
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.section import Part, Section, made
from roco.evaluate.report.sections import concepts, examples, labels, sizes


class Chapter(NamedTuple):
    """Sections under one heading."""

    title: str
    parts: tuple[Part, ...]


CHAPTERS = (
    Chapter(
        "The dataset",
        (
            Part("split-sizes", "Split sizes", "Images, articles and concepts", sizes.split_sizes),
            Part("table-4", "Table 4", "Captions, articles and concepts", sizes.table_4),
            Part("figure-3", "Figure 3", "Concepts per image", sizes.figure_3),
        ),
    ),
    Chapter(
        "Images to look at",
        (
            Part("examples-modalities", "", "Images of every modality", examples.by_modality),
            Part("examples-dropped", "", "Dropped figures by reason", examples.by_reason),
        ),
    ),
    Chapter(
        "Modalities, regions and directions",
        (
            Part("table-s2", "Table S2", "Images by modality", labels.table_s2),
            Part("table-s3", "Table S3", "X-ray images by body region", labels.table_s3),
            Part("table-s4", "Table S4", "X-ray images by direction", labels.table_s4),
        ),
    ),
    Chapter(
        "Concepts",
        (
            Part("table-5", "Table 5", "Most frequent concepts", concepts.table_5),
            Part("table-6", "Table 6", "Most frequent semantic types", concepts.table_6),
            *concepts.parts_by_modality(),
        ),
    ),
    Chapter("Checks", (Part("checks", "", "What experts check", checks_section),)),
)


class MadeChapter(NamedTuple):
    """A chapter with its sections as they were made."""

    title: str
    sections: tuple[Section, ...]


def make(inputs: Inputs, progress: Progress) -> Iterator[MadeChapter]:
    """Yields the chapters; a section that cannot be made from this dataset says why and stops nothing."""
    progress.start("sections", sum(len(chapter.parts) for chapter in CHAPTERS))
    for chapter in CHAPTERS:
        sections = []
        for part in chapter.parts:
            sections.append(made(part, inputs))
            progress.advance()
        yield MadeChapter(chapter.title, tuple(sections))
