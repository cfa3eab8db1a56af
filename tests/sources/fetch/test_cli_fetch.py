"""`roco fetch` as its users give it: one clear line for each thing that is wrong, and the next command."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

import roco.cli.main
from roco.cli.screen_fetch import Transfer, duration, size
from roco.sources.fetch import verbs
from tests.bucket import Bucket, Fault, Proxy
from tests.sources.fetch.articles import NEW, OLD, put
from tests.sources.fetch.conftest import QUICK


class Said(NamedTuple):
    code: int
    out: str
    err: str


Give = Callable[..., Said]


@pytest.fixture
def give(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Give:
    """Gives a command in an empty folder, without waiting between tries."""
    made = verbs.Wire
    monkeypatch.setattr(verbs, "Wire", lambda *a, patience=None, **k: made(*a, patience=patience or QUICK, **k))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ROCO_CONTACT", raising=False)
    monkeypatch.setattr("signal.signal", lambda *_: None)

    def command(*words: object) -> Said:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["roco", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            roco.cli.main.main()
        found = capsys.readouterr()
        assert "Traceback" not in found.out + found.err
        code = ended.value.code
        return Said(code if isinstance(code, int) else 0, found.out, found.err)

    return command


def plan(bucket: Bucket | str, *more: object) -> list[object]:
    endpoint = bucket if isinstance(bucket, str) else bucket.endpoint
    return ["fetch", "plan", "articles", "--endpoint", endpoint, "--contact", "me@example.org", *more]


def test_three_commands_and_what_each_says(bucket: Bucket, give: Give, tmp_path: Path) -> None:
    put(bucket, "PMC1.1")
    put(bucket, "PMC2.1", license_code="CC BY-ND")
    bucket.inventory(OLD)
    said = give(*plan(bucket))
    assert said.code == 0
    assert f"snapshot {OLD}" in said.out
    assert "2 articles in 2 versions" in said.out
    assert "1  left out: of another licence" in said.out
    assert "to fetch: 1 article, at most 4 files" in said.out
    assert "next: roco fetch run articles" in said.err
    said = give("fetch", "run", "articles")
    assert "fetched: 1 article, 3 files" in said.out
    assert "next: roco run articles.toml" in said.err
    recipe = tomllib.loads((tmp_path / "articles.toml").read_text())
    assert recipe["source"] == {"kind": "cloud", "path": "articles"}
    assert give("run", "articles.toml", "--workers", 0).code == 0
    assert "all is as it was fetched" in give("fetch", "verify", "articles").out
    assert json.loads(give("fetch", "run", "articles", "--json").out)["there"] == 1


def test_a_recipe_that_is_there_is_left_as_it_is(bucket: Bucket, give: Give, tmp_path: Path) -> None:
    put(bucket, "PMC1.1")
    bucket.inventory(OLD)
    (tmp_path / "articles.toml").write_text("mine")
    give(*plan(bucket))
    assert (tmp_path / "articles.toml").read_text() == "mine"


def test_ids_that_there_are_not_are_a_line_each_and_the_others_are_planned(bucket: Bucket, give: Give) -> None:
    put(bucket, "PMC1.1")
    put(bucket, "PMC2.1")
    said = give(*plan(bucket, "--ids", "PMC1,PMC9", "--ids", "PMC2.3"))
    assert said.code == 1
    assert said.err.splitlines()[:2] == [
        "error: PMC9: the bucket has no such article",
        "error: PMC2.3: the bucket has no such version; it has 1",
    ]
    assert "to fetch: 1 article" in said.out
    assert give("fetch", "run", "articles").code == 0


def test_an_update_names_each(bucket: Bucket, give: Give) -> None:
    put(bucket, "PMC1.1")
    put(bucket, "PMC2.1")
    bucket.inventory(OLD)
    give(*plan(bucket))
    give("fetch", "run", "articles")
    put(bucket, "PMC1.1", is_retracted=True)
    put(bucket, "PMC2.1", license_code="CC BY-ND")
    put(bucket, "PMC3.1")
    bucket.inventory(NEW)
    dry = give("fetch", "update", "articles", "--dry")
    for words in ("1  new", "1  retracted", "PMC1  retracted", "PMC2  CC-BY -> CC-BY-ND"):
        assert words in dry.out
    said = give("fetch", "update", "articles")
    assert said.code == 0
    assert "fetched: 3 articles, 3 files" in said.out


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (["plan", "a"], 2, "error: PMC asks who you are"),
        (["plan", "a", "--contact", "nobody"], 2, "error: 'nobody' is no address of mail"),
        (["plan", "a", "--contact", "m@x.org", "--license", "CC-BY-NA"], 2, "error: there is no licence 'CC-BY-NA'"),
        (["plan", "a", "--contact", "m@x.org", "--ids", "hello"], 2, "error: 'hello' is no PMCID, nor a file"),
        (["plan", "a", "--contact", "m@x.org", "--ids", "1", "--snapshot", "2026"], 2, "error: --ids are asked for"),
        (["plan", "a", "--contact", "m@x.org", "--endpoint", "bucket"], 2, "error: 'bucket' is no address of a bucket"),
        (["plan", "a", "--contact", "m@x.org", "--connections", "500"], 2, "error: 500 connections"),
        (["plan", "a", "--contact", "m@x.org", "--endpoint", "http://127.0.0.1:9"], 1, "error: 127.0.0.1:9 cannot be"),
        (["plan", "a", "--contact", "m@x.org", "--from", "2021", "--to", "2020"], 2, "error: no year is from 2021"),
        (["run", "a"], 1, "error: there is no plan in a"),
        (["update", "a"], 1, "error: there is no plan in a"),
        (["verify", "a"], 1, "error: there are no receipts in a"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line_with_a_way_out(give: Give, words: list[str], code: int, line: str) -> None:
    said = give("fetch", *words)
    assert said.code == code
    first, hint = said.err.splitlines()[:2]
    assert first.startswith(line)
    assert hint.startswith("  ")
    assert said.out == ""


def test_a_proxy_that_answers_pages_is_one_line(bucket: Bucket, give: Give) -> None:
    put(bucket, "PMC1.1")
    bucket.inventory(OLD)
    with Proxy(bucket.endpoint) as proxy:
        proxy.rule = lambda key, n: Fault(
            status=200, headers={"Content-Type": "text/html"}, body=b"<html>Log in</html>"
        )
        said = give(*plan(proxy.endpoint))
        assert (said.code, said.out) == (1, "")
        assert "is there a proxy?" in said.err.splitlines()[0]


def test_an_inventory_cut_short_is_one_line(bucket: Bucket, give: Give) -> None:
    put(bucket, "PMC1.1")
    bucket.inventory(OLD, wrong="cut")
    said = give(*plan(bucket))
    assert said.code == 1
    assert said.err.startswith("error: no inventory snapshot is complete")


def test_the_progress_tells_files_speed_and_time_left(monkeypatch: pytest.MonkeyPatch, capsys: object) -> None:
    clock = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    progress = Transfer()
    progress.begin(10, 40, 1000)
    for _ in range(5):
        clock[0] += 7
        progress.file(700_000)
        progress.article()
    assert progress.words(clock[0]) == "5 files, 100.0 kB/s, about 35 s left"
    progress.close()


def test_numbers_as_people_say_them() -> None:
    sizes = {0: "0 bytes", 999: "999 bytes", 1500: "1.5 kB", 2e9: "2.0 GB", 22e12: "22.0 TB"}
    assert {n: size(n) for n in sizes} == sizes
    assert [duration(s) for s in (5, 600, 86_400)] == ["5 s", "10 min", "24.0 h"]
