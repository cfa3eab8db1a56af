"""`roco concepts score` and `roco concepts tables`."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.cli.command import DATA, DONE, USAGE, Command
from tests.learned import learned

CT, CHEST, FLUID = "C0040405", "C0817096", "C0444611"


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    path = tmp_path / "gold.csv"
    lines = (f"i{n},PMC{n},CT of the chest {n},{CT};{CHEST}" for n in range(6))
    path.write_text("id,article,caption,cuis\n" + "\n".join(lines) + "\n")
    return path


@pytest.fixture
def predictions(tmp_path: Path) -> Path:
    path = tmp_path / "predictions.csv"
    path.write_text("ID,CUIs\n" + "".join(f"i{n},{CT};{FLUID}\n" for n in range(6)))
    return path


# --- score -------------------------------------------------------------------------------------------------


def test_predictions_are_scored_against_a_file(command: Command, gold: Path, predictions: Path) -> None:
    result = command("concepts", "score", gold, "--predictions", predictions, "--rules", "none")
    assert result.code == DONE
    assert result.out.startswith("file: 6 captions of 6 articles, rules: none\n\nScores\n")
    (line,) = [line for line in result.out.splitlines() if line.split()[:2] == ["all", "mean"]]
    assert line.split() == ["all", "mean", "0.5000", "0.5000", "0.5000", "0.5000", "0.5000", "12", "12"]
    assert f"  {CHEST} chest, missed in 6 of 6\n      i0: ct of the chest 0\n".lower() in result.out.lower()
    assert f"  {FLUID}" in result.out.partition("Wrongly predicted most often\n")[2]
    assert result.err == "next: add --disagreements FILE.csv to write every missed and false concept with its caption\n"


def test_scores_are_printed_before_and_after_rules(
    command: Command, gold: Path, predictions: Path, tmp_path: Path
) -> None:
    rules = tmp_path / "rules.toml"
    block = f'[[block]]\nname = "fluids"\nreason = "a test"\ncuis = ["{FLUID}"]\n'
    rules.write_text(f'base = "shipped"\n{block}')
    options = ("concepts", "score", gold, "--predictions", predictions)
    result = command(*options, "--rules", rules)
    assert "Scores before rules\n" in result.out and "Wrongly predicted" not in result.out
    scores = json.loads(command(*options, "--rules", rules, "--json").out)["scores"]
    assert scores["before rules"]["all"]["micro"]["precision"]["value"] == 0.5
    assert scores["after rules"]["all"]["micro"]["precision"]["value"] == 1.0
    assert "Scores after rules\n" in command(*options).out  # the shipped ones
    rules.write_text(f'base = "shipped"\n{block.replace("cuis", "cui")}')
    wrong = command(*options, "--rules", rules)
    assert wrong.code == DATA and "rules.toml, block 'fluids': unknown key 'cui'" in wrong.err
    assert command(*options, "--rules", tmp_path / "rule.toml").code == DATA


def test_every_disagreement_is_written(command: Command, gold: Path, predictions: Path, tmp_path: Path) -> None:
    out = tmp_path / "wrong.csv"
    result = command("concepts", "score", gold, "--predictions", predictions, "--disagreements", out)
    assert result.err == f"wrote {out} (12 rows)\nnext: open {out}\n"
    with out.open(newline="") as fh:
        rows = list(csv.DictReader(fh))
    assert [(row["kind"], row["cui"], row["caption"]) for row in rows[:1]] == [("missed", CHEST, "CT of the chest 0")]
    assert sum(row["kind"] == "false" for row in rows) == 6
    wrong = command("concepts", "score", gold, "--predictions", predictions, "--disagreements", tmp_path / "wrong.xls")
    assert wrong.code == USAGE and "unknown format of a table" in wrong.err


def test_scores_are_printed_as_json(command: Command, gold: Path, predictions: Path) -> None:
    result = command("concepts", "score", gold, "--predictions", predictions, "--json", "--most", "1", "-q")
    values = json.loads(result.out)
    assert values["scores"]["before rules"]["all"]["micro"]["f1"]["value"] == 0.5 and result.err == ""
    assert [miss["kind"] for miss in values["misses"]] == ["missed", "false"]


def test_only_held_out_articles_are_scored(command: Command, gold: Path, predictions: Path) -> None:
    from roco.release.captioned import is_held_out

    ids = [f"i{n}" for n in range(6) if is_held_out(f"PMC{n}", 50)]
    predictions.write_text("ID,CUIs\n" + "".join(f"{id},{CT}\n" for id in ids))
    result = command("concepts", "score", gold, "--predictions", predictions, "--held-out", "50", "--json")
    values = json.loads(result.out)
    assert 0 < values["captions"] == len(ids) < 6
    # The concepts of the others: both occur in all their captions.
    others = {one["captions"]: one["concepts"] for one in values["learned"]}
    assert sum(others.values()) == 2 and "0" not in others


def test_captions_cannot_steer_the_terminal(command: Command, gold: Path, predictions: Path) -> None:
    gold.write_text(gold.read_text().replace("CT of", "CT \x1b[31mof"))
    result = command("concepts", "score", gold, "--predictions", predictions)
    assert "\x1b" not in result.out and r"CT \x1b[31mof the chest" in result.out


def test_labelled_mentions_need_their_captions(command: Command, gold: Path, predictions: Path, tmp_path: Path) -> None:
    spans = tmp_path / "spans.csv"
    spans.write_text("id,start,end,cui\n" + "".join(f"i{n},0,2,{CT}\n" for n in range(6)))
    result = command("concepts", "score", spans, "--predictions", predictions, "--captions", gold)
    assert result.code == DONE and "\nMentions\n" in result.out
    only = ("--only", f"cui={CT}", "--json")
    chosen = command("concepts", "score", spans, "--predictions", predictions, "--captions", gold, *only)
    assert json.loads(chosen.out)["captions"] == 6
    assert command("concepts", "score", gold, "--predictions", predictions, "--only", "half=dev").code == USAGE
    assert "add --captions DATASET" in command("concepts", "score", spans, "--predictions", predictions).err
    refused = command("concepts", "score", gold, "--predictions", predictions, "--captions", gold)
    assert refused.code == USAGE and "has captions of its own" in refused.err


def test_wrong_input_is_one_error_with_file_and_line(
    command: Command, gold: Path, predictions: Path, tmp_path: Path
) -> None:
    predictions.write_text(predictions.read_text().replace(f"i3,{CT}", "i3,c12"))
    result = command("concepts", "score", gold, "--predictions", predictions)
    assert result.code == DATA and "predictions.csv, line 5: 'c12' is in lower case" in result.err
    gold.write_text(gold.read_text().replace(f"{CT};", "C1;", 1))
    result = command("concepts", "score", gold, "--predictions", predictions)
    assert result.code == DATA and "gold.csv, line 2: invalid CUI 'C1'" in result.err
    result = command("concepts", "score", tmp_path / "nothing.csv")
    assert result.code == DATA and result.err.count("\n") == 2
    assert command("concepts", "score", gold, "--split", "tset").code == USAGE


def test_the_learned_linker_is_scored(command: Command, gold: Path, tmp_path: Path) -> None:
    linker = tmp_path / "learned.npz"
    learned().save(linker)
    result = command("concepts", "score", gold, "--linker", "learned", "--model", linker, "--json")
    found = json.loads(result.out)
    assert found["linker"] == "learned" and found["scores"]["before rules"]["all"]["micro"]["precision"]["value"] == 1.0
    missing = command("concepts", "score", gold, "--linker", "learned")
    assert missing.code == USAGE and "model" in missing.err
    result = command("concepts", "score", gold, "--linker", "learned", "--model", tmp_path / "model.npz")
    assert result.code == DATA and result.err.startswith("error: ")
    unknown = command("concepts", "score", gold, "--linker", "lerned")
    assert unknown.code == USAGE and "did you mean 'learned'?" in unknown.err


def test_the_dictionary_links_by_any_vocabulary(command: Command, gold: Path, tmp_path: Path) -> None:
    vocabulary = tmp_path / "vocabulary.csv"
    vocabulary.write_text(f"cui,name,synonyms,tui,source,license\n{FLUID},of the chest,,T031,,\n")
    options = ("concepts", "score", gold, "--vocabulary", vocabulary, "--rules", "none")
    false = command(*options).out.partition("Wrongly predicted most often\n")[2]
    assert false.startswith(f"  {FLUID} of the chest, wrong in 6 of 6: 'of the chest'\n")
    types = {one["type"] for one in json.loads(command(*options, "--json").out)["types"]}
    assert types == {"T031", "unknown"}
    missing = command("concepts", "score", gold, "--vocabulary", tmp_path / "other.csv")
    assert missing.code == DATA and "other.csv does not exist" in missing.err


def test_negated_mentions_are_dropped_on_request(command: Command, tmp_path: Path) -> None:
    gold = tmp_path / "gold.csv"
    gold.write_text(f"id,caption,cuis\n1,No pleural effusion on chest CT.,{CT}\n")
    counts = [
        json.loads(command("concepts", "score", gold, "--negated", how, "--json").out)["scores"]["before rules"]
        for how in ("keep", "drop")
    ]
    kept, dropped = (one["all"]["micro"]["predicted"] for one in counts)
    assert dropped < kept


def test_a_linker_of_a_user_is_scored(
    command: Command, gold: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_lab.py").write_text(f"def link(captions):\n    return [[(0, 2, None, '{CT}')] for _ in captions]\n")
    monkeypatch.chdir(tmp_path)
    result = command("concepts", "score", gold, "--linker", "my_lab:link", "--json")
    assert json.loads(result.out)["scores"]["before rules"]["all"]["micro"]["predicted"] == 6


# --- tables ------------------------------------------------------------------------------------------------


def test_the_tables_of_a_release_are_printed(command: Command, finished_demo: Path) -> None:
    release = finished_demo / "run" / "release"
    result = command("concepts", "tables", release, "--table", "5", "--table", "S12", "--rows", "3")
    assert result.code == DONE and result.out.startswith("Table 5. The most common UMLS concepts\n  CUI ")
    assert "\nTable S12. Most frequent CUIs: Plain X-Ray (DRXR)\n" in result.out
    assert "  (47 images)\n" in result.out
    assert result.err == f"next: roco concepts tables {release} --paper\n"
    unknown = command("concepts", "tables", release, "--table", "s13")
    assert unknown.code == USAGE and "unknown table 'S13'" in unknown.err


def test_the_tables_are_compared_with_the_paper(command: Command, finished_demo: Path) -> None:
    release = finished_demo / "run" / "release"
    result = command("concepts", "tables", release, "--table", "S8", "--paper", "--json")
    values = json.loads(result.out)
    ct = values["tables"][0]["rows"][0]
    assert ct["id"] == CT and ct["n"] == values["tables"][0]["images"]
    assert values["differences"][0] == {"table": "S8", "id": CT, "name": "X-Ray Computed Tomography", "paper": 27_747,
                                        "release": ct["n"]}  # fmt: skip
    assert "Differences from the paper" in command("concepts", "tables", release, "--paper").out
