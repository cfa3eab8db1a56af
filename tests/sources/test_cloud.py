"""The layout of the cloud bucket: which version stands for an article, and whose bytes are believed."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roco.base.errors import DataError, RejectedInput
from roco.base.schema import LISTING
from roco.core.source import Source
from roco.core.spec import from_spec, to_spec
from roco.sources import cloud_metadata
from roco.sources.cloud import CloudSource

Put = Callable[..., Path]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Writes one version of an article as the bucket has it; a change of None leaves the metadata out."""

    def write(key: str, change: dict[str, Any] | None = {}, where: str | None = None) -> Path:  # noqa: B006
        folder = tmp_path / key
        folder.mkdir()
        pmcid, version = key.split(".")
        files = {f"{key}.xml": f"<article>{key}</article>".encode(), "f1.jpg": b"jpg"}
        for name, data in files.items():
            (folder / name).write_bytes(data)
        url = {n: f"s3://pmc-oa-opendata/{key}/{n}?md5={hashlib.md5(d).hexdigest()}" for n, d in files.items()}
        meta = {"pmcid": pmcid, "version": int(version), "is_pmc_openaccess": True, "is_manuscript": False,
                "is_historical_ocr": False, "is_retracted": False, "license_code": "CC BY", "pmid": 7, "doi": None,
                "mid": None, "title": " A case ", "citation": "J. 2020",
                "xml_url": url[f"{key}.xml"], "media_urls": [url["f1.jpg"]]}  # fmt: skip
        if change is not None:
            place = tmp_path / (where or key)
            place.mkdir(exist_ok=True)
            (place / f"{key}.json").write_text(json.dumps(meta | change))
        return folder

    return write


def row(root: Path) -> dict[str, Any]:
    (only,) = CloudSource(path=root).listing(None).to_pylist()
    return {**only, "facts": json.loads(only["facts"])}


def test_an_article_is_listed_with_the_facts_in_its_metadata(put: Put, tmp_path: Path) -> None:
    put("PMC1.1")
    assert CloudSource(path=tmp_path).listing(None).schema == LISTING
    found = row(tmp_path)
    assert (found["article"], found["place"]) == ("PMC1", "PMC1.1")
    assert found["facts"] == {
        "pmcid": "PMC1", "version": 1, "pmid": "7", "doi": None, "mid": None, "title": "A case", "citation": "J. 2020",
        "license": "CC BY", "open_access": True, "manuscript": False, "ocr": False, "retracted": False,
        "versions": [{"version": 1, "state": "open"}], "media": 1,
    }  # fmt: skip


def test_metadata_in_their_own_folder_count_as_well(put: Put, tmp_path: Path) -> None:
    put("PMC1.1", {"license_code": "CC0"}, where="metadata")
    assert row(tmp_path)["facts"]["license"] == "CC0"


def test_versions_are_compared_as_numbers(put: Put, tmp_path: Path) -> None:
    for version in (2, 9, 10):
        put(f"PMC1.{version}")
    found = row(tmp_path)
    assert found["place"] == "PMC1.10"
    assert [v["version"] for v in found["facts"]["versions"]] == [10, 9, 2]


@pytest.mark.parametrize(
    "newest",
    [
        {"is_pmc_openaccess": False},
        {"is_pmc_openaccess": "false"},
        {"is_pmc_openaccess": None},
        {"is_manuscript": True},
        {"is_historical_ocr": "true"},
        {"pmcid": "PMC9"},
    ],
)
def test_the_newest_open_access_version_is_used(put: Put, tmp_path: Path, newest: dict[str, Any]) -> None:
    put("PMC1.1")
    put("PMC1.2", {"is_pmc_openaccess": "true", "is_retracted": "true"})
    put("PMC1.3", newest)
    found = row(tmp_path)
    assert found["place"] == "PMC1.2"
    assert (found["facts"]["open_access"], found["facts"]["retracted"]) == (True, True)


