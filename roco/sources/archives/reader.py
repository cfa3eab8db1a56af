"""The names that the rest of the package imports from this folder."""

from __future__ import annotations

from roco.sources.archives.archive import Archive, article_xmls, is_xml
from roco.sources.archives.limits import STANDARD, Limits
from roco.sources.archives.tar_gz import open_tar_gz
from roco.sources.archives.zip import open_zip

__all__ = ["STANDARD", "Archive", "Limits", "article_xmls", "is_xml", "open_tar_gz", "open_zip"]
