"""Deposits at a fake of Zenodo: one record whatever fails, and nothing is sent twice but what was cut."""

from __future__ import annotations

import datetime
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import roco
from roco.base.errors import Busy, DataError, RocoError, UsageError
from roco.release.export.formats import export as exported
from roco.release.hubs import zenodo_limits
from roco.release.hubs.client import Retries
from roco.release.hubs.errors import HubRefused, HubUnreachable
from roco.release.hubs.zenodo import Deposit, publish_zenodo
from roco.release.retract import retract
from tests.mlcroissant import read_croissant
from tests.release.hubs.conftest import write_export
from tests.release.hubs.failures import BUSY, HOW, LATE, Killed, full_disk_at, kill_at
from tests.release.hubs.fakes import TOKEN, Answer, FakeZenodo, content_of, running


def send(hub: FakeZenodo, folder: Path, pauses: list[float] | None = None, **options: Any) -> Deposit:
    options = {"token": TOKEN, "endpoint": hub.url, "retries": Retries(tries=4), **options}
    sleep = (pauses if pauses is not None else []).append
    return publish_zenodo(folder, sleep=sleep, today=lambda: datetime.date(2026, 11, 30), **options)


def only_record(hub: FakeZenodo) -> dict[str, Any]:
    (record,) = hub.records.values()
    assert hub.drafts == {}
    return record


def is_sealed(content: dict[str, bytes]) -> bool:
    listed = json.loads(content["export.json"])["files"]
    assert listed.keys() == content.keys() - {"export.json"}
    return all(hashlib.sha256(content[name]).hexdigest() == file["sha256"] for name, file in listed.items())


# --- what is sent --------------------------------------------------------------------------------------------------


def test_a_draft_is_not_published_without_being_asked(zenodo: FakeZenodo, export: Path) -> None:
    draft = send(zenodo, export)
    assert not draft.published and draft.url == f"{zenodo.url}/uploads/{draft.record}"
    assert zenodo.records == {} and len(zenodo.drafts) == 1
    published = send(zenodo, export, publish=True)
    assert published.published and published.record == draft.record and published.files == 0
    assert only_record(zenodo)["id"] == draft.record


def test_the_reserved_doi_is_in_every_text_before_the_checksums_are_sealed(zenodo: FakeZenodo, export: Path) -> None:
    before = {path: path.read_bytes() for path in export.rglob("*")}
    doi = send(zenodo, export, publish=True).doi
    content = content_of(only_record(zenodo))
    assert content["README.md"].decode().startswith("---\nlicense: other\n---\n\n# Title of the card\n\nDOI: [" + doi)
    assert f'\ndoi: "{doi}"\nauthors:' in content["CITATION.cff"].decode()
    assert json.loads(content["metadata.json"])["doi"] == doi
    croissant = json.loads(content["croissant.json"])
    assert croissant["sameAs"] == [f"https://doi.org/{doi}"]
    assert croissant["distribution"][0]["sha256"] == hashlib.sha256(content["CITATION.cff"]).hexdigest()
    assert is_sealed(content)
    assert only_record(zenodo)["pids"]["doi"]["identifier"] == doi
    assert {path: path.read_bytes() for path in export.rglob("*")} == before  # the export itself is unchanged


def test_the_metadata_name_creators_every_licence_and_what_it_is_derived_from(zenodo: FakeZenodo, export: Path) -> None:
    send(zenodo, export, publish=True)
    metadata = only_record(zenodo)["metadata"]
    assert metadata["resource_type"] == {"id": "dataset"}
    assert (metadata["title"], metadata["version"], metadata["publication_date"]) == (
        "A <dataset>",
        "1.0.0",
        "2026-11-30",
    )
    assert "Of &lt;b&gt;." in metadata["description"] and "2 CC BY, 1 CC BY-NC" in metadata["description"]
    assert metadata["creators"] == [
        {
            "person_or_org": {
                "type": "personal", "family_name": "Doe", "given_name": "Jane, Jr.",
                "identifiers": [{"scheme": "orcid", "identifier": "0000-0002-1825-0097"}],
            },
            "affiliations": [{"name": "A University"}],
        },
        {"person_or_org": {"type": "organizational", "name": "The Group"}},
    ]  # fmt: skip
    assert metadata["rights"] == [
        {"title": {"en": "CC BY 4.0"}, "link": "https://creativecommons.org/licenses/by/4.0/"},
        {"title": {"en": "CC BY-NC 4.0"}, "link": "https://creativecommons.org/licenses/by-nc/4.0/"},
    ]
    relations = [entry["relation_type"]["id"] for entry in metadata["related_identifiers"]]
    assert relations == ["isdescribedby", "isderivedfrom"]


