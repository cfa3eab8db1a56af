"""Divides an image into panels by cutting along bands that are white, black or uniform from edge to edge.

Each part is cut again (recursive XY-cut: Nagy and Seth, Hierarchical Representation of Optically Scanned Documents,
1984).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

WHITE, BLACK = 246, 9
"""Grey levels from which, and up to which, a pixel belongs to a white or black band."""

COVERED = 0.985
"""The part of a line that has to be white or black for the line to belong to a band."""

FLAT = 5.0
"""Standard deviation in grey levels below which a line is uniform."""

LEAST_PANEL = 0.06
"""The least side of a panel, as part of the image's side; what is smaller is a label or a line of text."""

DEPTH = 3
"""How often a part is cut again."""

Grey = NDArray[np.uint8]
Flags = NDArray[np.bool_]


class Band(NamedTuple):
    """A band between two panels: first line, line after the last, and whether it is white or black."""

    start: int
    end: int
    white: bool
    black: bool


@dataclass
class Cut:
    """A part of the image and how it is divided; `parts` is empty for a panel."""

    top: int
    left: int
    height: int
    width: int
    depth: int
    vertical: bool = False
    bands: list[Band] = field(default_factory=list)
    parts: list[Cut] = field(default_factory=list)

    def panels(self) -> list[Cut]:
        """Returns the undivided parts."""
        if not self.parts:
            return [self]
        return [panel for part in self.parts for panel in part.panels()]

    def all(self) -> list[Cut]:
        """Returns this part and all parts of it."""
        return [self, *(cut for part in self.parts for cut in part.all())]


class Planes:
    """The image as four planes of floats: level, square of the level, is white, is black.

    Their sums along lines are products with a vector of ones (fast in BLAS), of all four at once.
    """

    def __init__(self, grey: Grey) -> None:
        self.all = np.empty((4, *grey.shape), np.float32)
        level, square, white, black = self.all
        level[:] = grey
        np.multiply(level, level, out=square)
        white[:] = grey >= WHITE
        black[:] = grey <= BLACK

    def means(self, window: tuple[slice, slice], across: bool) -> NDArray[np.float32]:
        """Returns the means of each row (`across`) or column of a part: 4 x lines."""
        return mean_lines(self.all[:, *window], across)


@functools.lru_cache(maxsize=1024)
def _shares(n: int) -> NDArray[np.float32]:
    """Returns the vector with which a product is the mean of n numbers."""
    return np.full(n, 1 / n, np.float32)


def mean_lines(plane: NDArray[np.float32], across: bool) -> NDArray[np.float32]:
    """Returns the mean of each row (`across`), or of each column, of a plane or of several."""
    ones = _shares(plane.shape[-1 if across else -2])
    means: NDArray[np.float32] = plane @ ones if across else ones @ plane
    return means


