"""The package contains no call that unpickles an object or runs code of a file, but for the listed ones."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "roco"

MODULES = {
    "pickle", "_pickle", "cPickle", "pickletools", "dill", "cloudpickle", "joblib", "jsonpickle", "shelve", "marshal",
    "runpy", "code", "codeop",
}  # fmt: skip
BUILTINS = {"eval", "exec", "compile", "__import__"}
METHODS = {
    "read_pickle", "to_pickle", "unsafe_load", "full_load", "load_module", "exec_module", "load_model_pack",
    "load_state_dict_from_url", "deserialize",
}  # fmt: skip
"""Names of functions that unpickle, or run what they read, whatever the module."""
SAFE_OPTIONS = {
    "allow_pickle": False, "weights_only": True, "trust_remote_code": False, "use_safetensors": True, "shell": False,
}  # fmt: skip
NUMPY_READERS = {("np", "load"), ("numpy", "load"), ("format", "read_array")}
NO_WEIGHTS = ("Tokenizer", "tokenizers", "Processor", "processors", "Config")
"""Ends of the names by which the package calls classes of transformers whose `from_pretrained` reads JSON and texts."""

EXCEPTIONS = {
    ("models/text/linking/medcat_pack.py", "load_model_pack"): "model packs of MedCAT are pickles; the user names them",
    ("baselines/captioner/pretrained.py", "from_pretrained"): "its options `kept` contain use_safetensors",
}
"""Place and call -> why it is there. docs/security.md describes the first."""


def unsafe(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yields line and name of each import, call and option that could unpickle an object or run code of a file."""
    for node in ast.walk(tree):
        for name in _of_node(node):
            yield node.lineno, name  # type: ignore[attr-defined]


def _of_node(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name.partition(".")[0] in MODULES)
    elif isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").partition(".")[0] in MODULES:
        yield str(node.module)
    elif isinstance(node, ast.Call):
        yield from _of_call(node)
    elif isinstance(node, ast.Dict):
        keys = [key.value if isinstance(key, ast.Constant) else None for key in node.keys]
        yield from _of_options(dict(zip(keys, node.values, strict=True)))


def _of_call(node: ast.Call) -> Iterator[str]:
    options = {word.arg: word.value for word in node.keywords}
    yield from _of_options(options)
    if isinstance(node.func, ast.Name) and node.func.id in BUILTINS:
        yield node.func.id
    if isinstance(node.func, ast.Name) and node.func.id in METHODS:
        yield node.func.id
    if not isinstance(node.func, ast.Attribute):
        return
    name, owner = node.func.attr, ast.unparse(node.func.value).rpartition(".")[2]
    if name in METHODS:
        yield name
    if (owner, name) in NUMPY_READERS and "allow_pickle" not in options:
        yield f"{owner}.{name}"
    if (owner, name) == ("torch", "load") or (owner == "yaml" and name != "safe_load" and name.startswith("load")):
        yield f"{owner}.{name}"
    reads_weights = name == "from_pretrained" and not owner.endswith(NO_WEIGHTS)
    if reads_weights and not {"weights_only", "use_safetensors"} & set(options):
        yield name


def _of_options(options: dict[str | None, ast.expr]) -> Iterator[str]:
    for name, value in options.items():
        if name in SAFE_OPTIONS and not (isinstance(value, ast.Constant) and value.value is SAFE_OPTIONS[name]):
            yield f"{name}={ast.unparse(value)}"


def test_the_package_neither_unpickles_nor_runs_what_it_reads() -> None:
    found = {
        (path.relative_to(PACKAGE).as_posix(), name): line
        for path in PACKAGE.rglob("*.py")
        for line, name in unsafe(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert {f"{place}:{line}: {name}" for (place, name), line in found.items() if (place, name) not in EXCEPTIONS} == (
        set()
    )
    assert set(EXCEPTIONS) <= set(found), "an exception is no longer needed"


@pytest.mark.parametrize(
    "code",
    [
        "import pickle", "from dill import loads", "import os, marshal", "from cPickle import load", "eval('1')",
        "exec(text)", "compile(text, 'x', 'exec')", "__import__(name)", "np.load(path)", "numpy.load(path)",
        "np.load(path, allow_pickle=True)", "np.load(path, allow_pickle=flag)", "np.lib.format.read_array(file)",
        "torch.load(path)", "torch.load(path, weights_only=False)", "yaml.load(text)", "yaml.unsafe_load(text)",
        "pd.read_pickle(path)", "read_pickle(path)", "torch.hub.load_state_dict_from_url(url)",
        "AutoModel.from_pretrained(x)", "AutoTokenizer.from_pretrained(x, trust_remote_code=True)",
        "options = {'trust_remote_code': True}", "subprocess.run(line, shell=True)",
    ],
)  # fmt: skip
def test_each_unsafe_call_is_found(code: str) -> None:
    assert list(unsafe(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "np.load(path, allow_pickle=False)", "json.load(file)", "yaml.safe_load(text)", "re.compile(x)", "model.eval()",
        "AutoTokenizer.from_pretrained(x, trust_remote_code=False)", "M.from_pretrained(x, weights_only=True)",
        "import picked", "from roco.base import code", "from . import code",
    ],
)  # fmt: skip
def test_safe_calls_are_not_found(code: str) -> None:
    assert list(unsafe(ast.parse(code))) == []


def test_no_page_runs_text_as_code() -> None:
    pages = [path for path in PACKAGE.rglob("*") if path.suffix in (".js", ".html")]
    assert pages
    for path in pages:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\beval\(|new Function\(|setTimeout\(\s*[\"'`]|document\.write\(", text), path
