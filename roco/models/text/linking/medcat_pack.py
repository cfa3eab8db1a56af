"""Loads model packs of MedCAT: of version 2, and of version 1 by MedCAT's conversion, whose errors are corrected.

A model pack contains pickled objects: MedCAT runs whatever code they contain. Only packs that the user names are
loaded. MedCAT asks PyPI for updates when it is imported and downloads missing spaCy models; both are switched off.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import logging
import os
import re
import tempfile
import warnings
from collections.abc import Iterator
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

from roco.base.errors import DataError, MissingExtra, RocoError, UsageError
from roco.base.install import pip_line
from roco.base.json_text import parse_json
from roco.base.terminal import excerpt
from roco.models.text.linking.unpacked import unpacked

MAJOR = 2
"""The version of MedCAT that can be used; it also reads packs of version 1."""

MOST_JSON = 64 << 20
TRUST = "a model pack runs code when it is loaded: load only packs that you trust"

_SET = "py/set"
_SET_OF_CONVERSION = "==SET=="
_CARD = "model_card.json"
_CONFIG = "config.json"
_EXTRA_NEEDED = re.compile(r"dependency set '([\w-]+)'")


def load_pack(path: Path) -> Any:
    """Loads a model pack, a folder or a zip, and returns the `CAT` of MedCAT. Runs code that the pack contains.

    Raises MissingExtra or UsageError if MedCAT or a package that the pack needs is not installed, and DataError for a
    pack that is corrupt, incomplete or of another version.
    """
    with contextlib.ExitStack() as stack:
        folder = _root(stack.enter_context(_folder(path)), path)
        is_legacy = (folder / "cdb.dat").is_file()
        if is_legacy:
            folder = stack.enter_context(_with_readable_sets(folder, path))
        else:
            _check_plugins(folder, path)
        stack.enter_context(quiet())
        cat = _import_medcat()
        stack.enter_context(_without_downloads(path))
        try:
            pack = cat.load_model_pack(str(folder))
        except RocoError:
            raise
        except (Exception, SystemExit) as err:
            _raise_unloadable(path, folder, is_legacy, err)
        _restore_sets(pack.config)
        pack.config.general.usage_monitor.enabled = False  # it would write a log of the captions' lengths
    return pack


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hides warnings, log lines and prints of MedCAT and its libraries."""
    logger = logging.getLogger("medcat")
    propagate, handler = logger.propagate, logging.NullHandler()
    logger.propagate = False
    logger.addHandler(handler)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.propagate = propagate
        logger.removeHandler(handler)


# --- MedCAT ----------------------------------------------------------------------------------------------------------


def _import_medcat() -> Any:
    """Imports MedCAT without its request for updates, and returns its class of models."""
    os.environ.setdefault("MEDCAT_DISABLE_VERSION_CHECK", "true")
    try:
        version = metadata.version("medcat")
        if int(version.partition(".")[0]) != MAJOR:
            raise UsageError(f"MedCAT {version} is installed, but version {MAJOR} is needed", pip_line("medcat"))
        return importlib.import_module("medcat.cat").CAT
    except (ImportError, metadata.PackageNotFoundError) as err:
        raise MissingExtra("MedCAT", "medcat") from err


@contextlib.contextmanager
def _without_downloads(path: Path) -> Iterator[None]:
    """Lets a pack fail that needs a spaCy model which is neither in it nor installed; MedCAT would download it."""
    if find_spec("spacy") is None:
        yield
        return
    tokenizers: Any = importlib.import_module("medcat.tokenizing.spacy_impl.tokenizers")
    is_installed = importlib.import_module("medcat.tokenizing.spacy_impl.utils").has_spacy_model

    def ensure(name: str) -> None:
        if not is_installed(name):
            hint = f"install it: python -m spacy download {excerpt(name)}"
            raise DataError(
                f"model pack {path} needs the spaCy model '{excerpt(name)}', which it does not contain", hint
            )

    before = tokenizers.ensure_spacy_model
    tokenizers.ensure_spacy_model = ensure
    try:
        yield
    finally:
        tokenizers.ensure_spacy_model = before


