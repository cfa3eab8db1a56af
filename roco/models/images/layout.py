"""Measures how an image is divided into panels, and how it uses colour: a few numbers that need no network.

They are computed on the reduced copy that `image` lends (long side at most 400 px) in about 3 ms. Panels are found by
cutting along bands (`models.images.cuts`). Panels that touch have no band between them; long straight edges and the
resemblance of halves and thirds hint at those.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from roco.models.images import cuts
from roco.models.images.cuts import BLACK, WHITE, Flags, Grey, Planes, mean_lines, median, spread

EDGE = 18
"""Grey levels between two neighbouring pixels that make an edge."""

LEAST_SIDE = 16
"""Pixels; a long strip is thinner on the reduced copy, and is extended."""

Floats = NDArray[np.float64]


class Layout(NamedTuple):
    """values: the numbers in the order of `NAMES`. rows, columns: of panels that the first two cuts find."""

    values: NDArray[np.float32]
    rows: int
    columns: int


def layout(image: NDArray[np.uint8]) -> Layout:
    """Measures an image of height x width (grey) or height x width x 3 (RGB), 8 bits."""
    image = _at_least(image, LEAST_SIDE)
    grey = image if image.ndim == 2 else _luma(image)
    planes = Planes(grey)
    root = cuts.cut(planes, 0, 0, grey.shape[0], grey.shape[1], 0)
    rows, columns = cuts.grid(root)
    numbers = {
        **cuts.numbers(root, grey.shape, rows, columns),
        **_edge_numbers(grey, planes),
        **_resemblance(grey),
        **_tone_numbers(grey),
        **_colour_numbers(image),
        "log_aspect": float(np.log(grey.shape[1] / grey.shape[0])),
    }
    return Layout(np.array([numbers[name] for name in NAMES], np.float32), rows, columns)


def _at_least(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Returns the image with each side of at least some pixels; its last lines are repeated."""
    missing = [(0, max(0, side - length)) for length in image.shape[:2]]
    if not any(after for _, after in missing):
        return image
    return np.pad(image, [*missing, *[(0, 0)] * (image.ndim - 2)], mode="edge")


def _luma(image: NDArray[np.uint8]) -> Grey:
    """Returns the grey levels of an RGB image (ITU-R BT.601, in 256ths)."""
    # One product in BLAS; its numbers are whole and below 2^24, so that no bit is rounded.
    total = (image.reshape(-1, 3).astype(np.float32) @ _LUMA).astype(np.uint16)
    total >>= 8
    grey: Grey = total.astype(np.uint8).reshape(image.shape[:2])
    return grey


_LUMA = np.array([77, 150, 29], np.float32)


# --- edges and resemblance --------------------------------------------------------------------------------------------


