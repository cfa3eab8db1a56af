"""The commands under `roco vocab`: build a vocabulary of concepts, and look concepts up."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roco.base.errors import DataError, UsageError
from roco.base.json_text import parse_json
from roco.cli.app import App, Command
from roco.cli.output import print_json, print_next, safe, shown_path

if TYPE_CHECKING:
    from roco.models.text.vocabulary.build import Building
    from roco.models.text.vocabulary.records import Read

app = App(
    no_args_is_help=True,
    help="Builds vocabularies of UMLS concepts, and looks concepts up.\n\n"
    "Example: roco vocab build mine.csv --obo hp.obo --csv own.csv",
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_FILES = {
    "--obo": (".obo", ".json"),
    "--mesh": (".xml", ".bin", ".asc", ".tsv"),
}
"""Options that several files may follow, and how these end."""


class SeveralFiles(Command):
    """A command whose options take several files each: `--obo hp.obo mondo.json`."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        return super().parse_args(ctx, spread(args))


def spread(words: Sequence[str]) -> list[str]:
    """Returns the words of a command with `--obo A B` as `--obo A --obo B`."""
    spread: list[str] = []
    option = ""
    for at, word in enumerate(words):
        if word.startswith("-"):
            option = word
        elif option in _FILES and words[at - 1] != option:
            plain = word.lower().removesuffix(".gz").removesuffix(".zst")
            if plain.endswith(_FILES[option]):
                spread.append(option)
            else:
                option = ""
        spread.append(word)
    return spread


@app.command(cls=SeveralFiles)
def build(
    out: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="The vocabulary: NAME.csv or NAME.csv.gz; with --learn, NAME.npz."),
    ],
    umls: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of UMLS with MRCONSO.RRF and MRSTY.RRF, also as .gz.")
    ] = None,
    obo: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE…", help="Ontologies, .obo or .json (OBO graph): HPO, Mondo, DOID, UBERON."),
    ] = None,
    mesh: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE…", help="Descriptors of MeSH: NLM's desc*.xml or d*.bin, or a .tsv."),
    ] = None,
    csv: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="A vocabulary as this command writes it; repeatable.")
    ] = None,
    learn: Annotated[
        Path | None,
        typer.Option(metavar="DATASET", help="Learn a linker from captions with known concepts, such as ROCOv2."),
    ] = None,
    split: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="With --learn: this split, or all; repeatable. Train by default."),
    ] = None,
    languages: Annotated[
        str, typer.Option(metavar="A,B", help="UMLS: languages (LAT), the preferred one first.")
    ] = "ENG",
    sab: Annotated[str | None, typer.Option(metavar="A,B", help="UMLS: only these sources (SAB).")] = None,
    tty: Annotated[str | None, typer.Option(metavar="A,B", help="UMLS: only these term types (TTY).")] = None,
    suppressed: Annotated[
        bool, typer.Option("--suppressed", help="UMLS: suppressed names too (SUPPRESS E, Y).")
    ] = False,
    obsolete: Annotated[bool, typer.Option("--obsolete", help="UMLS: obsolete names too (SUPPRESS O).")] = False,
    synonyms: Annotated[
        str, typer.Option(metavar="A,B", help="OBO and MeSH: synonyms to take: exact, related, broad, narrow.")
    ] = "exact",
    types: Annotated[
        str,
        typer.Option(metavar="WHICH", help="Concepts by semantic type: all, kept (by roco's rules), or T023,T047."),
    ] = "all",
    cuis: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="CSV of id and cui, for OBO and MeSH terms without a CUI; repeatable."),
    ] = None,
    match_names: Annotated[
        bool,
        typer.Option("--match-names", help="Give a term without a CUI that of the only concept with its name."),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite existing files.")] = False,
    as_json: Json = False,
) -> None:
    """Builds a vocabulary from UMLS, OBO ontologies, MeSH and CSV files, and reports overlaps and conflicts.

    Example: roco vocab build mine.csv.gz --umls 2022AB/META --obo hp.obo --csv own.csv --types kept

    The same files give the same bytes in any order. A CUI has the name and types of its most trusted source: CSV, UMLS,
    OBO, MeSH. The report is also written beside the vocabulary (NAME.json), with the digests and licenses of the
    sources. With --learn, a model is learned instead; --umls and --csv then only name its concepts.
    """
    from roco.cli.progress import ProgressBar, shown
    from roco.models.text.vocabulary.build import Building, Options

    _check_out(out, learn is not None, force)
    if learn is not None and (obo or mesh):
        raise UsageError("--learn with --obo or --mesh", "learn a model and build a vocabulary by two commands")
    if learn is None and split:
        raise UsageError("--split chooses rows of --learn, which is missing", "give --learn DATASET, or omit --split")
    if learn is None and umls is None and not (obo or mesh or csv):
        raise UsageError("no source to build a vocabulary from", "give --umls, --obo, --mesh, --csv or --learn")
    if umls is None and (languages != "ENG" or sab or tty or suppressed or obsolete):
        message = "--languages, --sab, --tty, --suppressed and --obsolete choose names of UMLS"
        raise UsageError(f"{message}, but --umls is missing", "give --umls DIR, or omit these options")
    wanted = _types(types)
    umls_options = {
        "languages": _names(languages), "sources": _names(sab), "term_types": _names(tty), "suppressed": suppressed,
        "obsolete": obsolete, "types": wanted,
    }  # fmt: skip
    progress = ProgressBar(at_once=False)
    options = Options(types=wanted, cuis=tuple(cuis or ()), by_name=match_names)
    with shown(progress):
        reads = _read(umls, umls_options, obo or (), mesh or (), csv or (), _names(synonyms) or (), progress)
        building = Building(reads, options, progress) if reads else None
        if learn is not None:
            card, other = _learn(learn, split, building, out, progress)
        else:
            assert building is not None
            card, word = _write(building, out, options)
    from roco.cli.vocab_tables import print_learned, print_report

    if as_json:
        print_json(card)
    elif learn is not None:
        print_learned(card)
    else:
        print_report(card)
    print(safe(f"wrote {shown_path(out)} and {_card_path(out).name}"), file=sys.stderr)
    if learn is None:
        print_next("roco vocab show", word, "--vocabulary", out)
    elif other:
        print_next("roco concepts score", learn, "--split", other, "--linker", "learned", "--model", out)
    else:
        print_next("roco concepts score OTHER_DATASET", "--linker", "learned", "--model", out)


