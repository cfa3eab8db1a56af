"""What is known of an upload, kept beside what is sent in `EXPORT.zenodo/state.json`; never a token."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from roco.base.errors import DataError
from roco.base.files import write_json
from roco.base.json_text import parse_json
from roco.base.readers import UNREADABLE, read_text

T = TypeVar("T")

STATE = "state.json"


def folder_of(sent: Path, hub: str) -> Path:
    """Returns the folder beside an export in which its state and its changed files are kept."""
    absolute = sent.resolve()
    return absolute.with_name(f"{absolute.name}.{hub}")


def read_state(folder: Path, kind: type[T]) -> T | None:
    """Returns the state that an earlier command wrote, None without one; kind: a dataclass of JSON values."""
    path = folder / STATE
    if not path.exists():
        return None
    try:
        data: dict[str, Any] = parse_json(read_text(path))
        return kind(**data)
    except (*UNREADABLE, TypeError) as err:
        raise DataError(f"{path} is invalid", f"look for a draft at the hub, and then remove {folder}") from err


def write_state(folder: Path, state: Any) -> None:
    """Replaces the state in one step: after a kill, the old or the new one is there."""
    write_json(folder / STATE, vars(state))


def set_aside(folder: Path, name: str) -> None:
    """Renames the folder of an upload that is finished, so that the next one has its own."""
    target = folder.with_name(f"{folder.name}.{name}")
    if target.exists():
        raise DataError(f"{target} already exists", f"remove it, or {folder}")
    folder.rename(target)
