"""`roco evaluate`: concepts, captions, retrieval, agreement; and the submission checker alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roco.base.errors import UsageError
from roco.cli.output import print_json, print_next, safe
from roco.cli.usage import Commands

if TYPE_CHECKING:
    from roco.evaluate.report.scores import Report

app = typer.Typer(
    cls=Commands,
    invoke_without_command=True,
    rich_markup_mode=None,
    help="Score predictions as ImageCLEF does, and say what its scores leave out.\n\n"
    "Example: roco evaluate concepts predictions.csv --truth demo/run/release --profile imageclef2025",
)

Pred = Annotated[
    Path, typer.Argument(metavar="PRED", help="CSV, or a zip that holds submission.csv.", show_default=False)
]
TruthOpt = Annotated[
    Path, typer.Option("--truth", metavar="RELEASE|CSV", help="A release, the published ROCOv2, or CSV.")
]
ProfileOpt = Annotated[
    str, typer.Option("--profile", metavar="NAME", help="imageclef2023 (the paper's), 2025 or 2026.")
]
Split = Annotated[str, typer.Option(metavar="NAME", help="Of a release: train, valid, test or all.")]
Compat = Annotated[bool, typer.Option("--compat", help="Read and score as the official scripts do, quirks and all.")]
Articles = Annotated[Path | None, typer.Option(metavar="CSV", help="ID and PMCID, as license_information.csv.")]
Train = Annotated[Path | None, typer.Option(metavar="RELEASE|CSV", help="Where frequencies and floors come from.")]
Against = Annotated[Path | None, typer.Option(metavar="PRED", help="Another system, to be compared with.")]
Out = Annotated[Path | None, typer.Option(metavar="DIR", help="Write Markdown, LaTeX, CSV, JSON and a row per image.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
NAME = "imageclef2023"


@app.callback()
def options(
    context: typer.Context,
    check: Annotated[Path | None, typer.Option(metavar="FILE", help="Check a submission, and score nothing.")] = None,
    profile: ProfileOpt = NAME,
    truth: Annotated[Path | None, typer.Option(metavar="RELEASE|CSV", help="Whose ids it must have.")] = None,
    split: Split = "test",
) -> None:
    if context.invoked_subcommand is not None:
        if check is not None:
            raise UsageError("--check scores nothing", f"roco evaluate --check {check} --profile {profile}")
        return
    if check is None:
        print(context.get_help())
        return
    _check(check, profile, truth, split)


@app.command()
def concepts(
    predictions: Pred,
    truth: TruthOpt,
    manual: Annotated[Path | None, typer.Option(metavar="CSV", help="Manual concepts; a release has its own.")] = None,
    profile: ProfileOpt = NAME,
    compat: Compat = False,
    split: Split = "test",
    articles: Articles = None,
    train: Train = None,
    against: Against = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """F1 and secondary F1 as ImageCLEF has them; directions, combined modality, by modality, concept, frequency.

    Example: roco evaluate concepts predictions.csv --truth concepts.csv --manual concepts_manual.csv
    """
    from roco.evaluate.concepts import evaluate_concepts

    _place(out)
    report = evaluate_concepts(
        predictions, truth, manual=manual, profile_name=profile, compat=compat, split=split, articles=articles,
        train=train, against=against,
    )  # fmt: skip
    _show(report, out, as_json)


@app.command()
def captions(
    predictions: Pred,
    truth: TruthOpt,
    profile: ProfileOpt = NAME,
    metric: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only these; all by default.")] = None,
    compat: Compat = False,
    split: Split = "test",
    articles: Articles = None,
    train: Train = None,
    against: Against = None,
    column: Annotated[
        list[Path] | None, typer.Option(metavar="CSV", help="A metric of your own: ID and a number.")
    ] = None,
    bertscore: Annotated[str | None, typer.Option(metavar="MODEL", help="Name on the hub, or folder.")] = None,
    layers: Annotated[int | None, typer.Option(metavar="N", help="The layer that BERTScore takes.")] = None,
    idf: Annotated[bool | None, typer.Option("--idf/--no-idf", help="Other than the profile has it.")] = None,
    bleurt: Annotated[str | None, typer.Option(metavar="MODEL", help="Name on the hub, or folder.")] = None,
    clip: Annotated[str | None, typer.Option(metavar="MODEL", help="Name on the hub, or folder.")] = None,
    images: Annotated[Path | None, typer.Option(metavar="DIR|ZIP", help="Images named by id, for CLIPScore.")] = None,
    vocabulary: Annotated[Path | None, typer.Option(metavar="CSV", help="Names of concepts, for concept F1.")] = None,
    download: Annotated[bool, typer.Option("--download", help="Fetch models that are not on this disk.")] = False,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """ROUGE, BLEU, CIDEr, METEOR, BERTScore, BLEURT, CLIPScore, concept F1; relevance and factuality.

    Example: roco evaluate captions predictions.csv --truth demo/run/release --metric rouge1 --metric cider
    """
    from roco.evaluate.captions import Models, evaluate_captions

    models = Models(
        bert=bertscore, layers=layers, idf=idf, bleurt=bleurt, clip=clip, images=images, vocabulary=vocabulary,
        download=download,
    )  # fmt: skip
    _place(out)
    report = evaluate_captions(
        predictions, truth, profile_name=profile, compat=compat, split=split, articles=articles, train=train,
        against=against, metrics=metric, models=models, columns=column or (),
    )  # fmt: skip
    _show(report, out, as_json)


@app.command()
def retrieval(
    predictions: Annotated[
        Path, typer.Argument(metavar="PRED", help="npz: ids, images, texts; or CSV.", show_default=False)
    ],
    truth: TruthOpt,
    task: Annotated[
        str, typer.Option(metavar="TASK", help="image-to-text, text-to-image or image-to-image.")
    ] = "image-to-text",
    profile: ProfileOpt = NAME,
    split: Split = "test",
    articles: Articles = None,
    pool: Annotated[int | None, typer.Option(metavar="N", help="So many images; all by default.")] = None,
    against: Against = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """R@k, MRR, median rank and nDCG over a stated pool; ties count against, the same article is excluded.

    Example: roco evaluate retrieval vectors.npz --truth demo/run/release --task text-to-image
    """
    from roco.evaluate.retrieval import evaluate_retrieval

    _place(out)
    report = evaluate_retrieval(
        predictions, truth, task=task, profile_name=profile, split=split, articles=articles, pool=pool, against=against
    )
    _show(report, out, as_json)


@app.command()
def agreement(
    first: Annotated[Path, typer.Argument(metavar="LABELS", help="CSV with ID,Label.", show_default=False)],
    truth: Annotated[Path, typer.Option("--truth", metavar="CSV", help="Those of the other rater.")],
    articles: Articles = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Kappa of two raters as Table 7 of the paper has it, per label; alpha, AC1, confusion matrices.

    Example: roco evaluate agreement annotator.csv --truth radiologist.csv
    """
    from roco.evaluate.agreement import evaluate_agreement

    _place(out)
    _show(evaluate_agreement(first, truth, articles=articles), out, as_json)


