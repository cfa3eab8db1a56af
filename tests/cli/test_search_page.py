"""`roco search --browse` and `--sheet`: the page of an index, the file of its hits, and options that contradict."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

import roco
from roco.base.errors import RejectedInput, UsageError
from roco.cli.search_page import UNKNOWN_ARTICLE, IndexFinder
from roco.curate.finder import SearchServer, Wanted
from roco.curate.pictures import NoImage, UnknownFigure
from roco.curate.serve import app_of
from tests.baselines import drawn
from tests.cli.command import DATA, DONE, USAGE, Command

FIRST = "drawn_train_000001"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawn.write(tmp_path_factory.mktemp("drawn") / "dataset")


@pytest.fixture(scope="module")
def path(dataset: Path) -> Path:
    roco.index(dataset, dataset.with_name("index"))
    return dataset.with_name("index")


@pytest.fixture(scope="module")
def finder(path: Path) -> IndexFinder:
    index = roco.Index.open(path)
    return IndexFinder(index, index.dataset())


# --- what the page searches -------------------------------------------------------------------------------------------


def test_the_page_finds_what_the_command_finds(finder: IndexFinder, path: Path, dataset: Path) -> None:
    index = roco.Index.open(path)
    image = drawn.image_file(dataset, FIRST).read_bytes()
    wanted = Wanted(words="rings", image=image, n=7)
    assert finder.find(wanted).hits == [hit.to_json() for hit in index.search("rings", image=image, n=7)]
    found = finder.find(Wanted(like=FIRST, diverse=True, not_same_article=True)).hits
    assert found == [hit.to_json() for hit in index.search(like=FIRST, diverse=True, not_same_article=True)]


def test_filters_of_the_page_are_exact(finder: IndexFinder) -> None:
    pytest.importorskip("duckdb", reason="pip install '.[select]'")
    hits = finder.find(Wanted(words="number", filters={"split": ("test", "valid")}, n=100)).hits
    assert {hit["split"] for hit in hits} == {"test", "valid"}
    assert finder.find(Wanted(words="number", commercial=True)).hits == [
        hit for hit in finder.find(Wanted(words="number")).hits if hit["commercial"]
    ]


def test_conditions_of_the_command_hold_for_all_searches(path: Path, dataset: Path) -> None:
    pytest.importorskip("duckdb", reason="pip install '.[select]'")
    index = roco.Index.open(path)
    limited = IndexFinder(index, index.dataset(), where="split <> 'train'")
    assert "train" not in {hit["split"] for hit in limited.find(Wanted(like=FIRST, n=100)).hits}
    assert "split <> 'train'" in limited.title


def test_the_values_that_the_page_offers_are_those_of_the_release(finder: IndexFinder) -> None:
    assert finder.values()["split"] == ["test", "train", "valid"]
    assert finder.values()["by"] == []  # the encoder reads no texts


def test_an_image_of_an_unknown_article_is_noted_and_the_encoder_is_stated(finder: IndexFinder, tmp_path: Path) -> None:
    Image.effect_noise((90, 90), 90).save(tmp_path / "other.png")
    other = (tmp_path / "other.png").read_bytes()
    assert finder.find(Wanted(image=other, not_same_article=True)).note == UNKNOWN_ARTICLE
    found = finder.find(Wanted(image=other))
    assert found.note == "" and found.encoders["image"].startswith("EfficientNet-Lite0 (SHA-256 ")
    assert finder.find(Wanted(words="rings")).encoders == {}


def test_an_image_that_cannot_be_decoded_and_an_unknown_image_are_refused(finder: IndexFinder) -> None:
    with pytest.raises(RejectedInput, match="cannot be decoded"):
        finder.find(Wanted(image=b"\xff\xd8\xff\xe0" + bytes(50)))
    with pytest.raises(UsageError, match="no image 'nobody'"):
        finder.find(Wanted(like="nobody"))
    with pytest.raises(UnknownFigure):
        finder.image("../drawn_train_000001")


def test_images_come_from_the_release_and_a_missing_one_has_none(dataset: Path, path: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(dataset, tmp_path / "dataset")
    index = roco.Index.open(path)
    finder = IndexFinder(index, index.dataset(copy))
    assert finder.image(FIRST) == drawn.image_file(dataset, FIRST).read_bytes()
    drawn.image_file(copy, FIRST).unlink()
    with pytest.raises(NoImage):
        finder.image(FIRST)
    answer = TestClient(app_of(SearchServer(finder=finder))).get("/api/thumbnail", params={"key": FIRST})
    assert answer.status_code == 404


# --- the command ------------------------------------------------------------------------------------------------------


def test_browse_serves_the_query_of_the_command(command: Command, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[tuple[Any, str]] = []

    def serve(server: SearchServer, listening: Any, *, browse: str, started: Any) -> None:
        started()
        served.append((server.finder, browse))

    monkeypatch.setattr("roco.curate.serve.serve", serve)
    words = ["search", path, "chest CT", "--modality", "DRCT", "--modality", "DRMR", "--diverse", "-n", "5", "--browse"]
    result = command(*words, "--port", "0", "--token", "a-long-secret")
    assert result.code == DONE
    ((finder, address),) = served
    assert isinstance(finder, IndexFinder) and len(finder) == 24
    query = address.partition("/?")[2]
    assert query == "words=chest+CT&modality=DRCT%2CDRMR&diverse=1&n=5&token=a-long-secret"
    assert result.out == f"24 images: {address}\n"
    assert command("search", path, "--browse", "--port", "0", "--no-browser").code == DONE
    assert served[1][1] == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("x", "--port", "80"), "--port without --browse"),
        (("x", "--host", "0.0.0.0"), "--host without --browse"),
        (("x", "--token", "a-long-secret"), "--token without --browse"),
        (("x", "--no-browser"), "--no-browser without --browse"),
        (("x", "--browse", "--json"), "--browse with --json"),
        (("x", "--browse", "--sheet", "new.png"), "--browse with --sheet"),
        (("--browse", "--image", "a.png"), "--browse with --image"),
        (("x", "--browse", "-n", "500"), "--browse with -n 500"),
        (("x", "--browse", "--modality", "DRCTT"), "unknown modality 'DRCTT'"),
        (("x", "--browse", "--by", "dense"), "has no vectors for words"),
        (("--browse", "--like", "nobody"), "no image 'nobody'"),
        (("x", "--browse", "--token", "short"), "invalid --token"),
        (("x", "--browse", "--host", "0.0.0.0", "--port", "0"), "--host 0.0.0.0 without a token"),
        (("x", "--sheet", "new.svg"), "unknown format of a contact sheet"),
    ],
)
def test_options_that_contradict_are_refused(
    command: Command, path: Path, words: tuple[str, ...], message: str
) -> None:
    if "--modality" in words:
        pytest.importorskip("duckdb", reason="pip install '.[select]'")
    result = command("search", path, *words)
    assert (result.code, result.out) == (USAGE, "")
    assert message in result.err and result.err.count("\n") == 2


def test_a_release_that_has_moved_is_named_and_given(
    command: Command, dataset: Path, path: Path, tmp_path: Path
) -> None:
    index = shutil.copytree(path, tmp_path / "folder" / "index")
    result = command("search", index, "rings", "--browse", "--port", "0")
    assert result.code == DATA and "is not where it was" in result.err and "--release FOLDER" in result.err
    sheet = tmp_path / "hits.png"
    assert command("search", index, "rings", "--sheet", sheet, "--release", dataset).code == DONE
    assert sheet.is_file()


# --- the contact sheet ------------------------------------------------------------------------------------------------


def test_a_sheet_is_written_beside_the_printed_hits_and_never_overwritten(
    command: Command, path: Path, tmp_path: Path
) -> None:
    sheet = tmp_path / "hits.png"
    result = command("search", path, "rings", "-n", "8", "--sheet", sheet)
    assert result.code == DONE and result.out.endswith("8 hits\n") and f"wrote {sheet}" in result.err
    with Image.open(sheet) as image:
        assert image.format == "PNG"
    before = sheet.read_bytes()
    result = command("search", path, "number", "--sheet", sheet)
    assert (result.code, result.out) == (USAGE, "") and "already exists" in result.err
    assert sheet.read_bytes() == before


def test_no_hits_make_no_sheet(command: Command, path: Path, tmp_path: Path) -> None:
    result = command("search", path, "xyzzy", "--sheet", tmp_path / "hits.png")
    assert result.code == DONE and "warning: no hits" in result.err
    assert list(tmp_path.iterdir()) == []
