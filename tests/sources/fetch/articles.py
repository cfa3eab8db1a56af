"""Small articles with an image for a figure, one for a table, one for a supplement."""

from __future__ import annotations

import hashlib
from pathlib import Path

from roco.sources.fetch.plan import Options
from roco.sources.fetch.wants import Wants
from tests.bucket import Bucket

OLD, NEW = "2026-11-20T01-00Z", "2026-11-21T01-00Z"


def xml(pmcid: str, *figures: str, kind: str = "case-report", year: int = 2020, text: str = "") -> bytes:
    """An article with a figure for each name, a table and a supplement that are images too."""
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


def image(*words: object) -> bytes:
    """Bytes that stand for an image."""
    return b"\xff\xd8\xff" + b"".join(hashlib.sha256(f"{words} {i}".encode()).digest() for i in range(40))


def put(bucket: Bucket, key: str, text: str = "", **meta: object) -> None:
    """One version of an article with two figures."""
    pmcid = key.partition(".")[0]
    media = {
        "f1.jpg": image(pmcid, 1), "f2.jpg": image(pmcid, 2), "t1.jpg": image(pmcid, "t"), "s1.pdf": b"%PDF",
        "v1.mp4": b"video",
    }  # fmt: skip
    bucket.article(key, xml(pmcid, "f1.jpg", "f2", text=text), media, **meta)


def options(endpoint: str, *, packs: bool = False, ids: object = None, **wants: object) -> Options:
    return Options(
        endpoint=endpoint, contact="me@example.org", packs=packs, ids=ids, wants=Wants(**wants), connections=4  # type: ignore[arg-type]
    )  # fmt: skip


def tree(folder: Path) -> dict[str, bytes]:
    """All files but those of plan and receipts."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    named = {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}
    return {name: body for name, body in named.items() if not name.startswith("fetch/")}