def test_without_any_open_version_the_newest_closed_one_is_listed(put: Put, tmp_path: Path) -> None:
    put("PMC1.1", {"is_pmc_openaccess": False})
    put("PMC1.2", {"is_pmc_openaccess": False, "license_code": "TDM"})
    found = row(tmp_path)
    assert found["place"] == "PMC1.2"
    assert (found["facts"]["open_access"], found["facts"]["license"]) == (False, "TDM")


def test_without_metadata_a_version_counts_as_open_access(put: Put, tmp_path: Path) -> None:
    put("PMC1.1")
    put("PMC1.2", None)
    found = row(tmp_path)
    states = [{"version": 2, "state": "access unknown"}, {"version": 1, "state": "open"}]
    assert (found["place"], found["facts"]) == ("PMC1.2", {"pmcid": "PMC1", "version": 2, "versions": states})
    assert CloudSource(path=tmp_path).open("PMC1.2").read("f1.jpg") == b"jpg"


def test_a_package_contains_the_files_of_its_folder(put: Put, tmp_path: Path) -> None:
    (put("PMC1.1") / "supplement.xml").write_bytes(b"<other/>")
    source: Source = CloudSource(path=tmp_path)
    package = source.open("PMC1.1")
    assert list(package.xmls) == ["PMC1.1.xml"]
    assert [name for name, _ in package.files] == ["PMC1.1.json", "PMC1.1.xml", "f1.jpg", "supplement.xml"]
    assert package.read("PMC1.1.xml") == b"<article>PMC1.1</article>"
    with pytest.raises(RejectedInput, match=r"no 'f2\.jpg' in the folder"):
        package.read("f2.jpg")


def test_a_file_whose_md5_differs_from_the_metadata_is_rejected(put: Put, tmp_path: Path) -> None:
    (put("PMC1.1") / "f1.jpg").write_bytes(b"jpG")
    package = CloudSource(path=tmp_path).open("PMC1.1")
    assert package.read("PMC1.1.xml")
    with pytest.raises(RejectedInput, match=r"md5 does not match: 'f1\.jpg'"):
        package.read("f1.jpg")


def test_a_file_that_changes_while_it_is_open_is_rejected(put: Put, tmp_path: Path) -> None:
    folder = put("PMC1.1", None)
    package = CloudSource(path=tmp_path).open("PMC1.1")
    (folder / "f1.jpg").write_bytes(b"longer than before")
    with pytest.raises(RejectedInput, match="has changed"):
        package.read("f1.jpg")
    (folder / "f1.jpg").unlink()
    with pytest.raises(RejectedInput, match="is missing"):
        package.read("f1.jpg")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "metadata: not JSON"),
        ("[" * 100_000, "metadata: not JSON"),
        ("[]", "metadata: not a JSON object"),
        ('{"pmcid": "PMC1", "version": 2}', "metadata: of another article or version"),
        ('{"pmcid": "PMC11", "version": 1}', "metadata: of another article or version"),
        ('{"pmcid": "PMC1.2", "version": 1}', "metadata: of another article or version"),
        ('{"pmcid": null, "version": 1}', "metadata: no article or no version"),
        ('{"pmcid": "PMC1", "version": true}', "metadata: no article or no version"),
        ('{"pmcid": "PMC1", "version": 1e999}', "metadata: no article or no version"),
        ('{"pmcid": "PMC1", "pmcid": "PMC1"}', "metadata: duplicate key"),
        ('{"version": ' + "1" * 5000 + "}", "metadata: not JSON"),
        ("{}", "metadata: no article or no version"),
        ("{}" + " " * 100, "metadata: more than 90 bytes"),
    ],
    ids=lambda value: value[:20],
)
def test_metadata_of_another_article_are_listed_and_rejected(
    put: Put, tmp_path: Path, text: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloud_metadata, "METADATA", 200_000 if len(text) > 1000 else 90)
    (put("PMC1.1") / "PMC1.1.json").write_text(text)
    facts = row(tmp_path)["facts"]
    assert (facts["pmcid"], facts["version"], facts["error"]) == ("PMC1", 1, reason)
    assert facts["versions"] == [{"version": 1, "state": f"unreadable, {reason}"}]
    with pytest.raises(RejectedInput) as told:
        CloudSource(path=tmp_path).open("PMC1.1")
    assert told.value.message == reason


