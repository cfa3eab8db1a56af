"""The checker names file, line and what to do for every breach; what passes it is scored without a guess."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roco import evaluate_captions, evaluate_concepts
from roco.base.errors import InvalidSubmission, RocoError
from roco.evaluate import submission
from roco.evaluate.profiles import PROFILES, profile

GOOD = b"ID,CUIs\nimg1,C0040405\nimg2,C0041618;C0000726\nimg3,\n"
IDS = ("img1", "img2", "img3")

BREACHES = {
    "bom": (b"\xef\xbb\xbf" + GOOD, 1, "byte order mark"),
    "other header": (GOOD.replace(b"CUIs", b"cuis"), 1, "the header is 'ID,cuis'"),
    "no header": (GOOD.partition(b"\n")[2], 1, "the header is 'img1,C0040405'"),
    "tab": (GOOD.replace(b",", b"\t"), 1, "parted by a tab"),
    "bar": (GOOD.replace(b",", b"|"), 1, "parted by a vertical bar"),
    "semicolon": (GOOD.replace(b",", b";"), 1, "parted by a semicolon"),
    "blank line": (GOOD.replace(b"img2", b"\nimg2"), 3, "the line is blank"),
    "blank end": (GOOD + b"\n", 5, "the line is blank"),
    "blanks": (GOOD.replace(b"img2", b"  \nimg2"), 3, "the line is blank"),
    "repeated header": (GOOD.replace(b"img2", b"ID,CUIs\nimg2"), 3, "the header is repeated"),
    "id alone": (GOOD.replace(b"img3,", b"img3"), 4, "one column"),
    "three columns": (GOOD.replace(b"img3,", b"img3,,"), 4, "3 columns"),
    "blank in id": (GOOD.replace(b"img3", b" img3"), 4, "white space around the id"),
    "no id": (GOOD.replace(b"img3", b""), 4, "there is no id"),
    "unknown": (GOOD.replace(b"img3", b"img4"), 4, "unknown to the truth"),
    "ending": (GOOD.replace(b"img3", b"img3.jpg"), 4, "has a file ending"),
    "twice": (GOOD + b"img1,C0000726\n", 5, "stands twice, first in line 2"),
    "missing": (GOOD.replace(b"img3,\n", b""), 0, "1 image is missing: img3"),
    "lower case": (GOOD.replace(b"C0040405", b"c0040405"), 2, "lower case"),
    "no CUI": (GOOD.replace(b"C0040405", b"CT"), 2, "'CT' is no CUI"),
    "semicolon at the end": (GOOD.replace(b"0726", b"0726;"), 3, "a ';' at the end"),
    "semicolon too many": (GOOD.replace(b";", b";;"), 3, "a ';' too many"),
    "blank in CUI": (GOOD.replace(b";", b"; "), 3, "white space around a CUI"),
    "CUI twice": (GOOD.replace(b"C0000726", b"C0041618"), 3, "a CUI stands twice"),
    "101": (GOOD.replace(b"img3,", b"img3," + b";".join(b"C%07d" % n for n in range(101))), 4, "101 concepts"),
    "line break": (GOOD.replace(b"img3,", b'img3,"C1\nC2"'), 4, "a line break"),
    "not UTF-8": (GOOD.replace(b"img3", b"\xff"), 4, "not UTF-8"),
    "NUL": (GOOD.replace(b"img3", b"img\0"), 4, "NUL"),
    "open quote": (GOOD + b'img4,"C1', 5, "no CSV"),
    "empty": (b"", 1, "the header is ''"),
}


@pytest.mark.parametrize("name", ["imageclef2025", "imageclef2026"])
@pytest.mark.parametrize(("data", "line", "said"), BREACHES.values(), ids=BREACHES)
def test_each_breach_has_its_line_and_is_not_scored(
    tmp_path: Path, name: str, data: bytes, line: int, said: str
) -> None:
    path = tmp_path / "p.csv"
    path.write_bytes(data)
    faults = submission.check(path, profile(name), IDS, "concepts")
    assert [f for f in faults if said in f.what and f.line == line and f.do], faults
    truth = dict.fromkeys(IDS, "C0040405")
    with pytest.raises(InvalidSubmission) as err:
        evaluate_concepts(path, truth, profile_name=name)
    assert said in str(err.value) and str(path) in str(err.value)
    assert err.value.exit_code == 1 and err.value.faults


@pytest.mark.parametrize("name", PROFILES)
def test_a_good_file_has_no_fault(tmp_path: Path, name: str) -> None:
    path = tmp_path / "p.csv"
    for data in (GOOD, GOOD.replace(b"\n", b"\r\n"), GOOD.removesuffix(b"\n")):
        path.write_bytes(data)
        assert submission.check(path, profile(name), IDS) == []


def test_2023_takes_bars_and_tabs_when_the_header_has_them(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    for delimiter in (b"|", b"\t"):
        path.write_bytes(GOOD.replace(b",", delimiter))
        assert submission.check(path, profile("imageclef2023"), IDS) == []


def test_2026_wants_the_order_of_the_truth(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_bytes(GOOD)
    turned = ("img2", "img1", "img3")
    assert submission.check(path, profile("imageclef2025"), turned) == []
    (fault,) = submission.check(path, profile("imageclef2026"), turned)
    assert (fault.line, fault.what) == (2, "'img1' stands where the truth has 'img2'")


def test_2026_wants_no_white_space_around_a_caption(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("ID,Caption\na,CT of a cyst \nb,x\n")
    assert [f.line for f in submission.check(path, profile("imageclef2026"))] == [2]
    assert submission.check(path, profile("imageclef2025")) == []


def test_a_comma_in_a_caption_wants_quotes(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text('ID,Caption\na,"CT, a cyst"\nb,CT, a cyst\n')
    (fault,) = submission.check(path, profile("imageclef2026"))
    assert (fault.line, fault.what) == (3, "3 columns, not 2")
    assert "double quotes" in fault.do


@pytest.mark.parametrize("sign", ["\n", "\u2028", "\x85", "\x0b"])
def test_a_line_break_in_a_caption_is_a_breach_whatever_sign_it_is(tmp_path: Path, sign: str) -> None:
    path = tmp_path / "p.csv"
    path.write_text(f'ID,Caption\na,"CT{sign}of a cyst"\nb,x\n', encoding="utf-8", newline="")
    faults = submission.check(path, profile("imageclef2025"))
    assert [f.line for f in faults] == [2]
    with pytest.raises(InvalidSubmission, match="line break"):
        evaluate_captions(path, {"a": "x", "b": "x"}, metrics=("rouge1",))


def test_a_zip_holds_submission_csv_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "s.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("submission.csv", GOOD)
    assert submission.check(path, profile("imageclef2026"), IDS) == []
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("readme.txt", b"x")
    assert "the zip holds submission.csv, readme.txt" in submission.check(path, profile("imageclef2026"), IDS)[0].what
    path.write_bytes(b"PK\3\4 and then nothing")
    assert "cannot be read" in submission.check(path, profile("imageclef2026"), IDS)[0].what


def test_a_zip_that_grows_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submission, "MOST_BYTES", 1000)
    path = tmp_path / "s.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("submission.csv", GOOD + b"x" * 5000)
    assert "larger than" in submission.check(path, profile("imageclef2026"), IDS)[0].what


@settings(max_examples=80)
@given(data=st.one_of(st.binary(max_size=80), st.text(max_size=80).map(lambda t: GOOD + t.encode("utf-8", "replace"))))
def test_whatever_the_bytes_there_is_a_score_or_a_reason(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "p.csv"
    path.write_bytes(data)
    for compat in (False, True):
        try:
            report = evaluate_concepts(path, dict.fromkeys(IDS, "C0040405"), compat=compat)
        except RocoError as err:
            assert str(path) in str(err)
        else:
            assert 0 <= report["f1"] <= 1
