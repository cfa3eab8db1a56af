"""Scores of predicted captions: those of ImageCLEF by year, those of the paper's tables, and columns of one's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError, InvalidSubmission, RocoError, UsageError, nearest
from roco.base.files import file_digest
from roco.base.limits import shown
from roco.evaluate import official, submission
from roco.evaluate.columns import columns_of, images_of
from roco.evaluate.metrics import intervals, neural, text
from roco.evaluate.nearest import central, nearest_captions
from roco.evaluate.profiles import DEFAULT, Profile, profile
from roco.evaluate.report.scores import Lost, Report, Score, Sheet
from roco.evaluate.truth import Truth, read_truth
from roco.models.text import linker as link
from roco.models.text import vocabulary as vocabularies

Given = str | Path | Mapping[str, object]
Floats = NDArray[np.float64]
Metric = Callable[[str, str], float]
PLAIN = ("rouge1", "rougeL", "bleu1", "bleu2", "bleu3", "bleu4", "sacrebleu", "cider", "meteor")
NEURAL = ("bertscore_f1", "bertscore_recall", "bleurt", "clipscore", "umls_f1")
METRICS = (*PLAIN, *NEURAL)
SAMPLE = 200  # captions on which floors of slow metrics are computed
SLOW = ("meteor", "bertscore_f1", "bertscore_recall", "bleurt", "umls_f1")
_NEURAL = "torch transformers"
_LIBRARIES = {
    **dict.fromkeys(("rouge1", "rougeL"), "rouge-score"), "sacrebleu": "sacrebleu",
    **dict.fromkeys(("bleu1", "bleu2", "bleu3", "bleu4", "cider", "meteor"), "pycocoevalcap"),
    **dict.fromkeys(("bertscore_f1", "bertscore_recall"), f"bert-score {_NEURAL}"),
    **dict.fromkeys(("bleurt", "clipscore"), _NEURAL),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Models:
    """Models in place of those of the profile, by name on the hub or folder; None takes the profile's."""

    bert: str | None = None
    layers: int | None = None
    idf: bool | None = None
    bleurt: str | None = None
    clip: str | None = None
    vocabulary: Path | None = None  # of the linker, for concept F1
    images: Path | None = None  # a folder or zip of images named by id
    download: bool = False


class Result(NamedTuple):
    """A metric: its value, the value of each caption, sums from which a corpus value is computed, a remark."""

    value: float
    each: Floats
    sums: Floats | None = None
    of_sums: Callable[[Floats], Floats] | None = None
    note: str = ""


@dataclass
class _Job:
    """Pairs to be scored, raw and pre-processed, with what the metrics share."""

    ids: Sequence[str]
    truth: Sequence[str]
    said: Sequence[str]
    rules: Profile
    models: Models
    all_truth: Sequence[str]  # pre-processed captions of the whole truth, for idf
    alone: bool  # each pair by itself, as the official scripts
    found: dict[str, Any] = field(default_factory=dict)  # models and results that several metrics use

    def __post_init__(self) -> None:
        self.g, self.p = [text.preprocess(c) for c in self.truth], [text.preprocess(c) for c in self.said]
        self.empty = np.array([not g and not p for g, p in zip(self.truth, self.said, strict=True)], bool)

    def whole(self, each: Floats, note: str = "") -> Result:
        """The mean over captions, where a pair without a sign on either side counts 1."""
        each = np.where(self.empty, 1.0, each)
        return Result(float(np.mean(each)), each, note=note)


