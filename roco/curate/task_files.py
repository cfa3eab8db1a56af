"""Reads tasks: the shipped TOML files, and those of one's own."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_args

from roco.base.errors import RecipeError, nearest
from roco.base.ids import is_cui
from roco.base.labels import KINDS
from roco.base.readers import read_text
from roco.base.terminal import excerpt, quoted
from roco.base.text import escaped
from roco.curate.tasks import MOST_LABELS, NAME, RESERVED, Asked, GuessColumns, Label, Outcome, Task

FOLDER = Path(__file__).with_name("tasks")
LONGEST_TEXT = 200  # characters of a title or a question


def shipped() -> list[str]:
    """Returns the names of the tasks that roco contains."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(task: str | Path, *, several: bool | None = None) -> Task:
    """Returns a shipped task by name, or one of one's own by the path of its file.

    several: replaces the option of the file. Raises RecipeError, with file and key, for an invalid file.
    """
    path = Path(task)
    if path.suffix != ".toml":
        if str(task) not in shipped():
            hint = f"{nearest(str(task), shipped())}; a task of your own is a path that ends in .toml"
            raise RecipeError(f"unknown task {quoted(task)}", hint)
        path = FOLDER / f"{task}.toml"
    found = _Reader(path).task()
    return found if several is None else replace(found, several=several)


def load_all(tasks: Iterable[str | Path]) -> dict[str, Task]:
    """Returns tasks by name, in the given order; raises RecipeError for two tasks of one name."""
    found: dict[str, Task] = {}
    for one in tasks:
        task = load(one)
        if task.name in found:
            raise RecipeError(f"two tasks named '{task.name}'", "rename the file of one of them")
        found[task.name] = task
    return found


# --- reading ----------------------------------------------------------------------------------------------------------

_KEYS = ("title", "question", "guideline", "kind", "several", "item", "guess", "asked", "label")
_LABEL_KEYS = ("name", "title", "key", "then", "cui")


