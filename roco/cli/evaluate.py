"""The commands under `roco evaluate`: of predictions, rankings, answers and raters; `--check` checks a submission."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from roco.base.errors import UsageError
from roco.cli.app import App
from roco.cli.evaluate_grounding import grounding
from roco.cli.evaluate_options import (
    Against,
    Articles,
    Compat,
    Json,
    Out,
    Pred,
    ProfileOpt,
    Split,
    Train,
    TruthOpt,
    create_folder,
    show,
)
from roco.cli.evaluate_retrieval import retrieval
from roco.cli.output import count, safe
from roco.evaluate.caption_metrics import METRIC_OF
from roco.evaluate.profiles import DEFAULT

app = App(
    invoke_without_command=True,
    help="Scores predictions by the rules of ImageCLEF, with intervals, baselines and breakdowns.\n\n"
    "Example: roco evaluate concepts predictions.csv --truth demo/run/release --profile imageclef2025",
)

MAX_PRINTED = 100  # problems of a submission


@app.callback()
def options(
    context: typer.Context,
    check: Annotated[Path | None, typer.Option(metavar="FILE", help="Check a submission without scoring it.")] = None,
    profile: ProfileOpt = DEFAULT,
    truth: Annotated[
        Path | None, typer.Option(metavar="RELEASE|CSV", help="With --check: ground truth that has the image ids.")
    ] = None,
    split: Split = "test",
) -> None:
    if context.invoked_subcommand is not None:
        if check is not None:
            raise UsageError(
                "--check cannot be combined with a command", f"roco evaluate --check {check} --profile {profile}"
            )
        return
    if check is None:
        print(context.get_help())
        raise typer.Exit(2)  # like `roco` and `roco fetch` without a command
    _check(check, profile, truth, split)


@app.command()
def concepts(
    predictions: Pred,
    truth: TruthOpt,
    manual: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Manual concepts, if the ground truth is a CSV file.")
    ] = None,
    profile: ProfileOpt = DEFAULT,
    compat: Compat = False,
    split: Split = "test",
    articles: Articles = None,
    train: Train = None,
    against: Against = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Scores predicted concepts: F1 and secondary F1 of ImageCLEF, directions, combined modalities, breakdowns.

    Example: roco evaluate concepts predictions.csv --truth concepts.csv --manual concepts_manual.csv
    """
    from roco.evaluate.concepts import evaluate_concepts

    create_folder(out)
    report = evaluate_concepts(
        predictions, truth, manual=manual, profile_name=profile, compat=compat, split=split, articles=articles,
        train=train, against=against,
    )  # fmt: skip
    show(report, out, as_json)


@app.command()
def captions(
    predictions: Pred,
    truth: TruthOpt,
    profile: ProfileOpt = DEFAULT,
    metric: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help=f"Only these, repeatable: {', '.join(METRIC_OF)}. All by default."),
    ] = None,
    compat: Compat = False,
    split: Split = "test",
    articles: Articles = None,
    train: Train = None,
    against: Against = None,
    column: Annotated[
        list[Path] | None, typer.Option(metavar="CSV", help="Values of further metrics: ID and one column per metric.")
    ] = None,
    bertscore: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Model of BERTScore: a name on the hub, or a folder.")
    ] = None,
    layers: Annotated[int | None, typer.Option(metavar="N", help="Layer whose states BERTScore compares.")] = None,
    idf: Annotated[
        bool | None, typer.Option("--idf/--no-idf", help="Weight the tokens of BERTScore; overrides the profile.")
    ] = None,
    bleurt: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Model of BLEURT: a name on the hub, or a folder.")
    ] = None,
    clip: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Model of CLIPScore: a name on the hub, or a folder.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(metavar="DIR|ZIP", help="Images for CLIPScore, in files named by id.")
    ] = None,
    vocabulary: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Vocabulary of the linker, for concept F1.")
    ] = None,
    download: Annotated[bool, typer.Option("--download", help="Download models that are not cached.")] = False,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Scores predicted captions: ROUGE, BLEU, CIDEr, METEOR, BERTScore, BLEURT, CLIPScore, concept F1.

    Example: roco evaluate captions predictions.csv --truth demo/run/release --metric rouge1 --metric cider
    """
    from roco.evaluate.caption_pairs import Models
    from roco.evaluate.captions import evaluate_captions

    models = Models(
        bert=bertscore, layers=layers, idf=idf, bleurt=bleurt, clip=clip, images=images, vocabulary=vocabulary,
        download=download,
    )  # fmt: skip
    create_folder(out)
    report = evaluate_captions(
        predictions, truth, profile_name=profile, compat=compat, split=split, articles=articles, train=train,
        against=against, metrics=metric, models=models, columns=column or (),
    )  # fmt: skip
    show(report, out, as_json)


app.command()(retrieval)
app.command()(grounding)


@app.command()
def agreement(
    first: Annotated[
        Path, typer.Argument(metavar="LABELS", help="Labels of one rater: CSV with ID,Label.", show_default=False)
    ],
    truth: Annotated[Path, typer.Option("--truth", metavar="CSV", help="Labels of the other rater.")],
    articles: Articles = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Compares two raters: kappa as in Table 7 of the paper, kappa per label, alpha, AC1, confusion matrices.

    Example: roco evaluate agreement annotator.csv --truth radiologist.csv
    """
    from roco.evaluate.agreement import evaluate_agreement

    create_folder(out)
    show(evaluate_agreement(first, truth, articles=articles), out, as_json)


def _check(path: Path, profile_name: str, truth: Path | None, split: str) -> None:
    """Prints the problems of a submission; exits with status 1 if there are any."""
    from roco.evaluate import submission
    from roco.evaluate.profiles import profile
    from roco.evaluate.truth import read_ids

    rules = profile(profile_name)
    kind = submission.kind_of(path)
    ids = None if truth is None else read_ids(truth, kind, rules, split)
    problems = submission.check(path, rules, ids, kind)
    for problem in problems[:MAX_PRINTED]:
        print(safe(str(problem)))
    if len(problems) > MAX_PRINTED:
        print(f"and {len(problems) - MAX_PRINTED:,} more problems")
    checked = safe(f"{path} ({kind} for {rules.name})")
    if ids is None:
        print("the ids were not checked: add --truth RELEASE or CSV")
    print(f"{checked}: {count('problem', len(problems))}" if problems else f"OK: {checked}, all checks passed")
    if problems:
        raise SystemExit(1)
