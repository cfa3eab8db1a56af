"""`roco vocab`: what it builds, prints and writes, and which input it refuses."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import pytest

from roco.cli.vocab import spread
from roco.models.text.learned.linker import LearnedLinker
from roco.models.text.vocabulary import obo
from roco.models.text.vocabulary.table import load
from tests.cli.command import DATA, DONE, INTERRUPTED, USAGE, Command
from tests.cli.test_fit import refused
from tests.learned import MANUAL, examples, with_manual
from tests.models.text.vocabulary import sources
from tests.models.text.vocabulary.sources import GRAPH, OBO, XML, write

OWN = "cui,name,synonyms,tui,source,license\nC0018787,Heart,cardiac,T023,mine,CC0-1.0\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one source of each kind."""
    sources.umls(tmp_path / "umls")
    write(tmp_path, "hp.obo", OBO)
    write(tmp_path, "mondo.json", json.dumps(GRAPH))
    write(tmp_path, "desc.xml", XML)
    write(tmp_path, "own.csv", OWN)
    return tmp_path


def everything(folder: Path) -> list[str]:
    words = ["--umls", "umls", "--obo", "hp.obo", "mondo.json", "--mesh", "desc.xml", "--csv", "own.csv"]
    return [str(folder / word) if not word.startswith("--") else word for word in words]


def test_all_sources_together_give_a_vocabulary_a_card_and_a_report(command: Command, folder: Path) -> None:
    out = folder / "new" / "mine.csv.gz"
    result = command("vocab", "build", out, *everything(folder))
    assert result.code == DONE
    assert result.out.startswith("4 concepts, 11 names\n")
    for line in ("Overlaps", "CC BY 4.0", "UMLS license, category 0", "1 concept with different types by source:"):
        assert line in result.out
    assert result.err.splitlines()[-1].startswith("next: roco vocab show Behavior --vocabulary")
    assert set(load(out).by_cui) == {"C0000001", "C0018787", "C0027651", "C0032227"}
    card = json.loads((folder / "new" / "mine.json").read_text())
    assert [source["kind"] for source in card["sources"]] == ["csv", "umls", "obo", "obo", "mesh"]
    assert card["origins"] == {"UMLS": 3, "HPO": 2, "MeSH": 1, "Mondo": 1, "own.csv": 1}
    assert str(folder) not in json.dumps(card)


def test_the_order_of_files_and_runs_gives_equal_bytes(command: Command, folder: Path) -> None:
    words = [word for word in everything(folder) if word not in ("--umls", str(folder / "umls"))]
    one, other = folder / "one.csv", folder / "other.csv"
    files = [folder / name for name in ("mondo.json", "hp.obo")]
    assert command("vocab", "build", one, *words).code == DONE
    swapped = ("--csv", folder / "own.csv", "--mesh", folder / "desc.xml", "--obo", *files)
    assert command("vocab", "build", *swapped, other).code == DONE
    assert one.read_bytes() == other.read_bytes()
    assert one.with_suffix(".json").read_bytes() == other.with_suffix(".json").read_bytes()


def test_json_prints_the_card(command: Command, folder: Path) -> None:
    result = command("vocab", "build", folder / "mine.csv", "--csv", folder / "own.csv", "--json")
    assert json.loads(result.out) == json.loads((folder / "mine.json").read_text())


def test_an_existing_file_is_overwritten_only_with_force(command: Command, folder: Path) -> None:
    words = ("vocab", "build", folder / "mine.csv", "--csv", folder / "own.csv")
    (folder / "mine.json").write_text("{}")
    refused(command(*words), USAGE, "mine.json already exists", "--force")
    assert not (folder / "mine.csv").exists()
    assert command(*words, "--force").code == DONE
    refused(command(*words), USAGE, "mine.csv already exists", "--force")


def test_kept_types_are_those_of_the_rules(command: Command, folder: Path) -> None:
    out = folder / "mine.csv"
    assert command("vocab", "build", out, "--umls", folder / "umls", "--types", "kept").code == DONE
    assert set(load(out).by_cui) == {"C0018787", "C0032227"}
    assert command("vocab", "build", out, "--umls", folder / "umls", "--types", "T023", "--force").code == DONE
    assert set(load(out).by_cui) == {"C0018787"}


