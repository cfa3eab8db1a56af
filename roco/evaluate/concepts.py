"""Scores of predicted concepts: F1 and secondary F1 as ImageCLEF has them, and what they do not tell."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roco.base import labels as vocab
from roco.base.errors import DataError
from roco.base.files import file_digest
from roco.evaluate import official, submission
from roco.evaluate.metrics import intervals, sets
from roco.evaluate.profiles import DEFAULT, OCT, Profile, profile
from roco.evaluate.report.scores import Lost, Report, Score, Sheet
from roco.evaluate.truth import Truth, read_truth, sets_of

Given = str | Path | Mapping[str, object]
Predictions = dict[str, frozenset[str]]
FREQUENCY = ((1, 10), (11, 100), (101, 1000), (1001, None))
"""Bands of how many images have a concept."""
SHUFFLES = 10
CONSTANT = 10  # concepts at most that the constant prediction names
_SINGLE = {term.cui: label for label, term in vocab.MODALITIES.items() if term.cui} | {OCT: "OCT"}
_DIRECTIONS = vocab.cuis("direction")


def evaluate_concepts(
    predictions: Given,
    truth: Given,
    *,
    manual: Given | None = None,
    profile_name: str = DEFAULT,
    compat: bool = False,
    split: str = "test",
    articles: str | Path | Mapping[str, str] | None = None,
    train: Given | None = None,
    against: Given | None = None,
    resamples: int = intervals.RESAMPLES,
) -> Report:
    """Scores predicted concepts against a release, a CSV file or a mapping of ids to CUIs.

    Strict by default: what the official scripts would silently mis-score raises InvalidSubmission. compat: read and
    scored as they do. train: where frequencies and the constant prediction come from; the truth itself without it.
    """
    rules = profile(profile_name)
    held = read_truth(truth, "concepts", rules, compat=compat, manual=manual, articles=articles, split=split)
    inputs = dict(held.inputs)
    said = read_predictions(predictions, rules, held, compat, inputs)
    report = Report("concepts", rules.told(), compat, inputs)
    table = _values(said, held, rules)
    ids, group = tuple(said), intervals.groups_of(held.groups(tuple(said)))
    names = list(table)
    bounds = intervals.of_means(np.stack([table[name] for name in names], axis=1), group, resamples)
    for name, bound in zip(names, bounds, strict=True):
        report.scores.append(_score(name, table[name], held, bound))
    _micro_macro(report, said, held, group, resamples)
    if held.manual is None:
        report.lost += [
            Lost(name, "no manual concepts; --manual CSV takes them")
            for name in ("secondary_f1", "combined_modality_f1")
        ]
    if held.articles is None:
        report.notes.append("intervals are over images: articles are unknown (--articles license_information.csv)")
    if against is not None:
        other = read_predictions(against, rules, held, compat, inputs)
        theirs = _values({id: other[id] for id in ids}, held, rules)
        report.against = {name: intervals.compare(table[name], theirs[name], group) for name in names}
    trained = read_truth(train, "concepts", rules, compat=compat, split="train") if train is not None else None
    if trained:
        inputs |= trained.inputs
    _bounds(report, said, held, trained, rules)
    _breakdowns(report, said, held, trained)
    report.inputs = inputs
    report.each = _each(said, held, table)
    return report


def read_predictions(given: Given, rules: Profile, held: Truth, compat: bool, inputs: dict[str, str]) -> Predictions:
    """Predicted sets by image, in the order of the file; the file's digest goes to inputs."""
    if isinstance(given, Mapping):
        submission.refuse(submission.of_mapping(given, held.ids, "the predictions"))
        return sets_of(given)
    path = Path(given)
    if not path.is_file():
        raise DataError(f"{path} is no file", "give a CSV file with the columns ID,CUIs")
    inputs[str(path)] = file_digest(path)
    if compat:
        return {id: frozenset(c) for id, c in official.concepts(path, rules, frozenset(held.ids)).items()}
    table = submission.read(path, "concepts", rules, held.ids)
    faults = list(table.faults)
    found = submission.concepts_of(path, table, faults)
    if held.lines and (bad := [id for id in held.ids if "ID" in id]):
        faults.append(
            submission.Fault(
                "the truth", held.lines[bad[0]], "an id holds the letters ID", "the official scripts skip such rows"
            )
        )
    submission.refuse(faults)
    return found


def f1_of(said: Predictions, held: Truth) -> float:
    """Mean F1 over images, in the order of the predictions: the score of ImageCLEF."""
    told = held.concepts or {}
    sizes = sets.overlap([told[id] for id in said], list(said.values()))
    return sets.mean(sets.f1(sizes), len(held.ids))


