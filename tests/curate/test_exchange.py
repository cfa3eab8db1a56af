"""Labels go to CSV, Parquet and Label Studio JSON and come back; hostile files are errors with line and remedy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.base.errors import DataError, RocoError, UsageError
from roco.curate.events import Entry
from roco.curate.exchange import read_labels, write_events
from roco.curate.importing import add_labels, of_manual_concepts
from roco.curate.log import Log
from roco.curate.resolve import resolved_events
from roco.curate.task_files import load
from tests.curate.logs import labelled, opened


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with opened(tmp_path / "labels.db", "first") as found:
        found.tasks["region"] = load("region", several=True)
        labelled(found, "i1", "DRCT", note='=HYPERLINK("x"), "quoted"')
        labelled(found, "i1", "DRMR", by="a2")
        labelled(found, "i2", "abdomen+pelvis", task="region")
        labelled(found, "i3", "yes", task="visible", concept="C0817096")
        yield found


def facts(log: Log) -> list[tuple[str, ...]]:
    return sorted(
        (one.task, one.image_key, one.concept, one.annotator, one.label, one.guideline, one.note)
        for one in log.current()
    )


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".json"])
def test_exported_labels_can_be_imported(log: Log, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"labels{suffix}"
    write_events(log.current(), path)
    with opened(tmp_path / "other.db", "back") as other:
        other.tasks["region"] = load("region", several=True)
        assert add_labels(other, read_labels(path), round="back") == 4
        assert facts(other) == facts(log)
        assert {event.origin for event in other.current()} == {"imported"}
        assert add_labels(other, read_labels(path), round="back") == 0


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".json"])
def test_of_exported_events_the_labels_in_force_are_imported(log: Log, tmp_path: Path, suffix: str) -> None:
    log.open_round("second", annotator="lead")
    labelled(log, "i1", "DRXR")  # instead of DRCT
    undone = labelled(log, "i2", "DRUS", by="a2")
    log.undo(labelled(log, "i3", "DRUS", by="a2").batch, annotator="a2")
    labelled(log, "i2", "DRPE", by="a2")
    log.undo(undone.batch, annotator="lead", of_anyone=True)
    log.undo(log.history("i2")[-2].batch, annotator="a2")  # DRPE: a2 has no label of i2 any more
    log.add([Entry(kind="flag", image_key="i1")], round="second", annotator="a1")
    path = tmp_path / f"events{suffix}"
    write_events(list(log.events()), path)
    with opened(tmp_path / "other.db", "back") as other:
        other.tasks["region"] = load("region", several=True)
        assert add_labels(other, read_labels(path), round="back") == 4
        assert facts(other) == facts(log)
        assert {event.kind for event in other.events()} == {"round", "label"}


def test_an_export_that_another_program_has_written_again_revives_no_label(log: Log, tmp_path: Path) -> None:
    log.undo(labelled(log, "i9", "DRUS").batch, annotator="a1")
    path = tmp_path / "events.parquet"
    write_events(list(log.events()), path)
    table = pq.read_table(path)
    revoked = pa.array([None if value is None else float(value) for value in table["revoked"].to_pylist()])
    pq.write_table(table.set_column(table.column_names.index("revoked"), "revoked", revoked), path)
    assert {one.image_key for one in read_labels(path)} == {"i1", "i2", "i3"}


def test_exported_events_of_two_logs_in_one_file_are_refused(log: Log, tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    write_events(list(log.events()), path)
    header, *lines = path.read_text().splitlines()
    path.write_text("\n".join([header, *lines, *lines, ""]))
    with pytest.raises(DataError, match=r"two events with the id 1 .*line 7"):
        read_labels(path)


def test_two_labels_of_one_annotator_for_an_image_are_refused_with_both_lines(log: Log, tmp_path: Path) -> None:
    path = tmp_path / "twice.csv"
    path.write_text("image_key,label\ni7,DRCT\ni8,DRCT\ni7,DRMR\n")
    before = log.newest
    with pytest.raises(DataError) as found:
        add_labels(log, read_labels(path), round="first", annotator="a3", task="modality")
    assert f"two labels of 'a3' for 'i7' in the task 'modality' (DRCT: {path}, line 2; DRMR: {path}, line 4)" in str(
        found.value
    )
    assert log.newest == before
    path.write_text("image_key,annotator,label\ni7,a3,DRCT\ni7,a4,DRMR\ni7,a3,DRCT\n")
    add_labels(log, read_labels(path), round="first", task="modality")
    assert {event.annotator: event.label for event in log.history("i7")} == {"a3": "DRCT", "a4": "DRMR"}


def test_no_cell_is_a_formula(log: Log, tmp_path: Path) -> None:
    write_events(log.current(), tmp_path / "labels.csv")
    assert ",=HYPERLINK" not in (tmp_path / "labels.csv").read_text()
    assert "'=HYPERLINK" in (tmp_path / "labels.csv").read_text()


def test_an_export_of_resolved_labels_has_one_for_each_image(log: Log) -> None:
    labelled(log, "i1", "DRCO", by="lead", origin="adjudicated")
    found = resolved_events(log.current())
    assert [(one.image_key, one.label, one.annotator) for one in found] == [
        ("i1", "DRCO", "adjudicated"),
        ("i2", "abdomen+pelvis", "single"),
        ("i3", "yes", "single"),
    ]


def test_label_studio_has_a_task_for_each_image(log: Log, tmp_path: Path) -> None:
    write_events(log.current(), tmp_path / "labels.json")
    tasks = json.loads((tmp_path / "labels.json").read_text())
    assert [task["data"] for task in tasks] == [
        {"image_key": "i1"},
        {"image_key": "i2"},
        {"image_key": "i3", "concept": "C0817096"},
    ]
    annotations = tasks[0]["annotations"]
    assert [one["result"][0]["meta"]["annotator"] for one in annotations] == [["a1"], ["a2"]]
    assert "completed_by" not in annotations[0]  # Label Studio expects the e-mail address of one of its users
    for annotation in annotations:
        assert {"id", "from_name", "to_name", "type", "value"} <= set(annotation["result"][0])
    assert tasks[1]["annotations"][0]["result"][0]["value"] == {"choices": ["abdomen", "pelvis"]}


EXPORTED = """[{
  "id": 7, "inner_id": 1, "project": 2, "file_upload": "a1b2c3-tasks.json", "total_annotations": 2, "drafts": [],
  "data": {"image": "/data/upload/2/i1.jpg", "image_key": "i1"},
  "predictions": [{"result": [{"type": "choices", "from_name": "modality", "value": {"choices": ["DRUS"]}}]}],
  "annotations": [
    {"id": 11, "completed_by": 3, "was_cancelled": false, "ground_truth": false, "lead_time": 4.288, "task": 7,
     "created_at": "2026-03-09T22:16:08.728353Z", "parent_prediction": null, "result": [
      {"id": "zLSY-XLk64", "type": "choices", "origin": "manual", "to_name": "image", "from_name": "modality",
       "value": {"choices": ["DRXR"]}},
      {"id": "uh87CbF1k3", "type": "choices", "origin": "manual", "to_name": "image", "from_name": "region",
       "value": {"choices": ["pelvis", "abdomen"]}},
      {"id": "b", "type": "rectanglelabels", "to_name": "image", "from_name": "box", "value": {"x": 1}}]},
    {"id": 12, "completed_by": {"id": 4, "email": "ann@example.org", "first_name": "Ann"}, "was_cancelled": false,
     "result": [{"id": "c", "type": "choices", "to_name": "image", "from_name": "modality",
                 "value": {"choices": ["DRCT"]}}]},
    {"id": 13, "completed_by": 5, "was_cancelled": true, "result": [{"id": "d", "type": "choices", "to_name": "image",
     "from_name": "modality", "value": {"choices": ["DRMR"]}}]}]
}]"""
"""An export of Label Studio with the format JSON: two annotators, one skipped annotation, a prediction, a box."""


def test_an_export_of_label_studio_is_read(tmp_path: Path) -> None:
    (tmp_path / "export.json").write_text(EXPORTED)
    found = read_labels(tmp_path / "export.json")
    assert [(one.image_key, one.task, one.annotator, one.label) for one in found] == [
        ("i1", "modality", "3", "DRXR"),
        ("i1", "region", "3", "pelvis+abdomen"),
        ("i1", "modality", "ann@example.org", "DRCT"),
    ]


def test_labels_that_label_studio_gives_back_keep_their_annotator_unless_they_were_changed(
    log: Log, tmp_path: Path
) -> None:
    path = tmp_path / "labels.json"
    write_events(log.current(), path)
    tasks = json.loads(path.read_text())
    for task in tasks:
        for annotation in task["annotations"]:
            annotation["completed_by"] = 1  # the person who imported them
    tasks[0]["annotations"][1]["result"][0]["value"]["choices"] = ["DRPE"]
    path.write_text(json.dumps(tasks))
    before = {(one.image_key, one.annotator): one for one in log.current()}
    found = {(one.image_key, one.annotator): one for one in read_labels(path)}
    changed = found.pop(("i1", "1"))
    assert (changed.label, changed.guideline) == ("DRPE", "")
    assert set(found) == set(before) - {("i1", "a2")}
    assert all(one.guideline == before[place].guideline for place, one in found.items())


def test_a_file_with_two_columns_is_enough(log: Log, tmp_path: Path) -> None:
    path = tmp_path / "more.csv"
    path.write_text("\ufeffimage_key, label\r\ni8,DRUS\r\n", encoding="utf-8")
    assert add_labels(log, read_labels(path), round="first", annotator="a3", task="modality") == 1
    assert log.history("i8")[0].label == "DRUS"


def test_names_of_columns_in_quotes_are_read_as_r_writes_them(log: Log, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text('"image_key","label"\n"i8","DRUS"\n')
    assert add_labels(log, read_labels(path), round="first", annotator="a3", task="modality") == 1
    assert log.history("i8")[0].label == "DRUS"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", "image_key,lable\n", "missing column 'label'"),
        ("x.csv", "", "missing column 'image_key'"),
        ("x.csv", "image_key,label,label\ni1,DRCT,DRXR\n", "the column 'label' occurs more than once (x.csv)"),
        ("x.csv", "image_key;label\ni1;DRCT\n", "the separator is a semicolon, not a comma (x.csv, line 1)"),
        ("x.csv", "label\timage_key\nDRCT\ti1\n", "the separator is a tab, not a comma (x.csv, line 1)"),
        ("x.csv", "image_key,label,annotator\ni1,DRCT,x:a\n", "annotator with a colon: 'x:a' (x.csv, line 2)"),
        ("x.csv", "image_key,label,id,kind,round,revoked\ni1,DRCT,1,lable,a,\n", "unknown kind of event 'lable'"),
        ("x.csv", "image_key,label,id,kind,round,revoked\ni1,,,flag,a,\n", "no id of an event (x.csv, line 2)"),
        ("x.csv", "image_key,label\ni1\n", "line 2: 1 cells, not 2"),
        ("x.csv", "image_key,label\ni1,DRTC\n", "is not a label of the task 'modality' (x.csv, line 2)"),
        ("x.csv", "image_key,label\n,DRCT\n", "invalid image_key '' (x.csv, line 2)"),
        ("x.csv", "image_key,label\n\x00,DRCT\n", "x.csv"),
        ("x.json", "{}", "not a list of tasks"),
        ("x.json", "[" * 100_000, "x.json cannot be read"),
        ("x.json", "[1]", "no image_key in data"),
        ("x.json", '[{"data": {"image_key": "i"}, "annotations": [{"result": [{"type": "choices"}]}]}]', "no choices"),
        ("x.parquet", "PAR1", "x.parquet cannot be read"),
        ("x.xlsx", "", "unknown format '.xlsx'"),
    ],
)
def test_an_invalid_file_is_an_error_and_adds_nothing(
    log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_text(content)
    before = log.newest
    with pytest.raises(RocoError) as found:
        add_labels(log, read_labels(Path(name)), round="first", annotator="a1", task="modality")
    assert message in found.value.message and found.value.hint
    assert log.newest == before


def test_a_label_without_an_annotator_needs_one(log: Log, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("image_key,label\ni1,DRCT\n")
    with pytest.raises(UsageError, match="no annotator"):
        add_labels(log, read_labels(tmp_path / "x.csv"), round="first", task="modality")


def test_a_parquet_file_with_other_types_is_an_error(tmp_path: Path) -> None:
    pq.write_table(pa.table({"image_key": [1], "label": ["x"]}), tmp_path / "x.parquet")
    with pytest.raises(DataError, match="cannot be read: the column image_key is int64"):
        read_labels(tmp_path / "x.parquet")


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["data", "annotations", "result", "type", "value", "choices", "image_key", "meta"]), inner
        ),
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_read_or_an_error(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    path = tmp_path_factory.getbasetemp() / "hostile.json"
    path.write_text(json.dumps(value))
    try:
        read_labels(path)
    except DataError as err:
        assert err.hint


def test_manual_concepts_become_labels() -> None:
    images = [
        ("i1", ["C1306645", "C0817096", "C1999039"]),
        ("i2", ["C0040405"]),
        ("i3", []),
        ("i4", ["C0040405", "C0024485"]),
        ("i5", ["C1306645"]),
        ("i6", ["C0040405", "C0817096"]),
        ("i7", ["C1306645", "C0817096"]),
        ("i7", ["C1306645", "C0000726"]),  # another figure with the same bytes
    ]
    found = [(one.image_key, one.task, one.label) for one in of_manual_concepts(images, "x")]
    assert found == [
        ("i1", "modality", "DRXR"),
        ("i1", "region", "chest"),
        ("i1", "direction", "coronal_ap"),
        ("i2", "modality", "DRCT"),
        ("i3", "modality", "DRCO"),
        ("i5", "modality", "DRXR"),
        ("i6", "modality", "DRCT"),
        ("i7", "modality", "DRXR"),
    ]
