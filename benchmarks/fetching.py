"""Bucket clients compared: the same small files from nginx on loopback, each client in its own process.

`python -m benchmarks.fetching whole` fetches, kills, resumes and updates 2,000 articles against an S3 server.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.corpora import cloud

OBJECTS = 10_000
CONNECTIONS = 16
BUCKET = "pmc-oa-opendata"
NGINX = """
daemon off; worker_processes 1; pid {root}/pid; error_log {root}/error.log;
events {{ worker_connections 512; }}
http {{ access_log off; sendfile on; keepalive_requests 1000000; etag on;
  client_body_temp_path {root}/t1; proxy_temp_path {root}/t2; fastcgi_temp_path {root}/t3;
  uwsgi_temp_path {root}/t4; scgi_temp_path {root}/t5;
  server {{ listen 127.0.0.1:{port}; location /{bucket}/ {{ alias {tree}/; }}
    location = /{bucket} {{ add_header x-amz-bucket-region us-east-1; return 200; }} }} }}
"""


@contextmanager
def nginx(tree: Path) -> Iterator[str]:
    """Serves a folder as a bucket; yields the address of the host."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        text = NGINX.format(root=root, port=port, bucket=BUCKET, tree=tree)
        if os.geteuid() == 0:
            text = f"user root;{text}"
        (root / "conf").write_text(text)
        server = subprocess.Popen([shutil.which("nginx") or "/usr/sbin/nginx", "-p", name, "-c", root / "conf"])
        try:
            for _ in range(100):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()


def objects(tree: Path, n: int) -> list[tuple[str, str]]:
    """Returns key and MD5 of the first n objects of a folder."""
    files = [path for path in sorted(tree.glob("PMC*/*")) if path.is_file()][:n]
    return [(path.relative_to(tree).as_posix(), hashlib.md5(path.read_bytes()).hexdigest()) for path in files]


def with_roco(host: str, wanted: list[tuple[str, str]], out: Path) -> None:
    """Downloads as `roco fetch run` does: MD5, SHA-256, a receipt, fsync and rename for each object."""
    from roco.sources.fetch.client import BucketClient
    from roco.sources.fetch.parallel import run_parallel
    from roco.sources.fetch.receipts import Receipts

    client = BucketClient(f"{host}/{BUCKET}", "bench@example.org", connections=CONNECTIONS)
    receipts = Receipts(out, "bench")

    def download(item: tuple[str, str]) -> None:
        key, md5 = item
        path = out / key
        path.parent.mkdir(parents=True, exist_ok=True)
        client.get(key, limit=1 << 28, md5=md5, path=path, before_rename=receipts.downloaded)

    run_parallel(client, download, iter(wanted))
    client.close()


def with_boto3(host: str, wanted: list[tuple[str, str]], out: Path) -> None:
    """Downloads and checks the MD5 of each object; no SHA-256, no receipt, no fsync."""
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    config = Config(signature_version=UNSIGNED, s3={"addressing_style": "path"}, max_pool_connections=CONNECTIONS)
    client = boto3.client("s3", endpoint_url=host, region_name="us-east-1", config=config)

    def download(item: tuple[str, str]) -> None:
        key, md5 = item
        data = client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        if hashlib.md5(data).hexdigest() != md5:
            raise ValueError(key)
        path = out / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(download, wanted))


def with_s5cmd(host: str, wanted: list[tuple[str, str]], out: Path) -> None:
    """Downloads with a client written in Go, which checks nothing."""
    lines = "".join(f"cp s3://{BUCKET}/{key} {out / key}\n" for key, _ in wanted)
    command = ["s5cmd", "--no-sign-request", "--endpoint-url", host, "--numworkers", str(CONNECTIONS), "--log", "error"]
    subprocess.run([*command, "run"], input=lines, text=True, check=True, stdout=subprocess.DEVNULL)


CLIENTS = {"roco": with_roco, "boto3": with_boto3, "s5cmd": with_s5cmd}
CHECKS = {
    "roco": "length, MD5, SHA-256, receipt, fsync, rename",
    "boto3": "MD5; no fsync",
    "s5cmd": "nothing; no fsync",
}


