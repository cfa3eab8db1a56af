"""The table of caption metrics: names, computation, libraries, cost.

The options of `roco evaluate captions`, its help, the table in docs/evaluate.md and the errors about missing extras
follow from it. The module itself imports no library: `roco --help` reads the table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from roco.base.errors import UsageError
from roco.evaluate import caption_limits
from roco.evaluate.caption_pairs import CaptionPairs, MetricResult, MetricScores
from roco.evaluate.metrics import libraries
from roco.evaluate.metrics.libraries import Library

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from roco.evaluate.metrics.pretrained import Model

    Floats = NDArray[np.float64]

FAST, SLOW = "fast", "slow"


@dataclass(frozen=True, kw_only=True)
class CaptionMetric:
    """One metric: a single computation that returns one or more scores.

    scores: their names, as in `--metric`. cost: SLOW metrics are computed on a sample for baselines. remark: Markdown,
    for the documentation.
    """

    name: str
    scores: tuple[str, ...]
    compute: Callable[[CaptionPairs], MetricResult]
    cost: str
    remark: str
    libraries: tuple[Library, ...] = field(default=())


def rouge(pairs: CaptionPairs, kind: str) -> MetricResult:
    """Computes ROUGE, averaged over captions."""
    from roco.evaluate.metrics import text

    each = text.rouge(pairs.clean_truth, pairs.clean_predictions, kind)
    limits = caption_limits.rouge_limits(pairs.clean_truth, pairs.clean_predictions)
    return MetricResult({kind: _mean(each, _note("F1, rouge-score, no stemmer", limits), pairs)})


def bleu(pairs: CaptionPairs) -> MetricResult:
    """Computes BLEU-1 to BLEU-4 of all captions together."""
    from roco.evaluate.metrics import text

    result = text.bleu(pairs.clean_truth, pairs.clean_predictions)
    word_limits = caption_limits.word_limits(pairs.clean_truth, pairs.clean_predictions)
    matching, total = text.ngram_counts(result.counts.sum(0))
    scores = {}
    for i, corpus in enumerate(result.corpus):
        order = i + 1
        ngram_limits = caption_limits.ngram_limits(matching[:order], total[:order], "pycocoevalcap")
        note = _note("corpus level, pycocoevalcap", ngram_limits + word_limits)
        of_sums = partial(text.bleu_of_sums, order=order)
        scores[f"bleu{order}"] = MetricScores(corpus, result.each[:, i], result.counts, of_sums, note)
    return MetricResult(scores)


def sacrebleu(pairs: CaptionPairs) -> MetricResult:
    """Computes the BLEU-4 of sacrebleu, which has no value per caption."""
    import numpy as np

    from roco.evaluate.metrics import text

    result = text.sacrebleu(pairs.clean_truth, pairs.clean_predictions)
    limits = caption_limits.ngram_limits(result.matching, result.total, "sacrebleu")
    limits += caption_limits.word_limits(pairs.clean_truth, pairs.clean_predictions)
    undefined = np.full(len(pairs.ids), np.nan)
    note = _note(f"corpus level, {result.signature}", limits)
    return MetricResult({"sacrebleu": MetricScores(result.value, undefined, note=note)})


def cider(pairs: CaptionPairs) -> MetricResult:
    """Computes CIDEr, averaged over captions."""
    from roco.evaluate.metrics import text

    each = text.cider(pairs.clean_truth, pairs.clean_predictions)
    limits = caption_limits.cider_limits(pairs.clean_truth)
    limits += caption_limits.word_limits(pairs.clean_truth, pairs.clean_predictions)
    return MetricResult({"cider": _mean(each, _note("pycocoevalcap, IDF of this ground truth", limits))})


def meteor(pairs: CaptionPairs) -> MetricResult:
    """Computes METEOR 1.5 of all captions together."""
    from roco.evaluate.metrics.meteor import meteor as compute
    from roco.evaluate.metrics.meteor import meteor_of_sums

    result = compute(pairs.clean_truth, pairs.clean_predictions)
    note = _note("1.5 (Java), corpus level", caption_limits.meteor_limits(pairs.clean_truth, pairs.clean_predictions))
    scores = MetricScores(result.corpus, result.each, result.counts, meteor_of_sums, note)
    return MetricResult({"meteor": scores})


def bertscore(pairs: CaptionPairs) -> MetricResult:
    """Computes the F1 and recall of BERTScore, averaged over captions."""
    from roco.evaluate.metrics.bertscore import BATCH, bert_score, default_layer
    from roco.evaluate.metrics.pretrained import find

    rules, models = pairs.rules, pairs.models
    name = models.bert or rules.bert_model
    layers = models.layers or (rules.bert_layers if name == rules.bert_model else default_layer(name))
    if layers is None:
        raise UsageError(f"bert-score defines no layer for the model {name}", "choose a layer with --layers N")
    idf = rules.bert_idf if models.idf is None else models.idf
    model = find(name, models.download)
    result = bert_score(
        pairs.clean_truth,
        pairs.clean_predictions,
        model,
        layers,
        pairs.clean_all_truth if idf else None,
        1 if pairs.one_by_one else BATCH,
    )
    description = f"{_bert_settings(name, layers, idf)}, sha256 {model.digest[:16]}"
    expected = _bert_settings(rules.bert_model, rules.bert_layers, rules.bert_idf)
    if _bert_settings(name, layers, idf) != expected:
        description += f"; differs from the profile ({expected})"
    note = _note(
        "not comparable with scores of other models" if models.bert else "",
        caption_limits.idf_limits(pairs.clean_all_truth) if idf else [],
    )
    scores = {
        "bertscore_f1": _mean(result.f1, note, pairs),
        "bertscore_recall": _mean(result.recall, note, pairs),
    }
    return MetricResult(scores, description, result.token_weights)


def bleurt(pairs: CaptionPairs) -> MetricResult:
    """Computes BLEURT, averaged over captions."""
    from roco.evaluate.metrics.bleurt import BATCH
    from roco.evaluate.metrics.bleurt import bleurt as compute
    from roco.evaluate.metrics.pretrained import find

    model = find(pairs.models.bleurt or pairs.rules.bleurt_model, pairs.models.download)
    each = compute(pairs.clean_truth, pairs.clean_predictions, model, 1 if pairs.one_by_one else BATCH)
    return MetricResult({"bleurt": _mean(each)}, _described(model))


def clipscore(pairs: CaptionPairs) -> MetricResult:
    """Computes CLIPScore on unprocessed captions, averaged over captions."""
    from roco.evaluate.caption_files import read_images
    from roco.evaluate.metrics.clipscore import clip_score
    from roco.evaluate.metrics.pretrained import find

    if pairs.models.images is None:
        raise UsageError("CLIPScore needs the images", "--images FOLDER or ZIP, with files named by id")
    model = find(pairs.models.clip or pairs.rules.clip_model, pairs.models.download)
    each = clip_score(read_images(pairs.models.images, pairs.ids), pairs.predictions, model)
    return MetricResult({"clipscore": _mean(each, "unprocessed captions, 2.5·max(cos, 0)")}, _described(model))


def umls_f1(pairs: CaptionPairs) -> MetricResult:
    """Computes the F1 of the concepts that roco's dictionary linker finds in unprocessed captions."""
    import numpy as np

    from roco.base.files import file_digest
    from roco.models.text.linking.dictionary import Dictionary
    from roco.models.text.vocabulary.table import load

    path = pairs.models.vocabulary
    if path is None:
        raise UsageError(
            "concept F1 needs a vocabulary", "--vocabulary FILE.csv (ImageCLEF uses MedCAT with all of UMLS)"
        )
    linker = Dictionary(load(path))
    each = []
    n_without = 0
    for true, predicted in zip(linker.link(pairs.truth), linker.link(pairs.predictions), strict=True):
        true_cuis = frozenset(mention.cui for mention in true)
        predicted_cuis = frozenset(mention.cui for mention in predicted)
        each.append(concept_f1(true_cuis, predicted_cuis))
        n_without += not true_cuis and not predicted_cuis
    description = f"dictionary linker, {path}, sha256 {file_digest(path)[:16]}; differs from the profile (MedCAT)"
    limits = [f"0 for {n_without:,} images without a concept on either side"] if n_without else []
    note = _note("unprocessed captions; not comparable with MedCAT", limits)
    return MetricResult({"umls_f1": _mean(np.array(each), note, pairs)}, description)


