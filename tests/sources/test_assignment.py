"""No file serves two figures that name it differently."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.sources.assignment import Claim, assign
from roco.sources.matching import Images


def files(claims: list[Claim], names: tuple[str, ...]) -> list[str | None]:
    assigned = assign(claims, Images(names))
    return [one.files[0] if one.files else None for one in assigned]


@pytest.mark.parametrize(
    ("hrefs", "names", "found"),
    [
        # an exact name wins over the stem
        (("a.gif", "a.jpg"), ("a.gif", "a.jpg"), ("a.gif", "a.jpg")),
        (("a.jpg", "a.gif"), ("a.gif", "a.jpg"), ("a.jpg", "a.gif")),
        (("a.tif", "a.jpg"), ("a.jpg",), (None, "a.jpg")),
        (("a.tif", "a.jpg"), ("a.jpg", "a.png"), ("a.png", "a.jpg")),
        (("a.gif", "a.jpg", "a.png"), ("a.gif", "a.jpg", "a.png"), ("a.gif", "a.jpg", "a.png")),
        (("a.gif", "a.tif"), ("a.gif", "a.jpg"), ("a.gif", "a.jpg")),
        (("A.jpg", "a.jpg"), ("a.jpg",), (None, "a.jpg")),
        (("img/a.jpg", "old/a.jpg"), ("img/a.jpg",), ("img/a.jpg", None)),
        (("a.jpg?x=1", "a.gif"), ("a.jpg",), ("a.jpg", None)),
        (("a%20b.tif", "a b.png"), ("a b.png",), (None, "a b.png")),
        (("journal.pone.1.g001.tif", "pone.1.g001.png"), ("pone.1.g001.png",), (None, "pone.1.g001.png")),
        # the name as written wins over one that must be read differently
        (("journal.a.jpg", "a.jpg"), ("a.jpg",), (None, "a.jpg")),
        (("a b.jpg", "a%20b.jpg", "a+b.jpg"), ("a b.jpg",), ("a b.jpg", None, None)),
        # nobody's, if names match equally well
        (("a.tif", "a.eps"), ("a.jpg",), (None, None)),
        (("img/a.jpg", "old/a.jpg"), ("a.jpg",), (None, None)),
        # one image that the article shows twice
        (("a.jpg", "a.jpg"), ("a.jpg",), ("a.jpg", "a.jpg")),
        (("a", "a.jpg"), ("a.jpg",), ("a.jpg", "a.jpg")),
        (("a.tif", "a.tif"), ("a.jpg",), ("a.jpg", "a.jpg")),
        (("./a.jpg", "a.jpg"), ("a.jpg",), ("a.jpg", "a.jpg")),
        # alone, a GIF still means the image of which it is the thumbnail
        (("a.gif", "b.jpg"), ("a.gif", "a.jpg", "b.jpg"), ("a.jpg", "b.jpg")),
        (("a.gif", "a.gif"), ("a.gif", "a.jpg"), ("a.jpg", "a.jpg")),
    ],
)
def test_each_figure_gets_the_file_that_it_names_best(
    hrefs: tuple[str, ...], names: tuple[str, ...], found: tuple[str | None, ...]
) -> None:
    assert tuple(files([Claim((href,)) for href in hrefs], names)) == found


def test_a_figure_that_is_dropped_takes_no_file_from_a_kept_one() -> None:
    dropped, kept = Claim(("a.jpg",), is_kept=False), Claim(("a.tif",))
    assert files([dropped, kept], ("a.jpg",)) == [None, "a.jpg"]
    assert files([Claim(("a.jpg",), is_kept=False), Claim(("a.jpg",))], ("a.jpg",)) == ["a.jpg", "a.jpg"]
    table = Claim(("a.gif",), is_kept=False)
    assert files([table, Claim(("a.jpg",))], ("a.gif", "a.jpg")) == ["a.gif", "a.jpg"]


def test_two_articles_do_not_share_a_file() -> None:
    one, other = Claim(("f1.jpg",), article="A"), Claim(("f1.jpg",), article="B")
    assert files([one, other], ("f1.jpg",)) == [None, None]
    assert files([one, Claim(("f1.jpg",), article="A")], ("f1.jpg",)) == ["f1.jpg", "f1.jpg"]
    one, other = Claim(("f1.jpg",), folder="a", article="A"), Claim(("f1.jpg",), folder="b", article="B")
    assert files([one, other], ("a/f1.jpg",)) == ["a/f1.jpg", None]
    assert files([one, other], ("a/f1.jpg", "b/f1.jpg")) == ["a/f1.jpg", "b/f1.jpg"]


def test_a_file_that_figures_contest_is_reported() -> None:
    [lost, won] = assign([Claim(("a.gif",)), Claim(("a.jpg",))], Images(("a.jpg",)))
    assert (lost.files, lost.contested) == ([], "a.jpg")
    assert (won.files, won.contested) == (["a.jpg"], None)


def test_other_renditions_of_an_image_follow_it() -> None:
    [assigned] = assign([Claim(("a.tif", "a.jpg", "b.png"))], Images(("a.tif", "a.jpg")))
    assert assigned.files == ["a.tif", "a.jpg"]


NAMES = st.sampled_from(["a.gif", "a.jpg", "a.tif", "a", "A.jpg", "b/a.jpg", "b/a.gif", "c/a.png", "a.b.jpg"])


@given(st.lists(NAMES, max_size=5), st.sets(NAMES, max_size=6))
def test_a_file_serves_figures_of_one_name_only_and_an_exact_name_is_never_lost(
    hrefs: list[str], names: set[str]
) -> None:
    found = files([Claim((href,)) for href in hrefs], tuple(names))
    images = set(Images(names).all)
    for href, file in zip(hrefs, found, strict=True):
        if href in images and not href.endswith(".gif"):
            assert file == href
        others = {other for other, its in zip(hrefs, found, strict=True) if its == file and file}
        stems = {other.removesuffix(".jpg").removesuffix(".gif").removesuffix(".tif") for other in others}
        assert len(others) <= 1 or (len(stems) == 1 and stems & others)


def test_thousands_of_images_of_one_name_in_different_folders_take_time_in_proportion() -> None:
    """Counts comparisons of files instead of seconds: each figure looks only into its own folder."""
    looked_at = 0

    class Counted(frozenset[str]):
        def __contains__(self, file: object) -> bool:
            nonlocal looked_at
            looked_at += 1
            return False

    names = [f"d{n}/f1.jpg" for n in range(2000)]
    claims = [Claim((name,), unavailable=Counted()) for name in names]
    assert [one.files for one in assign(claims, Images(names))] == [[name] for name in names]
    claims = [Claim(("f1",), folder=f"d{n}", unavailable=Counted()) for n in range(2000)]
    assert [one.files for one in assign(claims, Images(names))] == [[name] for name in names]
    assert looked_at < 10 * len(names)