@pytest.fixture
def release(finished_demo: Path, tmp_path: Path) -> Path:
    """A release that names its creators."""
    folder = tmp_path / "release"
    shutil.copytree(finished_demo / "run" / "release", folder)
    about = {"title": "Demo", "version": "1.0.0", "creators": [{"name": "Doe, Jane"}]}
    (folder / "metadata.json").write_text(json.dumps(about))
    names = sorted({path.name for path in folder.iterdir()} - {"checksums.sha256"})
    sums = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / "checksums.sha256").write_text("".join(sums))
    return folder


def downloaded(record: dict[str, Any], folder: Path) -> Path:
    folder.mkdir()
    for name, data in content_of(record).items():
        (folder / name).write_bytes(data)
    return folder


def test_a_release_can_be_deposited_and_verifies_after_a_download(
    zenodo: FakeZenodo, release: Path, tmp_path: Path
) -> None:
    deposit = send(zenodo, release, publish=True)
    files = downloaded(only_record(zenodo), tmp_path / "downloaded")
    assert roco.verify(files) == []
    assert roco.Release.open(files).metadata.doi == deposit.doi
    assert {path.name for path in files.iterdir()} - {path.name for path in release.iterdir()} == {"croissant.json"}
    assert deposit.files == len(list(files.iterdir()))
    # A next release does not describe the files of this one.
    first = roco.Release.open(files).table()["id"][0].as_py()
    retract(files, tmp_path / "next", [first], "consent withdrawn")
    assert not (tmp_path / "next" / "croissant.json").exists()


def test_a_deposited_release_is_described_at_the_addresses_of_the_record(zenodo: FakeZenodo, release: Path) -> None:
    draft = send(zenodo, release)
    assert send(zenodo, release, publish=True).files == 0  # the description of the draft is that of the record
    record = only_record(zenodo)
    content = content_of(record)
    described = json.loads(content["croissant.json"])
    page = f"{zenodo.url}/records/{record['id']}"
    assert (described["url"], described["identifier"]) == (page, f"https://doi.org/{draft.doi}")
    assert (described["datePublished"], described["version"]) == ("2026-11-30", "1.0.0")
    assert f"doi = {{{draft.doi}}}" in described["citeAs"]
    files = [one for one in described["distribution"] if one["@type"] == "cr:FileObject"]
    assert {"figures.parquet", "train_images.zip"} <= {one["name"] for one in files}
    for one in files:
        assert one["contentUrl"] == f"{page}/files/{one['name']}"
        assert one["sha256"] == hashlib.sha256(content[one["name"]]).hexdigest()
    sums = dict(line.split("  ")[::-1] for line in content["checksums.sha256"].decode().splitlines())
    assert sums["croissant.json"] == hashlib.sha256(content["croissant.json"]).hexdigest()


@pytest.mark.slow
def test_mlcroissant_loads_a_deposited_release_with_its_bytes(
    zenodo: FakeZenodo, release: Path, tmp_path: Path
) -> None:
    send(zenodo, release, publish=True)
    files = downloaded(only_record(zenodo), tmp_path / "downloaded")
    issues, images = read_croissant(files / "croissant.json", tmp_path / "home", files)
    assert issues == []
    rows = pq.read_table(release / "figures.parquet").to_pylist()
    assert images == {row["id"]: [row["sha256"], row["split"], row["caption"]] for row in rows}


