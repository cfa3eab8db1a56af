"""Model packs of MedCAT: both versions link captions; those that do not load say so in one line."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roco.base.errors import DataError, RocoError, UsageError
from roco.models.text.linking import medcat_pack
from roco.models.text.linking.medcat import MedCat
from roco.models.text.linking.open import open_linker
from tests.models.text.linking import packs
from tests.models.text.linking.packs import CAPTIONS, SNOMED

pytestmark = [
    pytest.mark.neural,
    pytest.mark.skipif(
        not all(importlib.util.find_spec(name) for name in ("medcat", "spacy")),
        reason="the extra [medcat] is missing: pip install '.[dev,dev-neural]'",
    ),
]

LINKED = [
    [("mass", "C0027651", 1.0), ("lung", "C0024109", 1.0), ("Pleural effusion", "C0032227", 1.0)],
    [("pulmonary", "C0024109", 1.0)],
    [],
    [],
]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    folder = tmp_path_factory.mktemp("packs")
    return {1: packs.version_1(folder), 2: packs.version_2(folder)}


def linked(model: Path, table: Path | None = None) -> list[list[tuple[str, str, float]]]:
    found = open_linker("medcat", model=model, table=table).link(CAPTIONS)
    return [[(mention.text, mention.cui, mention.score) for mention in mentions] for mentions in found]


# --- packs that load -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [1, 2])
def test_a_pack_of_either_version_links_captions(both: dict[int, Path], version: int) -> None:
    assert linked(both[version]) == LINKED


def test_a_mention_that_the_caption_negates_is_marked(both: dict[int, Path]) -> None:
    found = open_linker("medcat", model=both[2]).link(CAPTIONS)
    assert [[mention.negated for mention in some] for some in found] == [[False] * 3, [True], [], []]


@pytest.mark.parametrize("version", [1, 2])
def test_a_zip_is_read_like_its_folder_and_leaves_no_files(
    both: dict[int, Path], version: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert linked(both[version].with_suffix(".zip")) == LINKED
    assert list(tmp_path.iterdir()) == []


def test_a_zip_that_contains_the_folder_of_the_pack_is_read(both: dict[int, Path], tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "nested"), "zip", root_dir=both[2].parent, base_dir=both[2].name)
    assert linked(Path(archive)) == LINKED


def test_loading_changes_no_file_of_the_pack(both: dict[int, Path]) -> None:
    before = {file: file.read_bytes() for file in both[1].rglob("*") if file.is_file()}
    linked(both[1])
    assert {file: file.read_bytes() for file in both[1].rglob("*") if file.is_file()} == before


def test_without_the_cure_of_its_sets_a_pack_of_version_1_links_nothing(
    both: dict[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shows that the test packs have the fault; when MedCAT mends it, the cure can go."""
    monkeypatch.setattr(medcat_pack, "_convertible", lambda config: config)
    monkeypatch.setattr(medcat_pack, "_restore_sets", lambda config: None)
    assert linked(both[1]) == [[], [], [], []]


