"""What PMC's metadata say of one version of an article: its standing, its licence, its media and their MD5."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote

from roco.base.errors import RejectedInput
from roco.base.ids import PMCID, VERSION, clean_pmcid

METADATA = 1 << 20
"""Bytes of metadata that are read at most; what is published has a few thousand."""
TEXT = 4000
"""Characters of one value that are believed; a longer one is unknown."""

KEY = re.compile(rf"({PMCID})\.({VERSION})")
"""The name of a version: PMCID and number."""
ALMOST = re.compile(r"PMC[0-9]+(?:\.[0-9]*)?", re.IGNORECASE)
"""What is named about like a version."""

_WHOLE = re.compile(r"([0-9]{1,15})(?:\.0+)?")
_IN_URL = re.compile(rf"/({PMCID})\.({VERSION})/")
_MD5 = re.compile(r"[0-9a-f]{32}")
_MOST = 10**15
_TEXTS = {"pmid": "pmid", "doi": "doi", "mid": "mid", "title": "title", "citation": "citation",
          "license": "license_code"}  # fmt: skip
_FLAGS = {"open_access": "is_pmc_openaccess", "manuscript": "is_manuscript", "ocr": "is_historical_ocr",
          "retracted": "is_retracted"}  # fmt: skip
_WORDS = dict.fromkeys(("true", "yes", "y", "t", "1"), True) | dict.fromkeys(("false", "no", "n", "f", "0"), False)


class Version(NamedTuple):
    """One version of an article; media: names of the objects they list, null where they list none.

    content: digest of what stands for the version, so that a change of it is noticed.
    """

    number: int
    facts: dict[str, Any]
    media: list[str] | None
    content: str | None


def version_of(key: str, meta: Mapping[str, Any] | None, content: str | None) -> Version:
    """What the metadata of `PMC1.2` say; without metadata there is nothing but its name."""
    pmcid, _, number = key.partition(".")
    facts: dict[str, Any] = {"pmcid": pmcid, "version": int(number)}
    if meta is None:
        return Version(int(number), facts, None, content)
    facts |= {name: _text(meta.get(written)) for name, written in _TEXTS.items()}
    facts |= {name: _flag(meta.get(written)) for name, written in _FLAGS.items()}
    urls = meta.get("media_urls")
    media = sorted({name for name, _ in objects(key, urls)}) if isinstance(urls, list) else None
    return Version(int(number), facts, media, content)


def unread_version(key: str, error: str) -> Version:
    """A version whose metadata cannot be read."""
    pmcid, _, number = key.partition(".")
    return Version(int(number), {"pmcid": pmcid, "version": int(number), "error": error}, None, None)


def read_metadata(data: bytes, key: str) -> dict[str, Any]:
    """Parses the metadata of the version `PMC1.2`; raises RejectedInput if it is invalid, too large or another's."""
    if len(data) > METADATA:
        raise RejectedInput(f"metadata: more than {METADATA} bytes")
    try:
        meta = json.loads(data, object_pairs_hook=_once, parse_constant=lambda _: None)
    except (ValueError, RecursionError) as err:
        raise RejectedInput("metadata: no JSON") from err
    if not isinstance(meta, dict):
        raise RejectedInput("metadata: no JSON object")
    url = meta.get("xml_url")
    link = _IN_URL.search(url) if isinstance(url, str) else None
    pmcid, numbered = clean_pmcid(_text(meta.get("pmcid")) or (f"{link[1]}.{link[2]}" if link else ""))
    of_pmcid = "" if numbered is None else str(numbered)
    version = _WHOLE.fullmatch(_text(meta.get("version")) or of_pmcid or (link[2] if link else ""))
    if not pmcid or not version:
        raise RejectedInput("metadata: they do not say of which article and version")
    if f"{pmcid}.{int(version[1])}" != key or (numbered is not None and numbered != int(version[1])):
        raise RejectedInput("metadata: of another article or version")
    if link and f"{link[1]}.{link[2]}" != key:
        raise RejectedInput("metadata: their xml_url is of another article or version")
    return meta


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise RejectedInput("metadata: a key stands twice")
    return found


def worth(version: Version) -> tuple[int, int]:
    """Open access and published first, then an open manuscript or scan, then whatever is newest.

    Without metadata there is nothing that speaks against a version.
    """
    facts = version.facts
    is_open = "error" not in facts and facts.get("open_access", True) is True
    return is_open * (2 - bool(facts.get("manuscript") or facts.get("ocr"))), version.number


def state(facts: Mapping[str, Any]) -> str:
    """What a version is, in a few words: `open`, `closed manuscript`, `open retracted`."""
    if "error" in facts:
        return f"unreadable, {facts['error']}"
    access = {True: "open", False: "closed"}.get(facts.get("open_access"), "untold")  # type: ignore[arg-type]
    return " ".join([access, *(flag for flag in ("manuscript", "ocr", "retracted") if facts.get(flag))])


def _text(value: Any) -> str | None:
    """A string, or a whole number as one; null for anything else and for what is too long."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int) or (isinstance(value, int) and value > _MOST):
        return None
    text = str(value).encode(errors="replace").decode().strip()
    return text if 0 < len(text) <= TEXT else None


def _flag(value: Any) -> bool | None:
    if isinstance(value, str):
        return _WORDS.get(value.strip().lower())
    return bool(value) if isinstance(value, bool | int | float) and value in (0, 1) else None


def md5s(key: str, meta: Mapping[str, Any]) -> dict[str, str]:
    """MD5 of each object by its name in the folder; a tag such as `…-2`, of an upload in pieces, is none."""
    media = meta.get("media_urls")
    found: dict[str, str] = {}
    for name, md5 in objects(key, [*(media if isinstance(media, list) else []), meta.get("xml_url")]):
        if _MD5.fullmatch(md5):
            found.setdefault(unquote(name), md5)
            found[name] = md5
    return found


def objects(key: str, urls: Sequence[Any]) -> Iterator[tuple[str, str]]:
    """Name and MD5 of the objects of one version, from addresses such as `s3://…/PMC1.1/f1.jpg?md5=…`."""
    for url in urls:
        rest = url.partition(f"/{key}/")[2] if isinstance(url, str) else ""
        name, mark, query = rest.rpartition("?")
        if not mark or "=" not in query:  # the question mark is the name's own
            name, query = rest, ""
        if name:
            values = dict(part.partition("=")[::2] for part in query.split("&"))
            yield name.encode(errors="replace").decode(), values.get("md5", "").strip().lower()
