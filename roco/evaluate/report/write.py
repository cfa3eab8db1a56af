"""Makes the report of a dataset and writes its files: report.html, report.md, report.json, tables/ and plots/."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roco.base.errors import UsageError
from roco.base.files import write_json, write_text
from roco.base.json_text import parse_json
from roco.base.progress import NullProgress, Progress
from roco.evaluate.report import render
from roco.evaluate.report.content import Compared
from roco.evaluate.report.contents import MadeChapter, make
from roco.evaluate.report.html import COMPARED, VERDICTS, file_name, html, number
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.render import Cell
from roco.evaluate.report.section import Section
from roco.release.card_parts import TITLE
from roco.release.new_folder import check_new, new_folder

PAGE, MARKDOWN, DATA = "report.html", "report.md", "report.json"


@dataclass(frozen=True)
class Written:
    """A report as it was written: its folder, its sections, and the sections that could not be made."""

    folder: Path
    sections: tuple[Section, ...]

    @property
    def missing(self) -> tuple[Section, ...]:
        return tuple(section for section in self.sections if section.missing)


def write_report(inputs: Inputs, out: Path, progress: Progress | None = None) -> Written:
    """Makes every section and writes the folder `out`, whole or not at all.

    A folder that holds a previous report, and nothing else, is replaced. Raises UsageError if `out` contains anything
    else, DataError if the release cannot be read.
    """
    previous = _previous(out)
    if not previous:
        check_new(out, inputs.release.path)
    chapters = list(make(inputs, progress or NullProgress()))
    title = inputs.release.metadata.title or (inputs.release.path.name if inputs.release.published else TITLE)
    facts = _facts(inputs)
    target = out.with_name(f"{out.name}.new") if previous else out
    with new_folder(target) as folder:
        write_text(folder / PAGE, html(f"Report: {title}", facts, chapters))
        write_text(folder / MARKDOWN, markdown(f"Report: {title}", facts, chapters))
        write_json(folder / DATA, as_data(facts, chapters))
        _write_tables(folder, chapters)
    if previous:
        _replace(out, target)
    return Written(out, tuple(section for chapter in chapters for section in chapter.sections))


def _previous(out: Path) -> bool:
    """Returns whether a folder holds a report of ours and nothing else; raises UsageError if it holds more."""
    if not (out / DATA).is_file() or not (out / PAGE).is_file():
        return False
    known = {PAGE, MARKDOWN, DATA, "tables", "plots"}
    others = sorted(entry.name for entry in out.iterdir() if entry.name not in known)
    if others:
        raise UsageError(f"{out} contains more than a report: {others[0]}", "choose another folder")
    return True


def _replace(out: Path, target: Path) -> None:
    """Puts a new report in the place of the previous one, which a kill leaves under another name at worst."""
    import shutil

    previous = out.with_name(f"{out.name}.previous")
    shutil.rmtree(previous, ignore_errors=True)
    out.rename(previous)
    target.rename(out)
    shutil.rmtree(previous)


def _facts(inputs: Inputs) -> list[tuple[str, str]]:
    about = inputs.release.metadata
    facts = [("images", f"{inputs.size:,}"), ("folder", inputs.release.path.resolve().name)]
    if about.version:
        facts.append(("version", about.version))
    if about.doi:
        facts.append(("DOI", about.doi))
    if inputs.other is not None:
        facts.append(("compared with", inputs.other.path.resolve().name))
    return facts


def as_data(facts: Sequence[tuple[str, str]], chapters: Sequence[MadeChapter]) -> dict[str, Any]:
    """Returns the report for programs: every table, comparison and note by the name of its section."""
    sections: dict[str, Any] = {}
    for section in (section for chapter in chapters for section in chapter.sections):
        part, content = section.part, section.content
        entry: dict[str, Any] = {"number": part.number, "title": part.title, "definition": part.definition}
        if section.missing:
            entry["missing"] = section.missing
        if content is not None:
            entry["tables"] = [table._asdict() for table in content.tables]
            entry["compared"] = [{**row._asdict(), "agrees": row.agrees} for row in content.compared]
            entry["notes"] = list(content.notes)
        sections[part.name] = entry
    # JSON has no undefined or infinite numbers; a caption may contain the word NaN.
    data = json.dumps({"facts": dict(facts), "sections": sections}, default=str)
    return dict(parse_json(data, parse_constant=lambda _: None))


def markdown(title: str, facts: Sequence[tuple[str, str]], chapters: Sequence[MadeChapter]) -> str:
    """Returns the report as Markdown, with links to the plots."""
    facts_of = [f"- {name}: {render.markdown_text(value)}" for name, value in facts]
    lines = [f"# {render.markdown_text(title)}", "", *facts_of, ""]
    for chapter in chapters:
        lines += [f"## {chapter.title}", ""]
        for section in chapter.sections:
            lines += [f"### {section.part.heading}", "", section.part.definition, ""]
            if section.missing:
                lines += [f"Not available: {render.markdown_text(section.missing)}.", ""]
            if section.content is None:
                continue
            for plot in section.content.plots:
                lines += [f"![{render.markdown_text(plot.alt)}](plots/{plot.name}.svg)", ""]
            for table in section.content.tables:
                lines += [render.markdown(table).replace("## ", "#### ", 1), ""]
            if section.content.compared:
                lines += [render.markdown(compared_table(section.content.compared)).replace("## ", "#### ", 1), ""]
            lines += [f"- {render.markdown_text(note)}" for note in section.content.notes]
            lines += [""] if section.content.notes else []
    return "\n".join(lines)


def compared_table(rows: Sequence[Compared]) -> render.ReportTable:
    """Returns our numbers beside the paper's as a table of texts."""
    lines: list[tuple[Cell, ...]] = [
        (row.what, number(row.ours) or "–", row.paper or "–", VERDICTS[row.agrees][0], row.note) for row in rows
    ]
    return render.ReportTable(COMPARED, ("", "this dataset", "the paper", "equal", "known about the paper"), lines)


def _write_tables(folder: Path, chapters: Sequence[MadeChapter]) -> None:
    for section in (section for chapter in chapters for section in chapter.sections):
        if section.content is None:
            continue
        for place, table in enumerate(section.content.tables):
            name = file_name(section.part.name, place)
            write_text(folder / "tables" / f"{name}.csv", render.csv(table))
            write_text(folder / "tables" / f"{name}.tex", render.latex(table) + "\n")
        for name, drawn in section.drawn.items():
            write_text(folder / "plots" / f"{name}.svg", drawn)