def evaluate_captions(
    predictions: Given,
    truth: Given,
    *,
    profile_name: str = DEFAULT,
    compat: bool = False,
    split: str = "test",
    articles: str | Path | Mapping[str, str] | None = None,
    train: Given | None = None,
    against: Given | None = None,
    metrics: Sequence[str] | None = None,
    models: Models | None = None,
    columns: Sequence[Path] = (),
    own: Mapping[str, Metric] | None = None,
    resamples: int = intervals.RESAMPLES,
) -> Report:
    """Scores predicted captions against a release, a CSV file or a mapping of ids to captions.

    metrics: names of METRICS; None takes all, and what cannot be computed here is told as such. columns: CSV files with
    ID and one number a caption for each further column. own: functions of (caption, truth) by name. Strict and compat
    as in `evaluate_concepts`.
    """
    rules, models = profile(profile_name), models or Models()
    for name in metrics or ():
        if name not in METRICS:
            raise UsageError(f"there is no metric '{name}'", nearest(name, METRICS))
    held = read_truth(truth, "captions", rules, compat=compat, articles=articles, split=split)
    inputs = dict(held.inputs)
    said = read_captions(predictions, rules, held, compat, inputs)
    report = Report("captions", rules.told(), compat, inputs)
    job = _job(said, held, rules, models, compat)
    _both_empty(job, rules, compat)
    results = _results(job, metrics, report)
    computed = list(results)
    for path in columns:
        results |= {name: _own(values) for name, values in columns_of(path, job.ids, inputs, computed).items()}
    for name, metric in (own or {}).items():
        each = np.array([metric(c, g) for c, g in zip(job.said, job.truth, strict=True)], float)
        results[name] = _own(each)
    report.lost = [lost for lost in report.lost if lost.name not in results]
    group = intervals.groups_of(held.groups(tuple(job.ids)))
    _scores(report, results, group, resamples)
    _composites(report, results, rules, group, resamples)
    if against is not None:
        other = read_captions(against, rules, held, compat, inputs)
        theirs = _results(
            _job({id: other[id] for id in job.ids}, held, rules, models, compat), metrics, Report("", {}, False, {})
        )
        pairs = {name: (results[name].each, theirs[name].each) for name in results if name in theirs}
        report.against = {name: intervals.compare(a, b, group) for name, (a, b) in pairs.items()}
        report.notes.append("corpus scores (BLEU, METEOR) are compared by their values of single captions")
    if held.articles is None:
        report.notes.append("intervals are over images: articles are unknown (--articles license_information.csv)")
    trained = read_truth(train, "captions", rules, compat=compat, split="train") if train is not None else None
    if trained:
        inputs |= trained.inputs
    report.bounds.append(_bounds(job, held, trained, computed))
    report.inputs = inputs
    report.idf = job.found.get("idf")
    used = {library for name in results for library in _LIBRARIES.get(name, "").split()}
    report.libraries = tuple(sorted(used))
    report.each = _each(job, held, results)
    return report


def read_captions(given: Given, rules: Profile, held: Truth, compat: bool, inputs: dict[str, str]) -> dict[str, str]:
    """Predicted captions by image, in the order of the file; the file's digest goes to inputs."""
    if isinstance(given, Mapping):
        submission.refuse(submission.of_mapping(given, held.ids, "the predictions"))
        return {str(id): str(caption) for id, caption in given.items()}
    path = Path(given)
    if not path.is_file():
        raise DataError(f"{path} is no file", "give a CSV file with the columns ID,Caption")
    inputs[str(path)] = file_digest(path)
    if compat:
        return official.captions(path, rules, frozenset(held.ids))
    table = submission.read(path, "captions", rules, held.ids)
    submission.refuse(table.faults)
    return {id: entry.cell for id, entry in table.rows.items()}


def _job(said: Mapping[str, str], held: Truth, rules: Profile, models: Models, compat: bool) -> _Job:
    told = held.captions or {}
    ids = list(said)
    whole = [text.preprocess(told[id]) for id in held.ids]
    return _Job(ids, [told[id] for id in ids], [said[id] for id in ids], rules, models, whole, compat)


def _own(values: Floats) -> Result:
    return Result(float(np.mean(values)), values, note="one's own")


def _both_empty(job: _Job, rules: Profile, compat: bool) -> None:
    """Refuses pairs of which nothing is left: in 2023 the official script stops, later ones score most of them 0."""
    pairs = [
        (id, g, p)
        for id, g, p, raw in zip(job.ids, job.g, job.p, job.empty, strict=True)
        if not g and not p and not raw
    ]
    bad = [id for id, _, _ in pairs]
    if rules.both_empty == "fails":
        bad += [id for id, raw in zip(job.ids, job.empty, strict=True) if raw]
    if not bad or (compat and rules.both_empty != "fails"):
        return
    what = f"nothing is left of either caption of '{shown(bad[0])}' after pre-processing"
    does = (
        "the official script stops here"
        if rules.both_empty == "fails"
        else "the official scripts score such a pair 0: --compat"
    )
    raise InvalidSubmission(what, does, (("", 0, what, does),))


def _results(job: _Job, wanted: Sequence[str] | None, report: Report) -> dict[str, Result]:
    found: dict[str, Result] = {}
    for name in wanted or METRICS:
        try:
            found[name] = COMPUTE[name](job)
        except RocoError as err:
            if wanted:
                raise
            report.lost.append(Lost(name, str(err).replace("\n", ";")))
    report.models |= job.found.get("models", {})
    return found


def _rouge(job: _Job, kind: str) -> Result:
    return job.whole(text.rouge(job.g, job.p, kind), "F, rouge-score, no stemmer")


