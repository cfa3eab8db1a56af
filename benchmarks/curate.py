"""How fast the curation server answers with 100,000 drawn figures: `python -m benchmarks.curate`."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.curate.figures import row
from tests.curate.servers import Browser, entry, server

FIGURES = 100_000


def milliseconds(call: Callable[[int], object], n: int) -> str:
    times = []
    for number in range(n):
        started = time.perf_counter()
        call(number)
        times.append(1000 * (time.perf_counter() - started))
    return f"{statistics.median(times):.0f} ms, at most {max(times):.0f} ms"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        browser = Browser(server(Path(folder), [row(number) for number in range(FIGURES)]))
        print("first page    ", milliseconds(lambda _: browser.page(guess="DRCT"), 1))
        print("page of 60    ", milliseconds(lambda _: browser.page(guess="DRCT"), 30))
        print("page by text  ", milliseconds(lambda n: browser.page(guess="DRCT", text=f"caption {n}"), 10))
        print("label         ", milliseconds(lambda n: browser.label(entry(n), batch=f"b{n}"), 100))


if __name__ == "__main__":
    main()
