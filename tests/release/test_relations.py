from __future__ import annotations

from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from roco.base.columns import NONE
from roco.release.leakage import leakage, ties
from roco.release.relations import KINDS, RELATION_COLUMNS, relations

# "ﬁ" folds to "fi", the Kelvin sign to "k"; white space is also a no-break space or an information separator.
WORDS = st.lists(st.sampled_from(["Fine", "ﬁne", "K", "\u212a", "k"]), min_size=7, max_size=8)
SPACES = st.sampled_from([" ", "  ", "\t", "\xa0", "\x1c"])
CAPTIONS = st.builds(lambda words, space, end: space.join(words) + end, WORDS, SPACES, SPACES | st.just(""))
GROUPS = st.sampled_from(["a", "b", "", None])
IMAGES = st.lists(
    st.fixed_dictionaries(
        {
            "split": st.sampled_from(["train", "valid"]),
            "article_key": GROUPS,
            "duplicate_group": GROUPS,
            "similar_group": GROUPS,
            "caption": CAPTIONS | st.none(),
        }
    ),
    max_size=8,
)


def key(image: dict[str, Any], kind: str) -> Any:
    """What relates an image, as its rule states it."""
    if kind == "article":
        return image["article_key"] or image["figure_id"]
    if kind == "caption":
        words = (image["caption"] or "").casefold().split()
        return words if len(words) >= 8 else None
    return image[f"{kind}_group"]


def table(images: list[dict[str, Any]]) -> pa.Table:
    columns = {name: pa.array([image[name] for image in images], pa.string()) for name in (*RELATION_COLUMNS, "split")}
    return pa.table(columns)


@given(IMAGES)
def test_images_are_related_if_and_only_if_they_have_the_same_article_group_or_long_caption(
    images: list[dict[str, Any]],
) -> None:
    images = [{**image, "figure_id": f"f{number}"} for number, image in enumerate(images)]
    found = relations(table(images))
    assert tuple(found) == KINDS
    for kind, numbers in found.items():
        keys = [key(image, kind) for image in images]
        assert [number == NONE for number in numbers] == [not one for one in keys]
        for one, number in zip(keys, numbers.tolist(), strict=True):
            if one:
                assert [other == one for other in keys] == [other == number for other in numbers]

        of_splits: dict[str, set[str]] = {}
        for one, image in zip(keys, images, strict=True):
            if one:
                of_splits.setdefault(str(one), set()).add(image["split"])
        counted = ties(table(images))[kind]
        assert counted.number == len(of_splits)
        assert len(counted.crossing) == sum(len(splits) > 1 for splits in of_splits.values())


def test_a_column_that_is_missing_relates_no_images() -> None:
    images = pa.table({"split": ["train", "test"], "article_key": ["PMC1", "PMC1"]})
    assert leakage(images) == {"article": 1, "duplicate": 0, "similar": 0, "caption": 0}
    assert set(leakage(images.select(["split"])).values()) == {0}


def test_the_places_of_related_images_of_different_splits_are_known() -> None:
    images = pa.table({"split": ["train", "test", "test"], "article_key": ["PMC1", "PMC2", "PMC1"]})
    (places,) = ties(images)["article"].crossing
    assert places.tolist() == [0, 2] and ties(images)["article"].images == 2


def test_captions_of_equal_words_are_equal_in_any_case_and_spacing() -> None:
    words = "Fine \u212aerley B lines of both lung bases"
    captions = [words, "ﬁne kerley  b LINES of\xa0both lung bases ", f"{words} too"]
    numbers = relations(pa.table({"caption": captions}))["caption"].tolist()
    assert numbers[0] == numbers[1] != numbers[2]
