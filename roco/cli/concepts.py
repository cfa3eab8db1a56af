"""The commands under `roco concepts`: scores of linkers, changed rules, and the paper's tables of concepts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from roco.base.errors import UsageError
from roco.cli import concept_changes
from roco.cli.app import App
from roco.cli.concept_changes import SHIPPED
from roco.cli.output import print_json, print_next, refuse_existing, safe

if TYPE_CHECKING:
    from roco.evaluate.linkers.rules import AppliedRules
    from roco.evaluate.linkers.span_gold import SpanGold
    from roco.models.text.linking.linker import Described, Linker
    from roco.release.captioned import Captioned

app = App(
    no_args_is_help=True,
    help="Scores linkers of concepts, compares rules, and counts the concepts of a release.\n\n"
    "Example: roco concepts score demo/run/release --linker dictionary",
)

NO_RULES = "none"
Describe = Callable[[str], "Described | None"]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Vocabulary = Annotated[
    Path | None,
    typer.Option(metavar="CSV", help="Names and semantic types of concepts; by default the shipped vocabulary."),
]


app.command()(concept_changes.diff)


@app.command()
def score(
    gold: Annotated[
        Path,
        typer.Argument(
            metavar="GOLD",
            help="Captions with known concepts: a release, the published ROCOv2, a CSV file (id, caption, cuis), JSON "
            "lines as of the first ROCO; or labelled mentions (CSV: id, start, end, cui) with --captions.",
            show_default=False,
        ),
    ],
    linker: Annotated[
        str, typer.Option(metavar="NAME", help="dictionary, learned, medcat, or module:function of your own.")
    ] = "dictionary",
    model: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The learned model, or the model pack of MedCAT.")
    ] = None,
    table: Annotated[
        Path | None, typer.Option(metavar="CSV", help="CUIs for the concepts of a model pack of MedCAT.")
    ] = None,
    predictions: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Score these concepts (ID,CUIs) instead of a linker.")
    ] = None,
    vocabulary: Vocabulary = None,
    rules: Annotated[
        str,
        typer.Option(metavar="FILE|none", help="Rules for both sides: a file, 'shipped', or none to compare all."),
    ] = "shipped",
    captions: Annotated[
        Path | None, typer.Option(metavar="DATASET", help="Where the captions of labelled mentions are.")
    ] = None,
    only: Annotated[
        str | None, typer.Option(metavar="COLUMN=VALUE", help="Only these labelled mentions, such as half=dev.")
    ] = None,
    split: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this split: train, valid or test; repeatable.")
    ] = None,
    held_out: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, max=100, help="Only the N % of the articles that learning leaves out."),
    ] = None,
    negated: Annotated[
        Literal["keep", "drop"], typer.Option(metavar="HOW", help="Negated mentions: keep, as ROCOv2 does, or drop.")
    ] = "keep",
    most: Annotated[
        int, typer.Option(metavar="N", min=0, help="List this many missed and this many false concepts.")
    ] = 10,
    disagreements: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write every missed and false concept: .csv, .json, .jsonl or .parquet."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Scores a linker against known concepts: precision, recall and F1 with intervals, breakdowns, the worst misses.

    Example: roco concepts score valid --linker learned --model rocov2.npz --disagreements wrong.csv
    """
    from roco.base.export import write_rows, writer_of
    from roco.cli.concepts_tables import print_report
    from roco.cli.progress import ProgressBar, shown
    from roco.evaluate.linkers.score import score_linker

    if disagreements is not None:
        refuse_existing(disagreements, "--disagreements")
        writer_of(disagreements)  # an unknown format is an error before anything is read
    _check_options(linker, model, table, predictions)
    examples, learned = _gold(gold, captions, only, split, held_out)
    describe = _describe(vocabulary)
    compared: Linker | Mapping[str, Any]
    if predictions is None:
        compared = _linker(linker, model, table, vocabulary)
        describe = _with_linker(compared, describe)
    else:
        compared = _predictions(predictions, examples)
    describe = _with_names(describe, getattr(examples, "names", {}))
    applied = _rules(rules, describe)
    progress = ProgressBar(at_once=False)
    with shown(progress):
        report = score_linker(
            examples, compared, rules=applied, rules_name=rules, describe=describe, learned=learned,
            negated=negated == "keep", most=most, progress=progress,
        )  # fmt: skip
    print_json(report.as_mapping()) if as_json else print_report(report)
    if disagreements is None:
        print_next("add --disagreements FILE.csv to write every missed and false concept with its caption")
    else:
        write_rows(disagreements, report.disagreements)
        print(safe(f"wrote {disagreements} ({report.disagreements.num_rows:,} rows)"), file=sys.stderr)
        print_next("open", disagreements)


