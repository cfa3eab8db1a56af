"""croissant.json of a deposit: describes the files of a release at the addresses that they get when it is published."""

from __future__ import annotations

import dataclasses

from roco.release.export.croissant import croissant, croissant_text
from roco.release.export.rows import ReleaseRows
from roco.release.hubs.package import RELEASE, Package


def deposited_croissant(package: Package, record: str, doi: str, date: str) -> str | None:
    """Returns the text of the croissant.json of a deposited release; None for an export, which has other files.

    record: the address of the published record. Readers cache files under their address, so it must differ between two
    versions. date: of publication. The files that carry the DOI are none of those that are described: their checksums
    are those of the release.
    """
    if package.format != RELEASE:
        return None
    rows = ReleaseRows(package.folder)
    try:
        about = dataclasses.replace(package.metadata, doi=doi, date=date)
        return croissant_text(croissant(rows, f"{record}/files", page=record, about=about))
    finally:
        rows.close()
