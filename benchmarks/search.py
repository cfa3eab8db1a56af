"""Searches the same vectors of 80,000 images by numpy, by LanceDB without and with an index, and by faiss.

`python -m benchmarks.search 3` runs only this, with three rounds.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.made_up_vectors import KINDS, batches
from roco.baselines.neighbours.search import nearest, unit

ROWS, WIDTH, QUERIES, K = 80_000, 1808, 100, 10
"""WIDTH: that of the shipped encoder."""

FILTER = "kind < 10"
"""A filter that a tenth of the rows pass."""

Find = Callable[[Any, bool], list[int]]


def kinds(rows: int) -> Any:
    """Returns the column of the filter."""
    return np.random.default_rng(3).integers(100, size=rows)


def by_numpy(vectors: Any, folder: Path) -> Find:
    values, allowed = unit(vectors), kinds(len(vectors)) < 10

    def find(query: Any, is_filtered: bool) -> list[int]:
        found = nearest(query[None], values, K, allowed=allowed if is_filtered else None)
        return found.positions[0].tolist()  # type: ignore[no-any-return]

    return find


def by_faiss(vectors: Any, folder: Path) -> Find:
    import faiss

    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(unit(vectors))
    faiss.write_index(index, str(folder / "faiss"))
    bits = np.packbits(kinds(len(vectors)) < 10, bitorder="little")
    only = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(bits))

    def find(query: Any, is_filtered: bool) -> list[int]:
        return index.search(query[None], K, params=only if is_filtered else None)[1][0].tolist()  # type: ignore[no-any-return]

    return find


def by_lance(vectors: Any, folder: Path, is_indexed: bool) -> Find:
    import lancedb
    import pyarrow as pa
    from lancedb.index import BTree, IvfRq

    schema = pa.schema([("row", pa.int64()), ("kind", pa.int64()), ("vector", pa.list_(pa.float16(), WIDTH))])

    def blocks() -> Any:
        for start in range(0, len(vectors), 4096):
            part = unit(vectors[start : start + 4096]).astype(np.float16)
            numbers = np.arange(start, start + len(part))
            lists = pa.FixedSizeListArray.from_arrays(pa.array(part.reshape(-1), pa.float16()), WIDTH)
            yield pa.record_batch([pa.array(numbers), pa.array(kinds(len(vectors))[numbers]), lists], schema=schema)

    table = lancedb.connect(str(folder)).create_table("rows", pa.RecordBatchReader.from_batches(schema, blocks()))
    table.create_index("kind", config=BTree())
    if is_indexed:
        table.create_index("vector", config=IvfRq(distance_type="cosine"))

    def find(query: Any, is_filtered: bool) -> list[int]:
        search = table.search(query, vector_column_name="vector").distance_type("cosine").limit(K)
        search = search.minimum_nprobes(20).maximum_nprobes(0).refine_factor(50) if is_indexed else search
        search = search.where(FILTER) if is_filtered else search
        return search.select(["row", "_distance"]).to_arrow()["row"].to_pylist()  # type: ignore[no-any-return]

    return find


ENGINES: dict[str, Callable[[Any, Path], Find]] = {
    "numpy": by_numpy,
    "LanceDB, flat": lambda vectors, folder: by_lance(vectors, folder, False),
    "LanceDB, IVF": lambda vectors, folder: by_lance(vectors, folder, True),
    "faiss, flat": by_faiss,
}


def measure(name: str, path: Path) -> dict[str, Any]:
    """Builds and searches in this process."""
    with tempfile.TemporaryDirectory(dir=path) as temporary:
        vectors = np.load(path / "vectors.npy")
        queries = np.load(path / "queries.npy")
        started = time.perf_counter()
        find = ENGINES[name](vectors, Path(temporary))
        build = time.perf_counter() - started
        del vectors
        result: dict[str, Any] = {"build": build}
        for is_filtered in (False, True):
            seconds, of_cpu, found = [], [], []
            for query in queries:
                started, started_of_cpu = time.perf_counter(), time.process_time()
                found.append(find(query, is_filtered))
                seconds.append(time.perf_counter() - started)
                of_cpu.append(time.process_time() - started_of_cpu)
            result |= {f"ms {is_filtered}": 1e3 * statistics.median(seconds), f"found {is_filtered}": found}
            result[f"cpu {is_filtered}"] = 1e3 * statistics.median(of_cpu)
        result["bytes"] = sum(file.stat().st_size for file in Path(temporary).rglob("*") if file.is_file())
        memory = Path("/proc/self/status").read_text(encoding="utf-8").partition("VmRSS:")[2].split()[0]
        return result | {"memory": int(memory) * 1024}


def search(repeats: int) -> list[str]:
    """Returns the section of docs/benchmarks.md."""
    measured: dict[str, list[dict[str, Any]]] = {name: [] for name in ENGINES}
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as temporary:
        source = KINDS["cloud"](ROWS, WIDTH)
        parts = [part for _, part in batches(source, ROWS)]
        np.save(Path(temporary) / "vectors.npy", np.concatenate(parts))
        np.save(Path(temporary) / "queries.npy", unit(source.draw(QUERIES, 1)))
        del parts
        for _ in range(repeats):
            for name in ENGINES:
                command = [sys.executable, "-m", "benchmarks.search", "--engine", name, temporary]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
                measured[name].append(json.loads(done.stdout.splitlines()[-1]))
    lines = ["", "## Searches of vectors", ""]
    lines += [
        f"The {K} nearest of {ROWS:,} made-up vectors of {WIDTH:,} numbers without clusters, by cosine, one query at a",
        "time, and among the tenth that a filter admits: medians of",
        f"{QUERIES} queries and {repeats} rounds, each engine in a process of its own. The ratio is of CPU times to",
        f"numpy in the same round. Load of the machine before: {before:.1f} on {os.cpu_count()} cores.",
        "`python -m benchmarks.search 3` runs only this section.",
        "",
        "| | query, ms | ratio | with filter, ms | recall@10 | with filter | build, s | on disk, MB | memory, MB |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    exact = measured["numpy"]
    for name, rounds in measured.items():
        ratio = statistics.median(
            one["cpu False"] / other["cpu False"] for one, other in zip(rounds, exact, strict=True)
        )
        recalls = [_recall(rounds[0][f"found {which}"], exact[0][f"found {which}"]) for which in (False, True)]
        cells = [
            _median(rounds, "ms False"),
            f"{ratio:.2f}",
            _median(rounds, "ms True"),
            *(f"{one:.3f}" for one in recalls),
        ]
        cells += [_median(rounds, "build"), f"{rounds[0]['bytes'] / 1e6:,.0f}"]
        memory = statistics.median(one["memory"] for one in rounds) / 1e6
        lines.append(f"| {name} | {' | '.join(cells)} | {memory:,.0f} |")
    return [*lines, "", "numpy and faiss hold the vectors in 32 bits; LanceDB stores them in 16 bits."]


def _median(rounds: list[dict[str, Any]], key: str) -> str:
    return f"{statistics.median(one[key] for one in rounds):.1f}"


def _recall(found: list[list[int]], exact: list[list[int]]) -> float:
    return sum(len(set(a) & set(b)) for a, b in zip(found, exact, strict=True)) / sum(map(len, exact))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--engine"]:
        print(json.dumps(measure(sys.argv[2], Path(sys.argv[3]))))
    else:
        print("\n".join(search(int(sys.argv[1]) if sys.argv[1:] else 3)))
