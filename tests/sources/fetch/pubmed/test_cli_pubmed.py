"""The command `roco fetch pubmed`: what it prints, its errors in two lines, and the key in no output."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

import roco.cli.main
from roco.sources.fetch.pubmed import command
from tests.sources.fetch.conftest import QUICK
from tests.sources.fetch.pubmed.ncbi import Fault, Ncbi, article_set, record, write_release

KEY = "0123456789abcdef0123456789abcdef0123"


class Result(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, ncbi: Ncbi) -> Run:
    """Runs the command for the folder `release` with the server; more words follow."""
    client = command.NcbiClient
    monkeypatch.setattr(command, "NcbiClient", lambda *args, policy, **more: client(*args, policy=QUICK, **more))
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.chdir(tmp_path)
    for name in ("ROCO_CONTACT", "ROCO_NCBI_KEY", "NCBI_API_KEY"):
        monkeypatch.delenv(name, raising=False)

    def do(*words: object) -> Result:
        capsys.readouterr()
        of_server = ["--endpoint", ncbi.addresses.endpoint, "--converter", ncbi.addresses.converter]
        given = [] if "--baseline" in words else of_server
        monkeypatch.setattr(sys, "argv", ["roco", "fetch", "pubmed", "release", *given, *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            roco.cli.main.main()
        output = capsys.readouterr()
        return Result(int(ended.value.code or 0), output.out, output.err)

    return do


@pytest.fixture
def release(tmp_path: Path, ncbi: Ncbi) -> Path:
    ncbi.add(record(11, "Review", mesh=["Lung"]), record(12, "Letter"), record(14))
    return write_release(tmp_path / "release", [("PMC1", 11), ("PMC2", 12), ("PMC3", None), ("PMC4", 14), ("PMC5", 15)])


def error_of(result: Result) -> list[str]:
    lines = result.err.splitlines()
    first = next((i for i, line in enumerate(lines) if line.startswith("error:")), len(lines))
    return lines[first:]


def test_it_prints_how_many_articles_have_a_record_and_why_the_others_have_none(release: Path, run: Run) -> None:
    result = run("--contact", "me@example.org")
    assert result.code == 0
    assert result.out.splitlines() == [
        "release.pubmed.parquet: 5 articles",
        "          3  with a record, 1 of them with MeSH headings",
        "          1  without a PubMed id",
        "          1  without a record in MEDLINE",
        "          1  with a record without publication types",
    ]
    assert "1 of 1 PubMed ids" in result.err
    assert result.err.endswith("next: roco select release --where 'mesh IS NOT NULL' --count\n")


def test_json_has_the_same_numbers(release: Path, run: Run) -> None:
    printed = json.loads(run("--email", "me@example.org", "--json").out)
    assert (printed["articles"], printed["found"], printed["reasons"]) == (5, 3, {"no_pmid": 1, "no_record": 1})


@pytest.mark.parametrize("given", ["option", "ROCO_NCBI_KEY", "NCBI_API_KEY"])
def test_the_key_is_sent_and_in_no_output(
    release: Path, run: Run, ncbi: Ncbi, given: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    words = ["--key", KEY] if given == "option" else []
    if not words:
        monkeypatch.setenv(given, KEY)
    body = json.dumps({"error": "API key invalid", "api-key": KEY}).encode()
    ncbi.rule = lambda ids, n: Fault(400, body=body) if "11" in ids else None
    rejected = run("--contact", "me@example.org", *words)
    assert ncbi.requests[-1].values["api_key"] == KEY
    assert rejected.code == 2
    assert error_of(rejected)[0] == "error: the service rejects the API key (--key)"
    ncbi.rule = lambda ids, n: Fault(body=f"<html>{KEY}".encode()) if n == 4 else None
    done = run("--contact", "me@example.org", *words, "-v")
    help = run("--help")
    assert (done.code, help.code) == (0, 0)
    assert KEY not in "".join([*rejected[1:], *done[1:], *help[1:]])
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        ([], 2, "error: missing mail address: NCBI asks users to identify themselves"),
        (["--contact", "nobody"], 2, "error: invalid mail address 'nobody' (--contact)"),
        (["--contact", "m@x.org", "--key", "a b"], 2, "error: invalid API key (--key)"),
        (["--contact", "m@x.org", "--since", "2026"], 2, "error: invalid day '2026' (--since)"),
        (["--contact", "m@x.org", "--endpoint", "http://user:secret@x"], 2, "error: invalid address (--endpoint)"),
        (["--contact", "m@x.org", "--endpoint", "http://127.0.0.1:9"], 1, "error: cannot reach 127.0.0.1:9"),
        (["--baseline", "none"], 1, "error: no such folder: none"),
        (["--baseline", "none", "--since", "2026-11-30"], 2, "error: --baseline and --since exclude each other"),
        (["--contact", "m@x.org", "--out", "release"], 2, "error: release is a folder"),
    ],
)  # fmt: skip
def test_an_error_is_one_line_with_a_hint(release: Path, run: Run, words: list[str], code: int, line: str) -> None:
    result = run(*words)
    first, hint = error_of(result)[:2]
    assert (result.code, result.out) == (code, "")
    assert first.startswith(line)
    assert hint.startswith("  ") and "secret" not in result.err


def test_a_folder_that_is_no_release_is_one_error(run: Run, tmp_path: Path) -> None:
    (tmp_path / "release").mkdir()
    result = run("--contact", "me@example.org")
    assert (result.code, error_of(result)[0]) == (1, "error: not a release: release")


def test_a_record_that_cannot_be_read_is_a_line_and_exit_1(release: Path, run: Run, ncbi: Ncbi) -> None:
    ncbi.rule = lambda ids, n: Fault(body=article_set("<PubmedArticle/>")) if "12" in ids else None
    result = run("--contact", "me@example.org")
    assert result.code == 1
    assert "          1  whose record cannot be read" in result.out
    assert error_of(result)[0].startswith("error: record of PMID 12: ")


def test_missing_files_of_the_baseline_are_a_warning(release: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "medline").mkdir()
    (tmp_path / "medline" / "pubmed26n0002.xml").write_bytes(article_set(record(11, "Review")))
    result = run("--baseline", "medline")
    assert result.code == 0
    assert "warning: 1 of 2 files are missing, the first is number 0001" in result.err
