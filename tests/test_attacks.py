"""Runs a recipe over attacks: each attack becomes a row, and nothing outside is read, written or contacted."""

from __future__ import annotations

import http.server
import itertools
import json
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from roco.recipes.shipped import shipped
from tests.attacks import RELEASED, Attack, Trap
from tests.attacks.compressed import BZIP2_TARS, COMPRESSED_XML, PLAIN_TARS, XZ_TARS
from tests.attacks.documents import ADDRESSES, DOCUMENTS, TEXTS
from tests.attacks.metadata import METADATA
from tests.attacks.packing import article, image, package
from tests.attacks.pictures import PICTURES
from tests.attacks.tars import GZIPS, TARS
from tests.attacks.zips import ZIPS
from tests.demo import without_filters
from tests.waits import PATIENCE

pytestmark = pytest.mark.slow

SECRET = "the text of a file outside the source"
CPU_SECONDS = 120.0  # of this process alone: about ten times what the run takes
MEGABYTES = 700.0

# An audit hook records every file that this process opens, creates or removes, whatever library does it.
WATCH = """
import json, os, re, resource, sys, tempfile, time
tempfile.gettempdir()
seen = {"read": set(), "written": set(), "other": set()}
def record(event, args):
    if event == "open" and isinstance(args[0], (str, bytes)):
        path, flags = os.fsdecode(args[0]), args[2] or 0
        seen["written" if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) else "read"].add(os.path.realpath(path))
    elif event in ("os.mkdir", "os.rename", "os.symlink", "os.link", "os.remove", "os.chmod", "shutil.rmtree"):
        seen["written"].update(os.path.realpath(os.fsdecode(a)) for a in args[:2] if isinstance(a, (str, bytes)))
    elif event.startswith(("os.system", "subprocess", "os.exec", "os.posix_spawn", "socket.connect", "socket.getaddr")):
        seen["other"].add(f"{event} {args[:2]!r}")
import roco
recipe = roco.load_recipe(sys.argv[1])
sys.addaudithook(record)
started = time.process_time()
recipe.run(workers=0)
seconds = time.process_time() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
if os.path.exists("/proc/self/status"):  # because ru_maxrss includes the parent process
    peak = int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1]) / 1024
print(json.dumps({"seconds": seconds, "peak": peak, **{k: sorted(v) for k, v in seen.items()}}))
"""


class Done(NamedTuple):
    """One run: rows of figures by attack, recorded events of the process, requests to the web server, folder."""

    rows: dict[str, list[dict[str, Any]]]
    events: dict[str, Any]
    calls: list[str]
    root: Path


