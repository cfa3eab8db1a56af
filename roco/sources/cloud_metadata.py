"""Reads the metadata (JSON) of one version of an article in PMC's cloud bucket: status, licence, media and their MD5.

`cloud.py` uses it to list a source, `sources/fetch/` to plan and check downloads. A key is a version: `PMC123.2`.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote

from roco.base.errors import RejectedInput
from roco.base.ids import PMCID, VERSION, clean_pmcid
from roco.base.json_text import parse_json

METADATA = 1 << 20
"""Limit for the bytes of one metadata file; published ones have a few thousand."""
TEXT = 4000
"""Limit for the characters of one value; a longer one counts as missing."""

KEY = re.compile(rf"({PMCID})\.({VERSION})")
"""Pattern of a key: PMCID and version."""
ALMOST = re.compile(r"PMC[0-9]+(?:\.[0-9]*)?", re.IGNORECASE)
"""Pattern of names that look like a misspelt key."""

_WHOLE_NUMBER = re.compile(r"([0-9]{1,15})(?:\.0+)?")
_IN_URL = re.compile(rf"/({PMCID})\.({VERSION})/")
_MD5 = re.compile(r"[0-9a-f]{32}")
_LARGEST_NUMBER = 10**15
# Names of facts -> names in the metadata.
_TEXTS = {"pmid": "pmid", "doi": "doi", "mid": "mid", "title": "title", "citation": "citation",
          "license": "license_code"}  # fmt: skip
_FLAGS = {"open_access": "is_pmc_openaccess", "manuscript": "is_manuscript", "ocr": "is_historical_ocr",
          "retracted": "is_retracted"}  # fmt: skip
_FLAG_WORDS = dict.fromkeys(("true", "yes", "y", "t", "1"), True) | dict.fromkeys(("false", "no", "n", "f", "0"), False)


class Version(NamedTuple):
    """One version of an article.

    media: names of the media that the metadata list, None without a list; content: digest of the file that represents
    the version, its metadata or else its XML, so that a change is detected
    """

    number: int
    facts: dict[str, Any]
    media: list[str] | None
    content: str | None


def version_of(key: str, meta: Mapping[str, Any] | None, content: str | None) -> Version:
    """Returns a version with the facts of its metadata; without metadata, only with those in its name."""
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
    """Returns a version whose metadata cannot be read."""
    pmcid, _, number = key.partition(".")
    return Version(int(number), {"pmcid": pmcid, "version": int(number), "error": error}, None, None)


def read_metadata(data: bytes, key: str) -> dict[str, Any]:
    """Parses the metadata of a key; raises RejectedInput if they are invalid, too large or of another key."""
    if len(data) > METADATA:
        raise RejectedInput(f"metadata: more than {METADATA} bytes")
    try:
        meta = parse_json(data, object_pairs_hook=_without_duplicates, parse_constant=lambda _: None)
    except ValueError as err:
        raise RejectedInput("metadata: not JSON") from err
    if not isinstance(meta, dict):
        raise RejectedInput("metadata: not a JSON object")
    _check_key(meta, key)
    return meta


def _check_key(meta: Mapping[str, Any], key: str) -> None:
    """Raises RejectedInput unless pmcid, version and xml_url, as far as they exist, agree with the key."""
    url = meta.get("xml_url")
    in_url = _IN_URL.search(url) if isinstance(url, str) else None
    url_key = f"{in_url[1]}.{in_url[2]}" if in_url else ""
    url_version = in_url[2] if in_url else ""

    # Both may be missing, then the URL must have them; the pmcid may have the version after a dot.
    pmcid, pmcid_version = clean_pmcid(_text(meta.get("pmcid")) or url_key)
    written_version = _text(meta.get("version"))
    if not written_version:
        written_version = url_version if pmcid_version is None else str(pmcid_version)
    version = _WHOLE_NUMBER.fullmatch(written_version)
    if not pmcid or not version:
        raise RejectedInput("metadata: no article or no version")

    contradicts_itself = pmcid_version is not None and pmcid_version != int(version[1])
    if f"{pmcid}.{int(version[1])}" != key or contradicts_itself:
        raise RejectedInput("metadata: of another article or version")
    if in_url and url_key != key:
        raise RejectedInput("metadata: xml_url is of another article or version")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise RejectedInput("metadata: duplicate key")
    return values


def worth(version: Version) -> tuple[int, int]:
    """Returns a sort key; the largest is the version to use.

    Open access and published counts most, then an open manuscript or scan, then anything; of equal ones the newest. A
    version without metadata counts as open.
    """
    facts = version.facts
    is_open = "error" not in facts and facts.get("open_access", True) is True
    if not is_open:
        return 0, version.number
    is_published = not (facts.get("manuscript") or facts.get("ocr"))
    return (2 if is_published else 1), version.number


def article_facts(versions: Sequence[Version]) -> tuple[Version, dict[str, Any]]:
    """Returns the version that represents an article, and its facts, with the state of all versions.

    versions: of one article, the newest first.
    """
    chosen = max(versions, key=worth)
    facts = dict(chosen.facts)
    facts["versions"] = [{"version": version.number, "state": state(version.facts)} for version in versions]
    # A retraction of a later version counts for the article, even if that version is closed.
    if any(version.facts.get("retracted") for version in versions if version.number > chosen.number):
        facts["retracted"] = True
    if chosen.media is not None:
        facts["media"] = len(chosen.media)
    return chosen, facts


def absent_media(media: Sequence[str], present: Container[str]) -> list[str]:
    """Returns the media of an article's metadata that are not among the files of its folder."""
    return [name for name in media if name not in present and unquote(name) not in present]


