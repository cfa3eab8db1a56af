"""A name means one file or none: a wrong image is worse than a missing one."""

from __future__ import annotations

import unicodedata
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.sources.archives.reader import open_zip
from roco.sources.matching import Images

CAFE = "café-1.jpg"
APART = unicodedata.normalize("NFD", CAFE)


@pytest.mark.parametrize(
    ("href", "files", "found"),
    [
        # as written
        ("f1.jpg", ("f1.jpg", "f10.jpg", "f1.png"), "f1.jpg"),
        ("f1.tif", ("f1.tif", "f1.jpg"), "f1.tif"),
        ("f1", ("f10.jpg", "f11.jpg"), None),
        ("f10", ("f1.jpg",), None),
        ("fig-g005.webp", ("fig-g005.webp",), "fig-g005.webp"),
        # without extension, or with another one
        ("f1", ("f1.gif", "f1.tif", "f1.jpg"), "f1.jpg"),
        ("f1", ("f1.gif", "f1.tif"), "f1.tif"),
        ("f1.eps", ("f1.png",), "f1.png"),
        ("f1.tif", ("f1.jpg",), "f1.jpg"),
        ("f1.tif", ("f1.tif.jpg",), "f1.tif.jpg"),
        ("f1", ("f1.pdf", "f1.mp4", "f1.docx"), None),
        # a dot may belong to the name
        ("CRIM.2013-64.002", ("CRIM.2013-64.002.jpg",), "CRIM.2013-64.002.jpg"),
        ("CRIM.2013-64.002.jpg", ("CRIM.2013-64.002.jpg",), "CRIM.2013-64.002.jpg"),
        ("CRIM.2013-64.002", ("CRIM.2013-64.jpg",), None),
        # a GIF is the thumbnail of what lies beside it
        ("f1.gif", ("f1.gif", "f1.jpg"), "f1.jpg"),
        ("f1.GIF", ("F1.gif", "f1.jpg"), "f1.jpg"),
        ("f1.gif", ("f1.gif", "f2.jpg"), "f1.gif"),
        # another case, while that is one file
        ("F1.JPG", ("f1.jpg",), "f1.jpg"),
        ("f1", ("F1.JPG",), "F1.JPG"),
        ("f1.jpg", ("f1.jpg", "F1.JPG"), "f1.jpg"),
        ("F1.jpg", ("f1.jpg", "F1.JPG"), None),
        ("f1", ("f1.jpg", "F1.jpg"), "f1.jpg"),
        ("fX", ("fx.jpg", "Fx.jpg"), None),
        # as addresses write it
        ("a%20(2)_1-f1.jpg", ("a (2)_1-f1.jpg",), "a (2)_1-f1.jpg"),
        ("a%20b.jpg", ("a%20b.jpg", "a b.jpg"), "a%20b.jpg"),
        ("a+b.jpg", ("a+b.jpg", "a b.jpg"), "a+b.jpg"),
        ("a+b.jpg", ("a b.jpg",), "a b.jpg"),
        ("100%.jpg", ("100%.jpg",), "100%.jpg"),
        ("f&1.jpg", ("f&1.jpg",), "f&1.jpg"),
        ("https://x.org/y/f1.jpg?md5=0#t", ("f1.jpg",), "f1.jpg"),
        ("https://x.org/y/f1", ("f1.jpg",), "f1.jpg"),
        ("https://x.org/image?id=f1.jpg", ("f1.jpg",), None),
        ("f1.jpg?download=1", ("f1.jpg",), "f1.jpg"),
        ("fig#2.jpg", ("fig#2.jpg", "fig.jpg"), "fig#2.jpg"),
        ("fig#2.jpg", ("fig.jpg",), None),
        ("file:///tmp/f1.jpg", ("f1.jpg",), "f1.jpg"),
        ("file:f1.jpg", ("f1.jpg",), "f1.jpg"),
        # PLOS
        ("info:doi/10.1371/journal.pone.0000217.g001", ("pone.0000217.g001.jpg",), "pone.0000217.g001.jpg"),
        ("10.1371/journal.pone.0000217.g001", ("pone.0000217.g001.tif",), "pone.0000217.g001.tif"),
        ("pone.0000217.g001", ("journal.pone.0000217.g001.png",), "journal.pone.0000217.g001.png"),
        ("info:doi/10.1371/journal.pone.0000217.g001", ("pone.0000217.g002.jpg",), None),
        # folders
        ("../img/f1.jpg", ("f1.jpg",), "f1.jpg"),
        ("/home/me/f1.jpg", ("f1.jpg",), "f1.jpg"),
        (r"C:\figures\f1.jpg", ("f1.jpg",), "f1.jpg"),
        ("C:f1.jpg", ("f1.jpg",), "f1.jpg"),
        ("f1.jpg", (r"img\f1.jpg",), r"img\f1.jpg"),
        ("img/f1.jpg", ("img/f1.jpg", "old/f1.jpg"), "img/f1.jpg"),
        ("img/f1", ("img/f1.jpg", "old/f1.jpg"), "img/f1.jpg"),
        ("/disk/IMG/f1.jpg", ("a/img/f1.jpg", "a/old/f1.jpg"), "a/img/f1.jpg"),
        ("img/f1.jpg", ("a/img/f1.jpg", "b/img/f1.jpg"), None),
        ("img/f1", ("a/img/f1.jpg", "b/img/f1.jpg"), None),
        ("f1.jpg", ("img/f1.jpg", "old/f1.jpg"), None),
        ("f1", ("img/f1.jpg", "old/f1.jpg"), None),
        ("f1.jpg", ("f1.jpg", "old/f1.jpg"), "f1.jpg"),
        # letters and spaces
        (CAFE, (APART,), APART),
        (APART, (CAFE,), CAFE),
        ("caf%C3%A9-1", (APART,), APART),
        (" f1.jpg\n", ("f1.jpg",), "f1.jpg"),
        ("f1.jpg", ("f1.jpg ",), "f1.jpg "),
        # nothing
        ("", ("f1.jpg",), None),
        ("/", ("f1.jpg",), None),
        ("..", ("f1.jpg",), None),
    ],
)
def test_a_name_matches_one_file_or_none(href: str, files: tuple[str, ...], found: str | None) -> None:
    assert Images(files).find(href) == found


