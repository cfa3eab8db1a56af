"""Compares reading packages with roco and with `tarfile`: the same archives in turn, the same members hashed.

`python -m benchmarks.archives FOLDER` counts which tar.gz and zip files below a folder are rejected, and why.
"""

from __future__ import annotations

import hashlib
import statistics
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from roco.base.errors import RejectedInput
from roco.sources.archives.reader import open_tar_gz, open_zip

WANTED = (".nxml", ".jpg")
Reader = Callable[[Path], dict[str, str]]


def archives(corpora: Mapping[str, Path], repeats: int) -> list[str]:
    """Returns the section of docs/benchmarks.md; corpora: folders of packages, by what their members are."""
    lines = [
        "",
        "## Reading packages",
        "",
        "Packages of 4.6 MB; the SHA-256 of each XML and JPEG is computed. The readers take turns on each package, and",
        "all compute the same digests.",
        "",
    ]
    lines += ["| packages | reader | MB/s | seconds relative to roco | what it checks |", "|---|---|---|---|---|"]
    for title, source in corpora.items():
        paths = sorted(source.rglob("*.tar.gz"))[:60]
        found = _timed(paths, max(5, repeats))
        size = sum(p.stat().st_size for p in paths) / 1e6
        for name, (_, checks) in _READERS.items():
            rate = size / statistics.median(found[name])
            ratio = statistics.median(a / b for a, b in zip(found[name], found["roco"], strict=True))
            lines += [f"| {len(paths)} {title} | {name} | {rate:.0f} | {ratio:.2f} | {checks} |"]
    lines += [
        "",
        "Target: 1.3 times the speed of `tarfile` on incompressible members. JPEGs leave only Huffman codes of single",
        "bytes to gzip, where ISA-L is hardly faster than zlib: inflating is the limit, then SHA-256.",
    ]
    return lines


def _timed(paths: list[Path], repeats: int) -> dict[str, list[float]]:
    """Returns seconds per reader and repeat for all packages; readers alternate, so that noise affects all equally."""
    found: dict[str, list[float]] = {name: [] for name in _READERS}
    for repeat in range(repeats):
        spent = dict.fromkeys(_READERS, 0.0)
        for i, path in enumerate(paths):
            digests = {}
            names = list(_READERS)
            for name in names[(i + repeat) % 3 :] + names[: (i + repeat) % 3]:
                started = time.perf_counter()
                digests[name] = _READERS[name][0](path)
                spent[name] += time.perf_counter() - started
            assert all(d == digests["roco"] for d in digests.values()) and digests["roco"], path
        for name, seconds in spent.items():
            found[name].append(seconds)
    return found


def _roco(path: Path) -> dict[str, str]:
    with open_tar_gz(path) as archive:
        wanted = [name for name, _ in archive.files if name.endswith(WANTED)]
        return {name: hashlib.sha256(archive.read(name)).hexdigest() for name in wanted}


def _tarfile(mode: Literal["r:gz", "r|gz"]) -> Reader:
    def read(path: Path) -> dict[str, str]:
        found = {}
        with tarfile.open(path, mode) as tar:
            for member in tar:
                if member.isreg() and member.name.endswith(WANTED) and (file := tar.extractfile(member)):
                    found[member.name.partition("/")[2]] = hashlib.sha256(file.read()).hexdigest()
        return found

    return read


_READERS: dict[str, tuple[Reader, str]] = {
    "roco": (_roco, "CRC, length, every header, the end, names, links, limits"),
    "tarfile `r:gz`": (_tarfile("r:gz"), "headers, and the CRC if it reads that far"),
    "tarfile `r\\|gz`": (_tarfile("r|gz"), "headers"),
}

# Problems that `tarfile` ignores: data after the end, a missing end.
_END = ("data after the end of the archive", "gzip: data after the end", "the archive is truncated")


def refusals(folder: Path) -> Iterator[tuple[Path, str, bool]]:
    """Returns each rejected archive with the reason, and whether only its end is invalid, which `tarfile` accepts."""
    for path in _below(folder):
        try:
            with (open_zip if path.suffix == ".zip" else open_tar_gz)(path):
                pass
        except RejectedInput as err:
            yield path, err.message, err.message.startswith(_END) and _lists(path)


def _below(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.name.endswith((".tar.gz", ".tgz", ".zip")) and p.is_file())


def _lists(path: Path) -> bool:
    try:
        with tarfile.open(path, "r:gz") as tar:
            return bool(tar.getnames())
    except (tarfile.TarError, OSError, EOFError):
        return False


def main(folder: Path) -> None:
    found = list(refusals(folder))
    print(
        f"{len(_below(folder))} archives, {len(found)} rejected, {sum(e for *_, e in found)} only because of their end"
    )
    for reason, n in Counter(reason for _, reason, _ in found).most_common():
        print(f"{n:6} {reason}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
