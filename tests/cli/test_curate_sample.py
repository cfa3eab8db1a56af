"""`roco curate --sample`, what `roco agree` makes of it, and `roco labels precision`."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from roco.curate.app_state import Server
from roco.curate.corpus import of_run
from roco.curate.events import Event
from roco.curate.log import Log
from roco.recipes.load import load_recipe
from tests.cli.command import DATA, DONE, USAGE, Command


def sample(log: Path, task: str, round: str) -> list[Event]:
    with Log.open(log, write=False) as opened:
        return opened.standing("sample", task, rounds=[round])


def add_labels(command: Command, log: Path, name: str, round: str, labels: Mapping[Any, str], task: str) -> None:
    """Imports labels by image_key, or by image_key and concept."""
    file = log.parent / f"{name}.csv"
    with file.open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(("image_key", "concept", "label"))
        writer.writerows((*((key, "") if isinstance(key, str) else key), label) for key, label in labels.items())
    words = [log, file, "--round", round, "--annotator", name, "--task", task]
    done = command("labels", "import", *words, *(["--blind"] if round == "radiologist" else []))
    assert done.code == DONE, done.err


def test_a_radiologist_labels_a_stratified_sample_and_agree_weights_kappa_to_all_images(
    command: Command, finished_demo: Path, tmp_path: Path
) -> None:
    recipe, log = finished_demo / "demo.toml", tmp_path / "labels.db"
    with closing(load_recipe(recipe).open()) as run:
        figures = of_run(run)
    shown = zip(figures.keys, figures.table["modality"].to_pylist(), figures.asked, strict=True)
    # An annotator labels all images, and excludes ultrasound: in a release, these would be missing.
    curated = {image: (label or "DRCT").replace("DRUS", "OTHER") for image, label, is_asked in shown if is_asked}
    add_labels(command, log, "a1", "curated", curated, "modality")

    options = ["--sample", "16", "--stratify", "modality", "--round", "radiologist", "--blind", "--draw-only"]
    drawn = command("curate", recipe, "--log", log, "--annotator", "r1", *options)
    assert drawn.code == DONE, drawn.err
    assert drawn.out.startswith("sample of 'modality' in round 'radiologist', drawn: 16 of ")
    events = sample(log, "modality", "radiologist")
    sizes, counts = Counter(curated.values()), Counter(event.label for event in events)
    assert len(events) == 16 and counts.keys() == sizes.keys() and counts["OTHER"] > 0
    for event in events:
        assert event.label == curated[event.image_key]
        assert event.weight == pytest.approx(sizes[event.label] / counts[event.label])

    # The radiologist sees ultrasound in one excluded image, and CT in one X-ray.
    expert = {event.image_key: event.label for event in events}
    for theirs, ours in (("OTHER", "DRUS"), ("DRXR", "DRCT")):
        expert[next(event.image_key for event in events if event.label == theirs)] = ours
    add_labels(command, log, "r1", "radiologist", expert, "modality")
    words = [log, "--first", "curated", "--second", "radiologist", "--task", "modality"]
    (found,) = json.loads(command("agree", *words, "--json").out)

    # By hand: each image counts as the images that it represents.
    weights = {event.image_key: sizes[event.label] / counts[event.label] for event in events}
    total = sum(sizes.values())
    agree = sum(weight for image, weight in weights.items() if expert[image] == curated[image]) / total
    columns: Counter[str] = Counter()
    for image, weight in weights.items():
        columns[expert[image]] += weight  # type: ignore[assignment]
    chance = sum(sizes[label] * columns[label] for label in columns) / total**2
    assert (found["agree"], found["n"]) == (14, 16)
    assert found["weighted"]["agreement"] == pytest.approx(agree)
    assert found["weighted"]["value"] == pytest.approx((agree - chance) / (1 - chance))
    assert found["weighted"]["value"] != pytest.approx(found["value"], abs=1e-4)
    assert "Weighted to all images" in command("agree", *words).out

    again = command("curate", recipe, "--log", log, "--annotator", "r1", *options)
    assert again.out == drawn.out.replace("drawn:", "drawn before:")
    other = command("curate", recipe, "--log", log, "--annotator", "r1", *options, "--seed", "2")
    assert other.code == USAGE
    assert "the round 'radiologist' has another sample of 'modality': 16 by modality, seed 1" in other.err


def test_the_precision_of_concepts_is_stated_from_the_labels_of_a_sample(
    command: Command, finished_demo: Path, tmp_path: Path
) -> None:
    log = tmp_path / "labels.db"
    release = finished_demo / "run" / "release"
    options = ["--task", "visible", "--sample", "30", "--stratify", "type", "--draw-only"]
    drawn = command("curate", release, "--log", log, "--annotator", "a1", *options)
    assert drawn.code == DONE, drawn.err
    assert "Body Part, Organ, or Organ Component" in drawn.out and drawn.err == ""
    events = sample(log, "visible", "sample")
    answers = {}
    for event in events:
        answers[event.image_key, event.concept] = "no" if event.label.startswith("Body Part") else "yes"
    answers[events[0].image_key, events[0].concept] = "unsure"
    add_labels(command, log, "a1", "sample", answers, "visible")
    rows = {row["stratum"]: row for row in json.loads(command("labels", "precision", log, "--json").out)["strata"]}
    assert rows["Body Part, Organ, or Organ Component"]["precision"]["value"] == 0
    assert rows["Finding"]["precision"]["value"] == 1
    assert (rows["all"]["drawn"], rows["all"]["unsure"], rows["all"]["open"]) == (30, 1, 0)
    organs = rows["Body Part, Organ, or Organ Component"]["size"]
    assert rows["all"]["precision"]["value"] == pytest.approx(1 - organs / rows["all"]["size"])
    printed = command("labels", "precision", log).out
    assert printed.startswith("30 of 30 concepts in the sample of round 'sample' labelled, 1 unsure\n")
    assert command("labels", "precision", log, "--task", "modality").code == USAGE
    assert command("labels", "precision", log, "--round", "sampel").code == USAGE


def test_a_release_lacks_the_images_that_people_excluded_which_is_reported(
    command: Command, finished_demo: Path, tmp_path: Path
) -> None:
    words = ["curate", finished_demo / "run" / "release", "--log", tmp_path / "labels.db", "--draw-only"]
    drawn = command(*words, "--sample", "12")
    assert drawn.code == DONE and "in round 'sample'" in drawn.out
    assert "a release has no images that people labelled OTHER and UNKNOWN: draw from its recipe" in drawn.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--stratify", "modality"], "option --stratify without a sample"),
        (["--seed", "2"], "option --seed without a sample"),
        (["--draw-only"], "option --draw-only without a sample"),
        (["--sample", "9", "--task", "modality", "--task", "region"], "a sample of several tasks"),
        (["--sample", "9", "--stratify", "regoin"], "unknown task 'regoin'"),
        (["--sample", "9", "--task", "region", "--stratify", "type"], "unknown strata 'type' for 'region'"),
        (["--sample", "9000"], "a sample of 9,000, but 'modality' is asked for only "),
        (["--sample", "2"], "a sample of 2 from "),
    ],
)
def test_a_sample_that_cannot_be_drawn_is_refused_and_leaves_the_log_empty(
    command: Command, finished_demo: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    log = tmp_path / "labels.db"
    result = command("curate", finished_demo / "demo.toml", "--log", log, *options)
    assert result.code == USAGE and message in result.err
    if log.exists():
        with Log.open(log, write=False) as opened:
            assert opened.newest == 0


def test_the_server_of_a_sample_asks_about_it_alone_and_continues_it(
    command: Command, finished_demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[tuple[str, bool, list[str], list[str], int]] = []

    def serve(server: Server, *_: Any, **__: Any) -> None:
        assert server.log is not None
        n = len(server.log.standing("sample"))
        served.append((server.round, server.blind, list(server.tasks), list(server.others), n))

    monkeypatch.setattr("roco.curate.serve.serve", serve)
    words = ["curate", finished_demo / "demo.toml", "--log", tmp_path / "labels.db", "--port", "0", "--no-browser"]
    assert command(*words, "--sample", "8", "--stratify", "region", "--round", "x", "--blind").code == DONE
    assert command(*words, "--task", "region", "--round", "x", "--blind").code == DONE
    assert command(*words).code == DONE
    assert served == [
        ("x", True, ["region"], ["modality"], 8),
        ("x", True, ["region"], ["modality"], 8),
        ("curated", False, ["modality", "region", "direction"], [], 8),
    ]
    assert command("labels", "precision", tmp_path / "labels.db").code == DATA
