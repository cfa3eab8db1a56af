"""Measures `roco index` and `roco search` with a made-up release of 80,000 rows, with both stores.

`python -m benchmarks.search_index 3` runs only this, with three rounds.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.corpora import SHARED
from benchmarks.made_up_vectors import Clusters, batches
from benchmarks.report import write_release
from roco.baselines.retrieve.build import stated_encoders
from roco.baselines.retrieve.encoders.open import image_encoder
from roco.baselines.retrieve.folder import write_manifest
from roco.baselines.retrieve.index import Index
from roco.baselines.retrieve.indexed_release import stated_release
from roco.baselines.retrieve.rows import concept_names, table_of, texts_of
from roco.baselines.retrieve.store import stores
from roco.baselines.retrieve.store.store import IMAGE
from roco.baselines.training.data import digest_of
from roco.release.load.dataset import load
from roco.release.select.flags import SelectOptions

ROWS = 80_000
TERMS = ("pneumothorax", "axial CT of the chest", "fracture left femur", "arrow", "MRI brain tumour contrast")
FILTERS = SelectOptions(commercial=True, modality=("DRCT", "DRMR"), year=("2010-",))
WHERE = SelectOptions(where="caption ILIKE '%left%' AND width > 400")
QUERIES = {
    "words": {},
    "words, with filters": {"filters": FILTERS},
    "image": {},
    "image, with filters": {"filters": FILTERS},
    "image, `--where`": {"filters": WHERE},
    "image and words, with filters": {"filters": FILTERS},
}


def captions(rows: int) -> list[str]:
    """Returns real captions, each time with other numbers and some words left out."""
    texts: list[str] = []
    for path in sorted((SHARED / "data" / "captions").glob("roco_v1_*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            texts += [json.loads(line)["caption"] for line in file]
    if not texts:
        sys.exit("the captions are missing: set ROCO_SHARED to a folder with data/captions")
    rng = random.Random(7)
    found = []
    for row in range(rows):
        words = texts[row % len(texts)].split()
        kept = [word for word in words if rng.random() < 0.95] or words
        found.append(f"{' '.join(kept)} Case {rng.randrange(1_000_000)}.")
    return found


def made_up(folder: Path) -> Path:
    """Writes a release and, beside its files, the embeddings of its images."""
    write_release(folder, ROWS, 0, captions(ROWS))
    source = Clusters(ROWS, image_encoder(None).width)
    np.save(folder / "vectors.npy", np.concatenate([part for _, part in batches(source, ROWS)]))
    return folder


def write(release: Path, out: Path, store: str) -> dict[str, Any]:
    """Writes an index from stored embeddings, as `roco index` does after it has computed them."""
    network = image_encoder(None)
    vectors = np.load(release / "vectors.npy")
    started = time.perf_counter()
    data = load(release)
    digest = digest_of(data)
    table = table_of(data)
    names = concept_names(data)
    texts = texts_of(data, names)
    out.mkdir()
    written = stores.write(store, out, table, names, texts, {IMAGE: vectors}, [IMAGE])
    manifest = {
        "store": store,
        "release": stated_release(data, out, digest),
        "counts": {"images": ROWS},
    }
    write_manifest(out, manifest | stated_encoders(network, None), written)
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "bytes": sum(path.stat().st_size for path in out.rglob("*") if path.is_file())}


def query(folder: Path) -> dict[str, Any]:
    """Opens an index and searches it; returns the median of each kind of query, in ms."""
    started = time.perf_counter()
    index = Index.open(folder)
    ids = [row["id"] for row in index.store.rows(np.random.default_rng(5).choice(ROWS, 25, replace=False).tolist())]
    index.search(TERMS[0], like=ids[0], filters=WHERE)  # reads what is read once
    opened = time.perf_counter() - started
    medians = {}
    for name, options in QUERIES.items():
        seconds, of_cpu = [], []
        for number, id in enumerate(ids):
            text = TERMS[number % len(TERMS)] if "words" in name else None
            like = id if "image" in name else None
            # A condition that is asked for the first time: its rows are not remembered.
            new = (
                {"where": f"{WHERE.where} AND height > {200 + number}"}
                if "where" in name
                else {"year": (f"{2010 - number}-",)}
            )
            given = {"filters": SelectOptions(**{**options["filters"].stated(), **new})} if options else {}
            started, started_of_cpu = time.perf_counter(), time.process_time()
            index.search(text, like=like, **given)
            seconds.append(time.perf_counter() - started)
            of_cpu.append(time.process_time() - started_of_cpu)
        medians[name] = [1e3 * statistics.median(seconds), 1e3 * statistics.median(of_cpu)]
    return {"open_seconds": opened, "ms": medians}


def search_index(repeats: int, names: tuple[str, ...] = ("files", "lance")) -> list[str]:
    """Returns the section of docs/benchmarks.md."""
    measured: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as temporary:
        release = made_up(Path(temporary) / "release")
        for round in range(repeats):
            for name in names:
                out = Path(temporary) / f"{name}-{round}"
                written = _in_process("write", str(release), str(out), name)
                measured[name].append({"write": written, "query": _in_process("query", str(out))})
    rows = {
        "index from stored embeddings, s": lambda one: one["write"]["seconds"],
        "peak of memory of that, MB": lambda one: one["write"]["peak"] / 1e6,
        "bytes of the index, MB": lambda one: one["write"]["bytes"] / 1e6,
        "open and first search, s": lambda one: one["query"]["open_seconds"],
        "peak of memory of searches, MB": lambda one: one["query"]["peak"] / 1e6,
    }
    for name in QUERIES:
        for at, what in enumerate(("ms", "ms of CPU time")):
            rows[f"{name}, {what}"] = lambda one, name=name, at=at: one["query"]["ms"][name][at]
    lines = [
        "",
        "## Searches of an index",
        "",
        f"A made-up release of {ROWS:,} rows with real captions and vectors of the shipped encoder's width, medians of",
        f"{repeats} rounds, each in processes of its own; queries with filters that were not asked before.",
        "`python -m benchmarks.search_index 3` runs only this section.",
        "",
        f"| | {' | '.join(f'`--store {name}`' for name in names)} |",
        f"|---|{'--:|' * len(names)}",
    ]
    for title, value in rows.items():
        cells = [statistics.median(value(one) for one in measured[name]) for name in names]
        lines.append(f"| {title} | {' | '.join(f'{cell:,.1f}' for cell in cells)} |")
    load_after = f"Load of the machine afterwards: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores."
    return [*lines, "", f"{load_after} Target: minutes, 100 ms, 1,000 MB."]


def _in_process(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.search_index", "--step", *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def _step(name: str, *arguments: str) -> dict[str, Any]:
    paths = [Path(one) for one in arguments[: 2 if name == "write" else 1]]
    result = write(paths[0], paths[1], arguments[2]) if name == "write" else query(paths[0])
    peak = int(Path("/proc/self/status").read_text(encoding="utf-8").partition("VmHWM:")[2].split()[0]) * 1024
    return result | {"peak": peak}


if __name__ == "__main__":
    if sys.argv[1:2] == ["--step"]:
        print(json.dumps(_step(*sys.argv[2:])))
    else:
        print("\n".join(search_index(int(sys.argv[1]) if sys.argv[1:] else 3)))
