"""Writes tables in the format of UMLS with invented names: as many rows as UMLS has, from a seed.

python -m benchmarks.umls_tables FOLDER [ROWS]: MRCONSO.RRF and MRSTY.RRF; 15 million rows by default, some 1.7 GB.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path

ROWS = 15_000_000
SEED = 16
LANGUAGES = ("ENG",) * 14 + ("SPA", "FRE", "GER", "POR", "JPN", "DUT")
SOURCES = ("MTH", "MSH", "SNOMEDCT_US", "NCI", "LNC", "RXNORM", "ICD10CM", "MDR", "HPO", "CHV", "FMA", "OMIM")
TERM_TYPES = ("PT", "PT", "SY", "SY", "SY", "PN", "MH", "ET", "AB", "LLT")
SUPPRESS = ("N",) * 16 + ("O", "O", "Y", "E")
TYPES = ("T047", "T033", "T023", "T061", "T109", "T121", "T191", "T046", "T116", "T060")
SYLLABLES = (
    "car",
    "di",
    "o",
    "ne",
    "phro",
    "ste",
    "no",
    "sis",
    "tu",
    "mor",
    "al",
    "li",
    "ga",
    "ment",
    "ox",
    "y",
    "hep",
)


def main(folder: Path, rows: int = ROWS) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    n_concepts = 0
    with (folder / "MRCONSO.RRF").open("w", encoding="utf-8") as fh:
        for concept, line in _names(rows):
            fh.write(line)
            n_concepts = concept
    chance = random.Random(SEED + 1)
    with (folder / "MRSTY.RRF").open("w", encoding="utf-8") as fh:
        for number in range(1, n_concepts + 1):
            for tui in sorted(set(chance.choices(TYPES, k=1 + (chance.random() < 0.05)))):
                fh.write(f"C{number:07d}|{tui}|A1.2|Type {tui}|AT{number:08d}||\n")


def _names(rows: int) -> Iterator[tuple[int, str]]:
    """Yields the rows of MRCONSO.RRF, each with the number of its concept: 1 to 6 names a concept, 3.5 on average."""
    chance = random.Random(SEED)
    words = ["".join(chance.choices(SYLLABLES, k=chance.randint(1, 5))) for _ in range(60_000)]
    concept = left = 0
    for row in range(rows):
        if not left:
            concept, left = concept + 1, chance.randint(1, 6)
        left -= 1
        name = " ".join(chance.choices(words, k=chance.randint(1, 7)))
        draw = chance.random()
        ts, stt, preferred = "PS"[draw < 0.5], ("PF", "VO")[draw < 0.3], "YN"[draw < 0.4]
        language, sab, tty = LANGUAGES[int(draw * 20)], SOURCES[row % 12], TERM_TYPES[row % 10]
        suppress = SUPPRESS[row % 20]
        ids = f"L{row:08d}|{stt}|S{row:08d}|{preferred}|A{row:08d}||M{concept:07d}|D{row % 99_999:06d}"
        atom = f"{sab}|{tty}|D{row % 99_999:06d}|{name}|{row % 5}|{suppress}|256|"
        yield concept, f"C{concept:07d}|{language}|{ts}|{ids}|{atom}\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else ROWS)