def spread(means: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the standard deviation of each line; means: of level and square, as the first two rows."""
    deviation: NDArray[np.float32] = np.sqrt(np.maximum(means[1] - means[0] * means[0], 0))
    return deviation


def median(values: NDArray[np.floating[Any]]) -> np.floating[Any]:
    """Returns the median of some numbers, equal to that of `np.median`, which takes five times as long for so few."""
    ordered = np.sort(values)
    middle = len(ordered) // 2
    of_two: np.floating[Any] = (ordered[middle - 1] + ordered[middle]) / ordered.dtype.type(2)
    return ordered[middle] if len(ordered) % 2 else of_two


def cut(planes: Planes, top: int, left: int, bottom: int, right: int, depth: int) -> Cut:
    """Removes the margin of a part, and divides it along the bands of the direction that has the wider ones."""
    rows = _lines(planes, (slice(top, bottom), slice(left, right)), True)
    inner_rows = _inner(rows)
    top, bottom = top + inner_rows.start, top + inner_rows.stop
    columns = _lines(planes, (slice(top, bottom), slice(left, right)), False)
    inner_columns = _inner(columns)
    trimmed = inner_columns != slice(0, right - left)
    left, right = left + inner_columns.start, left + inner_columns.stop
    whole = Cut(top, left, bottom - top, right - left, depth)
    if depth == DEPTH or min(whole.height, whole.width) < 24:
        return whole
    # Columns without the margin are the same columns; rows change with the columns that they lose.
    if trimmed:
        rows = _lines(planes, (slice(top, bottom), slice(left, right)), True)
    else:
        rows = rows.take(inner_rows)
    across, down = _bands(rows), _bands(columns.take(inner_columns))
    if not across and not down:
        return whole
    whole.vertical = sum(b.end - b.start for b in down) > sum(b.end - b.start for b in across)
    whole.bands = down if whole.vertical else across
    edges = [
        0,
        *(edge for band in whole.bands for edge in (band.start, band.end)),
        whole.width if whole.vertical else whole.height,
    ]
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if whole.vertical:
            whole.parts.append(cut(planes, top, left + start, bottom, left + end, depth + 1))
        else:
            whole.parts.append(cut(planes, top + start, left, top + end, right, depth + 1))
    return whole


class _Lines(NamedTuple):
    """For each row or column: whether it belongs to a band, to a white one, to a black one."""

    band: Flags
    white: Flags
    black: Flags

    def take(self, some: slice) -> _Lines:
        return _Lines(self.band[some], self.white[some], self.black[some])


def _lines(planes: Planes, window: tuple[slice, slice], across: bool) -> _Lines:
    """Looks at each row (`across`) or column of a part of the image."""
    means = planes.means(window, across)
    white, black = means[2:] >= COVERED
    return _Lines(white | black | (spread(means) < FLAT), white, black)


def _inner(lines: _Lines) -> slice:
    """Returns the lines without the margin: from the first to the last that belongs to no band; all if none does."""
    content = (~lines.band).nonzero()[0]
    return slice(int(content[0]), int(content[-1]) + 1) if len(content) > 1 else slice(0, len(lines.band))


def _bands(lines: _Lines) -> list[Band]:
    """Returns the bands that have a panel at both sides."""
    is_band, white, black = lines
    n = len(is_band)
    least = max(8, round(LEAST_PANEL * n))
    bands: list[Band] = []
    if not is_band.any():
        return bands
    framed = np.zeros(n + 2, np.bool_)
    framed[1:-1] = is_band
    changes = (framed[1:] != framed[:-1]).nonzero()[0]
    last = 0
    for start, end in zip(changes[::2].tolist(), changes[1::2].tolist(), strict=True):
        if start - last >= least and n - end >= least:
            middle = slice(start, end)
            bands.append(Band(start, end, _is_most(white[middle]), _is_most(black[middle])))
            last = end
    return bands


def _is_most(flags: Flags) -> bool:
    return 2 * int(np.count_nonzero(flags)) > len(flags)


def grid(root: Cut) -> tuple[int, int]:
    """Returns the rows and columns of panels: of the first cut, and the most of any cut across it."""
    first = len(root.parts) or 1
    second = max((len(part.parts) or 1 for part in root.parts if part.vertical != root.vertical), default=1)
    return (second, first) if root.vertical else (first, second)


def numbers(root: Cut, shape: tuple[int, ...], rows: int, columns: int) -> dict[str, float]:
    """Returns the numbers of `layout.NAMES` about panels and bands."""
    height, width = shape[:2]
    cuts, panels = root.all(), root.panels()
    bands = [(band, width if cut.vertical else height, cut) for cut in cuts for band in cut.bands]
    thickness = np.array([(band.end - band.start) / side for band, side, _ in bands] or [0.0])
    areas = np.array([panel.height * panel.width for panel in panels], np.float64)
    whole = height * width
    large = areas > 0.02 * whole
    sides = np.array([[panel.height, panel.width] for panel in panels], np.float64)[large]
    found = {
        "panels": len(panels),
        "large_panels": int(large.sum()),
        "rows": rows,
        "columns": columns,
        "root_is_vertical": float(root.vertical),
        "root_bands": len(root.bands),
        "bands": len(bands),
        "white_bands": sum(band.white for band, _, _ in bands),
        "black_bands": sum(band.black for band, _, _ in bands),
        "other_bands": sum(not band.white and not band.black for band, _, _ in bands),
        "band_median": float(median(thickness)),
        "band_most": float(thickness.max()),
        "band_root_most": max((b.end - b.start for b in root.bands), default=0) / (width if root.vertical else height),
        "area_panels": float(areas.sum() / whole),
        "area_largest": float(areas.max() / whole),
        "area_second": float(np.sort(areas)[-2] / whole) if len(areas) > 1 else 0.0,
        "area_even": float(areas[large].min() / areas[large].max()) if large.sum() > 1 else 0.0,
        "heights_vary": float(sides[:, 0].std() / sides[:, 0].mean()) if len(sides) > 1 else 1.0,
        "widths_vary": float(sides[:, 1].std() / sides[:, 1].mean()) if len(sides) > 1 else 1.0,
        "margin_top": root.top / height,
        "margin_left": root.left / width,
        "margin_bottom": 1 - (root.top + root.height) / height,
        "margin_right": 1 - (root.left + root.width) / width,
        "root_balance": 0.0,
    }
    if root.parts:
        parts = np.array([part.width if root.vertical else part.height for part in root.parts], np.float64)
        found["root_balance"] = float(parts.min() / parts.max())
    return found
