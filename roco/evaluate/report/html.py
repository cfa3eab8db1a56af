"""Writes a report as one HTML file: no script, nothing loaded from elsewhere, every text from outside escaped."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import groupby
from pathlib import Path

from roco.base.terminal import printable
from roco.evaluate.report.content import Compared, Content, Example
from roco.evaluate.report.contents import MadeChapter
from roco.evaluate.report.plots import Plot
from roco.evaluate.report.render import Cell, ReportTable, formatted
from roco.evaluate.report.section import Section

STYLE = Path(__file__).with_name("report.css")
SHOWN_ROWS = 30
"""Rows of a table on the page; the CSV file has all of them."""
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def html(title: str, facts: Sequence[tuple[str, str]], chapters: Sequence[MadeChapter]) -> str:
    """Returns the page; facts: name and value of what identifies the dataset, below the title."""
    body = [_head(title), f"<h1>{_text(title)}</h1>", _facts(facts), _contents(chapters)]
    for chapter in chapters:
        body.append(f'<h2 id="{_anchor(chapter.title)}">{_text(chapter.title)}</h2>')
        body += [_section(section) for section in chapter.sections]
    return "\n".join([*body, "</main></body></html>", ""])


def _head(title: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_text(title)}</title>\n<style>\n{STYLE.read_text(encoding='utf-8')}</style></head><body><main>"
    )


def _facts(facts: Sequence[tuple[str, str]]) -> str:
    cells = "".join(f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>" for name, value in facts)
    return f'<dl class="facts">{cells}</dl>'


def _contents(chapters: Iterable[MadeChapter]) -> str:
    lines = []
    for chapter in chapters:
        links = "".join(
            f"<li{' class=missing' if section.missing else ''}>"
            f'<a href="#{section.part.name}">{_text(section.part.heading)}</a></li>'
            for section in chapter.sections
        )
        lines.append(f'<li><a href="#{_anchor(chapter.title)}">{_text(chapter.title)}</a><ul>{links}</ul></li>')
    return f'<nav aria-label="Contents"><ul>{"".join(lines)}</ul></nav>'


def _section(section: Section) -> str:
    part = section.part
    parts = [
        f'<section id="{part.name}" aria-labelledby="{part.name}-title">',
        f'<h3 id="{part.name}-title">{_text(part.heading)}</h3>',
        f'<p class="definition">{_text(part.definition)}</p>',
    ]
    if section.missing:
        parts.append(f'<p class="unavailable">Not available: {_text(section.missing)}.</p>')
    if section.content is not None:
        parts += _content(part.name, section.content, section.drawn)
    return "\n".join([*parts, "</section>"])


def _content(name: str, content: Content, drawn: Mapping[str, str]) -> list[str]:
    parts = [_plot(plot, drawn[plot.name]) for plot in content.plots]
    for place, table in enumerate(content.tables):
        parts.append(_table(table, file_name(name, place)))
    if content.compared:
        parts.append(_compared(content.compared))
    if content.examples:
        parts.append(_examples(content.examples))
    if content.notes:
        parts.append('<ul class="notes">' + "".join(f"<li>{_text(note)}</li>" for note in content.notes) + "</ul>")
    return parts


def file_name(part: str, place: int) -> str:
    """Returns the name of the files of a table, without the suffix; place: of the table in its section."""
    return part if place == 0 else f"{part}-{place + 1}"


def _plot(plot: Plot, drawn: str) -> str:
    drawn = drawn.replace("<svg ", f'<svg role="img" aria-label="{escape(printable(plot.alt))}" ', 1)
    return f'<figure class="plot">{drawn}<figcaption>{_text(plot.title)}</figcaption></figure>'


def _table(table: ReportTable, file: str) -> str:
    numeric = [
        all(isinstance(row[place], int | float | None) for row in table.rows) for place in range(len(table.columns))
    ]
    header = "".join(f'<th scope="col">{_text(name)}</th>' for name in table.columns)
    lines = []
    for row in table.rows[:SHOWN_ROWS]:
        cells = "".join(
            f"<td{' class=number' if right else ''}>{_cell(value)}</td>"
            for value, right in zip(row, numeric, strict=True)
        )
        lines.append(f"<tr>{cells}</tr>")
    files = f'<a href="tables/{file}.csv">CSV</a>, <a href="tables/{file}.tex">LaTeX</a>'
    omitted = len(table.rows) - len(lines)
    more = f"{omitted:,} more rows are in the files: " if omitted > 0 else ""
    return (
        f'<div class="table"><table><caption>{_text(table.title)}</caption><thead><tr>{header}</tr></thead>'
        f'<tbody>{"".join(lines)}</tbody></table><p class="files">{more}{files}</p></div>'
    )


_FILE = re.compile(r"tables/[a-z0-9-]+\.csv")


def _cell(value: Cell) -> str:
    """Returns the content of a cell; the name of a file of the report is a link to it."""
    if isinstance(value, str) and _FILE.fullmatch(value):
        return f'<a href="{value}">{value.removeprefix("tables/")}</a>'
    return _text(number(value))


def number(value: Cell) -> str:
    """Returns a cell as the page shows it: two decimals from 1 on, three below; the CSV files have all of them."""
    if isinstance(value, float) and math.isfinite(value) and abs(value) >= 1:
        return f"{value:,.2f}"
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.3f}"
    return formatted(value)


COMPARED = "Beside the numbers that the paper prints for ROCOv2"

VERDICTS = {True: ("yes", "agrees"), False: ("no", "differs"), None: ("", "")}
"""Whether a number agrees with the paper -> the cell, and the class of its row."""


def _compared(rows: Sequence[Compared]) -> str:
    lines = []
    for row in rows:
        word, name = VERDICTS[row.agrees]
        lines.append(
            f'<tr class="{name}"><td>{_text(row.what)}</td><td class=number>{_text(number(row.ours)) or "–"}</td>'
            f"<td class=number>{_text(row.paper) or '–'}</td><td>{word}</td><td>{_text(row.note)}</td></tr>"
        )
    header = "".join(
        f'<th scope="col">{name}</th>' for name in ("", "this dataset", "the paper", "equal", "known about the paper")
    )
    return (
        f'<details class="compared"><summary>{COMPARED}</summary>'
        f"<table><thead><tr>{header}</tr></thead><tbody>{''.join(lines)}</tbody></table></details>"
    )


def _examples(examples: Sequence[Example]) -> str:
    parts = []
    for group, members in groupby(examples, key=lambda example: example.group):
        figures = "".join(_example(example) for example in members)
        parts.append(f'<h4>{_text(group)}</h4><div class="examples">{figures}</div>')
    return "".join(parts)


def _example(example: Example) -> str:
    if example.thumbnail is None:
        image = f'<div class="no-image">{_text(example.no_image)}</div>'
    else:
        data = base64.b64encode(example.thumbnail).decode("ascii")
        alt = escape(printable(example.caption or example.title))
        image = f'<img alt="{alt}" src="data:image/jpeg;base64,{data}">'
    link = f' <a href="{escape(example.link)}" rel="noreferrer">article</a>' if _is_web(example.link) else ""
    return (
        f"<figure>{image}<figcaption><b>{_text(example.title)}</b> {_text(example.caption)}"
        f"<small>{_text(example.credit)}{link}</small></figcaption></figure>"
    )


def _is_web(link: str) -> bool:
    return link.startswith(("https://", "http://"))


def _anchor(title: str) -> str:
    return "chapter-" + "-".join(word for word in "".join(c if c.isalnum() else " " for c in title).lower().split())


def _text(value: str) -> str:
    return escape(printable(" ".join(value.split())))