# --- new versions --------------------------------------------------------------------------------------------------


def test_a_new_version_sends_only_what_changed_and_removes_what_is_gone(zenodo: FakeZenodo, tmp_path: Path) -> None:
    first = send(zenodo, write_export(tmp_path / "one"), publish=True)
    files = {"train-000000.tar": bytes(70_000), "train-000003.tar": b"new"}
    second = write_export(tmp_path / "two", files, version="2.0.0")
    zenodo.sent.clear()
    deposit = send(zenodo, second, publish=True, new_version_of=first.record)
    new = zenodo.records[deposit.record]
    assert new["previous"] == first.record and len(zenodo.records) == 2 and zenodo.drafts == {}
    assert "train-000000.tar" not in zenodo.sent and zenodo.sent["train-000003.tar"] == 1
    assert sorted(name for name in new["content"] if name.endswith(".tar")) == sorted(files)
    assert new["metadata"]["version"] == "2.0.0" and deposit.doi != first.doi


def test_a_changed_export_in_the_same_folder_becomes_a_new_version_only_if_asked(
    zenodo: FakeZenodo, export: Path
) -> None:
    first = send(zenodo, export, publish=True)
    shutil.rmtree(export)
    write_export(export, version="2.0.0")
    with pytest.raises(DataError, match=f"--new-version-of {first.record}"):
        send(zenodo, export, publish=True)
    second = send(zenodo, export, publish=True, new_version_of=first.record)
    assert sorted(zenodo.records) == [first.record, second.record]
    assert send(zenodo, export, publish=True).record == second.record


def test_an_export_that_was_written_again_goes_to_the_same_draft(zenodo: FakeZenodo, export: Path) -> None:
    draft = send(zenodo, export)
    shutil.rmtree(export)
    write_export(export, {"train-000000.tar": b"other"}, description="Better.")
    deposit = send(zenodo, export, publish=True)
    assert (deposit.record, deposit.doi) == (draft.record, draft.doi)
    record = only_record(zenodo)
    assert "Better." in record["metadata"]["description"]
    assert is_sealed(content_of(record))


def test_the_same_bytes_are_found_again_without_a_state(zenodo: FakeZenodo, export: Path, tmp_path: Path) -> None:
    first = send(zenodo, export)
    shutil.rmtree(tmp_path / "export.zenodo")
    assert send(zenodo, export, publish=True).record == first.record
    shutil.rmtree(tmp_path / "export.zenodo")
    again = send(zenodo, export, publish=True)
    assert (again.record, again.published, again.files) == (first.record, True, 0)
    only_record(zenodo)


# --- failures ------------------------------------------------------------------------------------------------------


def test_only_a_file_whose_connection_was_cut_is_sent_twice(zenodo: FakeZenodo, export: Path) -> None:
    zenodo.fail("PUT", "train-000001.tar/content", cut=30_000)
    deposit = send(zenodo, export, publish=True)
    assert set(zenodo.sent.values()) == {1}  # the cut one never arrived whole
    puts = [path for method, path in zenodo.requests if method == "PUT" and "train-000001" in path]
    assert len(puts) == 2
    assert is_sealed(content_of(only_record(zenodo))) and deposit.files == len(zenodo.sent)


STEPS = (
    ("POST", "/api/records$"),
    ("POST", "/pids/doi$"),
    ("PUT", "/draft$"),
    ("POST", "/draft/files$"),
    ("PUT", "/content$"),
    ("POST", "/commit$"),
    ("POST", "/publish$"),
)


@pytest.mark.parametrize(("method", "path"), STEPS)
@HOW
@pytest.mark.slow
def test_a_step_that_fails_or_whose_answer_is_lost_happens_once(
    zenodo: FakeZenodo, export: Path, method: str, path: str, how: dict[str, Any]
) -> None:
    zenodo.fail(method, path, **how)
    assert send(zenodo, export, publish=True).published
    assert is_sealed(content_of(only_record(zenodo)))
    assert zenodo.faults == []