def test_a_name_without_a_folder_matches_the_file_beside_the_xml() -> None:
    images = Images(("xml/f1.jpg", "old/f1.jpg", "old/f2.jpg", "img/f1.jpg"))
    assert images.find("f1.jpg", "xml") == "xml/f1.jpg"
    assert images.find("f1", "old") == "old/f1.jpg"
    assert images.find("f2.jpg", "xml") == "old/f2.jpg"
    assert images.find("../img/f1.jpg", "xml") == "img/f1.jpg"
    assert images.find("f1.jpg", "elsewhere") is None
    assert Images(("a/img/f1.jpg", "b/img/f1.jpg")).find("f1.jpg", "a") == "a/img/f1.jpg"
    assert Images(("a/img/f1.jpg", "a/old/f1.jpg", "b/f1.jpg")).find("f1.jpg", "a") is None


def test_supplements_and_documents_are_not_images() -> None:
    assert Images(("f1.JPG", "._f1.jpg", "a/._f2.jpg", "f1.pdf", "notes.txt", "jpg")).all == ["f1.JPG"]


@pytest.mark.parametrize(
    ("named", "files", "renditions"),
    [
        ("f1.jpg", ("f1.gif", "f1.tif", "f10.gif", "a/f1.gif"), {"f1.gif", "f1.tif"}),
        ("f1.jpg", ("F1.gif",), {"F1.gif"}),
        ("f1.jpg", ("F1.JPG",), set()),
        ("f1.jpg", ("f1.thumbnail.jpg", "f1_lrg.jpg"), {"f1.thumbnail.jpg", "f1_lrg.jpg"}),
        ("f1.jpg", ("f1-150x120.png", "f2_tn.jpg"), {"f1-150x120.png"}),
        ("f1.thumbnail.jpg", ("f1.jpg",), set()),
        ("f1.jpg", ("f1a.jpg", "f1-2.jpg", "f1_b.jpg"), set()),
    ],
)  # fmt: skip
def test_another_size_or_format_of_an_image_is_its_rendition(
    named: str, files: tuple[str, ...], renditions: set[str]
) -> None:
    assert Images((named, *files)).renditions([named]) == renditions