def concept_f1(truth: frozenset[str], predictions: frozenset[str]) -> float:
    """Returns the F1 of two sets of concepts; 0 if both are empty, as in ImageCLEF's score with MedCAT."""
    shared = len(truth & predictions)
    return 2 * shared / (len(truth) + len(predictions)) if shared else 0.0


_NEURAL = (libraries.TORCH, libraries.TRANSFORMERS)

CAPTION_METRICS = (
    *(
        CaptionMetric(
            name=kind,
            scores=(kind,),
            compute=partial(rouge, kind=kind),
            cost=FAST,
            remark="F1, no stemmer, mean over captions",
            libraries=(libraries.ROUGE_SCORE,),
        )
        for kind in ("rouge1", "rougeL")
    ),
    CaptionMetric(
        name="bleu",
        scores=("bleu1", "bleu2", "bleu3", "bleu4"),
        compute=bleu,
        cost=FAST,
        remark="corpus level, which is not the mean over captions",
        libraries=(libraries.PYCOCOEVALCAP,),
    ),
    CaptionMetric(
        name="sacrebleu",
        scores=("sacrebleu",),
        compute=sacrebleu,
        cost=FAST,
        remark="corpus level, with its signature; not comparable with `bleu4`",
        libraries=(libraries.SACREBLEU,),
    ),
    CaptionMetric(
        name="cider",
        scores=("cider",),
        compute=cider,
        cost=FAST,
        remark="its IDF comes from this ground truth, so a subset of the images scores differently",
        libraries=(libraries.PYCOCOEVALCAP,),
    ),
    CaptionMetric(
        name="meteor",
        scores=("meteor",),
        compute=meteor,
        cost=SLOW,
        remark="METEOR 1.5, corpus level; needs Java. The METEOR of NLTK has other values",
        libraries=(libraries.PYCOCOEVALCAP,),
    ),
    CaptionMetric(
        name="bertscore",
        scores=("bertscore_f1", "bertscore_recall"),
        compute=bertscore,
        cost=SLOW,
        remark="`--bertscore MODEL`, `--layers N`; IDF as in the profile, or `--idf`, `--no-idf`; weights in `idf.csv`",
        libraries=(libraries.BERT_SCORE, *_NEURAL),
    ),
    CaptionMetric(
        name="bleurt",
        scores=("bleurt",),
        compute=bleurt,
        cost=SLOW,
        remark="`--bleurt MODEL`; BLEURT-20-D12 also needs bleurt-pytorch, which requires transformers below 5",
        libraries=_NEURAL,
    ),
    CaptionMetric(
        name="clipscore",
        scores=("clipscore",),
        compute=clipscore,
        cost=SLOW,
        remark="`--clip MODEL --images DIR` or a zip; prefix `A photo depicts`, 2.5·max(cos, 0)",
        libraries=_NEURAL,
    ),
    CaptionMetric(
        name="umls_f1",
        scores=("umls_f1",),
        compute=umls_f1,
        cost=SLOW,
        remark="`--vocabulary CSV`, roco's linker; ImageCLEF uses MedCAT with all of UMLS, which gives other values",
    ),
)
"""Every metric, in the order of the report."""

