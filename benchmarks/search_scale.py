"""Measures LanceDB's IVF index on disk with millions of made-up vectors, for the table of docs/search.md.

`python -m benchmarks.search_scale 1000000 FOLDER` writes vectors in clusters and an index of them to FOLDER, which is
kept, and prints the figures as JSON; `… FOLDER cloud` draws vectors without clusters. Not part of `make bench`:
it takes minutes and gigabytes of disk.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.made_up_vectors import KINDS, batches

WIDTH = 512
"""Numbers of a vector: those of BiomedCLIP and of most encoders with a text tower."""

QUERIES, K = 200, 10
SETTINGS = tuple((probes, refine) for probes in (5, 20, 40, 80, 160) for refine in (10, 50))
"""Partitions that a query reads, and how many times K candidates it compares by the stored vectors."""

TENTH = "kind = 'k3'"


def write(folder: Path, kind: str, rows: int) -> dict[str, Any]:
    """Writes the table, and the exact neighbours of the queries, which are compared with each block as it is drawn."""
    import lancedb

    source = KINDS[kind](rows, WIDTH)
    queries = source.draw(QUERIES, 1)
    nearest = Nearest(queries)
    schema = pa.schema([("row", pa.int64()), ("kind", pa.string()), ("vector", pa.list_(pa.float16(), WIDTH))])

    def drawn() -> Iterator[pa.RecordBatch]:
        for start, vectors in batches(source, rows):
            nearest.add(start, vectors)
            own = np.arange(start, start + len(vectors))
            lists = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1), pa.float16()), WIDTH)
            kinds = pa.array([f"k{number % 10}" for number in own.tolist()])
            yield pa.record_batch([pa.array(own), kinds, lists], schema=schema)

    started = time.perf_counter()
    lancedb.connect(folder / "lance").create_table("rows", pa.RecordBatchReader.from_batches(schema, drawn()))
    np.savez(folder / "queries.npz", queries=queries, positions=nearest.positions)
    return {"write_seconds": time.perf_counter() - started, "bytes_of_table": size(folder)}


class Nearest:
    """The exact K nearest of queries, by cosine, of vectors that come in blocks."""

    def __init__(self, queries: Any) -> None:
        self.queries = queries.astype(np.float32)
        self.best = np.full((len(queries), K), -np.inf, np.float32)
        self.positions = np.full((len(queries), K), -1, np.int64)

    def add(self, start: int, vectors: Any) -> None:
        """Compares a block; start: number of its first vector."""
        values = vectors.astype(np.float32)
        values /= np.linalg.norm(values, axis=1, keepdims=True)
        cosines = np.concatenate([self.best, self.queries @ values.T], axis=1)
        own = np.tile(start + np.arange(len(vectors)), (len(self.queries), 1))
        numbers = np.concatenate([self.positions, own], axis=1)
        order = np.argsort(-cosines, axis=1, kind="stable")[:, :K]
        self.best = np.take_along_axis(cosines, order, axis=1)
        self.positions = np.take_along_axis(numbers, order, axis=1)


def build(folder: Path) -> dict[str, Any]:
    """Builds the indexes."""
    import lancedb
    from lancedb.index import Bitmap, IvfRq

    table = lancedb.connect(folder / "lance").open_table("rows")
    before = size(folder)
    started, started_of_cpu = time.perf_counter(), time.process_time()
    table.create_index("vector", config=IvfRq(distance_type="cosine"), replace=True)
    seconds = time.perf_counter() - started
    of_cpu = time.process_time() - started_of_cpu
    table.create_index("kind", config=Bitmap(), replace=True)
    return {"build_seconds": seconds, "build_cpu_seconds": of_cpu, "bytes_of_index": size(folder) - before}


def query(folder: Path) -> dict[str, Any]:
    """Measures recall and time of a query for each setting, and with a filter that a tenth of the rows pass."""
    import lancedb

    table = lancedb.connect(folder / "lance").open_table("rows")
    with np.load(folder / "queries.npz") as found:
        queries, positions = found["queries"], found["positions"]
    measured = []
    for probes, refine in SETTINGS:
        seconds: dict[str | None, list[float]] = {None: [], TENTH: []}
        same, of_cpu = 0, time.process_time()
        for vector, truth in zip(queries, positions, strict=True):
            for where, times in seconds.items():
                started = time.perf_counter()
                search = table.search(vector, vector_column_name="vector").distance_type("cosine").limit(K)
                search = search.where(where) if where else search
                rows = search.nprobes(probes).refine_factor(refine).select(["row", "_distance"]).to_arrow()["row"]
                times.append(time.perf_counter() - started)
                same += 0 if where else len(set(rows.to_pylist()) & set(truth.tolist()))
        plain, filtered = (1e3 * statistics.median(times) for times in seconds.values())
        of_cpu = 1e3 * (time.process_time() - of_cpu) / (2 * len(queries))
        figures = {"recall": same / positions.size, "ms": plain, "ms_filtered": filtered, "cpu_ms": of_cpu}
        measured.append({"nprobes": probes, "refine": refine} | figures)
    return {"settings": measured}


def size(folder: Path) -> int:
    """Returns the bytes of a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main(rows: int, folder: Path, kind: str = "clusters") -> None:
    """Runs the steps, each in a process of its own, for its peak of memory."""
    folder.mkdir(parents=True, exist_ok=True)
    figures: dict[str, Any] = {"rows": rows, "width": WIDTH, "kind": kind, "load": os.getloadavg()[0]}
    for step, values in (("write", [kind, str(rows)]), ("build", []), ("query", [])):
        command = [sys.executable, "-m", "benchmarks.search_scale", "--step", step, str(folder), *values]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        figures |= json.loads(done.stdout.splitlines()[-1])
        print(step, os.getloadavg()[0], file=sys.stderr, flush=True)
    print(json.dumps(figures | {"load_after": os.getloadavg()[0]}, indent=1))


def step(name: str, folder: Path, *values: str) -> dict[str, Any]:
    """Runs one step in this process."""
    result = (
        write(folder, values[0], int(values[1])) if name == "write" else {"build": build, "query": query}[name](folder)
    )
    peak = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024
    return result | {f"peak_of_{name}": peak}


if __name__ == "__main__":
    if sys.argv[1] == "--step":
        print(json.dumps(step(sys.argv[2], Path(sys.argv[3]), *sys.argv[4:])))
    else:
        main(int(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
