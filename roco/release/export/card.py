"""What every export states about its release: licences by image, where its numbers come from, files of the release."""

from __future__ import annotations

import functools
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from roco.base.readers import read_text
from roco.base.schema import SPLITS
from roco.base.version import __version__
from roco.release.export.engine import PlannedFile, Writing
from roco.release.export.rows import FIELDS, LicenseCount, ReleaseRows
from roco.release.format import (
    ATTRIBUTION,
    CARD,
    CHECKSUMS,
    CITATION,
    CUI_MAPPING,
    DATASHEET,
    DROPPED,
    FUNNEL,
    LEAKAGE,
    LICENSES,
    METADATA,
    SELECT,
    TOMBSTONES,
)

LICENSE_TEXT = "LICENSES.md"

COPIED = (
    ATTRIBUTION,
    LICENSES,
    CUI_MAPPING,
    CITATION,
    DATASHEET,
    FUNNEL,
    LEAKAGE,
    DROPPED,
    TOMBSTONES,
    METADATA,
    SELECT,
)
"""Files of the release that every export contains unchanged."""

_LICENSES = """\
# Licences

Each image and its caption keep the licence of their article. `attribution.csv` gives title, authors, source, licence
and copyright of every image. The images are unchanged: their bytes are those that the publisher distributes. Captions
are tidied: white space is normalised, and addresses and invisible characters are removed.

{table}
{note}"""

_NON_COMMERCIAL = """
{n:,} of {all:,} images are under a licence that excludes commercial use. The dataset as a whole must not be used
commercially; the other images may be.
"""

_PROVENANCE = """\
This folder was written by `roco export` (roco {version}) from a release of roco, whose `{checksums}` has the SHA-256
`{digest}`. Each image was compared with its SHA-256 in the release. Every number on this page is counted from the
files of that release: images, splits, licences and labels from `figures.parquet`, and the figures that each stage
dropped from `funnel.json`.
"""


def copied_files(rows: ReleaseRows) -> list[PlannedFile]:
    """Returns the files of the release that an export contains as they are."""
    return [copied(rows, name, name) for name in COPIED if rows.sha256(name)]


def copied(rows: ReleaseRows, name: str, target: str) -> PlannedFile:
    """Returns a file that is a copy of a file of the release; name: in the release; target: in the export."""
    return PlannedFile(target, 0, functools.partial(_copy, rows, name))


def text_file(name: str, text: str) -> PlannedFile:
    """Returns a file with a text."""
    return PlannedFile(name, 0, functools.partial(_write, text))


def license_file(rows: ReleaseRows) -> PlannedFile:
    """Returns LICENSES.md: the number of images under each licence and version."""
    totals = rows.totals
    restricted = sum(n for (license, _), n in totals.licenses.items() if "NC" in license.license)
    note = _NON_COMMERCIAL.format(n=restricted, all=totals.n_images) if restricted else ""
    return text_file(LICENSE_TEXT, _LICENSES.format(table=license_table(rows), note=note))


def license_table(rows: ReleaseRows) -> str:
    """Returns a table of the images under each licence and version, by split."""
    counts: dict[LicenseCount, Counter[str]] = {}
    for (license, split), n in rows.totals.licenses.items():
        counts.setdefault(license, Counter())[split] += n
    lines = ["| licence | address | " + " | ".join(SPLITS) + " | all |", "|---|---|" + "--:|" * (len(SPLITS) + 1)]
    for license, by_split in sorted(counts.items()):
        address = f"<{license.address}>" if license.address else "not stated"
        numbers = [*(by_split[split] for split in SPLITS), by_split.total()]
        lines.append(_row([license.words, address, *(f"{n:,}" for n in numbers)]))
    totals = [*(rows.totals.images[split] for split in SPLITS), rows.totals.n_images]
    lines.append(_row(["all", "", *(f"{n:,}" for n in totals)]))
    return "\n".join(lines) + "\n"


def field_table(names: Sequence[str] | None = None) -> str:
    """Returns a table in Markdown that says what each field means."""
    lines = ["| field | meaning |", "|---|---|"]
    lines += [_row([f"`{name}`", FIELDS[name].meaning]) for name in names or FIELDS]
    return "\n".join(lines) + "\n"


def provenance(rows: ReleaseRows) -> str:
    """Returns where the numbers of an export come from."""
    return _PROVENANCE.format(version=__version__, checksums=CHECKSUMS, digest=rows.digest)


def title(rows: ReleaseRows) -> str:
    """Returns the title of the release."""
    if rows.metadata.title:
        return rows.metadata.title
    for line in _card(rows):
        if line.startswith("# "):
            return line.removeprefix("# ").strip()
    return "Radiology images, captions and concepts"


def release_sections(rows: ReleaseRows) -> str:
    """Returns the card of the release from its numbers on: without title and list of files, which an export has not."""
    sections: list[list[str]] = []
    for line in _card(rows):
        if line.startswith("## "):
            sections.append([])
        if sections:
            sections[-1].append(line)
    wanted = [section for section in sections if section[0] != "## Files"]
    return "\n".join("\n".join(section).strip() + "\n" for section in wanted)


def _card(rows: ReleaseRows) -> Iterator[str]:
    """Yields the lines of the release's card below its front matter."""
    if not rows.sha256(CARD):
        return
    lines = iter(read_text(rows.file(CARD)).split("\n"))
    first = next(lines)
    if first != "---":
        yield first
    else:
        for line in lines:
            if line == "---":
                break
    yield from lines


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _copy(rows: ReleaseRows, name: str, part: Path, writing: Writing) -> None:
    shutil.copyfile(rows.file(name), part)


def _write(text: str, part: Path, writing: Writing) -> None:
    part.write_text(text, encoding="utf-8", newline="\n")
