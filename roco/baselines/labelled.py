"""Reads labels from a CSV file, and joins them with the numbers that heads read."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from roco.base.errors import DataError, nearest
from roco.base.terminal import excerpt
from roco.baselines.examples import Examples
from roco.models.heads import features
from roco.models.heads.card import is_name
from roco.models.images.backbone import Backbone
from roco.models.images.decode import decode
from roco.models.images.layout import layout

MOST_BYTES = 256 << 20
MOST_CLASSES = 200

Read = Callable[[], bytes]


class Label(NamedTuple):
    """One line of the file. key: figure_id, or the path of an image. group, source: may be empty."""

    line: int
    key: str
    label: str
    group: str
    source: str


class Joined(NamedTuple):
    """The examples, the names of their classes, and how many labels have none, by reason."""

    examples: Examples
    classes: tuple[str, ...]
    left_out: Mapping[str, int]


def read_labels(path: Path, key: str, classes: Sequence[str] = ()) -> list[Label]:
    """Reads a CSV file with the columns `label` and `key`, and perhaps `group` and `source`.

    Lines with an empty label are skipped. classes: the labels that are allowed; all if empty. Raises DataError with
    file and line.
    """
    if not path.is_file():
        raise DataError(f"missing labels: {path}", f"write a CSV file with the columns {key} and label")
    if path.stat().st_size > MOST_BYTES:
        raise DataError(f"{path} is larger than {MOST_BYTES >> 20} MB", "divide it")
    labels: list[Label] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as fh:
            start = fh.read(4096)
            first_line = (start.splitlines() or [""])[0]
            fh.seek(0)
            reader = csv.DictReader(fh, delimiter=max(",;\t", key=first_line.count))
            header = [name.strip() for name in reader.fieldnames or ()]
            reader.fieldnames = header
            missing = [name for name in (key, "label") if name not in header]
            if missing:
                hint = f"the columns are {excerpt(', '.join(header)) or 'missing'}; write {key},label"
                raise DataError(f"no column '{missing[0]}' in {path}", hint)
            twice = [name for name in (key, "label", "group", "source") if header.count(name) > 1]
            if twice:
                raise DataError(f"two columns '{twice[0]}' in {path}", "remove or rename one of them")
            for row in reader:
                label = (row["label"] or "").strip()
                if not label:
                    continue
                of_key, group, source = ((row.get(name) or "").strip() for name in (key, "group", "source"))
                if key == "path" and of_key:
                    of_key = str(PurePosixPath(of_key))  # ./a.png and a.png are one image
                one = Label(reader.line_num, of_key, label, group, source)
                _check(one, key, f"({path}, line {one.line})", classes)
                labels.append(one)
    except (UnicodeDecodeError, csv.Error) as err:
        raise DataError(f"{path} is not a CSV file in UTF-8", "save it as CSV, UTF-8") from err
    if not labels:
        raise DataError(f"no label in {path}", "fill in the column label")
    _check_keys(labels, path)
    names = {label.label for label in labels}
    if len(names) < 2:
        raise DataError(f"all labels of {path} are '{labels[0].label}'", "a head needs two classes")
    check_classes(sorted(names), f"({path})", classes)
    return labels


def _check(label: Label, key: str, where: str, classes: Sequence[str]) -> None:
    """Raises DataError for a class that is unknown or that no card may name, and for a path out of the folder."""
    _check_class(label.label, where, classes)
    if not label.key:
        raise DataError(f"empty {key} {where}", f"write the {key}, or remove the line")
    if "\0" in label.key:
        raise DataError(f"{key} '{excerpt(label.key)}' contains a zero byte {where}", f"correct the {key}")
    path = PurePosixPath(label.key.replace("\\", "/"))
    if key == "path" and (path.is_absolute() or ".." in path.parts):
        raise DataError(f"path '{excerpt(label.key)}' {where}", "use a path inside the folder, relative to it")


def check_classes(names: Sequence[str], where: str, known: Sequence[str] = ()) -> None:
    """Raises DataError for too many classes, an unknown one, one that no card may name, and two that differ in case.

    Those are one class, written in two ways. known: the classes that are allowed; all if empty.
    """
    if len(names) > MOST_CLASSES:
        raise DataError(f"{len(names)} different labels {where}", f"at most {MOST_CLASSES} are possible")
    first: dict[str, str] = {}
    for name in names:
        _check_class(name, where, known)
        other = first.setdefault(name.casefold(), name)
        if other != name:
            raise DataError(f"classes '{other}' and '{name}' differ only in case {where}", "write all in one way")


def _check_class(name: str, where: str, known: Sequence[str]) -> None:
    if known and name not in known:
        hint = f"{nearest(name, known)} (--classes names the classes)"
        raise DataError(f"unknown class '{excerpt(name)}' {where}", hint)
    if not is_name(name):
        message = f"invalid class '{excerpt(name)}' {where}"
        raise DataError(message, "use letters, digits, '_' and '-', at most 60")


def _check_keys(labels: Sequence[Label], path: Path) -> None:
    """Raises DataError for an image with two labels."""
    first: dict[str, Label] = {}
    for label in labels:
        before = first.setdefault(label.key, label)
        if before is not label:
            message = f"two labels of '{excerpt(label.key)}' ({path}, line {label.line})"
            raise DataError(message, f"remove line {before.line} or line {label.line}")


def from_table(labels: Sequence[Label], table: pa.Table, blocks: Sequence[str], classes: Sequence[str]) -> Joined:
    """Joins labels with the figures of a run: figure_id, article_key, origin and the columns of the blocks.

    The article is the group where the file gives none. Labels of unknown figures, and of figures that were dropped
    before these numbers were measured, are left out and counted.
    """
    place = {figure: row for row, figure in enumerate(table["figure_id"].to_pylist())}
    known = [label for label in labels if label.key in place]
    rows = table.take(pa.array([place[label.key] for label in known], pa.int64()))
    numbers, given = {}, np.ones(len(known), np.bool_)
    for block in blocks:
        numbers[block], has_numbers = features.read(rows, block)
        given &= has_numbers
    left_out = Counter({"unknown figure": len(labels) - len(known), "not measured": int((~given).sum())})
    articles, origins = rows["article_key"].to_pylist(), rows["origin"].to_pylist()
    examples = _examples(
        [label._replace(group=label.group or article or label.key, source=label.source or origin or "run")
         for label, article, origin in zip(known, articles, origins, strict=True)],
        numbers, classes,
    )  # fmt: skip
    return Joined(examples.take(given), tuple(classes), {k: n for k, n in left_out.items() if n})


def from_images(
    labels: Sequence[Label],
    images: Iterable[Read],
    classes: Sequence[str],
    backbone: Backbone,
    progress: Callable[[], None] = lambda: None,
) -> Joined:
    """Measures the labelled images themselves; those that cannot be decoded are left out and counted."""
    embeddings, layouts, used = [], [], []
    for label, read in zip(labels, images, strict=True):
        progress()
        try:
            small = decode(read()).small
        except (OSError, DataError, MemoryError):
            continue
        embeddings.append(backbone.embed([small])[0].astype(np.float32))
        layouts.append(layout(small).values)
        used.append(label._replace(group=label.group or label.key, source=label.source or "images"))
    if not used:
        raise DataError("none of the labelled images can be read", "check the paths in the file of labels")
    numbers = {"embedding": np.stack(embeddings), "layout": np.stack(layouts)}
    left_out = {"unreadable": len(labels) - len(used)} if len(used) < len(labels) else {}
    return Joined(_examples(used, numbers, classes), tuple(classes), left_out)


def read_image(path: Path) -> bytes:
    """Reads an image of a folder; raises OSError for what is no file, such as a pipe, which would never end."""
    if not path.is_file():
        raise FileNotFoundError(path)
    return path.read_bytes()


def common(labels: Sequence[Label], least: int) -> tuple[list[Label], dict[str, int]]:
    """Returns the labels of classes that have enough images, and how many others there are, by reason."""
    counts = Counter(label.label for label in labels)
    rare = {f"fewer than {least} images of {name}": n for name, n in sorted(counts.items()) if n < least}
    return [label for label in labels if counts[label.label] >= least], rare


def _examples(labels: Sequence[Label], numbers: Mapping[str, features.Floats], classes: Sequence[str]) -> Examples:
    return Examples(
        tuple(label.key for label in labels),
        numbers,
        np.array([classes.index(label.label) for label in labels], np.int64),
        tuple((label.group,) for label in labels),
        tuple(label.source for label in labels),
        np.zeros(len(labels), np.bool_),
    )
