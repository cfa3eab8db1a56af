"""The contact sheet of an audit: one HTML file without scripts and without anything that is loaded from elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from html import escape
from importlib import resources
from itertools import groupby

from roco.base.terminal import printable
from roco.curate.cells import Cell, plain
from roco.curate.strata import DROPPED, KEPT, Judged

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""A browser loads nothing but the images and the style in the page, whatever else would get into it."""


def sheet(figures: Judged, cells: Sequence[Cell], seed: int, labels: str) -> str:
    """Returns the contact sheet as HTML; the same sample gives the same text.

    labels: the name of the CSV file that is to be filled in.
    """
    style = resources.files("roco.curate").joinpath("audit.css").read_text(encoding="utf-8")
    title = f"Audit of the stage {figures.step.name}"
    groups = [list(group) for _, group in groupby(cells, key=lambda cell: cell.stratum)]
    lines = [
        "<!doctype html>",
        '<html lang="en">',
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{_text(title)}</title>",
        f"<style>\n{style}</style>",
        *_header(figures, groups, title, seed, labels),
    ]
    for number, group in enumerate(groups, start=1):
        stratum = group[0].stratum
        amount = f"{len(group):,} of {stratum.size:,} figures"
        lines.append(f'<section class="{stratum.decision}" id="s{number}">')
        lines.append(f"<h2>{_text(stratum.name)} <small>{amount}</small></h2>")
        lines.append('<div class="grid">')
        for cell in group:
            lines += _cell(cell, figures.score)
        lines.append("</div></section>")
    return "\n".join([*lines, "</html>", ""])


def _header(figures: Judged, groups: Sequence[Sequence[Cell]], title: str, seed: int, labels: str) -> Iterator[str]:
    kept, dropped = figures.count(KEPT), figures.count(DROPPED)
    given = {name: value for name, value in figures.step.stage.options.items() if value not in (None, "", [])}
    options = ", ".join(f"{name} = {plain(value)}" for name, value in given.items())
    yield f"<header><h1>{_text(title)}</h1>"
    yield (
        f"<p>Should the dataset contain this figure, as far as this stage is concerned? Write <b>keep</b>, <b>drop</b> "
        f"or <b>unsure</b> into the column <b>label</b> of <b>{_text(labels)}</b>, in the row with the number of the "
        f"figure. A part of the rows is enough for a first estimate.</p>"
    )
    counts = f"The stage kept {kept:,} and dropped {dropped:,} of {kept + dropped:,} figures; seed {seed}."
    yield f"<p>{counts} Its options: {_text(options)}.</p>" if options else f"<p>{counts}</p>"
    yield '<table><tr><th>stratum</th><th class="n">figures</th><th class="n">drawn</th><th>numbers</th></tr>'
    for number, group in enumerate(groups, start=1):
        stratum, first, last = group[0].stratum, group[0].number, group[-1].number
        numbers = f"{first}–{last}" if last > first else f"{first}"
        yield (
            f'<tr><td><a href="#s{number}">{_text(stratum.name)}</a></td><td class="n">{stratum.size:,}</td>'
            f'<td class="n">{len(group):,}</td><td>{numbers}</td></tr>'
        )
    yield "</table></header>"


def _cell(cell: Cell, score: str | None) -> Iterator[str]:
    """Yields a figure of the sample; everything that comes from outside is escaped."""
    stratum = cell.stratum
    yield f'<article class="{stratum.decision}" id="n{cell.number}">'
    if cell.jpeg is None:
        yield f"<figure><p>no image: {_text(cell.problem)}</p></figure>"
    else:
        data = base64.b64encode(cell.jpeg).decode("ascii")
        yield f'<figure><img alt="figure {cell.number}" src="data:image/jpeg;base64,{data}"></figure>'
    yield f"<h3><b>{cell.number}</b> <span>{_text(cell.figure_id)}</span></h3>"
    reason = f": {_text(stratum.reason)}" if stratum.reason else ""
    value = "" if cell.score is None else f" · {_text(score)} <b>{cell.score:.4g}</b>"
    yield f'<p class="verdict"><b>{stratum.decision}{reason}</b>{value}</p>'
    if cell.score is not None and 0 <= cell.score <= 1:
        yield f'<span class="bar"><i style="width:{100 * cell.score:.1f}%"></i></span>'
    if cell.detail:
        yield f"<p>{_text(cell.detail)}</p>"
    if cell.evidence:
        pairs = "".join(f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in cell.evidence)
        yield f"<dl>{pairs}</dl>"
    if cell.caption:
        yield f'<p class="caption">{_text(cell.caption)}</p>'
    yield '<p class="answer">☐ keep &nbsp; ☐ drop &nbsp; ☐ unsure</p>'
    yield "</article>"


def _text(value: object) -> str:
    """Returns a text from outside for HTML: markup, control and invisible characters are escaped."""
    return escape(printable(value))
