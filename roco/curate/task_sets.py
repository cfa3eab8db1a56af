"""Checks tasks that one server asks together: what they depend on, their keys, and the columns they read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from itertools import combinations
from string import ascii_lowercase

from roco.base.errors import RecipeError, nearest
from roco.base.schema import COLUMNS
from roco.base.terminal import quoted
from roco.curate import task_files
from roco.curate.tasks import RESERVED, GuessColumns, Task


def check_together(tasks: Mapping[str, Task]) -> dict[str, Task]:
    """Checks tasks that one server asks, and returns the shipped tasks on whose labels they depend, without these.

    Raises RecipeError if a task depends on an unknown task or label, or on itself, and if two tasks that are asked on
    one page have a key in common.
    """
    shipped_tasks = task_files.load_all(name for name in task_files.shipped() if name not in tasks)
    known = shipped_tasks | dict(tasks)
    for task in tasks.values():
        _check_asked(task, known)
    for one, other in combinations(tasks.values(), 2):
        if _on_one_page(one, other, tasks):
            _check_keys(one, other, tasks)
    names = {task.asked.task for task in tasks.values() if task.asked}
    return {name: task for name, task in shipped_tasks.items() if name in names}


def _check_asked(task: Task, known: Mapping[str, Task]) -> None:
    chain, asked = [task.name], task.asked
    while asked is not None:
        where = f"task '{chain[-1]}', [asked]"
        if asked.task in chain:
            raise RecipeError(
                f"a task depends on itself, {quoted(asked.task)} ({where}, key 'task')", "name another task"
            )
        if asked.task not in known:
            close = nearest(asked.task, known.keys() - set(chain))
            hint = f"{close}; a task of your own has to be named as well: --task FILE"
            raise RecipeError(f"unknown task {quoted(asked.task)} ({where}, key 'task')", hint)
        other = known[asked.task]
        for label in asked.labels:
            if label not in other.names:
                what = f"{quoted(label)} is not a label of the task '{other.name}' ({where}, key 'labels')"
                raise RecipeError(what, nearest(label, other.names))
        chain.append(other.name)
        asked = other.asked


def _on_one_page(one: Task, other: Task, tasks: Mapping[str, Task]) -> bool:
    """Returns whether a page may ask two tasks about one figure: one depends on the other, or both on a third one."""
    if one.item or other.item:
        return False  # questions about concepts have a page of their own
    on_one, on_other = (task.asked.task if task.asked else "" for task in (one, other))
    if other.name == on_one or one.name == on_other:
        return True
    if on_one != on_other or on_one not in tasks:
        return False
    assert one.asked and other.asked
    return tasks[on_one].several or bool(set(one.asked.labels) & set(other.asked.labels))


def _check_keys(one: Task, other: Task, tasks: Mapping[str, Task]) -> None:
    of_one = {label.key: label.name for label in one.labels if label.key}
    for label in other.labels:
        if label.key in of_one:
            taken = {*RESERVED, *(label.key for task in tasks.values() for label in task.labels)}
            free = next((letter for letter in ascii_lowercase if letter not in taken), "")
            such = f", such as '{free}'" if free else ""
            first, second = f"{of_one[label.key]}' (task '{one.name}')", f"{label.name}' (task '{other.name}')"
            what = f"key '{label.key}' for '{first} and '{second}"
            raise RecipeError(what, f"one page asks both: choose another key for one of them{such}")


def unknown_columns(tasks: Iterable[Task], present: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yields what is wrong and what to do for each column of a task that neither the source nor any stage of roco has.

    present: the columns of the source. Without its column, a task has no guesses, or asks about no concept.
    """
    known = {*COLUMNS, *present}
    for task in tasks:
        named = {"key 'item'": task.item}
        for field in fields(GuessColumns) if task.guess else ():
            named[f"[guess], key '{field.name}'"] = getattr(task.guess, field.name)
        for where, column in named.items():
            if column and column not in known:
                yield f"unknown column {quoted(column)} (task '{task.name}', {where})", nearest(column, known)
