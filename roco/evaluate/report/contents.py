"""The contents of a report: every table and figure of the paper in its order, then what the paper does not have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from roco.base.progress import Progress
from roco.evaluate.checks.all import checks_section
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.section import Part, Section, made
from roco.evaluate.report.sections import (
    agreement,
    articles,
    captions,
    concepts,
    consistency,
    cost,
    coverage,
    drift,
    dropped,
    duplicates,
    examples,
    labels,
    licenses,
    pixels,
    provenance,
    scores,
    screening,
    sizes,
    workflow,
)


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
            Part("co-occurrence", "", "Concepts that occur together", coverage.co_occurrence),
            Part("coverage", "", "Modality by body region", coverage.coverage),
            Part("single-concepts", "", "Images with few concepts", coverage.single_concepts),
            Part("concept-precision", "", "Precision of the automatic concepts", provenance.precision),
        ),
    ),
    Chapter(
        "Articles and licences",
        (
            Part("table-s1", "Table S1", "Publication types", articles.table_s1),
            Part("article-types", "", "Article types", articles.article_types),
            Part("table-s5", "Table S5", "Journals", articles.table_s5),
            Part("figure-s1", "Figure S1", "Articles by year", articles.figure_s1),
            Part("figure-s2", "Figure S2", "Articles with ND and SA licences", articles.figure_s2),
            Part("licenses", "", "Licences of the images", licenses.licenses),
        ),
    ),
    Chapter(
        "Captions",
        (
            Part("caption-languages", "", "Languages of the captions", captions.languages),
            Part("caption-length", "", "Length of the captions", captions.caption_length),
            Part("readability", "", "Readability of the captions", captions.readability),
        ),
    ),
    Chapter(
        "Image files",
        (
            Part("figure-s3", "Figure S3", "Intensities", pixels.figure_s3),
            Part("figure-s4", "Figure S4", "Width and height", pixels.figure_s4),
            Part("image-files", "", "Formats, colour modes and bytes", pixels.image_files),
            Part("burned-in-text", "", "Text in the images", screening.burned_in_text),
            Part("screening", "", "Results of screening", screening.screening),
        ),
    ),
    Chapter(
        "How the dataset was built",
        (
            Part("figure-1", "Figure 1", "Figures and articles by stage", workflow.figure_1),
            Part("figure-2", "Figure 2", "Filters of captions", workflow.figure_2),
            Part("table-s13", "Table S13", "Languages of dropped captions", workflow.table_s13),
            Part("drop-reasons", "", "Dropped figures by reason", dropped.by_reason),
            Part("dropped-by-journal", "", "Dropped figures by journal", dropped.by_journal),
            Part("dropped-by-year", "", "Dropped figures by year", dropped.by_year),
            Part("duplicates", "", "Duplicates", duplicates.duplicates),
            Part("leakage", "", "What different splits share", duplicates.leakage),
            Part("modality-from", "", "Origin of the modalities", provenance.modality_from),
            Part("concepts-from", "", "Origin of the concepts", provenance.concepts_from),
            Part("cost", "", "Cost of the run", cost.cost),
        ),
    ),
    Chapter(
        "Agreement of people",
        (
            Part("table-7", "Table 7", "Agreement of two raters", agreement.table_7),
            *agreement.parts_of_matrices(),
        ),
    ),
    Chapter(
        "Scores of systems",
        (
            Part("table-1", "Table 1", "Concept detection", scores.table_1),
            Part("table-2", "Table 2", "Caption prediction", scores.table_2),
            Part("table-3", "Table 3", "Caption prediction, further scores", scores.table_3),
        ),
    ),
    Chapter(
        "Compared with another release",
        (
            Part("drift-images", "", "Images added, removed and moved", drift.drift_images),
            Part("drift-concepts", "", "Concepts gained and lost", drift.drift_concepts),
            Part("drift-journals", "", "New and lost journals", drift.drift_journals),
            Part("drift-modalities", "", "Modalities", drift.drift_modalities),
        ),
    ),
    Chapter(
        "Checks",
        (
            Part("consistency", "", "Consistency", consistency.consistency),
            Part("checks", "", "What experts check", checks_section),
        ),
    ),
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