@pytest.mark.slow
@HOW
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/versions$"), ("POST", "/files-import$"), ("DELETE", "/files/"), ("POST", "/publish$")],
)
def test_a_step_to_a_new_version_that_fails_or_whose_answer_is_lost_happens_once(
    zenodo: FakeZenodo, tmp_path: Path, method: str, path: str, how: dict[str, Any]
) -> None:
    first = send(zenodo, write_export(tmp_path / "one"), publish=True)
    second = write_export(tmp_path / "two", {"train-000003.tar": b"new"}, version="2.0.0")
    zenodo.fail(method, path, **how)
    deposit = send(zenodo, second, publish=True, new_version_of=first.record)
    assert sorted(zenodo.records) == [first.record, deposit.record] and zenodo.drafts == {}
    assert is_sealed(content_of(zenodo.records[deposit.record])) and zenodo.faults == []


def test_publishing_is_the_last_request_that_changes_anything(zenodo: FakeZenodo, export: Path) -> None:
    send(zenodo, export, publish=True)
    changes = [path.rpartition("/")[2] for method, path in zenodo.requests if method != "GET"]
    assert changes[:3] == ["records", "doi", "draft"]
    assert changes[-1] == "publish" and changes.count("publish") == 1
    assert set(changes[3:-1]) == {"files", "content", "commit"}


def test_a_second_upload_of_the_same_export_at_the_same_time_is_refused(zenodo: FakeZenodo, export: Path) -> None:
    refused: list[Busy] = []

    def second() -> None:
        with pytest.raises(Busy) as caught:
            send(zenodo, export, publish=True)
        refused.append(caught.value)

    zenodo.fail("POST", "/api/records$", hook=second)
    send(zenodo, export, publish=True)
    only_record(zenodo)
    assert len(refused) == 1


@pytest.mark.slow
def test_a_disk_that_is_full_at_any_write_leaves_one_record_when_the_command_is_repeated(tmp_path: Path) -> None:
    files = {"train-000000.tar": b"a" * 500}
    with running(FakeZenodo()) as hub, full_disk_at(None) as written:
        send(hub, write_export(tmp_path / "whole", files), publish=True)
    assert written.count("state.json") > 5 and "croissant.json" in written
    for number in range(len(written)):
        folder = write_export(tmp_path / str(number), files)
        with running(FakeZenodo()) as hub:
            with full_disk_at(number), pytest.raises(DataError, match="no space left on the disk: cannot write"):
                send(hub, folder, publish=True)
            assert send(hub, folder, publish=True).published
            assert is_sealed(content_of(only_record(hub))), written[number]
            assert max(hub.sent.values()) == 1


def test_a_draft_whose_creation_was_not_answered_is_found_when_the_search_is_late(
    zenodo: FakeZenodo, export: Path
) -> None:
    zenodo.fail("POST", "/api/records$", is_cut_after=True)
    zenodo.unsearchable = 2
    pauses: list[float] = []
    send(zenodo, export, pauses, publish=True)
    only_record(zenodo)
    assert pauses[:1] == [5]


def test_the_pause_that_the_hub_asks_for_is_kept_and_the_tries_are_bounded(zenodo: FakeZenodo, export: Path) -> None:
    zenodo.fail("GET", "/api/user/records", times=4, before=BUSY)
    pauses: list[float] = []
    with pytest.raises(HubUnreachable, match=r"Zenodo does not answer \(4 tries; the last: status 503\)"):
        send(zenodo, export, pauses)
    assert pauses == [7, 7, 7]
    assert send(zenodo, export, publish=True).published


