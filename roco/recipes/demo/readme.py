"""The README of the demo corpus: which images are drawn, which are real, and where the real ones come from."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import metadata

from roco.recipes.demo.real_images import REAL

MARK = "# The demo corpus of roco"
"""The first line, by which the next `roco init` recognizes a corpus that it may replace."""

TEXT = """{mark}

Written by `roco init` with seed {seed}. Articles, authors, findings and all identifiers are made up: the PMCIDs and
PMIDs from 99000001 on are not in use, and 10.5555 is the DOI prefix for examples.

- `package/`: the layout of PMC until 2026, `oa_package/xx/yy/PMCn.tar.gz` and `oa_file_list.csv`
- `cloud/`: the same articles in the layout of PMC's S3 bucket, `PMCn.v/` with XML, JSON and images
- `truth.csv`: the kind of each image and its expected result: `keep`, or the reason for dropping it; the gate drops
  charts, photographs and compound figures as `gate`

## Drawn

The images marked PHANTOM, the charts, the table, the portrait and the formula were drawn for this corpus and are CC0.
They show no person. The guideline of the paper (Table S14) labels phantoms OTHER; here they are labelled as the
examinations that they imitate. The filters learned from real images, and drop some of these drawings as
`not_radiology`.

## Real

{real}"""

WITH_REAL_IMAGES = """From {packages}; windowed, cropped and scaled down.
They are public samples for testing DICOM software.
The articles around them are made up, including their licence: do not redistribute these images under it.

| image | file | origin, according to the package |
|---|---|---|
{rows}"""

WITHOUT_REAL_IMAGES = "None: install the extra `[demo]` and run `roco init` again.\n"


def readme(seed: int, names: Iterable[str]) -> str:
    """Returns the README of a corpus; names: its real images."""
    rows = "".join(f"| `{name}` | {REAL[name].package}/{REAL[name].file} | {REAL[name].origin} |\n" for name in names)
    packages = " and ".join(filter(None, map(_package, ("pydicom", "pydicom-data"))))
    return TEXT.format(
        mark=MARK,
        seed=seed,
        real=WITH_REAL_IMAGES.format(packages=packages, rows=rows) if rows else WITHOUT_REAL_IMAGES,
    )


def _package(name: str) -> str:
    """Returns name, version and licence of an installed package; both packages have the MIT licence."""
    try:
        return f"{name} {metadata.version(name)} (MIT licence)"
    except metadata.PackageNotFoundError:
        return ""