def _edge_numbers(grey: Grey, planes: Planes) -> dict[str, float]:
    """Measures long straight edges inside the image, as they are between panels that touch."""
    numbers: dict[str, float] = {}
    whole = (slice(None), slice(None))
    for axis, name in ((1, "x"), (0, "y")):
        # For each place along the axis, the part of the line across it that is an edge.
        line = mean_lines(_is_edge(grey, axis).astype(np.float32), axis == 0)
        numbers[f"edges_{name}"] = float(line.mean())
        margin = max(1, len(line) // 12)
        inner = line[margin:-margin] if len(line) > 2 * margin + 3 else line
        order = np.sort(inner)[::-1]
        for rank in (0, 1, 3):
            numbers[f"edge_{name}_{rank}"] = float(order[min(rank, len(order) - 1)])
        strongest = int(inner.argmax())
        numbers[f"edge_{name}_at"] = abs((strongest + margin + 0.5) / len(line) - 0.5)
        numbers[f"edge_{name}_lines"] = int((inner > 0.6).sum())
        numbers[f"edge_{name}_stands_out"] = float(order[0] - float(median(inner)))
        # The change of the mean level across the strongest line: two panels of different brightness.
        place = strongest + margin
        means = planes.means(whole, axis == 0)
        level = means[0]
        numbers[f"edge_{name}_level"] = abs(float(level[: place + 1].mean() - level[place + 1 :].mean())) / 255
        # How uniform the most uniform inner line is, relative to the median line.
        inside = slice(margin, -margin) if len(line) > 2 * margin + 3 else slice(None)
        spreads = spread(means)[inside]
        middle_spread = median(spreads) + 1
        numbers[f"spread_{name}_least"] = float(spreads.min() / middle_spread)
        middle = spreads[len(spreads) // 3 : max(len(spreads) // 3 + 1, 2 * len(spreads) // 3)]
        numbers[f"spread_{name}_middle"] = float(middle.min() / middle_spread)
        numbers[f"level_{name}_least"] = float(level[inside].min() / (median(level[inside]) + 1))
        numbers[f"level_{name}_most"] = float(level[inside].max() / 255)
    return numbers


def _is_edge(grey: Grey, axis: int) -> Flags:
    """Returns where two neighbouring pixels along an axis differ by more than `EDGE` grey levels."""
    one, other = (grey[:, 1:], grey[:, :-1]) if axis == 1 else (grey[1:], grey[:-1])
    difference = np.maximum(one, other) - np.minimum(one, other)  # no overflow, and faster than 16 bits
    return difference > EDGE


def _resemblance(grey: Grey) -> dict[str, float]:
    """Compares halves and thirds with each other, as they are and mirrored: panels repeat, bodies are symmetrical."""
    tiny = np.asarray(Image.fromarray(grey).resize((48, 48), Image.Resampling.BOX), np.float64)
    numbers = {}
    for name, picture in (("x", tiny), ("y", tiny.T)):
        left, right = picture[:, :24], picture[:, 24:]
        numbers[f"halves_{name}"] = _correlation(left, right)
        numbers[f"halves_{name}_mirrored"] = _correlation(left, right[:, ::-1])
        thirds = picture[:, :16], picture[:, 16:32], picture[:, 32:]
        numbers[f"thirds_{name}"] = min(_correlation(thirds[0], thirds[1]), _correlation(thirds[1], thirds[2]))
        numbers[f"seam_{name}"] = _seam(picture)
    return numbers


def _correlation(one: Floats, other: Floats) -> float:
    one, other = one - one.mean(), other - other.mean()
    scale = np.sqrt((one**2).sum() * (other**2).sum())
    return float((one * other).sum() / scale) if scale > 1 else 0.0


def _seam(picture: Floats) -> float:
    """Returns the largest mean step between neighbouring columns in the inner part, relative to the median one."""
    steps = np.abs(np.diff(picture, axis=1)).mean(0)
    return float(steps[6:-6].max() / (median(steps) + 1))


# --- tone, colour, shape ----------------------------------------------------------------------------------------------


def _tone_numbers(grey: Grey) -> dict[str, float]:
    counts = _histogram(grey) / grey.size
    used = counts[counts > 0]
    levels = np.arange(256)
    mean = float((counts * levels).sum())
    common = np.sort(counts)[::-1]
    rows = grey[::2]  # every other row is enough for what follows
    step = np.maximum(rows[:, 1:], rows[:, :-1]) - np.minimum(rows[:, 1:], rows[:, :-1])
    steps = _histogram(step) / step.size
    rim = np.concatenate([grey[:3].ravel(), grey[-3:].ravel(), grey[:, :3].ravel(), grey[:, -3:].ravel()])
    corner = max(2, min(grey.shape) // 10)
    corners = [grey[:corner, :corner], grey[:corner, -corner:], grey[-corner:, :corner], grey[-corner:, -corner:]]
    means = np.array([float(c.mean()) for c in corners])
    return {
        "mean": mean / 255,
        "spread": float(np.sqrt((counts * (levels - mean) ** 2).sum())) / 255,
        "white": float(counts[WHITE:].sum()),
        "black": float(counts[: BLACK + 1].sum()),
        "middle_grey": float(counts[60:200].sum()),
        "entropy": float(-(used * np.log2(used)).sum()),
        "common_1": float(common[0]),
        "common_4": float(common[:4].sum()),
        "flat": float(steps[0]),
        "step_mean": float((steps * levels).sum()) / 255,
        "step_small": float(steps[1:8].sum()),
        "step_large": float(steps[61:].sum()),
        "rim_mean": float(rim.mean()) / 255,
        "rim_spread": float(rim.std()) / 255,
        "corner_most": float(means.max()) / 255,
        "corner_least": float(means.min()) / 255,
    }


def _histogram(grey: Grey) -> NDArray[np.int64]:
    """Returns how many pixels have each of the 256 levels; Pillow counts bytes three times as fast as numpy."""
    return np.array(Image.fromarray(grey).histogram(), np.int64)


def _colour_numbers(small: NDArray[np.uint8]) -> dict[str, float]:
    if small.ndim == 2:
        return dict.fromkeys(_COLOUR, 0.0)
    red, green, blue = (np.ascontiguousarray(small[::3, ::3, channel]) for channel in range(3))
    chroma = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    counts = _histogram(chroma) / chroma.size
    strong = chroma > 40
    bins = ((red >> 5).astype(np.int16) << 6) | ((green >> 5).astype(np.int16) << 3) | (blue >> 5)
    colours = np.bincount(bins.ravel(), minlength=512) / bins.size
    return {
        "chroma_mean": float((counts * np.arange(256)).sum()) / 255,
        "chroma_90": int(np.searchsorted(np.cumsum(counts), 0.9)) / 255,
        "coloured": float(counts[16:].sum()),
        "strongly_coloured": float(counts[41:].sum()),
        "colours": float((colours > 0.001).sum()),
        "red": float((strong & (red > green) & (red > blue)).mean()),
        "green": float((strong & (green > red) & (green > blue)).mean()),
        "blue": float((strong & (blue > red) & (blue > green)).mean()),
        "tint": abs(float(red.mean()) - float(blue.mean())) / 255,
    }


_COLOUR = (*("chroma_mean", "chroma_90", "coloured", "strongly_coloured", "colours", "red", "green", "blue", "tint"),)
NAMES: tuple[str, ...] = (
    # panels
    *("panels", "large_panels", "rows", "columns", "root_is_vertical", "root_bands", "bands", "white_bands"),
    *("black_bands", "other_bands", "band_median", "band_most", "band_root_most", "area_panels"),
    *("area_largest", "area_second", "area_even", "heights_vary", "widths_vary", "margin_top", "margin_left"),
    *("margin_bottom", "margin_right", "root_balance"),
    # edges
    *("edges_x", "edge_x_0", "edge_x_1", "edge_x_3", "edge_x_at", "edge_x_lines", "edge_x_stands_out"),
    *("edge_x_level", "spread_x_least", "spread_x_middle", "level_x_least", "level_x_most", "edges_y"),
    *("edge_y_0", "edge_y_1", "edge_y_3", "edge_y_at", "edge_y_lines", "edge_y_stands_out", "edge_y_level"),
    *("spread_y_least", "spread_y_middle", "level_y_least", "level_y_most"),
    # resemblance
    *("halves_x", "halves_x_mirrored", "thirds_x", "seam_x", "halves_y", "halves_y_mirrored", "thirds_y"),
    *("seam_y",),
    # tone
    *("mean", "spread", "white", "black", "middle_grey", "entropy", "common_1", "common_4", "flat"),
    *("step_mean", "step_small", "step_large", "rim_mean", "rim_spread", "corner_most", "corner_least"),
    # colour
    *_COLOUR,
    # shape
    *("log_aspect",),
)
"""The numbers of a layout in their order; the cards of heads name them."""