METRIC_OF = {score: metric for metric in CAPTION_METRICS for score in metric.scores}
"""Name of a score -> its metric, in the order of the report."""


def markdown() -> str:
    """Returns the table of metrics for docs/evaluate.md."""
    lines = ["| scores | library | extra | cost | remark |", "|---|---|---|---|---|"]
    for metric in CAPTION_METRICS:
        scores = ", ".join(f"`{score}`" for score in metric.scores)
        names = ", ".join(library.name for library in metric.libraries) or "roco"
        extra = ", ".join(sorted({f"`{library.extra}`" for library in metric.libraries}))
        lines.append(f"| {scores} | {names} | {extra} | {metric.cost} | {metric.remark} |")
    return "\n".join(lines)


def _note(text: str, limits: Sequence[str]) -> str:
    """Returns a note followed by remarks on the limits of a score."""
    return "; ".join(part for part in (text, *limits) if part)


def _mean(each: Floats, note: str = "", pairs: CaptionPairs | None = None) -> MetricScores:
    """Returns the mean over captions. pairs: a pair of which both captions are empty counts 1, as in ImageCLEF."""
    import numpy as np

    if pairs is not None:
        each = np.where(np.array(pairs.both_empty, bool), 1.0, each)
    return MetricScores(float(np.mean(each)), each, note=note)


def _bert_settings(name: str, layers: int, idf: bool) -> str:
    return f"{name}, layer {layers}, IDF {'on' if idf else 'off'}"


def _described(model: Model) -> str:
    return f"{model.name}, sha256 {model.digest[:16]}"