def test_a_storm_of_503_and_504_ends_in_one_record(zenodo: FakeZenodo, export: Path) -> None:
    for method, path in STEPS:
        zenodo.fail(method, path, before=BUSY)
        zenodo.fail(method, path, after=LATE)
    assert send(zenodo, export, publish=True).published
    assert is_sealed(content_of(only_record(zenodo)))


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_client_that_dies_at_any_request_leaves_one_record_when_it_is_repeated(tmp_path: Path, after: bool) -> None:
    files = {"train-000000.tar": b"a" * 500}
    with running(FakeZenodo()) as hub:
        send(hub, write_export(tmp_path / "whole", files), publish=True)
        n_requests = len(hub.requests)
    assert n_requests > 25
    for number in range(1, n_requests + 1):
        folder = write_export(tmp_path / str(number), files)
        with running(FakeZenodo()) as hub:
            restore = kill_at(number, after=after)
            try:
                with pytest.raises(Killed):
                    send(hub, folder, publish=True)
            finally:
                restore()
            assert send(hub, folder, publish=True).published
            assert is_sealed(content_of(only_record(hub)))
            again = [name for name, n in hub.sent.items() if n > 1]
            assert len(again) <= 1, number


def test_a_file_that_arrives_with_other_bytes_is_sent_again(zenodo: FakeZenodo, export: Path) -> None:
    zenodo.wrong_bytes = {"train-000002.tar"}
    send(zenodo, export, publish=True)
    assert zenodo.sent["train-000002.tar"] == 2
    assert is_sealed(content_of(only_record(zenodo)))


def test_nothing_is_published_while_a_file_keeps_arriving_with_other_bytes(zenodo: FakeZenodo, export: Path) -> None:
    class Always(set[str]):
        def remove(self, _: str) -> None: ...

    zenodo.wrong_bytes = Always({"train-000002.tar"})
    with pytest.raises(HubRefused, match=r"train-000002\.tar arrives at Zenodo with other bytes"):
        send(zenodo, export, publish=True)
    assert zenodo.records == {} and zenodo.sent["train-000002.tar"] == 3


# --- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403])
def test_a_bad_token_is_one_clear_line_without_the_token(zenodo: FakeZenodo, export: Path, status: int) -> None:
    zenodo.fail("GET", "/api", before=Answer(status, {"message": f"bad token {TOKEN}"}))
    with pytest.raises(HubRefused, match=rf"\(status {status}\)") as caught:
        send(zenodo, export)
    assert TOKEN not in str(caught.value) and "deposit:write" in caught.value.hint
    assert "\n" not in caught.value.message


def test_a_full_quota_is_reported_with_what_zenodo_says(export: Path) -> None:
    with running(FakeZenodo(quota=100_000)) as hub:
        with pytest.raises(HubRefused, match=r"status 413\): quota exceeded"):
            send(hub, export, publish=True)
        assert hub.records == {}


def change_bytes(export: Path) -> None:
    (export / "train-000000.tar").write_bytes(b"x" * 70_000)


def add_file(export: Path) -> None:
    (export / "notes.txt").write_text("x")


def remove_file(export: Path) -> None:
    (export / "train-000000.tar").unlink()


def link_file(export: Path) -> None:
    (export / "train-000000.tar").rename(export.parent / "elsewhere")
    (export / "train-000000.tar").symlink_to(export.parent / "elsewhere")


def incomplete(export: Path) -> None:
    record = json.loads((export / "export.json").read_text())
    (export / "export.json").write_text(json.dumps(record | {"complete": False}))


def outside(export: Path) -> None:
    record = json.loads((export / "export.json").read_text())
    record["files"]["../secret"] = {"bytes": 1, "sha256": "0" * 64, "images": 0}
    (export / "export.json").write_text(json.dumps(record))


def not_json(export: Path) -> None:
    (export / "export.json").write_text("{")


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (change_bytes, "was changed after it was written"),
        (add_file, "unexpected file in the export"),
        (remove_file, "missing file"),
        (link_file, "missing file"),
        (incomplete, "the export is not complete"),
        (outside, "invalid name of a file"),
        (not_json, "is invalid"),
        (shutil.rmtree, "no such folder"),
    ],
)
def test_an_export_that_does_not_verify_is_refused_before_any_request(
    zenodo: FakeZenodo, export: Path, harm: Callable[[Path], None], message: str
) -> None:
    harm(export)
    with pytest.raises(RocoError, match=message):
        send(zenodo, export)
    assert zenodo.requests == []