def state(facts: Mapping[str, Any]) -> str:
    """Returns the status of a version in a few words: `open`, `closed manuscript`, `open retracted`."""
    if "error" in facts:
        return f"unreadable, {facts['error']}"
    open_access = facts.get("open_access")
    if open_access is None:
        access = "access unknown"
    else:
        access = "open" if open_access else "closed"
    flags = [flag for flag in ("manuscript", "ocr", "retracted") if facts.get(flag)]
    return " ".join([access, *flags])


def _text(value: Any) -> str | None:
    """Returns a string, or a whole number as one; None for anything else and for what is too long."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    if isinstance(value, int) and value > _LARGEST_NUMBER:
        return None
    # Half surrogates, which JSON can contain, cannot be encoded; they become question marks.
    text = str(value).encode(errors="replace").decode().strip()
    return text if 0 < len(text) <= TEXT else None


def _flag(value: Any) -> bool | None:
    """Returns a flag written as a boolean, as 0 or 1, or in words; None for anything else."""
    if isinstance(value, str):
        return _FLAG_WORDS.get(value.strip().lower())
    if isinstance(value, bool | int | float) and value in (0, 1):
        return bool(value)
    return None


def md5s(key: str, meta: Mapping[str, Any]) -> dict[str, str]:
    """Returns the MD5 of each object by its name, as written and percent-decoded.

    An ETag of an upload in parts, such as `…-2`, is not an MD5 and is skipped.
    """
    urls = meta.get("media_urls")
    by_name: dict[str, str] = {}
    for name, md5 in objects(key, [*(urls if isinstance(urls, list) else []), meta.get("xml_url")]):
        if _MD5.fullmatch(md5):
            by_name.setdefault(unquote(name), md5)
            by_name[name] = md5
    return by_name


def objects(key: str, urls: Sequence[Any]) -> Iterator[tuple[str, str]]:
    """Yields name and MD5 of the objects of one version, from URLs such as `s3://…/PMC1.1/f1.jpg?md5=…`."""
    for url in urls:
        rest = url.partition(f"/{key}/")[2] if isinstance(url, str) else ""
        name, question_mark, query = rest.rpartition("?")
        is_query = question_mark and "=" in query
        if not is_query:  # the question mark is part of the name
            name, query = rest, ""
        if name:
            values = dict(part.partition("=")[::2] for part in query.split("&"))
            yield name.encode(errors="replace").decode(), values.get("md5", "").strip().lower()
