"""The table of caption metrics determines scores, help and errors about missing extras."""

from __future__ import annotations

import importlib
import sys

import pytest
from typer.testing import CliRunner

from roco import evaluate_captions
from roco.base.errors import MissingExtra
from roco.cli.main import app
from roco.evaluate.caption_metrics import CAPTION_METRICS, FAST, METRIC_OF, CaptionMetric
from roco.evaluate.caption_pairs import CaptionPairs, Models
from roco.evaluate.metrics.libraries import PYCOCOEVALCAP, TORCH
from roco.evaluate.profiles import profile
from tests.evaluate.examples import CAPTIONS, PREDICTED_CAPTIONS


def pairs() -> CaptionPairs:
    truth = list(CAPTIONS.values())
    return CaptionPairs(
        ids=list(CAPTIONS),
        truth=truth,
        predictions=list(PREDICTED_CAPTIONS.values()),
        all_truth=truth,
        rules=profile("imageclef2023"),
        models=Models(),
    )


@pytest.mark.parametrize("metric", [m for m in CAPTION_METRICS if m.cost == FAST], ids=lambda m: m.name)
def test_a_metric_computes_exactly_the_scores_that_the_table_lists(metric: CaptionMetric) -> None:
    scores = metric.compute(pairs()).scores
    assert tuple(scores) == metric.scores
    assert all(len(score.each) == len(CAPTIONS) for score in scores.values())


def test_a_metric_is_computed_once_for_all_its_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    from roco.evaluate.metrics import text

    calls = []
    original = text.bleu
    monkeypatch.setattr(text, "bleu", lambda *args: calls.append(args) or original(*args))
    report = evaluate_captions(PREDICTED_CAPTIONS, CAPTIONS, metrics=("bleu1", "bleu2", "bleu3", "bleu4"))
    assert len(report.scores) == 4
    assert len(calls) == 1 + 2  # the predictions and two baselines


@pytest.mark.parametrize("name", ["cider", "bleu1", "rouge1", "sacrebleu"])
def test_a_missing_library_is_an_error_with_the_extra_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def missing(module: str) -> None:
        raise ImportError(module)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(MissingExtra) as err:
        METRIC_OF[name].compute(pairs())
    (library,) = METRIC_OF[name].libraries
    assert err.value.message == f"{library.name} is not installed"
    assert err.value.hint.startswith(f"pip install '.[{library.extra}]'")


def test_the_report_names_the_libraries_of_its_scores_only() -> None:
    report = evaluate_captions(PREDICTED_CAPTIONS, CAPTIONS, metrics=("bleu1", "cider"))
    assert report.libraries == (PYCOCOEVALCAP.name,)
    assert PYCOCOEVALCAP.name in report.versions and TORCH.name not in report.versions


def test_the_help_lists_every_score() -> None:
    help_text = CliRunner().invoke(app, ["evaluate", "captions", "--help"]).stdout
    words = help_text.replace(",", " ").replace(".", " ").split()
    assert not [name for name in METRIC_OF if name not in words]


def test_reading_the_table_imports_no_library() -> None:
    import subprocess

    heavy = ("numpy", "torch", "pyarrow")
    code = f"import sys, roco.evaluate.caption_metrics; print([name for name in {heavy} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
