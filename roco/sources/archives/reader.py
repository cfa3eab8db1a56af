"""The names that the rest of the package imports from this folder, and the function that opens any archive."""

from __future__ import annotations

from pathlib import Path

from roco.base.errors import RejectedInput
from roco.base.terminal import quoted
from roco.sources.archives.archive import Archive
from roco.sources.archives.inflate import inflate
from roco.sources.archives.limits import STANDARD, Limits
from roco.sources.archives.names import (
    article_xmls,
    is_archive,
    is_article,
    is_packing_list,
    is_xml,
    is_zip,
    tar_codec,
    unread_format,
    xml_codec,
)
from roco.sources.archives.tar_file import open_tar, open_tar_gz
from roco.sources.archives.zip import open_zip

__all__ = [
    "STANDARD", "Archive", "Limits", "article_xmls", "inflate", "is_archive", "is_article", "is_packing_list", "is_xml",
    "open_archive", "open_tar_gz", "open_zip", "unread_format", "xml_codec",
]  # fmt: skip


def open_archive(path: Path, limits: Limits = STANDARD) -> Archive:
    """Opens a zip or a tar, by its name; raises RejectedInput if it is invalid or exceeds a limit."""
    if is_zip(path.name):
        return open_zip(path, limits)
    codec = tar_codec(path.name)
    if codec is None:
        raise RejectedInput(f"{quoted(path.name)} is not an archive that is read")
    return open_tar(path, codec, limits)
