"""The commands under `roco publish`, against fakes of the hubs on this machine."""

from __future__ import annotations

import contextlib
import json
import queue
import random
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import DATA, DONE, INTERRUPTED, USAGE, Command, process
from tests.release.hubs import conftest
from tests.release.hubs.conftest import write_export
from tests.release.hubs.fake_hub import FakeHuggingFace
from tests.release.hubs.fakes import MOMENTS, TOKEN, Answer, Death, FakeHub, FakeZenodo, content_of

TOKENS = ("ROCO_ZENODO_TOKEN", "HF_TOKEN")


# The fixtures of the tests of the hubs, which pytest finds by these names.
export, hub, zenodo = conftest.export, conftest.hub, conftest.zenodo


@pytest.fixture(autouse=True)
def tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in TOKENS:
        monkeypatch.setenv(name, TOKEN)


def test_a_deposit_is_a_draft_and_then_a_record(command: Command, zenodo: FakeZenodo, export: Path) -> None:
    draft = command("publish", "zenodo", export, "--endpoint", zenodo.url)
    assert draft.code == DONE, draft.err
    assert draft.out == f"draft {zenodo.url}/uploads/101: DOI 10.5072/zenodo.101, 9 files sent, 0.2 MB\n"
    assert draft.err.endswith("next: look at the draft, then publish it: the same command with --publish\n")
    assert "9 of 9 files" in draft.err
    record = command("publish", "zenodo", export, "--endpoint", zenodo.url, "--publish", "--json")
    assert json.loads(record.out) == {
        "record": "101", "doi": "10.5072/zenodo.101", "url": f"{zenodo.url}/records/101", "published": True,
        "files": 0, "bytes": 0,
    }  # fmt: skip


def test_a_dataset_at_the_hub_is_a_branch_and_then_main(
    command: Command, hub: FakeHuggingFace, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    draft = command("publish", "hf", export, "--repo", "group/data")
    assert draft.code == DONE, draft.err
    assert draft.out == f"draft {hub.url}/datasets/group/data/tree/release-1.0.0: 9 files sent, 0.2 MB\n"
    published = command("publish", "hf", export, "--repo", "group/data", "--publish")
    assert published.out == f"published {hub.url}/datasets/group/data: 0 files sent, 0.0 MB\n"
    assert hub.tags == {"v1.0.0": hub.branches["main"]}


@pytest.mark.parametrize("words", [("zenodo",), ("hf", "--repo", "group/data")], ids=["zenodo", "hf"])
def test_dry_prints_what_would_be_sent_without_a_token_or_a_request(
    command: Command, zenodo: FakeZenodo, export: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    for name in TOKENS:
        monkeypatch.delenv(name)
    verb, *options = words
    printed = command("publish", verb, export, *options, "--dry", "--endpoint", zenodo.url)
    assert printed.code == DONE, printed.err
    lines = printed.out.splitlines()
    assert lines[0] == "A <dataset>, version 1.0.0, webdataset"
    assert "  2 images  CC-BY https://creativecommons.org/licenses/by/4.0/" in lines
    assert "          70,000  train-000000.tar" in lines
    assert lines[-1] == "9 files, 0.2 MB would be sent; nothing was sent"
    data = json.loads(command("publish", verb, export, *options, "--dry", "--json").out)
    assert data["files"]["train-000000.tar"]["bytes"] == 70_000
    assert zenodo.requests == [] and not export.with_name("export.zenodo").exists()


@pytest.mark.parametrize(
    ("words", "name"), [(("zenodo",), "ROCO_ZENODO_TOKEN or ZENODO_TOKEN"), (("hf", "--repo", "g/d"), "HF_TOKEN")]
)
def test_a_missing_token_is_named_before_anything_is_read(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], name: str
) -> None:
    for variable in (*TOKENS, "ZENODO_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    result = command("publish", words[0], tmp_path / "export", *words[1:])
    assert result.code == USAGE
    assert result.err.startswith(f"error: no token: {name} is not set\n")


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "ünïcode", "x" * 5000])
def test_an_invalid_token_is_refused_without_being_printed(
    command: Command, zenodo: FakeZenodo, export: Path, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("ROCO_ZENODO_TOKEN", token)
    result = command("publish", "zenodo", export, "--endpoint", zenodo.url)
    assert result.code == USAGE and "invalid token in ROCO_ZENODO_TOKEN" in result.err
    assert token not in result.err and zenodo.requests == []


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"method": "GET", "before": Answer(401, {"message": f"bad: {TOKEN}"})}, DATA),
        ({"method": "GET", "before": Answer(403, {"message": f"bad: {TOKEN}"})}, DATA),
        ({"method": "PUT", "before": Answer(413, {"message": f"quota of {TOKEN}"})}, DATA),
        ({"method": "PUT", "cut": 10}, DONE),
    ],
    ids=["401", "403", "413", "cut"],
)
@pytest.mark.parametrize("option", ["--verbose", "--debug"])
def test_the_token_is_in_no_output_and_no_file(
    zenodo: FakeZenodo, export: Path, tmp_path: Path, fault: dict[str, Any], code: int, option: str
) -> None:
    zenodo.fail(path="/api", **fault)
    with process("publish", "zenodo", export, "--endpoint", zenodo.url, option) as client:
        out, err = client.communicate()
    assert client.returncode == (DATA if code else DONE)
    assert out or err
    assert TOKEN not in out + err
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]


