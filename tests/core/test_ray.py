"""Workers on a Ray cluster of several nodes: whatever ends on the way, the files are those of a run without workers."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from roco.base.errors import DataError
from roco.core import execute, nodes
from roco.core import ray as on_ray
from roco.core.folder import RunFolder
from roco.core.job import Loss
from tests.core.conftest import everything, run
from tests.core.test_crash import DECODER, HurriedClock, crashed, with_images
from tests.faults import stages
from tests.faults.drive import drive, kept, pipeline, read, script, started, write_articles
from tests.waits import wait_until

pytestmark = pytest.mark.slow

N = 30  # five parts
ON_RAY = {"workers": 2, "executor": "ray"}


class Nodes:
    """A cluster on this machine; each of its nodes has a raylet of its own and room for one worker."""

    def __init__(self, folder: Path) -> None:
        utils = pytest.importorskip("ray.cluster_utils", reason="pip install '.[ray]'")
        Path("/tmp/ray").mkdir(exist_ok=True)  # Ray writes the address of the cluster there, but does not create it
        self.cluster = utils.Cluster()
        self.options: dict[str, Any] = {"object_store_memory": 80 << 20, "include_log_monitor": False, "num_cpus": 1}
        self.add(temp_dir=str(folder), include_dashboard=False, no_monitor=True)

    def add(self, **options: Any) -> Any:
        """Adds a node; on a loaded machine, Ray may give up before it has started."""
        for attempt in range(10):
            try:
                return self.cluster.add_node(**self.options, **options)
            except Exception:
                if attempt == 9:
                    raise
                if "temp_dir" in options:  # the head, which is kept although it did not start
                    self.cluster.shutdown()
                    self.cluster.head_node = None
                    _kill_all(options["temp_dir"])
        return None

    def kill(self, node: Any) -> None:
        self.cluster.remove_node(node, allow_graceful=False)


def _kill_all(folder: str) -> None:
    """Kills processes of a head that did not start: Ray has forgotten them, and they would keep the processors busy."""
    import psutil

    for process in psutil.process_iter(["cmdline"]):
        if any(folder in word for word in process.info["cmdline"] or ()):
            process.kill()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Two nodes; RAY_ADDRESS refers to them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_AUTH_MODE", "disabled")
        folder = Path(f"/tmp/roco-test-ray-{os.getpid()}")  # paths of sockets must be short
        nodes = Nodes(folder)
        nodes.add()
        patch.setenv("RAY_ADDRESS", nodes.cluster.address)
        yield nodes
        nodes.cluster.shutdown()


@pytest.fixture(scope="module")
def articles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_articles(tmp_path_factory.mktemp("ray") / "articles", N)


@pytest.fixture(scope="module")
def undisturbed(articles: Path) -> dict[str, bytes]:
    drive(articles, articles.with_name("undisturbed"))
    return kept(articles.with_name("undisturbed"))


@pytest.fixture
def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file; as long as it exists, workers wait in the middle of a part."""
    monkeypatch.setenv("ROCO_TEST_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("ROCO_TEST_HOLD", str(tmp_path / "hold"))
    (tmp_path / "hold").touch()
    return tmp_path / "hold"


def both_are_busy(log: Path) -> bool:
    return read(log)["words"] > 0 and read(log)["read"] >= 14


def worker_processes(log: Path) -> list[int]:
    """The worker processes, on any node, that write to this log."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (folder / "cmdline").read_bytes().split(b"\0")
            if b"roco.core.worker" in command and f"ROCO_TEST_LOG={log}".encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
    return sorted(found)


def parent(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


def log_of(folder: Path) -> str:
    return (folder / "log" / "run.log").read_text()


def test_a_run_on_two_nodes_writes_the_files_of_a_run_without_workers(
    cluster: Nodes, articles: Path, undisturbed: dict[str, bytes], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    drive(articles, tmp_path / "run", workers=None, executor="ray")
    assert kept(tmp_path / "run") == undisturbed
    assert capfd.readouterr() == ("", "")
    assert not list((tmp_path / "run").glob(".node-check*"))


def test_the_files_are_the_same_if_actors_and_worker_processes_are_killed(
    cluster: Nodes, articles: Path, undisturbed: dict[str, bytes], tmp_path: Path, held: Path
) -> None:
    log = tmp_path / "log"
    with started(articles, tmp_path / "run", **ON_RAY) as driver:
        wait_until(lambda: both_are_busy(log))
        first, second = worker_processes(log)
        os.kill(parent(first), signal.SIGKILL)
        wait_until(lambda: first not in worker_processes(log), "the end of the process of a killed actor")
        os.kill(second, signal.SIGKILL)
        held.unlink()
        _, errors = driver.communicate()
    assert driver.returncode == 0, errors
    assert kept(tmp_path / "run") == undisturbed
    assert "was lost, and the part is tried again: node" in log_of(tmp_path / "run")
    assert "exit code -9" in log_of(tmp_path / "run")


def test_the_files_are_the_same_if_a_node_is_killed_and_another_one_joins(
    cluster: Nodes, articles: Path, undisturbed: dict[str, bytes], tmp_path: Path, held: Path
) -> None:
    with started(articles, tmp_path / "run", **ON_RAY) as driver:
        wait_until(lambda: both_are_busy(tmp_path / "log"))
        cluster.kill(next(iter(cluster.cluster.worker_nodes)))
        wait_until(lambda: "was lost" in log_of(tmp_path / "run"))
        cluster.add()
        wait_until(lambda: len(worker_processes(tmp_path / "log")) == 2, "a worker on the new node")
        held.unlink()
        _, errors = driver.communicate()
    assert driver.returncode == 0, errors
    assert kept(tmp_path / "run") == undisturbed


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM], ids=["killed", "interrupted", "terminated"]
)
def test_a_driver_that_ends_takes_its_workers_with_it_and_the_next_one_resumes(
    cluster: Nodes, articles: Path, undisturbed: dict[str, bytes], tmp_path: Path, held: Path, number: signal.Signals
) -> None:
    log = tmp_path / "log"
    with started(articles, tmp_path / "run", **ON_RAY) as driver:
        wait_until(lambda: both_are_busy(log))
        driver.send_signal(number)
        driver.communicate()
    assert driver.returncode in (-number, 1)
    wait_until(lambda: not worker_processes(log), "the end of the workers")
    held.unlink()
    drive(articles, tmp_path / "run", **ON_RAY)
    assert kept(tmp_path / "run") == undisturbed


@pytest.mark.parametrize("data", ["CRASH", "HUGE", "HANG"])
def test_an_image_that_kills_its_worker_is_dropped_as_in_a_local_run(
    cluster: Nodes, tmp_path: Path, data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROCO_TEST_LOG", str(tmp_path / "log"))
    monkeypatch.setattr(execute, "time", SimpleNamespace(monotonic=HurriedClock(tmp_path / "log")))
    articles = write_articles(tmp_path / "articles", 9)
    with_images(articles, 4, a=data)
    for name, options in (("local", {"workers": 1}), ("ray", {**ON_RAY, "workers": 1})):
        made = pipeline(articles, read=stages.Read(), look=stages.Look())
        run(made, tmp_path / name, part_size=7, **options)
    assert crashed(tmp_path / "ray") == {"A004/f0/0": DECODER}
    assert kept(tmp_path / "ray") == kept(tmp_path / "local")


def test_a_node_without_the_run_folder_is_an_error_that_names_it(
    cluster: Nodes, articles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = nodes.token_file
    monkeypatch.setattr(nodes, "token_file", lambda folder: real(tmp_path / "elsewhere"))
    with pytest.raises(DataError, match=r"the run folder .*run is not shared with node \S+ \(\S+\)"):
        drive(articles, tmp_path / "run", **ON_RAY)


def test_workers_without_room_are_reported_with_what_they_ask_for(
    cluster: Nodes, articles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_ray, "PLACEMENT_TIMEOUT", 0.0)
    reports: list[str] = []
    monkeypatch.setattr(on_ray.LOG, "warning", lambda text, *values: reports.append(text % values))
    heavy = pipeline(articles, look=Heavy())
    pool = on_ray.RayPool(RunFolder(tmp_path / "run", heavy), None)
    assert pool.size == 1  # a cluster may add a node that has room
    process = pool.start()
    wait_until(lambda: [pool.wait(0.1), reports][1])
    process.kill()
    process.close()
    pool.close()
    [report] = reports
    assert report.startswith("1 of 1 workers wait for room on the Ray cluster: each asks for 1 CPU, 1048576.0 GiB")
    assert "its nodes (2) have 2 CPUs" in report


class Heavy(stages.Look):
    """Asks for a pebibyte."""

    heavy = 1 << 50


def test_a_worker_that_ray_ends_for_want_of_memory_is_lost_out_of_memory() -> None:
    exceptions = pytest.importorskip("ray.exceptions", reason="pip install '.[ray]'")
    process = on_ray.RayProcess(SimpleNamespace(node=SimpleNamespace(remote=lambda: None)))
    process._after_error(exceptions.OutOfMemoryError("the node is running low on memory\nmore about the node"))
    assert process.lost == Loss("the node is running low on memory", out_of_memory=True)
    process._after_error(exceptions.ActorDiedError())
    assert process.lost == Loss("The actor died unexpectedly before finishing this task.")


def test_without_an_address_a_cluster_is_started_for_the_run_and_leaves_nothing_behind(
    articles: Path, undisturbed: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray", reason="pip install '.[ray]'")
    for name in ("RAY_ADDRESS", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TMPDIR", f"/tmp/roco-t{os.getpid()}")
    Path(os.environ["TMPDIR"]).mkdir()
    done = script(articles, tmp_path / "run", **ON_RAY)
    for _ in range(9):
        if "cannot start Ray on this machine" not in done.get("message", ""):
            break
        done = script(articles, tmp_path / "run", **ON_RAY)  # Ray has a limit of 30 s, too short for a loaded machine
    assert (done["code"], done["stderr"]) == (0, "")
    assert kept(tmp_path / "run") == undisturbed
    Path(os.environ["TMPDIR"]).rmdir()  # which fails if something is in it
    assert not (tmp_path / "home").exists()


def test_a_second_run_on_ray_with_nothing_to_do_does_not_connect(
    articles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray", reason="pip install '.[ray]'")
    drive(articles, tmp_path / "run")
    before = everything(tmp_path / "run")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    drive(articles, tmp_path / "run", **ON_RAY)
    assert everything(tmp_path / "run") == before
