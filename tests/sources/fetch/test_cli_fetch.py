"""The command line of `roco fetch`: what it prints, its errors, and the next command."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

import roco.cli.main
from roco.cli.fetch_tables import DownloadProgress, size
from roco.recipes.load import load_recipe
from roco.sources.fetch import commands
from tests.bucket import Bucket, Fault, Proxy
from tests.sources.fetch.articles import NEW, OLD, put
from tests.sources.fetch.conftest import QUICK


class Result(NamedTuple):
    """Exit code and output of a command."""

    code: int
    out: str
    err: str


Run = Callable[..., Result]


def error_of(result: Result) -> list[str]:
    """Returns the lines of the error, without the progress before it."""
    lines = result.err.splitlines()
    first = next((i for i, line in enumerate(lines) if line.startswith("error:")), len(lines))
    return lines[first:]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs commands in an empty folder, without waiting between tries."""
    client = commands.BucketClient
    monkeypatch.setattr(
        commands, "BucketClient", lambda *args, policy, **more: client(*args, policy=policy or QUICK, **more)
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ROCO_CONTACT", raising=False)
    monkeypatch.setattr("signal.signal", lambda *_: None)

    def command(*words: object) -> Result:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["roco", *map(str, words)])
        with pytest.raises(SystemExit) as exit:
            roco.cli.main.main()
        output = capsys.readouterr()
        assert "Traceback" not in output.out + output.err
        code = exit.value.code
        return Result(code if isinstance(code, int) else 0, output.out, output.err)

    return command


def plan(bucket: Bucket | str, *more: object) -> list[object]:
    endpoint = bucket if isinstance(bucket, str) else bucket.endpoint
    return ["fetch", "plan", "articles", "--endpoint", endpoint, "--contact", "me@example.org", *more]


def test_three_commands_lead_from_ids_to_a_release(bucket: Bucket, run: Run, tmp_path: Path) -> None:
    put(bucket, "PMC1.1")
    put(bucket, "PMC2.1", license_code="CC BY-ND")
    bucket.put_inventory(OLD)
    result = run(*plan(bucket))
    assert result.code == 0
    assert f"snapshot {OLD}" in result.out
    assert "2 articles in 2 versions" in result.out
    assert "1  excluded: other licence" in result.out
    assert "to download: 1 article, at most 4 files" in result.out
    assert "next: roco fetch run articles" in result.err
    result = run("fetch", "run", "articles")
    assert "downloaded: 1 article, 3 files" in result.out
    assert "next: roco run articles.toml" in result.err
    recipe = tomllib.loads((tmp_path / "articles.toml").read_text())
    assert recipe["source"] == {"kind": "cloud", "path": "articles"}
    result = run("run", "articles.toml", "--workers", 0)
    assert (result.code, "stage 'image' dropped the last 2 of 2 figures" in result.err) == (1, True)  # bytes, no images
    assert run("fetch", "verify", "articles").out == "OK: articles, all checks passed\n"
    assert json.loads(run("fetch", "run", "articles", "--json").out)["present"] == 1


def test_the_recipe_for_named_articles_keeps_rare_concepts(bucket: Bucket, run: Run, tmp_path: Path) -> None:
    put(bucket, "PMC1.1")
    run(*plan(bucket, "--ids", "PMC1"))
    recipe = load_recipe(tmp_path / "articles.toml")
    assert recipe.pipeline.step("cutoff").stage.options["more_than"] == 0


def test_an_existing_recipe_is_not_overwritten(bucket: Bucket, run: Run, tmp_path: Path) -> None:
    put(bucket, "PMC1.1")
    bucket.put_inventory(OLD)
    (tmp_path / "articles.toml").write_text("mine")
    run(*plan(bucket))
    assert (tmp_path / "articles.toml").read_text() == "mine"


def test_each_missing_id_is_an_error_and_the_others_are_planned(bucket: Bucket, run: Run) -> None:
    put(bucket, "PMC1.1")
    put(bucket, "PMC2.1")
    result = run(*plan(bucket, "--ids", "PMC1,PMC9", "--ids", "PMC2.3"))
    assert result.code == 1
    assert error_of(result)[:2] == [
        "error: PMC9: not in the bucket",
        "error: PMC2.3: not in the bucket; available: 1",
    ]
    assert "to download: 1 article" in result.out
    assert run("fetch", "run", "articles").code == 0