def test_the_token_cannot_be_given_on_the_command_line(command: Command, export: Path) -> None:
    assert command("publish", "zenodo", export, "--token", TOKEN).code == USAGE


def test_an_interrupted_upload_says_how_to_go_on(zenodo: FakeZenodo, export: Path) -> None:
    zenodo.death = Death(12, "middle", signal.SIGINT)
    code, err = run_once(zenodo, "zenodo", export)
    assert code == INTERRUPTED
    assert err.endswith("run the same command again to resume\n")
    assert run_once(zenodo, "zenodo", export)[0] == DONE
    assert len(zenodo.records) == 1 and zenodo.drafts == {}


def run_once(hub: FakeHub, verb: str, export: Path, *options: str) -> tuple[int, str]:
    """Runs the command in its own process, which `hub` may kill."""
    with process("publish", verb, export, *options, "--endpoint", hub.url, "--publish") as client:
        hub.client.put(client.pid)
        _, err = client.communicate()
    with contextlib.suppress(queue.Empty):
        hub.client.get_nowait()  # nobody was killed
    return client.returncode, err


def run_until_done(hub: FakeHub, verb: str, export: Path, *options: str, kills: int) -> int:
    """Kills the command at random moments, and at last lets it end; returns how often it was killed."""
    chance = random.Random(export.name)
    for done in range(kills + 1):
        is_last = done == kills
        hub.death = None if is_last else Death(chance.randrange(12), chance.choice(MOMENTS))
        code, err = run_once(hub, verb, export, *options)
        if code == DONE:
            return done
        assert code == -signal.SIGKILL, err
    raise AssertionError("it does not end")


@pytest.mark.slow
@pytest.mark.parametrize("number", range(4))
def test_a_deposit_killed_again_and_again_at_random_moments_ends_as_one_record(
    zenodo: FakeZenodo, tmp_path: Path, number: int
) -> None:
    export = write_export(tmp_path / f"export{number}")
    kills = run_until_done(zenodo, "zenodo", export, kills=6)
    (record,) = zenodo.records.values()
    assert zenodo.drafts == {} and kills == 6
    shards = {name: data for name, data in content_of(record).items() if name.endswith(".tar")}
    assert shards == {path.name: path.read_bytes() for path in export.glob("*.tar")}
    assert sum(zenodo.sent.values()) <= len(zenodo.sent) + kills


@pytest.mark.slow
@pytest.mark.parametrize("number", range(4))
def test_an_upload_killed_again_and_again_at_random_moments_ends_as_one_commit(
    hub: FakeHuggingFace, tmp_path: Path, number: int
) -> None:
    files = {f"data/{n}.parquet": b"%d" % n * 50_000 for n in range(6)}
    export = write_export(tmp_path / f"export{number}", files)
    kills = run_until_done(hub, "hf", export, "--repo", "group/data", kills=6)
    sent = {path.relative_to(export).as_posix(): path.read_bytes() for path in export.rglob("*") if path.is_file()}
    assert hub.main() == sent and kills == 6
    assert len(hub.history) == 1 and hub.branches.keys() == {"main"}
    assert set(hub.storage.sent.values()) == {1}
