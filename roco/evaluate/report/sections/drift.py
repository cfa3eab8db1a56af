"""What changed since another release: images, concepts, journals and modalities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from roco.base.schema import SPLITS
from roco.evaluate.report.by_split import first_of, modalities, modality_name, share
from roco.evaluate.report.content import Content, NotAvailable
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.plots import Bars, Matrix
from roco.evaluate.report.render import Cell, ReportTable

SHOWN = 100


def drift_images(inputs: Inputs) -> Content:
    """Images by split in the other release and in this one, and how many were added, removed, or moved to another
    split. The same image is identified by its article and bytes, then by article and file name, last by its id."""
    before, found = inputs.before, inputs.difference
    old, new = Counter(before.values("split")), Counter(inputs.values("split"))
    added, removed = Counter(one.split for one in found.added), Counter(one.split for one in found.removed)
    moved = Counter((one.old, one.new) for one in found.moved_splits)
    splits = [split for split in SPLITS if old[split] or new[split]]
    rows: list[tuple[Cell, ...]] = []
    for split in splits:
        into = sum(moved[other, split] for other in splits)
        out_of = sum(moved[split, other] for other in splits)
        rows.append((split, old[split], new[split], added[split], removed[split], into, out_of))
    rows.append(("all", *(sum(int(str(row[place])) for row in rows) for place in range(1, 7))))
    columns = ("split", "before", "now", "added", "removed", "moved into", "moved out of")
    tables = [ReportTable("Images before and now", columns, rows)]
    if found.removed:
        reasons = Counter(one.reason for one in found.removed)
        why: list[tuple[Cell, ...]] = [(reason, number) for reason, number in reasons.most_common()]
        tables.append(ReportTable("Removed images by reason", ("reason", "images"), why))
    changed = Counter(one.column for one in found.changed)
    if changed:
        what: list[tuple[Cell, ...]] = [(column, number) for column, number in changed.most_common()]
        tables.append(ReportTable("Images in both releases whose data changed", ("column", "images"), what))
    plots: tuple[Matrix, ...] = ()
    if found.moved_splits:
        values = [[moved[one, other] for other in splits] for one in splits]
        plots = (
            Matrix(
                name="drift-splits",
                title="Images that moved to another split",
                alt=f"Matrix of the {len(found.moved_splits):,} images that moved, by split before and now.",
                rows=splits, columns=splits, values=values, row_axis="split before", column_axis="split now",
            ),
        )  # fmt: skip
    notes = [f"{found.images['both']:,} images are in both releases, {len(found.renamed):,} of them under another id."]
    if found.reused:
        notes.append(f"{len(found.reused):,} ids belong to another image now.")
    return Content(tables=tuple(tables), plots=plots, notes=tuple(notes))


def drift_concepts(inputs: Inputs) -> Content:
    """Concepts (CUIs) by the number of images that have them, in the other release and in this one: concepts that are
    new, concepts that are gone, and those whose share of the images changed most. Gained and lost count images that
    are in both releases."""
    before = _concepts(inputs.before)
    now = _concepts(inputs)
    gained: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    for change in inputs.difference.changed:
        if change.column == "concepts":
            old, new = set(change.old or ()), set(change.new or ())
            gained.update(new - old)
            lost.update(old - new)
    names = inputs.before.concept_names | inputs.concept_names
    sizes = (inputs.before.size, inputs.size)

    def row(cui: str) -> tuple[Cell, ...]:
        shares = (share(before[cui], sizes[0]) or 0.0, share(now[cui], sizes[1]) or 0.0)
        return cui, names.get(cui, ""), before[cui], now[cui], gained[cui], lost[cui], shares[1] - shares[0]

    columns = ("CUI", "UMLS term", "before", "now", "gained", "lost", "difference of the shares")
    fresh = sorted(now.keys() - before.keys(), key=lambda cui: (-now[cui], cui))
    gone = sorted(before.keys() - now.keys(), key=lambda cui: (-before[cui], cui))
    both = [row(cui) for cui in before.keys() & now.keys()]
    both = [one for one in both if one[2] != one[3] or one[4] or one[5]]
    both.sort(key=lambda one: (-abs(float(one[6] or 0)), str(one[0])))
    tables = []
    groups = (("New concepts", [row(cui) for cui in fresh]), ("Concepts that are gone", [row(cui) for cui in gone]))
    for title, rows in (*groups, ("Concepts whose share of the images changed most", both)):
        if rows:
            tables.append(ReportTable(title, columns, rows[:SHOWN]))
    notes = [f"{len(before):,} concepts before, {len(now):,} now: {len(fresh):,} are new, {len(gone):,} are gone."]
    notes.append(f"In images of both releases, {gained.total():,} concepts were gained and {lost.total():,} lost.")
    return Content(tables=tuple(tables), notes=tuple(notes))


def _concepts(inputs: Inputs) -> Counter[str]:
    return Counter(cui for image in inputs.images.images for cui in image.concepts)


def drift_journals(inputs: Inputs) -> Content:
    """Journals with articles in this release only, in the other release only, and those whose number of articles
    changed most."""
    before, now = _journals(inputs.before), _journals(inputs)
    groups = {
        "New journals": sorted(now.keys() - before.keys(), key=lambda name: (-now[name], name)),
        "Journals that are gone": sorted(before.keys() - now.keys(), key=lambda name: (-before[name], name)),
        "Journals whose number of articles changed most": sorted(
            (name for name in before.keys() & now.keys() if before[name] != now[name]),
            key=lambda name: (-abs(now[name] - before[name]), name),
        ),
    }
    tables = []
    for title, members in groups.items():
        rows: list[tuple[Cell, ...]] = []
        for name in members[:SHOWN]:
            rows.append((name, before[name], now[name], now[name] - before[name]))
        if rows:
            tables.append(ReportTable(title, ("journal", "articles before", "articles now", "difference"), rows))
    new, gone = (len(groups[title]) for title in ("New journals", "Journals that are gone"))
    note = f"{len(before):,} journals before, {len(now):,} now: {new:,} are new, {gone:,} are gone."
    return Content(tables=tuple(tables), notes=(note,))


def _journals(inputs: Inputs) -> Counter[str]:
    found = first_of(inputs.article_of, inputs.values("journal"))
    if not found:
        raise NotAvailable("no article has a journal")
    return Counter(found.values())


def drift_modalities(inputs: Inputs) -> Content:
    """Images by modality in the other release and in this one, and their shares."""
    before, now = Counter(modalities(inputs.before)), Counter(modalities(inputs))
    order = sorted(before.keys() | now.keys(), key=lambda label: (-now[label], label))
    shares = {label: (_percent(before, label), _percent(now, label)) for label in order}
    rows: list[tuple[Cell, ...]] = []
    for label in order:
        old, new = shares[label]
        rows.append((modality_name(label), before[label], now[label], old / 100, new / 100, (new - old) / 100))
    columns = ("modality", "before", "now", "share before", "share now", "difference")
    plot = Bars(
        name="drift-modalities",
        title="Modalities before and now",
        alt="Bar chart of the shares of the modalities before and now: "
        + ", ".join(f"{label} {old:.1f} and {new:.1f} %" for label, (old, new) in shares.items())
        + ".",
        labels=[modality_name(label) for label in order],
        series={"before": [shares[one][0] for one in order], "now": [shares[one][1] for one in order]},
        axis="% of the images",
        stacked=False,
    )
    return Content(tables=(ReportTable("Modalities before and now", columns, rows),), plots=(plot,))


def _percent(counts: Mapping[str, int], label: str) -> float:
    return 100 * (share(counts[label], sum(counts.values())) or 0.0)