def _bleu(job: _Job, order: int) -> Result:
    if "bleu" not in job.found:
        job.found["bleu"] = text.bleu(job.g, job.p)
    bleu: text.Bleu = job.found["bleu"]
    note = "of the corpus, pycocoevalcap"
    return Result(
        bleu.corpus[order - 1], bleu.each[:, order - 1], bleu.counts, partial(text.bleu_of_sums, order=order), note
    )


def _sacrebleu(job: _Job) -> Result:
    value, signature = text.sacrebleu(job.g, job.p)
    return Result(value, np.full(len(job.ids), np.nan), note=f"of the corpus, {signature}")


def _cider(job: _Job) -> Result:
    each = text.cider(job.g, job.p)
    return Result(float(np.mean(each)), each, note="pycocoevalcap, idf of this truth")


def _meteor(job: _Job) -> Result:
    found = text.meteor(job.g, job.p)
    return Result(
        found.corpus, found.each, note="1.5, Java, of the corpus; the interval is that of the mean over captions"
    )


def _bert(job: _Job, which: str) -> Result:
    if "bert" not in job.found:
        rules, m = job.rules, job.models
        name = m.bert or rules.bert_model
        layers = m.layers or (rules.bert_layers if name == rules.bert_model else neural.known_layers(name))
        if layers is None:
            raise UsageError(f"which layer of {name} counts is not known", "--layers N")
        model = neural.find(name, m.download)
        idf = rules.bert_idf if m.idf is None else m.idf
        job.found["bert"] = found = neural.bert_score(
            job.g, job.p, model, layers, job.all_truth if idf else None, 1 if job.alone else neural.BATCH
        )
        said = f"{name}, layer {layers}, idf {'on' if idf else 'off'}, sha256 {model.digest[:16]}"
        if name != rules.bert_model or layers != rules.bert_layers or idf != rules.bert_idf:
            wanted = f"{rules.bert_model}, layer {rules.bert_layers}, idf {'on' if rules.bert_idf else 'off'}"
            said += f"; not the profile's ({wanted})"
        job.found.setdefault("models", {})["bertscore"] = said
        job.found["idf"] = found.idf
    return job.whole(
        getattr(job.found["bert"], which), "not comparable where the model is another" if job.models.bert else ""
    )


def _bleurt(job: _Job) -> Result:
    name = job.models.bleurt or job.rules.bleurt_model
    model = neural.find(name, job.models.download)
    each = neural.bleurt(job.g, job.p, model, 1 if job.alone else 8)
    job.found.setdefault("models", {})["bleurt"] = f"{name}, sha256 {model.digest[:16]}"
    return Result(float(np.mean(each)), each)


def _clip(job: _Job) -> Result:
    if job.models.images is None:
        raise UsageError("CLIPScore looks at the images", "--images FOLDER or ZIP, files named by id")
    name = job.models.clip or job.rules.clip_model
    model = neural.find(name, job.models.download)
    each = neural.clip_score(images_of(job.models.images, job.ids), job.said, model)
    job.found.setdefault("models", {})["clipscore"] = f"{name}, sha256 {model.digest[:16]}"
    return Result(float(np.mean(each)), each, note="raw captions, 2.5·max(cos, 0)")


def _umls(job: _Job) -> Result:
    if job.models.vocabulary is None:
        raise UsageError(
            "concept F1 wants a linker", "--vocabulary FILE.csv; ImageCLEF's own is MedCAT over all of UMLS"
        )
    linker = link.Linker(vocabularies.load(job.models.vocabulary))
    pairs = [
        tuple(frozenset(m.cui for m in linker.link(c)) for c in pair) for pair in zip(job.truth, job.said, strict=True)
    ]
    each = np.array([concept_f1(*pair) for pair in pairs])
    job.found.setdefault("models", {})["umls_f1"] = (
        f"dictionary linker over {job.models.vocabulary}, sha256 {file_digest(job.models.vocabulary)[:16]}; "
        "not the profile's (MedCAT)"
    )
    return job.whole(each, "raw captions; not comparable with MedCAT's")


def concept_f1(truth: frozenset[str], said: frozenset[str]) -> float:
    """F1 of the concepts of two captions; 0 where neither has one, as ImageCLEF's MedCAT score is."""
    both = len(truth & said)
    return 2 * both / (len(truth) + len(said)) if both else 0.0


