"""The checker reports file, line and remedy of every problem; a file without problems is scored as it is written."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roco import evaluate_captions, evaluate_concepts
from roco.base.errors import InvalidSubmission, RocoError
from roco.evaluate import prediction_file, submission
from roco.evaluate.profiles import PROFILES, profile

GOOD = b"ID,CUIs\nimg1,C0040405\nimg2,C0041618;C0000726\nimg3,\n"
IDS = ("img1", "img2", "img3")

PROBLEMS = {
    "bom": (b"\xef\xbb\xbf" + GOOD, 1, "byte order mark"),
    "other header": (GOOD.replace(b"CUIs", b"cuis"), 1, "unexpected header 'ID,cuis'"),
    "no header": (GOOD.partition(b"\n")[2], 1, "unexpected header 'img1,C0040405'"),
    "tab": (GOOD.replace(b",", b"\t"), 1, "separated by a tab"),
    "bar": (GOOD.replace(b",", b"|"), 1, "separated by a vertical bar"),
    "semicolon": (GOOD.replace(b",", b";"), 1, "separated by a semicolon"),
    "blank line": (GOOD.replace(b"img2", b"\nimg2"), 3, "blank line"),
    "blank end": (GOOD + b"\n", 5, "blank line"),
    "blanks": (GOOD.replace(b"img2", b"  \nimg2"), 3, "blank line"),
    "repeated header": (GOOD.replace(b"img2", b"ID,CUIs\nimg2"), 3, "repeated header"),
    "id alone": (GOOD.replace(b"img3,", b"img3"), 4, "only one column"),
    "three columns": (GOOD.replace(b"img3,", b"img3,,"), 4, "3 columns instead of 2"),
    "blank in id": (GOOD.replace(b"img3", b" img3"), 4, "white space around the id"),
    "no id": (GOOD.replace(b"img3", b""), 4, "empty id"),
    "unknown": (GOOD.replace(b"img3", b"img4"), 4, "unknown id 'img4'"),
    "ending": (GOOD.replace(b"img3", b"img3.jpg"), 4, "has a file extension"),
    "twice": (GOOD + b"img1,C0000726\n", 5, "duplicate id 'img1' (first in line 2)"),
    "missing": (GOOD.replace(b"img3,\n", b""), 0, "1 image is missing: img3"),
    "lower case": (GOOD.replace(b"C0040405", b"c0040405"), 2, "lower case"),
    "no CUI": (GOOD.replace(b"C0040405", b"CT"), 2, "'CT' is not a CUI"),
    "semicolon at the end": (GOOD.replace(b"0726", b"0726;"), 3, "trailing ';'"),
    "semicolon too many": (GOOD.replace(b";", b";;"), 3, "empty CUI before a ';'"),
    "blank in CUI": (GOOD.replace(b";", b"; "), 3, "white space around a CUI"),
    "CUI twice": (GOOD.replace(b"C0000726", b"C0041618"), 3, "duplicate CUI"),
    "101": (GOOD.replace(b"img3,", b"img3," + b";".join(b"C%07d" % n for n in range(101))), 4, "101 concepts"),
    "line break": (GOOD.replace(b"img3,", b'img3,"C1\nC2"'), 4, "line break within a cell"),
    "not UTF-8": (GOOD.replace(b"img3", b"\xff"), 4, "invalid UTF-8"),
    "NUL": (GOOD.replace(b"img3", b"img\0"), 4, "NUL"),
    "open quote": (GOOD + b'img4,"C1', 5, "invalid CSV"),
    "empty": (b"", 1, "unexpected header ''"),
}


@pytest.mark.parametrize("name", ["imageclef2025", "imageclef2026"])
@pytest.mark.parametrize(("data", "line", "message"), PROBLEMS.values(), ids=PROBLEMS)
def test_each_problem_has_its_line_and_prevents_scoring(
    tmp_path: Path, name: str, data: bytes, line: int, message: str
) -> None:
    path = tmp_path / "p.csv"
    path.write_bytes(data)
    problems = submission.check(path, profile(name), IDS, "concepts")
    assert [p for p in problems if message in p.what and p.line == line and p.remedy], problems
    truth = dict.fromkeys(IDS, "C0040405")
    with pytest.raises(InvalidSubmission) as err:
        evaluate_concepts(path, truth, profile_name=name)
    assert message in str(err.value) and str(path) in str(err.value)
    assert err.value.exit_code == 1 and err.value.faults


@pytest.mark.parametrize("name", PROFILES)
def test_a_valid_file_has_no_problems(tmp_path: Path, name: str) -> None:
    path = tmp_path / "p.csv"
    for data in (GOOD, GOOD.replace(b"\n", b"\r\n"), GOOD.removesuffix(b"\n")):
        path.write_bytes(data)
        assert submission.check(path, profile(name), IDS) == []


def test_2023_accepts_bars_and_tabs_if_the_header_has_them(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    for delimiter in (b"|", b"\t"):
        path.write_bytes(GOOD.replace(b",", delimiter))
        assert submission.check(path, profile("imageclef2023"), IDS) == []


def test_2026_requires_the_order_of_the_truth(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_bytes(GOOD)
    turned = ("img2", "img1", "img3")
    assert submission.check(path, profile("imageclef2025"), turned) == []
    (problem,) = submission.check(path, profile("imageclef2026"), turned)
    assert (problem.line, problem.what) == (2, "'img1' is in the place of 'img2'")


def test_2026_allows_no_white_space_around_a_caption(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("ID,Caption\na,CT of a cyst \nb,x\n")
    assert [p.line for p in submission.check(path, profile("imageclef2026"))] == [2]
    assert submission.check(path, profile("imageclef2025")) == []


def test_a_comma_in_a_caption_requires_quotes(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text('ID,Caption\na,"CT, a cyst"\nb,CT, a cyst\n')
    (problem,) = submission.check(path, profile("imageclef2026"))
    assert (problem.line, problem.what) == (3, "3 columns instead of 2")
    assert "double quotes" in problem.remedy


@pytest.mark.parametrize("separator", ["\n", "\u2028", "\x85", "\x0b"])
def test_every_line_separator_in_a_caption_is_a_problem(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "p.csv"
    path.write_text(f'ID,Caption\na,"CT{separator}of a cyst"\nb,x\n', encoding="utf-8", newline="")
    problems = submission.check(path, profile("imageclef2025"))
    assert [problem.line for problem in problems] == [2]
    with pytest.raises(InvalidSubmission, match="line break"):
        evaluate_captions(path, {"a": "x", "b": "x"}, metrics=("rouge1",))


def test_a_zip_contains_submission_csv_only(tmp_path: Path) -> None:
    path = tmp_path / "s.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("submission.csv", GOOD)
    assert submission.check(path, profile("imageclef2026"), IDS) == []
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("readme.txt", b"x")
    assert (
        "the zip contains submission.csv, readme.txt" in submission.check(path, profile("imageclef2026"), IDS)[0].what
    )
    path.write_bytes(b"PK\3\4 and then nothing")
    assert "cannot be read" in submission.check(path, profile("imageclef2026"), IDS)[0].what


def test_a_zip_whose_content_is_too_large_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction_file, "MAX_BYTES", 1000)
    path = tmp_path / "s.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("submission.csv", GOOD + b"x" * 5000)
    assert "larger than" in submission.check(path, profile("imageclef2026"), IDS)[0].what


@settings(max_examples=80)
@given(data=st.one_of(st.binary(max_size=80), st.text(max_size=80).map(lambda t: GOOD + t.encode("utf-8", "replace"))))
def test_any_bytes_give_a_score_or_an_error_that_names_the_file(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "p.csv"
    path.write_bytes(data)
    for compat in (False, True):
        try:
            report = evaluate_concepts(path, dict.fromkeys(IDS, "C0040405"), compat=compat)
        except RocoError as err:
            assert str(path) in str(err)
        else:
            assert 0 <= report["f1"] <= 1
