"""A function, class or factory of a user is a linker; its mistakes are reported with its name and the caption."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from roco.base.errors import DataError, RecipeError, RocoError, UsageError
from roco.base.user_modules import search_in
from roco.models.text.linking.checked import Checked
from roco.models.text.linking.fingerprint import fingerprint
from roco.models.text.linking.linker import Suggests
from roco.models.text.linking.open import open_linker

CAPTIONS = ["A mass in the lung", "", "The lung"]
Write = Callable[[str], str]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes a module that can be imported, with a new name each time; returns the name."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    search_in(tmp_path)
    names: list[str] = []

    def write_module(code: str) -> str:
        names.append(f"lab_{tmp_path.name}_{len(names)}".replace("-", "_"))
        (tmp_path / f"{names[-1]}.py").write_text(code, encoding="utf-8")
        return names[-1]

    yield write_module
    for name in names:
        sys.modules.pop(name, None)


def texts(linker: Checked) -> list[list[str]]:
    return [[mention.text for mention in some] for some in linker.link(CAPTIONS)]


FUNCTION = """
import re
def link(captions):
    return [[(m.start(), m.end(), None, "C0024109") for m in re.finditer("lung", one)] for one in captions]
"""
GENERATORS = """
def link(captions):
    for one in captions:
        yield ({"start": one.find("lung"), "end": len(one), "cui": "C0024109"} for _ in range(one.count("lung")))
"""
CLASS = """
class Lungs:
    heavy = True
    def link(self, captions):
        return [[(len(one) - 4, len(one), "lung", "C0024109")] if one else [] for one in captions]
    def describe(self, cui):
        return ("Lung", ["T023"]) if cui == "C0024109" else None
    def link_and_suggest(self, captions):
        return [(found, []) for found in self.link(captions)]
lungs = Lungs()
def make(path="lungs.txt"):
    return Lungs()