def _raise_unloadable(path: Path, folder: Path, is_legacy: bool, err: BaseException) -> NoReturn:
    lines = str(err).strip().splitlines()
    words = f"{type(err).__name__}: {excerpt(lines[0])}" if lines else type(err).__name__
    needed = _EXTRA_NEEDED.search(str(err))
    if type(err).__name__ == "MissingDependenciesError" and needed is not None:
        if needed[1] == "spacy":
            raise MissingExtra(f"spaCy, which model pack {path} needs,", "medcat") from err
        hint = f"pip install 'medcat[{needed[1]}]=={metadata.version('medcat')}'"
        raise UsageError(
            f"model pack {path} needs packages that are not installed, of MedCAT's {needed[1]}", hint
        ) from err
    if isinstance(err, ImportError) and (err.name or "").partition(".")[0] != "medcat":
        raise UsageError(f"model pack {path} needs a package that is not installed ({words})", TRUST) from err
    made_by = "version 1" if is_legacy else _made_by(folder)
    installed = metadata.version("medcat")
    message = f"cannot load model pack {path} (of MedCAT {made_by}; installed: {installed}): {words}"
    raise DataError(message, f"check that the copy is complete; {TRUST}") from err


# --- files -----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _folder(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield path.resolve()
        return
    if not path.is_file():
        raise DataError(f"model pack {path} does not exist", "check the path: a model pack is a folder or a zip")
    with unpacked(path) as folder:
        yield folder


def _root(folder: Path, path: Path) -> Path:
    """Returns the folder of the pack; a zip may contain it as its only folder."""
    entries = [entry for entry in folder.iterdir() if not entry.name.startswith("__MACOSX")]
    if len(entries) == 1 and entries[0].is_dir():
        folder = entries[0]
    if not (folder / "cdb.dat").is_file() and not ((folder / "cdb").is_dir() and (folder / ".schema.json").is_file()):
        hint = f"a model pack contains cdb/ and .schema.json (version 2) or cdb.dat (version 1); {TRUST}"
        raise DataError(f"{path} is not a complete model pack of MedCAT", hint)
    return folder


def _read_json(file: Path, path: Path) -> Any:
    try:
        if file.stat().st_size > MOST_JSON:
            raise ValueError(f"larger than {MOST_JSON >> 20} MB")
        return parse_json(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise DataError(f"model pack {path}: {file.name} is unreadable: {excerpt(err)}", "copy the pack again") from err


def _check_plugins(folder: Path, path: Path) -> None:
    """Raises if MedCAT would ask its catalogue of plugins for one that is not installed."""
    card = _read_json(folder / _CARD, path) if (folder / _CARD).is_file() else {}
    plugins = card.get("Required Plugins") if isinstance(card, dict) else None
    for plugin in plugins if isinstance(plugins, list) else []:
        name = str(plugin.get("name", "")) if isinstance(plugin, dict) else str(plugin)
        if name.isidentifier() and find_spec(name) is None:
            raise UsageError(f"model pack {path} needs the MedCAT plugin '{excerpt(name)}'", "install the plugin")


def _made_by(folder: Path) -> str:
    try:
        return excerpt(parse_json((folder / _CARD).read_text(encoding="utf-8"))["MedCAT Version"], 20)
    except (OSError, ValueError, KeyError, TypeError):
        return "unknown version"


# --- sets of version 1 -----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _with_readable_sets(folder: Path, path: Path) -> Iterator[Path]:
    """Yields a folder with links to the files of a pack of version 1, and its configuration with sets that are read.

    MedCAT 1 wrote a set as {"py/set": […]}. The conversion of MedCAT 2 leaves that as a dict with one key: the filters
    of the linker then exclude every concept, and full stops and colons no longer separate names.
    """
    if not (folder / _CONFIG).is_file():
        yield folder
        return
    config = _read_json(folder / _CONFIG, path)
    with tempfile.TemporaryDirectory(prefix="roco-pack-") as name:
        links = Path(name) / folder.name
        links.mkdir()
        for entry in folder.iterdir():
            if entry.name != _CONFIG:
                (links / entry.name).symlink_to(entry)
        (links / _CONFIG).write_text(json.dumps(_convertible(config)), encoding="utf-8")
        yield links


def _convertible(value: Any) -> Any:
    """Returns a value of JSON with sets as the conversion expects them."""
    if isinstance(value, dict):
        if value.keys() == {_SET}:
            return {_SET_OF_CONVERSION: value[_SET]}
        return {key: _convertible(one) for key, one in value.items()}
    return [_convertible(one) for one in value] if isinstance(value, list) else value


def _restore_sets(config: Any) -> None:
    """Restores the sets of a configuration that was converted before, and stored in a pack of version 2."""
    for name in type(config).model_fields:
        value = getattr(config, name)
        if hasattr(type(value), "model_fields"):
            _restore_sets(value)
        elif isinstance(value, dict) and len(value) == 1 and value.keys() <= {_SET, _SET_OF_CONVERSION}:
            setattr(config, name, set(*value.values()))
