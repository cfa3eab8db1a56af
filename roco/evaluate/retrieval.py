"""Scores of retrieval over a stated pool: R@k, MRR, median rank, nDCG; ties count against the right answer."""

from __future__ import annotations

import csv
import hashlib
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError, InvalidSubmission, UsageError, nearest
from roco.base.files import file_digest
from roco.base.limits import UNREADABLE, check_directory, shown
from roco.evaluate.metrics import intervals, ranks
from roco.evaluate.profiles import DEFAULT, profile
from roco.evaluate.report.scores import Report, Score, Sheet
from roco.evaluate.truth import Truth, read_truth

Floats = NDArray[np.float64]
TASKS = {
    "image-to-text": ("images", "texts"),
    "text-to-image": ("texts", "images"),
    "image-to-image": ("images", "images"),
}
KS = (1, 5, 10)
RELEVANT = 0.5
"""Image to image: an answer is right when it shares at least this much of the concepts (Jaccard)."""
HEADER = ("Query", "Candidate", "Score")
MOST_BYTES = 8 << 30  # of vectors
MOST_ROWS = 50_000_000


class Ranking(NamedTuple):
    """Scores of candidates, a block of queries at a time: the place of the first query, and (queries, candidates)."""

    blocks: Iterator[tuple[int, Floats]]
    told: str


def evaluate_retrieval(
    predictions: str | Path,
    truth: str | Path | Mapping[str, object],
    *,
    task: str = "image-to-text",
    profile_name: str = DEFAULT,
    split: str = "test",
    articles: str | Path | Mapping[str, str] | None = None,
    pool: int | None = None,
    against: str | Path | None = None,
    relevant: float = RELEVANT,
    ks: Sequence[int] = KS,
    resamples: int = intervals.RESAMPLES,
) -> Report:
    """Scores rankings of every image of the truth against all others of the pool.

    predictions: .npz with `ids`, `images` and `texts` (vectors, compared by cosine), or CSV Query,Candidate,Score, in
    which a candidate that is not listed stands behind all that are. Image to text and back: the right answer is the one
    with the same id. Image to image: those of other articles that share `relevant` of the concepts; nDCG takes the
    share itself. Candidates of the query's own article are not in its pool, but the right answer. pool: so many images
    of the truth, chosen by the hash of their ids; None, all.
    """
    if task not in TASKS:
        raise UsageError(f"there is no task '{task}'", nearest(task, TASKS))
    same = task != "image-to-image"
    rules = profile(profile_name)
    held = read_truth(truth, "captions" if same else "concepts", rules, split=split, articles=articles)
    ids = _pool(held.ids, pool)
    inputs = dict(held.inputs)
    ranking = _ranking(Path(predictions), ids, held, task, inputs)
    table, sizes = _measured(ranking, ids, held, same, relevant, ks)
    group = intervals.groups_of(held.groups(ids))
    report = Report(f"retrieval, {task}", rules.told(), False, inputs)
    names = [name for name in table if name != "rank"]
    bounds = intervals.of_means(np.stack([table[name] for name in names], axis=1), group, resamples)
    for name, bound in zip(names, bounds, strict=True):
        there = table[name][~np.isnan(table[name])]
        report.scores.append(Score(name, float(there.mean()) if len(there) else float("nan"), len(there), bound))
    if against is not None:
        theirs, _ = _measured(_ranking(Path(against), ids, held, task, inputs), ids, held, same, relevant, ks)
        report.against = {name: intervals.compare(table[name], theirs[name], group) for name in names}
        report.inputs = inputs
    known = table["rank"][~np.isnan(table["rank"])]
    report.scores.append(Score("median_rank", float(np.median(known)) if len(known) else float("nan"), len(known)))
    report.bounds.append(_bounds(names, sizes, same, ks))
    report.notes += _notes(ids, held, ranking.told, sizes, relevant, same)
    rows: list[tuple[Any, ...]] = [
        (id, (held.articles or {}).get(id), *(float(table[n][i]) for n in table), int(sizes[i]))
        for i, id in enumerate(ids)
    ]
    rows.sort(key=lambda row: (-row[2] if row[2] == row[2] else 0, row[0]))
    report.each = Sheet("images", ("ID", "article", *table, "pool"), rows)
    return report


def _ranking(path: Path, ids: Sequence[str], held: Truth, task: str, inputs: dict[str, str]) -> Ranking:
    inputs[str(path)] = _digest(path)
    return _vectors(path, ids, *TASKS[task]) if path.suffix == ".npz" else _listed(path, ids, held.ids)


