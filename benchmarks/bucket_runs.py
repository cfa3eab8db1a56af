"""A run straight from a bucket, compared with download and run: `python -m benchmarks.bucket_runs`.

Both read the same articles from the S3 server of moto through the proxy of the tests. A third run has a fault in one
response of ten. Prints requests, bytes, disk and time.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.corpora import cloud
from tests.bucket import Fault, Proxy, serving

FAULTS = (Fault(status=503, headers={"Retry-After": "1"}), Fault(cut=100), Fault(reset=True), Fault(change=True))


def main(articles: int = 500, workers: int = 2) -> None:
    """Prints a line for each way to run, and whether the releases have the same bytes."""
    tree = cloud(articles)
    here = Path(tempfile.mkdtemp())
    with serving() as bucket, Proxy(bucket.endpoint) as proxy:
        bucket.put_tree(tree)
        bucket.put_inventory("2026-11-20T01-00Z")
        plan = ["fetch", "plan", "articles", "--endpoint", proxy.endpoint, "--contact", "bench@example.org"]
        seconds = sum(_timed(here, words) for words in (plan, ["fetch", "run", "articles"]))
        seconds += _timed(here, ["run", "articles.toml", "--workers", str(workers)])
        _report("fetch and run", seconds, proxy, here, here / "articles", here / "articles-run")
        for name in ("direct", "faults"):
            proxy.clear_records()
            (here / f"{name}.toml").write_text(
                f'[run]\nfolder = "{name}-run"\nbase = "rocov2"\n[source]\nkind = "cloud"\n'
                f'path = "s3://pmc-oa-opendata"\nendpoint = "{proxy.endpoint}"\ncontact = "bench@example.org"\n'
            )
            if name == "faults":
                proxy.rule = _one_in_ten
            seconds = _timed(here, ["run", f"{name}.toml", "--workers", str(workers)])
            _report(name, seconds, proxy, here, here / f"{name}-run" / "source", here / f"{name}-run")
            print("  same bytes:", _release(here / f"{name}-run") == _release(here / "articles-run"))


def _one_in_ten(key: str, n: int) -> Fault | None:
    number = int(hashlib.sha256(f"{key} {n}".encode()).hexdigest()[:8], 16)
    return FAULTS[number // 10 % len(FAULTS)] if number % 10 == 0 else None


def _timed(here: Path, words: list[str]) -> float:
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "roco", *words], cwd=here, check=True, capture_output=True)
    return time.monotonic() - began


def _report(name: str, seconds: float, proxy: Proxy, here: Path, copy: Path, run: Path) -> None:
    received = sum(int(receipt.get("bytes", 0)) for path in copy.glob("**/receipts*.jsonl") for receipt in _lines(path))
    requests = sum(proxy.requests.values())
    packs = _size(run / "images")
    print(f"{name}: {seconds:.0f} s, {requests:,} requests, {received / 1e6:.1f} MB received")
    print(f"  disk: {_size(copy) / 1e6:.1f} MB for {copy.relative_to(here)}, {packs / 1e6:.1f} MB of packs")


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _release(run: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (run / "release").iterdir()}


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