@pytest.mark.parametrize(
    ("words", "code", "message", "hint"),
    [
        (("mine.txt", "--csv", "own.csv"), USAGE, "does not end in .csv", "NAME.csv"),
        (("mine.csv",), USAGE, "no source to build a vocabulary from", "--umls"),
        (("mine.csv", "--csv", "none.csv"), DATA, "none.csv does not exist", "check the path"),
        (("mine.csv", "--obo", "own.csv"), DATA, "own.csv, line 1: not an OBO file", "format-version"),
        (("mine.csv", "--mesh", "desc.xml"), DATA, "no concept is left (narrow synonym: 1, no CUI: 1", "give a source"),
        (("mine.csv", "--csv", "own.csv", "--types", "T191"), DATA, "types T191 is left: one concept has", "--types"),
        (("mine.csv", "--umls", "."), DATA, "contains no MRCONSO.RRF", "MRSTY.RRF"),
        (("mine.csv", "--csv", "own.csv", "--sab", "MSH"), USAGE, "--umls is missing", "--umls DIR"),
        (("mine.csv", "--umls", "umls", "--sab", "MHS"), USAGE, "has the source 'MHS' (SAB)", "MSH"),
        (("mine.csv", "--csv", "own.csv", "--types", "T999"), DATA, "unknown semantic type 'T999'", ""),
        (("mine.csv", "--obo", "hp.obo", "--synonyms", "exakt"), USAGE, "unknown scope", "exact"),
        (("own.csv/mine.csv", "--csv", "own.csv"), DATA, "cannot write to", "another folder"),
        (("mine.npz", "--learn", "own.csv", "--obo", "hp.obo"), USAGE, "--learn with --obo", "two commands"),
        (("mine.csv", "--learn", "own.csv"), USAGE, "does not end in .npz", "NAME.npz"),
    ],
)
def test_what_cannot_be_built_is_one_error(
    command: Command,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    code: int,
    message: str,
    hint: str,
) -> None:
    monkeypatch.chdir(folder)
    refused(command("vocab", "build", *words), code, message, hint)
    assert not (folder / words[0]).exists() and not (folder / "mine.json").exists()


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Captions with known concepts, as a CSV file."""
    rows = "".join(f'{row.id},{row.group},"{row.caption}",{";".join(row.cuis)}\n' for row in examples(120))
    return write(tmp_path, "captions.csv", f"id,article,caption,cuis\n{rows}")


def test_a_linker_is_learned_from_captions_and_named_by_a_vocabulary(command: Command, dataset: Path) -> None:
    pytest.importorskip("sklearn")
    out = dataset.with_name("mine.npz")
    own = write(dataset.parent, "own.csv", OWN.replace("C0018787,Heart", "C0023884,Liver of mine"))
    result = command("vocab", "build", out, "--learn", dataset, "--csv", own)
    assert result.code == DONE
    assert result.out.startswith("6 concepts learned from 120 captions of 60 articles\n")
    assert result.err.splitlines()[-1].startswith("next: roco concepts score OTHER_DATASET --linker learned --model ")
    linker = LearnedLinker.load(out)
    assert [mention.cui for mention in linker.link(["CT of the liver shows nothing."])[0]]
    described = linker.describe("C0023884")
    assert described is not None and described.name == "Liver of mine"
    refused(command("vocab", "build", out, "--learn", dataset), USAGE, "mine.npz already exists", "--force")


def test_after_a_build_the_next_command_shows_a_concept_of_the_file(command: Command, folder: Path) -> None:
    result = command("vocab", "build", folder / "mine.csv", "--csv", folder / "own.csv")
    following = shlex.split(result.err.splitlines()[-1].removeprefix("next: roco "))
    assert command(*following).out.startswith("C0018787 Heart\n")


@pytest.mark.parametrize(
    "words",
    [
        ("vocab", "build", "mine.csv", "--csv", "own.csv"),
        ("vocab", "build", "mine.csv", "--obo", "own.csv"),
        ("vocab", "build", "mine.npz", "--learn", "own.csv"),
        ("vocab", "show", "heart", "--vocabulary", "own.csv"),
        ("concepts", "score", "own.csv"),
    ],
)
def test_a_file_without_permission_is_an_error_of_the_data(
    command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(folder)
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != "own.csv" and allowed(path, mode))
    refused(command(*words), DATA, "permission denied: own.csv", "allow access to it")


def test_an_interrupted_build_says_so(command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(obo, "read", interrupt)
    result = command("vocab", "build", folder / "mine.csv", "--obo", folder / "hp.obo")
    assert (result.code, result.out) == (INTERRUPTED, "")
    assert result.err.splitlines()[-1] == "interrupted"
    assert not (folder / "mine.csv").exists()


def test_several_files_may_follow_an_option() -> None:
    assert spread(["--obo", "a.obo", "b.json.gz", "out.csv"]) == ["--obo", "a.obo", "--obo", "b.json.gz", "out.csv"]
    assert spread(["out.csv", "--mesh", "a.xml", "b.bin", "-q"]) == [
        "out.csv",
        "--mesh",
        "a.xml",
        "--mesh",
        "b.bin",
        "-q",
    ]
    assert spread(["--umls", "dir", "b.json"]) == ["--umls", "dir", "b.json"]


def test_a_concept_is_shown_by_name_and_by_cui(command: Command, folder: Path) -> None:
    for word in ("CARDIAC", "c0018787"):
        result = command("vocab", "show", word, "--vocabulary", folder / "own.csv")
        assert result.out == (
            "C0018787 Heart\n  types: T023 Body Part, Organ, or Organ Component\n  synonyms: cardiac\n"
            "  source: mine\n  license: CC0-1.0\n"
        )
    assert json.loads(command("vocab", "show", "heart", "--json").out)[0]["cui"] == "C0018787"


def test_an_unknown_name_is_answered_with_the_nearest(command: Command, folder: Path) -> None:
    own = ("--vocabulary", folder / "own.csv")
    refused(command("vocab", "show", "hart", *own), DATA, "no concept is called 'hart'", "did you mean 'Heart'?")
    refused(command("vocab", "show", "C12"), DATA, "'C12' is neither a name nor a CUI", "C and seven digits")
    far = command("vocab", "show", "zzzz")
    refused(far, DATA, "no concept is called 'zzzz'", "look for another name")
    assert "did you mean" not in far.err
    refused(command("vocab", "show", "C0000009", *own), DATA, "does not contain C0000009", "heart")


def test_without_a_word_a_vocabulary_is_counted(command: Command, folder: Path) -> None:
    result = command("vocab", "show", "--vocabulary", folder / "own.csv")
    assert result.out.startswith("1 concept, 2 names\n") and "T023" in result.out
    assert json.loads(command("vocab", "show", "--json").out)["concepts"] == len(load().concepts)


def test_a_linker_is_learned_from_train_of_a_folder_in_the_layout_of_rocov2(command: Command, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    rows = with_manual(160)
    for split, some in (("train", rows[:120]), ("test", rows[120:])):
        captions = "".join(f'{row.id},"{row.caption}"\n' for row in some)
        write(tmp_path, f"{split}_captions.csv", f"ID,Caption\n{captions}")
        for table, chosen in (
            ("concepts", set.union(*(set(row.cuis) for row in rows))),
            ("concepts_manual", set(MANUAL)),
        ):
            lines = "".join(f"{row.id},{';'.join(cui for cui in row.cuis if cui in chosen)}\n" for row in some)
            write(tmp_path, f"{split}_{table}.csv", f"ID,CUIs\n{lines}")
    write(tmp_path, "cui_mapping.csv", "CUI,Canonical name\nC0023884,Liver of the dataset\n")
    out = tmp_path / "mine.npz"
    result = command("vocab", "build", out, "--learn", tmp_path, "--json")
    assert result.code == DONE
    assert result.err.splitlines()[-1].startswith(f"next: roco concepts score {tmp_path} --split test --linker learned")
    card = json.loads(result.out)
    assert card["rows"] == 120
    assert set(card["manual"]) == set(MANUAL)
    assert set(card["held_out"]) == {"all", "automatic", "manual", "spans"}
    assert card["per_concept"]["C0023884"]["name"] == "Liver of the dataset"
    assert command("concepts", "score", tmp_path, "--split", "test", "--linker", "learned", "--model", out).code == DONE
