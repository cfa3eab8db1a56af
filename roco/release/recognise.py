"""Recognises the images of previous releases among figures: by article and bytes, or by article and file name."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from roco.base.columns import NONE, Column, Indices, runs
from roco.base.text import escaped

IDENTITY_COLUMNS = ("article_key", "image_key", "file")
"""What identifies an image: of a figure and of an image of a release."""


class Recognised(NamedTuple):
    """The images that are recognised. place: in the ledger, of each figure; NONE for new ones. by: how, by number."""

    place: Indices
    by: Indices


BY = ("image", "file", "retired")
"""How an image is recognised, most reliable first."""


def recognised(figures: pa.Table, ledger: pa.Table) -> Recognised:
    """Assigns each id of a ledger to at most one figure.

    figures: figure_id and IDENTITY_COLUMNS. ledger: `release.previous.LEDGER`. Of equal images of one article, those
    that had an id before choose first, then by figure_id; each gets the id that it had, else the first one.
    """
    by_id = np.asarray(pc.sort_indices(ledger["id"]), np.int64)
    is_retired = np.asarray(pc.is_valid(ledger["reason"]))[by_id]
    in_use, retired = by_id[~is_retired], by_id[is_retired]

    found = Recognised(np.full(len(figures), NONE), np.full(len(figures), NONE))
    is_free = np.ones(len(ledger), bool)
    for number, (identity, known) in enumerate([(by_bytes, in_use), (by_file, in_use), (by_bytes, retired)]):
        if not len(known):
            continue
        of_known, of_figures = identity(ledger.select(["figure_id", *IDENTITY_COLUMNS]).take(pa.array(known)), figures)
        open_figures = np.flatnonzero((of_figures != NONE) & (found.place == NONE))
        pairs = _Candidates(figures, ledger, open_figures, of_figures[open_figures], known, of_known, is_free)
        rows, places = pairs.assigned()
        found.place[rows], found.by[rows] = places, number
        is_free[places] = False
    return found


Identify = Callable[[pa.Table, pa.Table], tuple[Indices, Indices]]
"""Numbers what identifies images of two tables, equally where it is equal: NONE where only the second one has it."""


def by_bytes(known: pa.Table, figures: pa.Table) -> tuple[Indices, Indices]:
    return _common_codes(pc.fill_null(known["image_key"], ""), pc.fill_null(figures["image_key"], ""))


def by_file(known: pa.Table, figures: pa.Table) -> tuple[Indices, Indices]:
    article, article_of_figure = _common_codes(known["article_key"], figures["article_key"])
    file, file_of_figure = _common_codes(_file_names(known), _file_names(figures))
    return _pair_codes((article, file), (article_of_figure, file_of_figure))


def _common_codes(known: pa.ChunkedArray, texts: pa.ChunkedArray) -> tuple[Indices, Indices]:
    distinct = pc.unique(pc.drop_null(known))
    return _places(known, distinct), _places(texts, distinct)


def _places(texts: Column, distinct: pa.Array) -> Indices:
    return np.asarray(pc.fill_null(pc.index_in(texts, value_set=distinct), NONE), np.int64)


def _pair_codes(known: tuple[Indices, Indices], others: tuple[Indices, Indices]) -> tuple[Indices, Indices]:
    """Numbers pairs of codes as `_common_codes` does single ones."""
    n = 1 + max(int(codes.max(initial=0)) for codes in (known[1], others[1]))
    pairs, of_known = np.unique(known[0] * n + known[1], return_inverse=True)
    wanted = others[0] * n + others[1]
    place = np.minimum(np.searchsorted(pairs, wanted), max(0, len(pairs) - 1))
    is_known = (others[0] != NONE) & (others[1] != NONE)
    is_known &= pairs[place] == wanted if len(pairs) else False
    return of_known, np.where(is_known, place, NONE)


def _file_names(table: pa.Table) -> pa.ChunkedArray:
    """Returns the names as releases contain them, with control characters escaped; empty if there is none."""
    names = pc.fill_null(table["file"], "")
    # The others are left as they are by `escaped`.
    unusual = np.flatnonzero(np.asarray(pc.match_substring_regex(names, "[^ -~]")))
    if not len(unusual):
        return names
    mask = np.zeros(len(names), bool)
    mask[unusual] = True
    written = [escaped(name) for name in names.take(pa.array(unusual)).to_pylist()]
    return pa.chunked_array([pc.replace_with_mask(names.combine_chunks(), pa.array(mask), pa.array(written))])


class _Candidates(NamedTuple):
    """Figures and ids with equal identities.

    rows, of_rows: places in `figures`, and their identities. known, of_known: places in the ledger in the order of the
    ids, and their identities. is_free: which ids of the ledger are not assigned yet.
    """

    figures: pa.Table
    ledger: pa.Table
    rows: Indices
    of_rows: Indices
    known: Indices
    of_known: Indices
    is_free: np.ndarray

    def assigned(self) -> tuple[Indices, Indices]:
        """Returns the rows that get an id, and the place of the id of each."""
        n = 1 + int(self.of_known.max(initial=0))
        is_free = self.is_free[self.known]
        n_rows = np.bincount(self.of_rows, minlength=n)
        n_ids = np.bincount(self.of_known[is_free], minlength=n)
        is_single = (n_rows == 1) & (n_ids == 1)
        known_of = np.full(n, NONE)
        known_of[self.of_known[is_free]] = self.known[is_free]
        single = is_single[self.of_rows]
        rows, places = [self.rows[single]], [known_of[self.of_rows[single]]]

        is_open = (n_rows > 0) & (n_ids > 0) & ~is_single
        for some, ids in self._groups(is_open):
            rows.append(some)
            places.append(ids)
        return np.concatenate(rows), np.concatenate(places)

    def _groups(self, is_open: np.ndarray) -> Iterator[tuple[Indices, Indices]]:
        """Yields, for each identity with several figures or ids, the rows that get an id, and the places of the ids."""
        rows, ids = np.flatnonzero(is_open[self.of_rows]), np.flatnonzero(is_open[self.of_known])
        rows = rows[np.argsort(self.of_rows[rows], kind="stable")]
        ids = ids[np.argsort(self.of_known[ids], kind="stable")]
        figures = self.figures["figure_id"].take(pa.array(self.rows[rows])).to_pylist()
        known_figures = self.ledger["figure_id"].take(pa.array(self.known[ids])).to_pylist()
        is_free = self.is_free[self.known[ids]].tolist()
        of_rows, of_ids = runs(self.of_rows[rows]).tolist(), runs(self.of_known[ids]).tolist()
        for number in range(len(of_rows) - 1):
            row, id = slice(*of_rows[number : number + 2]), slice(*of_ids[number : number + 2])
            chosen = list(_chosen(figures[row], known_figures[id], is_free[id]))
            at_row, at_id = np.array(chosen, np.int64).reshape(-1, 2).T
            yield self.rows[rows[row]][at_row], self.known[ids[id]][at_id]


def _chosen(figures: Sequence[str], known: Sequence[str], is_free: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Yields which image gets which id, by their places.

    figures: figure_ids of images with one identity. known: that of each id with this identity, in the order of the ids.
    """
    free = deque(place for place, is_open in enumerate(is_free) if is_open)
    own: defaultdict[str, deque[int]] = defaultdict(deque)
    for place in free:
        own[known[place]].append(place)
    had_id, assigned = set(known), set[int]()
    # Figures that had an id before choose first, so that equal images of one article do not swap their ids.
    for row in sorted(range(len(figures)), key=lambda row: (figures[row] not in had_id, figures[row])):
        for queue in (own[figures[row]], free):
            while queue and queue[0] in assigned:
                queue.popleft()
            if queue:
                assigned.add(queue[0])
                yield row, queue.popleft()
                break
