"""What is wanted is told before anything large moves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from roco.base.errors import DataError, UsageError
from roco.sources.fetch import verbs
from roco.sources.fetch.plan import read_plan
from roco.sources.fetch.wire import Failed
from tests.bucket import Bucket, Fault, Proxy
from tests.sources.fetch.articles import OLD, options, put
from tests.sources.fetch.conftest import QUICK


def chosen(folder: Path) -> dict[int, dict[str, Any]]:
    return {row["number"]: row for row in read_plan(folder).table.to_pylist() if row["chosen"]}


def test_only_metadata_move(bucket: Bucket, tmp_path: Path) -> None:
    put(bucket, "PMC1.1")
    put(bucket, "PMC2.1")
    bucket.inventory(OLD)
    with Proxy(bucket.endpoint) as proxy:
        plan = verbs.plan(tmp_path, options(proxy.endpoint), patience=QUICK)
        moved = [key for key in proxy.asked if not key.startswith(("?", "inventory-reports/", "metadata/"))]
    assert moved == []
    assert plan.told["take"] == plan.told["todo"] == 2
    # XML and three images of each: which of these the figures refer to only the XML will tell
    assert plan.told["estimate"]["files"] == 8
    assert plan.told["estimate"]["bytes"] == sum(
        len(bucket.get(key)) for key in bucket.names("PMC") if key.endswith((".xml", ".jpg"))
    )


@pytest.mark.parametrize(
    ("meta", "reason"),
    [
        ({}, None),
        ({"license_code": "CC BY-NC"}, None),
        ({"license_code": "CC BY-ND"}, "license"),
        ({"license_code": None}, "license"),
        ({"license_code": "TDM"}, "license"),
        ({"is_pmc_openaccess": False}, "closed"),
        ({"is_pmc_openaccess": None}, "closed"),
        ({"is_retracted": True}, "retracted"),
        ({"is_manuscript": True}, "manuscript"),
        ({"is_historical_ocr": True}, "ocr"),
        ({"citation": "J. 2015 Apr 3"}, "date"),
        ({"citation": "J. 2024"}, "date"),
        ({"citation": "J Appl Physiol (1985). 2020 Jan 15; 118(2):103-10"}, None),
        ({"citation": "in press"}, None),  # the XML will tell
        ({"pmcid": "PMC77"}, "metadata"),
    ],
    ids=str,
)
def test_an_article_is_left_out_for_a_reason(bucket: Bucket, tmp_path: Path, meta: Any, reason: str | None) -> None:
    put(bucket, "PMC1.1", **meta)
    bucket.inventory(OLD)
    plan = verbs.plan(tmp_path, options(bucket.endpoint, first_year=2016, last_year=2022), patience=QUICK)
    row = chosen(tmp_path)[1]
    assert (row["state"], row["reason"]) == ("skip" if reason else "take", reason)
    assert plan.told["skip"] == ({reason: 1} if reason else {})


def test_what_is_left_out_can_be_asked_for(bucket: Bucket, tmp_path: Path) -> None:
    put(bucket, "PMC1.1", is_retracted=True)
    put(bucket, "PMC2.1", is_manuscript=True)
    put(bucket, "PMC3.1", license_code="CC0")
    bucket.inventory(OLD)
    wanted = options(bucket.endpoint, retracted=True, manuscripts=True, licenses=("CC-BY", "CC0"))
    assert verbs.plan(tmp_path, wanted, patience=QUICK).told["take"] == 3


def test_the_newest_open_version_stands_for_an_article_in_the_order_of_numbers(bucket: Bucket, tmp_path: Path) -> None:
    for version in (2, 9, 10):
        put(bucket, f"PMC1.{version}")
    put(bucket, "PMC2.1")
    put(bucket, "PMC2.2", is_pmc_openaccess=False, license_code="TDM", is_manuscript=True)
    put(bucket, "PMC3.1")
    put(bucket, "PMC3.2", is_pmc_openaccess=False, is_retracted=True)
    bucket.inventory(OLD)
    verbs.plan(tmp_path, options(bucket.endpoint), patience=QUICK)
    found = chosen(tmp_path)
    assert [found[n]["version"] for n in (1, 2, 3)] == [10, 1, 1]
    # what a newer version says of a retraction holds for the older
    assert [found[n]["reason"] for n in (1, 2, 3)] == [None, None, "retracted"]


def test_metadata_that_are_here_are_not_asked_for_again(bucket: Bucket, tmp_path: Path) -> None:
    put(bucket, "PMC1.1")
    put(bucket, "PMC2.1")
    bucket.inventory(OLD)
    with Proxy(bucket.endpoint) as proxy:
        verbs.plan(tmp_path, options(proxy.endpoint), patience=QUICK)
        proxy.forget()
        put(bucket, "PMC2.1", license_code="CC BY-ND")
        put(bucket, "PMC3.1")
        bucket.inventory("2026-11-22T01-00Z")
        verbs.plan(tmp_path, options(proxy.endpoint), patience=QUICK)
        asked = sorted(key for key in proxy.asked if key.startswith("metadata/"))
    assert asked == ["metadata/PMC2.1.json", "metadata/PMC3.1.json"]
    assert chosen(tmp_path)[2]["license"] == "CC-BY-ND"


def test_a_plan_that_was_cut_off_keeps_what_came(bucket: Bucket, tmp_path: Path) -> None:
    for n in range(1, 9):
        put(bucket, f"PMC{n}.1")
    bucket.inventory(OLD)
    with Proxy(bucket.endpoint) as proxy:
        proxy.rule = lambda key, n: Fault(status=500) if key == "metadata/PMC5.1.json" else None
        with pytest.raises(Failed, match=r"PMC5\.1\.json: status 500"):
            verbs.plan(tmp_path, options(proxy.endpoint), patience=QUICK)
        with pytest.raises(DataError, match="there is no plan"):
            read_plan(tmp_path)
        proxy.forget()
        proxy.rule = lambda key, n: None
        assert verbs.plan(tmp_path, options(proxy.endpoint), patience=QUICK).told["take"] == 8
        assert [key for key in proxy.asked if key.startswith("metadata/")] == ["metadata/PMC5.1.json"]


def test_metadata_that_are_gone_leave_their_article_out(bucket: Bucket, tmp_path: Path) -> None:
    put(bucket, "PMC1.1")
    put(bucket, "PMC2.1")
    bucket.inventory(OLD)
    bucket.delete("metadata/PMC2.1.json")
    plan = verbs.plan(tmp_path, options(bucket.endpoint), patience=QUICK)
    assert (plan.told["take"], plan.told["skip"]) == (1, {"metadata": 1})
    assert "gone (status 404)" in chosen(tmp_path)[2]["detail"]


def test_of_many_articles_a_sample_tells_the_size(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roco.sources.fetch.plan.SAMPLE", 3)
    for n in range(1, 10):
        put(bucket, f"PMC{n}.1")
    bucket.inventory(OLD)
    estimate = verbs.plan(tmp_path, options(bucket.endpoint), patience=QUICK).told["estimate"]
    assert (estimate["sampled"], estimate["files"]) == (3, 36)


def test_a_damaged_plan_is_told(bucket: Bucket, tmp_path: Path) -> None:
    put(bucket, "PMC1.1")
    bucket.inventory(OLD)
    verbs.plan(tmp_path, options(bucket.endpoint), patience=QUICK)
    (rows,) = (tmp_path / "fetch").glob("plan-*.parquet")
    rows.write_bytes(rows.read_bytes()[:-9])
    with pytest.raises(DataError, match="cut or changed") as err:
        verbs.run(tmp_path, patience=QUICK)
    assert "roco fetch plan" in err.value.hint


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        (["PMC12"], ((12, None),)),
        (["12", "pmc0013.4"], ((12, None), (13, 4))),
        (["PMC1,PMC2.1", "PMC1"], ((1, None), (2, 1))),
    ],
)
def test_ids_are_read(words: list[str], ids: object) -> None:
    assert verbs.ids_of(words) == ids


def test_ids_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "ids.csv"
    path.write_text("\ufeffPMCID,title\nPMC1,a\n\n# not this\nPMC2.3\n", encoding="utf-8")
    assert verbs.ids_of([str(path)]) == ((1, None), (2, 3))
    path.write_text("PMC1\nhello\n")
    with pytest.raises(DataError, match="line 2: 'hello' is no PMCID"):
        verbs.ids_of([str(path)])
    with pytest.raises(UsageError, match="'nothing' is no PMCID, nor a file"):
        verbs.ids_of(["nothing"])


@pytest.mark.parametrize("contact", ["", "me", "me@example.org\r\nX: y", "a b@c", "<me@example.org>"])
def test_a_contact_is_an_address(tmp_path: Path, contact: str) -> None:
    from dataclasses import replace

    with pytest.raises(UsageError, match="no address of mail"):
        verbs.plan(tmp_path, replace(options("http://127.0.0.1:9"), contact=contact), patience=QUICK)


def test_metadata_that_nobody_could_want_are_a_row_with_a_reason_and_stop_no_plan(
    bucket: Bucket, tmp_path: Path
) -> None:
    put(bucket, "PMC1.1")
    for n, body in ((2, b"x" * (2 << 20)), (3, b""), (4, b"[" * 100_000), (5, b"\xff\xfe")):
        bucket.put(f"metadata/PMC{n}.1.json", body)
    bucket.inventory(OLD)
    plan = verbs.plan(tmp_path, options(bucket.endpoint), patience=QUICK)
    assert (plan.told["take"], plan.told["skip"]) == (1, {"metadata": 4})
    assert "too large" in chosen(tmp_path)[2]["detail"]
    assert chosen(tmp_path)[3]["detail"] == "metadata: no JSON"


@pytest.mark.parametrize("verb", [lambda d: verbs.plan(d, options("http://127.0.0.1:9")), verbs.run, verbs.verify])
def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path, verb: Any) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError):
        verb(tmp_path / "file")
