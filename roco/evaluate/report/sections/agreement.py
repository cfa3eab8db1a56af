"""The agreement of two people who labelled the same images: Table 7 and Figures 4 to 9 of the paper."""

from __future__ import annotations

from collections.abc import Sequence

from roco.evaluate import rater_agreement
from roco.evaluate.metrics.agreement import normalised
from roco.evaluate.rater_agreement import TaskAgreement
from roco.evaluate.report import paper
from roco.evaluate.report.content import Content, NotAvailable
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.plots import Matrix
from roco.evaluate.report.render import Cell
from roco.evaluate.report.section import Part

NAMES = {"modality": "modality", "region": "body region", "direction": "directionality"}
"""Task -> what the paper calls it."""
FIGURES = {
    "4": ("modality", "true"), "5": ("modality", None), "6": ("region", "true"), "7": ("region", None),
    "8": ("direction", "true"), "9": ("direction", None),
}  # fmt: skip
"""Figure -> its task, and how the matrix is normalised; the paper prints the normalised one first."""
NO_LABELS = "no label log was given: --labels LOG"


def table_7(inputs: Inputs) -> Content:
    """Cohen's kappa of two raters in each task, with the standard error of Fleiss, Cohen and Everitt (1969), kappa ±
    1.96 standard errors, the agreements and those expected by chance; Krippendorff's alpha and Gwet's AC1 besides,
    and kappa of each label against all others."""
    if not inputs.agreement:
        raise NotAvailable(NO_LABELS)
    order = (*NAMES, *(one.pair.task for one in inputs.agreement))  # those of the paper first
    tasks = sorted(inputs.agreement, key=lambda one: order.index(one.pair.task))
    weighted = rater_agreement.weighted_table(tasks)
    by_label = [rater_agreement.label_table(one) for one in tasks]
    ours: dict[str, Cell] = {}
    for one in tasks:
        if one.pair.task in NAMES:
            ours |= _numbers(one)
    raters = [f"{one.pair.task}: {one.pair.names[0]} and {one.pair.names[1]}" for one in tasks]
    return Content(
        tables=(rater_agreement.table_7(tasks), *([weighted] if weighted else []), *by_label),
        compared=paper.compared("Table 7", ours),
        notes=(f"The raters are {'; '.join(raters)}.", *map(_unknown, tasks), *_elsewhere(inputs, tasks)),
    )


def parts_of_matrices() -> tuple[Part, ...]:
    """Returns the parts of Figures 4 to 9: the confusion matrices of the three tasks, normalised and absolute."""
    return tuple(_part(number, task, over) for number, (task, over) in FIGURES.items())


def _part(number: str, task: str, over: str | None) -> Part:
    kind = "normalised" if over else "absolute"
    title = f"Confusion matrix of {NAMES[task]} ({kind})"

    def make(inputs: Inputs) -> Content:
        if not inputs.agreement:
            raise NotAvailable(NO_LABELS)
        (found, *_) = [*(one for one in inputs.agreement if one.pair.task == task), None]
        if found is None:
            raise NotAvailable(f"the log has no labels of two people in the task '{task}'")
        name = f"figure-{number}"
        return Content(
            tables=(rater_agreement.matrix_table(found, over),),
            plots=(_matrix(name, title, found, over),),
            compared=paper.compared(f"Figure {number}", {"images": found.kappa.n}),
        )

    what = "each row is divided by its sum" if over else "in numbers of images"
    make.__doc__ = (
        f"Images by the label of the first rater (rows) and of the second one (columns) for the {NAMES[task]}, {what}. "
        "The paper does not state which rater its rows are."
    )
    return Part(f"figure-{number}", f"Figure {number}", title, make)


def _numbers(one: TaskAgreement) -> dict[str, Cell]:
    """Returns the numbers of Table 7 by the names of paper.csv; those of an undefined kappa are missing."""
    task, kappa = one.pair.task, one.kappa
    numbers: dict[str, Cell] = {
        f"{task}, n": kappa.n,
        f"{task}, agreements": kappa.agree,
        f"{task}, agreements %": 100 * kappa.agree / kappa.n,
    }
    if kappa.value == kappa.value:
        numbers |= {
            f"{task}, kappa": kappa.value,
            f"{task}, sd": kappa.se,
            f"{task}, 95% CI low": kappa.low,
            f"{task}, 95% CI high": kappa.high,
            f"{task}, expected by chance": kappa.chance,
            f"{task}, expected by chance %": 100 * kappa.chance / kappa.n,
        }
    return numbers


def _unknown(one: TaskAgreement) -> str:
    """Returns how many disagreements are about UNKNOWN."""
    unknown = [place for place, label in enumerate(one.labels) if label.upper() == "UNKNOWN"]
    counts = sum(int(one.matrix[p].sum() + one.matrix[:, p].sum() - 2 * one.matrix[p, p]) for p in unknown)
    disagreements = one.kappa.n - one.kappa.agree
    return f"{one.pair.task}: {counts:,} of {disagreements:,} disagreements are between UNKNOWN and another label."


def _elsewhere(inputs: Inputs, tasks: Sequence[TaskAgreement]) -> list[str]:
    """Returns a note for each task whose raters labelled images that are not in the dataset, such as dropped ones."""
    if "image_key" not in inputs.available:
        return []
    here = set(inputs.values("image_key"))
    notes = []
    for one in tasks:
        both = one.pair.first.keys() & one.pair.second.keys()
        if both - here:
            notes.append(f"{one.pair.task}: {len(both & here):,} of these {len(both):,} images are in this dataset.")
    return notes


def _matrix(name: str, title: str, one: TaskAgreement, over: str | None) -> Matrix:
    first, second = one.pair.names
    labels = ", ".join(one.labels)
    return Matrix(
        name=name,
        title=f"{title}, n = {one.kappa.n:,}",
        alt=f"{title}: rows {first}, columns {second}; labels {labels}; {one.kappa.agree} of {one.kappa.n} agree.",
        rows=one.labels,
        columns=one.labels,
        values=normalised(one.matrix, over).tolist(),
        row_axis=first,
        column_axis=second,
        shares=over is not None,
    )