def _pool(ids: tuple[str, ...], size: int | None) -> tuple[str, ...]:
    if size is None:
        return ids
    if not 1 < size <= len(ids):
        raise UsageError(f"a pool of {size} of {len(ids)} images", f"--pool 2 to {len(ids)}")
    chosen = set(sorted(ids, key=lambda id: hashlib.sha256(id.encode()).digest())[:size])
    return tuple(id for id in ids if id in chosen)


def _measured(
    ranking: Ranking, ids: tuple[str, ...], held: Truth, same: bool, relevant: float, ks: Sequence[int]
) -> tuple[dict[str, Floats], NDArray[np.int64]]:
    n = len(ids)
    groups = np.array(intervals.groups_of(held.groups(ids)))
    held_by, counts = _matrix([(held.concepts or {}).get(id, frozenset()) for id in ids])
    table = {name: np.full(n, np.nan) for name in ("rank", *(f"recall@{k}" for k in ks), "mrr", "ndcg")}
    sizes = np.zeros(n, np.int64)
    for start, scores in ranking.blocks:
        for i, row in enumerate(scores, start):
            out = groups == groups[i]
            if same:
                out[i] = False
                gain = np.zeros(n)
                gain[i] = 1.0
                right = gain > 0
            else:
                gain = np.where(out, 0.0, _shares(held_by, counts, i))
                right = gain >= relevant
            sizes[i] = int((~out).sum())
            table["rank"][i] = ranks.pessimistic_rank(row, right, out)
            table["ndcg"][i] = ranks.ndcg(row, gain, out)
    for k in ks:
        table[f"recall@{k}"] = ranks.recall_at(table["rank"], k)
    table["mrr"] = ranks.reciprocal(table["rank"])
    return table, sizes