def test_names_of_version_1_end_at_a_full_stop(both: dict[int, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(medcat_pack, "_convertible", lambda config: config)
    monkeypatch.setattr(medcat_pack, "_restore_sets", lambda config: config.components.linking.filters.cuis.clear())
    joined = linked(both[1])[3]
    assert joined == [("Chest. Wall", "C0205076", 1.0)]  # as the conversion alone reads it


def test_a_filter_of_version_1_that_lists_concepts_is_kept(tmp_path: Path) -> None:
    found = linked(packs.version_1(tmp_path, cuis=["C0024109"]))
    assert [[cui for _, cui, _ in some] for some in found] == [["C0024109"], ["C0024109"], [], []]


def test_a_pack_that_was_converted_with_wrong_filters_links_captions(tmp_path: Path) -> None:
    assert linked(packs.version_2(tmp_path, filters={"py/set": []})) == LINKED


def test_ids_of_snomed_become_cuis_and_those_without_are_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    table = tmp_path / "cuis.csv"
    table.write_text("snomed,cui,tui\n39607008,C0024109,T023\n60046008,C0032227,T046\n60046008,C1253943,T046\n")
    with caplog.at_level(logging.WARNING):
        linker = MedCat.load(packs.version_2(tmp_path, SNOMED), table)
    assert [[mention.cui for mention in some] for some in linker.link(CAPTIONS)] == [
        ["C0024109", "C0032227"],
        [],
        [],
        [],
    ]
    assert linker.left_out == {"4147007": 1}
    assert [record.getMessage() for record in caplog.records] == [
        f"{table} has no CUI for 1 of 3 concepts of the model pack, such as '4147007'; their mentions are left out"
    ]
    assert linker.describe("C0032227") == ("pleural effusion", ("T046",))
    assert linker.describe("C1253943") is None


def test_a_pack_describes_its_concepts(both: dict[int, Path]) -> None:
    linker = open_linker("medcat", model=both[2])
    assert linker.describe("C0024109") == ("lung", ("T023",))
    assert linker.describe("C9999999") is None
    assert linker.heavy


def test_a_long_caption_and_odd_characters_are_linked(both: dict[int, Path]) -> None:
    linker = open_linker("medcat", model=both[2])
    long, odd = linker.link(["lung mass " * 400, "\x00\u202e lung\ud800 \U0001f600 mass"])
    assert len(long) == 800
    assert [mention.text for mention in odd] == ["lung", "mass"]


def test_loading_and_linking_print_nothing_and_contact_no_host(both: dict[int, Path], tmp_path: Path) -> None:
    code = (
        "import socket, sys\n"
        "def refuse(*args, **kwargs): print('network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from pathlib import Path\n"
        "from roco.models.text.linking.open import open_linker\n"
        "for model in sys.argv[1:]: open_linker('medcat', model=Path(model)).link(['A mass'])\n"
    )
    words = [sys.executable, "-c", code, *(str(pack) for pack in both.values())]
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(words, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# --- packs that do not ----------------------------------------------------------------------------------------------


def cut(pack: Path) -> None:
    for file in (*pack.rglob("raw_dict.dat"), *pack.glob("cdb.dat")):
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def no_concepts(pack: Path) -> None:
    (pack / "cdb.dat").write_bytes(b"")


def broken_configuration(pack: Path) -> None:
    (pack / "config.json").write_text('{"version": ')


def plugin(pack: Path) -> None:
    (pack / "model_card.json").write_text(json.dumps({"Required Plugins": [{"name": "medcat_gliner"}]}))


def other_version(pack: Path) -> None:
    card = json.loads((pack / "model_card.json").read_text())
    (pack / "model_card.json").write_text(json.dumps({**card, "MedCAT Version": "3.1.0"}))
    schema = {"serialised-class": "medcat.hub.Model", "init-parts": []}
    (pack / ".schema.json").write_text(json.dumps(schema))


@pytest.mark.parametrize(
    ("version", "fault", "message"),
    [
        (1, cut, "cannot load model pack .*of MedCAT version 1; installed: 2"),
        (2, cut, "cannot load model pack .*of MedCAT 2.9.0; installed: 2.9.0"),
        (1, no_concepts, "cannot load model pack .*EOFError"),
        (1, broken_configuration, "config.json is unreadable"),
        (2, plugin, "needs the MedCAT plugin 'medcat_gliner'"),
        (2, other_version, "of MedCAT 3.1.0; installed: 2.9.0.*: No module named 'medcat.hub'"),
        (2, lambda pack: shutil.rmtree(pack / "cdb"), "not a complete model pack"),
        (
            1,
            lambda pack: shutil.rmtree(pack / "en_small"),
            "needs the spaCy model 'en_small', which it does not contain",
        ),
    ],
)
def test_a_faulty_pack_is_one_clear_line(
    both: dict[int, Path], tmp_path: Path, version: int, fault: Callable[[Path], Any], message: str
) -> None:
    pack = Path(shutil.copytree(both[version], tmp_path / "pack"))
    fault(pack)
    with pytest.raises(RocoError, match=message) as caught:
        open_linker("medcat", model=pack)
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_a_spacy_model_that_is_not_installed_is_not_downloaded(tmp_path: Path) -> None:
    pack = packs.version_2(tmp_path, spacy_model="en_core_sci_md")
    with pytest.raises(DataError, match="needs the spaCy model 'en_core_sci_md'"):
        open_linker("medcat", model=pack)


def test_an_error_warns_that_packs_are_code(both: dict[int, Path], tmp_path: Path) -> None:
    pack = Path(shutil.copytree(both[2], tmp_path / "pack"))
    cut(pack)
    with pytest.raises(DataError) as caught:
        open_linker("medcat", model=pack)
    assert "runs code when it is loaded: load only packs that you trust" in caught.value.hint


def test_a_truncated_zip_is_rejected(both: dict[int, Path], tmp_path: Path) -> None:
    data = both[2].with_suffix(".zip").read_bytes()
    path = tmp_path / "pack.zip"
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match="corrupt or truncated"):
        open_linker("medcat", model=path)


def test_a_pack_of_ids_needs_a_table_of_their_cuis(tmp_path: Path) -> None:
    pack = packs.version_2(tmp_path, SNOMED)
    with pytest.raises(DataError, match="links ids such as '39607008', which are not CUIs"):
        open_linker("medcat", model=pack)
    table = tmp_path / "other.csv"
    table.write_text("snomed,cui\n10000000,C0000001\n")
    with pytest.raises(DataError, match="has no CUI for any concept"):
        open_linker("medcat", model=pack, table=table)


def test_another_version_of_medcat_is_named(both: dict[int, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(medcat_pack.metadata, "version", lambda name: "1.10.2")
    with pytest.raises(UsageError, match=r"MedCAT 1\.10\.2 is installed, but version 2 is needed"):
        open_linker("medcat", model=both[2])


def test_a_zip_of_something_else_is_no_pack(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("notes.txt", "nothing")
    with pytest.raises(DataError, match="not a complete model pack"):
        open_linker("medcat", model=tmp_path / "a.zip")
