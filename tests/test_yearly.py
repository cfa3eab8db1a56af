"""The next release, on real images: 150 composed articles grow to 200, and some of the old ones have changed."""

from __future__ import annotations

import csv
import functools
import gzip
import io
import itertools
import json
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import pytest
from PIL import Image

import roco
from roco.models.images.hashes import phash, phash_fine, small

pytestmark = [pytest.mark.shared, pytest.mark.slow]

Row = dict[str, Any]
Members = dict[str, bytes]


class Year(NamedTuple):
    """Both releases, and the articles that changed between them."""

    old: Path
    new: Path
    changed: list[str]
    retracted: list[str]
    relicensed: list[str]
    bridging: dict[str, list[str]]  # article -> its two images that are near-duplicates of images in train and test


def packages(source: Path) -> dict[str, Path]:
    return {path.name.partition(".")[0]: path for path in sorted(source.rglob("*.tar.gz"))}


def rewrite(path: Path, change: Callable[[Members], Members]) -> None:
    """Rewrites a package with changed members and without their dates."""
    with tarfile.open(path) as archive:
        members = {m.name: (archive.extractfile(m) or io.BytesIO()).read() for m in archive.getmembers()}
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, body in change(members).items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    path.write_bytes(gzip.compress(raw.getvalue(), mtime=0))


def in_xml(path: Path, old: bytes, new: bytes, count: int = 1) -> None:
    def change(members: Members) -> Members:
        (name,) = (n for n in members if n.endswith(".nxml"))
        assert old in members[name]
        return members | {name: members[name].replace(old, new, count)}

    rewrite(path, change)


def index(source: Path, change: Callable[[Row], Row | None]) -> None:
    path = source / "oa_file_list.csv"
    with path.open(encoding="utf-8", newline="") as fh:
        rows = list(csv.DictReader(fh))
    with path.open("w", encoding="utf-8", newline="") as fh:
        writer = csv.DictWriter(fh, rows[0].keys())
        writer.writeheader()
        writer.writerows(row for row in map(change, rows) if row)


def near_duplicate(data: bytes) -> bytes:
    """Returns a crop of an image that is a near-duplicate of it, but no duplicate."""
    image = Image.open(io.BytesIO(data))
    first = small(image)
    assert first is not None
    for cut in range(1, 30):
        dx, dy = (max(1, round(side * cut / 400)) for side in image.size)
        out = io.BytesIO()
        image.crop((dx, dy, image.width - dx, image.height - dy)).save(out, "JPEG", quality=90)
        other = small(Image.open(io.BytesIO(out.getvalue())))
        assert other is not None
        bits = [(int(h(first), 16) ^ int(h(other), 16)).bit_count() for h in (phash, phash_fine)]
        if bits[1] > 50 and bits[0] <= 6 and bits[1] <= 120:
            return out.getvalue()
    pytest.fail("no crop is a near-duplicate")


def run(root: Path, name: str, source: Path, previous: str = "") -> Path:
    more = f'previous = "{previous}"\n' if previous else ""
    recipe = root / f"{name}.toml"
    recipe.write_text(
        f'[run]\nfolder = "{name}"\nbase = "rocov2"\n{more}[source]\nkind = "package"\npath = "{source.name}"\n'
    )
    roco.load_recipe(recipe).run(workers=0)
    return root / name / "release"


def figures(release: Path) -> list[Row]:
    rows: list[Row] = pq.read_table(release / "figures.parquet").to_pylist()
    return rows


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Year:
    root = tmp_path_factory.mktemp("year")
    tool = shared / "tools" / "compose_packages.py"
    command = [sys.executable, tool, root / "all", "--articles", "200", "--seed", "11", "--layout", "package"]
    subprocess.run(command, check=True, capture_output=True)
    source = root / "articles"
    shutil.copytree(root / "all" / "package", source)
    every = packages(source)
    fresh = sorted(every)[150:]
    for pmcid in fresh:
        every[pmcid].unlink()
    index(source, lambda row: None if row["Accession ID"] in fresh else row)
    old = run(root, "first", source)

    shutil.rmtree(source)
    shutil.copytree(root / "all" / "package", source)
    every = packages(source)
    released = figures(old)
    articles = sorted({row["article_key"] for row in released})
    changed, retracted, relicensed = articles[:5], articles[5:8], articles[8:11]
    rest = [
        row
        for row in released
        if row["article_key"] in articles[11:] and row["width"] > 200 and row["format"] == "JPEG"
    ]
    for pmcid in changed:
        in_xml(every[pmcid], b"</article-title>", b", corrected</article-title>")
        in_xml(every[pmcid], b"</p></caption>", b" Seen again on another day.</p></caption>", -1)
    for pmcid in retracted:
        in_xml(every[pmcid], b"<article-title>", b"<article-title>RETRACTED: ")
    for pmcid in relicensed:
        rewrite(every[pmcid], lambda members: {n: _shut(b) if n.endswith(".nxml") else b for n, b in members.items()})
    index(source, lambda row: row | {"License": "CC BY-ND"} if row["Accession ID"] in relicensed else row)
    bridging = dict(_bridge(old, every, fresh, rest))
    return Year(old, run(root, "second", source, "first/release"), changed, retracted, relicensed, bridging)


