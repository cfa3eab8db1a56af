"""Writes the demo corpus: some thirty made-up articles in both layouts of PubMed Central, and the truth about them."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from roco.base.errors import DataError
from roco.base.files import write_text
from roco.recipes.demo import real
from roco.recipes.demo.cast import Article, Images, articles
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
Files = dict[str, bytes]


class Summary(NamedTuple):
    """What was written: numbers of articles, figures (rows of truth.csv) and real images among them, and a hint."""

    articles: int
    figures: int
    real: int
    hint: str


def write(folder: Path, recipe_text: str, seed: int = 1) -> Summary:
    """Writes FOLDER/corpus and FOLDER/demo.toml; the same seed and packages give the same bytes.

    A corpus that an earlier call wrote is replaced, a demo.toml that stands there is kept. Raises DataError for a
    folder that holds anything else.
    """
    corpus, part = folder / "corpus", folder / ".corpus.part"
    _check(folder, corpus, part)
    shutil.rmtree(part, ignore_errors=True)
    images = Images(seed)
    cast = articles(seed, images)
    files = [_files(article, images) for article in cast]
    xmls = [jats(article) for article in cast]
    _package(part / "package", cast, files, xmls, images)
    _cloud(part / "cloud", cast, files, xmls)
    rows = _truth(cast)
    _table(part / "truth.csv", TRUTH, rows)
    real_ones = sum(row[-1] == "real" for row in rows)
    (part / "README.md").write_text(readme(seed, images.real), encoding="utf-8", newline="\n")
    if corpus.exists():
        shutil.rmtree(corpus)
    os.replace(part, corpus)  # noqa: PTH105 - whole or not at all
    if not (folder / "demo.toml").exists():
        write_text(folder / "demo.toml", recipe_text)
    missing = len(real.REAL) - len(images.real)
    hint = f"{missing} real images more: pip install 'roco-radiology[demo]', then init again" if missing else ""
    return Summary(len(cast), len(rows), real_ones, hint)


def _check(folder: Path, corpus: Path, part: Path) -> None:
    """Refuses a folder with anything in it, unless a corpus of ours is there."""
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder} is a file", "name a folder that does not exist yet")
    about = corpus / "README.md"
    ours = about.is_file() and about.read_text(encoding="utf-8", errors="replace").startswith(MARK)
    if folder.is_dir() and not ours and any(path != part for path in folder.iterdir()):
        raise DataError(
            f"{folder} is not empty", "name a new folder: the demo corpus is only written where nothing is lost"
        )


def _files(article: Article, images: Images) -> Files:
    """The images of an article by name, those that are missing left out."""
    out: Files = {}
    for fig in article.figs:
        for name, file in zip(fig.image, fig.files, strict=True):
            if fig.harm != "missing":
                out[file] = images.file(name, fig.suffix, fig.harm)
            if fig.where == "alternatives":
                out[file.rsplit(".", 1)[0] + ".tif"] = images.file(name, "tif")
    return out


def _package(
    root: Path, cast: Sequence[Article], files: Sequence[Files], xmls: Sequence[bytes], images: Images
) -> None:
    """The layout up to 2026: a tar.gz for each article in two folders that follow from nothing, and the file list."""
    rows = []
    for article, found, xml in zip(cast, files, xmls, strict=True):
        place = hashlib.sha256(article.pmcid.encode()).hexdigest()
        path = root / "oa_package" / place[:2] / place[2:4] / f"{article.pmcid}.tar.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_tar_gz(article, {**found, **_thumbnails(article, images)}, xml))
        cited = f"{article.journal}. {article.year} {article.month:02}; {article.year - 2014}:e{article.number}"
        at = f"{article.year + 1}-{article.month:02}-17 06:24:10"
        row = (path.relative_to(root).as_posix(), cited, article.pmcid, at, article.pmcid[3:], article.license)
        rows.append((*row, "yes" if article.retracted else "no"))
    _table(root / "oa_file_list.csv", INDEX, rows)


def _thumbnails(article: Article, images: Images) -> Files:
    """Small GIFs beside the images, as many old packages have them."""
    whole = [f for f in article.figs if not f.harm and f.suffix != "mp4"] if article.number % 2 == 0 else []
    return {
        file.rsplit(".", 1)[0] + ".gif": images.thumbnail(name)
        for fig in whole
        for name, file in zip(fig.image, fig.files, strict=True)
    }


def _tar_gz(article: Article, files: Files, xml: bytes) -> bytes:
    """A package without any time in it; a broken one is cut before its XML."""
    members = {**files, f"demo-{article.number}.nxml": _maybe_cut(article, xml)}
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(f"{article.pmcid}/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    packed = gzip.compress(raw.getvalue(), 1, mtime=0)
    return packed[: len(packed) // 2] if article.broken == "archive" else packed


def _maybe_cut(article: Article, xml: bytes) -> bytes:
    return xml[: len(xml) * 2 // 3] if article.broken == "xml" else xml


def _cloud(root: Path, cast: Sequence[Article], files: Sequence[Files], xmls: Sequence[bytes]) -> None:
    """The layout of the cloud bucket: a folder for each article version, its objects loose, and JSON metadata."""
    (root / "metadata").mkdir(parents=True)
    for article, found, xml in zip(cast, files, xmls, strict=True):
        key = f"{article.pmcid}.{article.version}"
        folder = root / key
        folder.mkdir()
        objects = {**found, f"{key}.xml": _maybe_cut(article, xml)}
        address = {
            name: f"s3://pmc-oa-opendata/{key}/{name}?md5={hashlib.md5(data, usedforsecurity=False).hexdigest()}"
            for name, data in objects.items()
        }
        if article.broken == "archive":  # here it shows as an article whose XML never arrived
            del objects[f"{key}.xml"]
        for name, data in objects.items():
            (folder / name).write_bytes(data)
        said = {
            "pmcid": article.pmcid, "version": article.version, "pmid": int(article.pmcid[3:]), "doi": article.doi,
            "title": article.title, "citation": f"{article.journal}. {article.year}", "is_pmc_openaccess": True,
            "is_manuscript": False, "is_historical_ocr": False, "is_retracted": article.retracted,
            "license_code": article.license, "xml_url": address[f"{key}.xml"],
            "media_urls": [address[name] for name in sorted(found)],
        }  # fmt: skip
        text = json.dumps(said, indent=1, ensure_ascii=False).encode()
        (folder / f"{key}.json").write_bytes(text)
        (root / "metadata" / f"{key}.json").write_bytes(text)


def _truth(cast: Sequence[Article]) -> list[tuple[str, ...]]:
    """One row for each graphic, and one for an article that cannot be read; `later:` is a reason of stages to come."""
    rows: list[tuple[str, ...]] = []
    for article in cast:
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
