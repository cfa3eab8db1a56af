"""Imports what a user names as `module:name`, without writing bytecode beside the module."""

from __future__ import annotations

import importlib
import site
import sys
import sysconfig
from functools import cache
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)
from pathlib import Path
from typing import Any

from roco.base.errors import RecipeError, nearest


def search_in(folder: Path) -> None:
    """Lets modules in a folder be imported, after all others, so that none replaces an installed one."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def import_named(use: str, kind: str = "class") -> Any:
    """Imports what `module:name` names; raises RecipeError if there is no such module or name.

    kind: what it should be, for messages: "class", or "function".
    """
    module_name, _, name = use.partition(":")
    if not module_name or not name:
        raise RecipeError(f"'{use}' does not name a {kind}", f"write module:{kind.capitalize()}")
    if module_name.partition(".")[0] != "roco":
        import_without_bytecode()
    try:
        module = importlib.import_module(module_name)
    except ImportError as err:
        hint = "install the module, or put it into the folder of the recipe or on PYTHONPATH"
        raise RecipeError(f"cannot import '{use}': {err}", hint) from err
    except (Exception, SystemExit) as err:
        # Whatever the code of a user does at import, such as a syntax error.
        hint = f"correct the module '{module_name}'; --debug shows the traceback"
        raise RecipeError(f"cannot import '{use}': {type(err).__name__}: {err}", hint) from err
    value: Any = module
    for attribute in name.split("."):
        value = getattr(value, attribute, None)
    if value is None:
        accepted = type if kind == "class" else object
        names = [known for known, one in vars(module).items() if isinstance(one, accepted) and callable(one)]
        raise RecipeError(f"no {kind} '{name}' in module '{module_name}'", nearest(name, names))
    return value


# --- bytecode --------------------------------------------------------------------------------------------------------


@cache
def import_without_bytecode() -> None:
    """Lets the modules of users be imported without a `__pycache__` beside them; installed packages keep theirs."""
    sys.path_hooks.insert(0, _finder_of_users)
    for entry in list(sys.path_importer_cache):
        if not _is_installed(entry):
            del sys.path_importer_cache[entry]  # its finder was made before


class _WithoutBytecode(SourceFileLoader):
    """Compiles a module each time it is imported."""

    def set_data(self, path: str, data: Any, *, _mode: int = 0o666) -> None:
        """Ignores the bytecode instead of writing it."""


def _finder_of_users(folder: str) -> FileFinder:
    """Returns the finder of modules in a folder; raises ImportError where Python's own finder is to be used."""
    if _is_installed(folder) or not Path(folder).is_dir():
        raise ImportError(f"not a folder of a user: {folder}")
    return FileFinder(
        folder,
        (ExtensionFileLoader, EXTENSION_SUFFIXES),
        (_WithoutBytecode, SOURCE_SUFFIXES),
        (SourcelessFileLoader, BYTECODE_SUFFIXES),
    )


def _is_installed(folder: str) -> bool:
    return any(Path(folder).is_relative_to(root) for root in _roots())


@cache
def _roots() -> tuple[str, ...]:
    """Returns the folders of Python, of installed packages and of roco."""
    own = str(Path(__file__).parents[1])
    user_site = site.getusersitepackages()
    return (own, user_site, sys.prefix, sys.base_prefix, *sysconfig.get_paths().values())