class _Listener(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.calls.append(self.path)  # type: ignore[attr-defined]
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def listener() -> Iterator[http.server.HTTPServer]:
    """A web server that records all requests."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Listener)
    server.calls = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def trap(tmp_path_factory: pytest.TempPathFactory, listener: http.server.HTTPServer) -> Trap:
    folder = tmp_path_factory.mktemp("outside")
    (folder / "secret.txt").write_text(SECRET)
    (folder / "secret.jpg").write_bytes(image() + SECRET.encode())
    return Trap(folder / "secret.txt", folder / "secret.jpg", f"http://127.0.0.1:{listener.server_port}/")


def _run(root: Path, kind: str, listener: http.server.HTTPServer) -> Done:
    recipe = root / "attacked.toml"
    head = f'[run]\nfolder = "run"\n[source]\nkind = "{kind}"\npath = "source"\n\n'
    recipe.write_text(head + without_filters(shipped()["rocov2"].read_text(encoding="utf-8")))
    ran = subprocess.run([sys.executable, "-c", WATCH, str(recipe)], capture_output=True, text=True, timeout=PATIENCE)
    assert ran.returncode == 0, ran.stderr[-3000:]
    return Done(_rows(root / "run"), json.loads(ran.stdout), list(listener.calls), root)  # type: ignore[attr-defined]


def _rows(run: Path) -> dict[str, list[dict[str, Any]]]:
    """Returns all rows by their folder, with the stage that dropped them; null for released rows."""
    found: dict[str, list[dict[str, Any]]] = {}
    extracted = pa.concat_tables(map(pq.read_table, sorted((run / "measures").glob("extract-*/*.parquet"))))
    decided = pa.concat_tables(map(pq.read_table, sorted((run / "decisions").glob("rows-*/*.parquet"))))
    decisions = {row["figure_id"]: row for row in decided.to_pylist()}
    for row in extracted.to_pylist():
        decision = decisions[row["figure_id"]]
        folder = row["archive"].partition("/")[0].partition(".")[0]
        found.setdefault(folder, []).append(row | {k: decision[k] for k in ("stage", "drop", "drop_detail")})
    return found


PACKED = {"tar.gz": [*GZIPS, *TARS], "zip": ZIPS, "tar": PLAIN_TARS, "tar.bz2": BZIP2_TARS, "tar.xz": XZ_TARS}
LOOSE = [*DOCUMENTS, *ADDRESSES, *TEXTS]


def _slug(attack: Attack) -> str:
    return re.sub(r"\W+", "-", attack.name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, trap: Trap, listener: http.server.HTTPServer) -> Done:
    """A run over a folder of hostile packages, articles and images."""
    root = tmp_path_factory.mktemp("attacked")
    for end, attacks in PACKED.items():
        for attack in attacks:
            _put(root, _slug(attack), f"package.{end}", attack.make(trap))
    for attack in LOOSE:
        _put(root, _slug(attack), "article.nxml", attack.make(trap))
        _put(root, _slug(attack), "f1.jpg", image())
    for attack in COMPRESSED_XML:
        _put(root, _slug(attack), "article.nxml.gz", attack.make(trap))
        _put(root, _slug(attack), "f1.jpg", image())
    for attack in PICTURES:
        _put(root, _slug(attack), "package.tar.gz", package(f1_jpg=attack.make(trap)))
    for name in ("0-first", "z-last"):
        _put(root, name, "package.tar.gz", package())
    return _run(root, "folder", listener)


def _put(root: Path, slug: str, name: str, data: bytes) -> None:
    path = root / "source" / slug / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory, trap: Trap, listener: http.server.HTTPServer) -> Done:
    """A run over a cloud folder of hostile metadata."""
    root = tmp_path_factory.mktemp("cloud")
    for n, attack in enumerate(METADATA, 1):
        data = attack.make(trap)
        for code in ("utf-8", "utf-16-le"):
            data = data.replace("{n}".encode(code), str(n).encode(code))
        _put(root, f"PMC{n}.1", f"PMC{n}.1.json", data)
        _put(root, f"PMC{n}.1", f"PMC{n}.1.xml", article(number=n))
        _put(root, f"PMC{n}.1", "f1.jpg", image())
    return _run(root, "cloud", listener)


@pytest.fixture(params=["folder", "cloud"])
def done(request: pytest.FixtureRequest) -> Done:
    found: Done = request.getfixturevalue(request.param)
    return found


def _wrong(attack: Attack, rows: list[dict[str, Any]]) -> bool:
    if attack.outcome == RELEASED:
        return not any(row["drop"] is None for row in rows)
    return not any(r["drop"] == attack.outcome and (r["drop_detail"] or "").startswith(attack.detail) for r in rows)


def _outcomes(rows: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(row["stage"], row["drop"], row["drop_detail"]) for row in rows[:3]]


def test_every_attack_in_a_folder_is_dropped_with_its_reason_or_read_as_usual(folder: Done) -> None:
    attacks = [*itertools.chain(*PACKED.values()), *COMPRESSED_XML, *LOOSE, *PICTURES]
    assert len({_slug(attack) for attack in attacks}) == len(attacks)
    rows = {attack.name: folder.rows.get(_slug(attack), []) for attack in attacks}
    assert {a.name: _outcomes(rows[a.name]) for a in attacks if _wrong(a, rows[a.name])} == {}


def test_every_attack_in_metadata_is_dropped_with_its_reason_or_read_as_usual(cloud: Done) -> None:
    rows = {attack.name: cloud.rows.get(f"PMC{n}", []) for n, attack in enumerate(METADATA, 1)}
    assert {a.name: _outcomes(rows[a.name]) for a in METADATA if _wrong(a, rows[a.name])} == {}


def test_the_ordinary_articles_beside_the_attacks_are_released(folder: Done) -> None:
    for name in ("0-first", "z-last"):
        assert [row["drop"] for row in folder.rows[name]] == [None]


def test_time_and_memory_of_the_run_are_limited(done: Done) -> None:
    assert done.events["seconds"] < CPU_SECONDS
    assert done.events["peak"] < MEGABYTES


def test_no_file_outside_the_source_is_read_and_none_outside_the_run_is_written(done: Done, trap: Trap) -> None:
    root, temporary = str(done.root.resolve()), str(Path(tempfile.gettempdir()).resolve())
    inside = [p for p in done.events["read"] if p.startswith(root)]
    assert inside and all(p.startswith((f"{root}/source", f"{root}/run", f"{root}/attacked.toml")) for p in inside)
    away = {str(trap.text.resolve()), str(trap.image.resolve()), "/etc/passwd"}
    assert away.isdisjoint(done.events["read"])
    own = [p for p in done.events["written"] if not p.startswith(f"{root}/run")]
    strays = [p for p in own if not (p.startswith(temporary) and re.fullmatch(r"tmp\w{8}|#\d+.*", Path(p).name))]
    assert [p for p in strays if p not in ("/dev/null", temporary)] == []
    assert sorted(p.name for p in done.root.iterdir()) == ["attacked.toml", "run", "source"]
    assert sorted(p.name for p in trap.text.parent.iterdir()) == ["secret.jpg", "secret.txt"]


def test_no_program_is_started_and_no_host_is_contacted(done: Done) -> None:
    # The run records the commit of its code.
    git = "subprocess.Popen ('git', ['git', '-C',"
    assert [event for event in done.events["other"] if not event.startswith(git)] == []
    assert done.calls == []


def test_the_text_of_a_file_outside_the_source_is_not_in_the_run(done: Done) -> None:
    assert SECRET not in repr(done.rows)
    for path in (done.root / "run").rglob("*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes(), path


@pytest.mark.parametrize("verb", [("status",), ("articles",), ("articles", "--each"), ("status", "--json")])
def test_no_control_character_reaches_the_terminal(done: Done, verb: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "roco", verb[0], str(done.root / "attacked.toml"), *verb[1:]]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert finished.returncode == 0, finished.stderr
    assert _control_characters(finished.stdout + finished.stderr) == set()


@pytest.mark.parametrize(
    "name",
    ["escape sequences in a name", "control characters in the title", "right-to-left override",
     "an escape sequence that starts with one C1 character", "the end tag of a script", "a path as an id"],
)  # fmt: skip
def test_roco_show_prints_no_control_character_of_a_figure(folder: Done, name: str) -> None:
    (attack,) = [attack for attack in (*TARS, *LOOSE) if attack.name == name]
    place = folder.rows[_slug(attack)][0]["archive"]
    for more in ((), ("--json",)):
        command = [sys.executable, "-m", "roco", "show", str(folder.root / "attacked.toml"), place, *more]
        finished = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        assert finished.returncode == 0, finished.stderr
        assert _control_characters(finished.stdout + finished.stderr) == set(), name


def _control_characters(text: str) -> set[str]:
    return {c for c in text if c != "\n" and not c.isprintable()}


def test_the_release_contains_no_control_characters_and_is_valid(done: Done) -> None:
    release = done.root / "run" / "release"
    command = [sys.executable, "-m", "roco", "verify", str(release)]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert finished.returncode == 0, finished.stdout[-2000:]
    captions = pq.read_table(release / "figures.parquet", columns=["caption"])["caption"].to_pylist()
    assert _control_characters("".join(captions)) == set()
