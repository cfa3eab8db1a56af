"""A run over a corpus of attacks: it ends, every attack is a row, and nothing else is read, written or shown."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.attacks import SECRET, Attack, article, corpus, jpeg, packed, tar

SECONDS = 90.0
MEGABYTES = 1200.0

# Told by Python itself of every file that this process opens, makes or removes, however it does so.
WATCH = """
import json, os, resource, sys, time
seen = {"read": set(), "written": set(), "other": set()}
def hear(event, args):
    if event == "open" and isinstance(args[0], (str, bytes)):
        path, flags = os.fsdecode(args[0]), args[2] or 0
        seen["written" if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) else "read"].add(os.path.realpath(path))
    elif event in ("os.mkdir", "os.rename", "os.symlink", "os.link", "os.remove", "os.chmod", "shutil.rmtree"):
        seen["written"].update(os.path.realpath(os.fsdecode(a)) for a in args[:2] if isinstance(a, (str, bytes)))
    elif event.startswith(("os.system", "subprocess", "os.exec", "os.posix_spawn", "socket.connect", "socket.getaddr")):
        seen["other"].add(f"{event} {args[:2]!r}")
import roco
recipe = roco.load_recipe(sys.argv[1])
sys.addaudithook(hear)
started = time.monotonic()
recipe.run(workers=0)
seconds = time.monotonic() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "peak": peak, **{k: sorted(v) for k, v in seen.items()}}))
"""


class Done(NamedTuple):
    """What was seen of the one run: the attacks, all rows of figures, what the process did, and where it lies."""

    attacks: list[Attack]
    rows: dict[str, list[dict[str, Any]]]
    watched: dict[str, Any]
    root: Path


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    root = tmp_path_factory.mktemp("attacked")
    secret = root / "outside" / "secret.jpg"
    secret.parent.mkdir()
    secret.write_text(SECRET)
    attacks = corpus(secret)
    for attack in attacks:
        path = root / "source" / attack.name.replace(".", "-") / attack.name
        path.parent.mkdir(parents=True)
        path.write_bytes(attack.data)
    for name in ("0-first", "z-last"):
        good = root / "source" / name / f"{name}.tar.gz"
        good.parent.mkdir()
        good.write_bytes(packed(tar({"a/a.nxml": article(), "a/f1.jpg": jpeg()})))
    recipe = root / "attacked.toml"
    recipe.write_text('[run]\nfolder = "run"\nbase = "rocov2"\n[source]\nkind = "folder"\npath = "source"\n')
    ran = subprocess.run([sys.executable, "-c", WATCH, str(recipe)], capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr[-3000:]
    return Done(attacks, _rows(root / "run"), json.loads(ran.stdout), root)


def _rows(run: Path) -> dict[str, list[dict[str, Any]]]:
    """All rows by the archive they came from, with the stage they left at; null for those released."""
    found: dict[str, list[dict[str, Any]]] = {}
    (extracted,) = [pa.concat_tables(map(pq.read_table, sorted((run / "measures").glob("extract-*/*.parquet"))))]
    decided = pa.concat_tables(map(pq.read_table, sorted((run / "decisions").glob("rows-*/*.parquet"))))
    left = {row["figure_id"]: row for row in decided.to_pylist()}
    for row in extracted.to_pylist():
        end = left[row["figure_id"]]
        found.setdefault(row["archive"], []).append(row | {k: end[k] for k in ("stage", "drop", "drop_detail")})
    return found


def _place(attack: Attack) -> str:
    return f"{attack.name.replace('.', '-')}/{attack.name}"


def test_every_attack_is_a_row_that_left_for_its_reason_or_a_figure_like_any_other(done: Done) -> None:
    wrong = []
    for attack in done.attacks:
        ends = [(r["stage"], r["drop"], r["drop_detail"] or "") for r in done.rows.get(_place(attack), [])]
        if attack.drop == "":  # refused or read without what it asked for: both are right
            fits = bool(ends)
        elif attack.stage is None:
            fits = any(drop is None for _, drop, _ in ends)
        else:
            fits = any(s == attack.stage and d == attack.drop and re.search(attack.detail, t) for s, d, t in ends)
        if not fits:
            wrong.append((attack.name, ends))
    assert wrong == []


def test_the_articles_beside_the_attacks_are_released(done: Done) -> None:
    for name in ("0-first", "z-last"):
        assert [row["drop"] for row in done.rows[f"{name}/{name}.tar.gz"]] == [None]


def test_the_run_takes_bounded_time_and_memory(done: Done) -> None:
    assert done.watched["seconds"] < SECONDS
    assert done.watched["peak"] < MEGABYTES


def test_nothing_outside_of_the_source_is_read_and_nothing_outside_of_the_run_is_written(done: Done) -> None:
    root, temporary = str(done.root.resolve()), str(Path(tempfile.gettempdir()).resolve())
    inside = [p for p in done.watched["read"] if p.startswith(root)]
    assert inside and all(p.startswith((f"{root}/source", f"{root}/run", f"{root}/attacked.toml")) for p in inside)
    own = [p for p in done.watched["written"] if not p.startswith(f"{root}/run")]
    strays = [p for p in own if not (p.startswith(temporary) and re.fullmatch(r"tmp\w{8}|#\d+.*", Path(p).name))]
    assert [p for p in strays if p not in ("/dev/null", temporary)] == []
    assert not [p for p in done.watched["read"] if p in ("/etc/passwd", "/etc/passwd.jpg")]
    # The run notes the commit that it was made with; nothing else is started, and nobody is called.
    assert [
        said for said in done.watched["other"] if not said.startswith("subprocess.Popen ('git', ['git', '-C',")
    ] == []
    assert sorted(p.name for p in done.root.iterdir()) == ["attacked.toml", "outside", "run", "source"]
    assert [p.name for p in (done.root / "outside").iterdir()] == ["secret.jpg"]


def test_the_words_of_a_file_outside_are_nowhere(done: Done) -> None:
    assert SECRET not in repr(done.rows)
    for path in (done.root / "run").rglob("*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes(), path


@pytest.mark.parametrize("verb", [("status",), ("report",), ("report", "--articles"), ("status", "--json")])
def test_no_control_character_reaches_the_terminal(done: Done, verb: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "roco", verb[0], str(done.root / "attacked.toml"), *verb[1:]]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert said.returncode == 0, said.stderr
    assert _strange(said.stdout + said.stderr) == set()


def test_no_control_character_of_a_figure_is_shown(done: Done) -> None:
    for name in ("escapes-in-names-tar-gz", "bidi-tar-gz", "control-tar-gz", "script-tar-gz"):
        (place,) = [p for p in done.rows if p.startswith(name)]
        for more in ((), ("--json",)):
            command = [sys.executable, "-m", "roco", "show", str(done.root / "attacked.toml"), place, *more]
            said = subprocess.run(command, capture_output=True, text=True, timeout=60)
            assert said.returncode == 0, said.stderr
            assert _strange(said.stdout + said.stderr) == set(), name


def _strange(text: str) -> set[str]:
    return {c for c in text if c != "\n" and not c.isprintable()}


def test_the_release_holds_no_control_characters_and_is_whole(done: Done) -> None:
    release = done.root / "run" / "release"
    command = [sys.executable, "-m", "roco", "verify", str(release)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert said.returncode == 0, said.stdout[-2000:]
    captions = pq.read_table(release / "figures.parquet", columns=["caption"])["caption"].to_pylist()
    assert _strange("".join(captions)) == set()