def test_an_update_lists_changed_articles(bucket: Bucket, run: Run) -> None:
    put(bucket, "PMC1.1")
    put(bucket, "PMC2.1")
    bucket.put_inventory(OLD)
    run(*plan(bucket))
    run("fetch", "run", "articles")
    put(bucket, "PMC1.1", is_retracted=True)
    put(bucket, "PMC2.1", license_code="CC BY-ND")
    put(bucket, "PMC3.1")
    bucket.put_inventory(NEW)
    dry = run("fetch", "update", "articles", "--dry")
    for words in ("1  new", "1  retracted", "PMC1  retracted", "PMC2  CC-BY -> CC-BY-ND"):
        assert words in dry.out
    result = run("fetch", "update", "articles")
    assert result.code == 0
    assert "downloaded: 3 articles, 3 files" in result.out


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (["plan", "a"], 2, "error: missing mail address"),
        (["plan", "a", "--contact", "nobody"], 2, "error: invalid mail address 'nobody'"),
        (["plan", "a", "--contact", "m@x.org", "--license", "CC-BY-NA"], 2, "error: unknown licence 'CC-BY-NA'"),
        (["plan", "a", "--contact", "m@x.org", "--ids", "hello"], 2, "error: neither a PMCID nor a file: 'hello'"),
        (["plan", "a", "--contact", "m@x.org", "--ids", "1", "--snapshot", "2026"], 2, "error: --ids and --snapshot"),
        (["plan", "a", "--contact", "m@x.org", "--endpoint", "bucket"], 2, "error: invalid endpoint 'bucket'"),
        (["plan", "a", "--contact", "m@x.org", "--connections", "500"], 2, "error: invalid number of connections: 500"),
        (["plan", "a", "--contact", "m@x.org", "--endpoint", "http://127.0.0.1:9"], 1, "error: cannot reach 127.0.0.1"),
        (["plan", "a", "--contact", "m@x.org", "--from", "2021", "--to", "2020"], 2, "error: --from 2021 is after"),
        (["run", "a"], 1, "error: no plan in a"),
        (["update", "a"], 1, "error: no plan in a"),
        (["verify", "a"], 1, "error: no receipts in a"),
    ],
)  # fmt: skip
def test_an_error_is_one_line_with_a_hint(run: Run, words: list[str], code: int, line: str) -> None:
    result = run("fetch", *words)
    assert result.code == code
    first, hint = error_of(result)[:2]
    assert first.startswith(line)
    assert hint.startswith("  ")
    assert result.out == ""


def test_html_pages_of_a_proxy_are_one_error(bucket: Bucket, run: Run) -> None:
    put(bucket, "PMC1.1")
    bucket.put_inventory(OLD)
    with Proxy(bucket.endpoint) as proxy:
        proxy.rule = lambda key, n: Fault(
            status=200, headers={"Content-Type": "text/html"}, body=b"<html>Log in</html>"
        )
        result = run(*plan(proxy.endpoint))
        assert (result.code, result.out) == (1, "")
        assert "is there a proxy?" in error_of(result)[0]


def test_a_truncated_inventory_is_one_error(bucket: Bucket, run: Run) -> None:
    put(bucket, "PMC1.1")
    bucket.put_inventory(OLD, defect="cut")
    result = run(*plan(bucket))
    assert result.code == 1
    assert error_of(result)[0].startswith("error: no complete inventory snapshot")


def test_the_progress_shows_files_and_speed_since_its_start() -> None:
    progress = DownloadProgress()
    progress.start("metadata", 3)
    for _ in range(3):
        progress.count(files=1)
        progress.advance()
    assert progress.rates(1.0) == "3 files, 0 bytes/s"
    progress.start("articles", 10)
    for _ in range(5):
        progress.count(files=1, bytes=700_000)
        progress.advance()
    assert progress.rates(35.0) == "5 files, 100.0 kB/s"
    assert (progress.done, progress.total) == (5, 10)
    progress.close()


def test_sizes_are_printed_with_decimal_units() -> None:
    sizes = {0: "0 bytes", 999: "999 bytes", 1500: "1.5 kB", 2e9: "2.0 GB", 22e12: "22.0 TB"}
    assert {n: size(n) for n in sizes} == sizes