@pytest.mark.parametrize(
    ("written", "facts"),
    [
        ({"is_retracted": "Yes", "is_manuscript": 0}, {"retracted": True, "manuscript": False}),
        ({"is_retracted": 1, "is_manuscript": "False"}, {"retracted": True, "manuscript": False}),
        ({"is_retracted": 1.0, "is_manuscript": " n "}, {"retracted": True, "manuscript": False}),
        ({"is_retracted": "maybe", "is_manuscript": 2}, {"retracted": None, "manuscript": None}),
        ({"is_retracted": [True], "is_manuscript": math.nan}, {"retracted": None, "manuscript": None}),
        ({"pmid": "7 ", "mid": 12, "version": "1"}, {"pmid": "7", "mid": "12", "version": 1}),
        ({"pmid": 7.0, "mid": "NIHMS1", "version": 1.0}, {"pmid": "7", "mid": "NIHMS1", "version": 1}),
        ({"pmid": math.nan, "mid": True, "pmcid": 1}, {"pmid": None, "mid": None, "pmcid": "PMC1"}),
        ({"pmid": 10**40, "doi": ["10.1/x"], "pmcid": "pmc1.1"}, {"pmid": None, "doi": None, "pmcid": "PMC1"}),
        ({"title": "half \ud83d", "license_code": ""}, {"title": "half ?", "license": None}),
        ({"title": "x" * 9999, "citation": {}}, {"title": None, "citation": None}),
        ({"pmcid": None, "version": None}, {"pmcid": "PMC1", "version": 1}),  # the XML's address says both
        ({"xml_url": None, "media_urls": None}, {"pmcid": "PMC1"}),
    ],
)
def test_values_of_any_type_are_read_or_count_as_unknown(
    put: Put, tmp_path: Path, written: dict[str, Any], facts: dict[str, Any]
) -> None:
    put("PMC1.1", written)
    found = row(tmp_path)["facts"]
    assert {name: found[name] for name in facts} == facts
    assert CloudSource(path=tmp_path).open("PMC1.1").read("f1.jpg") == b"jpg"


def test_missing_keys_count_as_unknown(put: Put, tmp_path: Path) -> None:
    (put("PMC1.1") / "PMC1.1.json").write_text('{"pmcid": "PMC1", "version": 1}')
    found = row(tmp_path)["facts"]
    assert found["open_access"] is None and found["license"] is None and "media" not in found


def test_metadata_with_a_url_of_another_version_are_rejected(put: Put, tmp_path: Path) -> None:
    put("PMC1.1", {"xml_url": "s3://pmc-oa-opendata/PMC1.2/PMC1.2.xml?md5=0"})
    assert row(tmp_path)["facts"]["error"] == "metadata: xml_url is of another article or version"


@pytest.mark.parametrize(
    ("changes", "place", "states"),
    [
        # a manuscript for text mining only that is newer than what the publisher gives under CC BY
        ([{}, {"is_manuscript": True, "is_pmc_openaccess": False}], "PMC1.1", ["closed manuscript", "open"]),
        # the publisher's own takes the place of an open manuscript, before or after it
        ([{"is_manuscript": True}, {}], "PMC1.2", ["open", "open manuscript"]),
        ([{}, {"is_manuscript": True}], "PMC1.1", ["open manuscript", "open"]),
        ([{"is_pmc_openaccess": False}, {"is_manuscript": True}], "PMC1.2", ["open manuscript", "closed"]),
        ([{"is_manuscript": True}, {"is_pmc_openaccess": False}], "PMC1.1", ["closed", "open manuscript"]),
        ([{"is_historical_ocr": 1}, {"is_pmc_openaccess": None}], "PMC1.1", ["access unknown", "open ocr"]),
        ([{}, {"version": 7}], "PMC1.1", ["unreadable, metadata: of another article or version", "open"]),
    ],
)  # fmt: skip
def test_every_version_is_listed_with_its_state(
    put: Put, tmp_path: Path, changes: list[dict[str, Any]], place: str, states: list[str]
) -> None:
    for version, change in enumerate(changes, 1):
        put(f"PMC1.{version}", change)
    found = row(tmp_path)
    assert found["place"] == place
    assert [v["state"] for v in found["facts"]["versions"]] == states


