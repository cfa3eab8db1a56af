"""Logs of JSON lines: what is not a record of the log is ignored, and done again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from roco.sources.fetch.json_log import JsonLog, read_log
from roco.sources.fetch.outcomes import OUTCOMES, Outcomes
from roco.sources.fetch.pubmed.answers import ANSWERS, Answers
from roco.sources.fetch.selection import Selection

RECORD = ["1", 1, "PMC1", "MEDLINE", [["D016428", "Journal Article"]], [["D000001", "Lung", True, []]]]
JUNK = [b"x", b"[1]", b"{", b"7", b"\xff", b"[" * 100_000, b'{"key": ' + b"[" * 100_000]


def test_lines_that_are_no_records_are_ignored(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"\n".join([b'{"key": "a"}', *JUNK, b'{"other": 1}', b'{"key": "b"}', b'{"key": "c']))
    assert list(read_log(path, lambda record: str(record["key"]))) == ["a", "b"]


@pytest.mark.parametrize(
    "line",
    [{"missing": 1}, {"missing": ["2"], "records": 7}, {"records": [RECORD[:-1]]}, {"records": [["x", *RECORD[1:]]]},
     {"records": [["1", "1", *RECORD[2:]]]}, {"records": [[*RECORD[:-1], [["D000001", "Lung", True]]]]},
     {"records": [[*RECORD[:-1], [[["D000001"], "Lung", True, []]]]]}, {"pmids": [1]}, {"pmids": {"PMC1": 10**30}}],
)  # fmt: skip
def test_an_answer_of_other_values_is_requested_again_and_the_others_are_used(tmp_path: Path, line: object) -> None:
    good = {"time": "2026-11-30", "source": "s", "records": [RECORD], "pmids": {"PMC2": "2"}}
    (tmp_path / ANSWERS).write_text(f"{json.dumps(line)}\n{json.dumps(good)}\n")
    answers = Answers(tmp_path)
    stored = answers.record("1")
    assert stored is not None and stored.record is not None and stored.record.mesh[0].name == "Lung"
    assert answers.pmid_of("PMC2") == "2"
    assert answers.record("2") is None and not answers.knows_pmid_of("PMC1")


def test_an_outcome_of_other_values_is_ignored(tmp_path: Path) -> None:
    outcomes = Outcomes(tmp_path, Selection())
    outcomes.add_unavailable(1, "a", "status 404")
    outcomes.close()
    (line,) = (tmp_path / OUTCOMES).read_text().splitlines()
    for change in ({"article": [1]}, {"article": None}, {"outcome": None}):
        JsonLog(tmp_path / OUTCOMES).append(json.loads(line) | change)
    log = tmp_path / OUTCOMES
    log.write_text(log.read_text() + line.replace('"reason"', '"because"') + "\n")
    assert Outcomes(tmp_path, Selection()).find(1, "a") is not None
