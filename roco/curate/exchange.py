"""Writes labels to CSV, Parquet and Label Studio JSON, and reads them back."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args

import pyarrow as pa
import pyarrow.parquet as pq

from roco.base.errors import DataError, UsageError, nearest
from roco.base.files import whole, write_text
from roco.base.json_text import parse_json
from roco.base.readers import UNREADABLE, csv_rows, parquet_rows
from roco.base.terminal import excerpt, quoted
from roco.curate.events import Event, Kind
from roco.curate.tasks import JOINT

FORMATS = (".csv", ".parquet", ".json")
LARGEST_JSON = 256 << 20  # bytes
MOST_LABELS = 5_000_000
_TYPES = {"id": pa.int64(), "weight": pa.float64(), "revoked": pa.int64()}
_READ = ("task", "image_key", "concept", "annotator", "label", "guideline", "note")
_META = ("annotator", "label", "guideline", "note")
_REQUIRED = ("image_key", "label")
_OF_EVENTS = ("id", "kind", "round", "revoked")
"""The columns by which a file is an export of a log, which may have events that are no labels in force."""
_SEPARATORS = {";": "a semicolon", "\t": "a tab", "|": "a vertical bar"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings of cells that a spreadsheet would compute."""


class Imported(NamedTuple):
    """A label of a file, and the line or number that names it in errors."""

    where: str
    task: str
    image_key: str
    concept: str
    annotator: str
    label: str
    guideline: str
    note: str


def write_events(events: Sequence[Event], path: Path) -> None:
    """Writes events to a file in the format of its suffix; raises UsageError for another suffix."""
    if path.suffix == ".csv":
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(Event._fields)
        for event in events:
            writer.writerow(["" if value is None else _inert(value) for value in event])
        write_text(path, out.getvalue())
    elif path.suffix == ".parquet":
        schema = pa.schema([(name, _TYPES.get(name, pa.string())) for name in Event._fields])
        table = pa.Table.from_pylist([event._asdict() for event in events], schema)
        with whole(path) as part:
            pq.write_table(table, part, compression="zstd")
    elif path.suffix == ".json":
        write_text(path, json.dumps(list(_label_studio(_in_force(events))), indent=1, ensure_ascii=False) + "\n")
    else:
        raise _unknown(path)


def read_labels(path: Path) -> list[Imported]:
    """Reads the labels of a file in one of the formats; raises DataError for an invalid one.

    CSV and Parquet need the columns image_key and label; task, concept, annotator, guideline and note are optional, and
    others are ignored. Of exported events, the newest labels of each annotator in each round are read that were not
    taken back. Of Label Studio, the choices of annotations are read, with the task as `from_name`.
    """
    readers = {".csv": _of_csv, ".parquet": _of_parquet, ".json": _of_label_studio}
    if path.suffix not in readers:
        raise _unknown(path)
    try:
        labels = list(readers[path.suffix](path))
    except UNREADABLE as err:
        raise DataError(f"{path} cannot be read: {excerpt(err)}", "export it again, in UTF-8") from err
    if len(labels) > MOST_LABELS:
        raise DataError(f"{path} has more than {MOST_LABELS:,} labels", "divide it")
    return labels


def _unknown(path: Path) -> UsageError:
    return UsageError(f"unknown format {quoted(path.suffix or path.name)} ({path})", f"use {', '.join(FORMATS)}")


# --- CSV and Parquet --------------------------------------------------------------------------------------------------


