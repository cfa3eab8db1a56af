"""Fixtures of all tests, the Hypothesis profile, and what a test needs besides roco: extras and the real material."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.demo import without_filters

SHARED = Path(os.environ.get("ROCO_SHARED", Path(__file__).parents[2] / "shared"))
NO_MATERIAL = "the real material is missing: set ROCO_SHARED to a folder with data/ and tools/"
NO_EXTRA = "the extra [neural] is missing: pip install '.[dev,dev-neural]'"

# Output has the same width everywhere: readline, which pytest imports, sets these variables for its worker processes.
for name in ("COLUMNS", "LINES"):
    os.environ.pop(name, None)

# No deadline and no check of speed: on a loaded machine both would fail tests of correct code. Each run draws other
# examples, so that half of the usual number is enough for one.
settings.register_profile(
    "roco",
    max_examples=50,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("roco")


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """Restores what this process does on Ctrl-C and SIGTERM: what it ignores, processes of later tests ignore, too."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-skips",
        choices=["extras", "all"],
        help="fail instead of skipping: where an extra is missing, or in all cases",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips tests whose real material or extra is missing; `--no-skips` turns such a skip into a failure."""
    has_material = (SHARED / "data").is_dir()
    has_neural = all(importlib.util.find_spec(name) for name in ("torch", "transformers", "bert_score"))
    for item in items:
        wants_material = "shared" in item.keywords or "shared" in getattr(item, "fixturenames", ())
        if wants_material and not has_material:
            item.add_marker(pytest.mark.skip(reason=NO_MATERIAL))
        if "neural" in item.keywords and not has_neural:
            item.add_marker(pytest.mark.skip(reason=NO_EXTRA))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Fails skipped tests, as far as `--no-skips` asks for it."""
    report = yield
    strict = item.config.getoption("--no-skips")
    if strict and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if strict == "all" or "pip install" in reason:
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid} was skipped, which --no-skips={strict} forbids: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """Fails modules that skip themselves for want of an extra where the tests that need it are what is run."""
    report = yield
    config = collector.config
    wants_neural = config.getoption("markexpr") not in ("", None) and "not neural" not in config.getoption("markexpr")
    if report.skipped and config.getoption("--no-skips") and wants_neural:
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} was skipped as a whole: {report.longrepr[2]}"
    return report


@pytest.fixture(scope="session")
def shared() -> Path:
    return SHARED


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that the first worker of pytest-xdist makes and that all of them read; it must not be changed.

    make: writes the folder, which does not exist yet.
    """
    own = factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder, done = shared / name, shared / f"{name}.done"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # another worker failed to make it
            make(folder)
            done.touch()
    return folder


@pytest.fixture(scope="session")
def composed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 composed articles in both layouts, with truth.csv; made once for all workers."""
    if not (SHARED / "tools").is_dir():
        pytest.skip(NO_MATERIAL)

    def compose(folder: Path) -> None:
        tool = SHARED / "tools" / "compose_packages.py"
        subprocess.run([sys.executable, tool, folder, "--articles", "120"], check=True, capture_output=True)

    return once(tmp_path_factory, "composed-120", compose)


def _demo(folder: Path) -> None:
    from roco.recipes.demo import write
    from roco.recipes.load import shipped

    write(folder, without_filters(shipped()["demo"].read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def unrun_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `roco init` with its recipe without filters, before any run; not to be changed."""
    return once(tmp_path_factory, "unrun-demo", _demo)


@pytest.fixture(scope="session")
def finished_demo(unrun_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `roco init` after `roco run` of its recipe without filters; not to be changed."""

    def make(folder: Path) -> None:
        from roco.recipes.load import load_recipe

        shutil.copytree(unrun_demo, folder)
        load_recipe(folder / "demo.toml").run(workers=0)

    # Each worker reads its own copy: an opened run holds locks.
    return shutil.copytree(once(tmp_path_factory, "finished-demo", make), tmp_path_factory.mktemp("demo") / "demo")
