"""Linkers are opened by name; unknown names and options that do not fit are answered with what fits."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from roco.base.errors import DataError, MissingExtra, UsageError
from roco.models.text.linking import medcat_pack
from roco.models.text.linking.fingerprint import content_digest, fingerprint
from roco.models.text.linking.open import OPTIONS, open_linker
from tests.models.text.linking.packs import version_1

HERE = Path(__file__)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("medct", "did you mean 'medcat'"),
        ("dictionnary", "did you mean 'dictionary'"),
        ("", "known: dictionary, learned"),
    ],
)
def test_an_unknown_linker_is_answered_with_the_nearest_name(name: str, hint: str) -> None:
    for function in (open_linker, fingerprint):
        with pytest.raises(UsageError, match=f"unknown linker '{name}'") as caught:
            function(name)
        assert hint in caught.value.hint
        assert "module:function" in caught.value.hint


def test_the_dictionary_is_opened_with_the_shipped_vocabulary_or_another(tmp_path: Path) -> None:
    captions = ["Pleural effusion and a zebra lesion."]
    shipped = open_linker("dictionary")
    assert "C0032227" in {mention.cui for mention in shipped.link(captions)[0]}
    assert shipped.describe("C0032227") is not None
    path = tmp_path / "vocabulary.csv"
    path.write_text("cui,name,synonyms,tui,source,license\nC0000001,Zebra lesion,,,,\n")
    assert [mention.cui for mention in open_linker("dictionary", vocabulary=path).link(captions)[0]] == ["C0000001"]
    assert fingerprint("dictionary") != fingerprint("dictionary", vocabulary=path)


@pytest.mark.parametrize("name", ["learned", "medcat"])
def test_a_missing_model_is_one_clear_line(name: str) -> None:
    with pytest.raises(UsageError, match=f"linker '{name}' needs the option 'model'"):
        open_linker(name)


@pytest.mark.parametrize(
    ("linker", "option"),
    [
        ("dictionary", "model"),
        ("learned", "vocabulary"),
        ("learned", "table"),
        ("medcat", "vocabulary"),
        ("a:b", "model"),
    ],
)
def test_an_option_of_another_linker_is_rejected(linker: str, option: str) -> None:
    options: dict[str, Any] = dict.fromkeys(OPTIONS.get(linker, ()), HERE) | {option: HERE}
    with pytest.raises(UsageError, match=f"linker '{linker}' has no option '{option}'"):
        open_linker(linker, **options)


@pytest.mark.parametrize("name", ["learned", "medcat"])
def test_a_model_that_does_not_exist_is_a_data_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.npz"):
        open_linker(name, model=tmp_path / "none.npz")


def test_without_medcat_the_error_has_its_pip_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(medcat_pack.metadata, "version", missing)
    with pytest.raises(MissingExtra, match=r"MedCAT is not installed\n  pip install '\.\[medcat\]'"):
        open_linker("medcat", model=version_1(tmp_path, spacy_model=False))


def test_an_invalid_table_is_reported_before_the_pack_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"table .*none\.csv does not exist"):
        open_linker("medcat", model=tmp_path / "none.zip", table=tmp_path / "none.csv")


# --- fingerprints ----------------------------------------------------------------------------------------------------


def test_the_fingerprint_of_a_model_pack_is_its_content(tmp_path: Path) -> None:
    one, other = version_1(tmp_path / "a", spacy_model=False), version_1(tmp_path / "b", spacy_model=False)
    assert fingerprint("medcat", model=one) == fingerprint("medcat", model=other)
    (other / "vocab.dat").write_bytes(b"other")
    assert fingerprint("medcat", model=one) != fingerprint("medcat", model=other)
    table = tmp_path / "table.csv"
    table.write_text("snomed,cui\n")
    assert fingerprint("medcat", model=one, table=table) != fingerprint("medcat", model=one)


def test_the_fingerprint_of_a_learned_linker_covers_its_card(tmp_path: Path) -> None:
    model = tmp_path / "m.npz"
    model.write_bytes(b"1")
    model.with_suffix(".json").write_text("{}")
    before = fingerprint("learned", model=model)
    model.with_suffix(".json").write_text("{ }")
    assert fingerprint("learned", model=model) != before


def test_the_names_of_files_in_a_folder_count_and_their_order_does_not(tmp_path: Path) -> None:
    for folder, names in (("a", ("x", "sub/y")), ("b", ("sub/y", "x")), ("c", ("x", "sub/z"))):
        for name in names:
            file = tmp_path / folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("same")
    a, b, c = (content_digest(tmp_path / folder) for folder in "abc")
    assert a == b != c


def test_pipes_are_not_read_and_links_to_folders_are_rejected(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    content_digest(tmp_path)
    (tmp_path / "loop").symlink_to(tmp_path)
    with pytest.raises(DataError, match="is a link to a folder"):
        content_digest(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="paths of POSIX")
def test_a_model_that_cannot_be_read_has_no_fingerprint(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read .*none: file not found"):
        fingerprint("medcat", model=tmp_path / "none")