def test_a_retraction_of_a_newer_version_counts_for_the_article(put: Put, tmp_path: Path) -> None:
    put("PMC1.1")
    put("PMC1.2", {"is_pmc_openaccess": False, "is_retracted": True})
    found = row(tmp_path)
    assert (found["place"], found["facts"]["retracted"]) == ("PMC1.1", True)
    put("PMC1.3")  # published again
    assert row(tmp_path)["facts"]["retracted"] is False


def test_media_in_the_metadata_without_a_file_are_listed_as_absent(put: Put, tmp_path: Path) -> None:
    url = "s3://pmc-oa-opendata/PMC1.1/"
    names = ["f1.jpg?md5=1", "f3.jpg?md5=2", "f2.jpg", "a b.jpg", "c%20d.jpg", "which?.jpg", "f2.jpg"]
    folder = put("PMC1.1", {"media_urls": [url + name for name in names] + [f"{url[:-2]}2/other.jpg", None, 3]})
    (folder / "c d.jpg").write_bytes(b"")
    found = row(tmp_path)["facts"]
    assert (found["media"], found["absent"]) == (6, ["a b.jpg", "f2.jpg", "f3.jpg", "which?.jpg"])
    put("PMC2.1", {"media_urls": []})
    last = CloudSource(path=tmp_path).listing(None).to_pylist()[1]
    assert json.loads(last["facts"])["media"] == 0


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("?md5={md5}", True),
        ("?versionId=4&md5={upper}", True),
        ("?md5={md5}-2", False),
        ("?md5=", False),
        ("", False),
        ("?etag={md5}", False),
    ],
)
def test_bytes_are_compared_with_the_md5_of_the_metadata(put: Put, tmp_path: Path, query: str, wrong: bool) -> None:
    for good in (True, False):
        md5 = hashlib.md5(b"jpg" if good else b"other").hexdigest()
        url = "s3://pmc-oa-opendata/PMC1.1/f1.jpg" + query.format(md5=md5, upper=md5.upper())
        put("PMC1.1", {"media_urls": [url]})
        package = CloudSource(path=tmp_path).open("PMC1.1")
        if good or not wrong:
            assert package.read("f1.jpg") == b"jpg"
        else:
            with pytest.raises(RejectedInput, match=r"md5 does not match: 'f1\.jpg'"):
                package.read("f1.jpg")
        shutil.rmtree(tmp_path / "PMC1.1")


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
URLS = ANY | st.text().map("s3://pmc-oa-opendata/PMC1.1/{}".format) | st.text().map("/PMC1.1/PMC1.1.xml?md5={}".format)
NAMES = ("pmid", "doi", "title", "is_pmc_openaccess", "is_manuscript", "is_retracted", "license_code")
LIKELY = st.fixed_dictionaries(
    {"pmcid": st.just("PMC1") | ANY, "version": st.just(1) | ANY},
    optional={"xml_url": URLS, "media_urls": st.lists(URLS, max_size=4) | ANY, **dict.fromkeys(NAMES, ANY)},
)