@app.command()
def tables(
    release: Annotated[
        Path,
        typer.Argument(metavar="RELEASE", help="A release, or the published ROCOv2.", show_default=False),
    ],
    table: Annotated[
        list[str] | None,
        typer.Option(metavar="NUMBER", help="Only this table: 5, 6, or S6 to S12; repeatable. All by default."),
    ] = None,
    rows: Annotated[int, typer.Option(metavar="N", min=1, help="Rows of each table.")] = 10,
    paper: Annotated[bool, typer.Option("--paper", help="List the differences from the tables of the paper.")] = False,
    vocabulary: Vocabulary = None,
    as_json: Json = False,
) -> None:
    """Counts the most frequent concepts of a release: the paper's Tables 5, 6, and S6 to S12 (one per modality).

    Example: roco concepts tables demo/run/release --table 5
    """
    from roco.cli.concepts_tables import print_concept_tables, tables_mapping
    from roco.evaluate.report.concept_tables import tables as tables_of
    from roco.evaluate.report.paper_concepts import differences
    from roco.models.text.vocabulary.table import load
    from roco.release.read import Release

    with Release.open(release) as opened:
        types = {concept.cui: concept.tuis for concept in load(vocabulary).concepts}
        made = tables_of(opened, types, table or (), rows)
    found = differences(made) if paper else None
    print_json(tables_mapping(made, found)) if as_json else print_concept_tables(made, found)
    if not paper:
        print_next("roco concepts tables", release, "--paper")


def _check_options(linker: str, model: Path | None, table: Path | None, predictions: Path | None) -> None:
    """Raises UsageError for options that exclude each other, before anything is read."""
    if predictions is not None and (model is not None or table is not None or linker != "dictionary"):
        raise UsageError("--predictions cannot be combined with a linker", "give either of them")


def _gold(
    path: Path, captions: Path | None, only: str | None, splits: list[str] | None, held_out: int | None
) -> tuple[Captioned | SpanGold, Mapping[str, int] | None]:
    """Reads the known concepts, of all captions or of those chosen.

    Returns also, if articles are held out, how many captions of the others have each concept.
    """
    from collections import Counter
    from dataclasses import replace

    from roco.base.errors import DataError
    from roco.evaluate.linkers.span_gold import is_span_gold, read_spans
    from roco.release.captioned import is_held_out, read

    has_spans = is_span_gold(path)
    if has_spans and captions is None:
        raise UsageError(f"{path} has labelled mentions without captions", "add --captions DATASET")
    if captions is not None and not has_spans:
        raise UsageError(f"{path} has captions of its own", "omit --captions")
    column, _, value = (only or "").partition("=")
    if only is not None and (not column or not has_spans):
        raise UsageError(
            f"--only {only} chooses no labelled mentions", "write --only COLUMN=VALUE, with a CSV of mentions"
        )
    captioned = read(captions or path, splits)
    learned = None
    if held_out is not None:
        others = (row.cuis for row in captioned.rows if not is_held_out(row.group, held_out))
        learned = Counter(cui for cuis in others for cui in cuis)
        rows = [row for row in captioned.rows if is_held_out(row.group, held_out)]
        if not rows:
            raise DataError(f"no article of {captions or path} is in the part of {held_out} %", "hold out more")
        captioned = replace(captioned, rows=rows)
    if has_spans:
        return read_spans(path, captioned, (column, value) if only else None), learned
    return captioned, learned


def _linker(name: str, model: Path | None, table: Path | None, vocabulary: Path | None) -> Linker:
    from roco.base.user_modules import search_in
    from roco.models.text.linking.open import open_linker

    if ":" in name:
        search_in(Path.cwd())  # a module of the user, as the recipe finds those in its folder
    # Only the dictionary links by a vocabulary; for the other linkers it names concepts.
    linker: Linker = open_linker(
        name, vocabulary=vocabulary if name == "dictionary" else None, model=model, table=table
    )
    return linker


def _rules(name: str, describe: Describe) -> AppliedRules | None:
    """Returns the rules of a file, the shipped ones, or none; semantic types are those of the description."""
    from roco.evaluate.linkers.rules import AppliedRules
    from roco.models.text.concepts.rules import load

    if name == NO_RULES:
        return None

    return AppliedRules(load(None if name == SHIPPED else Path(name)), describe)


def _predictions(path: Path, gold: Captioned | SpanGold) -> Mapping[str, frozenset[str]]:
    """Reads predicted concepts as `roco evaluate concepts` does: each caption needs a row."""
    from roco.evaluate.predictions import read_concepts
    from roco.evaluate.profiles import DEFAULT, profile
    from roco.evaluate.truth import Truth

    truth = Truth(ids=tuple(row.id for row in gold.rows), inputs={})
    return read_concepts(path, profile(DEFAULT), truth).concepts


# --- names and semantic types -----------------------------------------------------------------------------------------


def _describe(vocabulary: Path | None) -> Describe:
    """Returns what a vocabulary knows of a concept."""
    from roco.models.text.linking.linker import Described
    from roco.models.text.vocabulary.table import load

    by_cui = load(vocabulary).by_cui

    def describe(cui: str) -> Described | None:
        concept = by_cui.get(cui)
        return Described(concept.name, concept.tuis) if concept else None

    return describe


def _with_linker(linker: Linker, describe: Describe) -> Describe:
    """Returns a description by the linker where the vocabulary has none."""
    from roco.models.text.linking.linker import Describes

    if not isinstance(linker, Describes):
        return describe
    own = linker.describe
    return lambda cui: describe(cui) or own(cui)


def _with_names(describe: Describe, names: Mapping[str, str]) -> Describe:
    """Returns a description with the name of the dataset where nothing else is known."""
    from roco.models.text.linking.linker import Described

    return lambda cui: describe(cui) or (Described(names[cui]) if cui in names else None)
