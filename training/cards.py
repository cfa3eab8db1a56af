"""Writes into docs/ how good the shipped heads are: what their cards say, in filters.md, by-source.md, reliability.svg.

python -m training.cards
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from roco.models.heads.card import Card
from roco.models.heads.head import Head

DOCS = Path(__file__).parents[1] / "docs"
HEADS = ("gate", "compound", "radiology", "modality")
BEGIN, END = "<!-- cards: written by training.cards -->\n", "<!-- end of cards -->\n"


def main() -> None:
    cards = [Head.load(name).card for name in HEADS]
    page = DOCS / "filters.md"
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{page}: the markers of the cards are missing")
    page.write_text(before + begin + "\n".join([*overall(cards), "", *by_class(cards)]) + "\n" + end + after, "utf-8")
    (DOCS / "by-source.md").write_text("\n".join(by_source(cards)) + "\n", encoding="utf-8")
    plot(cards, DOCS / "reliability.svg")


def overall(cards: Sequence[Card]) -> Iterator[str]:
    """Yields a table of accuracy and AUROC of each head."""
    yield "| head | images | accuracy, new sources (95 %) | AUROC | accuracy, new articles and patients | AUROC |"
    yield "|---|---|---|---|---|---|"
    for card in cards:
        cells = [f"`{card.task}`", str(card.measured["by source"]["images"])]
        for by in ("by source", "by group"):
            numbers = card.measured[by]
            cells += [percent(numbers["accuracy"]), f"{numbers['auroc']:.3f}" if "auroc" in numbers else ""]
        yield f"| {' | '.join(cells)} |"


def by_class(cards: Sequence[Card]) -> Iterator[str]:
    """Yields a table of recall and precision of each class, on sources that the head was not trained on."""
    yield "| head | class | sources | recall on new sources (95 %) | precision | |"
    yield "|---|---|---|---|---|---|"
    for card in cards:
        for label, row in card.measured["by source"]["classes"].items():
            cells = [f"`{card.task}`", label, str(row["sources"]), percent(row["recall"]), percent(row["precision"])]
            yield f"| {' | '.join([*cells, row.get('note', '')])} |"


def by_source(cards: Sequence[Card]) -> Iterator[str]:
    """Yields the page of the right answers of each head on each source, which it was not trained on."""
    yield "# The shipped heads on each source"
    yield ""
    yield "Right answers on the real images of a source by parts that were trained without it, with Wilson's interval"
    yield "of 95 %. Written by `python -m training.cards` from the cards of the heads; see [filters](filters.md)."
    for card in cards:
        yield ""
        yield f"## {card.task}"
        yield ""
        yield "| source | class | right (95 %) |"
        yield "|---|---|---|"
        for source, classes in card.measured["by source"]["by_source"].items():
            for label, share in classes.items():
                yield f"| {source.replace('|', ', ')} | {label} | {percent(share)} |"


def percent(share: Sequence[float]) -> str:
    hits, of, low, high = share
    return f"{hits}/{of} = {100 * hits / max(of, 1):.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def plot(cards: Sequence[Card], file: Path) -> None:
    """Draws the reliability of the heads on sources that they were not trained on."""
    figure = Figure(figsize=(10, 2.9), layout="constrained")
    for axes, card in zip(figure.subplots(1, len(cards), sharey=True), cards, strict=True):
        rows: Sequence[Mapping[str, Any]] = card.measured["by source"]["reliability"]
        axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
        axes.plot([row["probability"] for row in rows], [row["right"] for row in rows], "o-", color="#1f5fa8", ms=4)
        for row in rows:
            axes.annotate(
                f"{row['n']}", (row["probability"], row["right"]), (5, -9), textcoords="offset points", size=7
            )
        axes.set(xlabel="stated probability", title=card.task, xlim=(0.15, 1.04), ylim=(0, 1.04))
    figure.axes[0].set_ylabel("share of right answers")
    with rc_context({"svg.hashsalt": "roco"}):
        figure.savefig(file, metadata={"Date": None})


if __name__ == "__main__":
    main()
