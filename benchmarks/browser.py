"""How long people wait with 100,000 figures, measured in chromium over HTTP: `python -m benchmarks.browser`."""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.drawn_run import drawn_run
from tests.curate.browsers import chromium

FIGURES = 100_000
LABELS, PAGES = 60, 20
CLASSES = ("DRCT", "DRXR", "DRMR")
QUIET = 0.5  # seconds without a request

# In the page: the time from the key until the status says saved, and until all thumbnails of another page are painted.
WATCH = """
window.started = 0;
addEventListener("keydown", (event) => { window.started = event.timeStamp; }, true);
window.painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(performance.now()))));
window.saved = () => new Promise((done) => {
  const status = document.querySelector("#status");
  new MutationObserver(async (_, observer) => {
    if (status.textContent !== "saved") return;
    observer.disconnect();
    done((await painted()) - window.started);
  }).observe(status, { childList: true, characterData: true, subtree: true });
});
window.turned = () => new Promise((done) => {
  const grid = document.querySelector("#grid");
  const before = grid.querySelector("img")?.src;
  const watch = async (_, observer) => {
    const images = [...grid.querySelectorAll("img")];
    if (!images.length || images[0].src === before) return;
    observer.disconnect();
    await Promise.all(images.map((image) => image.decode()));
    done({ n: images.length, milliseconds: (await painted()) - window.started });
  };
  new MutationObserver(watch).observe(grid, { childList: true });
});
"""


@contextlib.contextmanager
def curated(recipe: Path) -> Iterator[str]:
    """Starts `roco curate` with a new log; yields its address."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "roco", "curate", str(recipe), "--log", f"{folder}/labels.db"]
        command += ["--annotator", "a1", "--port", "0", "--no-browser"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[-1].rstrip("/")
        finally:
            process.terminate()
            process.wait()


def waits(figures: int = FIGURES) -> dict[str, list[float]]:
    """Returns the milliseconds of each key until saved, and of each page until its thumbnails are painted."""
    found: dict[str, list[float]] = {"key to saved": [], "Enter to next page": [], "] to next page": []}
    with curated(drawn_run(figures)) as address, chromium() as browser:
        page = browser.new_page(viewport={"width": 1600, "height": 1200})
        page.add_init_script(WATCH)
        traffic = _Traffic(page)
        for guess in CLASSES:
            page.goto(f"{address}/?task=modality&annotator=a1&guess={guess}")
            page.wait_for_selector("#cell-59 img")
            traffic.settle()
            for _ in range(LABELS // len(CLASSES)):
                waiting = page.evaluate_handle("({ done: window.saved() })")
                page.keyboard.press("x")
                found["key to saved"].append(page.evaluate("one => one.done", waiting))
            for key in ("Enter", "]"):
                for _ in range(PAGES // 2):
                    waiting = page.evaluate_handle("({ done: window.turned() })")
                    page.keyboard.press(key)
                    turned = page.evaluate("one => one.done", waiting)
                    assert turned["n"] == 60, turned
                    found[f"{key} to next page"].append(turned["milliseconds"])
                    traffic.settle()
    return found


class _Traffic:
    """Counts the requests of a page that are not answered; playwright's `networkidle` is reached once per address."""

    def __init__(self, page: Any) -> None:
        self.page, self.open = page, 0
        page.on("request", lambda _: self._count(1))
        page.on("requestfinished", lambda _: self._count(-1))
        page.on("requestfailed", lambda _: self._count(-1))

    def _count(self, by: int) -> None:
        self.open += by
        self.at = time.monotonic()

    def settle(self) -> None:
        """Waits until the page has loaded what it loads ahead: a person looks at a page for longer than that."""
        self.at = time.monotonic()
        while self.open or time.monotonic() - self.at < QUIET:
            self.page.wait_for_timeout(50)


def figures() -> list[str]:
    """Returns the lines of docs/benchmarks.md."""
    rows = [
        f"| {name} | {len(times)} | {statistics.median(times):.0f} ms | {max(times):.0f} ms |"
        for name, times in waits().items()
    ]
    load = os.getloadavg()[0]
    return [
        "",
        "## Curation in the browser",
        "",
        f"`roco curate` of a run of {FIGURES:,} figures with thumbnails of real images, one chromium on the same",
        "machine, pages of 60; `python -m benchmarks.browser`. From the key event until the status says saved and is",
        "painted, and until all 60 thumbnails of the next page are decoded and painted. Targets: medians under 100 and",
        f"300 ms. Load of the machine afterwards, server and browser included: {load:.1f} on {os.cpu_count()} cores.",
        "",
        "| wait | measured | median | at most |",
        "|---|---|---|---|",
        *rows,
    ]


if __name__ == "__main__":
    print("\n".join(figures()))
