"""Compares `split` with its rule, carried out image by image."""

from __future__ import annotations

import hashlib
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from roco.base.schema import DROP, SPLITS, types
from roco.stages.split import HeldOut, Split

IMAGES = st.lists(
    st.fixed_dictionaries(
        {
            "article_key": st.sampled_from(["PMC1", "PMC2", "PMC3", "PMC4", "PMC5", None]),
            "similar_group": st.sampled_from([None, None, None, "g1", "g2"]),
            "image_key": st.sampled_from(["a", "b", "c", "d", "e", "f", None]),
            "modality": st.sampled_from(["DRCT", "DRXR", "DRMR", None]),
            "year": st.sampled_from([2020, 2021, None]),
        }
    ),
    max_size=24,
)
FRACTIONS = st.sampled_from([(0.75, 0.125, 0.125), (1 / 3, 1 / 3, 1 / 3), (0.6, 0.4, 0.0), (0.0, 0.5, 0.5)])


def units(images: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Connects the images that share an article or a group, directly or through others."""
    found: list[list[dict[str, Any]]] = []
    for image in images:
        related, apart = [image], []
        for unit in found:
            is_related = any(
                (one["article_key"] and one["article_key"] == image["article_key"])
                or (one["similar_group"] and one["similar_group"] == image["similar_group"])
                for one in unit
            )
            (related if is_related else apart).extend(unit if is_related else [unit])
        found = [*apart, related]
    return found


def by_rule(
    images: list[dict[str, Any]], fractions: tuple[float, ...], from_year: int | None, pinned: dict[str, str]
) -> dict[str, str]:
    sizes: dict[str, int] = {}
    for image in images:
        sizes[image["modality"] or ""] = sizes.get(image["modality"] or "", 0) + 1
    shares = {split: fraction for split, fraction in zip(SPLITS, fractions, strict=True) if fraction}
    needs = {(split, stratum): share * sizes[stratum] for split, share in shares.items() for stratum in sizes}
    overall = {split: share * len(images) for split, share in shares.items()}
    found: dict[str, str] = {}

    def take(unit: list[dict[str, Any]], split: str) -> None:
        for image in unit:
            found[image["figure_id"]] = split
            if split in shares:
                overall[split] -= 1
                needs[split, image["modality"] or ""] -= 1

    def name(image: dict[str, Any]) -> tuple[str, str]:
        return image["image_key"] or image["article_key"] or image["figure_id"], image["figure_id"]

    order = []
    for unit in units(images):
        splits = {pinned[image["figure_id"]] for image in unit if image["figure_id"] in pinned}
        if splits:
            take(unit, splits.pop())
            continue
        rarest = min((sizes[image["modality"] or ""], image["modality"] or "") for image in unit)
        key, figure_id = min(map(name, unit))
        order.append((rarest, hashlib.sha256(f"4:roco{key}".encode()).digest(), key, figure_id, unit))
    for (_, stratum), *_, unit in sorted(order, key=lambda one: one[:4]):
        if from_year is None:
            take(unit, max(shares, key=lambda split: (round(needs[split, stratum], 6), round(overall[split], 6))))
            continue
        is_late = all((image["year"] or 0) >= from_year for image in unit)
        wanted = [split for split in ("valid", "test") if is_late and needs.get((split, stratum), 0) >= 0.5]
        take(unit, max(wanted, key=lambda split: needs[split, stratum], default="train"))
    return found


@given(IMAGES, FRACTIONS, st.sampled_from([None, 2021]), st.dictionaries(st.integers(0, 23), st.sampled_from(SPLITS)))
def test_units_get_their_splits_as_the_rule_states(
    images: list[dict[str, Any]], fractions: tuple[float, ...], from_year: int | None, pins: dict[int, str]
) -> None:
    images = [{**image, "figure_id": f"f{number}"} for number, image in enumerate(images)]
    # One released image in a unit: what several do to each other has tests of its own.
    pinned: dict[str, str] = {}
    for unit in units(images):
        for image in unit[:1]:
            if int(image["figure_id"][1:]) in pins:
                pinned[image["figure_id"]] = pins[int(image["figure_id"][1:])]
    schema = pa.schema(list(({"figure_id": pa.string()} | types("article_key", *Split.optional) | DROP).items()))
    rows = [{**image, "pinned_split": pinned.get(image["figure_id"])} for image in images]
    held_out = None if from_year is None else HeldOut(from_year=from_year)
    out = Split(fractions=fractions, held_out=held_out)(pa.Table.from_pylist(rows, schema=schema))
    found = dict(zip(out["figure_id"].to_pylist(), out["split"].to_pylist(), strict=True))
    assert found == by_rule(images, fractions, from_year, pinned)


def test_of_images_with_equal_bytes_the_order_is_that_of_their_names_and_not_of_the_rows() -> None:
    names = {"figure_id": pa.string()} | types("article_key", *Split.optional) | DROP
    rows = [{"figure_id": f"f{number}", "image_key": "same"} for number in range(9)]
    found = []
    for some in (rows, rows[::-1]):
        out = Split(fractions=(0.4, 0.3, 0.3))(pa.Table.from_pylist(some, schema=pa.schema(list(names.items()))))
        found.append(dict(zip(out["figure_id"].to_pylist(), out["split"].to_pylist(), strict=True)))
    assert found[0] == found[1] and len(set(found[0].values())) == 3