@pytest.mark.parametrize(
    ("files", "metadata", "message"),
    [
        ({"data/train.tar": b"x"}, {}, "Zenodo has no folders, and the export contains data/train.tar"),
        ({f"{n}.tar": b"x" for n in range(96)}, {}, "102 files: Zenodo accepts 100"),
        ({}, {"creators": []}, "names no creators, which Zenodo requires"),
    ],
)
def test_the_limits_of_zenodo_are_checked_before_any_request(
    zenodo: FakeZenodo, tmp_path: Path, files: dict[str, bytes], metadata: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        send(zenodo, write_export(tmp_path / "e", files, **metadata))
    assert zenodo.requests == []


def test_a_description_without_images_is_not_deposited(zenodo: FakeZenodo, finished_demo: Path, tmp_path: Path) -> None:
    exported(finished_demo / "run" / "release", "croissant", tmp_path / "croissant")
    with pytest.raises(DataError, match="contains no images"):
        send(zenodo, tmp_path / "croissant")
    assert zenodo.requests == []


def test_more_bytes_than_a_record_holds_are_refused(
    zenodo: FakeZenodo, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zenodo_limits, "MAX_BYTES", 200_000)
    with pytest.raises(DataError, match="Zenodo accepts"):
        send(zenodo, export)
    assert zenodo.requests == []


def test_a_release_that_states_another_doi_is_not_sent(zenodo: FakeZenodo, tmp_path: Path) -> None:
    folder = write_export(tmp_path / "e", doi="10.1234/own")
    with pytest.raises(DataError, match=r"has the DOI 10\.1234/own already"):
        send(zenodo, folder)
    assert zenodo.requests == []


def test_metadata_that_zenodo_does_not_accept_are_reported_with_the_field(zenodo: FakeZenodo, export: Path) -> None:
    errors = [{"field": "metadata.creators.0.orcid", "messages": ["Invalid checksum."]}]
    zenodo.fail("PUT", "/draft$", before=Answer(200, {"errors": errors}))
    with pytest.raises(HubRefused, match=r"metadata\.creators\.0\.orcid: Invalid checksum\."):
        send(zenodo, export, publish=True)
    assert zenodo.records == {}


def test_a_file_that_somebody_added_to_the_draft_is_kept(zenodo: FakeZenodo, export: Path) -> None:
    draft = send(zenodo, export)
    zenodo.drafts[draft.record]["content"]["theirs.pdf"] = {"status": "completed", "bytes": "", "size": 0}
    with pytest.raises(DataError, match=r"a file that roco did not send: theirs\.pdf"):
        send(zenodo, export, publish=True)
    assert "theirs.pdf" in zenodo.drafts[draft.record]["content"]


def test_metadata_that_were_edited_on_the_page_of_the_draft_stay(zenodo: FakeZenodo, export: Path) -> None:
    draft = send(zenodo, export)
    zenodo.drafts[draft.record]["metadata"]["subjects"] = [{"subject": "radiology"}]
    send(zenodo, export, publish=True)
    assert only_record(zenodo)["metadata"]["subjects"] == [{"subject": "radiology"}]


def test_a_draft_that_was_deleted_is_not_silently_replaced(zenodo: FakeZenodo, export: Path) -> None:
    send(zenodo, export)
    zenodo.drafts.clear()
    with pytest.raises(DataError, match="is not at Zenodo any more"):
        send(zenodo, export)
    assert zenodo.drafts == {}


def test_an_upload_is_not_continued_at_another_hub(zenodo: FakeZenodo, export: Path) -> None:
    send(zenodo, export)
    with running(FakeZenodo()) as other:
        with pytest.raises(UsageError, match="the upload was begun at"):
            send(other, export)
        assert other.requests == []


def test_the_state_and_the_copies_never_contain_the_token(zenodo: FakeZenodo, export: Path, tmp_path: Path) -> None:
    send(zenodo, export, publish=True)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "state.json" for path in written)
    assert not [path for path in written if TOKEN.encode() in path.read_bytes()]
    assert all(token == f"Bearer {TOKEN}" for token in zenodo.tokens)
