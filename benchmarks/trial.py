"""`python -m benchmarks.trial`: keystrokes and browser seconds per image, on the grid and one by one.

Packages are composed of real images and captions, and a head that has seen half of data/radiology guesses their
modality, as in benchmarks/loop.py. `roco curate` shows the figures that the filters keep. An annotator who knows the
truth labels all of them in Debian's chromium, once on the grid and once one by one; each key is sent when the page has
answered the one before. Keys are counted and times are measured in the page. Nobody looks at the images here: the time
that a person needs for that comes on top. With --keep FOLDER the run stays there for a person to label, and
`--score LABELS.db` counts the wrong labels in the log of that person.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from benchmarks import loop
from benchmarks.guess import LABEL_OF
from benchmarks.rights import wilson
from roco.curate.log import Log
from roco.recipes.load import Recipe
from tests.curate.browsers import PATIENCE, chromium

KEYS = {label.name: label.key for label in loop.TASKS["modality"].labels}
PROBE = """
window.trial = { keys: 0, pressed: 0, saved: [], next: 0 };
const MODIFIERS = ["Shift", "Control", "Alt", "Meta"];
addEventListener("keydown", (event) => {
  if (!event.isTrusted || MODIFIERS.includes(event.key)) return;
  trial.keys += 1;
  trial.pressed = performance.now();
}, true);
// Images that are shown; an image that is only fetched ahead is not part of the document.
document.addEventListener("load", (event) => {
  if (event.target instanceof HTMLImageElement) trial.next = performance.now() - trial.pressed;
}, true);
document.addEventListener("DOMContentLoaded", () => {
  const status = document.getElementById("status");
  const observer = new MutationObserver(() => {
    if (status.textContent === "saved" && trial.pressed) trial.saved.push(performance.now() - trial.pressed);
  });
  observer.observe(status, { childList: true });
});
"""
SAVED = "() => document.getElementById('status').textContent === 'saved'"
DRAWN = """([first, n]) => {
  const images = [...document.querySelectorAll("#grid img, #image:not([hidden])")];
  if (!n) return !images.length;
  return images.length && images[0].getAttribute("src") !== first && images.every((image) => image.complete);
}"""
FIRST = "() => document.querySelector('#grid img, #image:not([hidden])')?.getAttribute('src')"


class Sitting(NamedTuple):
    """What an annotator did on one page, and how long it took to save and to show what came next, in milliseconds."""

    images: int
    keys: int
    saved: list[float]
    following: list[float]


def prepared(folder: Path, articles: int) -> tuple[Recipe, dict[str, str]]:
    """Makes the run, unless it is there, and returns it with the truth of its kept figures by image_key."""
    if not (folder / "composed").exists():
        loop.base_head(folder / "base.npz")
        loop.composed(folder, articles)
    loaded = loop.recipe(folder, "before", folder / "base.npz")
    return loaded, truths(folder, loaded)


def truths(folder: Path, loaded: Recipe) -> dict[str, str]:
    """Returns the modality of each kept figure, by image_key; OTHER for what is none of the modalities of the task."""
    with closing(loaded.open()) as run:
        rows = run.figures(["article_key", "file", "image_key", "drop"]).to_pylist()
    keys = {(row["article_key"], row["file"]): row["image_key"] for row in rows if row["drop"] is None}
    with (folder / "composed" / "truth.csv").open(encoding="utf-8", newline="") as file:
        truth = {(row["pmcid"], row["file"]): LABEL_OF.get(row["modality"], "OTHER") for row in csv.DictReader(file)}
    return {key: truth[place] for place, key in keys.items()}


def right_guesses(loaded: Recipe, truth: dict[str, str]) -> int:
    with closing(loaded.open()) as run:
        rows = run.figures(["image_key", "modality_guess"]).to_pylist()
    guesses = {row["image_key"]: row["modality_guess"] for row in rows}
    return sum(guesses[key] == label for key, label in truth.items())


@contextlib.contextmanager
def served(recipe: Path, name: str) -> Iterator[str]:
    """Starts `roco curate` in a new round with a log of its own and yields its address."""
    log = recipe.parent / f"{name}.db"
    command = [sys.executable, "-m", "roco", "curate", str(recipe), "--task", "modality", "--log", str(log)]
    command += ["--annotator", "a1", "--port", "0", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().rpartition(" ")[2].strip()
        finally:
            process.terminate()


def is_asked(answer: Any) -> bool:
    """Returns whether the page asked for figures to show; those of the next page are asked for ahead, by its number."""
    return "/api/page?" in answer.url and "page=" not in answer.url


class Annotator:
    """Knows the truth, and presses keys in a page."""

    def __init__(self, page: Any, truth: dict[str, str]) -> None:
        self.page, self.truth = page, truth
        self.following: list[float] = []
        self.labelled = 0

    def opened(self, address: str) -> Any:
        """Opens an address, and returns what the page received."""
        with self.page.expect_response(is_asked) as received:
            self.page.goto(address)
        answer = received.value.json()
        self.page.wait_for_function(DRAWN, arg=["", len(answer["figures"])])
        return answer

    def press(self, key: str) -> None:
        """Presses a key and waits until what it did is saved."""
        self.page.keyboard.press(key)
        self.page.wait_for_function(SAVED)

    def go_on(self, key: str) -> Any:
        """Presses a key that loads the next figures, and returns them once they are shown."""
        first = self.page.evaluate(FIRST)
        with self.page.expect_response(is_asked) as received:
            self.press(key)
        answer = received.value.json()
        self.shown(first, len(answer["figures"]))
        return answer

    def shown(self, first: str | None, n: int) -> None:
        """Waits until other images than before are shown, and notes how long that took."""
        self.page.wait_for_function(DRAWN, arg=[first, n])
        if n:
            self.following.append(self.page.evaluate("trial.next"))

    def grid(self, address: str) -> None:
        """Labels page after page: the figures that do not belong there one by one, the others with Enter."""
        by_guess = self.opened(address)["by_guess"]
        answer = self.opened(f"{address}?guess={max(by_guess, key=by_guess.get)}")
        # On a page without figures, Enter goes on with the next guess.
        while answer["figures"] or answer["by_guess"]:
            self.label_odd(answer["figures"])
            answer = self.go_on("Enter")

    def label_odd(self, figures: list[dict[str, Any]]) -> None:
        self.labelled += len(figures)
        at = 0
        for number, figure in enumerate(figures):
            label = self.truth[figure["key"]]
            if label != figure["guess"]:
                for key in self.way(at, number):
                    self.page.keyboard.press(key)
                self.press(KEYS[label])
                at = min(number + 1, len(figures) - 1)

    def one_by_one(self, address: str) -> None:
        """Labels each figure with the key of its modality."""
        figures = self.opened(f"{address}one")["figures"]
        while figures:
            self.labelled += len(figures)
            for figure in figures[:-1]:
                first = self.page.evaluate(FIRST)
                self.press(KEYS[self.truth[figure["key"]]])
                self.shown(first, 1)
            figures = self.go_on(KEYS[self.truth[figures[-1]["key"]]])["figures"]

    def way(self, at: int, to: int) -> list[str]:
        """Returns the arrows that lead to a later figure: first within the row, as the last row may be shorter."""
        columns = self.page.evaluate(
            "() => { const cells = [...document.querySelectorAll('.cell')];"
            " return cells.filter((cell) => cell.offsetTop === cells[0].offsetTop).length; }"
        )
        down, right = to // columns - at // columns, to % columns - at % columns
        across = ["ArrowRight" if right > 0 else "ArrowLeft"] * abs(right)
        return across + ["ArrowDown"] * down


def sitting(browser: Any, recipe: Path, name: str, truth: dict[str, str]) -> Sitting:
    """Labels all figures of the run on one page."""
    context = browser.new_context(viewport={"width": 1600, "height": 1000})
    context.set_default_timeout(1000 * PATIENCE)
    context.add_init_script(PROBE)
    page = context.new_page()
    annotator = Annotator(page, truth)
    with served(recipe, name) as address:
        label = annotator.grid if name == "grid" else annotator.one_by_one
        label(address)
        keys, saved = page.evaluate("[trial.keys, trial.saved]")
    context.close()
    return Sitting(annotator.labelled, keys, saved, annotator.following)


def errors(log: Path, truth: dict[str, str]) -> tuple[int, int]:
    """Returns the wrong labels of a log, and the number of its labels."""
    with Log.open(log, loop.TASKS) as opened:
        labels = {event.image_key: event.label for event in opened.current()}
    return sum(label != truth[key] for key, label in labels.items()), len(labels)


def line(page: str, sat: Sitting, wrong: int, labels: int) -> str:
    """Returns the row of a page in the table."""
    seconds = sum(sat.following) / 1000 / sat.images
    medians = [f"{statistics.median(times):.0f} ms" for times in (sat.saved, sat.following)]
    cells = [
        page,
        sat.images,
        sat.keys,
        f"{sat.keys / sat.images:.2f}",
        f"{seconds:.3f}",
        *medians,
        wilson(wrong, labels),
    ]
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


HEAD = (
    "| page | images | keystrokes | per image | browser seconds per image | key to saved | key to next | wrong |\n"
    "|---|---|---|---|---|---|---|---|"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=2000)
    parser.add_argument("--keep", type=Path, help="keep the run in this folder, or use the one that is there")
    parser.add_argument("--score", type=Path, help="count the wrong labels of this log, and stop")
    options = parser.parse_args()
    with TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        loaded, truth = prepared(folder, options.articles)
        if options.score:
            print(f"wrong labels: {wilson(*errors(options.score, truth))}")
            return
        print(f"right guesses: {wilson(right_guesses(loaded, truth), len(truth))}\n\n{HEAD}")
        with chromium() as browser:
            for page in ("grid", "one"):
                for old in folder.glob(f"{page}.db*"):
                    old.unlink()
                sat = sitting(browser, folder / "before.toml", page, truth)
                print(line(page, sat, *errors(folder / f"{page}.db", truth)), flush=True)


if __name__ == "__main__":
    main()