"""


@pytest.mark.parametrize(
    ("code", "name"),
    [(FUNCTION, "link"), (GENERATORS, "link"), (CLASS, "Lungs"), (CLASS, "lungs"), (CLASS, "make")],
)
def test_a_function_a_class_an_object_and_a_factory_are_linkers(write: Write, code: str, name: str) -> None:
    use = f"{write(code)}:{name}"
    linker = open_linker(use)
    assert texts(linker) == [["lung"], [], ["lung"]]
    assert {mention.linker for some in linker.link(CAPTIONS) for mention in some} == {use}
    assert linker.name == use


def test_a_linker_of_a_user_can_be_heavy_describe_and_suggest(write: Write) -> None:
    linker = open_linker(f"{write(CLASS)}:Lungs")
    assert linker.heavy
    assert linker.describe("C0024109") == ("Lung", ("T023",))
    assert linker.describe("C0000001") is None
    assert isinstance(linker, Suggests)
    assert [found for found, _ in linker.link_and_suggest(CAPTIONS)] == linker.link(CAPTIONS)
    assert not open_linker(f"{write(FUNCTION)}:link").heavy


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("('Lung', ('T999',))", "gives C0024109 the unknown semantic type 'T999'"),
        ("('Lung', 'T023')", "describes C0024109 by"),
        ("('Lung', None)", "describes C0024109 by"),
        ("['Lung']", "describes C0024109 by"),
    ],
)
def test_an_invalid_description_is_rejected(write: Write, returned: str, message: str) -> None:
    code = CLASS.replace('("Lung", ["T023"])', returned)
    use = f"{write(code)}:Lungs"
    with pytest.raises(DataError) as caught:
        open_linker(use).describe("C0024109")
    assert f"'{use}' {message}" in caught.value.message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return [[] if one else 1 / 0 for one in captions]", "raised ZeroDivisionError: division by zero"),
        ("for one in captions:\n    yield [] if one else [][1]", "raised IndexError"),
        ("return [(int(one) for _ in 'a') if not one else [] for one in captions]", "raised ValueError"),
        ("import sys; return [[] if one else sys.exit(3) for one in captions]", "raised SystemExit: 3"),
        ("return [[] if one else [(0, 9, 'x', 'C0000001')] for one in captions]", "offsets 0 to 9"),
    ],
)
def test_a_mistake_is_reported_with_function_and_caption(write: Write, body: str, message: str) -> None:
    use = f"{write(f'def link(captions):{chr(10)}  {body}')}:link"
    with pytest.raises(DataError) as caught:
        open_linker(use).link(CAPTIONS)
    assert f"'{use}'" in caught.value.message
    assert message in caught.value.message
    assert "(caption 2: '')" in caught.value.message


def test_a_mistake_that_only_happens_in_a_batch_is_reported(write: Write) -> None:
    use = f"{write('def link(captions): assert len(captions) < 2; return [[]]')}:link"
    with pytest.raises(DataError, match=r"raised AssertionError \(3 captions together\)"):
        open_linker(use).link(CAPTIONS)


def test_a_user_who_interrupts_is_obeyed(write: Write) -> None:
    with pytest.raises(KeyboardInterrupt):
        open_linker(f"{write('def link(captions): raise KeyboardInterrupt')}:link").link(CAPTIONS)


@pytest.mark.parametrize(
    ("code", "name", "message"),
    [
        ("def link(captions) return []", "link", "cannot import '.*': SyntaxError"),
        ("raise RuntimeError('no license server')", "link", "RuntimeError: no license server"),
        ("def lnk(captions): return []", "link", "no function 'link' in module"),
        ("link = 7", "link", "is neither a function nor a linker"),
        ("def link(): return 7", "link", "returned 7, which is without method 'link'"),
        ("def link(): raise OSError('no model')", "link", "cannot open linker '.*': OSError: no model"),
        ("class Link:\n  def __init__(self, path): pass", "Link", "cannot open linker '.*': TypeError"),
        ("class Link: pass", "Link", "is a class without method 'link'"),
        ("class Link: link = 3", "Link", "whose 'link' is not a method"),
    ],
)
def test_what_is_no_linker_is_rejected_when_it_is_opened(write: Write, code: str, name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        open_linker(f"{write(code)}:{name}")
    assert caught.value.hint


def test_a_misspelt_function_is_answered_with_the_nearest_name(write: Write) -> None:
    with pytest.raises(RecipeError, match="did you mean 'link_lungs'"):
        open_linker(f"{write('def link_lungs(captions): return []')}:link_lung")


@pytest.mark.parametrize("use", ["no_such_module_here:link", ":link", "module:"])
def test_a_module_that_cannot_be_found_is_a_usage_error(use: str) -> None:
    with pytest.raises(UsageError, match=r"cannot import|does not name a function"):
        open_linker(use)


@pytest.mark.parametrize("value", ["'Lung'", "('Lung', 'T023')", "3"])
def test_a_description_must_be_a_pair(write: Write, value: str) -> None:
    code = f"class A:\n  def link(self, c): return [[] for _ in c]\n  def describe(self, cui): return {value}"
    with pytest.raises(RocoError, match="describes C0000001 by"):
        open_linker(f"{write(code)}:A").describe("C0000001")


def test_the_module_of_a_user_is_imported_without_bytecode(write: Write, tmp_path: Path) -> None:
    open_linker(f"{write(FUNCTION)}:link")
    assert [entry.suffix for entry in tmp_path.iterdir()] == [".py"]


def test_the_fingerprint_covers_the_code_of_the_user(write: Write, tmp_path: Path) -> None:
    name = write(FUNCTION)
    before = fingerprint(f"{name}:link")
    (tmp_path / f"{name}.py").write_text(FUNCTION.replace("lung", "heart"))
    assert fingerprint(f"{name}:link") != before


def test_the_fingerprint_covers_the_module_that_a_function_comes_from(write: Write, tmp_path: Path) -> None:
    inner = write(FUNCTION)
    outer = write(f"from {inner} import link")
    before = fingerprint(f"{outer}:link")
    assert len(before) == 2
    (tmp_path / f"{inner}.py").write_text(FUNCTION.replace("lung", "heart"))
    assert fingerprint(f"{outer}:link") != before


def test_a_function_without_a_file_has_no_fingerprint() -> None:
    with pytest.raises(UsageError, match="is not in a file"):
        fingerprint("builtins:len")
