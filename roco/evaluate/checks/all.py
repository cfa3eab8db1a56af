"""All checks in the order of their importance, and the report of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from roco.evaluate.checks import captions, images, labels, leaks, rights
from roco.evaluate.checks.check import NOT_CHECKED, Check, Finding, made
from roco.evaluate.report.content import Content
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.render import Cell, ReportTable

CHECKS = (
    Check("leak-article", "articles in several splits", 0, leaks.articles_in_several_splits),
    Check("leak-duplicate", "near-duplicates in several splits", 0, leaks.duplicates_in_several_splits),
    Check("leak-caption", "long captions in several splits", 0, leaks.captions_in_several_splits),
    Check("equal-images", "images with equal bytes", 0, leaks.equal_images),
    Check("equal-captions", "equal captions within an article", 0.05, leaks.equal_captions_of_an_article),
    Check("modality-conflict", "captions that name another modality", 0.02, labels.modality_against_caption),
    Check("direction-conflict", "captions that name another direction", 0.05, labels.direction_against_caption),
    Check("two-modalities", "images with two modalities", 0.01, labels.several_modalities),
    Check("region-conflict", "manual and automatic regions that differ", 0.05, labels.manual_against_automatic),
    Check("no-concept", "images without concepts", 0, labels.images_without_concepts),
    Check("invalid-concept", "invalid or unnamed concepts", 0, labels.invalid_concepts),
    Check("rare-concept", "concepts of ten images or fewer", 0, labels.rare_concepts),
    Check("unknown-to-train", "concepts that train does not have", 0, labels.concepts_unknown_to_train),
    Check("no-description", "captions that describe nothing", 0, captions.without_description),
    Check("other-language", "captions in another language", 0.001, captions.in_another_language),
    Check("panels-in-caption", "captions of several panels", 0.02, captions.of_several_panels),
    Check("long-caption", "captions of more than 300 words", 0.001, captions.very_long),
    Check("address-in-caption", "captions with an address", 0, captions.with_addresses),
    Check("compound", "images of several panels", 0.02, images.several_panels),
    Check("size", "tiny or stretched images", 0.001, images.unusual_size),
    Check("mode", "images in unusual modes", 0.01, images.unusual_mode),
    Check("no-contrast", "images without contrast", 0, images.no_contrast),
    Check("caption-in-image", "images that contain their caption", 0.001, images.caption_in_image),
    Check("identifying-text", "images with identifying text", 0, images.identifying_text),
    Check("identifying-fields", "images with identifying metadata", 0, images.identifying_fields),
    Check("license", "images with other licences", 0, rights.other_licenses),
    Check("no-article", "images without an article", 0, rights.without_article),
    Check("retracted", "images of retracted articles", 0, rights.retracted),
)


def findings(inputs: Inputs) -> Iterator[Finding]:
    """Makes the checks one after the other; those that a dataset does not allow say why."""
    for check in CHECKS:
        yield made(check, inputs)


def checks_section(inputs: Inputs) -> Content:
    """What experts check before they trust a dataset: leakage first, then labels, captions, images and rights. A check
    passes if the share of what it counts is at most its threshold; the thresholds are ours, and the rows are listed."""
    found = list(findings(inputs))
    with_rows = [one for one in found if one.measured is not None and one.measured.rows]
    tables = [summary(found, [one.check.name for one in with_rows])]
    for one in with_rows:
        assert one.measured is not None
        columns = ("id", "detail")
        rows: list[tuple[Cell, ...]] = [tuple(row) for row in one.measured.rows]
        tables.append(ReportTable(f"{one.check.title.capitalize()} ({one.check.name})", columns, rows))
    notes = [f"{one.check.title}: {one.check.definition}" for one in found]
    missing = [f"Not checked: {one.check.title}: {one.missing}." for one in found if one.verdict == NOT_CHECKED]
    return Content(tables=tuple(tables), notes=(*missing, *notes))


def summary(found: Iterable[Finding], with_rows: Iterable[str] = ()) -> ReportTable:
    """Returns one line per check; with_rows: names of the checks whose rows are in tables of their own, in order."""
    file_of = {name: f"tables/checks-{place}.csv" for place, name in enumerate(with_rows, 2)}
    rows: list[tuple[Cell, ...]] = []
    for one in found:
        value, of = (one.measured.value, one.measured.of) if one.measured else (None, None)
        share = value / of if of and value is not None else None
        limit = f"{one.check.threshold:.1%}" if one.check.threshold else "none"
        rows.append((one.check.title, value, of, share, limit, one.verdict, file_of.get(one.check.name, "")))
    return ReportTable("Checks", ("check", "found", "of", "share", "allowed", "verdict", "rows"), rows)
