"""Uploads to a fake of the Hugging Face Hub: main changes in one commit, whatever fails."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from roco.base.errors import DataError, RocoError, UsageError
from roco.release.export.formats import export
from roco.release.hubs import huggingface as module
from roco.release.hubs.client import HubClient, Retries
from roco.release.hubs.errors import HubRefused, HubUnreachable
from roco.release.hubs.huggingface import HubUpload, publish_hub
from tests.release.hubs.conftest import write_export
from tests.release.hubs.failures import BUSY, HOW, Killed, full_disk_at, kill_at
from tests.release.hubs.fake_hub import FakeHuggingFace, FakeStorage
from tests.release.hubs.fakes import TOKEN, Answer, running

SHARDS = {f"data/train-0000{n}-of-00003.parquet": bytes([n]) * 70_000 for n in range(3)}
REPO = "group/data"


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    return write_export(tmp_path / "hf", SHARDS)


def send(hub: FakeHuggingFace, folder: Path, pauses: list[float] | None = None, **options: Any) -> HubUpload:
    options = {"token": TOKEN, "endpoint": hub.url, "retries": Retries(tries=4), **options}
    sleep = (pauses if pauses is not None else []).append
    return publish_hub(folder, REPO, sleep=sleep, **options)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_published_once(hub: FakeHuggingFace, folder: Path) -> None:
    assert hub.main() == contents(folder)
    assert len(hub.history) == 1
    assert hub.branches.keys() == {"main"}
    assert hub.tags == {"v1.0.0": hub.branches["main"]}


def test_an_upload_goes_to_a_branch_and_main_changes_only_when_asked(hub: FakeHuggingFace, parquet: Path) -> None:
    upload = send(hub, parquet)
    assert (upload.published, upload.revision) == (False, "release-1.0.0")
    assert upload.url == f"{hub.url}/datasets/group/data/tree/release-1.0.0"
    assert hub.main() == {} and hub.history == []
    published = send(hub, parquet, publish=True)
    assert (published.published, published.files, published.revision) == (True, 0, "main")
    assert_published_once(hub, parquet)
    assert set(hub.storage.sent.values()) == {1}


def test_publishing_again_changes_nothing(hub: FakeHuggingFace, parquet: Path) -> None:
    send(hub, parquet, publish=True)
    again = send(hub, parquet, publish=True)
    assert again.published and again.files == 0
    assert_published_once(hub, parquet)
    assert send(hub, parquet).published


def test_the_bytes_go_to_the_storage_without_the_token(hub: FakeHuggingFace, parquet: Path) -> None:
    send(hub, parquet, publish=True)
    assert set(hub.storage.tokens) == {""} and len(hub.storage.requests) == 3
    assert set(hub.tokens) == {f"Bearer {TOKEN}"}


def test_a_doi_is_written_into_the_texts_and_kept_by_a_repeated_command(hub: FakeHuggingFace, parquet: Path) -> None:
    send(hub, parquet, doi="https://doi.org/10.5281/zenodo.7")
    send(hub, parquet, publish=True)
    main = hub.main()
    assert b"DOI: [10.5281/zenodo.7]" in main["README.md"]
    listed = json.loads(main["export.json"])["files"]
    assert all(hashlib.sha256(main[name]).hexdigest() == file["sha256"] for name, file in listed.items())
    assert len(hub.history) == 1


def test_a_real_export_arrives_whole_and_can_still_be_continued(
    hub: FakeHuggingFace, finished_demo: Path, tmp_path: Path
) -> None:
    release, folder = finished_demo / "run" / "release", tmp_path / "exported"
    export(release, "hf", folder)
    before = contents(folder)
    send(hub, folder, doi="10.5281/zenodo.7", publish=True)
    main = hub.main()
    listed = json.loads(main["export.json"])["files"]
    assert listed.keys() == main.keys() - {"export.json"}
    assert all(hashlib.sha256(main[name]).hexdigest() == file["sha256"] for name, file in listed.items())
    assert sorted(name for name in main if main[name] != before[name]) == [
        "CITATION.cff", "README.md", "export.json", "metadata.json",
    ]  # fmt: skip
    export(release, "hf", folder)
    assert contents(folder) == before


def test_a_next_release_sends_only_what_changed_and_removes_stale_shards(
    hub: FakeHuggingFace, parquet: Path, tmp_path: Path
) -> None:
    send(hub, parquet, publish=True)
    hub.trees[hub.branches["main"]]["notebook.ipynb"] = b"of the user"
    hub.storage.sent.clear()
    names = sorted(SHARDS)
    files = {names[0]: SHARDS[names[0]], "data/train-00001-of-00002.parquet": b"new"}
    second = write_export(tmp_path / "second", files, version="2.0.0")
    send(hub, second, publish=True)
    assert hub.main() == {**contents(second), "notebook.ipynb": b"of the user"}
    assert list(hub.storage.sent.values()) == [1]
    assert hub.tags.keys() == {"v1.0.0", "v2.0.0"} and len(hub.history) == 2


def test_commits_to_the_branch_are_bounded(
    hub: FakeHuggingFace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "COMMIT_FILES", 4)
    folder = write_export(tmp_path / "many", {f"data/{n}.parquet": b"%d" % n for n in range(20)})
    send(hub, folder, publish=True)
    assert hub.most_files == 4
    assert_published_once(hub, folder)


def test_a_branch_of_the_user_is_not_deleted(hub: FakeHuggingFace, parquet: Path) -> None:
    hub.create()
    hub.branches["mine"] = "c0"
    send(hub, parquet, branch="mine", publish=True)
    assert hub.branches.keys() == {"main", "mine"}
    assert hub.main() == contents(parquet)


# --- failures ------------------------------------------------------------------------------------------------------

STEPS = (
    ("POST", "/api/repos/create$"),
    ("POST", "/branch/"),
    ("POST", "/preupload/"),
    ("POST", "/objects/batch$"),
    ("POST", "/commit/release-1.0.0$"),
    ("POST", "/commit/main$"),
    ("POST", "/tag/"),
    ("DELETE", "/branch/"),
)


@pytest.mark.parametrize(("method", "path"), STEPS)
@HOW
def test_a_step_that_fails_or_whose_answer_is_lost_happens_once(
    hub: FakeHuggingFace, parquet: Path, method: str, path: str, how: dict[str, Any]
) -> None:
    hub.fail(method, path, **how)
    assert send(hub, parquet, publish=True).published
    assert hub.faults == []
    assert_published_once(hub, parquet)


@pytest.mark.parametrize("how", [{"cut": 30_000}, {"before": BUSY}])
def test_only_a_large_file_whose_connection_was_cut_is_sent_twice(
    hub: FakeHuggingFace, parquet: Path, how: dict[str, Any]
) -> None:
    hub.storage.fail("PUT", "/put/", **how)
    send(hub, parquet, publish=True)
    assert len(hub.storage.requests) == len(SHARDS) + 1
    assert_published_once(hub, parquet)


def test_a_large_file_that_arrived_without_an_answer_is_not_sent_again(hub: FakeHuggingFace, parquet: Path) -> None:
    hub.storage.fail("PUT", "/put/", is_cut_after=True)
    send(hub, parquet, publish=True)
    assert len(hub.storage.requests) == len(SHARDS)
    assert_published_once(hub, parquet)


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_client_that_dies_at_any_request_leaves_one_commit_when_it_is_repeated(tmp_path: Path, after: bool) -> None:
    files = {"data/train-00000-of-00001.parquet": b"a" * 500}
    with running(FakeStorage()) as storage, running(FakeHuggingFace(storage)) as hub:
        send(hub, write_export(tmp_path / "whole", files), publish=True)
        n_requests = len(hub.requests) + len(storage.requests)
    assert n_requests > 15
    for number in range(1, n_requests + 1):
        folder = write_export(tmp_path / str(number), files)
        with running(FakeStorage()) as storage, running(FakeHuggingFace(storage)) as hub:
            restore = kill_at(number, after=after)
            try:
                with pytest.raises(Killed):
                    send(hub, folder, publish=True)
            finally:
                restore()
            assert send(hub, folder, publish=True).published
            assert_published_once(hub, folder)
            assert set(storage.sent.values()) == {1}


@pytest.mark.slow
def test_a_disk_that_is_full_at_any_write_leaves_one_commit_when_the_command_is_repeated(tmp_path: Path) -> None:
    files = {"data/train-00000-of-00001.parquet": b"a" * 500}
    with running(FakeStorage()) as storage, running(FakeHuggingFace(storage)) as hub, full_disk_at(None) as written:
        send(hub, write_export(tmp_path / "whole", files), publish=True, doi="10.5281/zenodo.7")
    assert written.count("state.json") > 1
    for number in range(len(written)):
        folder = write_export(tmp_path / str(number), files)
        with running(FakeStorage()) as storage, running(FakeHuggingFace(storage)) as hub:
            with full_disk_at(number), pytest.raises(DataError, match="no space left on the disk: cannot write"):
                send(hub, folder, publish=True, doi="10.5281/zenodo.7")
            send(hub, folder, publish=True, doi="10.5281/zenodo.7")
            assert len(hub.history) == 1 and hub.branches.keys() == {"main"}, written[number]
            assert b"10.5281/zenodo.7" in hub.main()["README.md"] and set(storage.sent.values()) == {1}


def test_a_server_that_stays_overloaded_ends_the_command_after_some_tries(hub: FakeHuggingFace, parquet: Path) -> None:
    hub.fail("POST", "/commit/", times=4, before=BUSY)
    pauses: list[float] = []
    with pytest.raises(HubUnreachable, match="Hugging Face does not answer"):
        send(hub, parquet, pauses)
    assert pauses == [7, 7, 7]
    send(hub, parquet, publish=True)
    assert_published_once(hub, parquet)


def test_main_is_not_changed_over_a_commit_of_somebody_else(hub: FakeHuggingFace, parquet: Path) -> None:
    send(hub, parquet)

    def commit_of_another() -> None:
        hub.trees["other"] = {"theirs.txt": b"x"}
        hub.branches["main"] = "other"

    hub.fail("POST", "/commit/main$", hook=commit_of_another)
    with pytest.raises(HubRefused, match="A commit has happened since"):
        send(hub, parquet, publish=True)
    assert hub.main() == {"theirs.txt": b"x"}
    send(hub, parquet, publish=True)
    assert hub.main() == {**contents(parquet), "theirs.txt": b"x"}


# --- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403])
def test_a_bad_token_is_one_clear_line_without_the_token(hub: FakeHuggingFace, parquet: Path, status: int) -> None:
    hub.fail("GET", "/api", before=Answer(status, {"error": f"bad token {TOKEN}"}))
    with pytest.raises(HubRefused, match=rf"\(status {status}\)") as caught:
        send(hub, parquet)
    assert TOKEN not in str(caught.value) and caught.value.hint == "use a token with write access to group"
    assert "\n" not in caught.value.message


def test_a_redirect_to_another_host_is_not_followed(hub: FakeHuggingFace, parquet: Path) -> None:
    hub.fail("GET", "/api", before=Answer(307, None, {"Location": f"{hub.storage.url}/api"}))
    with pytest.raises(HubRefused, match=r"redirects to another host: 127\.0\.0\.1"):
        send(hub, parquet)
    assert hub.storage.requests == []


def test_a_redirect_on_the_same_host_is_followed(hub: FakeHuggingFace, parquet: Path) -> None:
    hub.create()
    hub.fail("GET", "/refs$", before=Answer(307, None, {"Location": "/api/datasets/group/data/refs?moved=1"}))
    assert send(hub, parquet, publish=True).published


def test_no_proxy_sees_a_token_that_is_not_encrypted(
    hub: FakeHuggingFace, parquet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", hub.storage.url)
    monkeypatch.setenv("ALL_PROXY", hub.storage.url)
    send(hub, parquet)
    assert all(method == "PUT" for method, _ in hub.storage.requests)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://huggingface.co",
        "https://user:secret@host",
        "ftp://127.0.0.1",
        "huggingface.co",
        "",
        "https://h:x",
        "http://127.0.0.1.evil.org",
    ],
)
def test_an_address_without_encryption_is_refused(parquet: Path, endpoint: str) -> None:
    with pytest.raises(UsageError, match="invalid address of a hub") as caught:
        publish_hub(parquet, REPO, endpoint=endpoint, token=TOKEN)
    assert "secret" not in str(caught.value)


def test_a_storage_without_encryption_is_refused() -> None:
    client = HubClient("Hub", "https://hub.example", TOKEN)
    with pytest.raises(HubRefused, match="not encrypted"):
        client.call("PUT", "http://storage.example/put")
    client.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"branch": "main"}, "invalid name of a branch: main"),
        ({"branch": "a b"}, "invalid name of a branch"),
        ({"doi": "10.5281"}, "invalid DOI: 10.5281"),
    ],
)
def test_an_invalid_option_is_refused_before_any_request(
    hub: FakeHuggingFace, parquet: Path, options: dict[str, str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        send(hub, parquet, **options)
    assert hub.requests == []


@pytest.mark.parametrize("repo", ["data", "a/b/c", "a/..", "../b", "a b/c", "a/b?x"])
def test_an_invalid_name_of_a_dataset_is_refused(parquet: Path, repo: str) -> None:
    with pytest.raises(UsageError, match="invalid name of a dataset"):
        publish_hub(parquet, repo, token=TOKEN)


@pytest.mark.parametrize(
    ("limit", "value", "message"),
    [
        ("MAX_FOLDER", 3, "6 files in the folder .: the Hub"),
        ("MAX_FILES", 8, "9 files: at most 8"),
        ("MAX_FILE", 60_000, "data/train-00000-of-00003.parquet has"),
        ("MAX_BYTES", 200_000, "the Hub accepts"),
    ],
)
def test_the_limits_of_the_hub_are_checked_before_any_request(
    hub: FakeHuggingFace, parquet: Path, limit: str, value: int, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, limit, value)
    monkeypatch.setattr(module, "MAX_FOLDER", value if limit == "MAX_FOLDER" else 100)
    (parquet / ".DS_Store").write_bytes(b"hidden files are not sent")
    with pytest.raises(DataError, match=message):
        send(hub, parquet)
    assert hub.requests == []


def test_a_release_is_not_sent_without_an_export(hub: FakeHuggingFace, finished_demo: Path) -> None:
    with pytest.raises(UsageError, match="is a release, not an export"):
        send(hub, finished_demo / "run" / "release")
    assert hub.requests == []


def test_a_tag_of_another_release_is_not_moved(hub: FakeHuggingFace, parquet: Path, tmp_path: Path) -> None:
    send(hub, parquet, publish=True)
    before = dict(hub.tags)
    other = write_export(tmp_path / "other", {"data/x.parquet": b"x"})
    with pytest.raises(DataError, match=r"has the tag v1\.0\.0 already, of other files"):
        send(hub, other, publish=True)
    assert hub.tags == before and len(hub.history) == 1


def test_a_file_that_changes_while_it_is_sent_is_not_published(
    hub: FakeHuggingFace, parquet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shorten() -> None:
        (parquet / sorted(SHARDS)[2]).write_bytes(b"short")

    real = hub._api

    def api(method: str, part: str | None, *words: Any) -> Answer:
        if part == "preupload":
            shorten()
        return real(method, part, *words)

    monkeypatch.setattr(hub, "_api", api)
    with pytest.raises(RocoError, match="was changed while it was sent"):
        send(hub, parquet, publish=True)
    assert hub.main() == {}
    shutil.rmtree(parquet)