def _shut(xml: bytes) -> bytes:
    return re.sub(rb"licenses/by(-nc)?/", rb"licenses/by-nd/", re.sub(rb"CC BY(-NC)?\b", b"CC BY-ND", xml))


def _bridge(old: Path, every: dict[str, Path], fresh: list[str], rest: list[Row]) -> Iterator[tuple[str, list[str]]]:
    """Gives each of two new articles a near-duplicate of an image in train and of one in test."""
    donors = {split: [row for row in rest if row["split"] == split] for split in ("train", "test")}
    fitting = (pmcid for pmcid in fresh if len(_images(every[pmcid])) >= 2)
    for pmcid in itertools.islice(fitting, 2):
        names = _images(every[pmcid])[:2]
        bodies = [near_duplicate(_bytes(old, donors[split].pop(0))) for split in ("train", "test")]
        caption = f"<caption><p>Axial CT of patient {pmcid} shows a nodule.</p></caption>".encode()
        rewrite(every[pmcid], functools.partial(_with_images, caption, dict(zip(names, bodies, strict=True))))
        yield pmcid, [name.rpartition("/")[2] for name in names]


def _with_images(caption: bytes, images: Members, members: Members) -> Members:
    (name,) = (n for n in members if n.endswith(".nxml"))
    return members | {name: re.sub(rb"<caption>.*?</caption>", caption, members[name])} | images


def _images(path: Path) -> list[str]:
    """Returns the images of a package with an open licence."""
    with tarfile.open(path) as archive:
        names = archive.getnames()
        xml = (archive.extractfile(next(n for n in names if n.endswith(".nxml"))) or io.BytesIO()).read()
    is_open = re.search(rb"licenses/by(-nc)?/", xml) and b"RETRACTED" not in xml
    return sorted(n for n in names if n.endswith(".jpg")) if is_open else []


def _bytes(release: Path, row: Row) -> bytes:
    with zipfile.ZipFile(release / f"{row['split']}_images.zip") as archive:
        return archive.read(f"{row['split']}/{row['id']}.jpg")


# --- both releases ------------------------------------------------------------------------------------------------


def test_both_releases_are_valid_and_without_leakage(year: Year) -> None:
    for release in (year.old, year.new):
        assert roco.verify(release) == []
        assert set(json.loads((release / "leakage.json").read_text()).values()) == {0}


def test_kept_images_keep_id_and_split(year: Year) -> None:
    old, new = ({row["image_key"]: row for row in figures(release)} for release in (year.old, year.new))
    out = {*year.retracted, *year.relicensed}
    kept = {key for key, row in old.items() if row["article_key"] not in out}
    assert len(old) > len(kept) > 100
    assert {key: (new[key]["id"], new[key]["split"]) for key in kept} == {
        key: (old[key]["id"], old[key]["split"]) for key in kept
    }
    assert not {row["id"] for row in old.values()} & {row["id"] for key, row in new.items() if key not in old}


def test_retracted_and_relicensed_images_have_a_tombstone(year: Year) -> None:
    with (year.new / "tombstones.csv").open(encoding="utf-8", newline="") as fh:
        found = {row["ID"]: (row["Article"], row["Reason"]) for row in csv.DictReader(fh)}
    why = dict.fromkeys(year.retracted, "retracted") | dict.fromkeys(year.relicensed, "license")
    dropped = {row["id"]: row["article_key"] for row in figures(year.old) if row["article_key"] in why}
    assert found == {id: (article, why[article]) for id, article in dropped.items()}


def test_one_of_two_images_that_would_connect_two_splits_is_dropped(year: Year) -> None:
    leaks = {(r["article_key"], r["file"]) for r in pq.read_table(year.new / "removed.parquet").to_pylist()
            if r["drop"] == "leak"}  # fmt: skip
    assert len(year.bridging) == 2
    for article, (one, other) in year.bridging.items():
        assert len({(article, one), (article, other)} & leaks) == 1
    assert {article for article, _ in leaks} == year.bridging.keys()


def test_the_difference_lists_every_change(year: Year) -> None:
    found = roco.diff(year.old, year.new)
    old = figures(year.old)
    assert found.moved_splits == found.renamed == found.reused == []
    assert {one.article for one in found.removed} == {*year.retracted, *year.relicensed}
    assert Counter(one.reason for one in found.removed) == Counter(
        "retracted" if row["article_key"] in year.retracted else "license"
        for row in old
        if row["article_key"] in (*year.retracted, *year.relicensed)
    )
    captions = {row["id"]: row["article_key"] for row in old}
    assert {captions[one.id] for one in found.changed if one.column == "caption"} == set(year.changed)
    assert found.images["both"] + len(found.added) == found.images["new"] == len(figures(year.new))


def test_verify_reports_the_images_of_listed_retracted_papers(year: Year, tmp_path: Path) -> None:
    listed = tmp_path / "retracted.txt"
    listed.write_text("\n".join(year.retracted) + "\n")
    found = roco.verify(year.old, retracted=[listed])
    ids = {row["id"] for row in figures(year.old) if row["article_key"] in year.retracted}
    assert {problem.where.rpartition(" ")[2] for problem in found} == ids
    assert roco.verify(year.new, retracted=[listed]) == []