def _check(path: Path, name: str, truth: Path | None, split: str) -> None:
    from roco.evaluate import submission
    from roco.evaluate.profiles import profile
    from roco.evaluate.truth import ids_of

    rules = profile(name)
    kind = submission.kind_of(path)
    ids = None if truth is None else ids_of(truth, kind, rules, split)
    faults = submission.check(path, rules, ids, kind)
    for fault in faults[: submission.SHOWN * 5]:
        print(safe(str(fault)))
    about = f"{kind} for {rules.name}" + ("" if ids is not None else "; ids were not checked: --truth")
    count = f"{len(faults):,} problem{'s' * (len(faults) > 1)}" if faults else "all is as it must be"
    print(safe(f"{path}: {count} ({about})"))
    if faults:
        raise SystemExit(1)


def _place(out: Path | None) -> None:
    """Makes the folder of the report before anything is scored, so that nothing is scored in vain."""
    if out is None:
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise UsageError(
            f"{out} cannot be a folder: {err.strerror}", "--out takes one that is new, or is a folder"
        ) from err


def _show(report: Report, out: Path | None, as_json: bool) -> None:
    if out:
        report.write(out)
    if as_json:
        print_json(report.as_mapping())
    else:
        print(report.text(), end="")
    print_next(
        f"look at {out / 'per_image.csv'}" if out else "the same with --out DIR: Markdown, LaTeX, CSV, a row per image"
    )
