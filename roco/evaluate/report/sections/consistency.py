"""Identities that the numbers of every dataset of this kind fulfil, whatever its size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from roco.base.errors import DataError
from roco.base.labels import MODALITIES
from roco.evaluate.concept_scores import COMBINED
from roco.evaluate.report import concept_tables
from roco.evaluate.report.content import Content, NotAvailable
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.render import Cell, ReportTable
from roco.evaluate.report.sections.labels import XRAY, label_of_images

DIAGNOSTIC = "T060"
"""The semantic type of the concepts of modalities: diagnostic procedure."""
HOLDS, FAILS, REPORTED = "holds", "does not hold", "for information"


class Identity(NamedTuple):
    """One identity as it was checked; holds is None for a number that is reported only."""

    what: str
    value: Cell
    expected: str
    holds: bool | None

    @property
    def verdict(self) -> str:
        return {True: HOLDS, False: FAILS, None: REPORTED}[self.holds]


def consistency(inputs: Inputs) -> Content:
    """Identities between the tables of this dataset that hold for every dataset of this kind, such as that the images
    of all modalities are all images; each with its value, what is expected, and the verdict."""
    rows: list[tuple[Cell, ...]] = []
    failed = 0
    for check in CHECKS:
        try:
            for one in check(inputs):
                rows.append((one.what, one.value, one.expected, one.verdict))
                failed += one.holds is False
        except NotAvailable as reason:
            rows.append((_name(check), None, "", f"not available: {reason}"))
        except DataError as err:
            rows.append((_name(check), None, "", f"not available: {err.message}"))
    note = f"Identities that do not hold: {failed:,}." if failed else "No identity is violated."
    return Content(
        tables=(ReportTable("Identities", ("identity", "value", "expected", "verdict"), rows),), notes=(note,)
    )


def modalities(inputs: Inputs) -> list[Identity]:
    """Images with a modality"""
    with_modality = sum(image.modality is not None for image in inputs.images.images)
    return [_equal("images of all modalities (Table S2)", with_modality, inputs.size, "images")]


def modality_concepts(inputs: Inputs) -> list[Identity]:
    """Images of a modality that have its concept"""
    sizes = Counter(image.modality for image in inputs.images.images)
    if not sizes.keys() & MODALITIES.keys():
        raise NotAvailable("no image has a modality")
    found = []
    for number, modality in concept_tables.MODALITY_OF.items():
        cui = MODALITIES[modality].cui
        if modality != COMBINED and cui and sizes[modality]:
            count = concept_tables.of_images(inputs.images, number).counts.get(cui, 0)
            what = f"{modality} images with the concept {cui} (first row of Table {number})"
            found.append(_equal(what, count, sizes[modality], f"{modality} images"))
    return found


def only_xrays(inputs: Inputs) -> list[Identity]:
    """Images with a region or a direction that are not X-rays"""
    is_xray = [image.modality == XRAY for image in inputs.images.images]
    found = []
    for kind in ("region", "direction"):
        labels = label_of_images(inputs, kind)
        others = sum(bool(label) and not xray for label, xray in zip(labels, is_xray, strict=True))
        found.append(_none(f"images with a {kind} that are not X-rays", others))
        most = max(Counter(label for label in labels if label).values(), default=0)
        what = f"images of the most frequent {kind}"
        found.append(Identity(what, most, f"at most {sum(is_xray):,} (X-ray images)", most <= sum(is_xray)))
    return found


def concept_counts(inputs: Inputs) -> list[Identity]:
    """Concepts per image times images"""
    rows = sum(len(concepts or ()) for concepts in inputs.values("concepts"))
    by_concept = Counter(cui for image in inputs.images.images for cui in image.concepts)
    total = sum(by_concept.values())
    return [_equal("concepts per image times images (Table 4)", rows, total, "images by concept, all concepts summed")]


def splits(inputs: Inputs) -> list[Identity]:
    """Concepts of valid and test that train lacks"""
    by_split: dict[str, set[str]] = {}
    for split, image in zip(inputs.values("split"), inputs.images.images, strict=True):
        by_split.setdefault(split, set()).update(image.concepts)
    if "train" not in by_split or len(by_split) < 2:
        raise NotAvailable("the dataset has no training split beside others")
    found = []
    for split in inputs.splits:
        if split != "train":
            found.append(_none(f"concepts of {split} that train lacks", len(by_split[split] - by_split["train"])))
    return found


def mapping(inputs: Inputs) -> list[Identity]:
    """Concepts without a name in cui_mapping.csv"""
    names = inputs.release.concept_names()
    used = {cui for image in inputs.images.images for cui in image.concepts | image.manual}
    return [_none("concepts without a name in cui_mapping.csv", len(used - names.keys()))]


def licenses(inputs: Inputs) -> list[Identity]:
    """Images without an article or a licence"""
    articles = inputs.article_of  # raises if the table of licences is missing
    keys = [key or "" for key in inputs.values("pmcid")] if inputs.release.published else articles
    unlicensed = sum(license in (None, "", "NONE") for license in inputs.values("license"))
    return [
        _none("images without an article (PMCID)", sum(not key for key in keys)),
        _none("images without a licence", unlicensed),
    ]


def diagnostic(inputs: Inputs) -> list[Identity]:
    """Occurrences of diagnostic procedures (T060)"""
    if not inputs.types:
        raise NotAvailable("the semantic types of the concepts are unknown: give a vocabulary (--vocabulary)")
    count = concept_tables.of_images(inputs.images, "6", inputs.types).counts.get(DIAGNOSTIC, 0)
    single = sum(image.modality not in (None, COMBINED) for image in inputs.images.images)
    expected = f"at least {single:,} (images of a single modality)"
    return [Identity(f"occurrences of {DIAGNOSTIC} (Table 6)", count, expected, count >= single)]


def shared_articles(inputs: Inputs) -> list[Identity]:
    """Articles in several splits"""
    if not inputs.article_of:  # raises if articles are unknown
        raise NotAvailable("the dataset has no images")
    shared = inputs.ties["article"]
    return [
        Identity("articles with images in several splits", len(shared.crossing), "0 if split by article", None),
        Identity("images of these articles", shared.images, "0 if split by article", None),
    ]


def funnel(inputs: Inputs) -> list[Identity]:
    """Figures in the funnel"""
    stages = inputs.stages
    dropped = sum(sum(stage.dropped.values()) for stage in stages)
    kept = stages[-1].kept if stages else 0
    return [
        _equal("figures that the last stage keeps (Figure 1)", kept, inputs.size, "images"),
        _equal("rows of removed.parquet", len(inputs.dropped), dropped, "figures dropped in the funnel"),
    ]


Check = Callable[[Inputs], list[Identity]]
CHECKS: tuple[Check, ...] = (
    modalities, modality_concepts, only_xrays, concept_counts, splits, mapping, licenses, diagnostic, shared_articles,
    funnel,
)  # fmt: skip


def _name(check: Check) -> str:
    """Returns what a check counts, for the row of one that cannot be made: its docstring."""
    return " ".join((check.__doc__ or "").split())


def _equal(what: str, value: int, expected: int, unit: str) -> Identity:
    return Identity(what, value, f"{expected:,} ({unit})", value == expected)


def _none(what: str, value: int) -> Identity:
    return Identity(what, value, "0", value == 0)
