"""Finds what relates images that must not be in different splits: articles, groups of duplicates, and long captions."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from roco.base.columns import NONE, Indices, codes, has_text, not_empty

RELATION_COLUMNS = ("figure_id", "article_key", "duplicate_group", "similar_group", "caption")
"""The columns that `relations` reads."""

KINDS = ("article", "duplicate", "similar", "caption")

MIN_CAPTION_WORDS = 8
"""Equal captions relate images only from this number of words on: short captions are often equal by chance."""

_AT_ONCE = 1 << 17  # captions
_NOT_SIMPLE = r"[\t-\r\x1c-\x1f]|  |^ | $"
"""What `str.split` treats otherwise than single spaces between the words of an ASCII text."""


def relations(table: pa.Table) -> dict[str, Indices]:
    """Returns, for each of KINDS, a number for each image; images with an equal one are related, NONE relates none.

    Images of one article, of one group of duplicates or near-duplicates, and with the same long caption are related.
    An image without an article is one of its own. table: RELATION_COLUMNS; a column that it lacks relates no images.
    """
    found = {kind: np.full(len(table), NONE) for kind in KINDS}
    names = [name for name in ("article_key", "figure_id") if name in table.column_names]
    if names:
        found["article"] = codes(first_text(table, names))
    for kind in ("duplicate", "similar"):
        if f"{kind}_group" in table.column_names:
            found[kind] = codes(table[f"{kind}_group"])
    if "caption" in table.column_names:
        found["caption"] = _caption_codes(table["caption"])
    return found


def first_text(table: pa.Table, names: Sequence[str]) -> pa.ChunkedArray:
    """Returns, for each row, the first of the named columns that is neither null nor empty."""
    first, *others = names
    if not others or has_text(table[first]).all():
        return table[first]
    return pc.coalesce(*(not_empty(table[name]) for name in names))


def _caption_codes(captions: pa.ChunkedArray) -> Indices:
    """Numbers captions by their words, without regard to case; NONE for those with too few words."""
    numbers = np.full(len(captions), NONE)
    rows, digests = [], []
    for start in range(0, len(captions), _AT_ONCE):
        some, texts = _long_captions(captions.slice(start, _AT_ONCE))
        rows.append(start + some)
        digest = b"".join([hashlib.blake2b(text, digest_size=16).digest() for text in texts])
        digests.append(np.frombuffer(digest, np.uint64).reshape(-1, 2))
    if rows:
        numbers[np.concatenate(rows)] = _numbered(np.concatenate(digests))
    return numbers


def _long_captions(captions: pa.ChunkedArray) -> tuple[Indices, list[bytes]]:
    """Returns the places of captions with enough words, and the words of each: case-folded, with single spaces."""
    # Most captions are ASCII with single spaces, which Arrow folds many at a time.
    is_simple = pc.and_(pc.string_is_ascii(captions), pc.invert(pc.match_substring_regex(captions, _NOT_SIMPLE)))
    is_long = pc.greater_equal(pc.count_substring(captions, " "), MIN_CAPTION_WORDS - 1)
    simple = np.flatnonzero(np.asarray(pc.fill_null(pc.and_(is_simple, is_long), False)))
    texts: list[bytes] = pc.ascii_lower(captions.take(pa.array(simple))).cast(pa.binary()).to_pylist()

    others = []
    rest = np.flatnonzero(~np.asarray(pc.fill_null(is_simple, True)))
    for row, caption in zip(rest.tolist(), captions.take(pa.array(rest)).to_pylist(), strict=True):
        words = caption.casefold().split()
        if len(words) >= MIN_CAPTION_WORDS:
            others.append(row)
            texts.append(" ".join(words).encode())
    return np.concatenate([simple, np.array(others, np.int64)]), texts


def _numbered(digests: NDArray[np.uint64]) -> Indices:
    """Numbers digests, two words each, from 0; equal ones have equal numbers."""
    order = np.lexsort((digests[:, 1], digests[:, 0]))
    ordered = digests[order]
    is_new = np.ones(len(order), bool)
    is_new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    numbers = np.empty(len(order), np.int64)
    numbers[order] = np.cumsum(is_new) - 1
    return numbers
