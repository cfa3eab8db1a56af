"""What the commands on a run print: the funnel, the trace of a figure, totals of the articles."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roco.base.guarantees import not_filtered_note
from roco.base.schema import NOT_READ, OTHER_XML
from roco.base.terminal import excerpt, printable
from roco.cli.output import count, safe, shown_path
from roco.cli.tables import OUTDATED, clean, console, funnel_table, print_labelled, print_table, reasons, table

if TYPE_CHECKING:
    from roco.core.ledger import Changes
    from roco.core.run import Outcome
    from roco.stages.extract_summary import Summary

COLUMNS_PER_STEP = 10
IMPORTANT_COLUMNS = (
    "year", "license", "license_evidence", "retracted", "label", "caption", "file", "n_images_in_package",
)  # fmt: skip
"""The columns that are printed if a step wrote more than COLUMNS_PER_STEP values; --json prints all."""

MOST_PLACES = 10
"""Places of files that are printed; --json prints all."""

_STYLES = {"dropped": "bold red", "not reached": "dim", "not run": "dim"}
"""State of a step -> the style in which the name of its stage is printed."""

MOST_NUMBERS = 8
"""Numbers of a list that are printed; --json prints all."""

LONGEST_VALUE = 300
"""Characters of a value that are printed."""


def print_outcome(outcome: Outcome, seconds: float, ensures: Collection[str], recipe: Path) -> None:
    """Prints what one `roco run` did, the funnel of a complete run, and what its release contains unfiltered.

    ensures: what the stages of the recipe guarantee of every image. recipe: its file.
    """
    out = console()
    measured = ", ".join(f"{name} {n:,}" for name, n in outcome.measured.items())
    out.print(f"measured: {measured or 'nothing, all measurements are cached'} · {seconds:.1f} s")
    if outcome.parts_elsewhere:
        verb = "is" if outcome.parts_elsewhere == 1 else "are"
        out.print(f"{count('part', outcome.parts_elsewhere)} {verb} being processed by another process")
    if outcome.complete:
        print_table(out, funnel_table(outcome.funnel["stages"]))
        _print_unread_note(outcome.funnel.get("counts", {}))
    for line in (*_changes(outcome.changes), *_only_new(outcome.only_new, recipe), *_carried(outcome.carried)):
        out.print(clean(line), soft_wrap=True)
    stages = outcome.funnel["stages"]
    if outcome.release is not None:
        out.print(f"release: {clean(shown_path(outcome.release))}")
        note = not_filtered_note(ensures)
        if note and stages and stages[-1]["kept"]:
            out.print(note, soft_wrap=True)


def _print_unread_note(counts: Mapping[str, int]) -> None:
    """Prints the numbers of XML files that are no articles and of files that are not read; no funnel has them."""
    other_xml = counts.get(OTHER_XML, 0)
    not_read = {name.partition(" ")[2]: n for name, n in counts.items() if name.startswith(f"{NOT_READ} ")}
    facts = []
    if other_xml:
        facts.append(f"{count('XML file', other_xml)} without an article")
    if not_read:
        formats = ", ".join(f"{clean(reason)}: {n:,}" for reason, n in not_read.items())
        facts.append(f"{count('file', sum(not_read.values()))} not read ({formats})")
    if facts:
        console().print(f"{'; '.join(facts)}: roco articles names them", soft_wrap=True)


def _changes(changes: Changes | None) -> Iterator[str]:
    """Yields a line on how a release differs from the one that it replaces."""
    if changes is None or not changes.n_before:
        return
    others = f"{changes.added:,} added, {changes.retired:,} retired (tombstones.csv)"
    if changes.changed:
        yield (
            f"assigned anew: of {count('image', changes.n_before)}, {changes.renumbered:,} have another id and "
            f"{changes.moved:,} are in another split; {others}"
        )
    else:
        yield f"grown from the previous release: {count('image', changes.kept)} kept their id and split, {others}"


def _only_new(options: Sequence[str], recipe: Path) -> Iterator[str]:
    """Yields a line on changed options that have no effect on released images; options: as `stage.option`."""
    if options:
        command = f"roco run {shlex.quote(str(recipe))} --new-ids"
        yield f"changed options apply to new images only: {', '.join(options)}; for all images: {command}"


def _carried(carried: Mapping[str, str]) -> Iterator[str]:
    """Yields lines on the files of others that were in the folder of the release."""
    untouched = [name for name, new_name in carried.items() if name == new_name]
    if untouched:
        yield f"carried over into the new release: {', '.join(untouched)}"
    for name, new_name in carried.items():
        if name != new_name:
            yield f"{name} had been edited or damaged: that file is {new_name} now; move it before roco verify"


def print_plan(plan: Mapping[str, Any], recipe: Path) -> None:
    """Prints the result of a dry run: articles, parts to process, and stages that are out of date."""
    changes = f"{plan['new']:,} new, {plan['changed']:,} changed, {plan['removed']:,} removed"
    print(f"{count('article', plan['articles'])}: {changes}")
    in_parts = f"in {plan['parts_to_do']:,} of {count('part', plan['parts'])}"
    print(f"to process: {count('article', plan['articles_to_do'])} {in_parts}")
    if plan["ids"]:
        print(f"release: keeps the {count('id', plan['ids'])} assigned so far (unless --new-ids)")
    for line in _only_new(plan["only_new"], recipe):
        print(safe(line))
    for stage in plan["stages"]:
        if stage["why"]:
            print(safe(f"{stage['state']}: {stage['stage']} ({stage['why']})"))


def print_status(status: Mapping[str, Any], title: str) -> None:
    """Prints the state of a run, its funnel, and which stages are out of date and why."""
    out = console()
    source, counts = status["source"], status["counts"]
    parts = source.get("parts", 0)
    articles = source.get("articles", 0)  # packages, which may contain several articles or none
    if status["parts_done"] >= parts:
        articles = counts.get("articles", articles)
    facts = [status["state"], f"{count('article', articles)} in {count('part', parts)}"]
    if status["parts_done"] < parts:
        total = articles + source.get("superseded", 0)
        facts.append(f"{status['articles_done']:,} of {count('article', total)} done")
    if counts.get("images_in_packages"):
        facts.append(f"{count('image', counts['images_in_packages'])} in packages")
    if source.get("superseded"):
        facts.append(f"{source['superseded']:,} superseded")
    out.print(f"[bold]{clean(title)}[/bold]  " + " · ".join(facts), soft_wrap=True)
    print_table(out, funnel_table(status["stages"]))
    _print_unread_note(counts)
    outdated = [stage for stage in status["stages"] if stage["why"]]
    if outdated:
        out.print(f"{OUTDATED.strip()} the results are missing or out of date:")
    for stage in outdated:
        print_labelled(out, f"{stage['state']}: ", printable(f"{stage['stage']} ({stage['why']})"), "")
    for name in status["removed_stages"]:
        out.print(f"no longer in the recipe: {clean(name)}")


def print_trace(trace: Mapping[str, Any]) -> None:
    """Prints what each stage measured or decided for one figure, and where it was dropped."""
    out = console()
    out.print(f"[bold]{clean(trace['figure_id'])}[/bold]  from {clean(trace['archive'])}, part {trace['part']}")
    if trace["superseded"]:
        out.print("  superseded: the source lists another version of the article, or no longer lists it")
        return
    if trace["id"]:
        out.print(f"  released as {clean(trace['id'])}")
    for reason in trace["stale"]:
        out.print(f"  [yellow]stale[/yellow]: {clean(reason)}", soft_wrap=True)
    width = max(14, *(len(step["stage"]) for step in trace["steps"]))
    for step in trace["steps"]:
        print_labelled(out, f"  {step['stage']:<{width}} ", _state(step), _STYLES.get(step["state"], ""))
        values = {name: value for name, value in step["values"].items() if value not in (None, [], "")}
        printed = values
        if len(values) > COLUMNS_PER_STEP:
            printed = {name: value for name, value in values.items() if name in IMPORTANT_COLUMNS}
        for name, value in printed.items():
            print_labelled(out, f"      {name} ", _shown(value))
        if len(printed) < len(values):
            out.print(f"      [dim]and {len(values) - len(printed)} more: --json[/dim]")


def _shown(value: Any) -> str:
    """Returns a value as one text; of an embedding or a layout, which nobody reads, only its size."""
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    if isinstance(value, list) and len(value) > MOST_NUMBERS and all(isinstance(one, float) for one in value):
        return f"{len(value):,} numbers"
    return excerpt(value, LONGEST_VALUE)


def _state(step: Mapping[str, Any]) -> str:
    """Returns `kept`, `dropped` with the reason and its detail, `not reached` or `not run`."""
    if step["state"] != "dropped":
        return str(step["state"])
    detail = f" ({printable(step['drop_detail'])})" if step.get("drop_detail") else ""
    return f"dropped: {step['drop']}{detail}"


def print_articles(summary: Summary, each: bool) -> None:
    """Prints totals of what extraction read in the articles, or one line per article."""
    out = console()
    totals = summary["totals"]
    unreadable = totals.get("articles_unreadable", 0)
    with_figures = totals["articles"] - totals.get("articles_without_figures", 0) - unreadable
    images = count("image", totals["images_in_packages"])
    facts = f"{with_figures:,} with figures, {unreadable:,} unreadable · {images} in packages"
    out.print(f"[bold]{count('article', totals['articles'])}[/bold]: {facts}")
    _print_unread(summary)
    if each:
        lines = [{**article, "dropped": reasons(article["dropped"])} for article in summary["articles"]]
        headers = {"with_image": "with image", "license_evidence": "licence evidence", "license": "licence"}
        names = ("place", "figures", "with_image", "dropped", "license", "license_evidence")
        print_table(out, table(lines, {name: headers.get(name, name) for name in names}))
        return
    for title, rows, headers in _summary_tables(summary):
        if rows:
            out.print(f"\n[bold]{title}[/bold]")
            print_table(out, table(rows, headers))


def _print_unread(summary: Summary) -> None:
    """Prints the files that are no articles or not read, the first ones of many."""
    out = console()
    other_xml, not_read = summary["other_xml"], summary["not_read"]
    if other_xml:
        out.print(f"{count('XML file', summary['totals'][OTHER_XML])} without an article, not counted above:")
        _print_places([clean(place) for place in other_xml])
    if not_read:
        out.print(f"{count('file', len(not_read))} not read:")
        _print_places([f"{clean(file['place'])} ({clean(file['reason'])})" for file in not_read])


def _print_places(places: Sequence[str]) -> None:
    out = console()
    for place in places[:MOST_PLACES]:
        out.print(f"  {place}")
    if len(places) > MOST_PLACES:
        out.print(f"  [dim]and {len(places) - MOST_PLACES:,} more: --json[/dim]")


def _summary_tables(summary: Summary) -> list[tuple[str, list[dict[str, Any]], dict[str, str]]]:
    """Returns the tables of a summary in the order in which they are printed: title, rows, header of each key."""
    licenses = []
    for key, n in summary["licenses"].items():
        license, certainty, place = key.split(" | ")
        licenses.append({"n": n, "license": license, "certainty": certainty, "place": place})
    return [
        ("figures", *_counts(summary["figures"], "figures", "")),
        ("rows", [*map(dict, summary["rows"])], {"n": "rows", "reason": "kept or dropped as", "detail": "detail"}),
        ("captions", *_counts(summary["captions"], "figures", "caption of")),
        ("citations", *_counts(summary["citations"], "figures", "cited")),
        ("licences", licenses, {"n": "articles", "license": "licence", "certainty": "certainty", "place": "stated in"}),
        ("standing", *_counts(summary["standing"], "articles", "")),
        ("retracted", *_counts(summary["retracted_by"], "articles", "according to")),
        ("types", *_counts(summary["article_types"], "articles", "article-type")),
        (
            "languages",
            [*map(dict, summary["caption_languages"])],
            {"n": "figures", "caption": "caption", "article": "article"},
        ),
    ]


def _counts(counts: Mapping[str, int], unit: str, header: str) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Returns counts by value as rows, and the headers of their two columns."""
    return [{"n": n, "value": value} for value, n in counts.items()], {"n": unit, "value": header}
