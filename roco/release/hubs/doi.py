"""Writes a reserved DOI into the texts that are sent, and seals their checksums again.

The changed files are copies beside the export: the export and the release stay as their own checksums state.
"""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from roco.base.errors import DataError
from roco.base.files import write_json, write_text
from roco.base.json_text import parse_json
from roco.base.readers import UNREADABLE, read_text
from roco.base.text import yaml_string
from roco.release.format import CARD, CITATION, CROISSANT, METADATA
from roco.release.hubs.package import EXPORT_RECORD, LocalFile, Package, local_file

COPIES = "files"
"""The folder of the changed copies, in the folder of the upload."""


def with_doi(package: Package, doi: str, beside: Path, croissant: str | None = None) -> Package:
    """Returns the package with a DOI in README.md, CITATION.cff, metadata.json and croissant.json.

    beside: folder of the upload; the changed copies are written to its folder `files`. croissant: the text of a
    croissant.json with the DOI, which is added to the package. Repeating it gives the same bytes. Raises DataError if
    the package has another DOI.
    """
    check_doi(package, doi)
    copies = beside / COPIES
    # Copies of an earlier export would be sent in place of files that have changed since.
    shutil.rmtree(copies, ignore_errors=True)
    changed: dict[str, LocalFile] = {}

    def change(name: str, text: str) -> None:
        write_text(copies / name, text)
        changed[name] = local_file(copies, name)

    edits: dict[str, Callable[[str, str], str]] = {CARD: _card, CITATION: _citation, METADATA: _metadata}
    for name, edit in edits.items():
        file = package.file(name)
        if file is not None:
            change(name, edit(_read(file.path), doi))
    # After the others: it contains their checksums.
    present = package.file(CROISSANT)
    if croissant is not None:
        change(CROISSANT, croissant)
    elif present is not None:
        change(CROISSANT, _croissant(_read(present.path), doi, changed))
    _seal(package, changed, copies)
    changed[package.seal] = local_file(copies, package.seal)
    metadata = dataclasses.replace(package.metadata, doi=doi)
    return dataclasses.replace(package, files=_replaced(package, changed), metadata=metadata)


def check_doi(package: Package, doi: str) -> None:
    """Raises DataError if the package has another DOI than the given one; empty for one that is not reserved yet."""
    present = package.metadata.doi
    if present is not None and present != doi:
        raise DataError(
            f"{package.folder} has the DOI {present} already" + (f", not {doi}" if doi else ""),
            "leave `doi` out of [release] in the recipe: a DOI is reserved when the release is published",
        )


def _read(path: Path) -> str:
    try:
        return read_text(path)
    except UNREADABLE as err:
        raise DataError(f"unreadable file: {path}", "run the same roco export again") from err


def _card(text: str, doi: str) -> str:
    """Returns a card with the DOI below its first heading."""
    if doi in text:
        return text
    line = f"DOI: [{doi}](https://doi.org/{doi})"
    front, body = _split_front_matter(text)
    heading = re.search(r"^# .*$", body, re.M)
    if heading is None:
        return f"{front}{line}\n\n{body}"
    return f"{front}{body[: heading.end()]}\n\n{line}{body[heading.end() :]}"


def _split_front_matter(text: str) -> tuple[str, str]:
    """Returns the YAML at the beginning of a card with its two fences, and what follows."""
    match = re.match(r"---\n.*?^---\n", text, re.M | re.S)
    return (match[0], text[match.end() :]) if match else ("", text)


def _citation(text: str, doi: str) -> str:
    """Returns a CITATION.cff with the DOI of the dataset; the DOIs of its references are indented."""
    if re.search(r"^doi:", text, re.M):
        return text
    line = f"doi: {yaml_string(doi)}\n"
    authors = re.search(r"^authors:", text, re.M)
    return f"{text[: authors.start()]}{line}{text[authors.start() :]}" if authors else f"{text}{line}"


def _metadata(text: str, doi: str) -> str:
    return _json({**parse_json(text), "doi": doi})


def _croissant(text: str, doi: str, changed: dict[str, LocalFile]) -> str:
    """Returns a croissant.json with the DOI in `sameAs`, and with the checksums of the files that were changed."""
    try:
        data: dict[str, Any] = parse_json(text)
        same = data.get("sameAs", [])
        known = [same] if isinstance(same, str) else list(same)
        address = f"https://doi.org/{doi}"
        if address not in known:
            data["sameAs"] = [*known, address]
        for entry in data.get("distribution", []):
            file = changed.get(str(entry.get("contentUrl", "")).rpartition("/")[2])
            if file is not None and "sha256" in entry:
                entry["sha256"] = file.sha256
                if "contentSize" in entry:
                    entry["contentSize"] = f"{file.size} B"
    except (ValueError, AttributeError, TypeError) as err:
        raise DataError(f"{CROISSANT} is invalid", "run the same roco export again") from err
    return _json(data, sort=False)


def _seal(package: Package, changed: dict[str, LocalFile], copies: Path) -> None:
    """Writes export.json, or the checksums of a release, with the checksums of the changed files."""
    if package.seal == EXPORT_RECORD:
        record = parse_json(_read(package.folder / EXPORT_RECORD))
        for name, file in changed.items():
            record["files"][name] |= {"bytes": file.size, "sha256": file.sha256}
        write_json(copies / package.seal, record)
        return
    files = [file for file in _replaced(package, changed) if file.name != package.seal]
    write_text(copies / package.seal, "".join(f"{file.sha256}  {file.name}\n" for file in files))


def _replaced(package: Package, changed: Mapping[str, LocalFile]) -> tuple[LocalFile, ...]:
    """Returns the files of a package in the order of their names, some of them replaced or added."""
    files = {**{file.name: file for file in package.files}, **changed}
    return tuple(files[name] for name in sorted(files))


def _json(value: Any, sort: bool = True) -> str:
    return json.dumps(value, indent=1, sort_keys=sort, ensure_ascii=False) + "\n"