COMPUTE: dict[str, Callable[[_Job], Result]] = {
    "rouge1": partial(_rouge, kind="rouge1"),
    "rougeL": partial(_rouge, kind="rougeL"),
    **{f"bleu{n}": partial(_bleu, order=n) for n in (1, 2, 3, 4)},
    "sacrebleu": _sacrebleu,
    "cider": _cider,
    "meteor": _meteor,
    "bertscore_f1": partial(_bert, which="f1"),
    "bertscore_recall": partial(_bert, which="recall"),
    "bleurt": _bleurt,
    "clipscore": _clip,
    "umls_f1": _umls,
}


def _scores(report: Report, results: Mapping[str, Result], group: NDArray[np.int64], resamples: int) -> None:
    for name, r in results.items():
        if r.sums is not None and r.of_sums is not None:
            bound = intervals.of_sums(r.sums, group, r.of_sums, resamples)
        else:
            bound = intervals.of_means(r.each[:, None], group, resamples)[0]
        report.scores.append(Score(name, r.value, len(r.each), bound, r.note))


def _composites(
    report: Report, results: Mapping[str, Result], rules: Profile, group: NDArray[np.int64], resamples: int
) -> None:
    """Relevance, factuality and overall of 2025 and 2026, where all their parts are there."""
    made: dict[str, Floats] = {}
    for name, parts in (("relevance", rules.relevance), ("factuality", rules.factuality)):
        lost = [part for part in parts if part not in results]
        if lost:
            report.lost.append(
                Lost(name, f"mean of {', '.join(parts)}; {', '.join(lost)} missing (--column takes them)")
            )
        elif parts:
            made[name] = np.mean([results[part].each for part in parts], axis=0)
            value = float(np.mean([results[part].value for part in parts]))
            bound = intervals.of_means(made[name][:, None], group, resamples)[0]
            report.scores.append(Score(name, value, len(group), bound, "mean of " + ", ".join(parts)))
    if len(made) == 2:
        both = np.mean(list(made.values()), axis=0)
        value = (report["relevance"] + report["factuality"]) / 2
        report.scores.append(
            Score("overall", value, len(group), intervals.of_means(both[:, None], group, resamples)[0], "mean of both")
        )


def _bounds(job: _Job, held: Truth, trained: Truth | None, names: Sequence[str]) -> Sheet:
    """What a system scores that says nothing of the image, and one that finds the best caption of train."""
    rng = np.random.default_rng(intervals.SEED)
    order = rng.permutation(len(job.ids))
    source = trained or held
    told = source.captions or {}
    best = central([text.preprocess(told[id]) for id in source.ids], [told[id] for id in source.ids])
    whose = "train" if trained else "the truth itself"
    systems = [("floor", "captions of other images (shuffled)", [job.said[i] for i in order])]
    systems.append(("floor", f"one caption for all, of {whose}", [best] * len(job.ids)))
    if trained:
        mine = held.groups(tuple(job.ids))
        theirs = trained.groups(trained.ids)
        systems.append(
            (
                "ceiling",
                "the caption of train nearest to the truth",
                nearest_captions(job.g, mine, [told[i] for i in trained.ids], theirs),
            )
        )
    shown_names = [name for name in names if name != "clipscore"]
    some = sorted(rng.choice(len(job.ids), min(SAMPLE, len(job.ids)), replace=False).tolist())
    rows: list[tuple[Any, ...]] = []
    for kind, name, captions in systems:
        whole = _Job(job.ids, job.truth, captions, job.rules, job.models, job.all_truth, False)
        part = _Job(
            [job.ids[i] for i in some],
            [job.truth[i] for i in some],
            [captions[i] for i in some],
            job.rules,
            job.models,
            job.all_truth,
            False,
        )
        rows.append((kind, name, *(COMPUTE[n](part if n in SLOW else whole).value for n in shown_names)))
    if not trained:
        rows.append(
            ("ceiling", "the caption of train that is nearest to the truth: give --train", *[None] * len(shown_names))
        )
    slow = [n for n in shown_names if n in SLOW]
    title = "Floors and ceilings" + (
        f" ({', '.join(slow)}: of {len(some)} captions)" if slow and len(some) < len(job.ids) else ""
    )
    return Sheet(title, ("", "what would be predicted", *shown_names), rows)


def _each(job: _Job, held: Truth, results: Mapping[str, Result]) -> Sheet:
    names = [name for name, r in results.items() if not np.isnan(r.each).all()]
    rows = []
    for i, id in enumerate(job.ids):
        numbers = (float(results[name].each[i]) for name in names)
        rows.append((id, (held.articles or {}).get(id), *numbers, job.truth[i], job.said[i]))
    rows.sort(key=lambda row: (row[2] if names else 0, row[0]))
    return Sheet("images", ("ID", "article", *names, "truth", "prediction"), rows)