def secondary_of(said: Predictions, held: Truth, rules: Profile) -> NDArray[np.float64]:
    """F1 of each image on the manual concepts of the profile alone; NaN where the truth has none of them."""
    told = held.manual or {}
    truth = [told[id] & rules.manual for id in said]
    sizes = sets.overlap(truth, [cuis & rules.manual for cuis in said.values()])
    return np.where(sizes.truth > 0, sets.f1(sizes), np.nan)


def modality_of(id: str, held: Truth) -> str:
    """The modality of an image by its manual concepts, else by all: DRCO where no single one is named by hand."""
    cuis = held.manual[id] if held.manual is not None else (held.concepts or {})[id]
    found = sorted({_SINGLE[cui] for cui in cuis if cui in _SINGLE})
    if len(found) == 1:
        return found[0]
    return "DRCO" if held.manual is not None or found else "unknown"


def _values(said: Predictions, held: Truth, rules: Profile) -> dict[str, NDArray[np.float64]]:
    """Each score's value of each image, in the order of the predictions; NaN where it does not count."""
    told = held.concepts or {}
    truth, given = [told[id] for id in said], list(said.values())
    sizes = sets.overlap(truth, given)
    table = {"f1": sets.f1(sizes), "precision": sets.precision(sizes), "recall": sets.recall(sizes)}
    if held.manual is not None:
        table["secondary_f1"] = secondary_of(said, held, rules)
        combined = np.array([modality_of(id, held) == "DRCO" for id in said])
        table["combined_modality_f1"] = np.where(combined, table["f1"], np.nan)
        alone = np.array([len(cuis & _SINGLE.keys()) == 1 for cuis in given], float)
        table["combined_modality_called_single"] = np.where(combined, alone, np.nan)
    where = held.manual if held.manual is not None else told
    directions = sets.overlap([where[id] & _DIRECTIONS for id in said], [cuis & _DIRECTIONS for cuis in given])
    table["directionality_f1"] = np.where(directions.truth > 0, sets.f1(directions), np.nan)
    return table


NOTES = {
    "f1": "ImageCLEF's score",
    "secondary_f1": "ImageCLEF's secondary score: modalities and body regions",
    "directionality_f1": "ours: images with a direction; the secondary score has none",
    "combined_modality_f1": "ours: images without a single modality; the secondary score drops them",
    "combined_modality_called_single": "ours: share of these for which one single modality was named",
    "precision": "ours", "recall": "ours", "micro_f1": "ours", "macro_f1": "ours",
}  # fmt: skip


def _score(name: str, values: NDArray[np.float64], held: Truth, bound: intervals.Interval | None) -> Score:
    there = values[~np.isnan(values)]
    count = len(there)
    if name == "f1":
        count = len(held.ids)
    elif name == "secondary_f1" and held.manual is not None:
        count = len(held.manual) - (len(values) - len(there))  # as the official script counts
    return Score(name, sets.mean(there, count), len(there), bound, NOTES.get(name, ""))


def _micro_macro(report: Report, said: Predictions, held: Truth, group: NDArray[np.int64], resamples: int) -> None:
    told = held.concepts or {}
    truth, given = [told[id] for id in said], list(said.values())
    sizes = sets.overlap(truth, given)
    columns = np.stack([2.0 * sizes.both, sizes.truth + sizes.predicted], axis=1).astype(float)
    bound = intervals.of_sums(columns, group, lambda sums: sums[:, 0] / np.maximum(sums[:, 1], 1.0), resamples)
    wanted = [c for c in sets.by_concept(truth, given).values() if c.hits + c.missed]
    report.scores.append(Score("micro_f1", sets.micro_f1(sizes), len(said), bound, NOTES["micro_f1"]))
    report.scores.append(Score("macro_f1", sets.macro_f1(wanted), len(said), None, "ours: over concepts of the truth"))


def _bounds(report: Report, said: Predictions, held: Truth, trained: Truth | None, rules: Profile) -> None:
    told, ids = held.concepts or {}, list(said)
    rng = np.random.default_rng(intervals.SEED)
    given = list(said.values())
    systems: list[tuple[str, str, list[Predictions]]] = []
    orders = [rng.permutation(len(ids)) for _ in range(SHUFFLES)]
    systems.append(
        (
            "floor",
            f"predictions of other images, {SHUFFLES} shuffles",
            [{id: given[j] for id, j in zip(ids, order, strict=True)} for order in orders],
        )
    )
    source = trained or held
    best = constant(list((source.concepts or {}).values()))
    whose = "train" if trained else "the truth itself"
    systems.append(("floor", f"{len(best)} concepts for all images, from {whose}", [dict.fromkeys(ids, best)]))
    modalities = {id: (held.manual or told)[id] & _SINGLE.keys() for id in ids}
    systems.append(("ceiling", "the true modality and nothing else", [modalities]))
    if held.manual is not None:
        systems.append(("ceiling", "the manual concepts and nothing else", [{id: held.manual[id] for id in ids}]))
    rows = []
    for kind, name, runs in systems:
        first = float(np.mean([f1_of(run, held) for run in runs]))
        second = None
        if held.manual is not None:
            every = np.concatenate([secondary_of(run, held, rules) for run in runs])
            second = float(np.nanmean(every)) if not np.isnan(every).all() else None
        rows.append((kind, name, first, second))
    report.bounds.append(Sheet("Floors and ceilings", ("", "what would be predicted", "f1", "secondary_f1"), rows))