def _inert(value: Any) -> Any:
    """Returns a text that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _plain(text: str) -> str:
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


def _of_csv(path: Path) -> Iterator[Imported]:
    with path.open(encoding="utf-8-sig", newline="") as fh:
        first = fh.readline(1 << 16)
    header = tuple(name.strip().strip('"') for name in first.rstrip("\r\n").split(","))  # R quotes its names
    for separator, what in _SEPARATORS.items():
        if "image_key" not in header and "image_key" in (name.strip(' "') for name in first.strip().split(separator)):
            raise DataError(f"the separator is {what}, not a comma ({path}, line 1)", "save it with commas")
    _check(header, path)

    def rows() -> Iterator[tuple[dict[str, Any], str]]:
        for row in csv_rows(path, header, exact=False):
            if row.cells is None:
                raise DataError(f"{path}, line {row.line}: {row.complaint}", "write one label on each line")
            yield dict(zip(header, map(_plain, row.cells), strict=True)), f"{path}, line {row.line}"

    yield from _labels(rows(), header)


def _of_parquet(path: Path) -> Iterator[Imported]:
    schema = pq.read_schema(path)
    _check(schema.names, path)
    columns = {name: pa.string() for name in _READ if name in schema.names}
    if set(_OF_EVENTS) <= set(schema.names):
        # Other programs change the type of a column of numbers in which most are missing.
        numbers = {name: schema.field(name).type for name in ("id", "revoked")}
        columns |= dict.fromkeys(_OF_EVENTS, pa.string()) | numbers
    rows = ((row, f"{path}, row {number}") for number, row in enumerate(parquet_rows(path, columns), 1))
    yield from _labels(rows, columns)


def _labels(rows: Iterable[tuple[dict[str, Any], str]], columns: Iterable[str]) -> Iterator[Imported]:
    """Yields the labels of rows, each with the place that names it; of exported events, those in force."""
    if not set(_OF_EVENTS) <= set(columns):
        yield from (_imported(row, where) for row, where in rows)
        return
    found = list(rows)
    if all(row["kind"] == "label" for row, _ in found):  # current or resolved labels, maybe of several logs
        yield from (_imported(row, where) for row, where in found)
        return
    events: dict[int, Event] = {}
    places: dict[int, str] = {}
    for row, where in found:
        event = _event(row, where)
        if event.id in events:
            raise DataError(f"two events with the id {event.id} ({where})", "import the export of each log by itself")
        events[event.id], places[event.id] = event, where
    for event in _in_force(events.values()):
        yield _imported(event._asdict(), places[event.id])


def _event(row: Mapping[str, Any], where: str) -> Event:
    """Returns an event of an export; raises DataError for an unknown kind and for an event without an id."""
    if row["kind"] not in get_args(Kind):
        raise DataError(
            f"unknown kind of event {quoted(row['kind'])} ({where})", nearest(str(row["kind"]), get_args(Kind))
        )
    numbers: dict[str, int | None] = {}
    for name in ("id", "revoked"):
        try:
            numbers[name] = int(float(row[name]))
        except (TypeError, ValueError, OverflowError):  # an empty cell; NaN, as other programs write it
            numbers[name] = None
    if numbers["id"] is None:
        raise DataError(f"no id of an event ({where})", "export the events again")
    values: dict[str, Any] = {name: row.get(name) or "" for name in Event._fields}
    return Event(**values | {"weight": None} | numbers)


def _in_force(events: Iterable[Event]) -> list[Event]:
    """Returns the newest label of each annotator for each question in each round that no undo takes back, by id."""
    ordered = sorted(events, key=lambda event: event.id)
    revoked = {event.revoked for event in ordered if event.kind == "undo"}
    newest = {}
    for event in ordered:
        if event.kind == "label" and event.id not in revoked:
            newest[event.round, event.task, event.image_key, event.concept, event.annotator] = event
    return sorted(newest.values(), key=lambda event: event.id)


def _check(names: Sequence[str], path: Path) -> None:
    for name in _REQUIRED:
        if name not in names:
            raise DataError(f"missing column '{name}' ({path})", nearest(name, names))
    repeated = [name for name in (*_READ, *_OF_EVENTS) if names.count(name) > 1]
    if repeated:
        raise DataError(f"the column '{repeated[0]}' occurs more than once ({path})", "keep one of them")


def _imported(row: Mapping[str, str | None], where: str) -> Imported:
    return Imported(where, *(row.get(name) or "" for name in _READ))


# --- Label Studio -----------------------------------------------------------------------------------------------------


def _label_studio(events: Iterable[Event]) -> Iterator[dict[str, Any]]:
    """Yields the tasks of Label Studio: one for each image and concept, with an annotation for each label."""
    by_question: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        if event.kind == "label":
            by_question.setdefault((event.image_key, event.concept), []).append(event)
    for number, ((image_key, concept), labels) in enumerate(by_question.items(), 1):
        data = {"image_key": image_key, **({"concept": concept} if concept else {})}
        yield {"id": number, "data": data, "annotations": [_annotation(event) for event in labels]}


def _annotation(event: Event) -> dict[str, Any]:
    """Returns an annotation as Label Studio imports it.

    Label Studio refuses e-mail addresses that it does not know, or attributes the annotation to the person who imports
    it. The annotator is therefore in `meta` too, with the label, which shows whether it was changed there.
    """
    choices = {
        "id": f"roco-{event.id}",
        "from_name": event.task,
        "to_name": "image",
        "type": "choices",
        "value": {"choices": event.label.split(JOINT)},
    }
    names = ("annotator", "label", "round", "origin", "guideline", "note")
    more = {name: getattr(event, name) for name in names}
    by = {"completed_by": {"email": event.annotator}} if "@" in event.annotator else {}
    return {
        "id": event.id,
        **by,
        "created_at": event.time,
        "result": [{**choices, "meta": {name: [text] for name, text in more.items() if text}}],
    }


def _of_label_studio(path: Path) -> Iterator[Imported]:
    if path.stat().st_size > LARGEST_JSON:
        raise ValueError(f"larger than {LARGEST_JSON >> 20} MiB")
    tasks = parse_json(path.read_text(encoding="utf-8-sig"))
    if not isinstance(tasks, list):
        raise ValueError("not a list of tasks, as Label Studio exports it with the format JSON")
    for number, task in enumerate(tasks, 1):
        where = f"{path}, task {number}"
        data = task.get("data") if isinstance(task, dict) else None
        if not isinstance(data, dict) or not isinstance(data.get("image_key"), str):
            raise DataError(f"no image_key in data ({where})", "import images into Label Studio with their image_key")
        annotations = task.get("annotations") or []
        for annotation in annotations if isinstance(annotations, list) else []:
            if isinstance(annotation, dict) and not annotation.get("was_cancelled"):
                yield from _choices(annotation, data, where)


def _choices(annotation: Mapping[str, Any], data: Mapping[str, Any], where: str) -> Iterator[Imported]:
    by = annotation.get("completed_by")
    annotator = by.get("email") if isinstance(by, dict) else by
    results = annotation.get("result")
    for result in results if isinstance(results, list) else []:
        if not isinstance(result, dict) or result.get("type") != "choices":
            continue
        value = result.get("value")
        chosen = value.get("choices") if isinstance(value, dict) else None
        if not isinstance(chosen, list) or not chosen or not all(isinstance(one, str) for one in chosen):
            raise DataError(f"no choices in a result ({where})", "export it again")
        meta = result.get("meta")
        known = {name: _first(meta.get(name)) for name in _META} if isinstance(meta, dict) else {}
        is_unchanged = bool(known) and known["label"] in ("", JOINT.join(chosen))
        by_exported = known["annotator"] if is_unchanged else ""
        row = {
            "task": str(result.get("from_name") or ""),
            "image_key": data["image_key"],
            "concept": str(data.get("concept") or ""),
            "annotator": by_exported or ("" if annotator is None else str(annotator)),
            "label": JOINT.join(chosen),
            "guideline": known.get("guideline", "") if is_unchanged else "",
            "note": known.get("note", ""),
        }
        yield _imported(row, where)


def _first(value: Any) -> str:
    return value[0] if isinstance(value, list) and value and isinstance(value[0], str) else ""
