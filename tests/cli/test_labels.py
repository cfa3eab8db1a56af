"""`roco labels` and `roco agree`: what they print and write, and the labels of datasets."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from roco.curate.events import Entry
from roco.curate.log import Log
from tests.cli.command import DATA, DONE, USAGE, Command
from tests.curate.logs import labelled, opened, with_colon
from tests.sources.test_dataset import published


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log with two annotators and a radiologist, who agrees on 3 of 4 images of a sample."""
    monkeypatch.chdir(tmp_path)
    with opened(Path("labels.db"), "curated", "blind-1") as found:
        for number, label in enumerate(("DRCT", "DRCT", "DRMR", "DRMR")):
            labelled(found, f"i{number}", label, round="curated")
            labelled(found, f"i{number}", label, by="a2", round="curated")
            labelled(found, f"i{number}", "DRCT" if number == 3 else label, by="radiologist", round="blind-1")
        sample = [Entry(kind="sample", task="modality", image_key=f"i{n}", label="x", weight=10.0) for n in range(4)]
        found.add(sample, round="blind-1", annotator="lead")
    return Path("labels.db")


def test_agree_prints_table_7(command: Command, log: Path) -> None:
    done = command("agree", log, "--first", "curated", "--second", "radiologist")
    assert done.code == DONE
    assert "0.500 (0.375)" in done.out and "3 (75.00%)" in done.out and "2.0 (50.00%)" in done.out
    assert "moderate" in done.out and "Weighted to all images" in done.out
    assert "--out DIR" in done.err


def test_agree_writes_the_pictures(command: Command, log: Path) -> None:
    assert command("agree", log, "--first", "curated", "--second", "blind-1", "--out", "found").code == DONE
    assert Path("found/modality_absolute.png").stat().st_size > 1000
    assert Path("found/modality_normalised.svg").exists() and Path("found/agreement.json").exists()


def test_agree_compares_the_annotators_with_most_images_in_common(command: Command, log: Path) -> None:
    done = command("agree", log, "--json")
    found = json.loads(done.out)
    assert [(one["task"], one["raters"], one["agree"]) for one in found] == [("modality", ["a1", "a2"], 4)]


def test_agree_compares_an_annotator_with_a_colon_of_an_older_log(command: Command, log: Path) -> None:
    with opened(log) as found:
        with_colon(found, "curated", "curated:bob", {f"i{n}": "DRCT" for n in range(9)})
        labelled(found, "i4", "DRCT", by="radiologist", round="curated")
    (found_in_most,) = json.loads(command("agree", log, "--json").out)
    assert (found_in_most["raters"], found_in_most["n"]) == (["curated:bob", "radiologist"], 5)
    words = ("--first", "a1", "--second", "curated:bob", "--json")
    assert json.loads(command("agree", log, *words).out)[0]["n"] == 4


def test_agree_compares_in_several_tasks(command: Command, log: Path) -> None:
    with opened(log) as found:
        for by in ("a1", "a2"):
            labelled(found, "i0", "chest", by=by, round="curated", task="region")
    words = ("agree", log, "--task", "modality", "--task", "region", "--out", "found")
    done = command(*words)
    assert done.code == DONE and "region, each label" in done.out
    assert {path.name for path in Path("found").glob("*_absolute.*")} == {
        f"{task}_absolute.{kind}" for task in ("modality", "region") for kind in ("png", "svg")
    }


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--first", "curated"), USAGE, "one rater"),
        (("--first", "curated", "--second", "curated"), USAGE, "are the same rater: curated"),
        (("--first", "curated", "--second", "radiolgist"), USAGE, "did you mean 'radiologist'"),
        (("--first", "curated", "--second", "curated:x"), USAGE, "unknown annotator 'x'"),
        (("--task", "region"), DATA, "no two annotators"),
        (("--task", "modalty"), USAGE, "did you mean 'modality'"),
    ],
)
def test_agree_explains_what_it_cannot_compare(
    command: Command, log: Path, words: tuple[str, ...], code: int, message: str
) -> None:
    done = command("agree", log, *words)
    assert done.code == code
    assert message in done.err


def test_labels_are_exported_and_imported(command: Command, log: Path) -> None:
    assert command("labels", "export", log, "all.csv", "--what", "events").out == "wrote all.csv: 18 events\n"
    assert command("labels", "export", log, "resolved.parquet", "--what", "resolved").out.endswith(": 4 labels\n")
    assert command("labels", "export", log, "b.json", "--round", "blind-1", "--task", "modality").out.endswith(
        "4 labels\n"
    )
    done = command("labels", "import", "new.db", "b.json", "--round", "back")
    assert (done.code, done.out) == (DONE, "new.db: 4 new labels, 0 already there\n")
    assert (
        command("labels", "import", "new.db", "b.json", "--round", "back").out
        == "new.db: 0 new labels, 4 already there\n"
    )
    with Log.open("new.db", write=False) as found:
        assert {event.annotator for event in found.current()} == {"radiologist"}


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("i1,DRTC", ["--annotator", "a1"]),
        ("i1,DRCT", []),
        ("i1,DRCT", ["--annotator", "curated:a1"]),
        ("i1,DRCT", ["--annotator", "a1", "--round", "back:a1"]),
    ],
)
def test_a_failed_import_leaves_no_new_log(command: Command, tmp_path: Path, rows: str, words: list[str]) -> None:
    file = tmp_path / "labels.csv"
    file.write_text(f"image_key,label\n{rows}\n")
    done = command("labels", "import", tmp_path / "new.db", file, "--round", "back", "--task", "modality", *words)
    assert done.code in (DATA, USAGE)
    assert [path.name for path in tmp_path.iterdir()] == ["labels.csv"]