@app.command()
def show(
    word: Annotated[
        str | None, typer.Argument(metavar="[WORD]", help="A CUI, or a name in any case.", show_default=False)
    ] = None,
    vocabulary: Annotated[
        Path | None, typer.Option(metavar="CSV", help="The vocabulary; by default the shipped one.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Shows the concepts that have a name or CUI, with synonyms, types and licenses; without WORD, counts by type.

    Example: roco vocab show "pleural effusion"
    """
    from roco.cli.vocab_tables import print_concepts, print_summary, summary
    from roco.models.text.vocabulary import table
    from roco.models.text.vocabulary.lookup import find

    loaded = table.load(vocabulary)
    if word is None:
        counted = summary(loaded)
        print_json(counted) if as_json else print_summary(counted)
        return
    found = find(loaded, word)
    print_json([concept._asdict() for concept in found]) if as_json else print_concepts(found)


def _names(text: str | None) -> tuple[str, ...] | None:
    """Returns the names of an option that are separated by commas; None if it is not given."""
    if text is None:
        return None
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _types(text: str) -> frozenset[str] | None:
    from roco.models.text import semantic_types

    if text == "all":
        return None
    if text == "kept":
        return semantic_types.kept()
    return semantic_types.tuis(_names(text) or (), "--types")


def _card_path(out: Path) -> Path:
    from roco.models.text.vocabulary import card_digest

    return out.with_suffix(".json") if out.suffix == ".npz" else card_digest.path_of(out)


def _check_out(out: Path, is_model: bool, force: bool) -> None:
    """Raises an error if the output cannot be written, before anything is read."""
    if is_model and out.suffix != ".npz":
        raise UsageError(f"{out} does not end in .npz", "a learned model is a file NAME.npz")
    if not is_model and not out.name.endswith((".csv", ".csv.gz")):
        raise UsageError(f"{out} does not end in .csv or .csv.gz", "a vocabulary is a file NAME.csv or NAME.csv.gz")
    for path in (out, _card_path(out)):
        if path.is_dir():
            raise DataError(f"{shown_path(path)} is a folder", "choose another file")
        if path.exists() and not force:
            raise UsageError(f"{shown_path(path)} already exists", "choose another file, or overwrite it with --force")
    folder = next(path for path in (out.parent, *out.parent.parents, Path()) if path.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise DataError(f"cannot write to {shown_path(folder)}", "choose another folder")


def _read(
    umls: Path | None,
    umls_options: dict[str, Any],
    obo: Sequence[Path],
    mesh: Sequence[Path],
    csv: Sequence[Path],
    scopes: tuple[str, ...],
    progress: Any,
) -> list[Read]:
    """Reads the sources; the small ones first, whose errors then need no patience."""
    from roco.models.text.vocabulary import mesh as descriptors
    from roco.models.text.vocabulary import obo as ontology
    from roco.models.text.vocabulary import umls as metathesaurus
    from roco.models.text.vocabulary.build import of_csv

    reads = [of_csv(path, progress) for path in csv]
    reads += [ontology.read(path, scopes, progress) for path in obo]
    reads += [descriptors.read(path, scopes, progress) for path in mesh]
    if umls is not None:
        reads.append(metathesaurus.read(umls, metathesaurus.Options(**umls_options), progress))
    return reads


def _write(building: Building, out: Path, options: Any) -> tuple[dict[str, Any], str]:
    """Writes the vocabulary and its card; returns the card, and a name or CUI of the vocabulary."""
    from itertools import chain

    from roco.models.text.vocabulary import card, table

    concepts = building.concepts()
    first = next(concepts)  # there is one, else an error was raised
    table.write(chain([first], concepts), out)
    written: dict[str, Any] = parse_json(card.write(out, building.report(), options).read_text(encoding="utf-8"))
    return written, first.name if first.name[0].isalnum() else first.cui


def _learn(
    dataset: Path, splits: Sequence[str] | None, building: Building | None, out: Path, progress: Any
) -> tuple[dict[str, Any], str]:
    """Learns a linker and writes it with its card; sources name its concepts.

    Returns the card, and a split of the dataset that was not learned from, empty if there is none.
    """
    from roco.baselines.concepts import datasets
    from roco.baselines.concepts.learn import learn
    from roco.models.text.learned import card as cards

    progress.start(f"reading {dataset.name}", None)
    concepts = building.concepts() if building is not None else ()
    rows, names, manual, learned_from = datasets.read(dataset, splits or None, concepts=concepts)
    learned = learn(rows, lambda step: progress.start(step, None), manual=manual, names=names)
    card: dict[str, Any] = parse_json(cards.to_json(learned.save(out)))
    return card, datasets.unlearned(dataset, learned_from)