def _matrix(told: Sequence[frozenset[str]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Which image has which concept, (images, concepts), and how many it has."""
    at = {cui: i for i, cui in enumerate(sorted(frozenset().union(*told)))}
    matrix = np.zeros((len(told), len(at)), np.float32)
    for row, cuis in zip(matrix, told, strict=True):
        row[[at[cui] for cui in cuis]] = 1
    return matrix, matrix.sum(1)


def _shares(matrix: NDArray[np.float32], counts: NDArray[np.float32], i: int) -> Floats:
    """Jaccard of one image's concepts with those of each; 0 of two empty sets."""
    both = (matrix @ matrix[i]).astype(float)
    either = counts + counts[i] - both
    shares: Floats = np.divide(both, either, out=np.zeros(len(both)), where=either > 0)
    return shares


def _bounds(names: Sequence[str], sizes: NDArray[np.int64], same: bool, ks: Sequence[int]) -> Sheet:
    columns = ("", "what would be answered", *names, "median_rank")
    rows: list[tuple[Any, ...]] = []
    if same:
        chance = ranks.by_chance(sizes, tuple(ks))
        rows.append(
            ("floor", "a random order (expected)", *(chance.get(name) for name in names), chance.get("median_rank"))
        )
    rows.append(("floor", "the same score for all", *[None] * len(names), float(np.median(sizes)) if same else None))
    rows.append(("ceiling", "the right one first", *[1.0] * len(names), 1.0))
    return Sheet("Floors and ceilings", columns, rows)


def _notes(
    ids: Sequence[str], held: Truth, told: str, sizes: NDArray[np.int64], relevant: float, same: bool
) -> list[str]:
    notes = [
        f"pool: {len(ids):,} of {len(held.ids):,} images, {sizes.min():,} to {sizes.max():,} candidates a query",
        "ties count against the right answer (pessimistic)",
        told,
    ]
    if not same:
        notes.append(
            f"right: shares at least {relevant:g} of the concepts (Jaccard); a query without a right one does not count"
        )
    if held.articles is None:
        notes.append(
            "articles are unknown (--articles license_information.csv): none was excluded, intervals are over images"
        )
    else:
        notes.append("candidates of the query's own article are not in its pool")
    return notes


def _digest(path: Path) -> str:
    if not path.is_file():
        raise DataError(f"{path} is no file", "give .npz with ids, images and texts, or CSV Query,Candidate,Score")
    return file_digest(path)


def _vectors(path: Path, ids: Sequence[str], asked: str, answers: str) -> Ranking:
    """Cosines of vectors; arrays of numbers and text only are read, no pickles."""
    try:
        with path.open("rb") as fh:
            check_directory(fh)
            with zipfile.ZipFile(fh) as archive:
                if sum(info.file_size for info in archive.infolist()) > MOST_BYTES:
                    raise ValueError(f"more than {MOST_BYTES >> 30} GB")
        with np.load(path, allow_pickle=False) as held:
            lost = [name for name in ("ids", asked, answers) if name not in held]
            if lost:
                raise DataError(f"{path} has no array '{lost[0]}'", "save ids, images and texts with numpy.savez")
            names = [str(id) for id in held["ids"].ravel()]
            queries, candidates = (np.asarray(held[name], float) for name in (asked, answers))
    except UNREADABLE as err:
        raise DataError(f"{path} cannot be read: {shown(err)}", "save ids, images and texts with numpy.savez") from err
    for name, vectors in ((asked, queries), (answers, candidates)):
        if vectors.ndim != 2 or len(vectors) != len(names):
            raise DataError(
                f"{path}: '{name}' has the shape {vectors.shape}, not ({len(names)}, d)", "one vector for each id"
            )
        if not np.isfinite(vectors).all():
            raise DataError(f"{path}: '{name}' holds what is no number", "look at the model that made it")
    if queries.shape[1] != candidates.shape[1]:
        raise DataError(
            f"{path}: vectors of {queries.shape[1]} and of {candidates.shape[1]} numbers", "both are of one space"
        )
    at = {name: i for i, name in enumerate(names)}
    if len(at) < len(names):
        raise DataError(f"{path}: an id stands twice", "one vector for each id")
    if missing := [id for id in ids if id not in at]:
        raise DataError(
            f"{path}: {len(missing):,} images are missing, first {shown(missing[0])}",
            "every image of the pool is wanted",
        )
    rows = np.array([at[id] for id in ids])
    return Ranking(ranks.cosines(queries[rows], candidates[rows]), f"cosines of vectors of {queries.shape[1]} numbers")


def _listed(path: Path, ids: Sequence[str], known: Sequence[str]) -> Ranking:
    """Scores as a table lists them; rows of images outside of the pool are passed over, unknown ones refused."""
    at, all_known = {id: i for i, id in enumerate(ids)}, frozenset(known)
    found: dict[int, dict[int, float]] = {}
    try:
        with path.open(encoding="utf-8", newline="") as fh:
            reader = csv.reader(fh, strict=True)
            if tuple(next(reader, ())) != HEADER:
                raise InvalidSubmission(
                    f"{path}, line 1: the header is not {','.join(HEADER)}", "write it as the first line"
                )
            for number, row in enumerate(reader):
                line = reader.line_num
                said = _wrong(row, all_known)
                if said or number >= MOST_ROWS:
                    raise InvalidSubmission(
                        f"{path}, line {line}: {said or 'too many rows'}",
                        "nothing was scored; one row for each query and candidate",
                    )
                query, candidate = at.get(row[0]), at.get(row[1])
                if query is None or candidate is None:
                    continue
                scores = found.setdefault(query, {})
                if candidate in scores:
                    raise InvalidSubmission(f"{path}, line {line}: the pair stands twice", "keep one row")
                scores[candidate] = float(row[2])
    except UNREADABLE as err:
        raise DataError(f"{path} cannot be read: {shown(err)}", "give .npz, or CSV Query,Candidate,Score") from err
    if lost := [id for id, i in at.items() if i not in found]:
        raise InvalidSubmission(
            f"{path}: {len(lost):,} queries are missing, first {shown(lost[0])}", "every image of the pool is asked for"
        )

    def blocks() -> Iterator[tuple[int, Floats]]:
        for i in range(len(ids)):
            row = np.full(len(ids), -np.inf)
            row[list(found[i])] = list(found[i].values())
            yield i, row[None]

    return Ranking(blocks(), "scores as listed; candidates that are not stand behind")


def _wrong(row: Sequence[str], known: frozenset[str]) -> str:
    if len(row) != 3:
        return "the line is blank" if not row else f"{len(row)} columns, not 3"
    for id in row[:2]:
        if id not in known:
            return f"the id '{shown(id)}' is unknown to the truth"
    try:
        return "" if np.isfinite(float(row[2])) else "the score is no number"
    except ValueError:
        return f"the score '{shown(row[2])}' is no number"