class _Reader:
    """Reads one file; every error names the file and the key."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fail(self, what: str, key: str, hint: str) -> RecipeError:
        return RecipeError(f"{what} ({self.path}, {key})", hint)

    def task(self) -> Task:
        name = self.path.stem
        if not NAME.fullmatch(name):
            raise self.fail(f"invalid name of a task {quoted(name)}", "file name", "use letters, digits, _ and -")
        data = self.data()
        self.check(data, _KEYS, "")
        kind = self.text(data, "kind", "", default="")
        if kind and kind not in KINDS:
            raise self.fail(f"unknown kind {quoted(kind)}", "key 'kind'", nearest(kind, KINDS))
        several = data.get("several", False)
        if not isinstance(several, bool):
            raise self.fail(f"several = {excerpt(several)}", "key 'several'", "write true or false")
        labels = self.labels(data, kind)
        guideline = self.guideline(self.text(data, "guideline", ""))
        return Task(
            name=name,
            title=self.text(data, "title", ""),
            question=self.text(data, "question", ""),
            labels=labels,
            guideline=guideline,
            version=hashlib.sha256(guideline.encode()).hexdigest()[:12],
            kind=kind,
            several=several,
            item=self.text(data, "item", "", default=""),
            guess=self.guess(data),
            asked=self.asked(data),
        )

    def data(self) -> dict[str, Any]:
        hint = "compare it with a shipped task: docs/labels.md"
        try:
            return tomllib.loads(read_text(self.path).removeprefix("\ufeff"))
        except FileNotFoundError as err:
            raise RecipeError(f"task not found: {self.path}", "check the path") from err
        except OSError as err:
            raise RecipeError(f"cannot read {self.path}: {err.strerror}", "check the path and its permissions") from err
        except (ValueError, RecursionError) as err:  # not TOML, not UTF-8, or too large
            raise RecipeError(f"invalid TOML in {self.path}: {excerpt(err)}", hint) from err

    def check(self, table: Any, known: Iterable[str], where: str) -> None:
        if not isinstance(table, dict):
            raise self.fail("not a table", where, f"write {where} on a line of its own")
        for key in table:
            if key not in known:
                raise self.fail(f"unknown key {quoted(key)}", where or "top level", nearest(key, known))

    def text(self, table: Mapping[str, Any], key: str, where: str, default: str | None = None) -> str:
        """Returns a short text on one line; raises RecipeError if it is missing and has no default."""
        at = f"{where}, key '{key}'".removeprefix(", ")
        value = table.get(key, default)
        if value is None:
            raise self.fail(f"missing key '{key}'", where or "top level", f'write {key} = "…"')
        if not isinstance(value, str) or (not value.strip() and value != default):
            raise self.fail(f"invalid value {excerpt(value)}", at, f'write a text: {key} = "…"')
        if len(value) > LONGEST_TEXT or escaped(value) != value:
            raise self.fail("text too long or with control characters", at, f"use at most {LONGEST_TEXT} characters")
        return value

    def labels(self, data: Mapping[str, Any], kind: str) -> tuple[Label, ...]:
        tables = data.get("label")
        if not isinstance(tables, list) or len(tables) < 2:
            raise self.fail("fewer than two labels", "[[label]]", "write [[label]], with two brackets, for each")
        if len(tables) > MOST_LABELS:
            raise self.fail(f"{len(tables)} labels", "[[label]]", f"use at most {MOST_LABELS}")
        found: list[Label] = []
        for number, table in enumerate(tables, 1):
            where = f"[[label]] {number}"
            self.check(table, _LABEL_KEYS, where)
            label = self.one_label(table, kind, where)
            for other in found:
                if other.name == label.name:
                    raise self.fail(f"two labels named '{label.name}'", where, "rename or remove one of them")
                if label.key and other.key == label.key:
                    raise self.fail(
                        f"key '{label.key}' for two labels", where, f"choose another one; '{other.name}' has it"
                    )
            found.append(label)
        return tuple(found)

    def one_label(self, table: Mapping[str, Any], kind: str, where: str) -> Label:
        name = self.text(table, "name", where)
        if not NAME.fullmatch(name):
            hint = "use letters, digits, dots, _ and -, at most 64"
            raise self.fail(f"invalid name {quoted(name)}", f"{where}, key 'name'", hint)
        then = self.text(table, "then", where, default="value")
        if then not in get_args(Outcome):
            raise self.fail(f"unknown outcome {quoted(then)}", f"{where}, key 'then'", nearest(then, get_args(Outcome)))
        key = self.text(table, "key", where, default="")
        if key and (len(key) > 1 or not key.isprintable() or key != key.lower() or key in RESERVED):
            taken = f"'{key}' is the key to {RESERVED[key]}; " if key in RESERVED else ""
            raise self.fail(
                f"invalid key {quoted(key)}", f"{where}, key 'key'", f"{taken}use one small letter or digit"
            )
        cui = self.text(table, "cui", where, default="") or None
        if kind and then == "value":
            if name not in KINDS[kind]:
                raise self.fail(f"no {kind} {quoted(name)}", f"{where}, key 'name'", nearest(name, KINDS[kind]))
            if cui:
                raise self.fail(
                    "a cui beside kind", f"{where}, key 'cui'", "remove it: the kind determines the concept"
                )
            cui = KINDS[kind][name].cui
        if cui and (not is_cui(cui) or then != "value"):
            raise self.fail(
                f"invalid cui {quoted(cui)}", f"{where}, key 'cui'", "write C and seven digits, for a value"
            )
        return Label(name=name, title=self.text(table, "title", where), key=key, then=then, cui=cui)  # type: ignore[arg-type]

    def guideline(self, name: str) -> str:
        path = self.path.parent / name
        try:
            text = read_text(path).removeprefix("\ufeff").replace("\r\n", "\n")
        except OSError as err:
            raise self.fail(
                f"cannot read {path}: {err.strerror}", "key 'guideline'", "name a text file next to it"
            ) from err
        except ValueError as err:
            raise self.fail(f"invalid guideline {path}: {excerpt(err)}", "key 'guideline'", "save it in UTF-8") from err
        if not text.strip():
            raise self.fail(f"empty guideline {path}", "key 'guideline'", "write down how each label is chosen")
        return text

    def guess(self, data: Mapping[str, Any]) -> GuessColumns | None:
        if "guess" not in data:
            return None
        names = [field.name for field in fields(GuessColumns)]
        self.check(data["guess"], names, "[guess]")
        label = self.text(data["guess"], "label", "[guess]")
        others = {name: self.text(data["guess"], name, "[guess]", default="") for name in names[1:]}
        return GuessColumns(label=label, **others)

    def asked(self, data: Mapping[str, Any]) -> Asked | None:
        if "asked" not in data:
            return None
        self.check(data["asked"], ("task", "labels"), "[asked]")
        labels = data["asked"].get("labels")
        if not isinstance(labels, list) or not labels or not all(isinstance(one, str) for one in labels):
            raise self.fail("no labels", "[asked], key 'labels'", 'write labels = ["DRXR"]')
        return Asked(task=self.text(data["asked"], "task", "[asked]"), labels=tuple(labels))