def measured(client: str, host: str, wanted: list[tuple[str, str]]) -> dict[str, float]:
    """Returns seconds, CPU seconds and peak memory in MB of one client in its own process."""
    with tempfile.TemporaryDirectory() as name:
        job = json.dumps({"client": client, "host": host, "wanted": wanted, "out": name})
        command = [sys.executable, "-m", "benchmarks.fetching", "one"]
        done = subprocess.run(command, input=job, text=True, check=True, stdout=subprocess.PIPE)
        n_files = sum(1 for path in Path(name).rglob("*") if path.is_file() and "fetch" not in path.parts[-2:-1])
        assert n_files == len(wanted), (client, n_files, len(wanted))
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def run_job() -> None:
    """Runs one client on the job from stdin and prints its measurements."""
    job = json.loads(sys.stdin.read())
    began = time.monotonic()
    CLIENTS[job["client"]](job["host"], [tuple(item) for item in job["wanted"]], Path(job["out"]))
    seconds = time.monotonic() - began
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(u.ru_utime + u.ru_stime for u in used)
    # ru_maxrss includes the parent before the exec; VmHWM covers this program alone.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024
    if job["client"] == "s5cmd":
        peak = float("nan")  # it ran in its own process
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak": peak}))


def fetching(repeats: int) -> list[str]:
    """Measures all clients and returns the section of docs/benchmarks.md."""
    if not shutil.which("nginx") and not Path("/usr/sbin/nginx").exists():
        return ["", "## Fetching", "", "Not measured: nginx is not installed."]
    tree = cloud(2000)
    wanted = objects(tree, OBJECTS)
    size = sum((tree / key).stat().st_size for key, _ in wanted) / 1e6
    clients = [name for name in CLIENTS if name != "s5cmd" or shutil.which("s5cmd")]
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in clients}
    with nginx(tree) as host:
        for _ in range(repeats):
            for name in clients:
                runs[name].append(measured(name, host, wanted))
        small = {name: measured(name, host, wanted[: OBJECTS // 5])["peak"] for name in clients}
    lines = ["", "## Fetching", "", f"{len(wanted):,} objects of {size:,.0f} MB in total from nginx on loopback, "]
    lines[-1] += f"{CONNECTIONS} connections; times per 10,000 objects, CPU of the client only."
    lines += [
        "",
        "| client | CPU s | relative to boto3 | wall s | peak MB, all objects | peak MB, a fifth of them | checks |",
    ]
    lines += ["|---|---|---|---|---|---|---|"]
    scale = 10_000 / len(wanted)
    medians = {name: _medians(of_client) for name, of_client in runs.items()}
    for name, median in medians.items():
        ratio = median["cpu"] / medians["boto3"]["cpu"]
        cells = [name, f"{median['cpu'] * scale:.1f}", f"{ratio:.2f}", f"{median['seconds'] * scale:.1f}"]
        cells += [_mb(median["peak"]), _mb(small[name]), CHECKS[name]]
        lines.append(f"| {' | '.join(cells)} |")
    if "s5cmd" not in clients:
        lines += ["", "s5cmd was not available."]
    return [
        *lines,
        "",
        "Target: no more CPU than boto3 with a thread pool, with all checks enabled; constant memory.",
    ]


def _medians(runs: list[dict[str, float]]) -> dict[str, float]:
    return {figure: statistics.median(run[figure] for run in runs) for figure in runs[0]}


def _mb(peak: float) -> str:
    return "" if peak != peak else f"{peak:.0f}"


# --- plan, run, update -----------------------------------------------------------------------------------------


def whole(n: int = 2000, first: int = 1500) -> None:
    """Measures the three commands, kills and an update against moto's S3 server, and prints the results."""
    from tests.bucket import Proxy, serving

    tree = cloud(n)
    keys = sorted(path.name for path in tree.glob("PMC*"))
    here = Path(tempfile.mkdtemp())
    with serving() as bucket, Proxy(bucket.endpoint) as proxy:
        for key in keys[:first]:
            _put(bucket, tree, key)
        bucket.put_inventory("2025-11-20T01-00Z")
        plan = ["fetch", "plan", "articles", "--endpoint", proxy.endpoint, "--contact", "bench@example.org"]
        for words in (plan, ["fetch", "run", "articles"], ["run", "articles.toml"]):
            _timed(here, words)
        old = here / "releases" / "2025"
        shutil.copytree(here / "articles-run" / "release", old)
        changes = _change(bucket, old)
        for key in keys[first:]:
            _put(bucket, tree, key)
        bucket.put_inventory("2026-11-20T01-00Z")
        proxy.clear_records()
        report = json.loads(_timed(here, ["fetch", "update", "articles", "--json"]).partition("\nnext:")[0])
        print({kind: len(report[kind]) for kind in ("new", "changed", "removed", "retracted", "relicensed")})
        assert all([changed["article"] for changed in report[kind]] == articles for kind, articles in changes.items())
        touched = {article for articles in changes.values() for article in articles}
        downloaded = [key for key in proxy.requests if key.startswith("PMC")]
        of_touched = [key for key in downloaded if key.partition(".")[0] in touched]
        of_others = [key for key in downloaded if key.split("/")[0] in keys[:first] and key not in of_touched]
        print(f"downloaded: {len(of_touched)} objects of changed articles, {len(of_others)} of unchanged ones")
        recipe = here / "articles.toml"
        recipe.write_text(recipe.read_text().replace("[run]\n", '[run]\nprevious = "releases/2025"\n'))
        _timed(here, ["run", "articles.toml"])
        difference = json.loads(_timed(here, ["diff", str(old), "articles-run/release", "--json"]))
        removed = {image["article"] for image in difference["removed"]}
        all_listed = removed == touched - set(changes["changed"])
        print(f"removed: {len(removed)} articles, all listed: {all_listed}, moved: {difference['moved_splits']}")
        _timed(here, ["fetch", "verify", "articles"])
        _killed(proxy, plan)
    shutil.rmtree(here)


def _killed(proxy: Any, plan: list[str]) -> None:
    """Compares the three commands uninterrupted and killed 20 times: tree, release and objects fetched twice."""
    roots = [Path(tempfile.mkdtemp()) for _ in range(2)]
    kills, chance = 0, random.Random(1)
    for root, most in zip(roots, (0, 20), strict=True):
        proxy.clear_records()
        for words in (plan, ["fetch", "run", "articles"], ["run", "articles.toml"]):
            while True:
                command = [sys.executable, "-m", "roco", *words]
                process = subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                try:
                    process.communicate(timeout=2 + 6 * chance.random() if kills < most else None)
                    assert process.returncode == 0, words
                    break
                except subprocess.TimeoutExpired:
                    kills += 1
                    process.kill()
                    process.wait()
    twice = sum(n - 1 for key, n in proxy.complete.items() if key.startswith(("PMC", "metadata/")))
    one, other = (_digests(root / "articles") | _digests(root / "articles-run" / "release") for root in roots)
    print(f"killed {kills} times: same bytes: {one == other}, {len(one):,} files, {twice} objects downloaded twice")
    for root in roots:
        shutil.rmtree(root)


def _digests(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    named = {path.relative_to(folder.parent).as_posix(): path for path in files}
    return {name: hashlib.sha256(p.read_bytes()).hexdigest() for name, p in named.items() if "/fetch/" not in name}


def _timed(here: Path, words: list[str]) -> str:
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "roco", *words], cwd=here, capture_output=True, text=True)
    print(f"roco {' '.join(words[:3])}: {time.monotonic() - began:.1f} s, exit {done.returncode}")
    if done.returncode or "--json" not in words:
        print("  " + "\n  ".join((done.stdout + done.stderr).splitlines()[:12]))
    return done.stdout


def _put(bucket: Any, tree: Path, key: str) -> None:
    for path in sorted((tree / key).iterdir()):
        bucket.put(f"{key}/{path.name}", path.read_bytes())
    bucket.put(f"metadata/{key}.json", (tree / key / f"{key}.json").read_bytes())


def _change(bucket: Any, old: Path) -> dict[str, list[str]]:
    """Changes 20, removes 5, retracts 5 and relicenses 5 of the articles that have images in the release."""
    import pyarrow.parquet as pq

    from tests.sources.fetch.test_end_to_end import change

    kept = sorted(set(pq.read_table(old / "figures.parquet", columns=["pmcid"])["pmcid"].to_pylist()))
    changes = {"changed": kept[:20], "removed": kept[20:25], "retracted": kept[25:30], "relicensed": kept[30:35]}
    change(bucket, changes)
    return changes


if __name__ == "__main__":
    if sys.argv[1:] == ["one"]:
        run_job()
    elif sys.argv[1:2] == ["whole"]:
        whole(*map(int, sys.argv[2:]))
    else:
        print("\n".join(fetching(3)))
