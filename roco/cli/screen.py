"""What the command line shows: the funnel, a figure's life, the progress of a run."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from roco.base.schema import SPLITS
from roco.core.run import Outcome
from roco.release.diff import Difference

WIDTH = 120
MANY = 10
TOLD = ("year", "license", "license_evidence", "retracted", "label", "caption", "file", "n_images_in_package")
"""Of a stage that found more than MANY things, those that are told; --json tells all."""

QUIET_EVERY = 30.0
"""Seconds between lines where there is no terminal."""


def console(stderr: bool = False) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else WIDTH, highlight=False, soft_wrap=False)


def clean(text: Any) -> str:
    """Text from outside, made safe for a terminal: no control characters, no markup."""
    return escape("".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in str(text)))


def show_status(found: Mapping[str, Any], title: str) -> None:
    out = console()
    source, counts = found["source"], found["counts"]
    facts = [found["state"], f"{_of('article', source.get('articles', 0))} in {_of('part', source.get('parts', 0))}"]
    if found["parts_done"] < source.get("parts", 0):
        facts.append(f"{found['parts_done']:,} parts done")
    if counts.get("images_in_packages"):
        facts.append(f"{_of('image', counts['images_in_packages'])} in packages")
    if source.get("superseded"):
        facts.append(f"{source['superseded']:,} superseded")
    out.print(f"[bold]{clean(title)}[/bold]  " + " · ".join(facts))
    out.print(funnel_table(found["stages"]))
    for stage in found["stages"]:
        if stage["why"]:
            out.print(f"{stage['state']}: {stage['stage']} ({clean(stage['why'])})")
    for name in found["removed_stages"]:
        out.print(f"no longer in the recipe: {clean(name)}")


def near(path: Path) -> Path:
    """A path as one would type it here."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _of(word: str, n: int) -> str:
    return f"{n:,} {word}" + ("" if n == 1 else "s")


