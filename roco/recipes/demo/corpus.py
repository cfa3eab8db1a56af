"""Writes the demo corpus: some thirty made-up articles in both layouts of PubMed Central, with ground truth."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from roco.base.errors import DataError
from roco.base.files import write_text
from roco.base.install import pip_line
from roco.base.progress import NullProgress, Progress
from roco.recipes.demo import real_images
from roco.recipes.demo.articles import Article, Images, articles
from roco.recipes.demo.jats import jats
from roco.recipes.demo.readme import MARK, readme

TRUTH = ("pmcid", "fig_id", "file", "kind", "expect", "real_or_drawn")
INDEX = (
    "File",
    "Article Citation",
    "Accession ID",
    "Last Updated (YYYY-MM-DD HH:MM:SS)",
    "PMID",
    "License",
    "Retracted",
)
_CORPUS_FILE = re.compile(r"demo-.*|PMC990[0-9]{5}\..*|oa_file_list\.csv|truth\.csv|README\.md")
Files = dict[str, bytes]


class Summary(NamedTuple):
    """Numbers of articles, figures (rows of truth.csv) and real images that were written, and a hint for the user."""

    articles: int
    figures: int
    real: int
    hint: str


def write(folder: Path, recipe_text: str, seed: int = 1, progress: Progress | None = None) -> Summary:
    """Writes FOLDER/corpus and FOLDER/demo.toml; the same seed and packages give the same bytes.

    A corpus of a previous call is replaced; an existing demo.toml is kept. Raises DataError for a folder with any other
    content.
    """
    corpus, part = folder / "corpus", folder / ".corpus.part"
    _refuse_other_content(folder, corpus, part)
    shutil.rmtree(part, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    part.mkdir()  # now, so that a folder that cannot be written is reported at once
    images = Images(seed)
    corpus_articles = articles(seed, images)
    files = _all_files(corpus_articles, images, progress or NullProgress())
    xmls = [jats(article) for article in corpus_articles]
    _package(part / "package", corpus_articles, files, xmls, images)
    _cloud(part / "cloud", corpus_articles, files, xmls)
    rows = _truth(corpus_articles)
    _table(part / "truth.csv", TRUTH, rows)
    n_real = sum(row[-1] == "real" for row in rows)
    (part / "README.md").write_text(readme(seed, images.real), encoding="utf-8", newline="\n")
    if corpus.exists():
        shutil.rmtree(corpus)
    os.replace(part, corpus)  # noqa: PTH105 - whole or not at all
    if not (folder / "demo.toml").exists():
        write_text(folder / "demo.toml", recipe_text)
    missing = len(real_images.REAL) - len(images.real)
    hint = f"for {missing} real images: {pip_line('demo')}, then roco init again" if missing else ""
    return Summary(len(corpus_articles), len(rows), n_real, hint)


def _refuse_other_content(folder: Path, corpus: Path, part: Path) -> None:
    """Raises DataError for a folder that is neither empty nor contains a corpus of `roco init`."""
    if folder.exists() and not folder.is_dir():
        raise DataError(f"not a folder: {folder}", "name a new folder")
    readme_path = corpus / "README.md"
    is_demo = readme_path.is_file() and readme_path.read_text(encoding="utf-8", errors="replace").startswith(MARK)
    if folder.is_dir() and not is_demo and any(path != part for path in folder.iterdir()):
        raise DataError(
            f"folder not empty: {folder}", "name a new folder: roco init never overwrites or deletes other files"
        )
    # A corpus is replaced as a whole, so it must not contain files of the user.
    for path in sorted(corpus.rglob("*")):
        if not path.is_dir() and not _CORPUS_FILE.fullmatch(path.name):
            raise DataError(f"unexpected file in the demo corpus: {path}", "move it out of the corpus, then repeat")


def _all_files(corpus_articles: Sequence[Article], images: Images, progress: Progress) -> list[Files]:
    """Draws the images of all articles, which takes most of the time."""
    progress.start("articles", len(corpus_articles))
    files = []
    for article in corpus_articles:
        files.append(_files(article, images))
        progress.advance()
    return files


def _files(article: Article, images: Images) -> Files:
    """Returns the images of an article by file name, without those that should be missing."""
    out: Files = {}
    for fig in article.figs:
        for name, file in zip(fig.image, fig.files, strict=True):
            if fig.harm != "missing":
                out[file] = images.file(name, fig.suffix, fig.harm)
            if fig.where == "alternatives":
                out[file.rsplit(".", 1)[0] + ".tif"] = images.file(name, "tif")
    return out


def _package(
    root: Path, corpus_articles: Sequence[Article], files: Sequence[Files], xmls: Sequence[bytes], images: Images
) -> None:
    """Writes the layout until 2026: a tar.gz for each article in two hash-like folders, and the file list."""
    rows = []
    for article, images_of_article, xml in zip(corpus_articles, files, xmls, strict=True):
        place = hashlib.sha256(article.pmcid.encode()).hexdigest()
        path = root / "oa_package" / place[:2] / place[2:4] / f"{article.pmcid}.tar.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_tar_gz(article, {**images_of_article, **_thumbnails(article, images)}, xml))
        cited = f"{article.journal}. {article.year} {article.month:02}; {article.year - 2014}:e{article.number}"
        at = f"{article.year + 1}-{article.month:02}-17 06:24:10"
        row = (path.relative_to(root).as_posix(), cited, article.pmcid, at, article.pmcid[3:], article.license)
        rows.append((*row, "yes" if article.retracted else "no"))
    _table(root / "oa_file_list.csv", INDEX, rows)


def _thumbnails(article: Article, images: Images) -> Files:
    """Returns small GIFs of the images, as in many old packages."""
    whole = [f for f in article.figs if not f.harm and f.suffix != "mp4"] if article.number % 2 == 0 else []
    return {
        file.rsplit(".", 1)[0] + ".gif": images.thumbnail(name)
        for fig in whole
        for name, file in zip(fig.image, fig.files, strict=True)
    }


def _tar_gz(article: Article, files: Files, xml: bytes) -> bytes:
    """Returns a package without timestamps; a broken one is truncated before its XML."""
    members = {**files, f"demo-{article.number}.nxml": _truncated_if_broken(article, xml)}
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(f"{article.pmcid}/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    packed = gzip.compress(raw.getvalue(), 1, mtime=0)
    return packed[: len(packed) // 2] if article.broken == "archive" else packed


def _truncated_if_broken(article: Article, xml: bytes) -> bytes:
    return xml[: len(xml) * 2 // 3] if article.broken == "xml" else xml


def _cloud(root: Path, corpus_articles: Sequence[Article], files: Sequence[Files], xmls: Sequence[bytes]) -> None:
    """Writes the layout of the S3 bucket: a folder for each article version, with loose files and JSON metadata."""
    (root / "metadata").mkdir(parents=True)
    for article, images_of_article, xml in zip(corpus_articles, files, xmls, strict=True):
        key = f"{article.pmcid}.{article.version}"
        folder = root / key
        folder.mkdir()
        objects = {**images_of_article, f"{key}.xml": _truncated_if_broken(article, xml)}
        urls = {
            name: f"s3://pmc-oa-opendata/{key}/{name}?md5={hashlib.md5(data, usedforsecurity=False).hexdigest()}"
            for name, data in objects.items()
        }
        if article.broken == "archive":  # in this layout the XML is missing
            del objects[f"{key}.xml"]
        for name, data in objects.items():
            (folder / name).write_bytes(data)
        metadata = {
            "pmcid": article.pmcid, "version": article.version, "pmid": int(article.pmcid[3:]), "doi": article.doi,
            "title": article.title, "citation": f"{article.journal}. {article.year}", "is_pmc_openaccess": True,
            "is_manuscript": False, "is_historical_ocr": False, "is_retracted": article.retracted,
            "license_code": article.license, "xml_url": urls[f"{key}.xml"],
            "media_urls": [urls[name] for name in sorted(images_of_article)],
        }  # fmt: skip
        text = json.dumps(metadata, indent=1, ensure_ascii=False).encode()
        (folder / f"{key}.json").write_bytes(text)
        (root / "metadata" / f"{key}.json").write_bytes(text)


def _truth(corpus_articles: Sequence[Article]) -> list[tuple[str, ...]]:
    """Returns one row for each graphic, and one for an unreadable article."""
    rows: list[tuple[str, ...]] = []
    for article in corpus_articles:
        if article.broken:
            rows.append((article.pmcid, "", "", "broken " + article.broken, "article", "none"))
            continue
        for fig in article.figs:
            rows += [(article.pmcid, fig.id, file, fig.kind, fig.expect, fig.origin) for file in fig.files or ("",)]
    return rows


def _table(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as fh:
        writer = csv.writer(fh, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
