"""The README of the demo corpus: what in it is drawn, what is real, and where the real comes from."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import metadata

from roco.recipes.demo.real import REAL

MARK = "# The demo corpus of roco"
"""The first line, by which a later call knows the folder for its own."""

TEXT = """{mark}

Written by `roco init` with seed {seed}. Articles, authors, findings and all identifiers are made up: PMCIDs and
PMIDs from 99000001 on were never given to anyone, and DOIs begin with 10.5555, which is kept for examples.

- `package/`: the layout up to 2026, `oa_package/xx/yy/PMCn.tar.gz` and `oa_file_list.csv`
- `cloud/`: the same articles as in the cloud bucket, `PMCn.v/` with XML, JSON and images
- `truth.csv`: what each image is and what becomes of it: `keep`, or the reason why it leaves, or `later:REASON` where
  only a stage that is still to come can see it

## Drawn

The images marked PHANTOM, the charts, the table, the portrait and the formula were drawn for this corpus and are CC0.
They show nobody. By the guideline of the paper (Table S14) a phantom is labelled OTHER; here phantoms stand for
the examinations that they look like.

## Real

{real}"""

FOUND = """Read from {packages}; windowed, cropped and made smaller.
They are public samples for testing DICOM software.
The articles around them are made up, their licence included: do not pass these images on under it.

| image | file | origin, as far as the package tells it |
|---|---|---|
{rows}"""

NONE = "None: install the extra `[demo]` and write the corpus again.\n"


def readme(seed: int, found: Iterable[str]) -> str:
    """The text for a corpus that holds the named real images."""
    rows = "".join(f"| `{name}` | {REAL[name].package}/{REAL[name].file} | {REAL[name].origin} |\n" for name in found)
    packages = " and ".join(filter(None, map(_package, ("pydicom", "pydicom-data"))))
    return TEXT.format(mark=MARK, seed=seed, real=FOUND.format(packages=packages, rows=rows) if rows else NONE)


def _package(name: str) -> str:
    """Name, version and licence of an installed package; both are under the MIT licence."""
    try:
        return f"{name} {metadata.version(name)} (MIT licence)"
    except metadata.PackageNotFoundError:
        return ""
