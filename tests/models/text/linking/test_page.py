"""The code and the commands of docs/linkers.md do what the page shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from roco.models.text.linking.medcat import LONGEST, NEGATED, UNCERTAIN
from roco.models.text.linking.open import OPTIONS

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "linkers.md").read_text(encoding="utf-8")
COMMANDS = [
    found
    for block in re.findall(r"^```console\n(.*?)^```$", PAGE, re.M | re.S)
    for found in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.M)
]


def test_the_linker_on_the_page_prints_what_it_shows(tmp_path: Path) -> None:
    (module,) = re.findall(r"^```python\n(# my_linker\.py.*?)^```$", PAGE, re.M | re.S)
    (tmp_path / "my_linker.py").write_text(module, encoding="utf-8")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for command, output in COMMANDS:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": path}
        done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, env=environment)
        assert done.stdout == output, done.stderr
    assert len(COMMANDS) == 3


def test_the_table_from_mrconso_has_the_current_concepts_of_snomed(tmp_path: Path) -> None:
    (command,) = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.M | re.S)
    row = "C0024109|ENG|P|L0024109|PF|S0057884|Y|A1|1|39607008||{}|PT|39607008|Lung structure|9|{}|256|\n"
    other = row.replace("39607008", "D008168")
    rows = [row.format("SNOMEDCT_US", "N")] * 2 + [row.format("SNOMEDCT_US", "O"), other.format("MSH", "N")]
    (tmp_path / "MRCONSO.RRF").write_text("".join(rows), encoding="utf-8")
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True)
    assert (tmp_path / "snomed_to_cui.csv").read_text() == "snomed,cui\n39607008,C0024109\n"


def test_the_page_lists_the_linkers_and_the_values_of_metacat() -> None:
    assert re.findall(r"^\| `(\w+)` \| [^|]*\| [^|]* \|$", PAGE, re.M) == list(OPTIONS)
    rows = re.findall(r"^\| (Negation|Presence|Status|Certainty) \| (.*?) ?\| (.*?) ?\|$", PAGE, re.M)
    for at, values in ((1, NEGATED), (2, UNCERTAIN)):
        shown = {row[0].lower(): set(row[at].lower().split(", ")) for row in rows if row[at]}
        assert shown == values
    assert f"{LONGEST:,} characters" in PAGE


@pytest.mark.parametrize("word", ["A model pack is code", "only packs that you made or got from someone you trust"])
def test_the_page_warns_that_packs_are_code(word: str) -> None:
    assert word in " ".join(PAGE.split())
