"""The stage `label`: resolved labels become columns; OTHER and UNKNOWN drop an image; only labels decide the digest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from roco.base.errors import CorruptFile, DataError, RecipeError
from roco.base.schema import types
from roco.core.stage import put
from roco.curate.log import Log
from roco.curate.task_files import load
from roco.stages.label import Label
from roco.stages.merge import Merge
from tests.curate.logs import labelled, opened
from tests.stages.test_merge import CHEST, CT, MR, PA, XR
from tests.stages.test_merge import batch as captions


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with opened(tmp_path / "labels.db", "first", "second", "blind-1") as found:
        yield found


def decided(log: Log, *images: str | None, **options: Any) -> list[dict[str, Any]]:
    nothing = pa.nulls(len(images), pa.string())
    keys = pa.array(images, pa.string())
    batch = pa.table({"figure_id": keys, "drop": nothing, "drop_detail": nothing, "image_key": keys})
    rows: list[dict[str, Any]] = Label(log=log.path, **options)(batch).to_pylist()
    return rows


def test_resolved_labels_become_columns(log: Log) -> None:
    labelled(log, "i1", "DRXR")
    labelled(log, "i1", "chest", task="region")
    labelled(log, "i1", "UNKNOWN", task="direction")
    row, other, without = decided(log, "i1", "i2", None)
    assert (row["labelled_modality"], row["labelled_regions"], row["labelled_directions"]) == ("DRXR", ["chest"], [])
    assert row["drop"] is None
    assert other["labelled_modality"] is other["labelled_regions"] is without["labelled_modality"] is None


def test_several_regions_are_read(log: Log) -> None:
    log.tasks["region"] = load("region", several=True)
    labelled(log, "i1", "pelvis+abdomen", task="region")
    assert decided(log, "i1")[0]["labelled_regions"] == ["abdomen", "pelvis"]


@pytest.mark.parametrize("label", ["OTHER", "UNKNOWN"])
def test_the_modality_other_or_unknown_drops_the_image(log: Log, label: str) -> None:
    labelled(log, "i1", label)
    row = decided(log, "i1")[0]
    assert (row["drop"], row["drop_detail"]) == ("label", f"modality {label}")


def test_a_disputed_image_is_neither_labelled_nor_dropped(log: Log) -> None:
    labelled(log, "i1", "OTHER")
    labelled(log, "i1", "DRCT", by="a2")
    row = decided(log, "i1")[0]
    assert row["labelled_modality"] is row["drop"] is None


def test_labels_about_concepts_are_not_read(log: Log) -> None:
    labelled(log, "i1", "no", task="visible", concept="C0817096")
    assert decided(log, "i1")[0]["labelled_concepts"] is None


def test_a_task_of_ones_own_gives_its_concepts(log: Log, tmp_path: Path) -> None:
    (tmp_path / "c.md").write_text("Bright vessels.")
    (tmp_path / "contrast.toml").write_text(
        'title = "Contrast"\nquestion = "Contrast?"\nguideline = "c.md"\n'
        '[[label]]\nname = "yes"\ntitle = "Yes"\ncui = "C0009924"\n[[label]]\nname = "no"\ntitle = "No"\n'
    )
    log.tasks["contrast"] = load(tmp_path / "contrast.toml")
    labelled(log, "i1", "yes", task="contrast")
    labelled(log, "i2", "no", task="contrast")
    rows = decided(log, "i1", "i2", tasks=(tmp_path / "contrast.toml",))
    assert [row["labelled_concepts"] for row in rows] == [["C0009924"], []]
    assert decided(log, "i1")[0]["labelled_concepts"] is None  # the recipe does not name the task


# --- fingerprint ------------------------------------------------------------------------------------------------------


def digest(log: Log, *rounds: str) -> str:
    return Label(log=log.path, rounds=rounds).digest({})


def test_only_labels_that_count_change_the_digest(log: Log) -> None:
    labelled(log, "i1", "DRCT")
    before = digest(log, "first")
    labelled(log, "i1", "DRMR", round="second")
    labelled(log, "i1", "DRMR", by="radiologist", round="blind-1")
    done = labelled(log, "i2", "DRMR")
    log.undo(done.batch, annotator="a1")
    labelled(log, "i1", "DRCT", by="a2", note="sure")
    assert digest(log, "first") == before
    labelled(log, "i3", "DRMR")
    assert digest(log, "first") != before


def test_the_digest_depends_on_labels_and_not_on_names_of_rounds_or_files(log: Log, tmp_path: Path) -> None:
    labelled(log, "i1", "DRCT")
    labelled(log, "i1", "DRCT", round="second")
    assert digest(log, "first") == digest(log, "second") == digest(log)
    with opened(tmp_path / "other.db", "x") as other:
        labelled(other, "i1", "DRCT", by="someone", round="x")
        assert digest(other) == digest(log)


def test_the_labels_are_those_of_the_digest_even_if_more_are_added(log: Log) -> None:
    stage = Label(log=log.path)
    before = stage.digest({})
    labelled(log, "i1", "DRCT")
    assert stage.digest({}) == before
    batch = pa.table({name: pa.array(["i1"]) for name in ("figure_id", "image_key")})
    batch = batch.append_column("drop", pa.nulls(1, pa.string())).append_column("drop_detail", pa.nulls(1, pa.string()))
    assert stage(batch).to_pylist()[0]["labelled_modality"] is None


def test_without_a_log_nothing_is_labelled(tmp_path: Path) -> None:
    assert Label().fingerprint() == Label(log=tmp_path / "none.db").fingerprint() == [[]]
    with pytest.raises(DataError, match="label log not found"):
        Label(log=tmp_path / "none.db", rounds=("first",)).fingerprint()


def test_a_damaged_log_stops_the_run(log: Log) -> None:
    labelled(log, "i1", "DRCT")
    log.close()
    damaged = log.path.with_name("damaged.db")
    damaged.write_bytes(log.path.read_bytes()[:4096])
    with pytest.raises(CorruptFile, match="damaged label log"):
        Label(log=damaged).prepare()


def test_a_label_that_its_task_no_longer_has_is_an_error(log: Log, tmp_path: Path) -> None:
    (tmp_path / "c.md").write_text("Guideline.")
    text = 'title = "T"\nquestion = "Q?"\nguideline = "c.md"\n'
    own = tmp_path / "own.toml"
    own.write_text(text + "".join(f'[[label]]\nname = "{name}"\ntitle = "T"\n' for name in ("a", "b")))
    log.tasks["own"] = load(own)
    labelled(log, "i1", "b", task="own")
    own.write_text(text + "".join(f'[[label]]\nname = "{name}"\ntitle = "T"\n' for name in ("a", "c")))
    with pytest.raises(RecipeError, match="'b' is not a label of the task 'own'"):
        Label(log=log.path, tasks=(own,)).prepare()


# --- merge ------------------------------------------------------------------------------------------------------------


def merged(caption: str, given: list[str] | None = None, **answers: Any) -> dict[str, Any]:
    """What `merge` decides for an image that people labelled."""
    batch = captions(caption)
    for name, kind in {**Label.writes, **types("given_manual")}.items():
        value = given if name == "given_manual" else answers.get(name)
        batch = put(batch, name, pa.array([value], kind))
    row: dict[str, Any] = Merge()(batch).to_pylist()[0]
    return row


def test_a_label_beats_guess_and_dataset() -> None:
    row = merged("Axial CT of the abdomen", [CT, "C0000001"], labelled_modality="DRMR")
    assert (row["modality"], row["modality_from"]) == ("DRMR", "label")
    assert row["concepts_manual"] == [MR, "C0000001"]
    assert CT not in row["concepts"]


def test_a_combined_image_has_a_label_without_a_concept() -> None:
    row = merged("Axial CT of the abdomen", [CT], labelled_modality="DRCO")
    assert (row["modality"], row["modality_from"], row["concepts_manual"]) == ("DRCO", "label", [])


def test_labelled_regions_and_directions_become_manual_concepts() -> None:
    labels = {"labelled_modality": "DRXR", "labelled_regions": ["chest"], "labelled_directions": ["coronal_pa"]}
    row = merged("AP radiograph of the abdomen", **labels)
    assert (row["region"], row["direction"]) == ("chest", "coronal_pa")
    assert row["concepts_manual"] == [XR, CHEST, PA]


def test_an_image_labelled_other_stays_without_a_region() -> None:
    row = merged("AP radiograph of the chest", labelled_regions=[], labelled_directions=[])
    assert (row["modality"], row["region"], row["direction"], row["concepts_manual"]) == ("DRXR", None, None, [])


def test_several_regions_are_all_manual_concepts() -> None:
    row = merged("Radiograph", labelled_modality="DRXR", labelled_regions=["abdomen", "pelvis"])
    assert row["concepts_manual"] == [XR, "C0000726", "C0030797"]
    assert row["region"] is None


def test_the_region_of_an_image_that_is_no_x_ray_does_not_count() -> None:
    row = merged("Chest", labelled_modality="DRCT", labelled_regions=["chest"])
    assert (row["concepts_manual"], row["region"]) == ([CT], None)


def test_concepts_of_ones_own_tasks_come_last() -> None:
    row = merged("Chest", ["C0000001"], labelled_modality="DRCT", labelled_concepts=["C0009924"])
    assert row["concepts_manual"] == [CT, "C0000001", "C0009924"]