@settings(max_examples=150)
@given(data=st.binary() | ANY.map(json.dumps).map(str.encode) | LIKELY.map(json.dumps).map(str.encode))
def test_any_metadata_are_listed_and_opened_or_rejected(tmp_path: Path, data: bytes) -> None:
    folder = tmp_path / "PMC1.1"
    folder.mkdir(exist_ok=True)
    (folder / "PMC1.1.json").write_bytes(data)
    (folder / "PMC1.1.xml").write_bytes(b"<article/>")
    found = row(tmp_path)["facts"]
    try:
        CloudSource(path=tmp_path).open("PMC1.1")
        assert "error" not in found
    except RejectedInput as err:
        assert err.message == found["error"]


def test_a_folder_named_almost_like_an_article_is_a_row_with_the_reason(put: Put, tmp_path: Path) -> None:
    put("PMC1.1")
    for name in ("PMC1.01", "PMC1", "pmc2.1", "metadata", "inventory-reports"):
        (tmp_path / name).mkdir()
    (tmp_path / "PMC5.1").symlink_to(tmp_path / "PMC5.1")
    (tmp_path / "PMC6.1").symlink_to(tmp_path / "PMC7.1")
    (tmp_path / "PMC8.1").symlink_to("/etc")
    (tmp_path / "PMC9.1.xml").write_bytes(b"")
    listing = CloudSource(path=tmp_path).listing(None)
    told = {row["place"]: json.loads(row["facts"]).get("error") for row in listing.to_pylist()}
    assert listing["article"].to_pylist()[-1] == "PMC1"  # the others go by their path: ./PMC1
    assert told == {
        "PMC1.1": None,
        "PMC1.01": "the folder is named like an article, but not PMCn.v",
        "PMC1": "the folder is named like an article, but not PMCn.v",
        "pmc2.1": "the folder is named like an article, but not PMCn.v",
        "PMC5.1": "cannot be read: Too many levels of symbolic links",
        "PMC6.1": "broken link",
        "PMC8.1": "the link points outside of the source",
    }
    assert CloudSource(path=tmp_path).listing(listing).equals(listing)
    for place in told.keys() - {"PMC1.1"}:
        with pytest.raises(RejectedInput):
            CloudSource(path=tmp_path).open(place)


