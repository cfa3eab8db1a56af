"""Presets: the options of a trainer as TOML, each with the sentence of the paper it comes from, or a reason."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from roco.base.errors import UsageError, nearest
from roco.base.readers import UNREADABLE, read_text
from roco.base.terminal import excerpt
from roco.baselines.training.options import checked

_KEYS = ("kind", "summary", "settings", "ablations")

FOLDER = Path(__file__).parent / "presets"

Options = TypeVar("Options")


@dataclass(frozen=True)
class Setting:
    """One value of a preset. paper: the sentence it comes from, as "section: what it says"; note: any other reason."""

    value: Any
    paper: str = ""
    note: str = ""


@dataclass(frozen=True)
class Preset:
    """Options of a trainer by name.

    kind: the trainer: concepts, captions, neighbours or clip. ablations: name of a switch -> the options that turn it
    off.
    """

    name: str
    kind: str
    summary: str
    settings: Mapping[str, Setting]
    ablations: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def shipped(kind: str) -> dict[str, Path]:
    """Returns the shipped presets of a trainer."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.toml")) if _table(path)["kind"] == kind}


def load(name: str, kind: str, options: type) -> Preset:
    """Reads a shipped preset by its name, or a file; raises UsageError for an unknown name, key or value."""
    known = shipped(kind)
    path = known.get(name) or Path(name)
    if name not in known and not path.is_file():
        if path.suffix == ".toml":
            raise UsageError(f"missing preset: {excerpt(name)}", "check the path")
        raise UsageError(f"unknown preset '{excerpt(name)}'", nearest(name, known))
    table = _table(path)
    for key in table.keys() - set(_KEYS):
        raise UsageError(f"unknown key '{excerpt(key)}' ({path.name})", nearest(key, _KEYS))
    if table.get("kind") != kind:
        what = f"{path.name} is a preset of `roco train {excerpt(str(table.get('kind')))}`"
        raise UsageError(what, f"presets of {kind}: {', '.join(known)}")
    settings = {key: _setting(key, entry, options, path) for key, entry in _section(table, "settings", path).items()}
    ablations = {}
    for switch, changes in _section(table, "ablations", path).items():
        if not isinstance(changes, dict):
            raise UsageError(f"ablations.{excerpt(switch)} is no table ({path.name})", "write { option = value }")
        ablations[switch] = {key: checked(options, key, value, path.name) for key, value in changes.items()}
    return Preset(path.stem, kind, str(table.get("summary", "")), settings, ablations)


def resolve(options: type[Options], preset: Preset, changes: Mapping[str, Any]) -> Options:
    """Returns the options of a trainer: those of a preset, with changes, which may be text as on the command line."""
    values = {key: setting.value for key, setting in preset.settings.items()}
    for key, value in changes.items():
        values[key] = checked(options, key, value, "--set")
    return options(**values)


def provenance(options: Any, preset: Preset) -> dict[str, dict[str, Any]]:
    """Returns each option with its value and where that is from, for manifests and cards."""
    found: dict[str, dict[str, Any]] = {}
    for one in dataclasses.fields(options):
        value = getattr(options, one.name)
        setting = preset.settings.get(one.name)
        entry: dict[str, Any] = {"value": list(value) if isinstance(value, tuple) else value}
        if setting is not None and setting.value == value:
            entry |= {name: text for name, text in (("paper", setting.paper), ("note", setting.note)) if text}
        elif setting is not None:
            entry["note"] = f"changed; the preset {preset.name} has {setting.value}"
        found[one.name] = entry
    return found


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as err:
        raise UsageError(f"{path} is not TOML: {excerpt(err)}", "correct it") from err
    except UNREADABLE as err:
        raise UsageError(f"{path} cannot be read: {excerpt(err)}", "give a preset in TOML") from err


def _section(table: Mapping[str, Any], name: str, path: Path) -> dict[str, Any]:
    section = table.get(name, {})
    if not isinstance(section, dict):
        raise UsageError(f"[{name}] is no table ({path.name})", f"write [{name}]")
    return section


def _setting(key: str, entry: Any, options: type, path: Path) -> Setting:
    """Returns one setting: a value, or a table of value, paper and note."""
    if not isinstance(entry, dict):
        return Setting(checked(options, key, entry, path.name))
    for name in entry.keys() - {"value", "paper", "note"}:
        raise UsageError(f"unknown key '{key}.{excerpt(name)}' ({path.name})", "write value, paper and note")
    if "value" not in entry:
        raise UsageError(f"{key} has no value ({path.name})", f'write {key} = {{ value = … , note = "…" }}')
    value = checked(options, key, entry["value"], path.name)
    return Setting(value, str(entry.get("paper", "")), str(entry.get("note", "")))