def constant(truth: Sequence[frozenset[str]]) -> frozenset[str]:
    """The set of most frequent concepts that, predicted for every image, has the best mean F1."""
    often = [c for c, _ in sorted(Counter(c for cuis in truth for c in cuis).items(), key=lambda i: (-i[1], i[0]))]
    tried = [frozenset(often[:k]) for k in range(1, min(CONSTANT, len(often)) + 1)]
    if not tried:
        return frozenset()
    return max(tried, key=lambda s: float(sets.f1(sets.overlap(truth, [s] * len(truth))).mean()))


def _breakdowns(report: Report, said: Predictions, held: Truth, trained: Truth | None) -> None:
    told = held.concepts or {}
    truth, given = [told[id] for id in said], list(said.values())
    sizes = sets.overlap(truth, given)
    values = np.stack([sets.f1(sizes), sets.precision(sizes), sets.recall(sizes)], axis=1)
    counts = sets.by_concept(truth, given)
    report.sheets.append(_grouped("By modality (ours)", "modality", [modality_of(id, held) for id in said], values))
    lengths = [f"{n}" if n < 6 else "6 and more" for n in sizes.truth.tolist()]
    report.sheets.append(_grouped("By number of concepts (ours)", "concepts", lengths, values))
    often = Counter(cui for cuis in ((trained or held).concepts or {}).values() for cui in cuis)
    rows = []
    for low, high in ((0, 0), *FREQUENCY):
        band = [
            c
            for cui, c in counts.items()
            if low <= often[cui] and (high is None or often[cui] <= high) and c.hits + c.missed + c.false
        ]
        if band:
            hits, false, missed = (sum(c[i] for c in band) for i in range(3))
            name = "none" if high == 0 else f"{low} to {high}" if high else f"{low} and more"
            rows.append(
                (name, len(band), 2 * hits / (2 * hits + false + missed), sets.macro_f1(band), hits, false, missed)
            )
    where = "train" if trained else "the truth itself"
    columns = (f"images in {where}", "concepts", "micro f1", "macro f1", "hits", "false", "missed")
    report.sheets.append(Sheet("By frequency (ours)", columns, rows))
    listed = sorted(counts.items(), key=lambda i: (-(i[1].hits + i[1].missed), i[0]))
    names = {t.cui: t.name for terms in vocab.KINDS.values() for t in terms.values() if t.cui} | dict(held.names or {})
    each = [
        (cui, names.get(cui, ""), c.hits + c.missed, sets.concept_f1(c), c.hits, c.false, c.missed) for cui, c in listed
    ]
    report.sheets.append(Sheet("By concept (ours)", ("CUI", "name", "images", "f1", "hits", "false", "missed"), each))


def _grouped(title: str, column: str, keys: Sequence[str], values: NDArray[np.float64]) -> Sheet:
    rows_of: defaultdict[str, list[int]] = defaultdict(list)
    for i, key in enumerate(keys):
        rows_of[key].append(i)
    rows = [(key, len(at), *map(float, values[at].mean(0))) for key, at in sorted(rows_of.items())]
    return Sheet(title, (column, "images", "f1", "precision", "recall"), rows)


def _each(said: Predictions, held: Truth, table: Mapping[str, NDArray[np.float64]]) -> Sheet:
    told = held.concepts or {}
    columns = ("ID", "article", "modality", *table, "right", "false", "missed")
    rows = []
    for i, (id, cuis) in enumerate(said.items()):
        parts = (cuis & told[id], cuis - told[id], told[id] - cuis)
        article = (held.articles or {}).get(id)
        rows.append(
            (
                id,
                article,
                modality_of(id, held),
                *(float(v[i]) for v in table.values()),
                *(";".join(sorted(p)) for p in parts),
            )
        )
    rows.sort(key=lambda row: (row[3], row[0]))
    return Sheet("images", columns, rows)
