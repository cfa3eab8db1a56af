"""Diagrams, tables, flow charts, structures and screens of text, drawn with Pillow."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from training import fonts
from training.words import GENES, GROUPS, QUANTITIES, TERMS, one, sentence, some

Rng = np.random.Generator
Box = tuple[float, float, float, float]
FILLS = ["white", "#dbe9f6", "#fde9d9", "#e2f0d9", "#fff2cc", "#f2f2f2", "#d9d2e9", "#4472c4", "#ed7d31", "#70ad47"]


def _canvas(
    rng: Rng, low: int = 350, high: int = 1100, colour: str = "white"
) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """An empty canvas of a random size."""
    width = int(rng.integers(low, high))
    image = Image.new("RGB", (width, int(width * rng.uniform(0.45, 1.25))), colour)
    return image, ImageDraw.Draw(image)


def arrow(
    draw: ImageDraw.ImageDraw,
    start: tuple[float, float],
    end: tuple[float, float],
    colour: str,
    width: int,
    head: float,
) -> None:
    """Draws a straight arrow with a filled head."""
    draw.line([start, end], fill=colour, width=width)
    angle = np.arctan2(end[1] - start[1], end[0] - start[0])
    sides = [(end[0] - head * np.cos(angle + turn), end[1] - head * np.sin(angle + turn)) for turn in (-0.4, 0.4)]
    draw.polygon([end, *sides], fill=colour)


def _label(draw: ImageDraw.ImageDraw, box: Box, text: str, font: ImageFont.FreeTypeFont, colour: str) -> None:
    """Writes a text into the middle of a box, in lines that fit."""
    lines, width = [""], box[2] - box[0] - 8
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if draw.textlength(longer, font=font) > width and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = longer
    middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    draw.multiline_text(middle, "\n".join(lines), font=font, fill=colour, anchor="mm", align="center")


def flow_chart(rng: Rng) -> Image.Image:
    """Boxes in rows, joined by arrows: a study flow or a pipeline."""
    image, draw = _canvas(rng)
    width, height = image.size
    rows, columns = int(rng.integers(2, 7)), int(rng.integers(1, 4))
    font = fonts.font(fonts.pick(rng), int(min(width / columns / 14, height / rows / 6, 22)) + 4)
    fill, outline = one(rng, FILLS), one(rng, ["black", "black", "#1f4e79", "#7f7f7f"])
    is_round, thick = rng.random() < 0.4, int(rng.integers(1, 4))
    cell_w, cell_h = width / columns, height / rows
    for row in range(rows):
        wide = rng.random() < 0.3
        for column in range(1 if wide else columns):
            middle = width / 2 if wide else (column + 0.5) * cell_w
            box = (middle - 0.42 * cell_w, (row + 0.15) * cell_h, middle + 0.42 * cell_w, (row + 0.75) * cell_h)
            shown = fill if rng.random() < 0.7 else one(rng, FILLS)
            if is_round:
                draw.rounded_rectangle(box, 12, fill=shown, outline=outline, width=thick)
            else:
                draw.rectangle(box, fill=shown, outline=outline, width=thick)
            text = (
                f"{one(rng, TERMS).capitalize()} (n = {rng.integers(10, 5000)})"
                if rng.random() < 0.7
                else one(rng, TERMS)
            )
            _label(draw, box, text, font, "black" if shown not in FILLS[-3:] else "white")
            if row < rows - 1:
                arrow(draw, (middle, box[3]), (middle, (row + 1.15) * cell_h), outline, thick, 5 + 2 * thick)
    return image


def table(rng: Rng) -> Image.Image:
    """A table of numbers, with lines as journals set them or as spreadsheets show them."""
    rows, columns = int(rng.integers(4, 22)), int(rng.integers(2, 8))
    size = int(rng.integers(11, 20))
    font = fonts.font(fonts.pick(rng), size)
    first = size * 12
    image = Image.new("RGB", (first + (columns - 1) * size * 7 + 20, int(rows * size * 1.7) + 40), "white")
    draw = ImageDraw.Draw(image)
    ruled, shaded, boxed = rng.random() < 0.6, rng.random() < 0.4, rng.random() < 0.3
    head = one(rng, ["white", "#d9e2f3", "#e7e6e6", "#4472c4", "#333333"])
    for row in range(rows):
        top = 20 + row * size * 1.7
        if row == 0:
            draw.rectangle((8, top - 3, image.width - 8, top + size * 1.5), fill=head)
        elif shaded and row % 2:
            draw.rectangle((8, top - 3, image.width - 8, top + size * 1.5), fill="#f0f0f0")
        colour = "white" if row == 0 and head in ("#4472c4", "#333333") else "black"
        for column in range(columns):
            left = 12 if column == 0 else first + (column - 1) * size * 7
            if row == 0:
                text = one(rng, [*GROUPS, "p-value", "95% CI", "OR", "N (%)"])
            elif column == 0:
                text = one(rng, QUANTITIES + GENES)[:20]
            else:
                text = one(
                    rng,
                    [
                        f"{rng.uniform(0, 99):.1f} ± {rng.uniform(0, 9):.1f}",
                        f"{rng.integers(1, 400)} ({rng.uniform(0, 100):.0f}%)",
                        f"{rng.random():.3f}",
                        "-",
                    ],
                )
            draw.text((left, top), text, font=font, fill=colour)
            if boxed:
                draw.rectangle((left - 4, top - 3, left + size * 7 - 4, top + size * 1.5), outline="#888888")
    if ruled:
        for y in (16, 18 + size * 1.6, image.height - 18):
            draw.line((8, y, image.width - 8, y), fill="black", width=2)
    return image


def text_screen(rng: Rng) -> Image.Image:
    """A page or a screen of text: a questionnaire, a sequence, program code, a web page."""
    dark = rng.random() < 0.25
    image, draw = _canvas(rng, colour="#1e1e1e" if dark else "white")
    kind = one(rng, ["prose", "code", "sequence", "form"])
    size = int(rng.integers(11, 22))
    font = fonts.font(fonts.pick(rng, "mono" if kind in ("code", "sequence") else "any"), size)
    colours = ["#d4d4d4", "#9cdcfe", "#ce9178", "#6a9955"] if dark else ["black", "black", "#222288", "#006600"]
    top = int(size * 0.8)
    if rng.random() < 0.4:
        draw.rectangle((0, 0, image.width, size * 2), fill=one(rng, ["#dddddd", "#2b579a", "#444444", "#f6f6f6"]))
        for i, dot in enumerate(("#ff5f56", "#ffbd2e", "#27c93f")):
            draw.ellipse((8 + 20 * i, size * 0.6, 20 + 20 * i, size * 0.6 + 12), fill=dot)
        top = size * 3
    while top < image.height - size:
        if kind == "sequence":
            text = "".join(some(rng, list("ACGT-"), image.width // max(size // 2, 1)))
        elif kind == "code":
            text = (
                "    " * int(rng.integers(0, 4))
                + "_".join(some(rng, TERMS, 1)).replace(" ", "_")
                + f"({rng.integers(99)}, {rng.random():.2f})"
            )
        else:
            text = sentence(rng, 5, 18)
        if kind == "form":
            draw.rectangle((12, top + 2, 12 + size * 0.7, top + 2 + size * 0.7), outline=colours[0])
        draw.text(
            (30 if kind == "form" else 12, top),
            text,
            font=font,
            fill=colours[int(rng.integers(4))] if kind == "code" else colours[0],
        )
        top += int(size * rng.choice([1.4, 1.4, 1.4, 2.2]))
    return image


def structure(rng: Rng) -> Image.Image:
    """Chemical structures: rings, chains and atoms."""
    image, draw = _canvas(rng, 250, 800)
    unit = image.width / rng.uniform(8, 16)
    width = max(1, int(unit / 16))
    font = fonts.font(fonts.pick(rng, "sans"), int(unit * 0.55))
    coloured = rng.random() < 0.4
    molecules = int(rng.integers(1, 4))
    for molecule in range(molecules):
        x, y = (molecule + 0.5) * image.width / molecules, rng.uniform(0.35, 0.65) * image.height
        rings: list[tuple[float, float]] = []
        for _ in range(int(rng.integers(1, 5))):
            _ring(draw, rng, (x, y), unit, width, font, coloured)
            rings.append((x, y))
            # The next ring shares a side with this one, where there is none yet.
            steps = [(x + 1.732 * unit * np.cos(a), y + 1.732 * unit * np.sin(a)) for a in np.arange(6) * np.pi / 3]
            free = [step for step in steps if all(np.hypot(step[0] - u, step[1] - v) > unit for u, v in rings)]
            x, y = free[int(rng.integers(len(free)))]
    return image


def _ring(
    draw: ImageDraw.ImageDraw,
    rng: Rng,
    centre: tuple[float, float],
    unit: float,
    width: int,
    font: ImageFont.FreeTypeFont,
    coloured: bool,
) -> None:
    """Draws a ring of six atoms with double bonds and groups."""
    x, y = centre
    angles = np.arange(6) * np.pi / 3 + np.pi / 6
    corners = [(x + unit * np.cos(a), y + unit * np.sin(a)) for a in angles]
    inner = [(x + 0.78 * unit * np.cos(a), y + 0.78 * unit * np.sin(a)) for a in angles]
    draw.line([*corners, corners[0]], fill="black", width=width)
    for i in (0, 2, 4):
        draw.line([inner[i], inner[i + 1]], fill="black", width=width)
    for corner in corners:
        if rng.random() < 0.8:
            continue
        end = (corner[0] + (corner[0] - x) * 0.9, corner[1] + (corner[1] - y) * 0.9)
        draw.line([corner, end], fill="black", width=width)
        atom = one(rng, ["OH", "NH2", "Cl", "F", "O", "CH3", "Br", "COOH"])
        draw.rectangle(draw.textbbox(end, atom, font=font, anchor="mm"), fill="white")
        colour = one(rng, ["#cc0000", "#0000cc", "#008800"]) if coloured else "black"
        draw.text(end, atom, font=font, fill=colour, anchor="mm")


def diagram(rng: Rng) -> Image.Image:
    """Shapes with labels and arrows: a pathway, a set-up, an anatomical sketch."""
    image, draw = _canvas(rng, colour=one(rng, ["white"] * 5 + ["#eef5fb", "#fdf6e3", "#e8f4ea"]))
    width, height = image.size
    font = fonts.font(fonts.pick(rng), int(rng.integers(12, 24)))
    palette = some(rng, [*FILLS[1:], "#c00000", "#7030a0", "#00b0f0", "#f4b6c2", "#f4cccc"], 4)
    centres = []
    if rng.random() < 0.5:
        box = [
            rng.uniform(0.05, 0.25) * width,
            rng.uniform(0.05, 0.2) * height,
            rng.uniform(0.75, 0.95) * width,
            rng.uniform(0.8, 0.95) * height,
        ]
        draw.ellipse(box, fill=palette[0], outline="black", width=3)
    for _ in range(int(rng.integers(4, 18))):
        x, y = rng.uniform(0.1, 0.9) * width, rng.uniform(0.1, 0.9) * height
        w, h = rng.uniform(0.04, 0.14) * width, rng.uniform(0.03, 0.1) * height
        shape, fill = int(rng.integers(4)), palette[int(rng.integers(4))]
        if shape == 0:
            draw.ellipse((x - w, y - h, x + w, y + h), fill=fill, outline="black")
        elif shape == 1:
            draw.rounded_rectangle((x - w, y - h, x + w, y + h), 8, fill=fill, outline="black")
        else:
            radii = rng.uniform(0.5, 1.1, 9)
            angles = np.arange(9) * 2 * np.pi / 9
            draw.polygon(
                [(x + w * r * np.cos(a), y + h * r * np.sin(a)) for r, a in zip(radii, angles, strict=True)],
                fill=fill,
                outline="black",
            )
        centres.append((x, y))
        if rng.random() < 0.7:
            draw.text((x, y), one(rng, GENES + TERMS), font=font, fill="black", anchor="mm")
    for _ in range(int(rng.integers(1, 10))):
        start, end = centres[int(rng.integers(len(centres)))], centres[int(rng.integers(len(centres)))]
        if start != end:
            arrow(
                draw,
                start,
                end,
                one(rng, ["black", "#c00000", "#666666"]),
                int(rng.integers(1, 5)),
                float(rng.uniform(8, 18)),
            )
    return image


def sketch(rng: Rng) -> Image.Image:
    """A line drawing in grey: contours, hatching, leader lines with labels."""
    image, draw = _canvas(rng, 300, 900)
    width, height = image.size
    font = fonts.font(fonts.pick(rng), int(rng.integers(12, 22)))
    for _ in range(int(rng.integers(3, 9))):
        t = np.linspace(0, 2 * np.pi, 90)
        radius = 1 + sum(rng.normal(0, 0.12) * np.sin(k * t + rng.uniform(0, 6)) for k in range(2, 6))
        x = rng.uniform(0.3, 0.7) * width + rng.uniform(0.08, 0.3) * width * radius * np.cos(t)
        y = rng.uniform(0.3, 0.7) * height + rng.uniform(0.08, 0.3) * height * radius * np.sin(t)
        grey = int(rng.integers(120, 256))
        points = list(zip(x, y, strict=True))
        draw.polygon(points, fill=(grey, grey, grey) if rng.random() < 0.6 else None)
        draw.line(points, fill="black", width=int(rng.integers(1, 4)))
        if rng.random() < 0.6:
            end = (rng.choice([0.04, 0.96]) * width, float(y[0]))
            draw.line([points[0], end], fill="black", width=1)
            draw.text(end, one(rng, TERMS), font=font, fill="black", anchor="lm" if end[0] < width / 2 else "rm")
    return image


KINDS: dict[str, Callable[[Rng], Image.Image]] = {
    "flow chart": flow_chart,
    "table": table,
    "screenshot of text": text_screen,
    "structure": structure,
    "diagram": diagram,
    "sketch": sketch,
}


def single(rng: Rng) -> tuple[Image.Image, str]:
    """Draws a figure of one of the kinds; returns it with its kind."""
    kind = one(rng, list(KINDS))
    return KINDS[kind](rng), kind
