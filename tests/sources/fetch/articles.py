"""Small articles with two figures, an image of a table, a supplement and a video."""

from __future__ import annotations

import hashlib
from pathlib import Path

from roco.sources.fetch.plan import Options
from roco.sources.fetch.selection import Selection
from tests.bucket import Bucket

OLD, NEW = "2026-11-20T01-00Z", "2026-11-21T01-00Z"
"""Dates of two snapshots."""


def xml(pmcid: str, *figures: str, kind: str = "case-report", year: int = 2020, text: str = "") -> bytes:
    """Returns an article with one figure for each file name, and a table and a supplement that are files, too."""
    figs = "".join(
        f'<fig id="f{i}"><caption><p>Chest CT {i} of {pmcid}.</p></caption><graphic xlink:href="{name}"/></fig>'
        for i, name in enumerate(figures, 1)
    )
    return (
        f'<article xmlns:xlink="http://www.w3.org/1999/xlink" article-type="{kind}"><front><article-meta>'
        f'<article-id pub-id-type="pmc">{pmcid.removeprefix("PMC")}</article-id>'
        f'<pub-date pub-type="epub"><year>{year}</year></pub-date></article-meta></front><body><p>{text}</p>{figs}'
        '<table-wrap id="t1"><graphic xlink:href="t1.jpg"/></table-wrap>'
        '<supplementary-material xlink:href="s1.pdf"/><media xlink:href="v1.mp4"/></body></article>'
    ).encode()


def image(*seed: object) -> bytes:
    """Returns bytes that begin like a JPEG and differ for each seed."""
    return b"\xff\xd8\xff" + b"".join(hashlib.sha256(f"{seed} {i}".encode()).digest() for i in range(40))


def put(bucket: Bucket, key: str, text: str = "", **metadata: object) -> None:
    """Uploads one version of an article with two figures."""
    pmcid = key.partition(".")[0]
    media = {
        "f1.jpg": image(pmcid, 1), "f2.jpg": image(pmcid, 2), "t1.jpg": image(pmcid, "t"), "s1.pdf": b"%PDF",
        "v1.mp4": b"video",
    }  # fmt: skip
    bucket.put_article(key, xml(pmcid, "f1.jpg", "f2", text=text), media, **metadata)


def options(endpoint: str, *, packs: bool = False, ids: object = None, **selection: object) -> Options:
    return Options(
        endpoint=endpoint, contact="me@example.org", packs=packs, ids=ids, connections=4,  # type: ignore[arg-type]
        selection=Selection(**selection),  # type: ignore[arg-type]
    )  # fmt: skip


def files_of(folder: Path) -> dict[str, bytes]:
    """Returns all files of the articles, by path; without the plan, the metadata cache and the receipts."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    return {name: body for name, body in files.items() if not name.startswith("fetch/")}