@pytest.mark.parametrize("shut", ["PMC1.1", "PMC1.1.json", "metadata/PMC1.1.json"])
def test_what_cannot_be_read_is_a_row_with_the_reason(
    put: Put, tmp_path: Path, shut: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("PMC1.1", where="metadata" if "metadata" in shut else None)

    def guarded(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *rest: Any, **more: Any) -> Any:
            if str(path).endswith(shut) or f"{shut}/" in str(path):
                raise PermissionError(13, "Permission denied", str(path))
            return real(path, *rest, **more)

        return call

    with monkeypatch.context() as patch:
        for owner, name in ((os, "stat"), (os, "scandir"), (Path, "open")):
            patch.setattr(owner, name, guarded(getattr(owner, name)))
        listing = CloudSource(path=tmp_path).listing(None)
        (told,) = listing.to_pylist()
        assert json.loads(told["facts"])["error"] == "cannot be read: Permission denied"
        with pytest.raises(RejectedInput, match="cannot be read: Permission denied"):
            CloudSource(path=tmp_path).open("PMC1.1")
    (again,) = CloudSource(path=tmp_path).listing(listing).to_pylist()
    assert "error" not in json.loads(again["facts"])


def test_a_failing_disk_stops_the_listing(put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put("PMC1.1")

    def fail(path: Any, *rest: Any, **more: Any) -> Any:
        raise OSError(errno.EIO, "Input/output error", str(path))

    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(DataError, match=r"cannot list the source .*: Input/output error"):
        CloudSource(path=tmp_path).listing(None)


def test_an_unchanged_article_is_not_opened_again(put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put("PMC1.1")
    put("PMC1.2", {"is_pmc_openaccess": False})
    put("PMC2.1", None)
    put("PMC3.1", where="metadata")
    first = CloudSource(path=tmp_path).listing(None)
    seen: list[Path] = []
    real: Callable[..., Any] = Path.open
    monkeypatch.setattr(Path, "open", lambda path, *a, **k: seen.append(path) or real(path, *a, **k))
    assert CloudSource(path=tmp_path).listing(first).equals(first)
    assert seen == []


def test_a_new_version_takes_the_place_of_the_old(put: Put, tmp_path: Path) -> None:
    put("PMC1.1")
    first = CloudSource(path=tmp_path).listing(None)
    put("PMC1.2")
    second = CloudSource(path=tmp_path).listing(first)
    assert second["article"].equals(first["article"])
    assert second["place"].to_pylist() == ["PMC1.2"]
    assert second["digest"] != first["digest"]


def test_changed_metadata_and_added_media_change_the_digest(put: Put, tmp_path: Path) -> None:
    folder = put("PMC1.1")
    first = CloudSource(path=tmp_path).listing(None)
    os.utime(folder / "PMC1.1.json", ns=(1, 1))
    touched = CloudSource(path=tmp_path).listing(first)
    assert touched["digest"] == first["digest"]
    (folder / "f2.jpg").write_bytes(b"new")
    second = CloudSource(path=tmp_path).listing(touched)
    assert second["digest"] != first["digest"]
    text = (folder / "PMC1.1.json").read_text()
    (folder / "PMC1.1.json").write_text(text.replace("CC BY", "CC BY-ND"))
    third = CloudSource(path=tmp_path).listing(second)
    assert third["digest"] != second["digest"]


@pytest.mark.parametrize("place", ["PMC1.2", "..", "PMC1.1/..", "/etc", "metadata"])
def test_what_is_no_version_is_refused(put: Put, tmp_path: Path, place: str) -> None:
    put("PMC1.1", where="metadata")
    with pytest.raises(RejectedInput):
        CloudSource(path=tmp_path).open(place)


def test_links_out_of_the_source_are_skipped(put: Put, tmp_path: Path) -> None:
    folder = put("PMC1.1", None)
    (folder / "f9.jpg").symlink_to("/etc/passwd")
    assert "f9.jpg" not in dict(CloudSource(path=tmp_path).open("PMC1.1").files)


def test_a_missing_source_is_an_error_with_a_hint(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(DataError) as told:
            CloudSource(path=path).listing(None)
        assert told.value.hint
    with pytest.raises(DataError) as told:
        CloudSource(path=tmp_path / "none").open("PMC1.1")
    assert not isinstance(told.value, RejectedInput)


def test_a_source_is_restored_from_its_spec(tmp_path: Path) -> None:
    source = CloudSource(path=tmp_path)
    assert source.spec == {"kind": "cloud", "path": str(tmp_path)}
    assert from_spec(to_spec(source)) == source


@pytest.mark.shared
def test_a_real_metadata_file_is_understood(shared: Path, tmp_path: Path) -> None:
    folder = tmp_path / "PMC12855588.1"
    folder.mkdir()
    data = (shared / "data" / "index" / "pmc_aws_PMC12855588.1.partial.json").read_bytes()
    (folder / "PMC12855588.1.json").write_bytes(data)
    (folder / "PMC12855588.1.xml").write_bytes(b"<article/>")
    found = row(tmp_path)["facts"]
    assert (found["pmid"], found["license"], found["open_access"]) == ("41623473", "CC BY", True)
    with pytest.raises(RejectedInput, match="md5 does not match"):
        CloudSource(path=tmp_path).open("PMC12855588.1").read("PMC12855588.1.xml")


@pytest.mark.parametrize(("path", "hint"), [("..", "set path to {root}"), ("PMC1.1", "set path to {root}: PMC1.1 is")])
def test_a_path_one_level_too_high_or_too_low_is_an_error_that_names_the_right_one(
    tmp_path: Path, path: str, hint: str
) -> None:
    root = tmp_path / "bucket"
    (root / "PMC1.1").mkdir(parents=True)
    with pytest.raises(DataError, match=r"no folder PMCn\.v") as caught:
        CloudSource(path=Path(os.path.normpath(root / path))).listing(None)
    assert caught.value.hint.startswith(hint.format(root=root))