def test_a_failed_import_opens_no_round(command: Command, log: Path) -> None:
    Path("labels.csv").write_text("image_key,label\ni1,DRTC\n")
    words = ("--round", "new", "--task", "modality", "--annotator", "a1")
    assert command("labels", "import", log, "labels.csv", *words).code == DATA
    with Log.open(log, write=False) as found:
        assert "new" not in found.rounds()


def test_the_history_of_an_image_has_every_event(command: Command, log: Path) -> None:
    with Log.open(log, write=False) as found:
        batch = found.history("i3")[0].batch
    assert command("labels", "undo", log, batch, "--annotator", "lead", "--note", "wrong").out == "took back 1 event\n"
    done = command("labels", "history", log, "i3", "--json")
    assert [event["kind"] for event in json.loads(done.out)] == ["label", "label", "label", "sample", "undo"]
    printed = command("labels", "history", log, "i3").out.splitlines()
    assert len(printed) == 6 and printed[0].split()[:4] == ["id", "time", "round", "annotator"]
    assert "radiologist" in printed[3]
    assert command("labels", "history", log, "none").code == DATA


def test_the_check_reports_disputes_and_damage(command: Command, log: Path) -> None:
    done = command("labels", "check", log)
    assert done.out == "OK: 18 events, 4 labels resolved, all checks passed (labels.db)\n"
    log.write_bytes(log.read_bytes()[:8192])
    done = command("labels", "check", log)
    assert done.code == DATA
    assert "damaged label log" in done.err and "cp labels.db.backup labels.db" in done.err


@pytest.mark.parametrize("words", [("check",), ("undo", "x1", "--annotator", "a"), ("history", "i1"), ("outdated",)])
def test_a_mistyped_log_is_not_created(command: Command, log: Path, words: tuple[str, ...]) -> None:
    done = command("labels", words[0], "lables.db", *words[1:])
    assert done.code == DATA and done.err.startswith("error: label log not found: lables.db")
    assert not Path("lables.db").exists()
    log.unlink()
    done = command("labels", words[0], log, *words[1:])
    assert "labels.db, but it has a backup" in done.err and "cp labels.db.backup labels.db" in done.err
    assert not log.exists()


def test_labels_of_an_older_guideline_are_listed_until_they_are_given_again(command: Command, log: Path) -> None:
    assert command("labels", "outdated", log).out == "OK: all labels were made under the present guidelines\n"
    with opened(log) as found:
        labelled(found, "i1", "DRCT", guideline="0123456789ab", round="curated")
        labelled(found, "i2", "DRMR", guideline="0123456789ab", round="curated", by="a2")
    done = command("labels", "outdated", log, "--out", "outdated.csv")
    assert "2 labels of 'modality' made under another version of its guideline" in done.out
    assert done.out.startswith("task      image_key  round    annotator  label")
    assert "modality  i1         curated  a1         DRCT" in done.out and "wrote outdated.csv: 2 labels" in done.out
    rows = list(csv.DictReader(Path("outdated.csv").read_text().splitlines()))
    assert [(row["image_key"], row["annotator"], row["label"], row["guideline"]) for row in rows] == [
        ("i1", "a1", "DRCT", "0123456789ab"),
        ("i2", "a2", "DRMR", "0123456789ab"),
    ]
    assert all(row["time"] for row in rows)
    assert "2 labels of 'modality'" in command("labels", "check", log).out
    with opened(log) as found:
        labelled(found, "i1", "DRCT", round="curated")  # the same label
    listed = json.loads(command("labels", "outdated", log, "--task", "modality", "--json").out)
    assert [one["image_key"] for one in listed] == ["i2"]
    assert command("labels", "outdated", log, "--task", "region").out.startswith("OK")


def test_manual_concepts_of_a_dataset_are_imported(command: Command, tmp_path: Path) -> None:
    log, dataset = tmp_path / "labels.db", published(tmp_path / "rocov2")
    done = command("labels", "import", log, dataset, "--round", "rocov2")
    assert done.code == DONE, done.err
    assert "new labels, 0 already there" in done.out
    table = next(dataset.glob("train_concepts_manual.csv"))
    again = command("labels", "import", log, table, "--round", "rocov2")
    assert again.code == DONE
    with Log.open(log, write=False) as found:
        keys = {event.image_key for event in found.current("modality")}
    assert keys and all(len(key.rpartition("-")[2]) == 64 for key in keys)