def test_the_best_rendition_represents_the_image() -> None:
    names = ["f1.gif", "f1.tif", "f1.jpg", "f1.thumb.jpg", "F1.JPG", "f2.gif", "f3_thumb.jpg", "a/f1.png"]
    assert Images(names).best(names) == ["F1.JPG", "a/f1.png", "f1.jpg", "f2.gif", "f3_thumb.jpg"]


STEMS = st.sampled_from(["f1", "F1", "f10", "f1.2", "g 1", "é1", "pone.1.g001", "f1_thumb"])
ENDS = st.sampled_from(["", ".jpg", ".JPG", ".gif", ".tif", ".eps", ".jpeg"])
FOLDERS = st.sampled_from(["", "a/", "b/c/", "A/"])
FILES = st.lists(st.builds("{}{}{}".format, FOLDERS, STEMS, ENDS), max_size=8, unique=True)
WRITTEN = st.sampled_from(["", "../", "/x/", "file:///", "https://x.org/", "info:doi/10.1/", "info:doi/10.1/journal."])


def stem(base: str) -> str:
    base = unicodedata.normalize("NFC", base.lower())
    for end in (".jpg", ".jpeg", ".gif", ".tif", ".eps"):
        base = base.removesuffix(end)
    return base


@given(before=WRITTEN, named=STEMS, end=ENDS, folder=FOLDERS, files=FILES)
def test_a_file_of_another_stem_never_matches(before: str, named: str, end: str, folder: str, files: list[str]) -> None:
    found = Images(files).find(before + named + end, folder.rstrip("/"))
    assert found is None or (found in files and stem(found.rpartition("/")[2]) == stem(named))


@given(files=FILES, at=st.integers(0, 7))
def test_an_existing_file_is_found_by_its_path(files: list[str], at: int) -> None:
    images = Images(files)
    if at < len(images.all) and not images.all[at].endswith(".gif"):
        assert images.find(images.all[at]) == images.all[at]


@given(href=st.text(), files=st.lists(st.one_of(st.text(), st.text().map("{}.jpg".format))), folder=st.text())
def test_any_name_matches_one_of_any_files_or_none(href: str, files: list[str], folder: str) -> None:
    images = Images(files)
    assert images.find(href, folder) in {None, *images.all}
    assert images.renditions(images.all[:1]) <= set(images.all)
    assert set(images.best(images.all)) <= set(images.all)


@pytest.mark.shared
def test_the_images_of_all_articles_in_one_zip_are_matched(shared: Path) -> None:
    with open_zip(shared / "data" / "packages_zip" / "scielo_package_with_subdir.zip") as package:
        images = Images(name for name, _ in package.files)
    found = [images.find(f"2318-0889-tinf-33-e{n}.tif") for n in ("200025-gf01", "200025-gf02", "200039-gf01")]
    assert found == images.all


@pytest.mark.shared
def test_images_that_are_named_by_their_digest_are_never_guessed(shared: Path) -> None:
    """Nothing in that zip ties the digests to the names that the article writes, neither a list nor the files."""
    path = shared / "data" / "packages_zip" / "scielo_1414-431X_documentstore.zip"
    with zipfile.ZipFile(path) as fh:
        images = Images(fh.namelist())
    assert len(images.all) == 4
    for n in (1, 2):
        for name in (
            f"1414-431X-bjmbr-54-10-e11439-gf00{n}.jpg",
            f"1414-431X-bjmbr-54-10-e11439-gf00{n}.thumbnail.jpg",
        ):
            assert images.find(name) is None
