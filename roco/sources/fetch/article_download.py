"""Downloads one article: its XML first, then the images of its own figures, all into a staging folder."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from roco.sources.archives.reader import STANDARD
from roco.sources.cloud_metadata import md5s, read_metadata, version_of
from roco.sources.fetch.articles_folder import ArticlesFolder
from roco.sources.fetch.client import BucketClient
from roco.sources.fetch.errors import ObjectUnavailable
from roco.sources.fetch.figure_files import figure_files, parse_article
from roco.sources.fetch.receipts import Receipts
from roco.sources.fetch.selection import Exclusion, Selection, judge_xml


class ArticleToDownload(NamedTuple):
    """An article of the plan.

    metadata: of each of its versions, by version; chosen: the version that represents it; pack: number of its pack.
    """

    number: int
    metadata: Mapping[str, bytes]
    chosen: str
    pack: int | None

    @property
    def metadata_sha256(self) -> dict[str, str]:
        return {key: hashlib.sha256(body).hexdigest() for key, body in self.metadata.items()}


class ArticleResult(NamedTuple):
    """exclusion: why the XML excluded the article, null if it was downloaded; missing_images: not in the bucket."""

    exclusion: Exclusion | None
    missing_images: int = 0


class ArticleDownloader:
    """Downloads articles into the staging folder and moves complete ones into the folder of articles.

    file_done: called with the size of each downloaded file.
    """

    def __init__(
        self,
        articles: ArticlesFolder,
        client: BucketClient,
        receipts: Receipts,
        selection: Selection,
        file_done: Callable[[int], None],
    ) -> None:
        self._articles = articles
        self._client = client
        self._receipts = receipts
        self._selection = selection
        self._file_done = file_done

    def download(self, article: ArticleToDownload) -> ArticleResult:
        """Downloads one article; raises ObjectUnavailable or DownloadFailed where it cannot be completed."""
        staged = self._articles.staging / f"PMC{article.number}"
        _stage_metadata(staged, article.metadata)
        metadata = read_metadata(article.metadata[article.chosen], article.chosen)
        version = version_of(article.chosen, metadata, None)
        expected_md5s = md5s(article.chosen, metadata)

        xml_name = f"{article.chosen}.xml"
        xml_path = self._download_file(staged, article.chosen, xml_name, expected_md5s, STANDARD.xml)
        parsed = parse_article(xml_path.read_bytes(), f"PMC{article.number}")
        if parsed is not None:
            exclusion = judge_xml(parsed, version.facts, self._selection)
            if exclusion is not None:
                shutil.rmtree(staged)
                return ArticleResult(exclusion)

        # An article whose XML is unreadable is kept without images: the run drops it with the reason.
        names = figure_files(parsed, version.media or ()) if parsed is not None else []
        missing_images = 0
        for name in names:
            try:
                self._download_file(staged, article.chosen, name, expected_md5s, STANDARD.member)
            except ObjectUnavailable as err:
                self._receipts.unavailable(f"{article.chosen}/{name}", err.status)
                missing_images += 1
        self._move_in(staged)
        return ArticleResult(None, missing_images)

    def _download_file(self, staged: Path, key: str, name: str, expected_md5s: Mapping[str, str], limit: int) -> Path:
        """Returns a file in the staging folder; downloads it unless it is there, or in the folder of articles."""
        path = staged / key / name
        expected = expected_md5s.get(name)
        if path.exists():
            if expected is None or _md5(path.read_bytes()) == expected:
                return path
            path.unlink()
        if expected is not None:
            present = self._articles.read_file(key, name)
            if present is not None and _md5(present) == expected:
                _write(path, present)
                return path
        got = self._client.get(
            f"{key}/{name}", limit=limit, md5=expected, path=path, before_rename=self._receipts.downloaded
        )
        self._file_done(got.size)
        return path

    def _move_in(self, staged: Path) -> None:
        """Moves a complete article to its place, and adds a receipt for each file that this removes."""
        for partial in staged.glob("*/.*"):  # of an image that is no longer in the bucket
            partial.unlink()
        for version in sorted(staged.iterdir()):
            names = {file.name for file in version.iterdir()}
            for name in sorted(self._articles.file_names(version.name) - names):
                self._receipts.removed(f"{version.name}/{name}")
        self._receipts.sync()
        self._articles.move_in(staged)


def _stage_metadata(staged: Path, metadata: Mapping[str, bytes]) -> None:
    """Creates the staging folder of an article, or resumes one that was created for the same metadata."""
    present = {path.stem: path.read_bytes() for path in staged.glob("*/*.json") if path.stem == path.parent.name}
    if present == metadata:
        return
    if staged.exists():
        shutil.rmtree(staged)
    for key, body in metadata.items():
        (staged / key).mkdir(parents=True)
        _write(staged / key / f"{key}.json", body)


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.whole")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)  # noqa: PTH105 - the tests that kill a process patch os.replace
