"""Writes labels to CSV, Parquet and Label Studio JSON, and reads them back."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from roco.base.errors import DataError, UsageError, nearest
from roco.base.files import whole, write_text
from roco.base.readers import UNREADABLE, csv_rows, parquet_rows
from roco.base.terminal import excerpt, quoted
from roco.curate.events import Event
from roco.curate.tasks import JOINT

FORMATS = (".csv", ".parquet", ".json")
LARGEST_JSON = 256 << 20  # bytes
MOST_LABELS = 5_000_000
_TYPES = {"id": pa.int64(), "weight": pa.float64(), "revoked": pa.int64()}
_READ = ("task", "image_key", "concept", "annotator", "label", "guideline", "note")
_META = ("annotator", "label", "guideline", "note")
_REQUIRED = ("image_key", "label")
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
        write_text(path, json.dumps(list(_label_studio(events)), indent=1, ensure_ascii=False) + "\n")
    else:
        raise _unknown(path)


def read_labels(path: Path) -> list[Imported]:
    """Reads the labels of a file in one of the formats; raises DataError for an invalid one.

    CSV and Parquet need the columns image_key and label; task, concept, annotator, guideline and note are optional, and
    others are ignored. Of Label Studio, the choices of annotations are read, with the task as `from_name`.
    """
    readers = {".csv": _of_csv, ".parquet": _of_parquet, ".json": _of_label_studio}
    if path.suffix not in readers:
        raise _unknown(path)
    try:
        labels = list(readers[path.suffix](path))
    except RecursionError as err:
        raise DataError(f"{path} cannot be read: too deeply nested", "export it again") from err
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
    header = tuple(name.strip() for name in first.rstrip("\r\n").split(","))
    _check(header, path)
    for row in csv_rows(path, header, exact=False):
        if row.cells is None:
            raise DataError(f"{path}, line {row.line}: {row.complaint}", "write one label on each line")
        yield _imported(dict(zip(header, map(_plain, row.cells), strict=True)), f"{path}, line {row.line}")


def _of_parquet(path: Path) -> Iterator[Imported]:
    names = tuple(pq.read_schema(path).names)
    _check(names, path)
    columns = {name: pa.string() for name in _READ if name in names}
    for number, row in enumerate(parquet_rows(path, columns), 1):
        yield _imported(row, f"{path}, row {number}")


def _check(names: Sequence[str], path: Path) -> None:
    for name in _REQUIRED:
        if name not in names:
            raise DataError(f"missing column '{name}' ({path})", nearest(name, names))


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
    tasks = json.loads(path.read_text(encoding="utf-8-sig"))
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