def funnel_table(stages: Iterable[Mapping[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("stage", "in", "kept", "left"):
        table.add_column(name, justify="left" if name == "stage" else "right")
    table.add_column("why they left", style="dim", overflow="fold")
    for stage in stages:
        mark = "" if not stage.get("why") else " *"
        if "in" not in stage:
            table.add_row(stage["stage"] + mark, "", "", "", "not run yet")
            continue
        left = sum(stage["dropped"].values())
        why = ", ".join(f"{n:,} {reason}" for reason, n in stage["dropped"].items())
        table.add_row(stage["stage"] + mark, f"{stage['in']:,}", f"{stage['kept']:,}", f"{left:,}" if left else "", why)
    return table


def show_life(life: Mapping[str, Any]) -> None:
    out = console()
    out.print(f"[bold]{clean(life['figure_id'])}[/bold]  in {clean(life['archive'])}, part {life['part']}")
    if life["superseded"]:
        out.print("  superseded: the source lists another version of the article, or lists it no more")
        return
    for step in life["steps"]:
        style = {"dropped": "[red]dropped[/red]", "not reached": "[dim]not reached[/dim]"}
        said = f": {step['drop']}" if "drop" in step else ""
        said += f" ({clean(step['drop_detail'])})" if step.get("drop_detail") else ""
        out.print(f"  {step['stage']:<14} {style.get(step['state'], step['state'])}{said}")
        found = {k: v for k, v in step["values"].items() if v not in (None, [], "")}
        told = {k: v for k, v in found.items() if k in TOLD} if len(found) > MANY else found
        for name, value in told.items():
            text = clean(value)
            out.print(f"      [dim]{name}[/dim] {text[:300]}{'…' if len(text) > 300 else ''}")
        if len(told) < len(found):
            out.print(f"      [dim]and {len(found) - len(told)} more: --json[/dim]")


def show_reading(found: Mapping[str, Any], articles: bool) -> None:
    out = console()
    totals = found["totals"]
    unreadable = totals.get("articles_unreadable", 0)
    read = totals["articles"] - totals.get("articles_without_figures", 0) - unreadable
    said = (
        f"{read:,} with figures, {unreadable:,} unreadable · {_of('image', totals['images_in_packages'])} in packages"
    )
    out.print(f"[bold]{_of('article', totals['articles'])}[/bold]: {said}")
    if articles:
        left = [{**a, "left": ", ".join(f"{n:,} {r}" for r, n in a["left"].items())} for a in found["articles"]]
        out.print(_plain_table(left, "place", "figures", "matched", "left", "license", "found"))
        return
    for title, rows in {
        "figures": [{"figures": n, "": what} for what, n in found["figures"].items()],
        "rows": [{"rows": r["n"], "left as": r["left"], "detail": r["detail"]} for r in found["rows"]],
        "captions": [{"figures": n, "caption of": what} for what, n in found["captions"].items()],
        "citations": [{"figures": n, "cited": what} for what, n in found["cited"].items()],
        "licences": [
            dict(zip(("articles", "licence", "trust", "found in"), (n, *what.split(" | ")), strict=True))
            for what, n in found["licenses"].items()
        ],
        "standing": [{"articles": n, "": what} for what, n in found["standings"].items()],
        "retracted": [{"articles": n, "told by": what} for what, n in found["retracteds"].items()],
        "types": [{"articles": n, "article-type": what} for what, n in found["types"].items()],
        "languages": [
            {"figures": r["n"], "caption": r["caption"], "article": r["article"]} for r in found["caption_languages"]
        ],
    }.items():
        if rows:
            out.print(f"\n[bold]{title}[/bold]")
            out.print(_plain_table(rows, *rows[0]))


def _plain_table(rows: Sequence[Mapping[str, Any]], *names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in names:
        number = bool(rows) and isinstance(rows[0][name], int)
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(f"{row[n]:,}" if isinstance(row[n], int) else clean(row[n] or "") for n in names))
    return table


def show_groups(found: Sequence[Sequence[Mapping[str, Any]]], most: int) -> None:
    out = console()
    images = sum(map(len, found))
    out.print(
        f"{_of('group', len(found))} of {_of('image', images)}, {sum(i['stays'] for g in found for i in g):,} stay"
    )
    for group in found[:most]:
        out.print()
        for image in group:
            figure, *rest = words_of(image)
            out.print(f"  {clean(figure)}  [dim]{clean(', '.join(rest))}[/dim]")
    if len(found) > most:
        out.print(f"\n[dim]and {len(found) - most:,} more: --most {len(found)}[/dim]")


def words_of(image: Mapping[str, Any]) -> list[str]:
    """What is said of one image of a group: figure_id, size, whether it stays, and how far it is from the first."""
    coarse, fine = image["bits"]
    far = "compared by its bytes" if fine is None else f"{coarse} of 64, {fine} of 576 bits"
    state = "stays" if image["stays"] else "left"
    return [image["figure_id"], f"{image['width']} x {image['height']}, {state}", far]


TOLD_AT_MOST = 20
"""Images of a difference that are told one by one; --json tells all."""


def show_difference(found: Difference) -> None:
    out = console()
    n = found.images
    here = f"{n['both']:,} are in both, {len(found.came):,} came, {len(found.went):,} went"
    out.print(f"{_of('image', n['old'])} and {n['new']:,}: {here}")
    out.print(f"splits that moved: {len(found.moved) or 'none'}")
    came = Counter(one.split for one in found.came)
    _told(out, "came", [f"{split}: {came[split]:,}" for split in SPLITS if came[split]], 3)
    _told(
        out, "went", [f"{o.id}  {o.article}  {o.reason}" + (f" ({o.detail})" if o.detail else "") for o in found.went]
    )
    for title, moved in (("moved", found.moved), ("renamed", found.renamed), ("other image, same id", found.reused)):
        _told(out, title, [f"{o.id}: {o.was} -> {o.now}" for o in moved])
    _told(out, "changed", [f"{o.id}  {o.column}: {_change(o.was, o.now)}" for o in found.changed])


def _told(out: Console, title: str, lines: Sequence[str], most: int = TOLD_AT_MOST) -> None:
    if not lines:
        return
    out.print(f"\n[bold]{title}[/bold]")
    for line in lines[:most]:
        out.print(f"  {clean(line)}", soft_wrap=True)
    if len(lines) > most:
        out.print(f"  [dim]and {len(lines) - most:,} more: --json[/dim]")


def _change(was: Any, now: Any) -> str:
    """A list as what it lost and gained, a long text as where it differs, all else as it was and is."""
    if isinstance(was, list) or isinstance(now, list):
        gone, more = ([c for c in a or () if c not in (b or ())] for a, b in ((was, now), (now, was)))
        return " ".join([*(f"-{c}" for c in gone), *(f"+{c}" for c in more)]) or "other order"
    if isinstance(was, str) and isinstance(now, str) and max(len(was), len(now)) > 40:
        same = next((i for i, (a, b) in enumerate(zip(was, now, strict=False)) if a != b), min(len(was), len(now)))
        at = max(0, same - 10)
        return f"…{was[at : at + 40]}… -> …{now[at : at + 40]}…"
    return f"{was} -> {now}"


def show_outcome(outcome: Outcome, seconds: float) -> None:
    out = console()
    measured = ", ".join(f"{name} {n:,}" for name, n in outcome.measured.items())
    out.print(f"measured: {measured or 'nothing, all was there'} · {seconds:.1f} s", highlight=False)
    if outcome.parts_elsewhere:
        out.print(f"{outcome.parts_elsewhere} parts are being done by another process")
    if outcome.complete:
        out.print(funnel_table(outcome.funnel["stages"]))
    if outcome.release is not None:
        out.print(f"release: {clean(near(outcome.release))}")


class Bar:
    """The one progress: a bar on a terminal, a line every 30 s elsewhere."""

    def __init__(self) -> None:
        self.console = console(stderr=True)
        self.bar: Progress | None = None
        self.task: TaskID | None = None
        self.figures = self.dropped = self.done = self.total = 0
        self.what = ""
        self.started = self.said = time.monotonic()

    def begin(self, what: str, parts: int) -> None:
        self.close()
        self.what, self.total, self.done = what, parts, 0
        self.started = self.said = time.monotonic()
        if parts and self.console.is_terminal:
            what_now, how_fast = TextColumn("{task.description}"), TextColumn("{task.fields[said]}")
            columns = (what_now, BarColumn(), MofNCompleteColumn(), how_fast, TimeRemainingColumn())
            self.bar = Progress(*columns, console=self.console, transient=True)
            self.bar.start()
            self.task = self.bar.add_task(what, total=parts, said="")

    def part(self, result: Mapping[str, Any]) -> None:
        self.done += 1
        flow = result.get("funnel", [])
        self.figures += flow[0]["in"] if flow else sum(result["measured"].values())
        self.dropped += sum(sum(s["dropped"].values()) for s in flow)
        if self.bar is not None and self.task is not None:
            self.bar.update(self.task, advance=1, said=self._said())

    def tick(self) -> None:
        if self.bar is None and self.total and time.monotonic() - self.said > QUIET_EVERY:
            self.said = time.monotonic()
            left = (self.total - self.done) * (self.said - self.started) / max(1, self.done)
            more = f", about {left / 60:.0f} min left" if self.done else ""
            self.console.print(f"{self.done:,} of {self.total:,} {self.what}, {self._said()}{more}")

    def close(self) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = None

    def _said(self) -> str:
        rate = self.figures / max(1e-3, time.monotonic() - self.started)
        return f"{rate:,.0f} figures/s, {self.dropped:,} dropped"
